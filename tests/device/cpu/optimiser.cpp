// SPDX-License-Identifier: BSL-1.0
#include "support.hpp"

using namespace arvit;
using namespace test;

TEST_CASE_TEMPLATE(
    "cpu/optimiser: three AdamW steps, average, weights and norms agree with the definition", P,
    Fp32, Bf16) {
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
        device.run(ops::AdamWStep<D>{.options = options,
                                     .runs = all,
                                     .gradient = g,
                                     .gradient_scale = 0.5,
                                     .master = master,
                                     .moment1 = m,
                                     .moment2 = v,
                                     .average = average,
                                     .average_decay = 0.9,
                                     .weights = weights});
        device.run(ops::AdamWStep<D>{.options = options,
                                     .runs = all,
                                     .gradient = g,
                                     .gradient_scale = 0.5,
                                     .master = bare,
                                     .moment1 = m2,
                                     .moment2 = v2});
      }
      device.run(ops::Convert<D>{.masters = bare, .weights = converted});
      device.run(ops::SumOfSquares<D>{.values = g, .sum = sum});
      return Outputs{master.numbers(),  m.numbers(),    v.numbers(),         average.numbers(),
                     weights.numbers(), bare.numbers(), converted.numbers(), sum.numbers()};
    });
  }
}

TEST_CASE("cpu/optimiser: the sum of squares has the same bits on every instruction set") {
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
