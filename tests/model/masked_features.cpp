// SPDX-License-Identifier: BSL-1.0
#include "arvit/model/masked_features.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "arvit/core/type_name.hpp"
#include "arvit/device/reference.hpp"
#include "arvit/models.hpp"
#include "support/dense_problem.hpp"
#include "support/drawn_order.hpp"
#include "support/fill.hpp"

namespace arvit::test {
namespace {

using Small = ViT<4, 24, 3, Patch<4>, Image<12, 16>>;
using Fp64Reference = Reference<double>;
constexpr int images = 5, patches = 12;

template <class Encoder = Small> std::vector<double> hashed_parameters() {
  std::vector<double> values(Encoder::parameter_count);
  for (const auto& [name, tensor, offset] : Encoder::parameters())
    fill_parameter<double>(name,
                           {tensor.shape.data(), static_cast<std::size_t>(tensor.dimensions())},
                           {values.data() + offset, static_cast<std::size_t>(tensor.size())});
  return values;
}
/// Of an image of numbers in (-2, 2): the code of a patch, and the numbers of a condition of some
/// width; a label is one of `classes` or unknown.
int code_of(const double* image, int patch, int codes) {
  return static_cast<int>((image[40 * patch + 7] / 4 + 0.5) * codes);
}
double number_of(const double* image, int c) { return image[100 + c]; }
int label_of(const double* image, int classes) {
  return static_cast<int>((image[200] / 4 + 0.5) * (classes + 1));
}

template <class Encoder> void give_what_it_reads(FeatureSource<double>& extractor) {
  extractor.tokenizer([](const double* all, std::int64_t count, double* codes) {
    for (std::int64_t i = 0; i < count * patches; ++i)
      codes[i] = code_of(all + i / patches * Encoder::Grid::image_width,
                         static_cast<int>(i % patches), Encoder::codes);
  });
  extractor.conditions([](const double* all, std::int64_t count, double* numbers) {
    Encoder::Leading::each_kind_of([&]<class Kind>(Kind, auto) {  // kind after kind
      for (std::int64_t i = 0; i < count; ++i)
        for (int c = 0; c < Kind::width; ++c) {
          const double* const image = all + i * Encoder::Grid::image_width;
          if constexpr (detail::LabelKind<Kind>)
            *numbers++ = label_of(image, Kind::classes);
          else
            *numbers++ = number_of(image, c);
        }
    });
  });
}
/// The tokens of an image as the encoder gets them: class token, conditions, patches.
template <class Encoder>
dense::Variable dense_tokens(dense::detail::Model& model, const double* pixels, int image) {
  std::vector<dense::Variable> tokens;
  if (Encoder::has_class_token) tokens.push_back(model.parameter("cls_token", 1, Encoder::dim));
  Encoder::Leading::each_kind_of([&, place = 0]<class Kind>(Kind, auto) mutable {
    const std::string name = text("condition.", place++);
    if constexpr (detail::LabelKind<Kind>) {
      tokens.push_back(
          model.tape.gather_rows(model.parameter(name + ".weight", Kind::classes + 1, Encoder::dim),
                                 {label_of(pixels, Kind::classes)}));
    } else {
      dense::Matrix numbers(1, Kind::width);
      for (int c = 0; c < Kind::width; ++c) numbers(0, c) = number_of(pixels, c);
      tokens.push_back(model.linear(name, model.tape.leaf(std::move(numbers)), Encoder::dim));
    }
  });
  std::vector<int> rows;
  if constexpr (Encoder::codes > 0) {
    for (int patch = 0; patch < patches; ++patch)
      rows.push_back(code_of(pixels, patch, Encoder::codes));
    tokens.push_back(model.tape.add(
        model.tape.gather_rows(model.parameter("token_embed.weight", Encoder::codes, Encoder::dim),
                               rows),
        model.positions(Encoder::dim)));
  } else {
    for (int patch = 0; patch < patches; ++patch) rows.push_back(Encoder::has_class_token + patch);
    tokens.push_back(model.tape.gather_rows(model.embedding(image), rows));
  }
  return model.tape.concat_rows(tokens);
}

enum class Sight {
  by_rank,
  class_last,
  whole
};  ///< class_last: the class token's rank is the last encoded one; whole: all tokens see all
/// Class token and mean of every layer equal a dense encoder's under the mask of these ranks.
template <class Model> void check_masked(Sight sight = Sight::by_rank) {
  CAPTURE(type_name<Model>());
  using O = typename Model::Order;
  using Encoder = typename Model::Encoder;
  Fp64Reference device;
  const auto parameters = hashed_parameters<Encoder>(),
             pixels = hashed_images(images * Encoder::Grid::image_width);
  FeatureOptions options{.batch = 2, .features = {}};
  for (int layer = 1; layer <= 4; ++layer)
    for (const Readout readout : {Readout::class_token, Readout::mean})
      if (readout == Readout::mean || Encoder::has_class_token)
        options.features.push_back({readout, layer, true});
  MaskedFeatures<Model, Fp64Reference> extractor(device, options, 7);
  extractor.load(parameters);
  give_what_it_reads<Encoder>(extractor);
  const auto features = extractor.extract(std::span<const double>(pixels));

  dense::Problem problem = problem_of<Encoder>(Encoder::parameters(), parameters, pixels);
  problem.ranks.clear();
  for (std::uint32_t image = 0; image < images; ++image)
    problem.ranks.push_back(drawn_ranks<O, typename Encoder::Grid>({7, 0, image}));
  double largest = 0;
  for (int image = 0; image < images; ++image) {
    dense::detail::Model model(problem);
    std::vector<int> ranks = problem.ranks[static_cast<std::size_t>(image)];
    const int first = sight == Sight::class_last ? *std::max_element(ranks.begin(), ranks.end()) - 1
                                                 : 0;
    if (sight == Sight::whole) ranks.assign(ranks.size(), 0);
    ranks.insert(ranks.begin(), Encoder::leading_tokens, first);
    const auto h = model.encoder(
        dense_tokens<Encoder>(model, pixels.data() + image * Encoder::Grid::image_width, image),
        dense::rank_mask(ranks, ranks, dense::Reads::up_to));
    const auto normed = model.norm("norm", h.back());
    for (std::size_t i = 0; i < options.features.size(); ++i) {
      const Feature& feature = options.features[i];
      const auto& tokens = model.tape.value(
          feature.layer == 4 ? normed : h[static_cast<std::size_t>(feature.layer)]);
      const double* const got = features.data() + image * extractor.width() + extractor.begin(i);
      for (int c = 0; c < 24; ++c) {
        double mean = 0;
        for (int t = Encoder::leading_tokens; t < tokens.rows; ++t) mean += tokens(t, c) / patches;
        largest = std::max(
            largest, std::abs(got[c] - (feature.readout == Readout::mean ? mean : tokens(0, c))));
      }
    }
  }
  CHECK(largest < 1e-10);
}

TEST_CASE(
    "masked features: class token and mean equal a dense encoder's with the mask of pre-training") {
  check_masked<SAIM<Small, Parallel<2>>>();
  check_masked<GVP<Small, Grouped<Random<3>>>>();
  check_masked<CausalViT<Small>>();
  check_masked<MAE<Small, Joint<1, 16, 2>>>();
  check_masked<MAE<Small, Joint<1, 16, 2>, Target<Pixel>, VariableMask<>>>();
  check_masked<DiGPT<Small, Target<Pixel>, Twin<1, 32, ClassFirst>, Cluster<3, 2>>>();
  check_masked<DiGPT<Small, Target<Features<Small>>, Twin<1, 32>, Cluster<3, 2>>>(
      Sight::class_last);
  check_masked<SimMIM<Small>>(Sight::whole);
}

template <class... O>
using Coded = ViT<4, 24, 3, Patch<4>, Image<12, 16>, Embedding<Codes<7>>, O...>;
template <class... O> using Seen = ViT<4, 24, 3, Patch<4>, Image<12, 16>, O...>;
using Both = Conditions<Pooled<Codes<5>>, Labels<3>>;

TEST_CASE("masked features: of an encoder that reads codes") {
  check_masked<GVP<Coded<>, Grouped<Random<3>>, Target<Codes<7>>>>();  // no pixels go to the device
  check_masked<SAIM<Coded<>, Parallel<2>, Target<Pixel>>>();
  check_masked<CausalViT<Coded<>, Target<Codes<7>, LinearHead>>>();
  check_masked<SimMIM<Coded<>, Target<Codes<7>>>>(Sight::whole);
}

TEST_CASE("masked features: of an encoder with conditions") {
  check_masked<GVP<Seen<Both>, Grouped<Random<3>>>>();
  check_masked<GVP<Seen<Both>, Grouped<Random<3>>, Target<Codes<7>>>>();  // nothing is given for
                                                                          // the target
  check_masked<GVP<Coded<Both>, Grouped<Random<3>>, Target<Codes<7>>>>();
  check_masked<
      GVP<Seen<NoClassToken, Conditions<Labels<3>, Pooled<Codes<5>>>>, Grouped<Random<3>>>>();
  check_masked<CausalViT<Seen<NoClassToken, Conditions<Labels<3>>>>>();
  check_masked<SimMIM<Seen<Both>>>(Sight::whole);
}

TEST_CASE("masked features: an image's order goes by its number since the parameters were loaded") {
  using Model = SAIM<Small, Parallel<2>>;
  Fp64Reference device;
  const auto parameters = hashed_parameters();
  std::vector<double> pixels = hashed_images(Small::Grid::image_width);
  for (int i = 1; i < 4; ++i)
    pixels.insert(pixels.end(), pixels.begin(),
                  pixels.begin() + Small::Grid::image_width);  // one image four times
  MaskedFeatures<Model, Fp64Reference> extractor(device,
                                                 {.batch = 3, .features = {{Readout::mean}}}, 7);
  const auto equal = [](std::span<const double> a, std::span<const double> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](double x, double y) { return std::abs(x - y) < 1e-12; });
  };
  extractor.load(parameters);
  const auto four = extractor.extract(std::span<const double>(pixels));
  const std::span<const double> all(four), two(pixels.data(), 2 * Small::Grid::image_width);
  REQUIRE_FALSE(equal(all.first(48), all.last(48)));
  extractor.load(parameters);
  CHECK(equal(extractor.extract(two), all.first(48)));
  CHECK(equal(extractor.extract(two), all.last(48)));
  extractor.load(parameters);
  CHECK(equal(extractor.extract(two), all.first(48)));
}

TEST_CASE(
    "masked features: an order from features, a fresh one for every image, the same for any "
    "batch") {
  using Model = SemAIM<Small, Parallel<2>>;
  Fp64Reference device;
  const auto parameters = hashed_parameters();
  std::vector<double> pixels = hashed_images(Small::Grid::image_width);
  for (int i = 1; i < 4; ++i)
    pixels.insert(pixels.end(), pixels.begin(),
                  pixels.begin() + Small::Grid::image_width);  // one image four times
  const auto extract = [&](int batch, std::uint64_t seed) {
    MaskedFeatures<Model, Fp64Reference> extractor(
        device, {.batch = batch, .features = {{Readout::mean, 3}}}, seed);
    extractor.load(parameters);
    return extractor.extract(std::span<const double>(pixels));
  };
  const auto together = extract(4, 1);
  CHECK(together == extract(4, 1));
  CHECK(together != extract(4, 2));
  const auto apart = extract(3, 1);
  for (std::size_t i = 0; i < together.size(); ++i)
    CHECK(apart[i] == doctest::Approx(together[i]).epsilon(1e-12));
  double between = 0;
  for (std::size_t i = 0; i < 24; ++i)
    between = std::max(between, std::abs(together[i] - together[24 + i]));
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
  CHECK(said.operator()<Model>({.features = {{Readout::tokens}}}) ==
        "pooling: 'tokens' with mask 'order'; choose class or mean, or no mask.");
  CHECK(said.operator()<Model>({.height = 24, .width = 16, .features = {{Readout::mean}}}) ==
        "mask 'order': orders are drawn on the model's own grid; leave the size of the pictures as "
        "it is.");
  using Taught = SemAIM<Small, Parallel<2>, Semantic<FromTeacher>, Target<Features<Small>>>;
  CHECK(said.operator()<Taught>({.features = {{Readout::mean}}}) ==
        "mask 'order': the model's order comes from its teacher, who is not here; choose none.");
}

}  // namespace
}  // namespace arvit::test
