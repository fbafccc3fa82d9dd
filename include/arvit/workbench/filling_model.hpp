// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <vector>

#include "arvit/show/fill_in.hpp"
#include "arvit/workbench/models.hpp"

namespace arvit::program {

/// A model that completes pictures: what sample and compare_reconstructions ask of it.
struct FillingModel : NamedModel {
  bool has_conditions, by_groups, standardises;
  int codes;              ///< of its codebook; 0: it predicts pixels
  std::string (*note)();  ///< how predictions became pixels
  using Fill = std::vector<float> (*)(const LoadedModel&, std::span<const int> ranks,
                                      const FillOptions&);
  /// The pictures with the patches of ranks other than 0 filled in; null: it knows no way.
  Fill fill;
  /// samples_picture() of the model's size.
  Canvas (*samples)(std::span<const float> images, std::span<const float> filled,
                    std::span<const int> ranks, const Normalisation&, const std::string& note);

  template <class V>
  explicit FillingModel(std::type_identity<V> variant)
      : NamedModel(variant),
        has_conditions(V::Model::Encoder::condition_width > 0),
        by_groups(predicts_by_groups<typename V::Model>),
        standardises(V::Model::Target::standardise),
        codes(V::Model::codes),
        note(&reconstruction_note<typename V::Model>),
        fill(fill_by<typename V::Model>()),
        samples(&samples_picture<typename V::Model::Grid>) {}

 private:
  template <class Model> static constexpr Fill fill_by() {
    if constexpr (Model::Encoder::condition_width > 0 || !fills_in<Model>)
      return nullptr;
    else
      return [](const LoadedModel& loaded, std::span<const int> ranks, const FillOptions& options) {
        return fill_in<Model>(loaded.device, loaded.parameters, loaded.pictures.images, ranks,
                              loaded.pictures.counters, options);
      };
  }
};

}  // namespace arvit::program
