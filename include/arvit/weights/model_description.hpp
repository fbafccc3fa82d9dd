// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arvit/core/layout.hpp"
#include "arvit/core/type_name.hpp"

namespace arvit {

/// A model as run-time values, so that what reads and writes files is compiled once and not per
/// model.
struct ModelDescription {
  std::string type;
  /// All tensors, in the order of the model's buffer.
  std::vector<PlacedTensor> tensors;
  /// The encoder's with its final norm, in the order of its own buffer.
  std::vector<PlacedTensor> encoder;
  std::int64_t parameters = 0, encoder_parameters = 0;
  int height = 0, width = 0, patch = 0;
  int dim = 0, depth = 0, heads = 0, mlp_ratio = 0, decoder_dim = 0;
  bool class_token = false;
  bool joint = false;          ///< an MAE: its decoder travels with MAE's names
  bool uses_norm = true;       ///< whether a decoder of the model applies the encoder's final norm
  bool plain = true;           ///< pixels in, no conditions
  bool adds_positions = true;  ///< and nothing else tells places, as in others' encoders
  std::string learned_positions;  ///< the tensor of the encoder's positions; "": they are fixed
  std::vector<float> fixed_positions;  ///< ... and these, [patches, dim]
  double epsilon = 1e-6;               ///< of its norms
  int tokens() const { return height / patch * (width / patch) + class_token; }
};

namespace detail {
template <class Policy> std::string learned_name() {
  if constexpr (Policy::learned)
    return Policy::name;
  else
    return {};
}
template <class Policy> std::vector<float> fixed_table() {
  if constexpr (Policy::adds && !Policy::learned)
    return Policy::template added<float>(nullptr);
  else
    return {};
}
}  // namespace detail

template <class Model> ModelDescription describe_model() {
  using Encoder = typename Model::Encoder;
  using Decoder = typename Model::Decoder;
  return {
      .type = type_name<Model>(),
      .tensors = Model::parameters(),
      .encoder = Encoder::parameters(),
      .parameters = Model::parameter_count,
      .encoder_parameters = Encoder::parameter_count,
      .height = Encoder::Grid::height,
      .width = Encoder::Grid::width,
      .patch = Encoder::Grid::patch,
      .dim = Encoder::dim,
      .depth = Encoder::depth,
      .heads = Encoder::heads,
      .mlp_ratio = Encoder::mlp_ratio,
      .decoder_dim = Decoder::position_dim,
      .class_token = Encoder::has_class_token,
      .joint = Decoder::rules.joint,
      .uses_norm = Decoder::uses_norm,
      .plain = Encoder::codes == 0 && Encoder::condition_width == 0,
      .adds_positions = Encoder::PositionPolicy::adds && !Encoder::PositionPolicy::turns,
      .learned_positions = detail::learned_name<typename Encoder::PositionPolicy>(),
      .fixed_positions = detail::fixed_table<typename Encoder::PositionPolicy>(),
      .epsilon = Encoder::Norm::epsilon,
  };
}

}  // namespace arvit
