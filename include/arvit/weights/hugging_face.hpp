// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/io/json_writer.hpp"
#include "arvit/nn/layer_norm.hpp"
#include "arvit/weights/key_layout.hpp"

/// Hugging Face's ViTModel: names of its own, query, key and value apart, a config.json beside the
/// file, so that its folder loads by ViTModel.from_pretrained.
namespace arvit {

/// The name and shape there of one of our tensors; three of them for the rows of qkv.
inline std::vector<TheirTensor> hugging_face_tensors(const std::string& name,
                                                     const TensorSpec& tensor) {
  std::string prefix, rest = name;
  if (name.starts_with("blocks.")) {
    const auto dot = name.find('.', 7);
    prefix = "encoder.layer." + name.substr(7, dot - 7) + ".";
    rest = name.substr(dot + 1);
  }
  if (rest.starts_with("attn.qkv.")) {
    auto third = detail::stored_shape(tensor);
    third[0] /= 3;
    const std::int64_t size = tensor.size() / 3;
    std::vector<TheirTensor> parts;
    for (const char* part : {"query.", "key.", "value."})
      parts.push_back({prefix + "attention.attention." + part + rest.substr(9), third,
                       static_cast<std::int64_t>(parts.size()) * size, size});
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
      {"norm.", "layernorm."},
  };
  for (const auto& [ours, theirs] : names)
    if (rest.starts_with(ours))
      return same_name(prefix + std::string(theirs) + rest.substr(ours.size()), tensor);
  fail("convert: ", name, " has no name in Hugging Face's ViTModel.");
}

inline void check_hugging_face(const ModelDescription& model) {
  if (!model.class_token)
    fail<OptionError>(
        "convert: Hugging Face's ViTModel always has a class token, which this encoder lacks; use "
        "timm's names.");
}

inline std::string hugging_face_config(const ModelDescription& model) {
  JsonWriter json;
  json.begin_object();
  json.key("architectures").begin_array().value("ViTModel").end_array();
  json.member("model_type", "vit");
  json.member("hidden_size", model.dim);
  json.member("num_hidden_layers", model.depth);
  json.member("num_attention_heads", model.heads);
  json.member("intermediate_size", model.dim * model.mlp_ratio);
  json.member("hidden_act", "gelu");
  json.member("layer_norm_eps", model.epsilon);
  if (model.height == model.width)
    json.member("image_size", model.height);
  else
    json.member("image_size", std::array{model.height, model.width});
  json.member("patch_size", model.patch);
  json.member("num_channels", 3);
  json.member("qkv_bias", true);
  json.member("hidden_dropout_prob", 0.0);
  json.member("attention_probs_dropout_prob", 0.0);
  return json.end_object().take() + "\n";
}

inline constexpr KeyLayout hugging_face_keys{
    .name = "hf",
    .remark = "Hugging Face, with a config.json beside the file",
    .theirs = hugging_face_tensors,
    .positions = "embeddings.position_embeddings",
    .prefix = "vit.",
    .check = check_hugging_face,
    .config = hugging_face_config,
};

}  // namespace arvit
