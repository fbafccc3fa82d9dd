// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/weights/encoder_file.hpp"

#include <array>
#include <cstdint>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/io/json_writer.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/train/checkpoint.hpp"

namespace arvit {

ARVIT_DEFINITION Normalisation encoder_colours(const Safetensors& file) {
  if (!file.metadata().contains("pixel_mean")) return Normalisation::imagenet();
  const Normalisation colours{detail::metadata_triple(file, "pixel_mean"),
                              detail::metadata_triple(file, "pixel_deviation")};
  for (const float deviation : colours.deviation)
    if (!(deviation > 0))
      fail<FileError>(file.path(), ": its pixel deviation ", deviation,
                      " is not positive; the file is damaged, use another checkpoint.");
  return colours;
}

ARVIT_DEFINITION EncoderInfo EncoderInfo::of(const Safetensors& file,
                                             const std::string& given_model) {
  EncoderInfo info;
  info.path = file.path();
  const auto& metadata = file.metadata();
  if (const auto name = metadata.find("model_name"); name != metadata.end())
    info.model_name = name->second;
  if (!given_model.empty()) info.model_name = given_model;
  if (info.model_name.empty())
    fail<OptionError>(file.path(), ": does not say which model it holds; name it.");
  info.normalisation = encoder_colours(file);
  return info;
}

ARVIT_DEFINITION void save_encoder(const std::filesystem::path& path, std::string_view model_name,
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
