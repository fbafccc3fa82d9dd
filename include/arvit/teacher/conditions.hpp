// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/data/augment.hpp"
#include "arvit/model/pretrainer.hpp"
#include "arvit/teacher/codebook.hpp"
#include "arvit/teacher/encoder.hpp"
#include "arvit/teacher/source.hpp"
#include "arvit/teacher/tokenizer.hpp"
#include "arvit/train/frozen_teacher.hpp"

/// What makes the conditions of an encoder (nn/condition.hpp).
namespace arvit {

/// OptionError for a label that is none of the classes; negative ones are unknown.
void check_labels(int classes, const std::vector<int>& labels);
/// Makes the numbers of Labels<Classes>: the label of each picture, or `classes`, which is unknown:
/// without a label, and one in ten.
TeacherFunction label_condition(int classes, const std::vector<int>& labels);
/// Makes the numbers of Pooled<Codes<N>>: the share of an image's patches that has each code.
TeacherFunction share_of_codes(std::shared_ptr<Tokenizer> tokenizer, int codes);

namespace detail {

/// Teachers of one kind of condition each; their numbers follow each other, kind after kind
/// [pictures, width].
class ConditionKinds {
 public:
  void add(std::int64_t width, FrozenTeacher kind);
  FrozenTeacher together() &&;

 private:
  std::vector<std::pair<TeacherFunction, std::int64_t>> kinds_;
  FrozenTeacher all_;
};

/// [pictures, width] in an npy file. OptionError where the pictures are not those of a run.
FrozenTeacher stored_condition(const Source& source, const TeacherPictures& pictures, int width);
[[noreturn]] void fail_without_condition();
[[noreturn]] void fail_on_tower(const Source& source, std::string_view shape);

/// Whether an encoder of ours, if that is what a condition is made of, takes an encoder's pictures.
template <class Of, class Encoder> constexpr bool takes_pictures_of() {
  if constexpr (is_vit<Of>)
    return Of::Grid::height == Encoder::Grid::height && Of::Grid::width == Encoder::Grid::width;
  else
    return true;
}
template <class Tokens, class Encoder> inline constexpr bool conditions_take_pictures = true;
template <int Dim, bool HasClassToken, class... Kinds, class Encoder>
inline constexpr bool
    conditions_take_pictures<ConditionTokens<Dim, HasClassToken, Kinds...>, Encoder> =
        (takes_pictures_of<typename Kinds::Of::type, Encoder>() && ...);

/// The pooled features or codes of `Of`.
template <class Encoder, class Of, Device D>
FrozenTeacher pooled_condition(D& device, const Source& source, const TeacherPictures& pictures) {
  const int height = pictures.height > 0 ? pictures.height : Encoder::shape.height;
  const int width = pictures.width > 0 ? pictures.width : Encoder::shape.width;
  if constexpr (requires { Of::classes; }) {
    // The codebook's patch need not be the encoder's.
    const ImageShape shape{3, height, width, load_codebook(source.path).patch};
    const auto tokenizer = open_tokenizer(source.path, Of::classes, shape, pictures.colours,
                                          device.threads());
    return {.conditions = share_of_codes(tokenizer, Of::classes),
            .memory = tokenizer->codebook.memory(),
            .identity = tokenizer->codebook.identity()};
  } else if constexpr (is_vit<Of>) {
    const auto teacher = std::make_shared<EncoderTeacher<Of, D>>(device, source.path, pictures,
                                                                 Readout::mean);
    return {.conditions = [teacher](auto&&... all) { (*teacher)(all...); },
            .memory = teacher->memory(),
            .identity = teacher->identity()};
  } else {
    fail_on_tower(source, "[pictures, width]");
  }
}

}  // namespace detail

/// What makes the conditions of an encoder (nn/condition.hpp), kind after kind [pictures, width].
/// `source`: for Pooled a checkpoint, a codebook, or npy [pictures, width] of all pictures. Where
/// no labels are known, all are unknown.
template <class Encoder, Device D>
FrozenTeacher make_conditions(D& device, const Source& source, const TeacherPictures& pictures) {
  static_assert(
      detail::conditions_take_pictures<typename Encoder::Leading, Encoder>,
      "Conditions<Pooled<Teacher>>: the teacher must take the model's pictures; give both the same "
      "Image<Height, Width>.");
  detail::ConditionKinds kinds;
  Encoder::Leading::each_kind_of([&]<class Kind>(Kind, auto of) {
    using Of = typename decltype(of)::type;
    if constexpr (detail::LabelKind<Kind>)
      kinds.add(1, {.conditions = label_condition(Kind::classes, pictures.labels)});
    else if (source.is(Source::Kind::none))
      detail::fail_without_condition();
    else if (source.is(Source::Kind::numbers))
      kinds.add(Kind::width, detail::stored_condition(source, pictures, Kind::width));
    else
      kinds.add(Kind::width, detail::pooled_condition<Encoder, Of>(device, source, pictures));
  });
  return std::move(kinds).together();
}

/// A teacher of tokens or codes, or of nothing, that makes these conditions too.
FrozenTeacher with_conditions(FrozenTeacher teacher, FrozenTeacher conditions);

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/teacher/impl/conditions.ipp"
#endif
