// SPDX-License-Identifier: BSL-1.0
#include "arvit/data/draw_pictures.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "arvit/data/augment.hpp"
#include "arvit/data/open_dataset.hpp"
#include "support/encode_picture.hpp"
#include "support/temporary_folder.hpp"

namespace arvit::test {
namespace {

/// Pictures of one grey each.
struct Greys {
  std::int64_t size() const { return 9; }
  int label(std::int64_t) const { return -1; }
  Picture picture(std::int64_t i) const {
    Picture result(8, 4);
    std::fill_n(result.data(), 3 * 8 * 4, static_cast<std::uint8_t>(20 * i));
    return result;
  }
};

TEST_CASE(
    "draw_pictures: the pictures that are drawn follow from the seed, and say which they are") {
  const EvaluationTransform transform({.height = 8, .width = 4, .normalisation = {}});
  const auto which = [&](const PictureBatch& batch) {
    std::vector<std::uint32_t> numbers;
    for (const Counter& counter : batch.counters) numbers.push_back(counter.image);
    return numbers;
  };
  const PictureBatch drawn = draw_pictures(Greys{}, transform, 4, 3),
                     again = draw_pictures(Greys{}, transform, 4, 3);
  REQUIRE(drawn.counters.size() == 4);
  REQUIRE(drawn.images.size() == 4 * 3 * 8 * 4);
  CHECK(again.images == drawn.images);
  CHECK(which(again) == which(drawn));
  std::set<std::vector<std::uint32_t>> draws;
  for (std::uint64_t seed = 0; seed < 8; ++seed)
    draws.insert(which(draw_pictures(Greys{}, transform, 4, seed)));
  CHECK(draws.size() > 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(drawn.counters[i].seed == 3);
    CHECK(drawn.counters[i].epoch == 0);
    for (std::size_t pixel = 0; pixel < 96; ++pixel)
      CHECK(drawn.images[i * 96 + pixel] ==
            static_cast<float>(20 * drawn.counters[i].image) / 255.f);
  }
  CHECK(std::set<float>(drawn.images.begin(), drawn.images.end()).size() == 4);
  CHECK(which(draw_pictures(Greys{}, transform, 20, 3)) ==
        std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8});
}

TEST_CASE("draw_pictures: a picture that cannot be read is an error") {
  const TemporaryFolder folder;
  for (const char* name : {"0.png", "1.png", "2.png"})
    write_bytes(folder / "pictures" / name,
                test::encode_png({7}, 1, 1, {.colour = PNG_COLOR_TYPE_GRAY}));
  const EvaluationTransform transform({.height = 4, .width = 4});
  CHECK(draw_pictures(open_dataset(folder / "pictures"), transform, 3, 1).counters.size() == 3);
  write_bytes(folder / "pictures" / "1.png", std::string_view("no picture"));
  CHECK(message_of<FileError>([&] {
          draw_pictures(open_dataset(folder / "pictures"), transform, 3, 1);
        }).find((folder / "pictures" / "1.png").string() + ": neither a JPEG nor a PNG picture") ==
        0);
}

}  // namespace
}  // namespace arvit::test
