// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <optional>
#include <string>

#include "arvit/core/linkage.hpp"
#include "arvit/show/model_text.hpp"
#include "arvit/workbench/maps.hpp"
#include "arvit/workbench/reconstruct.hpp"
#include "arvit/workbench/trained_model.hpp"

namespace arvit::program {

/// What the demo asks of a model.
struct DemoModel : TrainedModel {
  std::string (*words)();  ///< model_text()
  bool reads_codes;
  std::optional<std::string> (*own_teacher)(const AnyDataset&, RunOptions);
  std::string (*own_condition)(const AnyDataset&, const RunOptions&);
  std::optional<EncoderModel> teacher;    ///< where it is an encoder
  ReconstructingModel::Draw predictions;  ///< null: what it predicts cannot be seen
  /// maps_picture() of the last layer; null: the order comes from elsewhere than the pixels.
  Canvas (*maps)(const LoadedModel&, int layer, bool heads);

  template <class V>
  explicit DemoModel(std::type_identity<V> variant)
      : TrainedModel(variant),
        words(&model_text<typename V::Model>),
        reads_codes(V::Model::Encoder::codes > 0),
        own_teacher(&make_own_teacher<typename V::Model>),
        own_condition(&make_own_condition<typename V::Model>),
        teacher(teacher_of<typename V::Model>()),
        predictions(ReconstructingModel(variant).picture),
        maps(maps_by<V>()) {}

 private:
  template <class Model> static std::optional<EncoderModel> teacher_of() {
    if constexpr (LearnsFromEncoder<Model>) {
      using Teacher = TeacherModel<typename Model::Target::Kind::Teacher>;
      return EncoderModel(std::type_identity<Variant<Teacher, "its teacher">>());
    }
    return {};
  }
  template <class V> static decltype(MappedModel::picture) maps_by() {
    using Encoder = typename V::Model::Encoder;
    if constexpr (arvit::detail::OrderFromTeacher<typename V::Model::Order> || Encoder::codes > 0 ||
                  Encoder::condition_width > 0)
      return nullptr;
    else
      return MappedModel(std::type_identity<V>()).picture;
  }
};

/// From nothing to a measured encoder: pre-trains the model that --variant names, the first unless
/// told otherwise, holds it against the same encoder untrained and against raw pixels, and writes a
/// report with pictures. What teaches the model is made first.
void demo(std::span<const DemoModel> models, int argc, char** argv);
template <class Models> void demo(int argc, char** argv) {
  demo(models_of<DemoModel>(Models{}), argc, argv);
}

}  // namespace arvit::program

#if !defined(ARVIT_COMPILED)
#include "arvit/workbench/impl/demo.ipp"
#endif
