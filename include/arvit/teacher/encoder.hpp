// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "arvit/core/checksum.hpp"
#include "arvit/core/linkage.hpp"
#include "arvit/core/random.hpp"
#include "arvit/core/type_name.hpp"
#include "arvit/data/augment.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/model/features.hpp"
#include "arvit/teacher/tokenizer.hpp"
#include "arvit/train/checkpoint.hpp"
#include "arvit/train/memory.hpp"
#include "arvit/weights/encoder_file.hpp"

/// A frozen encoder of ours as a teacher.
namespace arvit {

/// The pictures that a teacher will get.
struct TeacherPictures {
  Normalisation colours = Normalisation::imagenet();  ///< that they are normalised with
  int micro_batch = 1;                                ///< most at once
  int height = 0, width = 0;                          ///< 0: as the model that is taught takes them
  std::int64_t count = 0;        ///< of all, which numbers in a file belong to; 0: not known
  std::vector<int> labels = {};  ///< of all; none: not known
};

/// Image size and heads are in no tensor: OptionError unless a checkpoint that says what its
/// encoder is says `encoder`, spelled out.
void check_teacher_type(const Safetensors& file, const std::string& encoder);

/// The encoder of a checkpoint, frozen, on every micro-batch: the same crop as the model's, in the
/// colours that the teacher was trained on.
template <class Encoder, Device D> class EncoderTeacher {
 public:
  static_assert(Encoder::condition_width == 0,
                "EncoderTeacher<Encoder>: a teacher with conditions would need another teacher; "
                "choose one without.");
  EncoderTeacher(D& device, const std::string& checkpoint, const TeacherPictures& pictures,
                 Readout readout = Readout::tokens)
      : extractor_(device, {.batch = pictures.micro_batch,
                            .height = pictures.height,
                            .width = pictures.width,
                            .features = {Feature{readout}}}),
        file_(checkpoint) {
    const Safetensors file(checkpoint);
    check_teacher_type(file, type_name<Encoder>());
    const std::vector<float> parameters = load_encoder<Encoder>(checkpoint);
    extractor_.load(parameters);
    const Normalisation own = encoder_colours(file);
    recolour(pictures.colours, own);
    if (extractor_.codes() > 0) read_codes(file, own, device.threads());
    identity_ = text(type_name<Encoder>(), ", parameters ",
                     checksum(std::as_bytes(std::span(parameters))), ", colours ",
                     checksum(std::as_bytes(std::span(&own, 1))),
                     tokenizer_ == nullptr ? "" : ", " + tokenizer_->codebook.identity());
  }
  /// What it computes, by its contents.
  const std::string& identity() const { return identity_; }
  std::vector<MemoryTable::Line> memory() const {
    std::vector<MemoryTable::Line> lines;
    if (tokenizer_ != nullptr) lines = tokenizer_->codebook.memory();
    const std::int64_t recoloured = static_cast<std::int64_t>(recoloured_.size() * sizeof(float));
    lines.push_back({"teacher's parameters", extractor_.parameter_bytes()});
    lines.push_back({text("teacher's activations of ", extractor_.options().batch, " images"),
                     extractor_.activation_bytes() + recoloured});
    return lines;
  }
  /// images [pictures.size(), 3, height, width] -> features [pictures.size(), tokens, dim], class
  /// token first; or what the readout is.
  void operator()(const float* images, std::span<const Counter> pictures, float* features) {
    const auto count = static_cast<std::int64_t>(pictures.size());
    const std::int64_t channel = extractor_.image_width() / 3;
    if (!same_colours_) {
      recoloured_.resize(std::max<std::size_t>(recoloured_.size(), 3 * channel * count));
      for (std::int64_t i = 0; i < 3 * channel * count; ++i) {
        const std::int64_t c = i / channel % 3;
        recoloured_[i] = images[i] * scale_[c] + offset_[c];
      }
      images = recoloured_.data();
    }
    extractor_.extract(images, count, features);
    const std::int64_t numbers = count * extractor_.width();
    if (!std::all_of(features, features + numbers,
                     [](float value) { return std::isfinite(value); }))
      fail<NumericError>(file_,
                         ": what this teacher gives is not finite; choose another checkpoint.");
  }

 private:
  /// With x = (v - mean) / deviation of the given pictures, the teacher's own colours are
  ///   x' = (v - mean') / deviation' = x * deviation / deviation' + (mean - mean') / deviation'
  void recolour(const Normalisation& given, const Normalisation& own) {
    for (std::size_t c = 0; c < 3; ++c) {
      scale_[c] = given.deviation[c] / own.deviation[c];
      offset_[c] = (given.mean[c] - own.mean[c]) / own.deviation[c];
    }
    same_colours_ = own.mean == given.mean && own.deviation == given.deviation;
    if (!same_colours_)
      recoloured_.resize(std::int64_t{extractor_.options().batch} * extractor_.image_width());
  }
  void read_codes(const Safetensors& file, const Normalisation& own, int threads) {
    tokenizer_ = open_tokenizer(codebook_of(file), extractor_.codes(), extractor_.shape(), own,
                                threads);
    extractor_.tokenizer(
        [tokenizer = tokenizer_](const float* images, std::int64_t count, float* codes) {
          tokenizer->codebook(images, count, codes);
        });
  }

  FeatureExtractor<Encoder, D> extractor_;
  std::shared_ptr<Tokenizer> tokenizer_;  ///< null: the encoder reads pixels
  std::array<float, 3> scale_{}, offset_{};
  bool same_colours_ = true;
  std::vector<float> recoloured_;
  std::string file_, identity_;
};

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/teacher/impl/encoder.ipp"
#endif
