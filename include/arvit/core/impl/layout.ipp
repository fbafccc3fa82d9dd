// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/layout.hpp"

namespace arvit {

namespace detail {
ARVIT_DEFINITION void place(const Name& prefix, std::span<const Tensor> tensors, int repeat,
                            std::vector<PlacedTensor>& all) {
  std::int64_t offset = all.empty() ? 0 : all.back().offset + all.back().tensor.size();
  for (int i = 0; i < repeat; ++i) {
    std::string whole(prefix.view());
    if (const auto at = whole.find("{}"); at != std::string::npos)
      whole.replace(at, 2, std::to_string(i));
    for (const Tensor& tensor : tensors) {
      all.push_back({whole + std::string(tensor.name.view()), tensor, offset});
      offset += tensor.size();
    }
  }
}
}  // namespace detail

}  // namespace arvit
