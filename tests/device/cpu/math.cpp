// SPDX-License-Identifier: BSL-1.0
#include "arvit/device/cpu/primitives.hpp"
#include "support.hpp"

using namespace arvit;
using namespace test;

namespace {
struct Evaluate {  // out: exp, log of the size, square root of the size, normal distribution,
                   // exp(-x^2 / 2)
  template <class Isa>
  static ARVIT_INLINE void run(const float* x, std::int64_t count, float* out) {
    using V = cpu::Floats<Isa::width>;
    cpu::each_vector<V>(count, [&](std::int64_t i, std::int64_t left) ARVIT_INLINE_LAMBDA {
      const V value = V::load(x + i, left), size = {value.raw < V{}.raw ? -value.raw : value.raw};
      cpu::exp(value).store(out + i, left);
      cpu::log(size).store(out + count + i, left);
      cpu::sqrt(size).store(out + 2 * count + i, left);
      cpu::normal(value).cdf.store(out + 3 * count + i, left);
      cpu::normal(value).bell.store(out + 4 * count + i, left);
    });
  }
};
}  // namespace

TEST_CASE(
    "cpu/math: exp, log, square root and normal distribution are within their stated errors") {
  std::vector<float> x;
  for (int i = -200000; i <= 200000; ++i) x.push_back(static_cast<float>(i) * 5e-4f + 1e-4f);
  for (int e = -120; e <= 120; ++e) x.push_back(std::ldexp(1.3f, e));
  const auto count = static_cast<std::int64_t>(x.size());
  for (const auto isa : instruction_sets()) {
    std::vector<float> out(5 * count);
    cpu::dispatch<Evaluate>(isa, static_cast<const float*>(x.data()), count, out.data());
    double exp_error = 0, log_error = 0, sqrt_error = 0, cdf_error = 0, tail_error = 0,
           bell_error = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const double value = x[i], size = std::abs(value);
      const float* const at = out.data() + i;
      if (value > -87 && value < 88.7)
        exp_error = std::max(exp_error, std::abs(at[0] / std::exp(value) - 1));
      log_error = std::max(log_error,
                           std::abs(at[count] - std::log(size)) / (1 + std::abs(std::log(size))));
      sqrt_error = std::max(sqrt_error, std::abs(at[2 * count] / std::sqrt(size) - 1));
      const double cdf = 0.5 * std::erfc(-value / std::sqrt(2.0));
      cdf_error = std::max(cdf_error, std::abs(at[3 * count] - cdf));
      if (value > -12 && value < 0)
        tail_error = std::max(tail_error, std::abs(at[3 * count] / cdf - 1) / (1 + value * value));
      bell_error = std::max(bell_error, std::abs(at[4 * count] - std::exp(-0.5 * value * value)));
    }
    INFO(std::string(cpu::isa_name(isa)));
    CHECK(exp_error < 2e-7);
    CHECK(log_error < 1e-7);
    CHECK(sqrt_error < 1.3e-7);
    CHECK(cdf_error < 1e-7);
    CHECK(tail_error < 1e-6);
    CHECK(bell_error < 2e-7);
    const float edge[16] = {-200,
                            200,
                            -std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN(),
                            88.7f,
                            0};
    float result[80];
    cpu::dispatch<Evaluate>(isa, static_cast<const float*>(edge), std::int64_t{16},
                            static_cast<float*>(result));
    CHECK(result[0] == 0);
    CHECK(std::isinf(result[1]));
    CHECK(result[2] == 0);
    CHECK(std::isinf(result[3]));
    CHECK(std::isnan(result[4]));
    CHECK(result[5] == doctest::Approx(std::exp(88.7f)).epsilon(1e-5));
    CHECK(result[6] == 1);
    CHECK(result[2 * 16 + 6] == 0);  // square root of zero
    CHECK(result[3 * 16 + 2] == 0);
    CHECK(result[3 * 16 + 3] == 1);
    CHECK(std::isnan(result[3 * 16 + 4]));
    CHECK(result[3 * 16 + 6] == 0.5f);
  }
}

TEST_CASE("cpu/simd: bf16 is rounded as the scalar type rounds, special values included") {
  std::vector<float> x;
  for (std::uint64_t i = 0; i < 70000; ++i)
    x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(i * 61357)));
  x.insert(x.end(), {std::numeric_limits<float>::infinity(),
                     -std::numeric_limits<float>::infinity(), 0.f, -0.f, 3.4e38f});
  for (const auto isa : instruction_sets()) {
    cpu::Context context(1, isa);
    std::vector<bf16> y(x.size());
    cpu::convert(context, Span<const float>(x.data(), static_cast<std::int64_t>(x.size())),
                 Span<bf16>(y.data(), static_cast<std::int64_t>(y.size())));
    std::size_t different = 0;
    for (std::size_t i = 0; i < x.size(); ++i) different += y[i].bits != bf16(x[i]).bits;
    CHECK(different == 0);
  }
}

TEST_CASE("cpu/simd: the environment chooses the instruction set, and nothing else is accepted") {
  setenv("ARVIT_ISA", "baseline", 1);
  CHECK(cpu::choose_isa() == cpu::Isa::baseline);
  CHECK(Cpu<Fp32>({1, {}}).describe().find("CPU, 1 thread, baseline, fp32") == 0);
  setenv("ARVIT_ISA", "neon", 1);
  CHECK_THROWS_WITH_AS(
      cpu::choose_isa(),
      "ARVIT_ISA=neon is not known; use baseline, avx2, avx512 or avx512_bf16, or unset it.",
      OptionError);
  unsetenv("ARVIT_ISA");
  CHECK(cpu::choose_isa() == cpu::best_isa());
}
