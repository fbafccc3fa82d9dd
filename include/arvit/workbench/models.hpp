// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "arvit/data/draw_pictures.hpp"
#include "arvit/data/open_dataset.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/eval/open_encoder.hpp"
#include "arvit/run/program.hpp"  // IWYU pragma: export
#include "arvit/variants/model_list.hpp"

/// The models of a program as run-time values: of each its name and what the program does with it.
/// So all of a program that does not depend on a model is an ordinary function, compiled once.
namespace arvit::program {

/// What every program may ask of a model. A program that asks for more derives from it and adds
/// functions; its constructor takes the Variant.
struct NamedModel {
  VariantInfo info;
  ModelDescription (*describe)();

  template <class V>
  explicit NamedModel(std::type_identity<V>)
      : info{V::name.view(), V::Model::parameter_count, {}},
        describe(&describe_model<typename V::Model>) {}
};

/// The models of a list, as `M` sees them.
template <class M, class... Variants> std::vector<M> models_of(ModelList<Variants...>) {
  return {M(std::type_identity<Variants>{})...};
}

template <class M> std::vector<VariantInfo> infos_of(std::span<const M> models) {
  std::vector<VariantInfo> infos;
  for (const M& model : models) infos.push_back(model.info);
  return infos;
}

/// The model of that name. OptionError where the program does not hold it; `file` as
/// fail_missing_model has it.
template <class M>
const M& find_model(std::span<const M> models, std::string_view name, std::string_view file = {}) {
  const auto found = std::find_if(models.begin(), models.end(),
                                  [&](const M& model) { return model.info.name == name; });
  if (found != models.end()) return *found;
  std::vector<std::string> names;
  for (const M& model : models) names.emplace_back(model.info.name);
  fail_missing_model(name, file, names);
}
/// The model of a checkpoint; `given`: what --model says of it, or "".
template <class M>
const M& find_model(std::span<const M> models, const EncoderInfo& info, std::string_view given) {
  return find_model(models, info.model_name, given.empty() ? info.path : std::string());
}

/// A model whose features are read.
struct EncoderModel : NamedModel {
  std::unique_ptr<FeatureSource<float>> (*extractor)(Cpu<Fp32>&, const EncoderInfo&,
                                                     const FeatureOptions&,
                                                     const ExtractorOptions&);

  template <class V>
  explicit EncoderModel(std::type_identity<V> variant)
      : NamedModel(variant), extractor(&extractor_of<typename V::Model, Cpu<Fp32>>) {}
};

/// A loaded model and some pictures, for what a program's own function makes of them.
struct LoadedModel {
  Cpu<Fp32>& device;
  const EncoderInfo& info;
  std::span<const float> parameters;  ///< all of the model's
  const PictureBatch& pictures;
};

/// Pictures are brought to the size of the model and normalised as the checkpoint says.
inline EvaluationTransform transform_of(const ModelDescription& model,
                                        const Normalisation& normalisation) {
  return EvaluationTransform(
      {.height = model.height, .width = model.width, .normalisation = normalisation});
}

}  // namespace arvit::program
