// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace arvit {

/// 64 bits that tell contents apart, and damaged ones from whole ones: a change within 8 aligned
/// bytes always changes them, any other by all likelihood. Against damage and chance, not against
/// malice. A chain of parts: the sum of one is the seed of the next.
inline std::uint64_t checksum(std::span<const std::byte> bytes, std::uint64_t seed = 0) {
  constexpr std::uint64_t odd = 0x9E3779B97F4A7C15u;
  const auto mixed = [](std::uint64_t x) {  // one to one
    x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93u;
    x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93u;
    return x ^ (x >> 32);
  };
  // Four, for their products wait for each other.
  std::array<std::uint64_t, 4> lanes{seed, seed + odd, seed + 2 * odd, seed + 3 * odd};
  std::array<std::uint64_t, 4> words{};
  for (std::size_t at = 0; at < bytes.size(); at += sizeof words) {
    const std::size_t count = std::min(bytes.size() - at, sizeof words);
    if (count < sizeof words) words = {};
    std::memcpy(words.data(), bytes.data() + at, count);
    for (std::size_t lane = 0; lane < 4; ++lane) {
      const std::uint64_t product = (lanes[lane] ^ words[lane]) * odd;
      // Once more: a change of the top bits alone must spread, or one in the next word would undo
      // it.
      lanes[lane] = (product ^ (product >> 29)) * odd;
    }
  }
  std::uint64_t sum = mixed(bytes.size());
  for (const std::uint64_t lane : lanes) sum = mixed(sum ^ lane);
  return sum;
}

}  // namespace arvit
