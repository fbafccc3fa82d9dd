// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "arvit/core/initialise.hpp"
#include "arvit/data/augment.hpp"
#include "arvit/data/loader.hpp"
#include "arvit/data/open_dataset.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/model/features.hpp"
#include "arvit/model/masked_features.hpp"
#include "arvit/model/pretrain_pass.hpp"
#include "arvit/teacher/teacher.hpp"
#include "arvit/train/checkpoint.hpp"
#include "arvit/train/checkpoint_folder.hpp"  // IWYU pragma: export

/// What the evaluation programs read: checkpoints of the trainers, and encoders that `convert`
/// brought in.
namespace arvit {

/// What a file says of the encoder in it. A file that names no model needs --model; one without
/// pixel statistics was trained on ImageNet's.
struct PretrainedInfo {
  std::string model_name;
  Normalisation normalisation = Normalisation::imagenet();
  std::string path;  ///< of the file

  static PretrainedInfo of(const Safetensors& file, const std::string& given_model = {}) {
    PretrainedInfo info;
    info.path = file.path();
    const auto& metadata = file.metadata();
    if (const auto name = metadata.find("model_name"); name != metadata.end())
      info.model_name = name->second;
    if (!given_model.empty()) info.model_name = given_model;
    if (info.model_name.empty())
      fail<OptionError>(file.path(), ": does not say which model it holds; give --model.");
    info.normalisation = pretrained_colours(file);
    return info;
  }
};

/// Some pictures of a set as a model reads them: [counters.size(), 3, height, width].
struct PictureBatch {
  std::vector<float> images;
  std::vector<Counter> counters;
};
/// `count` pictures, or all of a smaller set; which ones follows from the seed. A picture that
/// cannot be read is an error.
template <Dataset Set, Transform T>
PictureBatch draw_pictures(const Set& set, T transform, int count, std::uint64_t seed) {
  const auto [drawn, others] = hold_out(set.size(), std::min<std::int64_t>(count, set.size()),
                                        seed);
  PictureBatch batch;
  batch.images.resize(drawn.size() * std::size_t{3} * static_cast<std::size_t>(transform.height()) *
                      static_cast<std::size_t>(transform.width()));
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    batch.counters.push_back({seed, 0, static_cast<std::uint32_t>(drawn[i])});
    transform(set.picture(drawn[i]), batch.counters.back(),
              batch.images.data() + i * (batch.images.size() / drawn.size()));
  }
  return batch;
}

inline Split split_from(std::string_view name) {
  return static_cast<Split>(place_of_name("split", name, {"train", "test"}));
}

/// A model as run-time values, so that what reads and writes files is compiled once and not per
/// model.
struct ModelDescription {
  std::string type;
  std::vector<PlacedTensor> tensors,
      encoder;  ///< all, in the order of the model's buffer; the encoder's with its final norm, in
                ///< that of its own
  std::int64_t parameters = 0, encoder_parameters = 0;
  int height = 0, width = 0, patch = 0, dim = 0, depth = 0, heads = 0, mlp_ratio = 0,
      decoder_dim = 0;
  bool class_token = false, joint = false, uses_norm = true,
       plain = true;  ///< plain: pixels in, no conditions
  int tokens() const { return height / patch * (width / patch) + class_token; }
};
template <class Model> ModelDescription describe_model() {
  using E = typename Model::Encoder;
  return {type_name<Model>(),
          placed_tensors(Model::groups()),
          placed_tensors(E::groups()),
          Model::parameter_count,
          E::parameter_count,
          E::Grid::height,
          E::Grid::width,
          E::Grid::patch,
          E::dim,
          E::depth,
          E::heads,
          E::mlp_ratio,
          Model::Decoder::position_dim,
          E::has_class_token,
          Model::Decoder::rules.joint,
          Model::Decoder::uses_norm,
          E::codes == 0 && E::condition_width == 0};
}

/// How an encoder is read, besides what is read of it.
struct ExtractorOptions {
  std::string codebook = {};  ///< of an encoder that reads codes; "": the one that the file names
  std::string condition =
      {};  ///< what makes the conditions of an encoder that has some; "": what the file names
  std::string mask = "none";  ///< "order": with the attention mask of pre-training, an order of its
                              ///< own for every picture
  std::uint64_t seed = 0;     ///< of these orders
};
/// The encoder of a file's model, without parameters yet; with the tokenizer and the conditions
/// that it needs.
template <class Model, Device D>
std::unique_ptr<FeatureSource<float>> extractor_of(D& device, const PretrainedInfo& info,
                                                   const FeatureOptions& options,
                                                   const ExtractorOptions& how = {}) {
  using Encoder = typename Model::Encoder;
  std::unique_ptr<FeatureSource<float>> extractor;
  if (place_of_name("mask", how.mask, {"none", "order"}) == 1)
    extractor = std::make_unique<MaskedFeatures<Model, D>>(device, options, how.seed);
  else
    extractor = std::make_unique<FeatureExtractor<Encoder, D>>(device, options);
  if (Encoder::codes == 0 && !how.codebook.empty())
    fail<OptionError>("--codebook ", how.codebook, ": ", info.model_name,
                      " reads pixels; drop --codebook.");
  if (!Encoder::Leading::has_file && !how.condition.empty())
    fail<OptionError>("--condition ", how.condition, ": ", info.model_name,
                      " has no condition that a file makes; drop --condition.");
  if (Encoder::codes > 0)
    extractor->tokenizer(make_tokenizer(codebook_of(Safetensors(info.path), how.codebook),
                                        Encoder::codes, extractor->shape(), info.normalisation,
                                        device.threads()));
  if constexpr (Encoder::condition_width > 0) {
    std::string file = how.condition.empty() || how.condition.ends_with(".npy")
                           ? how.condition
                           : find_checkpoint(how.condition);
    if (Encoder::Leading::has_file && file.empty())
      file = run_option(Safetensors(info.path), "condition");
    FrozenTeacher conditions = make_conditions<Encoder>(device, file, info.normalisation,
                                                        options.batch, extractor->shape());
    check_gave(Safetensors(info.path), file, conditions.identity);
    extractor->conditions([conditions](const float* images, std::int64_t count, float* given) {
      conditions.give(images, std::vector<Counter>(static_cast<std::size_t>(count)), given);
    });
  }
  return extractor;
}
/// Parameters as a new run with `seed` starts with them: what the untrained row of a table is.
inline std::vector<float> untrained(std::span<const PlacedTensor> tensors, std::uint64_t seed) {
  std::vector<float> values(
      static_cast<std::size_t>(tensors.back().offset + tensors.back().tensor.size()));
  for (std::size_t i = 0; i < tensors.size(); ++i)
    initialise(tensors[i].tensor, static_cast<std::uint32_t>(i), seed,
               values.data() + tensors[i].offset);
  return values;
}

}  // namespace arvit
