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
  return [classes, labels](const float*, std::span<const Counter> pictures, float* numbers) {
    for (const Counter& picture : pictures) {
      const int label = picture.image < labels.size() ? labels[picture.image] : -1;
      const bool unknown = label < 0 || Stream(picture.with(Purpose::condition)).uniform() < 0.1f;
      *numbers++ = static_cast<float>(unknown ? classes : label);
    }
  };
}
ARVIT_DEFINITION TeacherFunction share_of_codes(std::shared_ptr<Tokenizer> tokenizer, int codes) {
  return [tokenizer, codes, of_patches = std::vector<float>()](
             const float* images, std::span<const Counter> pictures, float* shares) mutable {
    const auto count = static_cast<std::int64_t>(pictures.size());
    const std::int64_t patches = tokenizer->codebook.width();
    of_patches.resize(count * patches);
    tokenizer->codebook(images, count, of_patches.data());
    std::fill(shares, shares + count * codes, 0.f);
    for (std::int64_t i = 0; i < count * patches; ++i)
      shares[i / patches * codes + static_cast<std::int64_t>(of_patches[i])] += 1.f /
                                                                                static_cast<float>(
                                                                                    patches);
  };
}
ARVIT_DEFINITION FrozenTeacher with_conditions(FrozenTeacher teacher, FrozenTeacher conditions) {
  teacher.memory.insert(teacher.memory.end(), conditions.memory.begin(), conditions.memory.end());
  teacher.identity += (teacher.identity.empty() || conditions.identity.empty() ? "" : "; ") +
                      conditions.identity;
  teacher.conditions = std::move(conditions.conditions);
  return teacher;
}

namespace detail {

ARVIT_DEFINITION void ConditionKinds::add(std::int64_t width, FrozenTeacher kind) {
  all_.identity += (all_.identity.empty() || kind.identity.empty() ? "" : "; ") + kind.identity;
  all_.memory.insert(all_.memory.end(), kind.memory.begin(), kind.memory.end());
  kinds_.emplace_back(std::move(kind.conditions), width);
}

ARVIT_DEFINITION FrozenTeacher ConditionKinds::together() && {
  all_.conditions = [kinds = std::move(kinds_)](const float* images,
                                                std::span<const Counter> pictures, float* numbers) {
    for (const auto& [make, width] : kinds) {
      make(images, pictures, numbers);
      numbers += width * static_cast<std::int64_t>(pictures.size());
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
  return {.conditions = [stored](auto&&... all) { (*stored)(all...); }};
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
