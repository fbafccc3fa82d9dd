// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/variants/variant_rows.hpp"

/// All variants by name, for programs that hold only some of them as types.
namespace arvit {

/// The variants of one file of this folder, under the heading that docs/variants.md gives them.
struct VariantFamily {
  std::string_view title;
  std::span<const VariantInfo> variants;
};
std::span<const VariantFamily> variant_families();

/// Their names, in the order of the families.
std::vector<std::string> variant_names();

/// What --list-models prints: the models of a program, then all others, and how to build them in.
std::string model_list_text(std::span<const VariantInfo> built_in);

/// Throws OptionError for a model that a program does not hold: for one of arvit's how to build it
/// in, else which names exist and how a model of one's own gets there. `file`: the checkpoint that
/// names it; "": the user does.
[[noreturn]] void fail_missing_model(std::string_view name, std::string_view file,
                                     std::span<const std::string> built_in);

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/variants/impl/registry.ipp"
#endif
