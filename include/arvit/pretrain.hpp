// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <iostream>
#include <string>
#include <thread>
#include <utility>

#include "arvit/core/dtype.hpp"
#include "arvit/core/linkage.hpp"
#include "arvit/data/augment.hpp"
#include "arvit/data/loader.hpp"
#include "arvit/data/open_dataset.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/model/pretrain_pass.hpp"
#include "arvit/teacher.hpp"
#include "arvit/train/trainer.hpp"

namespace arvit {

/// The pictures of a run as its options ask for them: cropped, mirrored and normalised, in micro-batches.
template <Dataset Set>
class TrainingPictures {
 public:
  TrainingPictures(Set set, const RunOptions& options, int height, int width)
      : normalisation_(options.normalise == "measured" ? measure_normalisation(set) : Normalisation::imagenet()),
        loader_(std::move(set), TrainTransform(transform_options(options, normalisation_, height, width)), loader_options(options)) {}
  Loader<Set, TrainTransform>& loader() { return loader_; }
  const Normalisation& normalisation() const { return normalisation_; }

 private:
  static TrainTransformOptions transform_options(const RunOptions& options, const Normalisation& normalisation, int height, int width) {
    TrainTransformOptions transform;
    transform.height = height, transform.width = width;
    transform.smallest_area = options.crop_min, transform.flip = options.flip, transform.normalisation = normalisation;
    if (options.whole_picture) transform.crop = Crop::center, transform.flip = 0;
    return transform;
  }
  static LoaderOptions loader_options(const RunOptions& options) {
    LoaderOptions loader;
    loader.batch = options.images_per_micro_batch(), loader.group = options.accumulation(), loader.seed = options.seed;
    loader.threads = options.loader_threads > 0 ? options.loader_threads : std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 4);
    loader.views = static_cast<std::uint32_t>(options.views);
    loader.on_bad_file = options.bad_files == "skip" ? OnBadFile::skip : OnBadFile::fail;
    return loader;
  }
  Normalisation normalisation_;
  Loader<Set, TrainTransform> loader_;
};

#if defined(ARVIT_INSTANTIATE)
ARVIT_INSTANTIATE class Loader<AnyDataset, TrainTransform>;
ARVIT_INSTANTIATE class TrainingPictures<AnyDataset>;
#endif

/// A whole pre-training run on the processor: pictures, loader, device, trainer. Says at the start what it runs.
template <TrainableModel Model, Dataset Set>
TrainingResult pretrain(Set set, RunOptions options, TrainerHooks hooks = {}) {
  check(options);
  if (Model::given_width > 0 && !options.teacher.empty() && !options.teacher.ends_with(".npy")) options.teacher = find_checkpoint(options.teacher);  // a run that is resumed has the same
  if (options.micro_batch == 0) options.micro_batch = default_micro_batch(options.batch, Model::Grid::patches);
  const auto on = [&](auto device) {
    const std::string pictures = describe(set);
    if (hooks.output.stream != nullptr)
      *hooks.output.stream << options.model << ": " << Model::parameter_count << " parameters\n" << options.data << ": " << pictures << '\n' << device.describe() << '\n'
                           << options.epochs << " epochs, batches of " << options.batch << " in micro-batches of " << options.images_per_micro_batch() << std::endl;
    if (const std::string note = codebook_note(options, Model::codes, pictures); !note.empty() && hooks.output.stream != nullptr) *hooks.output.stream << note << std::endl;
    const std::int64_t count = set.size();
    TrainingPictures<Set> source(std::move(set), options, Model::Grid::height, Model::Grid::width);
    Trainer<Model, decltype(device), Loader<Set, TrainTransform>> trainer(
        device, source.loader(), options, {pictures, source.normalisation().mean, source.normalisation().deviation}, std::move(hooks),
        make_teacher<Model>(device, options, source.normalisation(), count));
    return trainer.run();
  };
  if (options.precision == "bf16") return on(Cpu<Bf16>({options.threads, {}}));
  return on(Cpu<Fp32>({options.threads, {}}));
}

/// The same on the pictures that options.data names.
template <TrainableModel Model>
TrainingResult pretrain(const RunOptions& options, TrainerHooks hooks = {}) {
  return pretrain<Model>(open_dataset(options.data), options, std::move(hooks));
}

}  // namespace arvit
