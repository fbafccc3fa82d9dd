// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <iosfwd>
#include <string>

#include "arvit/core/linkage.hpp"
#include "arvit/data/dataset.hpp"
#include "arvit/run/model_needs.hpp"
#include "arvit/run/run_options.hpp"
#include "arvit/run/training_pictures.hpp"
#include "arvit/teacher/encoder.hpp"
#include "arvit/teacher/source.hpp"
#include "arvit/train/checkpoint.hpp"
#include "arvit/train/frozen_teacher.hpp"

/// What of a run depends on no model: resolved, then checked, before anything is built.
namespace arvit {

/// A run whose options are resolved: defaults filled in, paths looked at.
struct PreparedRun {
  RunOptions options;
  ModelNeeds model;
  AnyDataset pictures;
  Source teacher = {}, condition = {};
};

/// Fills in what options leave open, and looks at the paths that they give. OptionError for values
/// outside their ranges, FileError for paths where nothing fits.
PreparedRun resolve(RunOptions options, ModelNeeds model, AnyDataset pictures);

/// Refuses what cannot be run, before anything is built: teacher and condition against the model,
/// labels, sizes, what the run starts from, and the places where it writes. Makes the folder of the
/// run.
void check(const PreparedRun& run);

/// OptionError that says how to go on with a folder that holds `file`, but is not to be resumed.
[[noreturn]] void fail_already_there(const std::string& folder, const std::string& file);

/// Model, pictures, device and sizes, for people; and whether codebooks were fitted to these
/// pictures.
void announce(const PreparedRun& run, const std::string& device, std::ostream& output);

/// What teachers are told of the run's pictures.
TeacherPictures teacher_pictures(const PreparedRun& run, const TrainingPictures& pictures);

/// The same teacher, behind a cache where the run has one. `output` may be null.
FrozenTeacher with_cache(FrozenTeacher teacher, const PreparedRun& run,
                         const TrainingPictures& pictures, std::ostream* output);

/// What the run's checkpoints say of it.
RunInfo info_of(const PreparedRun& run, const TrainingPictures& pictures, FrozenTeacher teacher);

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/run/impl/prepared_run.ipp"
#endif
