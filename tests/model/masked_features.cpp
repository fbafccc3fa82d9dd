// SPDX-License-Identifier: BSL-1.0
#include "arvit/model/masked_features.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "arvit/device/reference.hpp"
#include "arvit/models.hpp"
#include "support/dense.hpp"
#include "support/drawn_order.hpp"
#include "support/fill.hpp"

namespace arvit::test {
namespace {

using Small = ViT<4, 24, 3, Patch<4>, Image<12, 16>>;
using Fp64Reference = Reference<double>;
constexpr int images = 5, patches = 12;

std::vector<double> hashed_parameters() {
  std::vector<double> values(Small::parameter_count);
  for (const auto& [name, tensor, offset] : placed_tensors(Small::groups()))
    fill_parameter<double>(name, {tensor.shape.data(), static_cast<std::size_t>(tensor.dimensions())}, {values.data() + offset, static_cast<std::size_t>(tensor.size())});
  return values;
}
/// Class token and mean of every layer equal a dense encoder's under the mask of these ranks; `class_last`: the class token's rank is the last encoded one.
template <class Model>
void check_masked(bool class_last) {
  using O = typename Model::Order;
  Fp64Reference device;
  const auto parameters = hashed_parameters(), pixels = hashed_images(images * Small::Grid::image_width);
  FeatureOptions options{.batch = 2, .features = {}};
  for (int layer = 1; layer <= 4; ++layer)
    for (const Readout readout : {Readout::class_token, Readout::mean}) options.features.push_back({readout, layer, true});
  MaskedFeatures<Model, Fp64Reference> extractor(device, options, 7);
  extractor.load(parameters);
  const auto features = extractor.extract(std::span<const double>(pixels));

  dense::Problem problem;
  problem.height = 12, problem.width = 16, problem.patch = 4, problem.dim = 24, problem.depth = 4, problem.heads = 3, problem.class_token = true;
  problem.images = pixels, problem.images_count = images;
  for (const auto& [name, tensor, offset] : placed_tensors(Small::groups())) problem.parameters[name] = {parameters.begin() + offset, parameters.begin() + offset + tensor.size()};
  for (std::uint32_t image = 0; image < images; ++image) problem.ranks.push_back(drawn_ranks<O, Small::Grid>({7, 0, image}));
  double largest = 0;
  for (int image = 0; image < images; ++image) {
    dense::detail::Model model(problem);
    const auto& ranks = problem.ranks[static_cast<std::size_t>(image)];
    const auto h = model.encoder(image, model.token_ranks(image, class_last ? *std::max_element(ranks.begin(), ranks.end()) - 1 : 0));
    const auto normed = model.norm("norm", h.back());
    for (std::size_t i = 0; i < options.features.size(); ++i) {
      const Feature& feature = options.features[i];
      const auto& tokens = model.tape.value(feature.layer == 4 ? normed : h[static_cast<std::size_t>(feature.layer)]);
      const double* const got = features.data() + image * extractor.width() + extractor.begin(i);
      for (int c = 0; c < 24; ++c) {
        double mean = 0;
        for (int t = 1; t < tokens.rows; ++t) mean += tokens(t, c) / patches;
        largest = std::max(largest, std::abs(got[c] - (feature.readout == Readout::mean ? mean : tokens(0, c))));
      }
    }
  }
  CHECK(largest < 1e-10);
}

TEST_CASE("masked features: class token and mean equal a dense encoder's with the mask of pre-training") {
  check_masked<SAIM<Small, Parallel<2>>>(false);
  check_masked<GVP<Small, Grouped<Random<3>>>>(false);
  check_masked<CausalViT<Small>>(false);
  check_masked<MAE<Small, Joint<1, 16, 2>>>(false);
  check_masked<MAE<Small, Joint<1, 16, 2>, Target<Pixel>, VariableMask<>>>(false);
  check_masked<DiGPT<Small, Target<Pixel>, Twin<1, 32, ClassFirst>, Cluster<3, 2>>>(false);
  check_masked<DiGPT<Small, Target<Features<Small>>, Twin<1, 32>, Cluster<3, 2>>>(true);
}

TEST_CASE("masked features: an order from features, a fresh one for every image, the same for any batch") {
  using Model = SemAIM<Small, Parallel<2>>;
  Fp64Reference device;
  const auto parameters = hashed_parameters();
  std::vector<double> pixels = hashed_images(Small::Grid::image_width);
  for (int i = 1; i < 4; ++i) pixels.insert(pixels.end(), pixels.begin(), pixels.begin() + Small::Grid::image_width);  // one image four times
  const auto extract = [&](int batch, std::uint64_t seed) {
    MaskedFeatures<Model, Fp64Reference> extractor(device, {.batch = batch, .features = {{Readout::mean, 3}}}, seed);
    extractor.load(parameters);
    return extractor.extract(std::span<const double>(pixels));
  };
  const auto together = extract(4, 1);
  CHECK(together == extract(4, 1));
  CHECK(together != extract(4, 2));
  const auto apart = extract(3, 1);
  for (std::size_t i = 0; i < together.size(); ++i) CHECK(apart[i] == doctest::Approx(together[i]).epsilon(1e-12));
  double between = 0;
  for (std::size_t i = 0; i < 24; ++i) between = std::max(between, std::abs(together[i] - together[24 + i]));
  CHECK(between > 1e-6);
}

TEST_CASE("masked features: what cannot be is said in one sentence") {
  Fp64Reference device;
  const auto said = [&]<class Model>(FeatureOptions options) {
    try {
      MaskedFeatures<Model, Fp64Reference> extractor(device, options, 0);
    } catch (const OptionError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  using Model = SAIM<Small, Parallel<2>>;
  CHECK(said.operator()<Model>({.features = {{Readout::mean}}}).empty());
  CHECK(said.operator()<Model>({.features = {{Readout::tokens}}}) == "pooling: 'tokens' with --mask order; choose class or mean, or --mask none.");
  CHECK(said.operator()<Model>({.height = 24, .width = 16, .features = {{Readout::mean}}}) == "--mask order: orders are drawn on the model's own grid; leave the size of the pictures as it is.");
  using Taught = SemAIM<Small, Parallel<2>, Semantic<FromTeacher>, Target<Features<Small>>>;
  CHECK(said.operator()<Taught>({.features = {{Readout::mean}}}) == "--mask order: the model's order comes from its teacher, who is not here; give --mask none.");
}

}  // namespace
}  // namespace arvit::test
