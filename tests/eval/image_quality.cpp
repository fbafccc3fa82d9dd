// SPDX-License-Identifier: BSL-1.0
#include "arvit/eval/image_quality.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "support/fixture.hpp"

namespace arvit::test {
namespace {

TEST_CASE("image_quality: PSNR and SSIM agree with scikit-image") {
  const Safetensors file = fixture("image_quality");
  const auto read = [&](const std::string& name) {
    const auto values = file.values<double>(name);
    return std::vector<float>(values.begin(), values.end());  // exact in float
  };
  const auto original = read("original");
  for (const std::string name : {"near", "far"}) {
    CAPTURE(name);
    const auto changed = read(name);
    CHECK(std::abs(psnr(original, changed) - file.values<double>(name + ".psnr")[0]) < 1e-11);
    CHECK(std::abs(ssim(original, changed, 24, 30) - file.values<double>(name + ".ssim")[0]) <
          1e-11);
    const auto map = ssim_map(original, changed, 24, 30),
               expected = file.values<double>(name + ".map");
    REQUIRE(map.size() == 14 * 20);
    REQUIRE(expected.size() == map.size());
    for (std::size_t i = 0; i < map.size(); ++i) CHECK(std::abs(map[i] - expected[i]) < 1e-11);
    CHECK(ssim(changed, original, 24, 30) == ssim(original, changed, 24, 30));
  }
  CHECK(ssim(original, original, 24, 30) == 1);
  CHECK(std::isinf(psnr(original, original)));
}

TEST_CASE("image_quality: sizes that do not fit are refused") {
  const std::vector<float> picture(3 * 12 * 12);
  CHECK(ssim_map(picture, picture, 12, 12).size() == 4);
  CHECK_THROWS_AS(psnr(picture, std::span(picture).first(3)), ShapeError);
  CHECK_THROWS_AS(psnr({}, {}), ShapeError);
  CHECK_THROWS_AS(ssim(picture, picture, 10, 12), ShapeError);
  CHECK_THROWS_AS(ssim(picture, picture, 12, 13), ShapeError);
  CHECK_THROWS_AS(ssim(picture, std::span(picture).first(144), 12, 12), ShapeError);
  CHECK_THROWS_AS(ssim({}, {}, 12, 12), ShapeError);
}

}  // namespace
}  // namespace arvit::test
