// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <type_traits>

#include "arvit/core/dtype.hpp"
#include "arvit/core/error.hpp"
#include "arvit/core/type_name.hpp"
#include "arvit/model/pretrainer.hpp"
#include "arvit/teacher/conditions.hpp"
#include "arvit/teacher/encoder.hpp"
#include "arvit/teacher/source.hpp"
#include "arvit/teacher/stored.hpp"
#include "arvit/teacher/tokenizer.hpp"
#include "arvit/train/frozen_teacher.hpp"

/// The teacher of a model's target.
namespace arvit {

/// What gives a model the numbers that its target or encoder reads; none where it reads none.
/// `source`: a codebook for codes, a checkpoint for features, or an npy file of either.
template <class Model, Device D>
FrozenTeacher make_teacher([[maybe_unused]] D& device, [[maybe_unused]] const Source& source,
                           [[maybe_unused]] const TeacherPictures& pictures) {
  constexpr bool codes = UsesCodes<Model>;
  constexpr std::int64_t width = codes ? Model::batch_widths.codes : Model::batch_widths.tokens;
  if constexpr (width == 0) {
    return {};
  } else {
    if (source.is(Source::Kind::none))
      fail<OptionError>(type_name<Model>(), ": its target needs a teacher or tokenizer; give one.");
    if (source.is(Source::Kind::numbers)) {
      const auto stored = std::make_shared<StoredTeacher>(
          source.path, pictures.count, width,
          codes ? 1 : Model::Target::template token_width<typename Model::Grid>);
      const TeacherFunction read = [stored](auto&&... all) { (*stored)(all...); };
      return codes ? FrozenTeacher{.codes = read} : FrozenTeacher{.tokens = read};
    }
    if constexpr (codes) {
      const auto tokenizer = open_tokenizer(source.path, Model::codes, Model::Encoder::shape,
                                            pictures.colours, device.threads());
      return {.codes = [tokenizer](auto&&... all) { tokenizer->codebook(all...); },
              .memory = tokenizer->codebook.memory(),
              .identity = tokenizer->codebook.identity()};
    } else if constexpr (!LearnsFromEncoder<Model>) {
      detail::fail_on_tower(source, "[pictures, tokens, width]");
    } else {
      using Encoder = typename Model::Target::Kind::Teacher;
      static_assert(Encoder::Grid::height == Model::Grid::height &&
                        Encoder::Grid::width == Model::Grid::width,
                    "Target<Features<Teacher>>: the teacher must take the model's pictures; give "
                    "both the same Image<Height, Width>.");
      const auto teacher = std::make_shared<EncoderTeacher<Encoder, D>>(device, source.path,
                                                                        pictures);
      return {.tokens = [teacher](auto&&... all) { (*teacher)(all...); },
              .memory = teacher->memory(),
              .identity = teacher->identity(),
              .halves = std::is_same_v<Activation<D>, bf16>};
    }
  }
}

}  // namespace arvit
