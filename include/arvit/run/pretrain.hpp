// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <ostream>
#include <utility>

#include "arvit/core/dtype.hpp"
#include "arvit/data/dataset.hpp"
#include "arvit/data/open_dataset.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/model/pretrain_pass.hpp"
#include "arvit/run/prepared_run.hpp"
#include "arvit/run/training_pictures.hpp"
#include "arvit/teacher/conditions.hpp"
#include "arvit/teacher/target_teacher.hpp"
#include "arvit/train/trainer.hpp"

namespace arvit {

#if defined(ARVIT_COMPILED)
extern template class OptimisedParameters<Cpu<Fp32>>;
extern template class OptimisedParameters<Cpu<Bf16>>;
#endif

namespace detail {

/// What gives a run the numbers that its model needs besides the pictures.
template <class Model, Device D>
FrozenTeacher build_teacher(D& device, const PreparedRun& run, const TrainingPictures& pictures,
                            std::ostream* output) {
  const TeacherPictures told = teacher_pictures(run, pictures);
  FrozenTeacher teacher = with_cache(make_teacher<Model>(device, run.teacher, told), run, pictures,
                                     output);
  if constexpr (Model::Encoder::condition_width > 0)
    return with_conditions(std::move(teacher),
                           make_conditions<typename Model::Encoder>(device, run.condition, told));
  return teacher;
}

/// A run whose options are resolved, and of which nothing is left to refuse.
template <class Model> PreparedRun prepared(AnyDataset pictures, RunOptions options) {
  PreparedRun run = resolve(std::move(options), needs_of<Model>(), std::move(pictures));
  check(run);
  return run;
}

/// Builds what a run works with on the processor, D, and works.
template <class Model, Device D> TrainingResult run_on(const PreparedRun& run, TrainerHooks hooks) {
  D device({run.options.machine.threads.value_or(0), {}});
  std::ostream* const output = hooks.output.stream;
  if (output != nullptr) announce(run, device.describe(), *output);
  TrainingPictures pictures(run.pictures, run.options, run.model.shape);
  FrozenTeacher teacher = build_teacher<Model>(device, run, pictures, output);
  Trainer<Model, D, Loader<AnyDataset, TrainTransform>> trainer(
      device, pictures.loader(), run.options, info_of(run, pictures, std::move(teacher)),
      std::move(hooks));
  const TrainingResult result = trainer.run();
  if (!result.complete && output != nullptr) *output << "--resume continues it." << std::endl;
  return result;
}

}  // namespace detail

/// A whole pre-training run on the processor: its options are resolved, then all is checked that
/// can be refused, then loader, teacher and trainer are built, and it trains. Says at the start
/// what it runs.
template <class Model>
TrainingResult pretrain(AnyDataset pictures, RunOptions options, TrainerHooks hooks = {}) {
  const PreparedRun run = detail::prepared<Model>(std::move(pictures), std::move(options));
  if (run.options.machine.precision == PrecisionName::bf16)
    return detail::run_on<Model, Cpu<Bf16>>(run, std::move(hooks));
  return detail::run_on<Model, Cpu<Fp32>>(run, std::move(hooks));
}

/// The same on the pictures that options.data names.
template <class Model> TrainingResult pretrain(RunOptions options, TrainerHooks hooks = {}) {
  AnyDataset pictures = open_dataset(options.data);
  return pretrain<Model>(std::move(pictures), std::move(options), std::move(hooks));
}

}  // namespace arvit
