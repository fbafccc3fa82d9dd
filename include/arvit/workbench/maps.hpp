// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/linkage.hpp"
#include "arvit/show/maps.hpp"
#include "arvit/workbench/models.hpp"

namespace arvit::program {

struct MappedModel : NamedModel {
  Canvas (*picture)(const LoadedModel&, int layer, bool heads);

  template <class V>
  explicit MappedModel(std::type_identity<V> variant)
      : NamedModel(variant), picture([](const LoadedModel& loaded, int layer, bool heads) {
          using Model = typename V::Model;
          const PictureBatch& pictures = loaded.pictures;
          const auto maps = patch_maps<Model>(loaded.device, loaded.parameters, pictures.images,
                                              pictures.counters, layer);
          return maps_picture<Model>(pictures.images, maps, loaded.info.normalisation, heads);
        }) {}
};

/// Order, similarity and attention maps of a pre-trained model over some pictures, in one PNG file.
void maps(std::span<const MappedModel> models, int argc, char** argv);
template <class Models> void maps(int argc, char** argv) {
  maps(models_of<MappedModel>(Models{}), argc, argv);
}

}  // namespace arvit::program

#if !defined(ARVIT_COMPILED)
#include "arvit/workbench/impl/maps.ipp"
#endif
