// SPDX-License-Identifier: BSL-1.0
#include "arvit/device/cpu/words.hpp"
#include "support.hpp"

using namespace arvit;
using namespace test;

namespace {
struct Extents {
  std::int64_t rows, in, out;
};
// The slope is rounded to storage between the GELU and the product.
template <class P> constexpr double gelu_tolerance = 2 * tolerance<P>;
const Extents extents[] = {{1, 1, 1},      {3, 17, 3},    {13, 24, 100},
                           {50, 64, 48},   {97, 100, 17}, {200, 300, 290},
                           {2, 530, 1000}, {800, 33, 40}, {1025, 513, 40}};
}  // namespace

TEST_CASE_TEMPLATE("cpu/linear: forward, bias, GELU and residual agree with the definition", P,
                   Fp32, Bf16) {
  for (const Extents& e : extents) {
    const std::int64_t rows = e.rows, in = e.in, out = e.out;
    CAPTURE(rows);
    CAPTURE(in);
    CAPTURE(out);
    using T = typename P::Activation;
    const Numbers x = normal<T>(rows * in, 1), w = normal<T>(out * in, 2, 1 / std::sqrt(in)),
                  b = normal<float>(out, 3), skip = normal<T>(rows * out, 4),
                  scale = normal<float>(rows, 5);
    compare<P>([&](auto& device) {
      using D = std::remove_reference_t<decltype(device)>;
      Tensor<A<D>> tx(rows, in, x), y0(rows, out), y1(rows, out), pre(rows, out), y2(rows, out),
          y3(rows, out), y4(rows, out, skip), y5(rows, out), residual(rows, out, skip);
      Tensor<W<D>> tw(out, in, w);
      Flat<S<D>> bias(b), row_scale(scale);
      const ops::BiasOf<D> b{bias.in()};
      device.run(ops::Linear<D>{.x = tx, .w = tw, .y = y0});
      device.run(ops::Linear<D>{.x = tx, .w = tw, .bias = b, .y = y1});
      device.run(ops::LinearGelu<D>{.x = tx, .w = tw, .bias = b, .pre = pre, .y = y2});
      device.run(ops::LinearGelu<D>{.x = tx, .w = tw, .bias = b, .pre = y5, .y = y5});  // in place
      device.run(ops::LinearResidual<D>{
          .x = tx, .w = tw, .bias = b, .residual = residual, .row_scale = row_scale, .y = y3});
      device.run(  // in place
          ops::LinearResidual<D>{.x = tx, .w = tw, .bias = b, .residual = y4, .y = y4});
      return Outputs{y0.numbers(), y1.numbers(), pre.numbers(), y2.numbers(),
                     y3.numbers(), y4.numbers(), y5.numbers()};
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
    const Numbers x = normal<T>(rows * in, 1), w = normal<T>(out * in, 2, 1 / std::sqrt(out)),
                  dy = normal<T>(rows * out, 3), before = normal<T>(rows * in, 4),
                  pre = normal<T>(rows * in, 7, 2), dw = normal<float>(out * in, 5),
                  db = normal<float>(out, 6);
    compare<P>(
        [&](auto& device) {
          using D = std::remove_reference_t<decltype(device)>;
          Tensor<A<D>> tdy(rows, out, dy), dx0(rows, in), dx1(rows, in, before), dx2(rows, in),
              dx3(rows, in), before_gelu(rows, in, pre), active(rows, in), replaced(rows, in, pre);
          Tensor<W<D>> tw(out, in, w);
          device.run(ops::LinearBackwardInput<D>{.dy = tdy, .w = tw, .dx = dx0});
          device.run(
              ops::LinearBackwardInput<D>{.dy = tdy, .w = tw, .dx = dx1, .write = Write::add});
          device.run(ops::LinearBackwardGelu<D>{
              .dy = tdy, .w = tw, .pre = before_gelu, .active = active, .dx = dx2});
          device.run(ops::LinearBackwardGelu<D>{
              .dy = tdy, .w = tw, .pre = replaced, .active = replaced, .dx = dx3});
          CHECK(before_gelu.numbers() == pre);
          return Outputs{dx0.numbers(), dx1.numbers(),    dx2.numbers(),
                         dx3.numbers(), active.numbers(), replaced.numbers()};
        },
        gelu_tolerance<P>);
    compare<P>(
        [&](auto& device) {
          using D = std::remove_reference_t<decltype(device)>;
          Tensor<A<D>> tx(rows, in, x), tdy(rows, out, dy);
          Tensor<Gradient<D>> dw0(out, in, dw), dw1(out, in, dw);
          Flat<Gradient<D>> dbias(db);
          device.run(ops::LinearBackwardWeight<D>{.dy = tdy, .x = tx, .dw = dw0, .dbias = dbias});
          device.run(ops::LinearBackwardWeight<D>{.dy = tdy, .x = tx, .dw = dw1});
          return Outputs{dw0.numbers(), dw1.numbers(), dbias.numbers()};
        },
        tolerance<Fp32>);  // these are fp32, whatever they are made of
  }
}

TEST_CASE("cpu/linear: extents that do not fit are named before anything is written") {
  Cpu<Fp32> device({1, {}});
  Tensor<float> x(4, 8, Numbers(32, 1)), w(5, 7, Numbers(35, 1)), y(4, 5);
  CHECK_THROWS_WITH_AS(device.run(ops::Linear<Cpu<Fp32>>{.x = x, .w = w, .y = y}),
                       "linear: 8 columns meet 7; they must be equal.", ShapeError);
  CHECK(std::isnan(y.memory[0]));
}

TEST_CASE("cpu/linear: no rows are no work, and a weight gradient of no rows adds nothing") {
  Cpu<Fp32> device({2, {}});
  Tensor<float> x(0, 8, {}), w(5, 8, Numbers(40, 1)), y(0, 5), dw(5, 8, Numbers(40, 3));
  Flat<float> dbias(Numbers(5, 2));
  using D = Cpu<Fp32>;
  device.run(ops::Linear<D>{.x = x, .w = w, .y = y});
  device.run(ops::LinearBackwardWeight<D>{.dy = y, .x = x, .dw = dw, .dbias = dbias});
  CHECK(dw.numbers() == Numbers(40, 3));
  CHECK(dbias.numbers() == Numbers(5, 2));
}

namespace {
struct DotOfPairs {  // c[i] += a[2i] b[2i] + a[2i + 1] b[2i + 1], as a register block does it
  [[maybe_unused]] static constexpr bool wide_only = true;
  template <class Isa>
  static ARVIT_INLINE void run(const bf16* a, const bf16* b, float* c, std::int64_t words) {
    using V = cpu::Floats<Isa::width>;
    for (std::int64_t i = 0; i < words; i += V::width) {
      const V left = cpu::Pairs::along<V>(a + 2 * i, 2 * V::width),
              right = cpu::Pairs::along<V>(b + 2 * i, 2 * V::width);
      cpu::Pairs::multiply_add(left, right, V::load(c + i)).store(c + i);
    }
  }
};
struct DotOfOnePair {  // the same with one pair of a for a whole vector
  [[maybe_unused]] static constexpr bool wide_only = true;
  template <class Isa> static ARVIT_INLINE void run(const float* a, const bf16* b, float* c) {
    using V = cpu::Floats<Isa::width>;
    cpu::Pairs::multiply_add(a, cpu::Pairs::along<V>(b, 2 * V::width), V::load(c)).store(c);
  }
};
}  // namespace

/// Runs where the processor has the instruction, or the program emulates it (test linear_bf16_dot).
TEST_CASE("cpu/linear: bf16 pairs are multiplied two at a time, and products take that way") {
  if constexpr (cpu::multiplies_pairs<bf16>) {
    if (cpu::best_isa() < cpu::Isa::avx512) return;
    if (cpu::emulates_bf16_dot) REQUIRE(cpu::best_isa() == cpu::Isa::avx512_bf16);
    if (cpu::best_isa() < cpu::Isa::avx512_bf16) return;
    constexpr std::int64_t words = 64;
    Flat<bf16> a(normal<bf16>(2 * words, 1)), b(normal<bf16>(2 * words, 2));
    Flat<float> c(normal<float>(words, 3)), one(normal<float>(16, 4));
    std::vector<float> expected, expected_one;
    const auto dot = [&](std::size_t i, std::size_t j, float sum) {
      return std::fma(float(a.memory[2 * i]), float(b.memory[2 * j]),
                      std::fma(float(a.memory[2 * i + 1]), float(b.memory[2 * j + 1]), sum));
    };
    for (std::size_t i = 0; i < words; ++i) expected.push_back(dot(i, i, c.memory[i]));
    for (std::size_t i = 0; i < 16; ++i) expected_one.push_back(dot(5, i, one.memory[i]));
    float pair;
    std::memcpy(&pair, a.memory.data() + 10, sizeof pair);
    cpu::dispatch<DotOfPairs>(cpu::Isa::avx512_bf16, static_cast<const bf16*>(a.memory.data()),
                              static_cast<const bf16*>(b.memory.data()), c.memory.data(), words);
    cpu::dispatch<DotOfOnePair>(cpu::Isa::avx512_bf16, static_cast<const float*>(&pair),
                                static_cast<const bf16*>(b.memory.data()), one.memory.data());
    CHECK(c.memory == expected);
    CHECK(one.memory == expected_one);

    if (ARVIT_GEMM_LIBRARY) return;
    const auto product = [](cpu::Isa isa) {
      Cpu<Bf16> device({1, isa});
      Tensor<bf16> x(30, 50, normal<bf16>(30 * 50, 1)), dy(30, 40, normal<bf16>(30 * 40, 2));
      Tensor<float> dw(40, 50, Numbers(40 * 50, 0));
      device.run(ops::LinearBackwardWeight<Cpu<Bf16>>{.dy = dy, .x = x, .dw = dw});
      return std::pair(device.describe(), dw.numbers());
    };
    const auto wide = product(cpu::Isa::avx512), pairs = product(cpu::Isa::avx512_bf16);
    CHECK(wide.first.find("matrix products in fp32") != std::string::npos);
    CHECK(pairs.first.find("matrix products in bf16") != std::string::npos);
    CHECK(wide.second != pairs.second);  // the sums are rounded in another order
  }
}
