// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "arvit/core/linkage.hpp"
#include "arvit/data/augment.hpp"
#include "arvit/weights/model_description.hpp"

/// An encoder's file: a checkpoint of a trainer, or what `convert` brought in. Its parameters are
/// read by load_encoder and load_tensors (train/checkpoint.hpp).
namespace arvit {

class Safetensors;  // io/safetensors.hpp

/// The colours that a file's pictures were normalised with, ImageNet's where it does not say.
/// FileError for a deviation that is not positive.
Normalisation encoder_colours(const Safetensors& file);

/// What a file says of the encoder in it. A file that names no model needs --model; one without
/// pixel statistics was trained on ImageNet's.
struct EncoderInfo {
  std::string model_name;
  Normalisation normalisation = Normalisation::imagenet();
  std::string path;  ///< of the file

  static EncoderInfo of(const Safetensors& file, const std::string& given_model = {});
};

/// Writes parameters, the model's or its encoder's, under our own names, with what the other
/// programs need to know of them.
void save_encoder(const std::filesystem::path& path, std::string_view model_name,
                  const ModelDescription& model, std::span<const float> values,
                  const Normalisation& normalisation);

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/weights/impl/encoder_file.ipp"
#endif
