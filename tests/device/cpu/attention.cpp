// SPDX-License-Identifier: BSL-1.0
#include "support.hpp"

using namespace arvit;
using namespace test;

namespace {
struct Case {
  int heads, width;
  std::vector<Segment> segments;
  std::int64_t queries, keys;
  enum { random, none, all, prefix } limits;
};
std::vector<std::int32_t> limits_of(const Case& c, std::uint64_t seed) {
  std::vector<std::int32_t> limit(static_cast<std::size_t>(c.queries), 0);
  Stream stream({seed, 0, 0, Purpose::user});
  for (const Segment s : c.segments)
    for (int i = s.q_begin; i < s.q_end; ++i) {
      const int keys = s.k_end - s.k_begin;
      limit[static_cast<std::size_t>(i)] =
          c.limits == Case::none  ? 0
          : c.limits == Case::all ? keys
          : c.limits == Case::prefix
              ? std::min(keys, (i - s.q_begin) / 3 * 3)  // ties, and empty rows first
              : static_cast<int>(stream.below(static_cast<std::uint32_t>(keys) + 1));
    }
  return limit;
}
const Case cases[] = {
    {1, 1, {{0, 3, 0, 3}}, 3, 3, Case::random},
    {2, 3, {{0, 5, 0, 7}, {5, 22, 7, 24}}, 22, 24, Case::random},
    {3, 24, {{0, 50, 0, 50}, {50, 63, 50, 63}, {63, 63, 63, 70}}, 63, 70, Case::prefix},
    {2, 32, {{0, 50, 0, 50}, {50, 100, 50, 100}}, 100, 100, Case::all},
    {2, 64, {{0, 100, 0, 197}}, 100, 197, Case::random},
    {1, 80, {{0, 49, 0, 61}}, 49, 61, Case::prefix},
    {4, 16, {{0, 17, 3, 20}, {17, 30, 25, 40}}, 33, 45, Case::random},  // gaps between keys, rows
                                                                        // in no segment
    {2,
     16,
     {{0, 20, 0, 30}, {20, 40, 10, 35}, {40, 47, 0, 9}},
     47,
     36,
     Case::random},                                          // segments share keys
    {2, 17, {{4, 8, 5, 9}, {0, 4, 0, 5}}, 8, 9, Case::all},  // segments out of order
    {1, 100, {{0, 30, 0, 30}}, 30, 30, Case::none},
};
}  // namespace

TEST_CASE_TEMPLATE("cpu/attention: output, log sum and gradients agree with the definition", P,
                   Fp32, Bf16) {
  using T = typename P::Activation;
  for (const Case& c : cases)
    for (const Write write : {Write::assign, Write::add}) {
      const std::int64_t width = c.heads * c.width;
      INFO("head width ", c.width, ", ", c.queries, " queries, ", c.keys, " keys, ",
           write == Write::add ? "add" : "assign");
      const Numbers q = normal<T>(c.queries * width, 1), k = normal<T>(c.keys * width, 2),
                    v = normal<T>(c.keys * width, 3), dout = normal<T>(c.queries * width, 4),
                    start = normal<T>(c.keys * width, 5), saved = normal<T>(c.queries * width, 6);
      const std::vector<std::int32_t> limit = limits_of(c, 7);
      const auto poisoned = write == Write::add ? start : Numbers(start.size(), poison);
      const auto forward = [&](auto& device) {
        using D = std::remove_reference_t<decltype(device)>;
        Tensor<A<D>> tq(c.queries, width, q, 11), tk(c.keys, width, k, 7), tv(c.keys, width, v, 3),
            out(c.queries, width);
        Tensor<S<D>> lse(c.queries, c.heads);
        device.attention(tq, tk, tv, c.heads,
                         {c.segments.data(), static_cast<std::int64_t>(c.segments.size())},
                         index(limit), out, lse);
        return Outputs{out.numbers(), lse.numbers()};
      };
      compare<P>(forward);
      // The backward pass gets the same rounded output and log sums on every device.
      Reference<double> reference;
      const Outputs known = forward(reference);
      compare<P>(
          [&](auto& device) {
            using D = std::remove_reference_t<decltype(device)>;
            Tensor<A<D>> tq(c.queries, width, q, 11), tk(c.keys, width, k, 7),
                tv(c.keys, width, v, 3), out(c.queries, width, known[0]),
                tdout(c.queries, width, dout);
            Tensor<A<D>> dq(c.queries, width), dk(c.keys, width, poisoned),
                dv(c.keys, width, poisoned);
            Tensor<S<D>> lse(c.queries, c.heads, known[1]);
            device.attention_backward(
                tdout, tq, tk, tv, out, lse, c.heads,
                {c.segments.data(), static_cast<std::int64_t>(c.segments.size())}, index(limit), dq,
                dk, dv, write);
            return Outputs{dq.numbers(), dk.numbers(), dv.numbers()};
          },
          3 * tolerance<P>);
    }
}

TEST_CASE("cpu/attention: large scores neither overflow nor vanish") {
  const Numbers q = normal<float>(40 * 8, 1, 60), k = normal<float>(40 * 8, 2, 60),
                v = normal<float>(40 * 8, 3);
  const std::vector<std::int32_t> limit(40, 40);
  const Segment segment{0, 40, 0, 40};
  compare<Fp32>(
      [&](auto& device) {
        using D = std::remove_reference_t<decltype(device)>;
        Tensor<A<D>> tq(40, 8, q), tk(40, 8, k), tv(40, 8, v), out(40, 8);
        Tensor<S<D>> lse(40, 1);
        device.attention(tq, tk, tv, 1, {&segment, 1}, index(limit), out, lse);
        return Outputs{out.numbers(), lse.numbers()};
      },
      1e-3);  // scores of 10^4: their own rounding is 10^-3
}

TEST_CASE("cpu/attention: wrong segments and limits are named") {
  Cpu<Fp32> device({1, {}});
  Tensor<float> x(4, 6, Numbers(24, 1)), out(4, 6), lse(4, 2);
  const std::vector<std::int32_t> limit{1, 2, 3, 5};
  const Segment inside{0, 4, 0, 4}, outside{0, 4, 0, 5};
  CHECK_THROWS_WITH_AS(device.attention(x, x, x, 2, {&inside, 1}, index(limit), out, lse),
                       "attention: query 3 may read 5 keys, its segment has 4.", ShapeError);
  CHECK_THROWS_WITH_AS(
      device.attention(x, x, x, 2, {&outside, 1}, index(limit), out, lse),
      "attention: segment of queries 0..4 and keys 0..5 lies outside 4 queries and 4 keys.",
      ShapeError);
  CHECK_THROWS_AS(device.attention(x, x, x, 4, {&inside, 1}, index(limit), out, lse), ShapeError);
}
