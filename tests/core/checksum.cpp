// SPDX-License-Identifier: BSL-1.0
#include "arvit/core/checksum.hpp"

#include <doctest/doctest.h>

#include <set>
#include <vector>

using namespace arvit;

TEST_CASE("checksum: every byte, the length and the seed count") {
  std::set<std::uint64_t> sums;
  std::size_t made = 0;
  const auto add = [&](const std::vector<std::byte>& bytes, std::uint64_t seed = 0) {
    sums.insert(checksum(bytes, seed));
    ++made;
  };
  for (std::size_t size = 0; size < 100; ++size) add(std::vector<std::byte>(size));  // zeros only
  for (std::uint64_t seed = 1; seed < 100; ++seed) add(std::vector<std::byte>(50), seed);
  for (std::size_t place = 0; place < 75; ++place)
    for (int bit = 0; bit < 8; ++bit) {
      std::vector<std::byte> bytes(75);
      bytes[place] = std::byte(1 << bit);
      add(bytes);
    }
  CHECK(sums.size() == made);
  std::vector<std::byte> swapped(64);
  swapped[0] = std::byte(1);
  swapped[40] = std::byte(2);
  const auto first = checksum(swapped);
  std::swap(swapped[0], swapped[32]),
      std::swap(swapped[8], swapped[40]);  // the same words of each lane, in another order
  CHECK(checksum(swapped) != first);
  CHECK(checksum(std::vector<std::byte>(50)) == checksum(std::vector<std::byte>(50)));
}
