// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/train/trainer_options.hpp"

#include "arvit/core/error.hpp"

namespace arvit {

namespace detail {

ARVIT_DEFINITION void check(const BatchOptions& o, const OptionCheck& valid) {
  valid.at_least("batch", o.size, 1);
  valid.above_zero("micro-batch", o.micro);
  if (o.size % o.images_per_micro_batch() != 0)
    fail<OptionError>(valid.name("micro-batch"), " is ", *o.micro, ", which does not divide ",
                      valid.name("batch"), " ", o.size, "; ", largest_divisor(o.size, *o.micro),
                      " does.");
}

ARVIT_DEFINITION void check(const ScheduleOptions& o, int batch, const OptionCheck& valid) {
  valid.above_zero("epochs", o.epochs);
  valid.at_least("base-lr", o.base_lr, 0);
  valid.above_zero("lr", o.lr);
  valid.at_least("min-lr", o.min_lr, 0);
  valid.at_least("warmup", o.warmup, 0);
  if (o.peak(batch) <= 0)
    fail<OptionError>(valid.name("base-lr"), " and ", valid.name("lr"),
                      " are both 0; give one of them, such as ", valid.name("base-lr"), " 0.001.");
  if (o.warmup > o.epochs)
    fail<OptionError>(valid.name("warmup"), " is ", o.warmup, " epochs, more than the ", o.epochs,
                      " of ", valid.name("epochs"), "; choose a shorter warm-up or more epochs.");
  if (o.min_lr > o.peak(batch))
    fail<OptionError>(valid.name("min-lr"), " is ", o.min_lr, ", more than the peak ",
                      o.peak(batch), "; choose less.");
}

ARVIT_DEFINITION void check(const OptimiserOptions& o, const OptionCheck& valid) {
  valid.at_least("weight-decay", o.weight_decay, 0);
  valid.at_least("clip", o.clip, 0);
  valid.below_one("beta1", o.beta1);
  valid.below_one("beta2", o.beta2);
  valid.below_one("drop-path", o.drop_path);
  valid.below_one("ema", o.ema);
  if (o.ema_end) valid.below_one("ema-end", *o.ema_end);
  valid.at_least("ema-ramp", o.ema_ramp, 0);
  if (o.ema_end && !o.keeps_average())
    fail<OptionError>(valid.name("ema-end"), " is ", *o.ema_end, " without ", valid.name("ema"),
                      "; give ", valid.name("ema"), ", the decay at the start.");
}

ARVIT_DEFINITION void check(const FileOptions& o, const OptionCheck& valid) {
  valid.above_zero("save-every", o.save_every);
  valid.at_least("log-every", static_cast<double>(o.log_every), 1);
  valid.at_least("keep", o.keep, 0);
  if (o.out.empty())
    fail<OptionError>(valid.name("out"), " is empty; give a folder for checkpoints and logs.");
  if (o.resume && !o.init.empty())
    fail<OptionError>(valid.name("resume"), " and ", valid.name("init"),
                      " exclude each other: the one continues a run, the other starts one from a "
                      "checkpoint.");
}

}  // namespace detail

ARVIT_DEFINITION void check(const TrainerOptions& options, std::string_view mark) {
  const OptionCheck valid(mark);
  detail::check(options.batch, valid);
  detail::check(options.schedule, options.batch.size, valid);
  detail::check(options.optimiser, valid);
  detail::check(options.files, valid);
}

}  // namespace arvit
