// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/run/run_options.hpp"

#include "arvit/core/error.hpp"

namespace arvit {

ARVIT_DEFINITION void check(const RunOptions& options) {
  const OptionCheck valid("--");
  check(static_cast<const TrainerOptions&>(options), "--");

  const PictureOptions& pictures = options.pictures;
  if (!(pictures.crop_min > 0 && pictures.crop_min <= 1))
    fail<OptionError>("--crop-min is ", pictures.crop_min, "; it must be above 0 and at most 1.");
  if (!(pictures.flip >= 0 && pictures.flip <= 1))
    fail<OptionError>("--flip is ", pictures.flip, "; it must be a probability between 0 and 1.");
  valid.above_zero("views", pictures.views);
  if (pictures.whole_picture && pictures.views)
    fail<OptionError>("--views ", *pictures.views,
                      " asks for crops, --whole-picture for none; drop one of them.");

  valid.at_least("teacher-cache-gb", options.teacher.cache_gigabytes, 0);
  valid.above_zero("threads", options.machine.threads);
  valid.above_zero("loader-threads", options.machine.loader_threads);
}

ARVIT_DEFINITION void apply(const Recipe& recipe, RunOptions& options) {
  options.preset = recipe.name;
  options.schedule.epochs = recipe.epochs;
  options.batch.size = recipe.batch;
  options.schedule.base_lr = recipe.base_lr;
  options.schedule.warmup = recipe.warmup;
  options.optimiser.weight_decay = recipe.weight_decay;
  options.optimiser.clip = recipe.clip;
  options.pictures.crop_min = recipe.crop_min;
}

}  // namespace arvit
