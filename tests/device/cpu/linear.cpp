// SPDX-License-Identifier: BSL-1.0
#include "support.hpp"

using namespace arvit;
using namespace test;

namespace {
struct Extents { std::int64_t rows, in, out; };
const Extents extents[] = {{1, 1, 1}, {3, 17, 3}, {13, 24, 100}, {50, 64, 48}, {97, 100, 17}, {200, 300, 290}, {2, 530, 1000}, {800, 33, 40}};
}  // namespace

TEST_CASE_TEMPLATE("cpu/linear: forward, bias, GELU and residual agree with the definition", P, Fp32, Bf16) {
  for (const Extents& e : extents) {
    const std::int64_t rows = e.rows, in = e.in, out = e.out;
    CAPTURE(rows);
    CAPTURE(in);
    CAPTURE(out);
    using T = typename P::Activation;
    const Numbers x = normal<T>(rows * in, 1), w = normal<T>(out * in, 2, 1 / std::sqrt(in)), b = normal<float>(out, 3), skip = normal<T>(rows * out, 4),
                  scale = normal<float>(rows, 5);
    compare<P>([&](auto& device) {
      using D = std::remove_reference_t<decltype(device)>;
      Tensor<A<D>> tx(rows, in, x), y0(rows, out), y1(rows, out), pre(rows, out), y2(rows, out), y3(rows, out), y4(rows, out, skip), residual(rows, out, skip);
      Tensor<W<D>> tw(out, in, w);
      Flat<S<D>> bias(b), row_scale(scale);
      device.linear(tx, tw, {}, y0);
      device.linear(tx, tw, bias, y1);
      device.linear_gelu(tx, tw, bias, pre, y2);
      device.linear_residual(tx, tw, bias, residual, row_scale, y3);
      device.linear_residual(tx, tw, bias, y4, {}, y4);  // in place
      return Outputs{y0.numbers(), y1.numbers(), pre.numbers(), y2.numbers(), y3.numbers(), y4.numbers()};
    });
  }
}

TEST_CASE_TEMPLATE("cpu/linear: gradients agree with the definition", P, Fp32, Bf16) {
  for (const Extents& e : extents) {
    const std::int64_t rows = e.rows, in = e.in, out = e.out;
    CAPTURE(rows);
    CAPTURE(in);
    CAPTURE(out);
    using T = typename P::Activation;
    const Numbers x = normal<T>(rows * in, 1), w = normal<T>(out * in, 2, 1 / std::sqrt(out)), dy = normal<T>(rows * out, 3), before = normal<T>(rows * in, 4),
                  dw = normal<float>(out * in, 5), db = normal<float>(out, 6);
    compare<P>([&](auto& device) {
      using D = std::remove_reference_t<decltype(device)>;
      Tensor<A<D>> tdy(rows, out, dy), dx0(rows, in), dx1(rows, in, before), dx2(rows, in), dx3(rows, in, before);
      Tensor<W<D>> tw(out, in, w);
      device.linear_backward_input(tdy, tw, dx0, Write::assign);
      device.linear_backward_input(tdy, tw, dx1, Write::add);
      device.linear_backward_scaled(tdy, tw, dx3, dx2);
      device.linear_backward_scaled(tdy, tw, dx3, dx3);  // in place
      return Outputs{dx0.numbers(), dx1.numbers(), dx2.numbers(), dx3.numbers()};
    });
    compare<P>(
        [&](auto& device) {
          using D = std::remove_reference_t<decltype(device)>;
          Tensor<A<D>> tx(rows, in, x), tdy(rows, out, dy);
          Tensor<Gradient<D>> dw0(out, in, dw), dw1(out, in, dw);
          Flat<Gradient<D>> dbias(db);
          device.linear_backward_weight(tdy, tx, dw0, dbias);
          device.linear_backward_weight(tdy, tx, dw1, {});
          return Outputs{dw0.numbers(), dw1.numbers(), dbias.numbers()};
        },
        tolerance<Fp32>);  // these are fp32, whatever they are made of
  }
}

TEST_CASE("cpu/linear: extents that do not fit are named before anything is written") {
  Cpu<Fp32> device({1, {}});
  Tensor<float> x(4, 8, Numbers(32, 1)), w(5, 7, Numbers(35, 1)), y(4, 5);
  CHECK_THROWS_WITH_AS(device.linear(x, w, {}, y), "linear: 8 columns meet 7; they must be equal.", ShapeError);
  CHECK(std::isnan(y.memory[0]));
}

TEST_CASE("cpu/linear: no rows are no work, and a weight gradient of no rows adds nothing") {
  Cpu<Fp32> device({2, {}});
  Tensor<float> x(0, 8, {}), w(5, 8, Numbers(40, 1)), y(0, 5), dw(5, 8, Numbers(40, 3));
  Flat<float> dbias(Numbers(5, 2));
  device.linear(x, w, {}, y);
  device.linear_backward_weight(y, x, dw, dbias);
  CHECK(dw.numbers() == Numbers(40, 3));
  CHECK(dbias.numbers() == Numbers(5, 2));
}
