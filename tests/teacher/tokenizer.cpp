// SPDX-License-Identifier: BSL-1.0
#include "arvit/teacher/tokenizer.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "arvit/core/random.hpp"
#include "arvit/teacher/encoder.hpp"
#include "arvit/variants.hpp"
#include "support/encoder_file.hpp"
#include "support/made_codebook.hpp"
#include "support/temporary_folder.hpp"

namespace arvit::test {

namespace {
template <class Encoder> std::string identity_of(const std::string& file) {
  Cpu<Fp32> device({1, {}});
  return EncoderTeacher<Encoder, Cpu<Fp32>>(device, file, {}).identity();
}
std::vector<float> random_numbers(std::int64_t count, std::uint64_t seed) {
  std::vector<float> values(count);
  fill_uniform(values, Counter{seed});
  return values;
}
}  // namespace

TEST_CASE(
    "tokenizer: a codebook says what it computes by its centroids, and so does an encoder that "
    "reads "
    "its codes") {
  const TemporaryFolder folder;
  const auto centroids = random_numbers(4 * 48, 7);
  auto others = centroids;
  others[100] = std::nextafter(others[100], 2.f);
  Cpu<Fp32> device({1, {}});
  const auto said = [&](const Codebook& codebook) {
    return CodebookTeacher<Cpu<Fp32>>(device, codebook, 12, 12, Normalisation::imagenet())
        .identity();
  };
  const std::string identity = said({4, centroids, "stripes", 0, 0});
  CHECK(said({4, centroids, "dots", 9, 0.5}) == identity);  // how it came about does not matter
  CHECK(said({4, others, "stripes", 0, 0}) != identity);
  CHECK(said({2, centroids, "stripes", 0, 0}) !=
        identity);  // the same numbers as 16 smaller patches

  using OfCodes = ViT<1, 8, 2, Patch<4>, Image<12>, Embedding<Codes<4>>>;
  const auto parameters = random_numbers(OfCodes::parameter_count, 5);
  const auto of = [&](const char* name, const std::vector<float>& values) {
    const std::string codebook = (folder / name).string();
    save_codebook(codebook, {4, values, "stripes", 0, 0});
    return identity_of<OfCodes>(write_encoder<OfCodes>(
        folder / "encoder", parameters, {{"options", text("{\"teacher\":\"", codebook, "\"}")}}));
  };
  CHECK(of("one", centroids) == of("same", centroids));
  CHECK(of("one", centroids) != of("other", others));
}

TEST_CASE("codebook teacher: the codes of the patches, whatever the normalisation of the images") {
  Cpu<Fp32> device({2, {}});
  const int height = 8, width = 12, count = 5;
  const auto pixels = values(count * 3 * height * width, 11, 256);
  const Normalisation none{}, imagenet = Normalisation::imagenet(), half = Normalisation::half();
  for (const int patch : {1, 2, 4}) {
    const Codebook codebook = random_codebook(100, patch, 12);
    const int patches = height / patch * (width / patch);
    std::vector<float> cut(pixels.size()), expected;
    cut_patches(pixels.data(), count, {3, height, width, patch}, none, cut.data());
    for (int p = 0; p < count * patches; ++p)
      expected.push_back(
          static_cast<float>(plain_nearest(codebook, cut.data() + p * codebook.width())));
    for (const Normalisation& n : {none, imagenet, half}) {
      std::vector<float> images = pixels;
      for (std::size_t i = 0; i < images.size(); ++i) {
        const std::size_t c = i / static_cast<std::size_t>(height * width) % 3;
        images[i] = (images[i] - n.mean[c]) / n.deviation[c];
      }
      CodebookTeacher<Cpu<Fp32>> teacher(device, codebook, height, width, n);
      CHECK(teacher.width() == patches);
      const std::vector<Counter> counters(count);
      std::vector<float> given(static_cast<std::size_t>(count * patches), -1);
      teacher(images.data(), std::span(counters).first(3), given.data());
      CHECK(std::equal(given.begin(), given.begin() + 3 * patches, expected.begin()));
      CHECK(given[static_cast<std::size_t>(3 * patches)] == -1);  // of three images no more
      const TeacherFunction function = std::ref(teacher);
      function(images.data(), counters, given.data());
      CHECK(given == expected);
    }
  }
  CHECK_THROWS_WITH_AS((CodebookTeacher<Cpu<Fp32>>(device, random_codebook(4, 8, 1), 8, 12, none)),
                       doctest::Contains("choose a patch that divides both sides"), ShapeError);
}

}  // namespace arvit::test
