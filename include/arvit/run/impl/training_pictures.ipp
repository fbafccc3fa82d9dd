// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/run/training_pictures.hpp"

#include <array>
#include <cstdint>

#include "arvit/core/error.hpp"

namespace arvit {

namespace detail {

ARVIT_DEFINITION TrainTransformOptions transform_options(const PictureOptions& options,
                                                         const Normalisation& normalisation,
                                                         const ImageShape& shape) {
  TrainTransformOptions transform;
  transform.height = shape.height;
  transform.width = shape.width;
  transform.smallest_area = options.crop_min;
  transform.flip = options.whole_picture ? 0 : options.flip;
  transform.normalisation = normalisation;
  if (options.whole_picture) transform.crop = Crop::center;
  return transform;
}

ARVIT_DEFINITION LoaderOptions loader_options(const RunOptions& options) {
  LoaderOptions loader;
  loader.batch = options.batch.images_per_micro_batch();
  loader.group = options.batch.accumulation();
  loader.seed = options.seed;
  loader.threads = options.machine.loaders();
  loader.views = static_cast<std::uint32_t>(options.pictures.views.value_or(0));
  loader.on_bad_file = options.pictures.bad_files;
  return loader;
}

ARVIT_DEFINITION std::string crops_text(const RunOptions& options,
                                        const Normalisation& normalisation,
                                        const ImageShape& shape) {
  const auto triple = [](const std::array<float, 3>& values) {
    return text(values[0], " ", values[1], " ", values[2]);
  };
  return text(
      shape.height, " x ", shape.width, " pixels, ",
      options.pictures.whole_picture ? text("whole pictures")
                                     : text("areas from ", options.pictures.crop_min, ", mirrored ",
                                            options.pictures.flip, ", seed ", options.seed),
      ", mean ", triple(normalisation.mean), ", deviation ", triple(normalisation.deviation));
}

}  // namespace detail

ARVIT_DEFINITION TrainingPictures::TrainingPictures(const AnyDataset& set,
                                                    const RunOptions& options,
                                                    const ImageShape& shape)
    : normalisation_(options.pictures.normalise == Normalise::measured ? measure_normalisation(set)
                                                                       : Normalisation::imagenet()),
      crops_(detail::crops_text(options, normalisation_, shape)),
      loader_(set,
              TrainTransform(detail::transform_options(options.pictures, normalisation_, shape)),
              detail::loader_options(options)) {}

}  // namespace arvit
