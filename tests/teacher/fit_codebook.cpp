// SPDX-License-Identifier: BSL-1.0
#include "arvit/teacher/fit_codebook.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "arvit/core/random.hpp"
#include "support/made_codebook.hpp"
#include "support/temporary_folder.hpp"

namespace arvit::test {
namespace {

/// Pictures in memory, side x side.
struct Made {
  int side;
  std::vector<std::uint8_t> bytes;
  std::int64_t size() const { return static_cast<std::int64_t>(bytes.size()) / (3 * side * side); }
  int label(std::int64_t) const { return -1; }
  PictureView picture(std::int64_t i) const {
    return {bytes.data() + i * 3 * side * side, side, side, std::int64_t{3} * side};
  }
};
/// Pictures of 8 x 8 pixels in four smooth colours, so that some patches are much more alike than
/// others.
Made smooth(int count, std::uint64_t seed) {
  Made set{8, {}};
  for (int i = 0; i < count; ++i) {
    Stream stream(Counter{seed, 0, static_cast<std::uint32_t>(i)});
    std::array<float, 9> k{};
    for (float& value : k) value = stream.uniform();
    for (int y = 0; y < 8; ++y)
      for (int x = 0; x < 8; ++x)
        for (std::size_t c = 0; c < 3; ++c)
          set.bytes.push_back(static_cast<std::uint8_t>(
              std::clamp(255 * (k[c] * k[c] + (k[3 + c] - 0.5f) * static_cast<float>(x) / 8 +
                                (k[6 + c] - 0.5f) * static_cast<float>(y) / 8) +
                             12 * stream.uniform(),
                         0.0f, 255.0f)));
  }
  return set;
}
/// `each` pictures around each of `clusters` random ones, at most 2 of 255 away, in random order.
Made clustered(int clusters, int each, int side) {
  Made set{side, {}};
  const int width = 3 * side * side;
  std::vector<int> order;
  for (int i = 0; i < clusters * each; ++i) order.push_back(i % clusters);
  Stream stream(Counter{5});
  shuffle(std::span(order), stream);
  for (const int cluster : order) {
    Stream centre(Counter{6, 0, static_cast<std::uint32_t>(cluster)});
    for (int c = 0; c < width; ++c)
      set.bytes.push_back(static_cast<std::uint8_t>(2 + centre.below(250) + stream.below(5) - 2));
  }
  return set;
}
CodebookOptions small(int codes, int patch, int side = 8) {
  CodebookOptions options;
  options.codes = codes;
  options.patch = patch;
  options.height = options.width = side;
  return options;
}
std::vector<float> all_patches(const Made& set, int patch) {
  std::vector<float> result, picture(static_cast<std::size_t>(3 * set.side * set.side)),
      cut(picture.size());
  for (std::int64_t i = 0; i < set.size(); ++i) {
    EvaluationTransform({.height = set.side, .width = set.side, .normalisation = {}})(
        set.picture(i), {}, picture.data());
    cut_patches(picture.data(), 1, {3, set.side, set.side, patch}, {}, cut.data());
    result.insert(result.end(), cut.begin(), cut.end());
  }
  return result;
}
double plain_inertia(const Codebook& codebook, const std::vector<float>& patches) {
  double sum = 0;
  for (std::size_t i = 0; i < patches.size(); i += static_cast<std::size_t>(codebook.width()))
    sum += squared(
        &patches[i],
        codebook.centroids.data() + plain_nearest(codebook, &patches[i]) * codebook.width(),
        codebook.width());
  return sum / static_cast<double>(patches.size());
}

}  // namespace

TEST_CASE("codebook: Lloyd's iterations never raise the inertia, and end where nothing changes") {
  Cpu<Fp32> device({1, {}});
  const Made set = smooth(300, 1);
  for (const int patch : {1, 4}) {
    CodebookOptions options = small(24, patch);
    std::vector<FitStep> steps;
    options.progress = [&](const FitStep& step) { steps.push_back(step); };
    options.iterations = 300;
    const CodebookFit fit = fit_codebook(device, set, options);
    CHECK(fit.complete);
    CHECK(fit.converged);
    CHECK(fit.patches == 300 * 64 / (patch * patch));
    REQUIRE(steps.size() > 5);
    CHECK(fit.iterations == static_cast<int>(steps.size()) - 1);
    for (std::size_t i = 1; i < steps.size(); ++i)
      CHECK(steps[i].inertia <= steps[i - 1].inertia * (1 + 1e-7));
    CHECK(steps.back().inertia < 0.9 * steps.front().inertia);
    CHECK(steps.back().changed == 0);
    // A fixed point: every centroid is the mean of the patches nearest to it, and the inertia is
    // what it says.
    const auto patches = all_patches(set, patch);
    const int width = fit.codebook.width();
    std::vector<double> sum(fit.codebook.centroids.size()), count(24);
    for (std::size_t i = 0; i < patches.size(); i += static_cast<std::size_t>(width)) {
      const auto code = static_cast<std::size_t>(plain_nearest(fit.codebook, &patches[i]));
      count[code] += 1;
      for (int c = 0; c < width; ++c)
        sum[code * static_cast<std::size_t>(width) + static_cast<std::size_t>(c)] += double{
            patches[i + static_cast<std::size_t>(c)]};
    }
    for (std::size_t i = 0; i < sum.size(); ++i)
      CHECK(fit.codebook.centroids[i] ==
            doctest::Approx(sum[i] / count[i / static_cast<std::size_t>(width)]).epsilon(1e-4));
    CHECK(fit.codebook.inertia ==
          doctest::Approx(plain_inertia(fit.codebook, patches)).epsilon(1e-5));
  }
}

TEST_CASE("codebook: clusters that lie apart are found exactly") {
  Cpu<Fp32> device({2, {}});
  const Made set = clustered(20, 30, 4);
  const CodebookFit fit = fit_codebook(device, set, small(20, 4, 4));
  const auto patches = all_patches(set, 4);
  std::map<std::int32_t, std::pair<std::vector<double>, int>> clusters;
  for (std::size_t i = 0; i < patches.size(); i += 48) {
    auto& [sum, count] = clusters[plain_nearest(fit.codebook, &patches[i])];
    sum.resize(48);
    ++count;
    for (std::size_t c = 0; c < 48; ++c) sum[c] += static_cast<double>(patches[i + c]);
  }
  REQUIRE(clusters.size() == 20);
  for (const auto& [code, cluster] : clusters) {
    CHECK(cluster.second == 30);
    for (std::size_t c = 0; c < 48; ++c)
      CHECK(fit.codebook.centroids[static_cast<std::size_t>(code) * 48 + c] ==
            static_cast<float>(cluster.first[c] / 30));
  }
  CHECK(fit.converged);
  CHECK(fit.codebook.inertia < 1e-4);  // (2 / 255)^2 is 6e-5
}

TEST_CASE(
    "codebook: a sample and mini-batches come near to all patches, and see more than the sample") {
  Cpu<Fp32> device({2, {}});
  const Made set = smooth(2000, 2);
  const auto patches = all_patches(set, 2);
  CodebookOptions options = small(32, 2);
  options.iterations = 40;
  const CodebookFit all = fit_codebook(device, set, options);
  REQUIRE(all.complete);
  options.sample = 1500;
  options.batch = 4096;
  std::vector<FitStep> steps;
  options.progress = [&](const FitStep& step) { steps.push_back(step); };
  const CodebookFit fit = fit_codebook(device, set, options);
  CHECK_FALSE(fit.complete);
  CHECK_FALSE(fit.converged);
  CHECK(fit.patches == 1500);
  CHECK(fit.iterations == 40);
  CHECK(steps.back().iteration == 39);
  CHECK(steps.back().changed >= 4096);  // fresh patches
  const double full = plain_inertia(all.codebook, patches),
               streamed = plain_inertia(fit.codebook, patches);
  CHECK(full == doctest::Approx(all.codebook.inertia).epsilon(1e-5));
  CHECK(streamed < 1.05 * full);
  CHECK(fit.codebook.inertia < 1.05 * full);
  // The sample alone: the same start, Lloyd's iterations only.
  options.iterations = 1;
  const CodebookFit begun = fit_codebook(device, set, options);
  CHECK(plain_inertia(begun.codebook, patches) > 1.1 * full);
}

TEST_CASE("codebook: a mini-batch is averaged with the patches before it") {
  Cpu<Fp32> device({1, {}});
  Made set{1, {}};  // 128 dark and bright pictures of one pixel: half of them are held, the
                    // mini-batch is the other half of the epoch
  std::array<double, 2> sum{}, count{};
  Stream stream(Counter{8});
  for (int i = 0; i < 128; ++i) {
    const std::size_t bright = stream.below(2);
    const std::uint32_t value = stream.below(60) + (bright ? 190 : 0);
    set.bytes.insert(set.bytes.end(), 3, static_cast<std::uint8_t>(value));
    sum[bright] += value / 255.0;
    count[bright] += 1;
  }
  CodebookOptions options = small(2, 1, 1);
  options.sample = options.batch = 64;
  options.iterations = 2;
  auto centroids = fit_codebook(device, set, options).codebook.centroids;
  if (centroids[0] > centroids[3]) std::swap(centroids[0], centroids[3]);
  CHECK(centroids[0] == doctest::Approx(sum[0] / count[0]).epsilon(1e-6));
  CHECK(centroids[3] == doctest::Approx(sum[1] / count[1]).epsilon(1e-6));
}

TEST_CASE("codebook: empty clusters get the farthest patches") {
  Cpu<Fp32> device({1, {}});
  const Made set = clustered(12, 10, 2);
  CodebookOptions options = small(12, 2, 2);
  // One centroid in the middle, the others in a corner that no patch is near to.
  Codebook init{2, std::vector<float>(12 * 12, 0.0f), "", 0, 0};
  std::fill_n(init.centroids.begin() + 3 * 12, 12, 0.5f);
  options.init = init;
  const CodebookFit fit = fit_codebook(device, set, options);
  std::set<std::int32_t> used;
  const auto patches = all_patches(set, 2);
  for (std::size_t i = 0; i < patches.size(); i += 12)
    used.insert(plain_nearest(fit.codebook, &patches[i]));
  CHECK(used.size() == 12);
  CHECK(fit.codebook.inertia < 1e-4);
  // The first move puts the farthest patch where the first empty cluster is.
  options.iterations = 1;
  const CodebookFit once = fit_codebook(device, set, options);
  double most = -1;
  const float* farthest = nullptr;
  for (std::size_t i = 0; i < patches.size(); i += 12) {
    const double distance = squared(&patches[i], init.centroids.data() + 36, 12);
    CHECK(distance < squared(&patches[i], init.centroids.data(), 12));
    if (distance <= most) continue;
    most = distance;
    farthest = &patches[i];
  }
  CHECK(once.reseeded == 11);  // all but code 3
  CHECK(squared(once.codebook.centroids.data(), farthest, 12) == 0);
  for (int a = 0; a < 12; ++a)  // each next one is far from those before it: of another cluster
    for (int b = 0; b < a; ++b)
      CHECK(squared(once.codebook.centroids.data() + 12 * a,
                    once.codebook.centroids.data() + 12 * b, 12) > 0.01);
}

TEST_CASE("codebook: equal bits for any number of threads, other ones for another seed") {
  const Made set = smooth(200, 3);
  Cpu<Fp32> one({1, {}}), two({2, {}});
  for (const std::int64_t sample : {100000, 700}) {
    CodebookOptions options = small(16, 2);
    options.sample = sample;
    options.batch = 1000;
    options.iterations = 7;
    const Codebook first = fit_codebook(one, set, options).codebook,
                   second = fit_codebook(two, set, options).codebook;
    CHECK(first.centroids == second.centroids);
    CHECK(first.inertia == second.inertia);
    options.seed = 1;
    CHECK(fit_codebook(one, set, options).codebook.centroids != first.centroids);
  }
  // Of pictures with more than 64 patches, 64 are drawn.
  Made large{32, {}};
  Stream stream(Counter{9});
  for (int i = 0; i < 16 * 3072; ++i)
    large.bytes.push_back(static_cast<std::uint8_t>(stream.below(256)));
  CodebookOptions options = small(8, 1, 32);
  options.sample = 1000;
  options.iterations = 3;
  options.batch = 500;
  const CodebookFit drawn = fit_codebook(one, large, options);
  CHECK(drawn.patches == 1000);
  CHECK(drawn.codebook.centroids == fit_codebook(two, large, options).codebook.centroids);
}

TEST_CASE("codebook: continuing from a codebook is the same as not having stopped") {
  Cpu<Fp32> device({1, {}});
  const Made set = smooth(200, 4);
  CodebookOptions options = small(16, 2);
  options.iterations = 8;
  const CodebookFit whole = fit_codebook(device, set, options);
  REQUIRE_FALSE(whole.converged);
  options.iterations = 3;
  CodebookOptions rest = options;
  rest.iterations = 5;
  rest.init = fit_codebook(device, set, options).codebook;
  CHECK(rest.init->centroids != whole.codebook.centroids);
  CHECK(fit_codebook(device, set, rest).codebook.centroids == whole.codebook.centroids);
  rest.iterations = 0;
  CHECK(fit_codebook(device, set, rest).codebook.centroids == rest.init->centroids);
  rest.codes = 15;
  CHECK_THROWS_WITH_AS(fit_codebook(device, set, rest),
                       "codebook: the one to continue from has 16 codes of patch 2, 15 of patch 2 "
                       "were asked for; they must be equal.",
                       OptionError);
}

TEST_CASE("codebook: options that cannot be are refused") {
  Cpu<Fp32> device({1, {}});
  const Made set = smooth(4, 5);
  const auto message = [&](auto change) {
    CodebookOptions options = small(8, 2);
    change(options);
    return message_of<OptionError>([&] { fit_codebook(device, set, options); });
  };
  CHECK(message([](auto& o) { o.patch = 3; }) ==
        "codebook: patches of 3 x 3 pixels do not divide pictures of 8 x 8; choose a patch that "
        "divides both sides.");
  CHECK(message([](auto& o) { o.patch = 0; }) ==
        "codebook: patches of 0 x 0 pixels do not divide pictures of 8 x 8; choose a patch that "
        "divides both sides.");
  CHECK(message([](auto& o) { o.codes = 1; }) == "codebook: 1 codes; choose 2 to 16777216.");
  CHECK(message([](auto& o) { o.codes = 65; }) ==
        "codebook: 65 codes for 64 patches; choose fewer codes, or give more pictures.");
  CHECK(message([](auto& o) { o.sample = 7; }) ==
        "codebook: a sample of 7 patches; choose 8 (one per code) to 2147483647.");
  CHECK(message([](auto& o) { o.batch = 0; }) ==
        "codebook: mini-batches of 0 patches; choose 1 or more.");
  CHECK(message([](auto& o) { o.iterations = -1; }) ==
        "codebook: -1 iterations; choose 0 or more.");
  CHECK(message([](auto&) {}) == "");
  // Two pictures of one colour each: 32 patches, two of them distinct.
  Made plain{8, std::vector<std::uint8_t>(2 * 192, 10)};
  std::fill_n(plain.bytes.begin(), 192, std::uint8_t{200});
  CHECK(message_of<OptionError>([&] { fit_codebook(device, plain, small(3, 2)); }) ==
        "codebook: 3 codes for patches of which only 2 are distinct; choose fewer codes, or give "
        "more pictures.");
  CHECK(fit_codebook(device, plain, small(2, 2)).codebook.inertia == 0);
  // Distinct patches that the few of the start do not hold: one among 6400 is bright.
  Made rare{8, std::vector<std::uint8_t>(400 * 192, 10)};
  rare.bytes[12345] = 250;
  CHECK(fit_codebook(device, rare, small(2, 2)).codebook.inertia == 0);
}

}  // namespace arvit::test
