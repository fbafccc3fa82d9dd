// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "arvit/core/initialise.hpp"
#include "arvit/data/augment.hpp"
#include "arvit/data/open_dataset.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/model/features.hpp"
#include "arvit/models.hpp"
#include "arvit/train/checkpoint.hpp"
#include "arvit/train/model_list.hpp"

/// What the evaluation programs read: checkpoints of the trainers, and encoders that `convert` brought in.
namespace arvit {

/// What a file says of the encoder in it. A file that names no model needs --model; one without pixel statistics was trained on ImageNet's.
struct PretrainedInfo {
  std::string model_name;
  Normalisation normalisation = Normalisation::imagenet();

  static PretrainedInfo of(const Safetensors& file, const std::string& given_model = {}) {
    PretrainedInfo info;
    const auto& metadata = file.metadata();
    if (const auto name = metadata.find("model_name"); name != metadata.end()) info.model_name = name->second;
    if (!given_model.empty()) info.model_name = given_model;
    if (info.model_name.empty()) fail<OptionError>(file.path(), ": does not say which model it holds; give --model.");
    if (metadata.contains("pixel_mean")) info.normalisation = {detail::metadata_triple(file, "pixel_mean"), detail::metadata_triple(file, "pixel_deviation")};
    for (const float deviation : info.normalisation.deviation)
      if (!(deviation > 0)) fail<FileError>(file.path(), ": its pixel deviation ", deviation, " is not positive; the file is damaged, use another checkpoint.");
    return info;
  }
};

inline Split split_from(std::string_view name) {
  const std::vector<std::string> known{"train", "test"};
  for (std::size_t i = 0; i < known.size(); ++i)
    if (known[i] == name) return static_cast<Split>(i);
  fail_unknown_name("split", name, known);
}

/// The models that the evaluation programs hold, and whatever ARVIT_MODELS adds.
using PretrainedModels =
    WithExtraModels<ModelList<Variant<SAIM_Nano, "SAIM_Nano">, Variant<SemAIM_Nano, "SemAIM_Nano">, Variant<ViT_iGPT_Nano, "ViT_iGPT_Nano">,
                              Variant<MAE_Nano, "MAE_Nano">, Variant<SAIM_B16, "SAIM_B16">, Variant<SemAIM_B16, "SemAIM_B16">,
                              Variant<ViT_iGPT_B16, "ViT_iGPT_B16">, Variant<MAE_B16, "MAE_B16">>>::type;

/// All parameters of a model from a file that holds every one of them.
template <class Model>
std::vector<float> load_model(const std::string& path, Take take = Take::parameters) {
  const Safetensors file(path);
  const auto for_each = [](auto&& visit) { Model::for_each_parameter(visit); };
  const std::string prefix(take == Take::average ? detail::average_prefix : "");
  if (const std::string difference = detail::first_difference(file, prefix, for_each); !difference.empty())
    fail<FileError>(path, ": ", difference, "; give a checkpoint of the whole model, as a trainer writes it.");
  std::vector<float> values(static_cast<std::size_t>(Model::parameter_count));
  for_each([&](const std::string& name, const Tensor& tensor, std::int64_t offset) { file.read(prefix + name, detail::stored_shape(tensor), values.data() + offset); });
  return values;
}

/// Parameters as a new run starts with them: what the untrained row of a table is.
template <class Model>
std::vector<float> untrained_model(std::uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(Model::parameter_count));
  std::uint32_t index = 0;
  Model::for_each_parameter([&](const std::string&, const Tensor& tensor, std::int64_t offset) { initialise(tensor, index++, seed, values.data() + offset); });
  return values;
}

}  // namespace arvit
