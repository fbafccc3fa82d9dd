// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/core/random.hpp"
#include "arvit/core/type_name.hpp"
#include "arvit/data/augment.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/eval/codebook.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/model/features.hpp"
#include "arvit/model/pretrainer.hpp"
#include "arvit/train/checkpoint.hpp"
#include "arvit/train/checkpoint_folder.hpp"
#include "arvit/train/trainer.hpp"

/// Where the numbers of a target come from that are given with the images (target/features.hpp).
namespace arvit {

/// The encoder of a checkpoint, frozen, on every micro-batch: the same crop as the model's, in the colours that the teacher was trained on.
template <class Encoder, Device D>
class EncoderTeacher {
 public:
  /// `checkpoint`: a file, or the folder of a run. `pictures`: the colours of the images that it will get.
  EncoderTeacher(D& device, const std::string& checkpoint, const Normalisation& pictures, int micro_batch)
      : extractor_(device, {.batch = micro_batch, .features = {Feature{Readout::tokens}}}) {
    const Safetensors file(find_checkpoint(checkpoint));
    check_encoder(file);
    extractor_.load(load_encoder<Encoder>(file.path()));
    Normalisation own = Normalisation::imagenet();
    if (file.metadata().contains("pixel_mean")) own = {detail::metadata_triple(file, "pixel_mean"), detail::metadata_triple(file, "pixel_deviation")};
    for (std::size_t c = 0; c < 3; ++c) scale_[c] = pictures.deviation[c] / own.deviation[c], offset_[c] = (pictures.mean[c] - own.mean[c]) / own.deviation[c];
    same_colours_ = own.mean == pictures.mean && own.deviation == pictures.deviation;
  }
  /// images [pictures.size(), 3, height, width] -> given [pictures.size(), tokens, dim], class token first.
  void operator()(const float* images, std::span<const Counter> pictures, float* given) {
    const auto count = static_cast<std::int64_t>(pictures.size()), channel = extractor_.image_width() / 3;
    if (!same_colours_) {
      recoloured_.resize(static_cast<std::size_t>(3 * channel * count));
      for (std::int64_t i = 0; i < 3 * channel * count; ++i) {
        const auto c = static_cast<std::size_t>(i / channel % 3);
        recoloured_[static_cast<std::size_t>(i)] = images[i] * scale_[c] + offset_[c];
      }
      images = recoloured_.data();
    }
    extractor_.extract(images, count, given);
  }

 private:
  /// Image size and heads are in no tensor: a checkpoint that says what its encoder is must say this one.
  static void check_encoder(const Safetensors& file) {
    const auto model = file.metadata().find("model");
    if (model == file.metadata().end()) return;
    const std::string own = without_starts(type_name<Encoder>()), of_file = without_starts(model->second);
    if (of_file.find("Pretrainer<" + own + ",") != 0)
      fail<OptionError>("--teacher ", file.path(), ": its model is ", model->second, ", the target's teacher is ", own, "; choose a run with that encoder.");
  }
  /// The type without the options that change only how parameters start.
  static std::string without_starts(std::string type) {
    for (const std::string_view option : {",SeparateQkv", ",ZeroClassToken"})
      for (auto at = type.find(option); at != std::string::npos; at = type.find(option)) type.erase(at, option.size());
    return type;
  }

  FeatureExtractor<Encoder, D> extractor_;
  std::array<float, 3> scale_{}, offset_{};
  bool same_colours_ = true;
  std::vector<float> recoloured_;
};

/// Features or codes that were computed before: an npy file of [pictures, tokens, width] or [pictures, patches] in fp32, picture by picture of the data set.
/// They belong to whole square pictures, so a run with them has neither crops nor mirroring (of a picture that is not
/// square --crop-min 1 still takes a part, of a drawn shape between 3 : 4 and 4 : 3).
class StoredTeacher {
 public:
  /// `width`: numbers of a picture, over all tokens; `token_width`: of a token (1: codes).
  StoredTeacher(const std::string& path, std::int64_t pictures, std::int64_t width, std::int64_t token_width);
  void operator()(const float* images, std::span<const Counter> pictures, float* given) const;

 private:
  std::int64_t width_;
  std::vector<float> values_;
};

/// The codes of a codebook, for every patch of the codebook in reading order, as floats (which hold every code exactly). That patch need not be the
/// model's. Normalising the pictures and undoing it rounds by about 1e-7, so only a patch that lies as far from two centroids may get either code.
template <Device D>
class CodebookTeacher {
 public:
  /// Images of height x width pixels; `pictures`: the colours of the images that it will get. ShapeError when the codebook's patch does not divide them.
  CodebookTeacher(D& device, const Codebook& codebook, int height, int width, const Normalisation& pictures)
      : nearest_(device, codebook), shape_{3, height, width, codebook.patch}, pictures_(pictures) {
    check_patches(shape_);
  }
  /// Numbers of a picture.
  int width() const { return shape_.patches(); }
  /// images [pictures.size(), 3, height, width] -> given [pictures.size(), width()].
  void operator()(const float* images, std::span<const Counter> pictures, float* given) {
    const auto count = static_cast<std::int64_t>(pictures.size()), rows = count * width();
    patches_.resize(static_cast<std::size_t>(count * shape_.size()));
    codes_.resize(static_cast<std::size_t>(rows));
    cut_patches(images, count, shape_, pictures_, patches_.data());
    nearest_(patches_.data(), rows, codes_.data());
    std::copy(codes_.begin(), codes_.end(), given);
  }

 private:
  NearestCode<D> nearest_;
  ImageShape shape_;
  Normalisation pictures_;
  std::vector<float> patches_;
  std::vector<std::int32_t> codes_;
};

/// The teacher that the options name for a model whose target needs one, or none.
template <class Model, Device D>
TeacherFunction make_teacher(D& device, const RunOptions& options, const Normalisation& colours, std::int64_t pictures) {
  if constexpr (Model::given_width == 0) {
    if (!options.teacher.empty()) fail<OptionError>("--teacher ", options.teacher, ": ", options.model, " predicts nothing of a teacher; drop --teacher.");
    return {};
  } else {
    constexpr bool codes = requires { Model::Target::Kind::classes; };
    if (options.teacher.empty())
      fail<OptionError>(options.model, codes ? " predicts the codes of a tokenizer; give --teacher, a codebook (fit_codebook makes one) or an npy file of codes."
                                             : " predicts the features of a teacher; give --teacher, a checkpoint or an npy file of features.");
    if (options.teacher.ends_with(".npy")) {
      if (options.crop_min != 1 || options.flip != 0)
        fail<OptionError>("--teacher ", options.teacher, " holds what belongs to whole pictures; give --crop-min 1 and --flip 0, or a teacher that looks at each crop.");
      if (options.bad_files != "stop") fail<OptionError>("--teacher ", options.teacher, " goes by the pictures' numbers, so none may stand in for another; give --bad-files stop.");
      return [teacher = std::make_shared<StoredTeacher>(options.teacher, pictures, Model::given_width, Model::Target::template token_width<typename Model::Grid>)](auto&&... all) { (*teacher)(all...); };
    }
    if constexpr (codes) {
      constexpr int classes = Model::Target::Kind::classes, patch = Model::Grid::patch;
      const Codebook codebook = load_codebook(options.teacher);
      if (codebook.codes() != classes || codebook.patch != patch)
        fail<OptionError>("--teacher ", options.teacher, ": is a codebook of ", codebook.codes(), " codes for patches of ", codebook.patch, " pixels, ", options.model, " needs ", classes,
                          " for patches of ", patch, "; fit one with fit_codebook --codes ", classes, " --patch ", patch, ".");
      struct Tokenizer {  // in fp32, whatever the model computes in
        Cpu<Fp32> device;
        CodebookTeacher<Cpu<Fp32>> teacher;
        Tokenizer(int threads, const Codebook& codebook, const Normalisation& colours) : device({threads, {}}), teacher(device, codebook, Model::Grid::height, Model::Grid::width, colours) {}
      };
      return [tokenizer = std::make_shared<Tokenizer>(options.threads, codebook, colours)](auto&&... all) { tokenizer->teacher(all...); };
    } else if constexpr (!detail::is_vit<typename Model::Target::Kind::Teacher>) {
      fail<OptionError>("--teacher ", options.teacher, ": the features of this tower come from an npy file; give one, [pictures, tokens, width].");
    } else {
      using Encoder = typename Model::Target::Kind::Teacher;
      static_assert(Encoder::Grid::height == Model::Grid::height && Encoder::Grid::width == Model::Grid::width,
                    "Target<Features<Teacher>>: the teacher must take the model's pictures; give both the same Image<Height, Width>.");
      return [teacher = std::make_shared<EncoderTeacher<Encoder, D>>(device, options.teacher, colours, options.images_per_micro_batch())](auto&&... all) { (*teacher)(all...); };
    }
  }
}

}  // namespace arvit

#if ARVIT_DEFINITIONS
#include "arvit/core/error.hpp"
#include "arvit/io/npy.hpp"

namespace arvit {

ARVIT_DEFINITION StoredTeacher::StoredTeacher(const std::string& path, std::int64_t pictures, std::int64_t width, std::int64_t token_width) : width_(width) {
  const auto stored = read_npy<float>(path);
  std::vector<std::int64_t> expected{pictures, width / token_width};
  if (token_width > 1) expected.push_back(token_width);
  if (!std::equal(stored.shape().begin(), stored.shape().end(), expected.begin(), expected.end(), [](auto a, auto b) { return std::cmp_equal(a, b); }))
    fail<ShapeError>(path, ": its shape is ", shape_text(stored.shape()), ", ", shape_text(expected), " was expected; use what this model's teacher says of this data set.");
  for (std::int64_t i = 0; i < pictures * width; ++i)
    if (!std::isfinite(stored.data()[i])) fail<ShapeError>(path, ": number ", i % width, " of picture ", i / width, " is ", stored.data()[i], "; compute it again.");
  values_.assign(stored.begin(), stored.end());
}
ARVIT_DEFINITION void StoredTeacher::operator()(const float*, std::span<const Counter> pictures, float* given) const {
  for (const Counter& picture : pictures) {
    const float* const from = values_.data() + static_cast<std::int64_t>(picture.image) * width_;
    given = std::copy(from, from + width_, given);
  }
}

}  // namespace arvit
#endif  // ARVIT_DEFINITIONS
