// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/layout.hpp"

namespace arvit {

ARVIT_DEFINITION detail::NoView Listing::add(const Described& described,
                                             const std::array<std::int64_t, 4>& shape, bool decay) {
  std::string name = prefix_ + described.name;
  if (const auto at = name.find("{}"); at != std::string::npos)
    name.replace(at, 2, std::to_string(number_));
  const std::int64_t offset = tensors_.empty()
                                  ? 0
                                  : tensors_.back().offset + tensors_.back().tensor.size();
  const bool as_viewed = described.shape[0] == 0;
  tensors_.push_back(
      {std::move(name), {as_viewed ? shape : described.shape, described.init, decay}, offset});
  return {};
}

}  // namespace arvit
