// SPDX-License-Identifier: BSL-1.0
// What is read from tokens has no gradient: it is held against sums by hand.
#include "arvit/nn/readout.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "support/fill.hpp"

namespace arvit::test {
namespace {

using namespace arvit::detail;
constexpr int images = 2, tokens = 5, patches = 4, dim = 4;  // the first token is a class token
const std::vector<double> numbers = hashed_images(images * tokens * dim);

template <class Work> void each(std::int64_t count, const Work& work) {
  for (std::int64_t i = 0; i < count; ++i) work(i);
}
double token(int image, int t, int c) { return numbers[(image * tokens + t) * dim + c]; }

}  // namespace

TEST_CASE("nn/readout: means of tokens, in parts") {
  constexpr int parts = 2, apart = 10;
  std::vector<double> out(images * apart, 7);
  each(images * parts * dim, MeanOfTokensWork<double, double>{numbers.data(), dim, tokens, dim,
                                                              parts, 1, 2, out.data(), apart});
  for (int image = 0; image < images; ++image) {
    for (int part = 0; part < parts; ++part)
      for (int c = 0; c < dim; ++c)
        CHECK(out[image * apart + part * dim + c] ==
              (token(image, 1 + 2 * part, c) + token(image, 2 + 2 * part, c)) / 2);
    CHECK(out[image * apart + parts * dim] == 7);
  }
}
TEST_CASE("nn/readout: means of patches and class rows of packed rows") {
  const std::vector<std::int32_t> source{0, 1, -1, 2, 3, -2, 4, 5, 6, 7}, class_rows{2, 5};
  std::vector<double> mean(images * dim), of_class(images * dim);
  each(images * dim, MeanOfPatchesWork<double, double>{numbers.data(), dim, tokens, dim,
                                                       source.data(), mean.data(), dim});
  each(images * dim, ClassRowsWork<double, double>{numbers.data(), dim, dim, class_rows.data(), 1,
                                                   of_class.data(), dim});
  for (int image = 0; image < images; ++image)
    for (int c = 0; c < dim; ++c) {
      const int own = image == 0 ? 2 : 0;
      double sum = 0;
      for (int t = 0; t < tokens; ++t) sum += t == own ? 0 : token(image, t, c);
      CHECK(mean[image * dim + c] == doctest::Approx(sum / patches).epsilon(1e-14));
      CHECK(of_class[image * dim + c] == token(image, own, c));
    }
}
TEST_CASE("nn/readout: cosines of patches with the class token") {
  std::vector<double> out(images * patches);
  each(images * patches,
       CosineWork<double, double, double>{numbers.data(), tokens * dim, numbers.data(), dim, tokens,
                                          patches, dim, out.data(), patches});
  for (int image = 0; image < images; ++image)
    for (int p = 0; p < patches; ++p) {
      double dot = 0, a = 0, b = 0;
      for (int c = 0; c < dim; ++c) {
        dot += token(image, 0, c) * token(image, p + 1, c);
        a += token(image, 0, c) * token(image, 0, c);
        b += token(image, p + 1, c) * token(image, p + 1, c);
      }
      CHECK(out[image * patches + p] == doctest::Approx(dot / std::sqrt(a * b)).epsilon(1e-14));
    }
}
TEST_CASE("nn/readout: what the class token reads, head by head") {
  constexpr int heads = 2, wide = 2, of_qkv = 3 * dim;
  const std::vector<double> qkv = hashed_images(images * tokens * of_qkv, "qkv");
  std::vector<double> out(images * heads * patches);
  each(images * heads,
       ClassRowWork<double, double>{
           {qkv.data(), of_qkv, tokens, dim, heads}, patches, out.data(), heads * patches});
  for (int image = 0; image < images; ++image)
    for (int head = 0; head < heads; ++head) {
      std::vector<double> weights;
      double sum = 0;
      for (int t = 0; t < tokens; ++t) {
        const double* const q = qkv.data() + image * tokens * of_qkv + head * wide;
        const double* const k = q + t * of_qkv + dim;
        weights.push_back(std::exp((q[0] * k[0] + q[1] * k[1]) / std::sqrt(2.0)));
        sum += weights.back();
      }
      for (int p = 0; p < patches; ++p)
        CHECK(out[(image * heads + head) * patches + p] ==
              doctest::Approx(weights[p + 1] / sum).epsilon(1e-13));
    }
}

}  // namespace arvit::test
