// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <optional>

#include "arvit/core/option_list.hpp"
#include "arvit/train/schedule.hpp"

namespace arvit {

/// How long a run is, and how its learning rate goes.
struct ScheduleOptions {
  double epochs = 20;
  double base_lr = 1e-3;          ///< of 256 images
  std::optional<double> lr = {};  ///< peak; by default base_lr, scaled to the batch
  double min_lr = 0, warmup = 2;  ///< at the end; in epochs

  double peak(int batch) const { return lr ? *lr : scaled_learning_rate(base_lr, batch); }
  Schedule of_batch(int batch) const { return {peak(batch), min_lr, warmup, epochs}; }

  template <class Group, class Visit> static void list(Group& o, Visit&& visit) {
    constexpr std::string_view what = "What to train", how = "Optimiser";
    visit(OptionInfo{"epochs", what, "passes over the pictures, whole or not"}, o.epochs);
    visit(OptionInfo{"base-lr", how,
                     "learning rate of 256 images: the peak is base-lr * batch / 256"},
          o.base_lr);
    visit(OptionInfo{"lr", how, "peak learning rate itself; 0: from base-lr"}, o.lr);
    visit(OptionInfo{"min-lr", how, "learning rate at the end of the cosine"}, o.min_lr);
    visit(OptionInfo{"warmup", how, "epochs of linear warm-up"}, o.warmup);
  }
};

}  // namespace arvit
