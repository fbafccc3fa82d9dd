// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

/// The rows in which the files of this folder list their aliases. Everything that knows models by
/// name reads them: programs and completion (registry.hpp), tests, and, before anything is
/// compiled, cmake/variants.cmake for ARVIT_MODELS and ./demo.
namespace arvit {

/// What is known of a model besides its type.
struct VariantInfo {
  std::string_view name;
  std::int64_t parameters = 0;
  /// The row of a paper's table, or what else it is; docs/variants.md says the same.
  std::string_view stands_for;
};

/// The same with the type: VariantRow<SAIM_B16>{"SAIM_B16", 175'424'256, "Table 1: the method"}.
/// Names the model and instantiates nothing of it.
template <class M> struct VariantRow : VariantInfo { using Model = M; };

/// The rows of one file.
template <class... Models> struct VariantRows {
  std::array<VariantInfo, sizeof...(Models)> infos;
  constexpr VariantRows(const VariantRow<Models>&... rows) : infos{rows...} {}
};

}  // namespace arvit
