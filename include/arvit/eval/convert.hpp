// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/eval/pretrained.hpp"
#include "arvit/io/file.hpp"
#include "arvit/io/json_writer.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/model/features.hpp"
#include "arvit/nn/position_embedding.hpp"

/// Encoders under the names of other programs. Positions, which are fixed here, are a tensor there.
namespace arvit {

enum class Naming : char {
  timm,  ///< VisionTransformer: our own names, and pos_embed [1, tokens, dim]
  hf,    ///< Hugging Face ViTModel: query, key and value apart
  mae,   ///< the published MAE code: timm's, and its decoder's where the model is an MAE
};
inline Naming naming_from(std::string_view name) {
  const std::vector<std::string> known{"timm", "hf", "mae"};
  for (std::size_t i = 0; i < known.size(); ++i)
    if (known[i] == name) return static_cast<Naming>(i);
  fail_unknown_name("naming", name, known);
}

namespace detail {

/// A tensor of another program: rows begin .. begin + size of one of ours, in elements.
struct NamedPart {
  std::string name;
  std::vector<std::int64_t> shape;
  std::int64_t begin, size;
};

inline std::vector<NamedPart> parts_of(Naming naming, const std::string& name, const Tensor& tensor) {
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
      parts.push_back({prefix + "attention.attention." + part + rest.substr(9), third, static_cast<std::int64_t>(parts.size()) * tensor.size() / 3, tensor.size() / 3});
    return parts;
  }
  constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"cls_token", "embeddings.cls_token"}, {"patch_embed.proj.", "embeddings.patch_embeddings.projection."}, {"norm1.", "layernorm_before."},
      {"attn.proj.", "attention.output.dense."}, {"norm2.", "layernorm_after."}, {"mlp.fc1.", "intermediate.dense."}, {"mlp.fc2.", "output.dense."},
      {"norm.", "layernorm."}};
  for (const auto& [ours, theirs] : names)
    if (rest.starts_with(ours)) return {{prefix + std::string(theirs) + rest.substr(ours.size()), shape, 0, tensor.size()}};
  fail("convert: ", name, " has no name in Hugging Face's ViTModel.");
}

/// [1, tokens, dim] with a zero row for the class token.
inline std::vector<float> positions_with_class_row(int rows, int columns, int dim, bool class_token) {
  std::vector<float> table(class_token ? static_cast<std::size_t>(dim) : 0);
  const auto patches = sincos_positions<float>(rows, columns, dim);
  table.insert(table.end(), patches.begin(), patches.end());
  return table;
}

template <class Visit, class Groups>
void for_each_of(const Groups& groups, Visit&& visit) {
  std::apply([&](const auto&... group) { for_each_tensor(visit, group...); }, groups);
}

/// Whether the model's parameters travel whole: an MAE under the names of the published code.
template <class Model>
inline constexpr bool has_joint_decoder = Model::Decoder::rules.joint;

/// The tables of positions that a naming stores, by name and width.
template <class Model>
std::vector<std::pair<std::string, int>> position_tables(Naming naming, bool decoder) {
  std::vector<std::pair<std::string, int>> tables{{naming == Naming::hf ? "embeddings.position_embeddings" : "pos_embed", Model::Encoder::dim}};
  if (decoder) tables.push_back({"decoder_pos_embed", Model::Decoder::position_dim});
  return tables;
}

}  // namespace detail

/// Hugging Face's config.json of an encoder.
template <class Encoder>
std::string hf_config() {
  JsonWriter json;
  json.begin_object();
  json.key("architectures").begin_array().value("ViTModel").end_array();
  json.member("model_type", "vit").member("hidden_size", Encoder::dim).member("num_hidden_layers", Encoder::depth).member("num_attention_heads", Encoder::heads);
  json.member("intermediate_size", Encoder::dim * Encoder::mlp_ratio).member("hidden_act", "gelu").member("layer_norm_eps", Encoder::Norm::epsilon);
  if constexpr (Encoder::Grid::height == Encoder::Grid::width) json.member("image_size", Encoder::Grid::height);
  else json.member("image_size", std::array{Encoder::Grid::height, Encoder::Grid::width});
  json.member("patch_size", Encoder::Grid::patch).member("num_channels", Encoder::Grid::channels).member("qkv_bias", true);
  json.member("hidden_dropout_prob", 0.0).member("attention_probs_dropout_prob", 0.0);
  return json.end_object().take() + "\n";
}

/// Writes a pretrainer's encoder with its final norm (MAE's naming: and an MAE's decoder). `parameters`: all of the model's.
/// Hugging Face: a config.json is written beside the file, so that its folder loads by ViTModel.from_pretrained.
template <class Model>
void export_model(const std::filesystem::path& path, Naming naming, std::span<const float> parameters) {
  using Encoder = typename Model::Encoder;
  if (naming == Naming::hf && !Encoder::has_class_token)
    fail<OptionError>("convert: Hugging Face's ViTModel always has a class token, which this encoder lacks; use --to timm.");
  const bool decoder = naming == Naming::mae && detail::has_joint_decoder<Model>;
  const std::vector<float> encoder = encoder_parameters<Model>(parameters);
  std::vector<StoredTensor> tensors;
  const auto add = [&](const float* values) {
    return [&tensors, values, naming](const std::string& name, const Tensor& tensor, std::int64_t offset) {
      for (const detail::NamedPart& part : detail::parts_of(naming, name, tensor)) tensors.push_back(stored_tensor(part.name, part.shape, values + offset + part.begin));
    };
  };
  if (decoder) Model::for_each_parameter(add(parameters.data()));
  else detail::for_each_of(Encoder::groups(), add(encoder.data()));
  std::vector<std::vector<float>> tables;
  for (const auto& [name, dim] : detail::position_tables<Model>(naming, decoder)) {
    tables.push_back(detail::positions_with_class_row(Encoder::Grid::rows, Encoder::Grid::columns, dim, Encoder::has_class_token));
    tensors.push_back(stored_tensor(name, {1, Encoder::Grid::patches + Encoder::has_class_token, dim}, tables.back().data()));
  }
  write_safetensors(path, tensors, {{"format", "pt"}});  // transformers asks for this word
  if (naming == Naming::hf) write_atomically(path.parent_path() / "config.json", hf_config<Encoder>());
}

/// Reads such a file back: the encoder's parameters, or with `whole` an MAE's with its decoder. Positions that differ from the fixed ones, missing
/// tensors and tensors that no encoder has are refused; heads of classifiers (head., classifier., pooler., fc_norm.) are left out.
template <class Model>
std::vector<float> import_model(const std::string& path, Naming naming, bool whole) {
  using Encoder = typename Model::Encoder;
  const Safetensors file(path);
  const bool prefixed = naming == Naming::hf && file.find("embeddings.position_embeddings") == nullptr && file.find("vit.embeddings.position_embeddings") != nullptr;
  const std::string prefix = prefixed ? "vit." : "";
  std::vector<float> values(static_cast<std::size_t>(whole ? Model::parameter_count : Encoder::parameter_count));
  std::vector<std::string> known;
  const auto read = [&](const std::string& name, const Tensor& tensor, std::int64_t offset) {
    for (const detail::NamedPart& part : detail::parts_of(naming, name, tensor)) {
      known.push_back(prefix + part.name);
      file.read(known.back(), part.shape, values.data() + offset + part.begin);
    }
  };
  if (whole) Model::for_each_parameter(read);
  else detail::for_each_of(Encoder::groups(), read);
  for (const auto& [name, dim] : detail::position_tables<Model>(naming, whole)) {
    const auto ours = detail::positions_with_class_row(Encoder::Grid::rows, Encoder::Grid::columns, dim, Encoder::has_class_token);
    std::vector<float> theirs(ours.size());
    known.push_back(prefix + name);
    const std::vector<std::int64_t> shape{1, Encoder::Grid::patches + Encoder::has_class_token, dim};
    file.read(known.back(), shape, theirs.data());
    double largest = 0;
    for (std::size_t i = 0; i < ours.size(); ++i) largest = std::max(largest, std::abs(static_cast<double>(ours[i]) - static_cast<double>(theirs[i])));
    if (!(largest < 1e-4))
      fail<FileError>(path, ": ", known.back(), " differs from the fixed sin-cos positions by up to ", largest, "; encoders here have fixed positions, so a model with learned ones cannot be taken.");
  }
  for (const StoredTensor& tensor : file.tensors()) {
    const std::string_view name = tensor.name;
    const auto begins = [&](std::initializer_list<std::string_view> words) {
      return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return name.starts_with(word); });
    };
    if (std::find(known.begin(), known.end(), name) != known.end() || begins({"head.", "classifier.", "fc_norm.", "pooler.", "vit.pooler."})) continue;
    if (!whole && begins({"decoder_", "mask_token"})) continue;
    fail<FileError>(path, ": ", name, " is no part of this encoder; choose the --model that the file holds.");
  }
  return values;
}

/// Writes parameters under our own names, with what the other programs need to know of them.
template <class Model>
void save_pretrained(const std::filesystem::path& path, std::string_view model_name, std::span<const float> values, const Normalisation& normalisation) {
  std::vector<StoredTensor> tensors;
  const auto add = [&](const std::string& name, const Tensor& tensor, std::int64_t offset) {
    tensors.push_back(stored_tensor(name, detail::stored_shape(tensor), values.data() + offset));
  };
  if (static_cast<std::int64_t>(values.size()) == Model::parameter_count) Model::for_each_parameter(add);
  else if (static_cast<std::int64_t>(values.size()) == Model::Encoder::parameter_count) detail::for_each_of(Model::Encoder::groups(), add);
  else fail<ShapeError>(path.string(), ": ", values.size(), " parameters are neither the model's ", Model::parameter_count, " nor its encoder's ", Model::Encoder::parameter_count, ".");
  const auto triple = [](const std::array<float, 3>& three) { return JsonWriter().value(three).take(); };
  write_safetensors(path, tensors, {{"format", "arvit encoder"}, {"model_name", std::string(model_name)}, {"model", type_name<Model>()},
                                    {"pixel_mean", triple(normalisation.mean)}, {"pixel_deviation", triple(normalisation.deviation)}});
}

}  // namespace arvit
