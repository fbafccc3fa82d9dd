// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/teacher/conditions.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "arvit/core/error.hpp"
#include "arvit/core/random.hpp"
#include "arvit/teacher/stored.hpp"

namespace arvit {

ARVIT_DEFINITION void check_labels(int classes, const std::vector<int>& labels) {
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels[i] >= classes)
      fail<OptionError>("condition: picture ", i, " has label ", labels[i], ", the model's Labels<",
                        classes, "> ends at ", classes - 1, "; give pictures of as many classes.");
}

ARVIT_DEFINITION TeacherFunction label_condition(int classes, const std::vector<int>& labels) {
  check_labels(classes, labels);
  return [classes, labels](const float*, std::span<const Counter> pictures, float* given) {
    for (const Counter& picture : pictures) {
      const int label = picture.image < labels.size() ? labels[picture.image] : -1;
      const bool unknown = label < 0 || Stream(picture.with(Purpose::condition)).uniform() < 0.1f;
      *given++ = static_cast<float>(unknown ? classes : label);
    }
  };
}
ARVIT_DEFINITION TeacherFunction share_of_codes(std::shared_ptr<Tokenizer> tokenizer, int codes) {
  return [tokenizer, codes, of_patches = std::vector<float>()](
             const float* images, std::span<const Counter> pictures, float* given) mutable {
    const auto count = static_cast<std::int64_t>(pictures.size());
    const std::int64_t patches = tokenizer->codebook.width();
    of_patches.resize(count * patches);
    tokenizer->codebook(images, count, of_patches.data());
    std::fill(given, given + count * codes, 0.f);
    for (std::int64_t i = 0; i < count * patches; ++i)
      given[i / patches * codes + static_cast<std::int64_t>(of_patches[i])] += 1.f /
                                                                               static_cast<float>(
                                                                                   patches);
  };
}
ARVIT_DEFINITION FrozenTeacher with_conditions(FrozenTeacher teacher, FrozenTeacher conditions,
                                               std::int64_t token_given_width) {
  teacher.memory.insert(teacher.memory.end(), conditions.memory.begin(), conditions.memory.end());
  teacher.identity += (teacher.identity.empty() || conditions.identity.empty() ? "" : "; ") +
                      conditions.identity;
  teacher.give = [first = std::move(teacher.give), then = std::move(conditions.give),
                  token_given_width](const float* images, std::span<const Counter> pictures,
                                     float* given) {
    if (token_given_width > 0) first(images, pictures, given);
    then(images, pictures, given + token_given_width * static_cast<std::int64_t>(pictures.size()));
  };
  return teacher;
}

namespace detail {

ARVIT_DEFINITION void ConditionParts::add(std::int64_t width, FrozenTeacher part) {
  all_.identity += (all_.identity.empty() || part.identity.empty() ? "" : "; ") + part.identity;
  all_.memory.insert(all_.memory.end(), part.memory.begin(), part.memory.end());
  parts_.emplace_back(std::move(part.give), width);
}

ARVIT_DEFINITION FrozenTeacher ConditionParts::together() && {
  all_.give = [parts = std::move(parts_)](const float* images, std::span<const Counter> pictures,
                                          float* given) {
    for (const auto& [give, width] : parts) {
      give(images, pictures, given);
      given += width * static_cast<std::int64_t>(pictures.size());
    }
  };
  return std::move(all_);
}

ARVIT_DEFINITION FrozenTeacher stored_condition(const Source& source,
                                                const TeacherPictures& pictures, int width) {
  if (pictures.count == 0)
    fail<OptionError>(source.path,
                      ": holds the conditions of the pictures of a run only; read features of an "
                      "encoder whose conditions a checkpoint or codebook makes.");
  const auto stored = std::make_shared<StoredTeacher>(source.path, pictures.count, width, 1);
  return {[stored](auto&&... given) { (*stored)(given...); }, {}, {}};
}

ARVIT_DEFINITION void fail_without_condition() {
  fail<OptionError>(
      "the model has a condition that a teacher or tokenizer makes; give a checkpoint, a codebook "
      "or an npy file of it.");
}

ARVIT_DEFINITION void fail_on_tower(const Source& source, std::string_view shape) {
  fail<OptionError>(source.path, ": the features of this tower come from an npy file; give one, ",
                    shape, ".");
}

}  // namespace detail
}  // namespace arvit
