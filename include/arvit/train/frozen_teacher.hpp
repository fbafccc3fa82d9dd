// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "arvit/core/random.hpp"
#include "arvit/train/memory.hpp"

namespace arvit {

/// Makes what a model needs besides the images, from images [pictures.size(), 3, height, width]:
/// what target or encoder reads of each, [pictures.size(), Model::token_given_width], and behind
/// that, kind after kind, the conditions [pictures.size(), width].
using TeacherFunction =
    std::function<void(const float* images, std::span<const Counter> pictures, float* given)>;

/// A teacher as a run knows it.
struct FrozenTeacher {
  TeacherFunction give;                   ///< null: none
  std::vector<MemoryTable::Line> memory;  ///< what it holds
  std::string identity;  ///< says what it computes, contents included: the same for the same
                         ///< numbers only; "": it reads numbers and computes none
  bool halves = false;   ///< its numbers are bf16
};

}  // namespace arvit
