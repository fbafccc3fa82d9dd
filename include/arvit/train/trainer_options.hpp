// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "arvit/core/linkage.hpp"
#include "arvit/core/option_list.hpp"
#include "arvit/train/batch_options.hpp"
#include "arvit/train/file_options.hpp"
#include "arvit/train/optimiser_options.hpp"
#include "arvit/train/schedule_options.hpp"

namespace arvit {

/// All that a trainer can be told, in groups.
struct TrainerOptions {
  std::string model;  ///< its name, for people and checkpoints
  std::uint64_t seed = 0;
  ScheduleOptions schedule;
  BatchOptions batch;
  OptimiserOptions optimiser;
  FileOptions files;

  double peak_learning_rate() const { return schedule.peak(batch.size); }

  template <class Group, class Visit> static void list(Group& o, Visit&& visit) {
    constexpr std::string_view what = "What to train";
    visit(OptionInfo{"model", what, "model to train; an unknown name lists those of this program"},
          o.model);
    visit(OptionInfo{"seed", what,
                     "seed of parameters, data order, crops and orders; the same seed gives the "
                     "same bits"},
          o.seed);
    BatchOptions::list(o.batch, visit);
    ScheduleOptions::list(o.schedule, visit);
    OptimiserOptions::list(o.optimiser, visit);
    FileOptions::list(o.files, visit);
  }
};

/// Throws OptionError for the first option out of its range, with what is allowed. `mark`: of
/// OptionCheck.
void check(const TrainerOptions& options, std::string_view mark = {});

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/train/impl/trainer_options.ipp"
#endif
