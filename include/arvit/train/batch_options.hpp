// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <optional>

#include "arvit/core/option_list.hpp"

namespace arvit {

/// The largest divisor of `batch` up to `most`.
constexpr int largest_divisor(int batch, int most) {
  for (int size = std::min(batch, most); size > 1; --size)
    if (batch % size == 0) return size;
  return 1;
}
/// Images of one forward and backward where nobody says: about 1600 patches repay each pass over
/// the parameters, and more only needs memory.
constexpr int default_micro_batch(int batch, int patches) {
  return largest_divisor(batch, std::max(1, 1600 / patches));
}

/// The images of an optimiser step, and how they pass through the model.
struct BatchOptions {
  int size = 256;
  /// Images of one forward and backward. By default the whole batch in a trainer of one's
  /// own, default_micro_batch() in a run.
  std::optional<int> micro = {};
  bool recompute = false;  ///< keep the inputs of blocks only

  int images_per_micro_batch() const { return micro.value_or(size); }
  int accumulation() const { return size / images_per_micro_batch(); }

  template <class Group, class Visit> static void list(Group& o, Visit&& visit) {
    constexpr std::string_view how = "Optimiser";
    visit(OptionInfo{"batch", how, "images per optimiser step"}, o.size);
    visit(OptionInfo{"micro-batch", how,
                     "images per forward and backward; less needs less memory, the gradients stay "
                     "the same up to rounding; must divide the batch; 0: about 1600 patches' worth",
                     false},
          o.micro);
    visit(OptionInfo{"recompute", how,
                     "keep only the inputs of blocks and compute the rest again: the same bits "
                     "from less memory, in about a fifth more time",
                     false},
          o.recompute);
  }
};

}  // namespace arvit
