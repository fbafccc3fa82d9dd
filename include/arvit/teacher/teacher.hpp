// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "arvit/core/checksum.hpp"
#include "arvit/core/dtype.hpp"
#include "arvit/core/linkage.hpp"
#include "arvit/core/random.hpp"
#include "arvit/core/type_name.hpp"
#include "arvit/data/augment.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/io/file.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/model/features.hpp"
#include "arvit/model/pretrainer.hpp"
#include "arvit/teacher/codebook.hpp"
#include "arvit/train/checkpoint.hpp"
#include "arvit/train/checkpoint_folder.hpp"
#include "arvit/train/frozen_teacher.hpp"
#include "arvit/train/run_options.hpp"

/// Where the numbers of a target come from that are given with the images (target/features.hpp).
namespace arvit {

/// Features or codes that were computed before: an npy file of [pictures, tokens, width] or
/// [pictures, patches] in fp32, picture by picture of the data set, read as they are asked for. The
/// shape is checked at the start, that the numbers are finite when they are read. They belong to
/// whole pictures (--whole-picture): shorter side resized to the model's, bicubic, centre cut out.
class StoredTeacher {
 public:
  /// `width`: numbers of a picture, over all tokens; `token_width`: of a token (1: codes).
  StoredTeacher(const std::string& path, std::int64_t pictures, std::int64_t width,
                std::int64_t token_width);
  void operator()(const float* images, std::span<const Counter> pictures, float* given) const;

 private:
  std::string path_;
  std::int64_t width_, offset_ = 0;
  detail::Descriptor file_;
};

/// The codes of a codebook, for every patch of the codebook in reading order, as floats (which hold
/// every code exactly). That patch need not be the model's. Normalising the pictures and undoing it
/// rounds by about 1e-7, so only a patch that lies as far from two centroids may get either code.
template <Device D> class CodebookTeacher {
 public:
  /// Images of height x width pixels; `pictures`: the colours of the images that it will get.
  /// ShapeError when the codebook's patch does not divide them.
  CodebookTeacher(D& device, const Codebook& codebook, int height, int width,
                  const Normalisation& pictures)
      : nearest_(device, codebook),
        shape_{3, height, width, codebook.patch},
        pictures_(pictures),
        identity_(identity_of(codebook)) {
    check_patches(shape_);
  }
  /// What it computes, by its contents.
  const std::string& identity() const { return identity_; }
  std::vector<MemoryTable::Line> memory() const {
    return {{"teacher's codebook and distances", nearest_.bytes()}};
  }
  /// Numbers of a picture.
  int width() const { return shape_.patches(); }
  /// images [pictures.size(), 3, height, width] -> given [pictures.size(), width()].
  void operator()(const float* images, std::span<const Counter> pictures, float* given) {
    (*this)(images, static_cast<std::int64_t>(pictures.size()), given);
  }
  void operator()(const float* images, std::int64_t count, float* given) {
    const std::int64_t rows = count * width();
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
  std::string identity_;
};

/// A codebook on the processor in fp32, whatever a model computes in.
struct Tokenizer {
  Cpu<Fp32> device;
  CodebookTeacher<Cpu<Fp32>> codebook;
  Tokenizer(const Tokenizer&) = delete;  // the codebook's memory is the device's
  Tokenizer& operator=(const Tokenizer&) = delete;
  Tokenizer(int threads, const Codebook& of, int height, int width, const Normalisation& pictures)
      : device({threads, {}}), codebook(device, of, height, width, pictures) {}
};
/// The codebook in `file` for images of `shape` in the colours `pictures`. OptionError unless it
/// has `codes` codes for the shape's patch.
std::shared_ptr<Tokenizer> open_tokenizer(const std::string& file, int codes, ImageShape shape,
                                          const Normalisation& pictures, int threads);
/// The same as what an encoder that reads codes asks for.
GivenFunction<float> make_tokenizer(const std::string& file, int codes, ImageShape shape,
                                    const Normalisation& pictures, int threads);
/// What to say of a run whose --teacher or --condition is a codebook that was fitted to other
/// pictures than these, of `contents` (contents_text()), or to pictures of another size than
/// `shape`; "" where there is nothing to say.
std::string codebook_note(const std::string& file, const std::string& contents,
                          const ImageShape& shape);
/// The file that a checkpoint's run had as --teacher or --condition; OptionError where there is
/// none that works on other pictures.
std::string run_option(const Safetensors& checkpoint, const std::string& option);
/// OptionError unless what `file` holds, by its `identity`, gave its numbers to the checkpoint's
/// run, as far as the checkpoint says.
void check_gave(const Safetensors& checkpoint, const std::string& file,
                const std::string& identity);
/// The codebook of a checkpoint's run: the one that the checkpoint names, or where it lies now.
std::string codebook_of(const Safetensors& checkpoint, const std::string& now = {});
/// What Labels<Classes> is given: the label of each picture, or `classes`, which is unknown:
/// without a label, and one in ten. OptionError for a label that is none of the classes.
TeacherFunction label_condition(int classes, const std::vector<int>& labels);
/// What Pooled<Codes<N>> is given: the share of an image's patches that has each code.
TeacherFunction share_of_codes(std::shared_ptr<Tokenizer> tokenizer, int codes);
/// OptionError unless a run on whole pictures, of which none may be missing, as npy files need.
void check_stored(const std::string& option, const std::string& file, const RunOptions& options);

/// The colours that a file's pictures were normalised with, ImageNet's where it does not say.
/// FileError for a deviation that is not positive.
Normalisation pretrained_colours(const Safetensors& file);

/// The encoder of a checkpoint, frozen, on every micro-batch: the same crop as the model's, in the
/// colours that the teacher was trained on.
template <class Encoder, Device D> class EncoderTeacher {
 public:
  /// `checkpoint`: a file, or the folder of a run. `pictures`: the colours of the images that it
  /// will get. height, width: theirs; 0: the encoder's own.
  EncoderTeacher(D& device, const std::string& checkpoint, const Normalisation& pictures,
                 int micro_batch, Readout readout = Readout::tokens, int height = 0, int width = 0)
      : extractor_(device, {.batch = micro_batch,
                            .height = height,
                            .width = width,
                            .features = {Feature{readout}}}) {
    static_assert(Encoder::condition_width == 0,
                  "EncoderTeacher<Encoder>: a teacher with conditions would need another teacher; "
                  "choose one without.");
    const Safetensors file(find_checkpoint(checkpoint));
    check_encoder(file);
    file_ = file.path();
    const std::vector<float> parameters = load_encoder<Encoder>(file.path());
    extractor_.load(parameters);
    const Normalisation own = pretrained_colours(file);
    for (std::size_t c = 0; c < 3; ++c)
      scale_[c] = pictures.deviation[c] / own.deviation[c],
      offset_[c] = (pictures.mean[c] - own.mean[c]) / own.deviation[c];
    same_colours_ = own.mean == pictures.mean && own.deviation == pictures.deviation;
    if (extractor_.codes() > 0) {
      tokenizer_ = open_tokenizer(codebook_of(file), extractor_.codes(), extractor_.shape(), own,
                                  device.threads());
      extractor_.tokenizer(
          [tokenizer = tokenizer_](const float* images, std::int64_t count, float* codes) {
            tokenizer->codebook(images, count, codes);
          });
    }
    recoloured_.resize(
        same_colours_ ? 0 : static_cast<std::size_t>(micro_batch * extractor_.image_width()));
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
    lines.push_back({"teacher's parameters", extractor_.parameter_bytes()});
    lines.push_back({text("teacher's activations of ", extractor_.options().batch, " images"),
                     extractor_.activation_bytes() +
                         static_cast<std::int64_t>(recoloured_.size() * sizeof(float))});
    return lines;
  }
  /// images [pictures.size(), 3, height, width] -> given [pictures.size(), tokens, dim], class
  /// token first; or what the readout is.
  void operator()(const float* images, std::span<const Counter> pictures, float* given) {
    const auto count = static_cast<std::int64_t>(pictures.size()),
               channel = extractor_.image_width() / 3;
    if (!same_colours_) {
      recoloured_.resize(static_cast<std::size_t>(3 * channel * count));
      for (std::int64_t i = 0; i < 3 * channel * count; ++i) {
        const auto c = static_cast<std::size_t>(i / channel % 3);
        recoloured_[static_cast<std::size_t>(i)] = images[i] * scale_[c] + offset_[c];
      }
      images = recoloured_.data();
    }
    extractor_.extract(images, count, given);
    const std::int64_t numbers = count * extractor_.width();
    if (!std::all_of(given, given + numbers, [](float value) { return std::isfinite(value); }))
      fail<NumericError>(file_,
                         ": what this teacher gives is not finite; choose another checkpoint.");
  }

 private:
  /// Image size and heads are in no tensor: a checkpoint that says what its encoder is must say
  /// this one.
  static void check_encoder(const Safetensors& file) {
    const auto model = file.metadata().find("model");
    if (model == file.metadata().end()) return;
    const std::string own = without_starts(type_name<Encoder>()),
                      of_file = without_starts(model->second);
    if (of_file.find("Pretrainer<" + own + ",") != 0)
      fail<OptionError>(file.path(), ": its model is ", model->second, ", the model's teacher is ",
                        own, "; choose a run with that encoder.");
  }
  /// The type without the options that change only how parameters start.
  static std::string without_starts(std::string type) {
    for (const std::string_view option : {",SeparateQkv", ",ZeroClassToken"})
      for (auto at = type.find(option); at != std::string::npos; at = type.find(option))
        type.erase(at, option.size());
    return type;
  }

  FeatureExtractor<Encoder, D> extractor_;
  std::shared_ptr<Tokenizer> tokenizer_;  ///< null: the encoder reads pixels
  std::array<float, 3> scale_{}, offset_{};
  bool same_colours_ = true;
  std::vector<float> recoloured_;
  std::string file_, identity_;
};

/// The teacher that the options name for a model whose target needs one, or none.
template <class Model, Device D>
FrozenTeacher make_teacher(D& device, const RunOptions& options, const Normalisation& colours,
                           std::int64_t pictures) {
  if constexpr (Model::token_given_width == 0) {
    if (!options.teacher.empty())
      fail<OptionError>("--teacher ", options.teacher, ": ", options.model,
                        " predicts nothing of a teacher; drop --teacher.");
    return {};
  } else {
    constexpr bool codes = Model::codes > 0;
    if (options.teacher.empty())
      fail<OptionError>(options.model,
                        codes ? " works on the codes of a tokenizer; give --teacher, a codebook "
                                "(fit_codebook makes one) or an npy file of codes."
                              : " predicts the features of a teacher; give --teacher, a checkpoint "
                                "or an npy file of features.");
    if (options.teacher.ends_with(".npy")) {
      check_stored("--teacher", options.teacher, options);
      return {[teacher = std::make_shared<StoredTeacher>(
                   options.teacher, pictures, Model::token_given_width,
                   codes ? 1 : Model::Target::template token_width<typename Model::Grid>)](
                  auto&&... all) { (*teacher)(all...); },
              {},
              {}};
    }
    if constexpr (codes) {
      const auto tokenizer = open_tokenizer(options.teacher, Model::codes, Model::Encoder::shape,
                                            colours, options.threads);
      return {[tokenizer](auto&&... all) { tokenizer->codebook(all...); },
              tokenizer->codebook.memory(), tokenizer->codebook.identity()};
    } else if constexpr (!detail::is_vit<typename Model::Target::Kind::Teacher>) {
      fail<OptionError>("--teacher ", options.teacher,
                        ": the features of this tower come from an npy file; give one, [pictures, "
                        "tokens, width].");
    } else {
      using Encoder = typename Model::Target::Kind::Teacher;
      static_assert(Encoder::Grid::height == Model::Grid::height &&
                        Encoder::Grid::width == Model::Grid::width,
                    "Target<Features<Teacher>>: the teacher must take the model's pictures; give "
                    "both the same Image<Height, Width>.");
      const auto teacher = std::make_shared<EncoderTeacher<Encoder, D>>(
          device, options.teacher, colours, options.images_per_micro_batch());
      return {[teacher](auto&&... all) { (*teacher)(all...); }, teacher->memory(),
              teacher->identity(), std::is_same_v<Activation<D>, bf16>};
    }
  }
}

namespace detail {
/// Whether an encoder of ours, if that is what a condition is made of, takes an encoder's pictures.
template <class Of, class Encoder> constexpr bool takes_pictures_of() {
  if constexpr (is_vit<Of>)
    return Of::Grid::height == Encoder::Grid::height && Of::Grid::width == Encoder::Grid::width;
  else
    return true;
}
template <class Tokens, class Encoder> inline constexpr bool conditions_take_pictures = true;
template <int Dim, bool HasClassToken, class... Kinds, class Encoder>
inline constexpr bool
    conditions_take_pictures<ConditionTokens<Dim, HasClassToken, Kinds...>, Encoder> =
        (takes_pictures_of<typename Kinds::Of::type, Encoder>() && ...);
}  // namespace detail

/// What makes the conditions of an encoder (condition.hpp), kind after kind [pictures, width].
/// `file`: for Pooled a checkpoint, a codebook, or npy [pictures, width] of all `pictures` pictures
/// (0: not known, and npy refused). `shape`: of the images that it will get. `labels` of all
/// pictures, or none: then all are unknown.
template <class Encoder, Device D>
FrozenTeacher make_conditions(D& device, const std::string& file, const Normalisation& colours,
                              int micro_batch, ImageShape shape = Encoder::shape,
                              std::int64_t pictures = 0, const std::vector<int>& labels = {}) {
  static_assert(
      detail::conditions_take_pictures<typename Encoder::Leading, Encoder>,
      "Conditions<Pooled<Teacher>>: the teacher must take the model's pictures; give both the same "
      "Image<Height, Width>.");
  FrozenTeacher all;
  std::vector<std::pair<TeacherFunction, std::int64_t>> parts;
  const auto add = [&](std::int64_t width, TeacherFunction give, const std::string& identity = {},
                       std::vector<MemoryTable::Line> memory = {}) {
    parts.emplace_back(std::move(give), width);
    all.identity += (all.identity.empty() || identity.empty() ? "" : "; ") + identity;
    all.memory.insert(all.memory.end(), memory.begin(), memory.end());
  };
  const auto kind = [&]<class Kind>(Kind, auto of) {
    using Of = typename decltype(of)::type;
    if constexpr (detail::LabelKind<Kind>) {
      add(1, label_condition(Kind::classes, labels));
    } else if (file.empty()) {
      fail<OptionError>(
          "the model has a condition that a teacher or tokenizer makes; give --condition, a "
          "checkpoint, a codebook or an npy file.");
    } else if (file.ends_with(".npy")) {
      if (pictures == 0)
        fail<OptionError>("--condition ", file,
                          " holds the conditions of the pictures of a run only; read features of "
                          "an encoder whose conditions a checkpoint or codebook makes.");
      add(Kind::width, [stored = std::make_shared<StoredTeacher>(file, pictures, Kind::width, 1)](
                           auto&&... given) { (*stored)(given...); });
    } else if constexpr (requires { Of::classes; }) {
      ImageShape in_patches = shape;
      in_patches.patch = load_codebook(file).patch;  // which need not be the encoder's
      const auto tokenizer = open_tokenizer(file, Of::classes, in_patches, colours,
                                            device.threads());
      add(Kind::width, share_of_codes(tokenizer, Of::classes), tokenizer->codebook.identity(),
          tokenizer->codebook.memory());
    } else if constexpr (detail::is_vit<Of>) {
      const auto teacher = std::make_shared<EncoderTeacher<Of, D>>(
          device, file, colours, micro_batch, Readout::mean, shape.height, shape.width);
      add(
          Kind::width, [teacher](auto&&... given) { (*teacher)(given...); }, teacher->identity(),
          teacher->memory());
    } else {
      fail<OptionError>(
          "--condition ", file,
          ": the features of this tower come from an npy file; give one, [pictures, width].");
    }
  };
  Encoder::Leading::each_kind_of([&](auto each, auto of) { kind(each, of); });
  all.give = [parts](const float* images, std::span<const Counter> of, float* given) {
    for (const auto& [give, width] : parts)
      give(images, of, given), given += width * static_cast<std::int64_t>(of.size());
  };
  return all;
}
/// A teacher and, behind what it gives, conditions.
FrozenTeacher with_conditions(FrozenTeacher teacher, FrozenTeacher conditions,
                              std::int64_t token_given_width);

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/teacher/impl/teacher.ipp"
#endif
