// SPDX-License-Identifier: BSL-1.0
#include "arvit/train/optimiser/lars.hpp"
#include "arvit/train/optimiser/sgd.hpp"
#include "support.hpp"

using namespace arvit;
using namespace test;

TEST_CASE_TEMPLATE(
    "cpu/update: three AdamW steps, average, weights and norms agree with the definition", P, Fp32,
    Bf16) {
  for (const std::int64_t size : {1, 17, 1000, 100000}) {
    const Numbers start = normal<float>(size, 1), gradient = normal<float>(size, 2);
    const std::vector<ParameterRun> runs{{0, size / 3, 1.f, 0.f},
                                         {size / 3, size / 2, 0.5f, 1.f},
                                         {size / 2 + size / 10, size, 1.f, 1.f}};
    const Numbers poisoned(start.size(), poison);
    compare<P>([&](auto& device) {
      using D = std::remove_reference_t<decltype(device)>;
      Flat<S<D>> master(start), bare(start), average(start), m(Numbers(start.size(), 0)), v(m),
          m2(m), v2(m);
      Flat<Gradient<D>> g(gradient);
      Flat<W<D>> weights(poisoned), converted(poisoned);
      Flat<double> sum({3.0});
      const Span<const ParameterRun> all(runs.data(), static_cast<std::int64_t>(runs.size()));
      for (std::int64_t step = 1; step <= 3; ++step) {
        const AdamW options{0.01, 0.9, 0.95, 1e-8, 0.1, step};
        device.run(ops::Update<AdamW, D>{.rule = options,
                                         .runs = all,
                                         .gradient = g,
                                         .gradient_scale = 0.5,
                                         .master = master,
                                         .states = {m.out(), v.out()},
                                         .average = average,
                                         .average_decay = 0.9,
                                         .weights = weights});
        device.run(ops::Update<AdamW, D>{.rule = options,
                                         .runs = all,
                                         .gradient = g,
                                         .gradient_scale = 0.5,
                                         .master = bare,
                                         .states = {m2.out(), v2.out()}});
      }
      device.run(ops::Convert<D>{.masters = bare, .weights = converted});
      device.run(ops::SumOfSquares<D>{.values = g, .sum = sum});
      return Outputs{master.numbers(),  m.numbers(),    v.numbers(),         average.numbers(),
                     weights.numbers(), bare.numbers(), converted.numbers(), sum.numbers()};
    });
  }
}

TEST_CASE("cpu/update: the sum of squares has the same bits on every instruction set") {
  const Numbers values = normal<float>(100001, 3);
  double first = 0;
  for (const auto isa : instruction_sets()) {
    Cpu<Fp32> device({2, isa});
    Flat<float> flat(values);
    double sum = 0;
    device.run(ops::SumOfSquares<Cpu<Fp32>>{.values = flat, .sum = {&sum, 1}});
    if (first == 0) first = sum;
    CHECK(sum == first);
  }
}

TEST_CASE_TEMPLATE("cpu/update: three steps of SGD and LARS, with norms, agree with the definition",
                   P, Fp32, Bf16) {
  for (const std::int64_t size : {5, 17, 1000, 70001}) {
    const Numbers start = normal<float>(size, 1), gradient = normal<float>(size, 2);
    const std::vector<ParameterRun> runs{{0, size / 3, 1.f, 0.f, 1},
                                         {size / 3, size / 2, 0.5f, 1.f, 2},
                                         {size / 2, size, 1.f, 1.f, 3}};
    compare<P>([&](auto& device) {
      using D = std::remove_reference_t<decltype(device)>;
      Flat<S<D>> plain(start), adapted(start), average(start), v1(Numbers(start.size(), 0)), v2(v1);
      Flat<Gradient<D>> g(gradient);
      Flat<W<D>> weights(Numbers(start.size(), poison));
      Flat<double> norms(Numbers(2 * runs.size(), poison));
      const Span<const ParameterRun> all(runs.data(), static_cast<std::int64_t>(runs.size()));
      for (int step = 1; step <= 3; ++step) {
        device.run(ops::Update<SGD, D>{.rule = {0.01, 0.9, 0.1, step > 1},
                                       .runs = all,
                                       .gradient = g,
                                       .gradient_scale = 0.5,
                                       .master = plain,
                                       .states = {v1.out()}});
        device.run(ops::RunNorms<D>{.runs = all,
                                    .gradient = g,
                                    .gradient_scale = 0.5,
                                    .master = adapted,
                                    .weight_decay = 0.1,
                                    .norms = norms});
        device.run(ops::Update<LARS, D>{.rule = {1, 0.9, 0.1, 0.1},
                                        .runs = all,
                                        .gradient = g,
                                        .gradient_scale = 0.5,
                                        .master = adapted,
                                        .states = {v2.out()},
                                        .average = average,
                                        .average_decay = 0.9,
                                        .weights = weights,
                                        .norms = norms});
      }
      return Outputs{plain.numbers(),   v1.numbers(),      adapted.numbers(), v2.numbers(),
                     average.numbers(), weights.numbers(), norms.numbers()};
    });
  }
}

TEST_CASE("cpu/update: an optimiser without its norms, or with a state too short, is refused") {
  Cpu<Fp32> device({1, {}});
  using D = Cpu<Fp32>;
  float values[4] = {}, state[4] = {};
  const ParameterRun run{0, 4};
  ops::Update<LARS, D> lars{.rule = {},
                            .runs = {&run, 1},
                            .gradient = {values, 4},
                            .master = {values, 4},
                            .states = {Span<float>(state, 4)}};
  CHECK_THROWS_WITH_AS(device.run(lars), "LARS: 0 columns meet 2; they must be equal.", ShapeError);
  ops::Update<SGD, D> sgd{.rule = {},
                          .runs = {&run, 1},
                          .gradient = {values, 4},
                          .master = {values, 4},
                          .states = {Span<float>(state, 3)}};
  CHECK_THROWS_WITH_AS(device.run(sgd), "SGD: 4 columns meet 3; they must be equal.", ShapeError);
}
