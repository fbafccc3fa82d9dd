// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/run/own_teacher.hpp"
#include "arvit/run/pretrain.hpp"
#include "arvit/workbench/models.hpp"

namespace arvit::program {

/// A model that is pre-trained, and then read.
struct TrainedModel : EncoderModel {
  ModelNeeds (*needs)();
  TrainingResult (*train)(AnyDataset, RunOptions, TrainerHooks);

  template <class V>
  explicit TrainedModel(std::type_identity<V> variant)
      : EncoderModel(variant),
        needs(&needs_of<typename V::Model>),
        train(&arvit::pretrain<typename V::Model>) {}
};

}  // namespace arvit::program
