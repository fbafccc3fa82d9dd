// SPDX-License-Identifier: BSL-1.0
#include "arvit/eval/protocol.hpp"

#include <doctest/doctest.h>

#include <array>

#include "arvit/device/reference.hpp"
#include "arvit/eval/compare.hpp"
#include "arvit/eval/extract.hpp"
#include "arvit/models.hpp"
#include "support/tables.hpp"

namespace arvit::test {
namespace {

/// Columns 0 .. 3 are noise, columns 3 .. 11 tell the classes.
FeatureTable noisy_then_good(int rows, std::uint64_t seed) {
  const FeatureTable good = blobs(rows, 8, 4, 0.5, seed), noise = blobs(rows, 3, 1, 1, seed + 100);
  FeatureTable table{11, {}, good.labels};
  for (std::int64_t i = 0; i < rows; ++i) {
    table.values.insert(table.values.end(), noise.row(i), noise.row(i) + 3);
    table.values.insert(table.values.end(), good.row(i), good.row(i) + 8);
  }
  return table;
}

TEST_CASE("protocol: the feature is chosen on the training table, whatever the test labels say") {
  Cpu<Fp32> device({2, {}});
  const std::array candidates{Candidate{"noise", 0, 3}, Candidate{"good", 3, 11}};
  const FeatureTable train = noisy_then_good(2000, 1), test = noisy_then_good(400, 2);
  const AccuracyRow row = evaluate_features(device, "ours", train, test, candidates);
  CHECK(row.knn > 0.95);
  CHECK(row.probe > 0.95);
  CHECK(row.probe_few > 0.8);
  CHECK(row.knn_choice.find("good, k = ") == 0);
  CHECK(row.probe_choice.find("good, penalty ") == 0);
  FeatureTable wrong = test;
  for (int& label : wrong.labels) label = (label + 1) % 4;
  const AccuracyRow other = evaluate_features(device, "ours", train, wrong, candidates);
  CHECK(other.knn_choice == row.knn_choice);
  CHECK(other.probe_choice == row.probe_choice);
  CHECK(other.probe_few_choice == row.probe_few_choice);
  const std::string table = accuracy_table_text(std::array{row, other});
  CHECK(table.find("probe 1 %") != std::string::npos);
  CHECK(table.find("few labels on good") != std::string::npos);
}

/// Pictures of one colour per class, grey or red.
struct Colours {
  bool grey;
  std::int64_t size() const { return 9; }
  int label(std::int64_t i) const { return static_cast<int>(i % 3); }
  Picture picture(std::int64_t i) const {
    Picture result(12, 16);
    for (int y = 0; y < 12; ++y)
      for (int x = 0; x < 48; ++x)
        result.row(y)[x] = static_cast<std::uint8_t>(x % 3 == 0 || grey ? 40 + 60 * label(i) + y
                                                                        : 7);
    return result;
  }
};

TEST_CASE("extract: one row per picture in the set's order, and pixels, grey or not") {
  using Small = ViT<2, 24, 3, Patch<4>, Image<12, 16>>;
  Reference<float> device;
  FeatureExtractor<Small, Reference<float>> extractor(
      device, {.batch = 4, .features = all_layers<Small>()});
  std::vector<float> parameters(Small::parameter_count);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    parameters[i] = static_cast<float>(i % 7) * 0.01f;
  extractor.load(parameters);
  const EvaluationTransformOptions options{.height = 12, .width = 16};
  std::int64_t reported = 0;
  const FeatureTable table = extract_features(
      extractor, Colours{false}, EvaluationTransform(options),
      {.progress = [&](std::int64_t done, std::int64_t) { reported = done; }});
  CHECK(reported == 9);
  CHECK(table.labels == std::vector<int>{0, 1, 2, 0, 1, 2, 0, 1, 2});
  CHECK(std::equal(table.row(1), table.row(1) + table.width,
                   table.row(4)));  // equal pictures of different batches
  CHECK_FALSE(std::equal(table.row(0), table.row(0) + table.width, table.row(1)));
  const auto candidates = candidates_of(extractor);
  CHECK(candidates.size() == 4);
  CHECK(candidates[3].name == "layer 2 mean, normed");
  CHECK(candidates[3].end == table.width);

  EvaluationTransformOptions equal = options;
  equal.normalisation = Normalisation::half();
  CHECK(is_grey(extract_pixels(Colours{true}, equal)));
  // Channels are normalised differently.
  CHECK_FALSE(is_grey(extract_pixels(Colours{true}, options)));
  const FeatureTable pixels = extract_pixels(Colours{false}, equal);
  REQUIRE(pixels.width == 3 * 12 * 16);
  CHECK_FALSE(is_grey(pixels));
  CHECK(pixels.row(1)[0] == doctest::Approx((100 / 255.0 - 0.5) / 0.5));
  CHECK_THROWS_AS(
      extract_features(extractor, Colours{false}, EvaluationTransform({.height = 16, .width = 16})),
      ShapeError);
}

TEST_CASE("compare: three rows, also where one split is grey and the other has colours") {
  using Small = ViT<2, 24, 3, Patch<4>, Image<12, 16>>;
  Reference<float> device;
  CompareOptions options{
      .normalisation = Normalisation::half(), .batch = 4, .threads = 2, .report = false};
  const std::vector<float> parameters = untrained(Small::parameters(), 3);
  for (const bool grey : {true, false}) {
    const auto rows = compare_with_baselines<Small>(device, parameters, Colours{true},
                                                    Colours{grey}, options);
    REQUIRE(rows.size() == 3);
    CHECK(rows[0].name == "pre-trained");
    CHECK(rows[1].name == "untrained");
    CHECK(rows[2].name == "raw pixels");
    if (grey) CHECK(rows[2].knn == 1);  // the training pictures themselves
  }
}

}  // namespace
}  // namespace arvit::test
