// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/train/run_options.hpp"

#include <cmath>
#include <vector>

#include "arvit/core/error.hpp"

namespace arvit {

ARVIT_DEFINITION void check(const RunOptions& o) {
  const auto at_least = [](std::string_view name, double value, double least) {
    if (!(value >= least) || !std::isfinite(value))
      fail<OptionError>("--", name, " is ", value, "; it must be a number of at least ", least,
                        ".");
  };
  const auto below_one = [&](std::string_view name, double value) {
    if (!(value >= 0 && value < 1))
      fail<OptionError>("--", name, " is ", value, "; it must be at least 0 and below 1.");
  };
  const auto one_of = [](std::string_view name, const std::string& value,
                         const std::vector<std::string>& known) {
    if (std::find(known.begin(), known.end(), value) == known.end())
      fail_unknown_name(text("--", name), value, known);
  };
  if (!(o.epochs > 0) || !std::isfinite(o.epochs))
    fail<OptionError>("--epochs is ", o.epochs, "; it must be a number above 0.");
  at_least("batch", o.batch, 1), at_least("micro-batch", o.micro_batch, 0);
  if (o.batch % o.images_per_micro_batch() != 0)
    fail<OptionError>("--micro-batch is ", o.micro_batch, ", which does not divide --batch ",
                      o.batch, "; ", largest_divisor(o.batch, o.micro_batch), " does.");
  at_least("base-lr", o.base_lr, 0), at_least("lr", o.lr, 0), at_least("min-lr", o.min_lr, 0),
      at_least("warmup", o.warmup, 0);
  if (o.peak_learning_rate() <= 0)
    fail<OptionError>("--base-lr and --lr are both 0; give one of them, such as --base-lr 0.001.");
  if (o.warmup > o.epochs)
    fail<OptionError>("--warmup is ", o.warmup, " epochs, more than the ", o.epochs,
                      " of --epochs; choose a shorter warm-up or more epochs.");
  if (o.min_lr > o.peak_learning_rate())
    fail<OptionError>("--min-lr is ", o.min_lr, ", more than the peak ", o.peak_learning_rate(),
                      "; choose less.");
  at_least("weight-decay", o.weight_decay, 0), at_least("clip", o.clip, 0);
  below_one("beta1", o.beta1), below_one("beta2", o.beta2), below_one("drop-path", o.drop_path),
      below_one("ema", o.ema), below_one("ema-end", o.ema_end);
  at_least("ema-ramp", o.ema_ramp, 0);
  if (o.ema_end > 0 && o.ema == 0)
    fail<OptionError>("--ema-end is ", o.ema_end,
                      " without --ema; give --ema, the decay at the start.");
  if (!(o.crop_min > 0 && o.crop_min <= 1))
    fail<OptionError>("--crop-min is ", o.crop_min, "; it must be above 0 and at most 1.");
  if (!(o.flip >= 0 && o.flip <= 1))
    fail<OptionError>("--flip is ", o.flip, "; it must be a probability between 0 and 1.");
  at_least("views", o.views, 0), at_least("teacher-cache-gb", o.teacher_cache_gb, 0);
  if (o.whole_picture && o.views > 0)
    fail<OptionError>("--views ", o.views,
                      " asks for crops, --whole-picture for none; drop one of them.");
  if (!o.teacher_cache.empty() && (o.teacher.empty() || o.teacher.ends_with(".npy")))
    fail<OptionError>("--teacher-cache ", o.teacher_cache, " keeps what a teacher computes, and ",
                      o.teacher.empty() ? "there is none" : o.teacher + " computes nothing",
                      "; drop it.");
  one_of("normalise", o.normalise, {"imagenet", "measured"}),
      one_of("bad-files", o.bad_files, {"stop", "skip"});
  one_of("precision", o.precision, {"fp32", "bf16"});
  at_least("threads", o.threads, 0), at_least("loader-threads", o.loader_threads, 0);
  at_least("save-every", static_cast<double>(o.save_every), 0),
      at_least("log-every", static_cast<double>(o.log_every), 1), at_least("keep", o.keep, 0);
  if (o.out.empty()) fail<OptionError>("--out is empty; give a folder for checkpoints and logs.");
  if (o.resume && !o.init.empty())
    fail<OptionError>(
        "--resume and --init exclude each other: --resume continues a run, --init starts one from "
        "a checkpoint.");
}

ARVIT_DEFINITION void apply(const Recipe& recipe, RunOptions& o) {
  o.preset = recipe.name;
  o.epochs = recipe.epochs, o.batch = recipe.batch, o.base_lr = recipe.base_lr,
  o.warmup = recipe.warmup;
  o.weight_decay = recipe.weight_decay, o.clip = recipe.clip, o.crop_min = recipe.crop_min;
}

}  // namespace arvit
