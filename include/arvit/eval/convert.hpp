// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/eval/pretrained.hpp"
#include "arvit/io/file.hpp"
#include "arvit/io/json_writer.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/nn/layer_norm.hpp"
#include "arvit/nn/position_embedding.hpp"

/// Encoders under the names of other programs. Positions, which are fixed here, are a tensor there.
namespace arvit {

enum class Naming : char {
  timm,  ///< VisionTransformer: our own names, and pos_embed [1, tokens, dim]
  hf,    ///< Hugging Face ViTModel: query, key and value apart
  mae,   ///< the published MAE code: timm's, and its decoder's where the model is an MAE
};
inline Naming naming_from(std::string_view name) {
  return static_cast<Naming>(place_of_name("naming", name, {"timm", "hf", "mae"}));
}

namespace detail {

/// A tensor of another program: rows begin .. begin + size of one of ours, in elements.
struct NamedPart {
  std::string name;
  std::vector<std::int64_t> shape;
  std::int64_t begin, size;
};

inline std::vector<NamedPart> parts_of(Naming naming, const std::string& name,
                                       const Tensor& tensor) {
  const auto shape = stored_shape(tensor);
  if (naming != Naming::hf) return {{name, shape, 0, tensor.size()}};
  std::string prefix, rest = name;
  if (name.starts_with("blocks.")) {
    const auto dot = name.find('.', 7);
    prefix = "encoder.layer." + name.substr(7, dot - 7) + ".";
    rest = name.substr(dot + 1);
  }
  if (rest.starts_with("attn.qkv.")) {
    auto third = shape;
    third[0] /= 3;
    std::vector<NamedPart> parts;
    for (const char* part : {"query.", "key.", "value."})
      parts.push_back({prefix + "attention.attention." + part + rest.substr(9), third,
                       static_cast<std::int64_t>(parts.size()) * tensor.size() / 3,
                       tensor.size() / 3});
    return parts;
  }
  constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"cls_token", "embeddings.cls_token"},
      {"patch_embed.proj.", "embeddings.patch_embeddings.projection."},
      {"norm1.", "layernorm_before."},
      {"attn.proj.", "attention.output.dense."},
      {"norm2.", "layernorm_after."},
      {"mlp.fc1.", "intermediate.dense."},
      {"mlp.fc2.", "output.dense."},
      {"norm.", "layernorm."}};
  for (const auto& [ours, theirs] : names)
    if (rest.starts_with(ours))
      return {{prefix + std::string(theirs) + rest.substr(ours.size()), shape, 0, tensor.size()}};
  fail("convert: ", name, " has no name in Hugging Face's ViTModel.");
}

/// [1, tokens, dim] with a zero row for the class token.
inline std::vector<float> positions_with_class_row(int rows, int columns, int dim,
                                                   bool class_token) {
  std::vector<float> table(class_token ? static_cast<std::size_t>(dim) : 0);
  const auto patches = sincos_positions<float>(rows, columns, dim);
  table.insert(table.end(), patches.begin(), patches.end());
  return table;
}

/// The tables of positions that a naming stores, by name and width.
inline std::vector<std::pair<std::string, int>> position_tables(const ModelDescription& model,
                                                                Naming naming, bool decoder) {
  std::vector<std::pair<std::string, int>> tables{
      {naming == Naming::hf ? "embeddings.position_embeddings" : "pos_embed", model.dim}};
  if (decoder) tables.push_back({"decoder_pos_embed", model.decoder_dim});
  return tables;
}
inline std::vector<float> position_table(const ModelDescription& model, int dim) {
  return positions_with_class_row(model.height / model.patch, model.width / model.patch, dim,
                                  model.class_token);
}

}  // namespace detail

/// Hugging Face's config.json of an encoder.
inline std::string hf_config(const ModelDescription& model) {
  JsonWriter json;
  json.begin_object();
  json.key("architectures").begin_array().value("ViTModel").end_array();
  json.member("model_type", "vit")
      .member("hidden_size", model.dim)
      .member("num_hidden_layers", model.depth)
      .member("num_attention_heads", model.heads);
  json.member("intermediate_size", model.dim * model.mlp_ratio)
      .member("hidden_act", "gelu")
      .member("layer_norm_eps", LayerNorm<1>::epsilon);
  if (model.height == model.width)
    json.member("image_size", model.height);
  else
    json.member("image_size", std::array{model.height, model.width});
  json.member("patch_size", model.patch).member("num_channels", 3).member("qkv_bias", true);
  json.member("hidden_dropout_prob", 0.0).member("attention_probs_dropout_prob", 0.0);
  return json.end_object().take() + "\n";
}

namespace detail {
inline void check_plain(const ModelDescription& model) {
  if (!model.plain)
    fail<OptionError>("convert: the encoder of ", model.type,
                      " reads codes or has conditions, which no other program knows; choose a "
                      "model that reads pixels alone.");
}
}  // namespace detail

/// Writes a pretrainer's encoder with its final norm, and with MAE's naming an MAE's decoder too.
/// `parameters`: all of the model's. Where no decoder of the model applies the final norm, it is
/// written as the identity. Hugging Face: a config.json is written beside the file, so that its
/// folder loads by ViTModel.from_pretrained.
inline void export_model(const std::filesystem::path& path, Naming naming,
                         const ModelDescription& model, std::span<const float> parameters) {
  detail::check_plain(model);
  if (naming == Naming::hf && !model.class_token)
    fail<OptionError>(
        "convert: Hugging Face's ViTModel always has a class token, which this encoder lacks; use "
        "timm's names.");
  if (static_cast<std::int64_t>(parameters.size()) != model.parameters)
    fail<ShapeError>("convert: ", parameters.size(), " parameters are given, the model has ",
                     model.parameters, ".");
  const bool decoder = naming == Naming::mae && model.joint;
  std::vector<float> identity(static_cast<std::size_t>(2 * model.dim));
  std::fill_n(identity.begin(), model.dim, 1.0f);
  std::vector<StoredTensor> tensors;
  for (const PlacedTensor& t : decoder ? model.tensors : model.encoder) {
    const bool own_norm = !model.uses_norm &&
                          t.name.starts_with(
                              "norm.");  // the encoder's part of a model's buffer comes first
    const float* values = own_norm ? identity.data() + (t.name == "norm.bias" ? model.dim : 0)
                                   : parameters.data() + t.offset;
    for (const detail::NamedPart& part : detail::parts_of(naming, t.name, t.tensor))
      tensors.push_back(stored_tensor(part.name, part.shape, values + part.begin));
  }
  std::vector<std::vector<float>> tables;
  for (const auto& [name, dim] : detail::position_tables(model, naming, decoder)) {
    tables.push_back(detail::position_table(model, dim));
    tensors.push_back(stored_tensor(name, {1, model.tokens(), dim}, tables.back().data()));
  }
  write_safetensors(path, tensors, {{"format", "pt"}});  // transformers asks for this word
  if (naming == Naming::hf) write_atomically(path.parent_path() / "config.json", hf_config(model));
}

/// Reads such a file back: the encoder's parameters, or with `whole` an MAE's with its decoder.
/// Positions that differ from the fixed ones, missing tensors and tensors that no encoder has are
/// refused; heads of classifiers (head., classifier., pooler., fc_norm.) are left out.
inline std::vector<float> import_model(const std::string& path, Naming naming,
                                       const ModelDescription& model, bool whole) {
  detail::check_plain(model);
  const Safetensors file(path);
  const bool prefixed = naming == Naming::hf &&
                        file.find("embeddings.position_embeddings") == nullptr &&
                        file.find("vit.embeddings.position_embeddings") != nullptr;
  const std::string prefix = prefixed ? "vit." : "";
  std::vector<float> values(
      static_cast<std::size_t>(whole ? model.parameters : model.encoder_parameters));
  std::set<std::string, std::less<>> known;
  for (const PlacedTensor& t : whole ? model.tensors : model.encoder)
    for (const detail::NamedPart& part : detail::parts_of(naming, t.name, t.tensor)) {
      file.read(prefix + part.name, part.shape, values.data() + t.offset + part.begin);
      known.insert(prefix + part.name);
    }
  for (const auto& [name, dim] : detail::position_tables(model, naming, whole)) {
    const std::vector<float> ours = detail::position_table(model, dim);
    std::vector<float> theirs(ours.size());
    const std::vector<std::int64_t> shape{1, model.tokens(), dim};
    file.read(prefix + name, shape, theirs.data());
    known.insert(prefix + name);
    double largest = 0;
    for (std::size_t i = 0; i < ours.size(); ++i)
      largest = std::max(largest,
                         std::abs(static_cast<double>(ours[i]) - static_cast<double>(theirs[i])));
    if (!(largest < 1e-4))
      fail<FileError>(
          path, ": ", prefix, name, " differs from the fixed sin-cos positions by up to ", largest,
          "; encoders here have fixed positions, so a model with learned ones cannot be taken.");
  }
  for (const StoredTensor& tensor : file.tensors()) {
    const std::string_view name = tensor.name;
    const auto begins = [&](std::initializer_list<std::string_view> words) {
      return std::any_of(words.begin(), words.end(),
                         [&](std::string_view word) { return name.starts_with(word); });
    };
    if (known.contains(name) ||
        begins({"head.", "classifier.", "fc_norm.", "pooler.", "vit.pooler."}))
      continue;
    if (!whole && begins({"decoder_", "mask_token"})) continue;
    fail<FileError>(path, ": ", name,
                    " is no part of this encoder; choose the model that the file holds.");
  }
  return values;
}

/// Writes parameters, the model's or its encoder's, under our own names, with what the other
/// programs need to know of them.
inline void save_pretrained(const std::filesystem::path& path, std::string_view model_name,
                            const ModelDescription& model, std::span<const float> values,
                            const Normalisation& normalisation) {
  const auto count = static_cast<std::int64_t>(values.size());
  if (count != model.parameters && count != model.encoder_parameters)
    fail<ShapeError>(path.string(), ": ", count, " parameters are neither the model's ",
                     model.parameters, " nor its encoder's ", model.encoder_parameters, ".");
  std::vector<StoredTensor> tensors;
  for (const PlacedTensor& t : count == model.parameters ? model.tensors : model.encoder)
    tensors.push_back(
        stored_tensor(t.name, detail::stored_shape(t.tensor), values.data() + t.offset));
  const auto triple = [](const std::array<float, 3>& three) {
    return JsonWriter().value(three).take();
  };
  write_safetensors(path, tensors,
                    {{"format", "arvit encoder"},
                     {"model_name", std::string(model_name)},
                     {"model", model.type},
                     {"pixel_mean", triple(normalisation.mean)},
                     {"pixel_deviation", triple(normalisation.deviation)}});
}

}  // namespace arvit
