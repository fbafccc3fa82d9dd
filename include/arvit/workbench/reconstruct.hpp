// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

#include "arvit/core/linkage.hpp"
#include "arvit/show/reconstruct.hpp"
#include "arvit/workbench/models.hpp"

namespace arvit::program {

struct ReconstructingModel : NamedModel {
  using Draw = Canvas (*)(const LoadedModel&);
  std::string (*note)();  ///< how predictions became pixels
  Draw picture;           ///< null: what it predicts cannot be seen

  template <class V>
  explicit ReconstructingModel(std::type_identity<V> variant)
      : NamedModel(variant),
        note(&reconstruction_note<typename V::Model>),
        picture(picture_by<typename V::Model>()) {}

 private:
  template <class Model> static constexpr Draw picture_by() {
    if constexpr (!PredictsPixels<Model> || Model::batch_widths.beside_pixels().total() > 0)
      return nullptr;
    else
      return [](const LoadedModel& loaded) {
        const PictureBatch& pictures = loaded.pictures;
        PatchPredictor<Model, Cpu<Fp32>> model(loaded.device,
                                               static_cast<int>(pictures.counters.size()));
        model.load(loaded.parameters);
        return reconstruction_picture<Model>(reconstruct(model, pictures.images, pictures.counters),
                                             loaded.info.normalisation);
      };
  }
};

/// What a pre-trained model predicts: picture, masked or ordered view, target and predicted
/// patches, in one PNG file.
void reconstruct(std::span<const ReconstructingModel> models, int argc, char** argv);
template <class Models> void reconstruct(int argc, char** argv) {
  reconstruct(models_of<ReconstructingModel>(Models{}), argc, argv);
}

}  // namespace arvit::program

#if !defined(ARVIT_COMPILED)
#include "arvit/workbench/impl/reconstruct.ipp"
#endif
