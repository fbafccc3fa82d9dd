// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

namespace arvit {

/// One piece of an attention: queries q_begin..q_end read keys from k_begin..k_end; query row i
/// only the first limit[i] of them.
struct Segment {
  std::int32_t q_begin, q_end, k_begin, k_end;
};

}  // namespace arvit
