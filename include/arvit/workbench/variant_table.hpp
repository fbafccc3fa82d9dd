// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string_view>
#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/train/step.hpp"
#include "arvit/workbench/trained_model.hpp"

namespace arvit::program {

/// What the table asks of a variant.
struct TableModel : TrainedModel {
  MemoryPlan (*plan)(const StepOptions&);

  template <class V>
  explicit TableModel(std::type_identity<V> variant)
      : TrainedModel(variant), plan(&Step<typename V::Model, Cpu<Fp32>>::plan) {}
};

struct TableModels {
  std::vector<TableModel> methods;
  std::vector<TableModel> arms;  ///< ablations, which are left out unless asked for
  /// The method that teaches those that learn from an encoder; its own, untrained, is the floor.
  std::string_view teacher;
};

/// Pre-trains variants on the same pictures and prints a table: k-NN and linear probe after as many
/// images, with --minutes also after as much time; images/s, memory; the untrained encoder and raw
/// pixels as floor. Continues where it was stopped, and keeps what is finished.
void variant_table(const TableModels& models, int argc, char** argv);
template <class Methods, class Arms, Name Teacher> void variant_table(int argc, char** argv) {
  variant_table({models_of<TableModel>(Methods{}), models_of<TableModel>(Arms{}), Teacher.view()},
                argc, argv);
}

}  // namespace arvit::program

#if !defined(ARVIT_COMPILED)
#include "arvit/workbench/impl/variant_table.ipp"
#endif
