// SPDX-License-Identifier: BSL-1.0
#pragma once

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
  // Once more: a change of the top bits alone must spread, or one in the next word would undo it.
  const auto next = [](std::uint64_t lane, std::uint64_t word) {
    const std::uint64_t product = (lane ^ word) * odd;
    return (product ^ (product >> 29)) * odd;
  };
  // Four, for their products wait for each other; by name, so that they stay in registers.
  std::uint64_t a = seed, b = seed + odd, c = seed + 2 * odd, d = seed + 3 * odd;
  std::array<std::uint64_t, 4> words{};
  const auto take = [&] {
    a = next(a, words[0]);
    b = next(b, words[1]);
    c = next(c, words[2]);
    d = next(d, words[3]);
  };
  const std::byte* from = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= sizeof words; left -= sizeof words, from += sizeof words) {
    std::memcpy(words.data(), from, sizeof words);
    take();
  }
  if (left > 0) {
    words = {};
    std::memcpy(words.data(), from, left);
    take();
  }
  std::uint64_t sum = mixed(bytes.size());
  for (const std::uint64_t lane : {a, b, c, d}) sum = mixed(sum ^ lane);
  return sum;
}

}  // namespace arvit
