// SPDX-License-Identifier: BSL-1.0
#include "arvit/data/image.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

using namespace arvit;

namespace {

/// The rule of tests/reference/pil_resize.py.
Picture made_up(int height, int width) {
  Picture picture(height, width);
  std::uint32_t state = static_cast<std::uint32_t>(height) * 65536u +
                        static_cast<std::uint32_t>(width);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c) {
        state = state * 1664525u + 1013904223u;
        const int noise = (y / 16 + x / 16) % 2 ? static_cast<int>(state >> 24)
                                                : (x * 3 + y * 2 + c * 40) % 256;
        picture.row(y)[3 * x + c] = static_cast<std::uint8_t>(c == 1 ? 255 * (noise > 127) : noise);
      }
  return picture;
}

struct Case {
  int height, width;
  Box box;
  int to_height, to_width;
  Interpolation interpolation;
};
constexpr Case cases[] = {
    {37, 23, {0, 0, 37, 23}, 16, 16, Interpolation::bicubic},
    {20, 31, {0, 0, 20, 31}, 29, 40, Interpolation::bicubic},
    {20, 31, {0, 0, 20, 31}, 29, 40, Interpolation::bilinear},
    {150, 200, {0, 0, 150, 200}, 24, 17, Interpolation::bicubic},
    {150, 200, {0, 0, 150, 200}, 17, 24, Interpolation::bilinear},
    {90, 70, {13, 9, 41, 52}, 24, 24, Interpolation::bicubic},
    {90, 70, {89, 0, 1, 70}, 24, 24, Interpolation::bilinear},
    {1, 1, {0, 0, 1, 1}, 5, 3, Interpolation::bicubic},
    {300, 5, {0, 0, 300, 5}, 7, 9, Interpolation::bicubic},
    {5, 300, {2, 1, 3, 299}, 3, 20, Interpolation::bicubic},
    {28, 28, {3, 5, 19, 23}, 28, 28, Interpolation::bicubic},
    {28, 28, {0, 0, 28, 14}, 28, 28, Interpolation::bilinear},
    {40, 33, {0, 0, 40, 33}, 39, 32, Interpolation::bicubic},
};

int differing_bytes(PictureView a, const std::uint8_t* b) {
  int count = 0;
  for (int y = 0; y < a.height; ++y)
    for (int i = 0; i < 3 * a.width; ++i) count += a.row(y)[i] != *b++;
  return count;
}

}  // namespace

TEST_CASE("resize: every byte equals what the Python Imaging Library computes") {
  std::ifstream file(ARVIT_TEST_FIXTURES "/pil_resize.bin", std::ios::binary);
  const std::vector<char> expected{std::istreambuf_iterator<char>(file), {}};
  std::size_t place = 0;
  Resizer resize;
  for (const Case& c : cases) {
    CAPTURE(place);
    const Picture picture = made_up(c.height, c.width);
    Picture result(c.to_height, c.to_width);
    const std::size_t bytes = static_cast<std::size_t>(3 * c.to_height * c.to_width);
    REQUIRE(place + bytes <= expected.size());
    const auto* want = reinterpret_cast<const std::uint8_t*>(expected.data()) + place;
    resize(PictureView(picture).crop(c.box), c.interpolation, result);
    CHECK(differing_bytes(result, want) == 0);
    place += bytes;
  }
  CHECK(place == expected.size());
}

TEST_CASE("resize: all instruction sets give the same bytes") {
  const Picture picture = made_up(61, 83);
  detail::ResizeTaps across, down;
  across.prepare(83, 30, Interpolation::bicubic);
  down.prepare(61, 70, Interpolation::bicubic);
  Picture expected = resized(picture, 70, 30), result(70, 30);
  std::vector<std::uint8_t> tile_in(32 * 256), tile_out(32 * 96), between(64 * 96);
  const detail::ResizeJob job{picture,        &result,         &across,        &down,
                              tile_in.data(), tile_out.data(), between.data(), 96};
  detail::resize_portable(job);
  CHECK(differing_bytes(result, expected.data()) == 0);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) {
    result = Picture(70, 30);
    detail::resize_avx2(job);
    CHECK(differing_bytes(result, expected.data()) == 0);
  }
#endif
}

TEST_CASE("resize: a constant picture stays constant, an empty one is refused") {
  Picture grey(9, 7);
  std::fill_n(grey.data(), 9 * 7 * 3, std::uint8_t{201});
  for (const Interpolation interpolation : {Interpolation::bilinear, Interpolation::bicubic}) {
    const Picture big = resized(grey, 33, 40, interpolation);
    CHECK(std::all_of(big.row(0), big.row(0) + 33 * 40 * 3, [](int v) { return v == 201; }));
  }
  CHECK_THROWS_WITH_AS(resized(Picture(0, 4), 2, 2),
                       "resize: from 0x4 to 2x2 pixels; both sizes must be positive.", ShapeError);
}

TEST_CASE("covering_size and central_box follow torchvision's Resize(short side) and CenterCrop") {
  CHECK(covering_size(375, 500, 256, 256) == std::array<int, 2>{256, 341});
  CHECK(covering_size(500, 375, 256, 256) == std::array<int, 2>{341, 256});
  CHECK(covering_size(300, 300, 256, 256) == std::array<int, 2>{256, 256});
  CHECK(covering_size(375, 500, 160, 320) == std::array<int, 2>{240, 320});
  CHECK(central_box(256, 341, 224, 224) == Box{16, 58, 224, 224});  // 58.5 is rounded to even
  CHECK(central_box(227, 224, 224, 224) == Box{2, 0, 224, 224});    // and so is 1.5
}

TEST_CASE("picture: crops") {
  const Picture picture = made_up(6, 5);
  const PictureView part = PictureView(picture).crop({2, 1, 3, 4});
  CHECK(part.row(1)[3 * 2 + 1] == picture.row(3)[3 * 3 + 1]);
  CHECK_THROWS_AS(PictureView(picture).crop({2, 1, 5, 4}), ShapeError);
  CHECK_THROWS_AS(PictureView(picture).crop({-1, 1, 2, 2}), ShapeError);
}

TEST_CASE("picture: the eight orientations show the same scene") {
  Picture scene(2, 3);  // as it is to be seen
  for (int i = 0; i < 18; ++i) scene.data()[i] = static_cast<std::uint8_t>(i);
  // EXIF names the scene's side that the stored row 0 and column 0 are: 1 top left, 2 top right, 3
  // bottom right, ...
  for (int orientation = 1; orientation <= 8; ++orientation) {
    CAPTURE(orientation);
    const bool exchanged = orientation >= 5;
    Picture stored(exchanged ? 3 : 2, exchanged ? 2 : 3);
    const bool bottom = orientation == 3 || orientation == 4 || orientation == 7 ||
                        orientation == 8;
    const bool right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    for (int v = 0; v < stored.height(); ++v)
      for (int u = 0; u < stored.width(); ++u) {
        int y = exchanged ? u : v, x = exchanged ? v : u;
        if (bottom) y = 1 - y;
        if (right) x = 2 - x;
        std::copy_n(scene.row(y) + 3 * x, 3, stored.row(v) + 3 * u);
      }
    CHECK(differing_bytes(oriented(stored, orientation), scene.data()) == 0);
  }
}
