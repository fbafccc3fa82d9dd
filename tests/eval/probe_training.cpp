// SPDX-License-Identifier: BSL-1.0
#include "arvit/eval/probe_training.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "arvit/core/initialise.hpp"
#include "arvit/device/reference.hpp"
#include "arvit/models.hpp"
#include "support/tables.hpp"

namespace arvit::test {
namespace {

TEST_CASE("probe head: learns clouds, with SGD and with LARS, and is the same for the same seed") {
  const FeatureTable train = blobs(600, 10, 3, 0.6, 1), test = blobs(300, 10, 3, 0.6, 2);
  for (const bool lars : {false, true}) {
    ProbeHead head(10, 3, lars, 1), twin(10, 3, lars, 1);
    double first = 0, last = 0;
    for (int step = 0; step < 200; ++step) {
      last = head.step(
          train.row(step % 6 * 100),
          std::span(train.labels).subspan(static_cast<std::size_t>(step % 6) * 100, 100),
          lars ? 3.0 : 0.05);
      if (step == 0) first = last;
      CHECK(
          twin.step(train.row(step % 6 * 100),
                    std::span(train.labels).subspan(static_cast<std::size_t>(step % 6) * 100, 100),
                    lars ? 3.0 : 0.05) == last);
    }
    CHECK(first == doctest::Approx(std::log(3.0)).epsilon(0.05));
    CHECK(last < 0.2);
    CHECK(accuracy(head.predict(test.values.data(), test.rows()), test.labels) > 0.95);
  }
}

TEST_CASE("probe head: the first step of SGD is the gradient of the batch-normalised loss") {
  // Two rows, one column: normalised to +1 and -1, W = 0 up to its start, so p = softmax(W x).
  const float x[2] = {3, 7};
  const std::vector<int> labels{0, 1};
  ProbeHead head(1, 2, false, 4);
  const double before = head.step(x, labels, 1.0);
  const double after = head.step(x, labels, 0.0);
  CHECK(before == doctest::Approx(std::log(2.0)).epsilon(0.05));
  // dW = (p - y)^T x = [+-0.5] for W = 0: logits of the right classes grow by 1 in total, biases
  // stay: loss = log(1 + exp(-1)).
  CHECK(after == doctest::Approx(std::log(1 + std::exp(-1.0))).epsilon(0.05));
}

/// A class per colour.
struct Colours {
  std::int64_t pictures;
  std::int64_t size() const { return pictures; }
  int label(std::int64_t i) const { return static_cast<int>(i % 3); }
  Picture picture(std::int64_t i) const {
    Picture result(16, 16);
    for (int y = 0; y < 16; ++y)
      for (int x = 0; x < 48; ++x)
        result.row(y)[x] = static_cast<std::uint8_t>(x % 3 == label(i) ? 200 + (i * 7 + y) % 50
                                                                       : 30 + (i * 5 + x) % 60);
    return result;
  }
};

TEST_CASE("probe training: augmented pictures through the frozen encoder, evaluated once") {
  using Small = ViT<1, 16, 2, Patch<8>, Image<16>>;
  Reference<float> device;
  FeatureExtractor<Small, Reference<float>> extractor(device,
                                                      {.batch = 8, .features = {{Readout::mean}}});
  std::vector<float> parameters(Small::parameter_count);
  std::uint32_t index = 0;
  for (const auto& [name, tensor, offset] : Small::parameters())
    initialise(tensor, index++, 1, parameters.data() + offset);
  extractor.load(parameters);
  ProbeRecipe recipe = probe_recipe_from("saim");
  recipe.epochs = 30;
  recipe.batch = 16;
  int epochs = 0;
  const ProbeTrainingOptions options{
      .progress = [&](int epoch, double, double) { epochs = epoch; }};
  CHECK(train_probe(extractor, Colours{60}, Colours{30}, recipe, options) > 0.9);
  CHECK(epochs == 30);
  CHECK(train_probe(extractor,
                    Subset<Colours>(Colours{60}, stratified_fraction(
                                                     std::vector<int>{0, 1, 2, 0, 1, 2}, 1.0, 0)),
                    Colours{30}, recipe, options) > 0.3);
  // More than there are: whole passes of 8, five of the 61 pictures wait for the next epoch.
  recipe.batch = 64;
  recipe.epochs = 40;
  int reports = 0;
  CHECK(train_probe(extractor, Colours{61}, Colours{30}, recipe,
                    {.progress = [&](int epoch, double, double) { CHECK(epoch == ++reports); }}) >
        0.9);
  CHECK(reports == 40);  // one step in every epoch
  recipe.batch = 12;
  CHECK_THROWS_WITH_AS(train_probe(extractor, Colours{60}, Colours{30}, recipe, options),
                       "batch: 12 pictures are no whole number of passes of 8; choose 8, say.",
                       OptionError);
  recipe.batch = 1;
  CHECK_THROWS_WITH_AS(train_probe(extractor, Colours{6}, Colours{3}, recipe, options),
                       "batch: 1 pictures; batch normalisation needs at least 2.", OptionError);
  CHECK_THROWS_WITH_AS(probe_recipe_from("sain"), doctest::Contains("did you mean 'saim'?"),
                       OptionError);
  CHECK(probe_recipe_from("mae").lars);
}

}  // namespace
}  // namespace arvit::test
