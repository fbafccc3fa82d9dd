// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <iostream>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "arvit/core/dtype.hpp"
#include "arvit/core/error.hpp"
#include "arvit/core/linkage.hpp"
#include "arvit/data/augment.hpp"
#include "arvit/data/loader.hpp"
#include "arvit/data/open_dataset.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/model/pretrain_pass.hpp"
#include "arvit/teacher/cache.hpp"
#include "arvit/teacher/teacher.hpp"
#include "arvit/train/trainer.hpp"

namespace arvit {

/// The pictures of a run as its options ask for them: cropped, mirrored and normalised, in
/// micro-batches.
template <Dataset Set> class TrainingPictures {
 public:
  TrainingPictures(Set set, const RunOptions& options, int height, int width)
      : normalisation_(options.normalise == "measured" ? measure_normalisation(set)
                                                       : Normalisation::imagenet()),
        crops_(crops_text(options, normalisation_, height, width)),
        loader_(std::move(set),
                TrainTransform(transform_options(options, normalisation_, height, width)),
                loader_options(options)) {}
  Loader<Set, TrainTransform>& loader() { return loader_; }
  const Normalisation& normalisation() const { return normalisation_; }
  /// All that the crop of a picture depends on besides the picture and the epoch, in one line.
  const std::string& crops() const { return crops_; }

 private:
  static TrainTransformOptions transform_options(const RunOptions& options,
                                                 const Normalisation& normalisation, int height,
                                                 int width) {
    TrainTransformOptions transform;
    transform.height = height, transform.width = width;
    transform.smallest_area = options.crop_min, transform.flip = options.flip,
    transform.normalisation = normalisation;
    if (options.whole_picture) transform.crop = Crop::center, transform.flip = 0;
    return transform;
  }
  static LoaderOptions loader_options(const RunOptions& options) {
    LoaderOptions loader;
    loader.batch = options.images_per_micro_batch(), loader.group = options.accumulation(),
    loader.seed = options.seed;
    loader.threads = options.loader_threads > 0
                         ? options.loader_threads
                         : std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 4);
    loader.views = static_cast<std::uint32_t>(options.views);
    loader.on_bad_file = options.bad_files == "skip" ? OnBadFile::skip : OnBadFile::fail;
    return loader;
  }
  static std::string crops_text(const RunOptions& options, const Normalisation& normalisation,
                                int height, int width) {
    const auto triple = [](const std::array<float, 3>& values) {
      return text(values[0], " ", values[1], " ", values[2]);
    };
    return text(height, " x ", width, " pixels, ",
                options.whole_picture ? text("whole pictures")
                                      : text("areas from ", options.crop_min, ", mirrored ",
                                             options.flip, ", seed ", options.seed),
                ", mean ", triple(normalisation.mean), ", deviation ",
                triple(normalisation.deviation));
  }
  Normalisation normalisation_;
  std::string crops_;
  Loader<Set, TrainTransform> loader_;
};

#if defined(ARVIT_COMPILED)
extern template class Loader<AnyDataset, TrainTransform>;
extern template class TrainingPictures<AnyDataset>;
#endif

/// A whole pre-training run on the processor: pictures, loader, device, trainer. Says at the start
/// what it runs.
template <class Model, Dataset Set>
TrainingResult pretrain(Set set, RunOptions options, TrainerHooks hooks = {}) {
  check(options);
  if (Model::given_width > 0 && !options.teacher.empty() && !options.teacher.ends_with(".npy"))
    options.teacher = find_checkpoint(options.teacher);  // a run that is resumed has the same
  if (Model::Encoder::Leading::has_file && !options.condition.empty() &&
      !options.condition.ends_with(".npy"))
    options.condition = find_checkpoint(options.condition);
  if (!Model::Encoder::Leading::has_file && !options.condition.empty())
    fail<OptionError>("--condition ", options.condition, ": ", options.model,
                      " has no condition that a file makes; drop --condition.");
  if (options.micro_batch == 0)
    options.micro_batch = default_micro_batch(options.batch, Model::Grid::patches);
  const auto on = [&](auto device) {
    const std::string pictures = describe(set);
    if (hooks.output.stream != nullptr)
      *hooks.output.stream << options.model << ": " << Model::parameter_count << " parameters\n"
                           << options.data << ": " << pictures << '\n'
                           << device.describe() << '\n'
                           << options.epochs << " epochs, batches of " << options.batch
                           << " in micro-batches of " << options.images_per_micro_batch()
                           << std::endl;
    const std::string contents = Model::codes > 0 || Model::Encoder::Leading::has_codebook ||
                                         !options.teacher_cache.empty()
                                     ? contents_text(set)
                                     : "";
    const auto note = [&](const std::string& codebook) {
      if (codebook.empty() || codebook.ends_with(".npy") || hooks.output.stream == nullptr) return;
      if (const std::string line = codebook_note(codebook, contents, Model::Encoder::shape);
          !line.empty())
        *hooks.output.stream << line << std::endl;
    };
    if (Model::codes > 0) note(options.teacher);
    if (Model::Encoder::Leading::has_codebook) note(options.condition);
    const std::int64_t count = set.size();
    std::vector<int> labels;
    for (std::int64_t i = 0; Model::Encoder::condition_width > 0 && i < count; ++i)
      labels.push_back(set.label(i));
    TrainingPictures<Set> source(std::move(set), options, Model::Grid::height, Model::Grid::width);
    FrozenTeacher teacher = make_teacher<Model>(device, options, source.normalisation(), count);
    if (!options.teacher_cache.empty()) {
      TeacherCacheOptions cache{options.teacher_cache,
                                {{"pictures", contents}, {"crops", source.crops()}},
                                count,
                                options.crops(),
                                Model::Grid::image_width,
                                Model::token_given_width,
                                options.teacher_cache_gb};
      teacher = cached(std::move(teacher), std::move(cache), hooks.output.stream);
    }
    if constexpr (Model::Encoder::condition_width > 0)
      teacher = with_conditions(
          std::move(teacher),
          make_conditions<typename Model::Encoder>(
              device, options.condition, source.normalisation(), options.images_per_micro_batch(),
              Model::Encoder::shape, count, labels),
          Model::token_given_width);
    if (Model::Encoder::Leading::has_labels && options.bad_files != "stop")
      fail<OptionError>(options.model,
                        " has labels as a condition, which go by the pictures' numbers, so none "
                        "may stand in for another; give --bad-files stop.");
    if (options.condition.ends_with(".npy"))
      check_stored("--condition", options.condition, options);
    Trainer<Model, decltype(device), Loader<Set, TrainTransform>> trainer(
        device, source.loader(), options,
        {pictures, source.normalisation().mean, source.normalisation().deviation, teacher.identity},
        std::move(hooks), teacher);
    return trainer.run();
  };
  if (options.precision == "bf16") return on(Cpu<Bf16>({options.threads, {}}));
  return on(Cpu<Fp32>({options.threads, {}}));
}

/// The same on the pictures that options.data names.
template <class Model> TrainingResult pretrain(const RunOptions& options, TrainerHooks hooks = {}) {
  return pretrain<Model>(open_dataset(options.data), options, std::move(hooks));
}

}  // namespace arvit
