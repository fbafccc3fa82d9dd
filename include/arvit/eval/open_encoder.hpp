// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "arvit/io/safetensors.hpp"
#include "arvit/model/features.hpp"
#include "arvit/model/masked_features.hpp"
#include "arvit/model/pretrain_pass.hpp"
#include "arvit/teacher/conditions.hpp"
#include "arvit/teacher/source.hpp"
#include "arvit/teacher/tokenizer.hpp"
#include "arvit/train/checkpoint.hpp"
#include "arvit/train/checkpoint_folder.hpp"  // IWYU pragma: export
#include "arvit/weights/encoder_file.hpp"     // IWYU pragma: export

/// The encoder of a file, with the tokenizer and the conditions that it needs: what the evaluation
/// programs begin with.
namespace arvit {

/// How an encoder is read, besides what is read of it.
struct ExtractorOptions {
  /// Of an encoder that reads codes; "": the one that the file names.
  std::string codebook = {};
  /// What makes the conditions of an encoder that has some; "": what the file names.
  std::string condition = {};
  /// "order": with the attention mask of pre-training, an order of its own for every picture.
  std::string mask = "none";
  std::uint64_t seed = 0;  ///< of these orders
};
/// The encoder of a file's model, without parameters yet; with the tokenizer and the conditions
/// that it needs.
template <class Model, Device D>
std::unique_ptr<FeatureSource<float>> extractor_of(D& device, const EncoderInfo& info,
                                                   const FeatureOptions& options,
                                                   const ExtractorOptions& how = {}) {
  using Encoder = typename Model::Encoder;
  std::unique_ptr<FeatureSource<float>> extractor;
  if (place_of_name("mask", how.mask, {"none", "order"}) == 1)
    extractor = std::make_unique<MaskedFeatures<Model, D>>(device, options, how.seed);
  else
    extractor = std::make_unique<FeatureExtractor<Encoder, D>>(device, options);
  if (Encoder::codes == 0 && !how.codebook.empty())
    fail<OptionError>("codebook ", how.codebook, ": ", info.model_name,
                      " reads pixels; drop the codebook.");
  if (!Encoder::Leading::has_file && !how.condition.empty())
    fail<OptionError>("condition ", how.condition, ": ", info.model_name,
                      " has no condition that a file makes; drop the condition.");
  if (Encoder::codes > 0)
    extractor->tokenizer(make_tokenizer(codebook_of(Safetensors(info.path), how.codebook),
                                        Encoder::codes, extractor->shape(), info.normalisation,
                                        device.threads()));
  if constexpr (Encoder::condition_width > 0) {
    Source source = look_at(how.condition);
    if (Encoder::Leading::has_file && source.is(Source::Kind::none))
      source = source_of_run(Safetensors(info.path), "condition");
    const ImageShape shape = extractor->shape();
    const FrozenTeacher conditions = make_conditions<Encoder>(device, source,
                                                              {.colours = info.normalisation,
                                                               .micro_batch = options.batch,
                                                               .height = shape.height,
                                                               .width = shape.width});
    check_gave(Safetensors(info.path), source.path, conditions.identity);
    extractor->conditions([conditions](const float* images, std::int64_t count, float* numbers) {
      conditions.conditions(images, std::vector<Counter>(count), numbers);
    });
  }
  return extractor;
}

}  // namespace arvit
