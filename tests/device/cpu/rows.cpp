// SPDX-License-Identifier: BSL-1.0
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
          device.layer_norm(tx, g, b, epsilon, y, moments);
          device.layer_norm_again(tx, g, b, moments, again);
          device.layer_norm_backward(tdy, tx, g, moments, dx, Write::assign, dgamma, dbeta);
          device.layer_norm_backward(tdy, tx, g, moments, dx_added, Write::add, dgamma, dbeta);
          return Outputs{y.numbers(),        again.numbers(),  moments.numbers(), dx.numbers(),
                         dx_added.numbers(), dgamma.numbers(), dbeta.numbers()};
        },
        2 * tolerance<P> + 1e-5);
  }
}

TEST_CASE("cpu/layer_norm: a row of one channel gives beta and passes no gradient") {
  Cpu<Fp32> device;
  float x = 7, dy = 3, gamma = 2, beta = 5, y = 0, dx = 1, moments[2], dgamma = 0, dbeta = 0;
  device.layer_norm({&x, 1, 1}, {&gamma, 1}, {&beta, 1}, 1.0, {&y, 1, 1}, {moments, 1, 2});
  device.layer_norm_backward({&dy, 1, 1}, {&x, 1, 1}, {&gamma, 1}, {moments, 1, 2}, {&dx, 1, 1},
                             Write::assign, {&dgamma, 1}, {&dbeta, 1});
  CHECK(y == 5);
  CHECK(std::abs(dx) < 1e-6f);
  CHECK(dgamma == 0);
  CHECK(dbeta == 3);
}

TEST_CASE_TEMPLATE("cpu/elementwise: GELU, add, scale and fill agree with the definition", P, Fp32,
                   Bf16) {
  using T = typename P::Activation;
  for (const Shape s : shapes) {
    const std::int64_t rows = s.rows, columns = s.columns;
    INFO(rows, " rows of ", columns);
    const Numbers x = normal<T>(rows * columns, 1, 2), y0 = normal<T>(rows * columns, 2),
                  scale = normal<float>(rows, 3);
    compare<P>([&](auto& device) {
      using D = std::remove_reference_t<decltype(device)>;
      Tensor<A<D>> tx(rows, columns, x), y(rows, columns), slope(rows, columns),
          replaced(rows, columns, x), again(rows, columns), sum(rows, columns, y0),
          scaled(rows, columns), filled(rows, columns), in_place(rows, columns, x);
      Flat<S<D>> row_scale(scale);
      device.gelu(tx, y, slope);
      device.gelu(replaced, again, replaced);  // in place
      device.add(tx, sum);
      device.scale_rows(tx, row_scale, scaled);
      device.scale_rows(in_place, row_scale, in_place);
      device.fill(filled, 0.5);
      return Outputs{y.numbers(),   slope.numbers(),  again.numbers(),    replaced.numbers(),
                     sum.numbers(), scaled.numbers(), in_place.numbers(), filled.numbers()};
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
    std::vector<T> memory(static_cast<std::size_t>(size + 1), as<T>(7));
    device.fill({memory.data(), 1, size}, 0.5);
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
    for (std::int32_t r = 0; r < rows; ++r)
      every.push_back(static_cast<std::int32_t>(rows) - 1 - r),
          source.push_back(r % 5 == 0 ? -1 - r : (r * 3) % 14);
    for (std::int32_t r = 0; r < rows; r += 3) some.push_back(r);
    for (std::int32_t r = 0; r < 14; ++r) permutation.push_back(r * 5 % 7);
    const auto count = static_cast<std::int64_t>(some.size());
    compare<P>([&](auto& device) {
      using D = std::remove_reference_t<decltype(device)>;
      Tensor<A<D>> tx(rows, columns, x), gathered(count, columns), scattered(rows, columns, y0),
          assigned(rows, columns, y0), added(rows, columns, y0), all(rows, columns),
          cleared(rows, columns, y0), uncleared(rows, columns, y0), placed(rows, columns, y0);
      Tensor<S<D>> positions(7, columns, table);
      Flat<S<D>> t(token);
      Flat<Gradient<D>> dtoken(token), dtoken_all(token);
      device.gather_rows(tx, index(some), gathered);
      device.scatter_add_rows(gathered, index(some), scattered);
      device.scatter_add_rows(tx, index(every), scattered);
      device.put_token(assigned, index(some), t, Write::assign);
      device.put_token(added, index(some), t, Write::add);
      device.put_token(all, {}, t, Write::assign);
      device.token_gradient(tx, index(some), dtoken);
      device.token_gradient(tx, {}, dtoken_all);
      device.clear_rows(cleared, index(some));
      device.clear_rows(uncleared, {});
      device.add_positions(placed, positions, {index(source), index(permutation)});
      return Outputs{gathered.numbers(),   scattered.numbers(), assigned.numbers(),
                     added.numbers(),      all.numbers(),       dtoken.numbers(),
                     dtoken_all.numbers(), cleared.numbers(),   uncleared.numbers(),
                     placed.numbers()};
    });
  }
}

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
      classes[static_cast<std::size_t>(r)] = r % 5 == 3
                                                 ? -1
                                                 : static_cast<double>(
                                                       r * 7 % columns);  // some rows without loss
    compare<P>([&](auto& device) {
      using D = std::remove_reference_t<decltype(device)>;
      Tensor<A<D>> p(rows, columns, prediction), squared(rows, columns), absolute(rows, columns),
          cosine(rows, columns), entropy(rows, columns);
      Tensor<S<D>> codes(rows, 1, classes);
      Tensor<S<D>> t(rows, columns, target);
      Flat<double> sums({1.0, 2.0, 3.0, 4.0});
      device.squared_error(p, t, 0.25, squared, sums.out().part(0, 1));
      device.absolute_error(p, t, 0.125, absolute, sums.out().part(1, 2));
      device.cosine_distance(p, t, 0.5, cosine, sums.out().part(2, 3));
      device.cross_entropy(p, codes, 0.5, entropy, sums.out().part(3, 4));
      return Outputs{squared.numbers(), absolute.numbers(), cosine.numbers(), entropy.numbers(),
                     {sums.memory[0]},  {sums.memory[1]},   {sums.memory[2]}, {sums.memory[3]}};
    });
  }
}
TEST_CASE("cpu/loss: a prediction that is no number is no direction, and does not pass for one") {
  Cpu<Fp32> device({1, {}});
  std::vector<float> prediction(20, 1), target(20, 2), slope(20);
  prediction[7] = std::numeric_limits<float>::quiet_NaN();
  double sum = 0;
  device.cosine_distance({prediction.data(), 1, 20}, {target.data(), 1, 20}, 1,
                         {slope.data(), 1, 20}, {&sum, 1});
  CHECK(std::isnan(sum));
  CHECK(std::isnan(slope[0]));
}
TEST_CASE("cpu/loss: a class that does not exist has no number, whatever its value") {
  Cpu<Fp32> device({1, {}});
  for (const float code : {20.f, 1e9f, std::numeric_limits<float>::quiet_NaN(),
                           std::numeric_limits<float>::infinity()}) {
    std::vector<float> prediction(20, 1), slope(20);
    double sum = 0;
    device.cross_entropy({prediction.data(), 1, 20}, {&code, 1, 1}, 1, {slope.data(), 1, 20},
                         {&sum, 1});
    CHECK(std::isnan(sum));
  }
}
