// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/weights/convert.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <set>
#include <span>
#include <utility>

#include "arvit/core/error.hpp"
#include "arvit/io/file.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/nn/positions/sincos.hpp"
#include "arvit/weights/hugging_face.hpp"
#include "arvit/weights/mae.hpp"
#include "arvit/weights/timm.hpp"

namespace arvit {

ARVIT_DEFINITION std::span<const KeyLayout> key_layouts() {
  static constexpr std::array layouts = {timm_keys, hugging_face_keys, mae_keys};
  return layouts;
}

ARVIT_DEFINITION const KeyLayout& key_layout_from(std::string_view name) {
  std::vector<std::string> names;
  for (const KeyLayout& layout : key_layouts()) {
    if (layout.name == name) return layout;
    names.emplace_back(layout.name);
  }
  fail_unknown_name("naming", name, names);
}

namespace detail {

ARVIT_DEFINITION void check_plain(const ModelDescription& model) {
  if (!model.plain)
    fail<OptionError>("convert: the encoder of ", model.type,
                      " reads codes or has conditions, which no other program knows; choose a "
                      "model that reads pixels alone.");
  if (!model.adds_positions)
    fail<OptionError>("convert: the encoder of ", model.type,
                      " has positions that no other program's encoder has; choose a model that "
                      "does no more than add a table to its tokens.");
}

/// A table of positions [1, tokens, dim] under its name, with a zero row for the class token.
struct PositionTable {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};
ARVIT_DEFINITION PositionTable position_table(std::string_view name, const ModelDescription& model,
                                              int dim, std::span<const float> of_patches) {
  std::vector<float> values(model.class_token ? dim : 0);
  values.insert(values.end(), of_patches.begin(), of_patches.end());
  return {std::string(name), {1, model.tokens(), dim}, std::move(values)};
}
ARVIT_DEFINITION const PlacedTensor& tensor_named(std::span<const PlacedTensor> tensors,
                                                  std::string_view name) {
  return *std::find_if(tensors.begin(), tensors.end(),
                       [&](const PlacedTensor& tensor) { return tensor.name == name; });
}
/// All that a file of the layout stores, of a model with these parameters.
ARVIT_DEFINITION std::vector<PositionTable> position_tables(const KeyLayout& layout,
                                                            const ModelDescription& model,
                                                            std::span<const float> parameters,
                                                            bool decoder) {
  std::vector<PositionTable> tables;
  if (model.learned_positions.empty()) {
    tables.push_back(position_table(layout.positions, model, model.dim, model.fixed_positions));
  } else {
    const PlacedTensor& ours = tensor_named(model.encoder, model.learned_positions);
    tables.push_back(position_table(layout.positions, model, model.dim,
                                    parameters.subspan(ours.offset, ours.tensor.size())));
  }
  if (decoder) {
    const int dim = model.decoder_dim;
    const std::vector<float> fixed = sincos_positions<float>(model.height / model.patch,
                                                             model.width / model.patch, dim);
    tables.push_back(position_table(layout.decoder_positions, model, dim, fixed));
  }
  return tables;
}
/// Takes a file's table of learned positions into parameters. Here class tokens have no position:
/// theirs joins the class token, to which it is added all the same.
ARVIT_DEFINITION void take_positions(const Safetensors& file, const std::string& name,
                                     const ModelDescription& model, std::span<float> parameters) {
  const PlacedTensor& ours = tensor_named(model.encoder, model.learned_positions);
  const std::int64_t of_class = model.class_token ? model.dim : 0;
  std::vector<float> theirs(of_class + ours.tensor.size());
  const std::vector<std::int64_t> shape{1, model.tokens(), model.dim};
  file.read(name, shape, theirs.data());
  if (model.class_token) {
    float* const token = parameters.data() + tensor_named(model.encoder, "cls_token").offset;
    for (int c = 0; c < model.dim; ++c) token[c] += theirs[c];
  }
  std::copy(theirs.begin() + of_class, theirs.end(), parameters.begin() + ours.offset);
}

/// FileError unless the file's positions are the fixed ones.
ARVIT_DEFINITION void check_positions(const Safetensors& file, const std::string& name,
                                      const PositionTable& ours) {
  std::vector<float> theirs(ours.values.size());
  file.read(name, ours.shape, theirs.data());
  double largest = 0;
  for (std::size_t i = 0; i < theirs.size(); ++i)
    largest = std::max(largest, std::abs(double{ours.values[i]} - double{theirs[i]}));
  if (!(largest < 1e-4))
    fail<FileError>(file.path(), ": ", name,
                    " differs from the fixed positions of the model by up to ", largest,
                    "; choose a model whose encoder has FrozenPositions or LearnedPositions.");
}

ARVIT_DEFINITION bool begins_with_any(std::string_view name,
                                      std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return name.starts_with(word); });
}

}  // namespace detail

ARVIT_DEFINITION void export_model(const std::filesystem::path& path, const KeyLayout& layout,
                                   const ModelDescription& model,
                                   std::span<const float> parameters) {
  detail::check_plain(model);
  if (layout.check != nullptr) layout.check(model);
  if (static_cast<std::int64_t>(parameters.size()) != model.parameters)
    fail<ShapeError>("convert: ", parameters.size(), " parameters are given, the model has ",
                     model.parameters, ".");
  const bool decoder = layout.has_decoder() && model.joint;
  // weight 1, bias 0: of the final norm, where the model's buffer has none.
  std::vector<float> identity(2 * std::size_t(model.dim));
  std::fill_n(identity.begin(), model.dim, 1.0f);
  std::vector<StoredTensor> tensors;
  for (const PlacedTensor& ours : decoder ? model.tensors : model.encoder) {
    if (!model.learned_positions.empty() && ours.name == model.learned_positions) continue;
    // The encoder's part of a model's buffer comes first, so its offsets are those of the model.
    const float* values = parameters.data() + ours.offset;
    if (!model.uses_norm && ours.name.starts_with("norm."))
      values = identity.data() + (ours.name == "norm.bias" ? model.dim : 0);
    for (const TheirTensor& part : layout.theirs(ours.name, ours.tensor))
      tensors.push_back(stored_tensor(part.name, part.shape, values + part.begin));
  }
  const auto tables = detail::position_tables(layout, model, parameters, decoder);
  for (const detail::PositionTable& table : tables)
    tensors.push_back(stored_tensor(table.name, table.shape, table.values.data()));
  write_safetensors(path, tensors, {{"format", "pt"}});  // transformers asks for this word
  if (layout.config != nullptr)
    write_atomically(path.parent_path() / "config.json", layout.config(model));
}

ARVIT_DEFINITION std::string left_unsaid(const KeyLayout& layout, const ModelDescription& model) {
  constexpr double usual = 1e-6;  // of timm's and MAE's encoders
  if (layout.config != nullptr || model.epsilon == usual) return {};
  return text("its norms have an epsilon of ", model.epsilon,
              ", which names and shapes do not say; build the encoder with it there (timm: "
              "norm_layer).");
}

ARVIT_DEFINITION std::vector<float> import_model(const std::string& path, const KeyLayout& layout,
                                                 const ModelDescription& model, bool whole) {
  detail::check_plain(model);
  const Safetensors file(path);
  const std::string prefixed = std::string(layout.prefix) + std::string(layout.positions);
  const bool with_prefix = file.find(layout.positions) == nullptr && file.find(prefixed) != nullptr;
  const std::string prefix(with_prefix ? layout.prefix : "");
  std::vector<float> values(whole ? model.parameters : model.encoder_parameters);
  std::set<std::string, std::less<>> known;
  const bool learned = !model.learned_positions.empty();
  for (const PlacedTensor& ours : whole ? model.tensors : model.encoder) {
    if (learned && ours.name == model.learned_positions) continue;
    for (const TheirTensor& part : layout.theirs(ours.name, ours.tensor)) {
      file.read(prefix + part.name, part.shape, values.data() + ours.offset + part.begin);
      known.insert(prefix + part.name);
    }
  }
  for (const detail::PositionTable& table : detail::position_tables(layout, model, values, whole)) {
    const std::string name = prefix + table.name;
    if (learned && table.name == layout.positions)
      detail::take_positions(file, name, model, values);
    else
      detail::check_positions(file, name, table);
    known.insert(name);
  }
  for (const StoredTensor& tensor : file.tensors()) {
    const std::string_view name = tensor.name;
    const bool of_classifier = detail::begins_with_any(
        name, {"head.", "classifier.", "fc_norm.", "pooler.", "vit.pooler."});
    const bool of_decoder = detail::begins_with_any(name, {"decoder_", "mask_token"});
    if (known.contains(name) || of_classifier || (of_decoder && !whole)) continue;
    fail<FileError>(path, ": ", name,
                    " is no part of this encoder; choose the model that the file holds.");
  }
  return values;
}

}  // namespace arvit
