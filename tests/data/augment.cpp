// SPDX-License-Identifier: BSL-1.0
#include "arvit/data/augment.hpp"

#include <doctest/doctest.h>

#include "support/temporary_folder.hpp"

using namespace arvit;
using arvit::test::message_of;

namespace {

Picture gradient(int height, int width) {
  Picture picture(height, width);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        picture.row(y)[3 * x + c] = static_cast<std::uint8_t>((5 * x + 3 * y + 70 * c) % 256);
  return picture;
}

struct Gradients {
  std::int64_t size() const { return 5; }
  int label(std::int64_t) const { return -1; }
  Picture picture(std::int64_t i) const { return gradient(4 + static_cast<int>(i), 6); }
};

std::vector<float> apply(auto transform, PictureView picture, Counter image) {
  std::vector<float> out(3 * transform.height() * transform.width(), -100.0f);
  transform(picture, image, out.data());
  return out;
}

}  // namespace

TEST_CASE("draw_crop: area, aspect and place stay in range and fill it") {
  const TrainTransformOptions options;
  double least_area = 1, most_area = 0, least_aspect = 10, most_aspect = 0, mean_area = 0;
  for (std::uint32_t image = 0; image < 4000; ++image) {
    Stream stream(Counter{7, 3, image, Purpose::crop});
    const Box box = draw_crop(600, 640, options, stream);
    REQUIRE((box.top >= 0 && box.left >= 0 && box.top + box.height <= 600 &&
             box.left + box.width <= 640));
    const double area = static_cast<double>(box.height) * box.width / (600.0 * 640),
                 aspect = static_cast<double>(box.width) / box.height;
    least_area = std::min(least_area, area);
    most_area = std::max(most_area, area);
    mean_area += area / 4000;
    least_aspect = std::min(least_aspect, aspect);
    most_aspect = std::max(most_aspect, aspect);
  }
  CHECK(least_area > 0.198);
  CHECK(least_area < 0.21);
  CHECK(most_area > 0.95);
  CHECK(most_area <= 1);
  CHECK(least_aspect > 0.747);
  CHECK(least_aspect < 0.76);
  CHECK(most_aspect > 1.31);
  CHECK(most_aspect < 1.338);
  CHECK(mean_area > 0.53);
  CHECK(mean_area < 0.60);  // below 0.6, for large crops are drawn again when they do not fit
}

TEST_CASE("draw_crop: a strip falls back to the largest central crop, as torchvision computes it") {
  Stream stream(Counter{1, 1, 1, Purpose::crop});
  const TrainTransformOptions options{.smallest_area = 0.9};
  CHECK(draw_crop(10, 1000, options, stream) == Box{0, 493, 10, 13});
  CHECK(draw_crop(1000, 10, options, stream) == Box{493, 0, 13, 10});
  CHECK(draw_crop(1, 1, options, stream) == Box{0, 0, 1, 1});
}

TEST_CASE("draw_crop: the clamped rule draws once and cuts to the picture's sides") {
  const TrainTransformOptions options{.crop = Crop::clamped, .smallest_area = 0.9};
  for (std::uint32_t image = 0; image < 50; ++image) {
    Stream stream(Counter{1, 1, image, Purpose::crop});
    const Box box = draw_crop(10, 1000, options, stream);
    CHECK(box.height == 10);
    CHECK((box.width >= 82 && box.width <= 116));  // sqrt(10 000 x area x aspect)
  }
}

TEST_CASE("TrainTransform: depends on seed, epoch and image, and on nothing else") {
  const Picture picture = gradient(40, 50);
  TrainTransform transform({.height = 16, .width = 24});
  const auto first = apply(transform, picture, {1, 2, 3});
  CHECK(apply(transform, picture, {1, 2, 3, Purpose::order}) == first);
  CHECK(apply(transform, picture, {2, 2, 3}) != first);
  CHECK(apply(transform, picture, {1, 3, 3}) != first);
  CHECK(apply(transform, picture, {1, 2, 4}) != first);
  CHECK(apply(transform, picture, {1, 2, 3}) == first);
}

TEST_CASE("TrainTransform: crop, resize, mirror and normalise, in that order") {
  const Picture picture = gradient(40, 50);
  int mirrored_count = 0;
  for (std::uint32_t image = 0; image < 20; ++image) {
    const TrainTransformOptions options{.height = 16, .width = 24};
    const Counter counter{9, 0, image};
    Stream crops(counter.with(Purpose::crop)), flips(counter.with(Purpose::flip));
    const bool mirrored = flips.uniform() < 0.5f;
    mirrored_count += mirrored;
    const Picture part = resized(PictureView(picture).crop(draw_crop(40, 50, options, crops)), 16,
                                 24);
    const auto out = apply(TrainTransform(options), picture, counter);
    const Normalisation n = Normalisation::imagenet();
    bool equal = true;
    for (std::size_t c = 0; c < 3; ++c)
      for (int y = 0; y < 16; ++y)
        for (int x = 0; x < 24; ++x) {
          const float value = static_cast<float>(
                                  part.row(y)[3 * (mirrored ? 23 - x : x) + static_cast<int>(c)]) /
                              255.0f;
          const float centered = value - n.mean[c];
          equal = equal &&
                  out[(c * 16 + static_cast<std::size_t>(y)) * 24 + static_cast<std::size_t>(x)] ==
                      centered / n.deviation[c];
        }
    CHECK(equal);
  }
  CHECK((mirrored_count > 3 && mirrored_count < 17));
}

TEST_CASE(
    "TrainTransform: flip 0 and 1, a whole-picture crop, one pixel, a short-side crop, the "
    "centre") {
  const Picture picture = gradient(16, 16);
  const TrainTransformOptions whole{.height = 16,
                                    .width = 16,
                                    .smallest_area = 1,
                                    .smallest_aspect = 1,
                                    .largest_aspect = 1,
                                    .flip = 0};
  TrainTransformOptions mirrored = whole;
  mirrored.flip = 1;
  CHECK(apply(TrainTransform(whole), picture, {1, 1, 1}) ==
        apply(TrainTransform(mirrored), oriented(Picture(picture), 2), {1, 1, 1}));
  CHECK(apply(TrainTransform(whole), gradient(1, 1), {1, 1, 1})[0] == (0.0f - 0.485f) / 0.229f);
  const auto window = apply(
      TrainTransform({.height = 16, .width = 16, .crop = Crop::short_side, .flip = 0}),
      gradient(16, 40), {1, 1, 5});
  int matches = 0;
  for (int left = 0; left <= 24; ++left)
    matches += window == apply(TrainTransform(whole),
                               Picture(PictureView(gradient(16, 40)).crop({0, left, 16, 16})),
                               {1, 1, 1});
  CHECK(matches == 1);
  const TrainTransform center({.height = 16, .width = 16, .crop = Crop::center, .flip = 0});
  EvaluationTransform evaluation({.height = 16, .width = 16, .ratio = 1});
  for (const auto& [height, width] : {std::pair{16, 40}, {50, 31}, {7, 5}}) {
    CHECK(apply(center, gradient(height, width), {1, 1, 5}) ==
          apply(evaluation, gradient(height, width), {}));
    CHECK(apply(center, gradient(height, width), {2, 3, 4}) ==
          apply(center, gradient(height, width), {1, 1, 5}));
  }
}

TEST_CASE(
    "EvaluationTransform: short side times 256 / 224, then the centre; plain resize for small "
    "models") {
  const Picture picture = gradient(300, 400);
  EvaluationTransform large({.height = 224, .width = 224});
  const Picture covered = resized(picture, 256, 341);
  const PictureView expected = PictureView(covered).crop({16, 58, 224, 224}),
                    got = large.pixels(picture);
  bool equal = got.height == 224 && got.width == 224;
  for (int y = 0; y < 224; ++y)
    equal = equal && std::equal(got.row(y), got.row(y) + 3 * 224, expected.row(y));
  CHECK(equal);
  const Picture small = gradient(28, 28);
  const PictureView same = EvaluationTransform({.height = 28, .width = 28}).pixels(small);
  CHECK(same.height == 28);
  EvaluationTransform keep({.height = 28, .width = 28});
  CHECK(std::equal(small.row(0), small.row(0) + 28 * 28 * 3, keep.pixels(small).data));
  CHECK(apply(keep, small, {1, 2, 3}) == apply(keep, small, {4, 5, 6}));
}

TEST_CASE("EvaluationTransform: a long strip needs no memory in proportion to its length") {
  EvaluationTransform transform({.height = 224, .width = 160});
  CHECK(transform.pixels(Picture(1, 60000)).width == 160);
  CHECK(transform.pixels(Picture(60000, 1)).height == 224);
}

TEST_CASE(
    "measure_normalisation: mean and deviation per channel; a constant channel divides by one") {
  const Normalisation n = measure_normalisation(Gradients{});
  double sum = 0, squares = 0, count = 0;
  for (std::int64_t i = 0; i < 5; ++i) {
    const Picture picture = Gradients{}.picture(i);
    for (int p = 0; p < picture.height() * picture.width(); ++p) {
      const double v = picture.row(0)[3 * p + 1] / 255.0;
      sum += v;
      squares += v * v;
      count += 1;
    }
  }
  CHECK(n.mean[1] == doctest::Approx(sum / count));
  CHECK(n.deviation[1] ==
        doctest::Approx(std::sqrt(squares / count - sum / count * (sum / count))));
  struct Black {
    std::int64_t size() const { return 1; }
    int label(std::int64_t) const { return -1; }
    Picture picture(std::int64_t) const { return Picture(2, 2); }
  };
  CHECK(measure_normalisation(Black{}).deviation[0] == 1.0f);
  struct OneBad : Gradients {
    std::int64_t size() const { return 6; }
    Picture picture(std::int64_t i) const {
      return i == 5 ? fail<FileError>("bad"), Picture() : Gradients::picture(i);
    }
  };
  CHECK(measure_normalisation(OneBad{}).mean == n.mean);
}

TEST_CASE("transforms: options outside their ranges are refused in one sentence") {
  const auto complaint = [](TrainTransformOptions options) {
    return message_of<OptionError>([&] { TrainTransform{options}; });
  };
  CHECK(complaint({}) == "");
  CHECK(complaint({.height = 0}) == "TrainTransform: size 0x224; both extents must be positive.");
  CHECK(complaint({.smallest_area = 0}) ==
        "TrainTransform: crop area from 0 to 1; expected 0 < smallest <= largest <= 1.");
  CHECK(complaint({.largest_area = 1.5}) ==
        "TrainTransform: crop area from 0.2 to 1.5; expected 0 < smallest <= largest <= 1.");
  CHECK(complaint({.smallest_aspect = 2, .largest_aspect = 1}) ==
        "TrainTransform: crop aspect from 2 to 1; expected 0 < smallest <= largest.");
  CHECK(complaint({.flip = -1}) == "TrainTransform: flip -1; a probability lies between 0 and 1.");
  CHECK(complaint({.normalisation = {{0, 0, 0}, {1, 0, 1}}}) ==
        "Normalisation: deviation 0 of channel 1; it must be positive.");
  CHECK_THROWS_AS(EvaluationTransform({.height = -1}), OptionError);
  CHECK_THROWS_AS(EvaluationTransform({.ratio = 0.5}), OptionError);
  CHECK_THROWS_AS(apply(TrainTransform({}), Picture(0, 0), {1, 1, 1}), ShapeError);
}
