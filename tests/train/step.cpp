// SPDX-License-Identifier: BSL-1.0
#include "arvit/train/step.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <concepts>

#include "arvit/core/random.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/device/planner.hpp"
#include "arvit/model/pretrain_pass.hpp"
#include "arvit/train/optimiser/lars.hpp"
#include "arvit/variants.hpp"
#include "support/allocation_count.hpp"

using namespace arvit;

namespace {
using MAE_Pico = MAE<ViT_Pico<>, Joint<4, 64, 4>>;
using SAIM_Pico_shared = SAIM<ViT_Pico<>, Parallel<4, SharedWeights>>;
using ViT_iGPT_Pico = CausalViT<ViT_Pico<>>;
using DiGPT_Pico =
    DiGPT<ViT<4, 64, 4, Patch<4>, Image<32>>, Target<Pixel>, Twin<4, 64, ClassFirst>>;
using GVP_Pico = GVP<ViT_Pico<>, Grouped<Random<5>>>;
using InPlace_Pico = MAE<ViT_Pico<>, InPlace>;
using OfCodes = ViT_Pico<Embedding<Codes<32>>>;
using GVP_d2d_Pico = GVP<OfCodes, Grouped<Random<5>>, Target<Codes<32>>>;
using MAGE_Pico = MAGE<OfCodes, Joint<4, 64, 4>, Target<Codes<32>>>;
using SemAIM_Pico_of_codes = SemAIM<OfCodes, Parallel<2>>;
using EveryPrefix_Pico =
    DiGPT<ViT_Pico<>, Target<Pixel>, Twin<1, 64, EveryPrefix, ClassFirst>, Grouped<Random<5>>>;

constexpr int images = 6;

std::vector<Counter> counters(std::uint32_t epoch) {
  std::vector<Counter> all;
  for (std::uint32_t i = 0; i < images; ++i) all.push_back({.seed = 3, .epoch = epoch, .image = i});
  return all;
}
template <class Model> std::vector<float> pictures() {
  std::vector<float> pixels(images * Model::Grid::image_width);
  Stream random(Counter{.seed = 4});
  for (float& value : pixels) value = 4 * random.uniform() - 2;
  return pixels;
}

/// The pictures and their codes, if the model reads some.
template <class Model> struct Images {
  std::vector<float> pixels = pictures<Model>(), codes;
  Images() : codes(images * Model::batch_widths.codes) {
    Stream random(Counter{.seed = 5});
    for (float& code : codes) code = static_cast<float>(random.below(Model::codes));
  }
  /// The images first .. first + count - 1.
  Batch<const float> part(std::int64_t first, std::int64_t count) const {
    const auto of = [&](const std::vector<float>& all, std::int64_t width) {
      return Span<const float>(all).part(first * width, (first + count) * width);
    };
    return {.pixels = of(pixels, Model::batch_widths.pixels),
            .codes = of(codes, Model::batch_widths.codes)};
  }
};

template <class Model, class Precision> std::vector<float> gradients() {
  Cpu<Precision> device({2, {}});
  Step<Model, Cpu<Precision>> step(device, {.micro_batch = images});
  step.initialise(1);
  step.begin(counters(0));
  step.accumulate(Images<Model>().part(0, images), counters(0));
  return {step.gradients().data(), step.gradients().data() + step.gradients().size()};
}
}  // namespace

TEST_CASE("step: a class token starts at zero where the encoder says so, else near it") {
  const auto largest = []<class Model>() {
    Cpu<Fp32> device({1, {}});
    Step<Model, Cpu<Fp32>> step(device, {.micro_batch = 1});
    step.initialise(1);
    float most = -1;
    for (const PlacedTensor& t : Model::parameters())
      if (t.name == "cls_token")
        for (std::int64_t i = 0; i < t.tensor.size(); ++i)
          most = std::max(most, std::abs(step.masters().data()[t.offset + i]));
    return most;
  };
  CHECK(largest.operator()<DiGPT<ViT<2, 64, 2, Patch<4>, Image<8>, ZeroClassToken>, Target<Pixel>,
                                 Twin<1, 32, ClassFirst>>>() == 0);
  const float drawn = largest.operator()<
      DiGPT<ViT<2, 64, 2, Patch<4>, Image<8>>, Target<Pixel>, Twin<1, 32, ClassFirst>>>();
  CHECK(drawn > 0.02f);
  CHECK(drawn < 0.1f);
}
TEST_CASE_TEMPLATE("step: recomputed activations give the same bits from less memory", Model,
                   SemAIM_Pico, MAE_Pico, ViT_iGPT_Pico, SAIM_Pico_shared, GVP_Pico, InPlace_Pico,
                   DiGPT_Pico, GVP_d2d_Pico, MAGE_Pico) {
  const auto two_steps = [](bool recompute) {
    Cpu<Fp32> device({2, {}});
    Step<Model, Cpu<Fp32>> step(device,
                                {.micro_batch = images, .drop_path = 0.2, .recompute = recompute});
    step.initialise(1);
    for (std::uint32_t number = 0; number < 2; ++number) {
      step.begin(counters(number));
      step.accumulate(Images<Model>().part(0, images), counters(number));
      step.update({.learning_rate = 0.01}, 1.0);
    }
    return std::vector<float>(step.masters().data(), step.masters().data() + step.masters().size());
  };
  CHECK(two_steps(false) == two_steps(true));
  const auto plan = [](bool recompute) {
    return Step<Model, Cpu<Fp32>>::plan({.micro_batch = images, .recompute = recompute})
        .activations;
  };
  CHECK(plan(true) < 0.75 * static_cast<double>(plan(false)));
}

TEST_CASE_TEMPLATE("step: where the sizes of groups vary, the plan holds the largest batch", Model,
                   GVP_Pico, MAGE_Pico, EveryPrefix_Pico) {
  using P = Planner<Fp32>;
  const auto bytes = [](std::vector<Counter> batch) {  // of a step on these images
    P planner;
    typename Model::template Pass<P> pass(planner, static_cast<int>(batch.size()), 0);
    const typename Model::template Pass<P>::Parameters parameters(Reading<P>(nullptr, nullptr));
    const typename Model::template Pass<P>::Gradients gradients(Adding<P>(nullptr, nullptr));
    const auto count = static_cast<std::int64_t>(batch.size());
    const auto planned = DeviceBatch<P>().first(count, Model::batch_widths);
    pass.order(parameters, planned, batch);
    pass.run(parameters, &gradients, planned, {});
    return pass.peak_bytes();
  };
  for (const int count : {1, 3}) {
    std::int64_t smallest = std::int64_t{1} << 40, largest = 0;
    for (std::uint32_t image = 0; image < 200; ++image) {
      std::vector<Counter> batch;
      for (int i = 0; i < count; ++i)
        batch.push_back({.seed = 3, .image = image + 200 * static_cast<std::uint32_t>(i)});
      const std::int64_t drawn = bytes(batch);
      smallest = std::min(smallest, drawn);
      largest = std::max(largest, drawn);
    }
    const auto plan = static_cast<double>(
        Step<Model, Cpu<Fp32>>::plan({.micro_batch = count}).activations);
    CHECK(static_cast<double>(smallest) < (count == 1 ? 0.9 : 0.95) * plan);  // they do vary
    CHECK(static_cast<double>(largest) <= plan);
    const double reached = std::same_as<Model, EveryPrefix_Pico> ? 0.6
                           : count == 1
                               ? 0.96
                               : 0.9;  // the most queries of every prefix are hardly ever drawn
    CHECK(static_cast<double>(largest) > reached * plan);
  }
}

// oneDNN allocates inside every product (tests/device/cpu/allocations.cpp).
#if !defined(ARVIT_GEMM_ONEDNN)
TEST_CASE_TEMPLATE("step: from the second one on, nothing is allocated", Model, SemAIM_Pico,
                   MAE_Pico, GVP_Pico, InPlace_Pico, DiGPT_Pico, GVP_d2d_Pico, MAGE_Pico,
                   SemAIM_Pico_of_codes) {
  const auto count = []<class Precision>() {
    Cpu<Precision> device({2, {}});
    Step<Model, Cpu<Precision>> step(device, {.micro_batch = 4, .average = true, .drop_path = 0.1});
    step.initialise(1);
    const Images<Model> made;
    long last = -1;
    for (std::uint32_t number = 0; number < 3; ++number) {
      const auto names = counters(number);
      const std::span<const Counter> all(names);
      const long start = test::allocation_count;
      step.begin(all);
      step.accumulate(made.part(0, 4), all.first(4));
      step.accumulate(made.part(4, 2), all.last(2));
      step.update({.learning_rate = 1e-3}, 1.0);
      last = test::allocation_count - start;
    }
    return last;
  };
  CHECK(count.template operator()<Fp32>() == 0);
  CHECK(count.template operator()<Bf16>() == 0);
}
#endif

TEST_CASE_TEMPLATE("step: gradients in bf16 lie within 1.5 % of those in fp32, tensor by tensor",
                   Model, SemAIM_Pico, MAE_Pico, GVP_Pico, InPlace_Pico, DiGPT_Pico, GVP_d2d_Pico) {
  const std::vector<float> exact = gradients<Model, Fp32>(), rounded = gradients<Model, Bf16>();
  double largest = 0, whole = 0;
  for (const float value : exact) whole += double{value} * value;
  for (const PlacedTensor& t : Model::parameters()) {
    double distance = 0, norm = 0;
    for (std::int64_t i = t.offset; i < t.offset + t.tensor.size(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      distance += std::pow(double{rounded[at]} - exact[at], 2);
      norm += std::pow(double{exact[at]}, 2);
    }
    // A tensor whose gradient hardly exists (the keys' bias) is held to the scale of the model.
    const double share = std::sqrt(distance / std::max(norm, 1e-8 * whole));
    CAPTURE(t.name);
    CHECK(share < 0.015);
    largest = std::max(largest, share);
  }
  CHECK(largest > 1e-4);  // both precisions were really used
}

TEST_CASE("step: given ranks give the bits of the drawn order that they name") {
  using Model = SAIM_Pico_shared;
  constexpr int patches = Model::Grid::patches;
  Cpu<Fp32> device({2, {}});
  Step<Model, Cpu<Fp32>> step(device, {.micro_batch = images, .drop_path = 0.2});
  step.initialise(1);
  const auto names = counters(0);
  const auto pixels = pictures<Model>();
  step.begin(names);
  step.accumulate({.pixels = pixels}, names);
  const double drawn = step.loss();
  const std::vector<float> expected(step.gradients().data(),
                                    step.gradients().data() + step.gradients().size());
  const std::vector<std::int32_t> permutation = step.pass().permutation();
  std::vector<int> ranks(permutation.size());
  for (std::size_t at = 0; at < ranks.size(); ++at)
    ranks[at / patches * patches + permutation[at]] = static_cast<int>(at % patches) + 1;
  const auto given_ranks = [&](const std::vector<int>& order) {
    step.begin(GivenRanks{order, names});
    step.accumulate({.pixels = pixels}, GivenRanks{order, names});
    return std::vector<float>(step.gradients().data(),
                              step.gradients().data() + step.gradients().size());
  };
  CHECK(given_ranks(ranks) == expected);
  CHECK(step.loss() == drawn);
  std::swap(ranks[0], ranks[1]);
  CHECK(given_ranks(ranks) != expected);
  // Two micro-batches are one batch: the loss is divided by the rows of both.
  const double whole = step.loss();
  const std::span<const int> all(ranks);
  const std::span<const Counter> every(names);
  constexpr int half = images / 2;
  step.begin(GivenRanks{ranks, names});
  for (int part = 0; part < 2; ++part)
    step.accumulate(Images<Model>().part(part * half, half),
                    GivenRanks{all.subspan(part * half * patches, half * patches),
                               every.subspan(part * half, half)});
  CHECK(step.loss() == doctest::Approx(whole).epsilon(1e-6));
  CHECK_THROWS_WITH_AS(
      step.accumulate(Images<Model>().part(0, 1), GivenRanks{all.first(patches + 1)}),
      doctest::Contains("ranks and 0 counters"), ShapeError);
  ranks.assign(ranks.size(), 0);
  CHECK_THROWS_WITH_AS(step.begin(GivenRanks{ranks}), doctest::Contains("nothing to learn"),
                       ShapeError);
}

TEST_CASE("step: tensors by name, and the loss of each stream") {
  using Model = DiGPT_Pico;  // two streams: generation and distillation
  static_assert(Model::streams == 2);
  Cpu<Fp32> device({2, {}});
  Step<Model, Cpu<Fp32>> step(device, {.micro_batch = images});
  step.initialise(1);
  step.begin(counters(0));
  step.accumulate(Images<Model>().part(0, images), counters(0));
  for (const PlacedTensor& t : Model::parameters()) {
    CHECK(step.parameter(t.name).data() == step.masters().data() + t.offset);
    CHECK(step.parameter(t.name).size() == t.tensor.size());
    CHECK(step.gradient(t.name).data() == step.gradients().data() + t.offset);
    CHECK(step.gradient(t.name).size() == t.tensor.size());
  }
  CHECK_THROWS_WITH_AS(step.parameter("blocks.0.atn.qkv.weight"),
                       "parameter 'blocks.0.atn.qkv.weight': the model has no tensor of that name; "
                       "did you mean 'blocks.0.attn.qkv.weight'?",
                       OptionError);
  CHECK(step.stream_losses()[0] > 0);
  CHECK(step.stream_losses()[1] > 0);
  CHECK(step.stream_losses()[0] + step.stream_losses()[1] == step.loss());
}

TEST_CASE_TEMPLATE("step: orders from an average follow it, and not the parameters", P, Fp32,
                   Bf16) {
  using Model = SemAIM<ViT_Pico<>, Parallel<1>, Semantic<FromAverage>>;
  using D = Cpu<P>;
  const std::vector<float> pixels = pictures<Model>();
  D device({2, {}});
  Step<Model, D> step(device, {.micro_batch = images, .average = true}), other(device, {images});
  step.initialise(1);
  other.initialise(2);
  const auto order_of = [&](const auto& parameters) {
    step.pass().order(parameters, {.pixels = pixels}, counters(0));
    return step.pass().permutation();
  };
  const auto order_of_step = [&] {
    step.begin(counters(0));
    step.accumulate({.pixels = pixels}, counters(0));
    return step.pass().permutation();
  };
  const auto first = order_of(step.reading()), second = order_of(other.reading());
  REQUIRE(first != second);
  // Other parameters; the average stays as it was.
  std::copy_n(other.masters().data(), Model::parameter_count, step.masters().data());
  step.refresh();
  CHECK(order_of(step.reading()) == second);
  CHECK(order_of_step() == first);
  // The average becomes the parameters, and what the order reads is brought up to date.
  step.update({.learning_rate = 0}, 0, 0);
  CHECK(order_of_step() == second);
}

TEST_CASE("step: what is updated with norms goes tensor by tensor") {
  using Model = MAE_Pico;
  Cpu<Fp32> device({2, {}});
  Step<Model, Cpu<Fp32>, LARS> step(device, {.micro_batch = images});
  CHECK(decltype(step)::plan({.micro_batch = images}).states == 4 * Model::parameter_count);
  step.initialise(1);
  const std::vector<float> before(step.masters().data(),
                                  step.masters().data() + step.masters().size());
  step.begin(counters(0));
  step.accumulate({.pixels = pictures<Model>()}, counters(0));
  const LARS lars{.learning_rate = 0.5, .weight_decay = 0.01};
  step.update(lars);
  for (const PlacedTensor& t : Model::parameters()) {
    // The first step moves a matrix by learning_rate * trust times its own norm.
    const auto now = step.parameter(t.name);
    const auto gradient = step.gradient(t.name);
    double moved = 0, norm = 0;
    for (std::int64_t i = 0; i < t.tensor.size(); ++i) {
      const double old = before[t.offset + i];
      moved += std::pow(now[i] - old, 2);
      norm += old * old;
    }
    CAPTURE(t.name);
    if (t.tensor.dimensions() > 1)
      CHECK(std::sqrt(moved) == doctest::Approx(5e-4 * std::sqrt(norm)).epsilon(1e-3));
    else
      for (std::int64_t i = 0; i < t.tensor.size(); ++i)
        CHECK(now[i] == doctest::Approx(before[t.offset + i] - 0.5 * gradient[i]).epsilon(1e-5));
  }
}
