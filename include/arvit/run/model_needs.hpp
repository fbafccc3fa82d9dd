// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arvit/core/layout.hpp"
#include "arvit/core/type_name.hpp"
#include "arvit/device/ops/images.hpp"
#include "arvit/model/pretrainer.hpp"
#include "arvit/train/step.hpp"

namespace arvit {

/// What a run must know of its model, as values: so that options are resolved and checked by code
/// that is compiled once and not per model.
struct ModelNeeds {
  enum class Maker : char { nobody, tokenizer, encoder, tower };
  /// Numbers that come with the pictures, and who makes them.
  struct Numbers {
    Maker maker = Maker::nobody;
    std::string type = {};                   ///< of an encoder or tower
    std::vector<PlacedTensor> tensors = {};  ///< of an encoder
    int codes = 0;                           ///< of a tokenizer
    std::int64_t width = 0;                  ///< numbers of a picture
    int token_width = 1;                     ///< numbers of a token
  };

  std::string type;  ///< spelled out
  std::vector<PlacedTensor> parameters;
  std::int64_t parameter_count = 0;
  ImageShape shape;       ///< of its pictures and patches
  Numbers target;         ///< what the target predicts, or the encoder reads
  Numbers condition;      ///< the pooled one, of which there is one at most
  int label_classes = 0;  ///< 0: no labels as a condition
  bool orders_from_average = false;

  bool reads_codebook() const {
    return target.maker == Maker::tokenizer || condition.maker == Maker::tokenizer;
  }
};

namespace detail {

template <class Of> ModelNeeds::Numbers needs_of_teacher(std::int64_t width) {
  using Maker = ModelNeeds::Maker;
  if constexpr (requires { Of::classes; })
    return {.maker = Maker::tokenizer, .codes = Of::classes, .width = width};
  else if constexpr (is_vit<Of>)
    return {.maker = Maker::encoder,
            .type = type_name<Of>(),
            .tensors = Of::parameters(),
            .width = width};
  else
    return {.maker = Maker::tower, .type = type_name<Of>(), .width = width};
}

template <class Model> ModelNeeds::Numbers needs_of_target() {
  constexpr BatchWidths widths = Model::batch_widths;
  if constexpr (widths.tokens == 0 && widths.codes == 0) {
    return {};
  } else if constexpr (UsesCodes<Model>) {
    return {.maker = ModelNeeds::Maker::tokenizer, .codes = Model::codes, .width = widths.codes};
  } else {
    auto numbers = needs_of_teacher<typename Model::Target::Kind::Teacher>(widths.tokens);
    numbers.token_width = Model::Target::template token_width<typename Model::Grid>;
    return numbers;
  }
}

}  // namespace detail

template <TrainableModel Model> ModelNeeds needs_of() {
  ModelNeeds needs;
  needs.type = type_name<Model>();
  const auto& listed = Model::parameters();
  needs.parameters.assign(listed.begin(), listed.end());
  needs.parameter_count = Model::parameter_count;
  needs.shape = Model::Encoder::shape;
  needs.target = detail::needs_of_target<Model>();
  Model::Encoder::Leading::each_kind_of([&]<class Kind>(Kind, auto of) {
    using Of = typename decltype(of)::type;
    if constexpr (detail::LabelKind<Kind>)
      needs.label_classes = Kind::classes;
    else
      needs.condition = detail::needs_of_teacher<Of>(Kind::width);
  });
  if constexpr (requires { Model::Order::from_average; })
    needs.orders_from_average = Model::Order::from_average;
  return needs;
}

}  // namespace arvit
