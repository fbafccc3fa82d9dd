// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "arvit/core/linkage.hpp"
#include "arvit/run/pretrain.hpp"
#include "arvit/variants/semaim.hpp"

/// What a target needs besides pictures, made from the pictures themselves: an encoder that is
/// pre-trained first, or a codebook.
namespace arvit {

/// What an encoder learns that is to teach others: SemAIM, with a light decoder.
template <class Encoder>
using TeacherModel = SemAIM<Encoder, Parallel<std::min(2, Encoder::depth)>>;

/// A codebook fitted to the patches of `train` as a model of these pictures sees them. Written to
/// `file`, unless that is there and options.resume. OptionError when it is there without.
void fit_own_codebook(const AnyDataset& train, const RunOptions& options, const std::string& file,
                      const ImageShape& shape, int codes);

/// The value of --teacher for a run of `Model` that has none: "" where it needs none, else
/// OUT/codebook.safetensors, or the newest checkpoint in OUT/teacher, where TeacherModel is
/// pre-trained with the run's own options. Nothing when a signal stopped that. OptionError for a
/// target that only a file can give.
template <class Model>
std::optional<std::string> make_own_teacher(const AnyDataset& train, RunOptions options) {
  if constexpr (Model::batch_widths.tokens == 0 && Model::batch_widths.codes == 0) {
    return "";
  } else if constexpr (UsesCodes<Model>) {
    const std::string file = options.files.out + "/codebook.safetensors";
    fit_own_codebook(train, options, file, Model::Encoder::shape, Model::codes);
    return file;
  } else if constexpr (LearnsFromEncoder<Model>) {
    options.model = "the teacher of " + options.model;
    options.files.out += "/teacher";
    options.files.init.clear();  // the student's, as are its teacher's options
    options.teacher = {};
    TrainingResult result = pretrain<TeacherModel<typename Model::Target::Kind::Teacher>>(train,
                                                                                          options);
    return result.complete ? std::optional(std::move(result.checkpoint)) : std::nullopt;
  } else {
    using Teacher = typename Model::Target::Kind::Teacher;
    fail<OptionError>(options.model, " predicts the features of ", type_name<Teacher>(),
                      ", which arvit does not have; give --teacher, an npy file of [", train.size(),
                      ", ", Model::batch_widths.tokens / Teacher::dim, ", ", Teacher::dim,
                      "] in fp32: what it makes of these pictures at ", Model::Grid::height, " x ",
                      Model::Grid::width, " pixels.");
  }
}

/// The value of --condition for a run of `Model` that has none: "" where it needs none, else
/// OUT/condition.safetensors, a codebook. OptionError for a condition that only a file can give.
template <class Model>
std::string make_own_condition(const AnyDataset& train, const RunOptions& options) {
  std::string file;
  Model::Encoder::Leading::each_kind_of([&]<class Kind>(Kind, auto of) {
    using Of = typename decltype(of)::type;
    if constexpr (requires { Of::classes; }) {
      file = options.files.out + "/condition.safetensors";
      fit_own_codebook(train, options, file, Model::Encoder::shape, Of::classes);
    } else if constexpr (Kind::has_file) {
      fail<OptionError>(options.model, " has the pooled features of ", type_name<Of>(),
                        " as a condition; give --condition, ",
                        detail::is_vit<Of> ? "a checkpoint of it or " : "", "an npy file of [",
                        train.size(), ", ", Kind::width, "].");
    }
  });
  return file;
}

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/run/impl/own_teacher.ipp"
#endif
