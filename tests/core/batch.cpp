// SPDX-License-Identifier: BSL-1.0
#include "arvit/core/batch.hpp"

#include <doctest/doctest.h>

#include <array>
#include <span>
#include <type_traits>
#include <vector>

#include "arvit/device/reference.hpp"

namespace arvit {
namespace {
constexpr BatchWidths widths{.pixels = 3, .codes = 2, .conditions = 1};
static_assert(widths.total() == 6);
static_assert(widths.beside_pixels().total() == 3);
// A device's memory is no container, and what is const stays so.
static_assert(!std::is_convertible_v<Span<float, DeviceSpace>, Span<const float>>);
static_assert(!std::is_convertible_v<const std::vector<float>&, Span<float>>);
}  // namespace

TEST_CASE("batch: views of containers, and the parts that are read") {
  const std::vector<float> pixels{1, 2, 3, 4, 5, 6, 7};
  std::array<float, 4> codes{8, 9, 10, 11};
  const Batch<const float> all{.pixels = pixels, .codes = std::span<float>(codes)};
  CHECK(all.pixels.data() == pixels.data());
  CHECK(all.pixels.size() == 7);
  const Batch<const float> two = all.first(2, widths);
  CHECK(two.pixels.size() == 6);
  CHECK(two.tokens.empty());
  CHECK(two.codes.size() == 4);
  CHECK(two.conditions.size() == 2);  // of a plan: places without memory
  CHECK(two.conditions.data() == nullptr);
}

TEST_CASE("batch: a part that is read must be there, of all images") {
  const std::vector<float> three(3), two(2);
  CHECK_NOTHROW(check_batch(Batch<const float>{.pixels = three, .codes = two, .conditions = {}},
                            {.pixels = 3, .codes = 2}, 1));
  CHECK_THROWS_WITH_AS(check_batch(Batch<const float>{.pixels = three}, widths, 1),
                       "batch: its codes are 0 numbers, 1 images need 2; give 2 for each.",
                       ShapeError);
  CHECK_THROWS_WITH_AS(check_batch(Batch<const float>{.pixels = three}, widths, 2),
                       "batch: its pixels are 3 numbers, 2 images need 6; give 3 for each.",
                       ShapeError);
}

TEST_CASE("batch: the memory of a device takes what is read, and no more than it is for") {
  using D = Reference<float>;
  D device;
  DeviceBatchMemory<D, float> memory(device, widths, 2);
  CHECK(memory.bytes() == 2 * 6 * 4);
  HostBatch<float> made(widths.beside_pixels(), 2);
  const Batch<float> parts = made.first(1);
  CHECK(parts.pixels.empty());
  parts.codes[1] = 5;
  parts.conditions[0] = 7;
  Batch<const float> batch = parts;
  const std::vector<float> pixels{1, 2, 3};
  batch.pixels = pixels;
  batch.tokens = pixels;  // not read
  const Batch<const float> there = memory.upload(batch, 1);
  CHECK(std::vector<float>(there.pixels.begin(), there.pixels.end()) == pixels);
  CHECK(there.tokens.empty());
  CHECK(there.codes[1] == 5);
  CHECK(there.conditions[0] == 7);
  CHECK(memory.first(1).codes.data() == there.codes.data());
  CHECK_THROWS_WITH_AS(memory.upload(batch, 3),
                       "batch: 3 images, there is memory for 2; give fewer at once.", ShapeError);
}

}  // namespace arvit
