// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string>

#include "arvit/core/linkage.hpp"
#include "arvit/show/inspect.hpp"
#include "arvit/train/step.hpp"
#include "arvit/workbench/models.hpp"

namespace arvit::program {

struct InspectedModel : NamedModel {
  MemoryPlan (*plan)(const StepOptions&);
  std::string (*masks)(std::uint64_t seed, bool sorted);

  template <class V>
  explicit InspectedModel(std::type_identity<V> variant)
      : NamedModel(variant),
        plan([](const StepOptions& options) {
          return Step<typename V::Model, Cpu<Fp32>>::plan(options);
        }),
        masks(&model_masks_text<typename V::Model>) {}
};

/// Looks into models, checkpoints and masks: --model memory plan and parameters, --checkpoint what
/// a file says of itself, --mask who reads whom on a small grid, --ranks the masks of given ranks.
void inspect(std::span<const InspectedModel> models, int argc, char** argv);
template <class Models> void inspect(int argc, char** argv) {
  inspect(models_of<InspectedModel>(Models{}), argc, argv);
}

}  // namespace arvit::program

#if !defined(ARVIT_COMPILED)
#include "arvit/workbench/impl/inspect.ipp"
#endif
