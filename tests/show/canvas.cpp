// SPDX-License-Identifier: BSL-1.0
#include "arvit/show/canvas.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

using namespace arvit;

namespace {

/// Lightness of CIE L*a*b*, from 0 to 100.
double lightness(Colour colour) {
  const auto linear = [](std::uint8_t v) {
    return v <= 10 ? v / 255.0 / 12.92 : std::pow((v / 255.0 + 0.055) / 1.055, 2.4);
  };
  const double luminance = 0.2126 * linear(colour.red) + 0.7152 * linear(colour.green) +
                           0.0722 * linear(colour.blue);
  return luminance > 0.008856 ? 116 * std::cbrt(luminance) - 16 : 903.3 * luminance;
}

}  // namespace

TEST_CASE("canvas: drawing scales, cuts and leaves the rest") {
  const std::uint8_t rgb[] = {1, 2, 3, 4, 5, 6}, grey[] = {9, 8};
  Canvas canvas(4, 6, Colour{7, 7, 7});
  canvas.draw({rgb, 1, 2, 3, 6}, 1, 1, 2);
  CHECK(canvas.at(0, 0) == Colour{7, 7, 7});
  CHECK(canvas.at(1, 1) == Colour{1, 2, 3});
  CHECK(canvas.at(2, 2) == Colour{1, 2, 3});
  CHECK(canvas.at(2, 3) == Colour{4, 5, 6});
  CHECK(canvas.at(3, 3) == Colour{7, 7, 7});
  canvas.draw({grey, 2, 1, 1, 1}, 3, 5);
  CHECK(canvas.at(3, 5) == Colour{9, 9, 9});
  canvas.fill(-5, -5, 6, 6, white);
  CHECK(canvas.at(0, 0) == white);
  CHECK(canvas.at(0, 1) == Colour{7, 7, 7});
  canvas.set(-1, 0, black);
  canvas.set(0, 6, black);
  CHECK_THROWS_AS(Canvas(0, 3), ShapeError);
}

TEST_CASE("canvas: pictures are tiled row by row") {
  const std::uint8_t ink[] = {10, 20, 30, 40};
  const std::vector<Pixels> pictures{
      {ink, 1, 1, 1, 1}, {ink + 1, 1, 1, 1, 1}, {ink + 2, 1, 2, 1, 2}};
  const Canvas canvas = tile(pictures, 2, 1, 3, black);
  CHECK(canvas.height() == 1 + 2 * (3 + 1));
  CHECK(canvas.width() == 1 + 2 * (6 + 1));
  CHECK(canvas.at(0, 0) == black);
  CHECK(canvas.at(1, 1) == Colour{10, 10, 10});
  CHECK(canvas.at(3, 10) == Colour{20, 20, 20});
  CHECK(canvas.at(5, 1) == Colour{30, 30, 30});
  CHECK(canvas.at(7, 6) == Colour{40, 40, 40});
  CHECK_THROWS_AS(tile({}, 2), ShapeError);
}

TEST_CASE("canvas: heat colours grow evenly brighter") {
  CHECK(lightness(heat_colour(0)) < 12);
  CHECK(lightness(heat_colour(1)) > 88);
  for (int i = 0; i < 32; ++i) {
    const double step = lightness(heat_colour((i + 1) / 32.0)) - lightness(heat_colour(i / 32.0));
    CHECK(step > 1.5);
    CHECK(step < 4);
  }
  CHECK(heat_colour(-1) == heat_colour(0));
  CHECK(heat_colour(2) == heat_colour(1));
  CHECK(heat_colour(NAN) == Colour{128, 128, 128});

  const std::vector<float> values{0, 5, NAN, 10, INFINITY, 10};
  const Canvas map = heat_map(values, 2, 3, 2);
  CHECK(map.at(1, 1) == heat_colour(0));
  CHECK(map.at(0, 2) == heat_colour(0.5));
  CHECK(map.at(0, 4) == heat_colour(NAN));
  CHECK(map.at(3, 0) == heat_colour(1));
  CHECK(heat_map(std::vector<float>{3, 3}, 1, 2).at(0, 1) == heat_colour(0));
  CHECK_THROWS_AS(heat_map(values, 2, 2), ShapeError);
}

TEST_CASE("canvas: labels") {
  std::set<std::uint16_t> shapes;
  for (const char c : std::string_view("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-+.,:;/%=()<>_"))
    shapes.insert(detail::glyph(c));
  CHECK(shapes.size() == 50);  // no two look the same
  CHECK(detail::glyph('x') == detail::glyph('X'));
  CHECK(detail::glyph(' ') == 0);

  Canvas canvas(7, 10);
  canvas.label("1L", 1, 1, black, 1);
  const char* expected[] = {"..........", "..#..#....", ".##..#....", "..#..#....",
                            "..#..#....", ".###.###..", ".........."};
  for (int y = 0; y < 7; ++y)
    for (int x = 0; x < 10; ++x) CHECK((canvas.at(y, x) == black) == (expected[y][x] == '#'));
  CHECK(label_width("1L", 1) == 7);
  CHECK(label_width("") == 0);
}
