// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/weights/key_layout.hpp"

/// Encoders under the names of other programs. Positions, which are fixed here, are a tensor there.
namespace arvit {

/// All that are known.
std::span<const KeyLayout> key_layouts();
/// The one of this name.
const KeyLayout& key_layout_from(std::string_view name);

/// Writes a pretrainer's encoder with its final norm, and where the layout knows one an MAE's
/// decoder too. `parameters`: all of the model's. Where no decoder of the model applies the final
/// norm, it is written as the identity. A layout's config.json is written beside the file.
void export_model(const std::filesystem::path& path, const KeyLayout& layout,
                  const ModelDescription& model, std::span<const float> parameters);

/// What the other program must be told, for nothing in such a file says it: an epsilon of norms
/// that is not its own. "" for nothing.
std::string left_unsaid(const KeyLayout& layout, const ModelDescription& model);

/// Reads such a file back: the encoder's parameters, or with `whole` an MAE's with its decoder.
/// Positions that differ from the fixed ones, missing tensors and tensors that no encoder has are
/// refused; heads of classifiers (head., classifier., pooler., fc_norm.) are left out.
std::vector<float> import_model(const std::string& path, const KeyLayout& layout,
                                const ModelDescription& model, bool whole);

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/weights/impl/convert.ipp"
#endif
