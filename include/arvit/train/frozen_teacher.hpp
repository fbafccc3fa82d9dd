// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "arvit/core/batch.hpp"
#include "arvit/core/random.hpp"
#include "arvit/train/memory.hpp"

namespace arvit {

/// Makes one part of a batch from images [pictures.size(), 3, height, width].
using TeacherFunction =
    std::function<void(const float* images, std::span<const Counter> pictures, float* numbers)>;

/// A teacher as a run knows it.
struct FrozenTeacher {
  TeacherFunction tokens = {}, codes = {}, conditions = {};  ///< null: it makes none
  std::vector<MemoryTable::Line> memory = {};                ///< what it holds
  /// Says what it computes, contents included: the same for the same numbers only; "": it reads
  /// numbers and computes none.
  std::string identity = {};
  bool halves = false;  ///< its numbers are bf16

  /// Whether it makes all that is read besides the pictures.
  bool makes(const BatchWidths& widths) const {
    return (widths.tokens == 0 || tokens) && (widths.codes == 0 || codes) &&
           (widths.conditions == 0 || conditions);
  }
  /// Fills the parts that it makes and that have a place in `batch`.
  void fill(const float* images, std::span<const Counter> pictures,
            const Batch<float>& batch) const {
    if (!batch.tokens.empty() && tokens) tokens(images, pictures, batch.tokens.data());
    if (!batch.codes.empty() && codes) codes(images, pictures, batch.codes.data());
    if (!batch.conditions.empty() && conditions)
      conditions(images, pictures, batch.conditions.data());
  }
};

}  // namespace arvit
