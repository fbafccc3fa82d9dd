// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>

#include "arvit/core/linkage.hpp"
#include "arvit/core/option_list.hpp"
#include "arvit/data/open_dataset.hpp"
#include "arvit/data/picture_options.hpp"
#include "arvit/run/machine_options.hpp"
#include "arvit/run/recipes.hpp"
#include "arvit/teacher/teacher_options.hpp"
#include "arvit/train/trainer_options.hpp"

namespace arvit {

/// All options of a pre-training run: its trainer's, and those of what surrounds it.
struct RunOptions : TrainerOptions {
  std::string data, preset = "quick";
  TeacherOptions teacher;
  PictureOptions pictures;
  MachineOptions machine;

  /// The one list that command line, checkpoints and comparisons walk.
  template <class Group, class Visit> static void list(Group& o, Visit&& visit) {
    constexpr std::string_view what = "What to train";
    visit(OptionInfo{"data", what, help_of_pictures(), false}, o.data);
    visit(OptionInfo{"preset", what, "recipe that sets the defaults of the options below", false},
          o.preset);
    TeacherOptions::list(o.teacher, visit);
    TrainerOptions::list(o, visit);
    PictureOptions::list(o.pictures, visit);
    MachineOptions::list(o.machine, visit);
  }
};

/// Throws OptionError for the first option out of its range, named as a flag, with what is allowed.
void check(const RunOptions& options);

/// Makes the recipe's values the options'.
void apply(const Recipe& recipe, RunOptions& options);

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/run/impl/run_options.ipp"
#endif
