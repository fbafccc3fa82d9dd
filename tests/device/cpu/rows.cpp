// SPDX-License-Identifier: BSL-1.0
#include "arvit/target/errors/smooth_l1.hpp"
#include "support.hpp"

#include <algorithm>

using namespace arvit;
using namespace test;

namespace {
struct Shape {
  std::int64_t rows, columns;
};
const Shape shapes[] = {{1, 3}, {5, 3}, {70, 17}, {65, 24}, {200, 64}, {33, 100}, {700, 192}};
}  // namespace

TEST_CASE_TEMPLATE("cpu/layer_norm: both directions agree with the definition", P, Fp32, Bf16) {
  using T = typename P::Activation;
  for (const Shape s : shapes) {
    INFO(s.rows, " rows of ", s.columns);
    const std::int64_t rows = s.rows, columns = s.columns;
    Numbers x = normal<T>(rows * columns, 1);
    for (double& value : x)
      value = back(as<T>(3 * value + 10));  // a mean that is large beside the deviation
    const Numbers gamma = normal<float>(columns, 2), beta = normal<float>(columns, 3),
                  dy = normal<T>(rows * columns, 4), start = normal<T>(rows * columns, 5),
                  dg = normal<float>(columns, 6), db = normal<float>(columns, 7);
    const double epsilon = columns == 1 ? 1.0 : 1e-2;
    compare<P>(
        [&](auto& device) {
          using D = std::remove_reference_t<decltype(device)>;
          Tensor<A<D>> tx(rows, columns, x), tdy(rows, columns, dy), y(rows, columns),
              again(rows, columns), dx(rows, columns), dx_added(rows, columns, start);
          Tensor<S<D>> moments(rows, 2);
          Flat<S<D>> g(gamma), b(beta);
          Flat<Gradient<D>> dgamma(dg), dbeta(db);
          device.run(ops::LayerNorm<D>{
              .x = tx, .gamma = g, .beta = b, .epsilon = epsilon, .y = y, .moments = moments});
          device.run(ops::LayerNormAgain<D>{
              .x = tx, .gamma = g, .beta = b, .moments = moments, .y = again});
          device.run(ops::LayerNormBackward<D>{.dy = tdy,
                                               .x = tx,
                                               .gamma = g,
                                               .moments = moments,
                                               .dx = dx,
                                               .dgamma = dgamma,
                                               .dbeta = dbeta});
          device.run(ops::LayerNormBackward<D>{.dy = tdy,
                                               .x = tx,
                                               .gamma = g,
                                               .moments = moments,
                                               .dx = dx_added,
                                               .write = Write::add,
                                               .dgamma = dgamma,
                                               .dbeta = dbeta});
          return Outputs{y.numbers(),        again.numbers(),  moments.numbers(), dx.numbers(),
                         dx_added.numbers(), dgamma.numbers(), dbeta.numbers()};
        },
        2 * tolerance<P> + 1e-5);
  }
}

TEST_CASE("cpu/layer_norm: a row of one channel gives beta and passes no gradient") {
  Cpu<Fp32> device;
  float x = 7, dy = 3, gamma = 2, beta = 5, y = 0, dx = 1, moments[2], dgamma = 0, dbeta = 0;
  using D = Cpu<Fp32>;
  device.run(ops::LayerNorm<D>{.x = {&x, 1, 1},
                               .gamma = {&gamma, 1},
                               .beta = {&beta, 1},
                               .epsilon = 1.0,
                               .y = {&y, 1, 1},
                               .moments = {moments, 1, 2}});
  device.run(ops::LayerNormBackward<D>{.dy = {&dy, 1, 1},
                                       .x = {&x, 1, 1},
                                       .gamma = {&gamma, 1},
                                       .moments = {moments, 1, 2},
                                       .dx = {&dx, 1, 1},
                                       .dgamma = {&dgamma, 1},
                                       .dbeta = {&dbeta, 1}});
  CHECK(y == 5);
  CHECK(std::abs(dx) < 1e-6f);
  CHECK(dgamma == 0);
  CHECK(dbeta == 3);
}

TEST_CASE_TEMPLATE("cpu/elementwise: add, scale and fill agree with the definition", P, Fp32,
                   Bf16) {
  using T = typename P::Activation;
  for (const Shape s : shapes) {
    const std::int64_t rows = s.rows, columns = s.columns;
    INFO(rows, " rows of ", columns);
    const Numbers x = normal<T>(rows * columns, 1, 2), y0 = normal<T>(rows * columns, 2),
                  scale = normal<float>(rows, 3);
    compare<P>([&](auto& device) {
      using D = std::remove_reference_t<decltype(device)>;
      Tensor<A<D>> tx(rows, columns, x), sum(rows, columns, y0), scaled(rows, columns),
          filled(rows, columns), in_place(rows, columns, x);
      Tensor<Gradient<D>> gradient(rows, columns);
      Tensor<double> sums(rows, columns);
      Flat<S<D>> row_scale(scale);
      device.run(ops::Add<D>{.x = tx, .y = sum});
      device.run(ops::ScaleRows<D>{.x = tx, .row_scale = row_scale, .y = scaled});
      device.run(ops::ScaleRows<D>{.x = in_place, .row_scale = row_scale, .y = in_place});
      device.run(ops::Fill<D>{.y = filled, .value = 0.5});
      device.run(ops::Fill<D, Gradient<D>>{.y = gradient, .value = 0.25});
      device.run(ops::Fill<D, double>{.y = sums});
      return Outputs{sum.numbers(),    scaled.numbers(),   in_place.numbers(),
                     filled.numbers(), gradient.numbers(), sums.numbers()};
    });
  }
}

TEST_CASE_TEMPLATE(
    "cpu/elementwise: a flat buffer is filled to its end and no further, however threads share it",
    P, Fp32, Bf16) {
  using T = typename P::Activation;
  Cpu<P> device({3, {}});
  for (const std::int64_t size : {1, 1000, 1 << 15, (1 << 15) + 1, 100003}) {
    CAPTURE(size);
    std::vector<T> memory(size + 1, as<T>(7));
    device.run(ops::Fill<Cpu<P>>{.y = {memory.data(), 1, size}, .value = 0.5});
    CHECK(std::count_if(memory.begin(), memory.end() - 1,
                        [](T value) { return back(value) == 0.5; }) == size);
    CHECK(back(memory.back()) == 7);
  }
}

TEST_CASE_TEMPLATE("cpu/gather: rows, tokens and positions agree with the definition", P, Fp32,
                   Bf16) {
  using T = typename P::Activation;
  for (const Shape s : {Shape{4, 3}, Shape{90, 17}, Shape{300, 128}}) {
    const std::int64_t rows = s.rows, columns = s.columns;
    INFO(rows, " rows of ", columns);
    const Numbers x = normal<T>(rows * columns, 1), y0 = normal<T>(rows * columns, 2),
                  token = normal<float>(columns, 3), table = normal<float>(7 * columns, 4);
    std::vector<std::int32_t> some, every, source, permutation;
    for (std::int32_t r = 0; r < rows; ++r) {
      every.push_back(static_cast<std::int32_t>(rows) - 1 - r);
      source.push_back(r % 5 == 0 ? -1 - r : (r * 3) % 14);
    }
    for (std::int32_t r = 0; r < rows; r += 3) some.push_back(r);
    for (std::int32_t r = 0; r < 14; ++r) permutation.push_back(r * 5 % 7);
    const auto count = static_cast<std::int64_t>(some.size());
    compare<P>([&](auto& device) {
      using D = std::remove_reference_t<decltype(device)>;
      Tensor<A<D>> tx(rows, columns, x), gathered(count, columns), scattered(rows, columns, y0),
          assigned(rows, columns, y0), added(rows, columns, y0), all(rows, columns),
          cleared(rows, columns, y0), uncleared(rows, columns, y0), placed(rows, columns, y0),
          untouched(rows, columns, y0);
      Tensor<S<D>> positions(7, columns, table);
      Flat<S<D>> t(token);
      Flat<Gradient<D>> dtoken(token), dtoken_all(token), dtoken_none(token);
      device.run(ops::GatherRows<D>{.x = tx, .index = index(some), .y = gathered});
      device.run(ops::ScatterAddRows<D>{.x = gathered, .index = index(some), .y = scattered});
      device.run(ops::ScatterAddRows<D>{.x = tx, .index = index(every), .y = scattered});
      device.run(ops::PutToken<D>{.y = assigned, .rows = index(some), .token = t});
      device.run(
          ops::PutToken<D>{.y = added, .rows = index(some), .token = t, .write = Write::add});
      device.run(ops::PutToken<D>{.y = all, .rows = AllRows{}, .token = t});
      device.run(ops::PutToken<D>{.y = untouched, .rows = index({}), .token = t});
      device.run(ops::TokenGradient<D>{.dx = tx, .rows = index(some), .dtoken = dtoken});
      device.run(ops::TokenGradient<D>{.dx = tx, .rows = AllRows{}, .dtoken = dtoken_all});
      device.run(ops::TokenGradient<D>{.dx = tx, .rows = index({}), .dtoken = dtoken_none});
      device.run(ops::ClearRows<D>{.y = cleared, .index = index(some)});
      device.run(ops::ClearRows<D>{.y = uncleared, .index = index({})});
      device.run(ops::AddPositions<D>{
          .x = placed, .table = positions, .from = {index(source), index(permutation)}});
      CHECK(untouched.numbers() == y0);
      CHECK(uncleared.numbers() == y0);
      CHECK(dtoken_none.numbers() == token);
      return Outputs{gathered.numbers(),   scattered.numbers(), assigned.numbers(),
                     added.numbers(),      all.numbers(),       dtoken.numbers(),
                     dtoken_all.numbers(), cleared.numbers(),   placed.numbers()};
    });
  }
}

namespace {
/// A user's own, with every function that an entry has: log(1 + d^2) + sqrt(|d|) + exp(-|d|) / 2.
struct OwnError {
  static constexpr std::string_view name = "own_error";
  static constexpr bool names_class = false, mean_over_rows = false;

  template <class Row>
  ARVIT_HOST_DEVICE static ARVIT_INLINE double of(const Row& row, double scale) {
    using Entry = typename Row::Entry;
    const Entry one = Row::all(1), half = Row::all(0.5), tiny = Row::all(1e-3);
    Entry sum = {};
    row.each([&](const auto& e) ARVIT_INLINE_LAMBDA {
      const Entry d = e.prediction() - e.target();
      const Entry square = fma(d, d, one), root = sqrt(abs(d) + tiny),
                  decay = exp(Row::all(-1) * abs(d));
      sum = sum + e.only(log(square) + root + half * decay);
      e.gradient(Row::all(scale) * ((d + d) / square + half * sign(d) * (one / root - decay)));
    });
    return row.total(sum);
  }
};
}  // namespace

TEST_CASE_TEMPLATE("cpu/loss: errors and their gradients agree with the definition", P, Fp32,
                   Bf16) {
  using T = typename P::Activation;
  for (const Shape s : shapes) {
    const std::int64_t rows = s.rows, columns = s.columns;
    INFO(rows, " rows of ", columns);
    Numbers prediction = normal<T>(rows * columns, 1), target = normal<float>(rows * columns, 2);
    target[0] = prediction[0];  // the slope of the absolute error is 0 there
    if (rows > 1) std::fill_n(prediction.end() - columns, columns, 0);  // a row without a direction
    Numbers classes(static_cast<std::size_t>(rows));
    for (std::int64_t r = 0; r < rows; ++r)
      classes[r] = r % 5 == 3 ? -1
                              : static_cast<double>(r * 7 % columns);  // some rows without loss
    compare<P>([&](auto& device) {
      using D = std::remove_reference_t<decltype(device)>;
      Tensor<A<D>> p(rows, columns, prediction), squared(rows, columns), absolute(rows, columns),
          smooth(rows, columns), cosine(rows, columns), entropy(rows, columns), own(rows, columns);
      Tensor<S<D>> codes(rows, 1, classes);
      Tensor<S<D>> t(rows, columns, target);
      Flat<double> sums({1.0, 2.0, 3.0, 4.0, 5.0, 6.0});
      const auto sum = [&](int i) { return sums.out().part(i, i + 1); };
      device.run(ops::Loss<L2, D>{p, t, 0.25, squared, sum(0)});
      device.run(ops::Loss<L1, D>{p, t, 0.125, absolute, sum(1)});
      device.run(ops::Loss<Cosine, D>{p, t, 0.5, cosine, sum(2)});
      device.run(ops::Loss<CrossEntropy, D>{p, codes, 0.5, entropy, sum(3)});
      device.run(ops::Loss<SmoothL1<std::ratio<3, 4>>, D>{p, t, 0.5, smooth, sum(4)});
      device.run(ops::Loss<OwnError, D>{p, t, 0.5, own, sum(5)});
      return Outputs{squared.numbers(), absolute.numbers(), cosine.numbers(), entropy.numbers(),
                     smooth.numbers(),  own.numbers(),      {sums.memory[0]}, {sums.memory[1]},
                     {sums.memory[2]},  {sums.memory[3]},   {sums.memory[4]}, {sums.memory[5]}};
    });
  }
}
TEST_CASE("cpu/loss: a prediction that is no number is no direction, and does not pass for one") {
  Cpu<Fp32> device({1, {}});
  std::vector<float> prediction(20, 1), target(20, 2), slope(20);
  prediction[7] = std::numeric_limits<float>::quiet_NaN();
  double sum = 0;
  device.run(ops::Loss<Cosine, Cpu<Fp32>>{.prediction = {prediction.data(), 1, 20},
                                          .target = {target.data(), 1, 20},
                                          .scale = 1,
                                          .dprediction = {slope.data(), 1, 20},
                                          .sum = {&sum, 1}});
  CHECK(std::isnan(sum));
  CHECK(std::isnan(slope[0]));
}
TEST_CASE("cpu/loss: a class that does not exist has no number, whatever its value") {
  Cpu<Fp32> device({1, {}});
  for (const float code : {20.f, 1e9f, std::numeric_limits<float>::quiet_NaN(),
                           std::numeric_limits<float>::infinity()}) {
    std::vector<float> prediction(20, 1), slope(20);
    double sum = 0;
    device.run(ops::Loss<CrossEntropy, Cpu<Fp32>>{.prediction = {prediction.data(), 1, 20},
                                                  .target = {&code, 1, 1},
                                                  .scale = 1,
                                                  .dprediction = {slope.data(), 1, 20},
                                                  .sum = {&sum, 1}});
    CHECK(std::isnan(sum));
  }
}
