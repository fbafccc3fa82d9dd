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
  std::vector<std::int32_t> limit(c.queries, 0);
  Stream stream({seed, 0, 0, Purpose::user});
  for (const Segment s : c.segments)
    for (int i = s.q_begin; i < s.q_end; ++i) {
      const int keys = s.k_end - s.k_begin;
      limit[i] = c.limits == Case::none  ? 0
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
        device.run(ops::Attention<D>{.q = tq,
                                     .k = tk,
                                     .v = tv,
                                     .heads = c.heads,
                                     .reach = reach(c.segments, limit),
                                     .out = out,
                                     .lse = lse});
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
            device.run(ops::AttentionBackward<D>{.dout = tdout,
                                                 .q = tq,
                                                 .k = tk,
                                                 .v = tv,
                                                 .out = out,
                                                 .lse = lse,
                                                 .heads = c.heads,
                                                 .reach = reach(c.segments, limit),
                                                 .dq = dq,
                                                 .dk = dk,
                                                 .dv = dv,
                                                 .write = write});
            return Outputs{dq.numbers(), dk.numbers(), dv.numbers()};
          },
          3 * tolerance<P>);
    }
}

TEST_CASE("cpu/attention: large scores neither overflow nor vanish") {
  const Numbers q = normal<float>(40 * 8, 1, 60), k = normal<float>(40 * 8, 2, 60),
                v = normal<float>(40 * 8, 3);
  const std::vector<std::int32_t> limit(40, 40);
  const std::vector<Segment> segments{{0, 40, 0, 40}};
  compare<Fp32>(
      [&](auto& device) {
        using D = std::remove_reference_t<decltype(device)>;
        Tensor<A<D>> tq(40, 8, q), tk(40, 8, k), tv(40, 8, v), out(40, 8);
        Tensor<S<D>> lse(40, 1);
        device.run(ops::Attention<D>{.q = tq,
                                     .k = tk,
                                     .v = tv,
                                     .heads = 1,
                                     .reach = reach(segments, limit),
                                     .out = out,
                                     .lse = lse});
        return Outputs{out.numbers(), lse.numbers()};
      },
      1e-3);  // scores of 10^4: their own rounding is 10^-3
}

TEST_CASE_TEMPLATE("cpu/attention: keys that several segments read", P, Fp32, Bf16) {
  const std::vector<Segment> segments{{0, 20, 0, 30}, {20, 40, 10, 35}, {40, 47, 0, 9}};
  using T = typename P::Activation;
  const Numbers q = normal<T>(47 * 32, 1), k = normal<T>(36 * 32, 2), v = normal<T>(36 * 32, 3);
  const std::vector<std::int32_t> limit(47, 9);
  compare<P>([&](auto& device) {
    using D = std::remove_reference_t<decltype(device)>;
    Tensor<A<D>> tq(47, 32, q), tk(36, 32, k), tv(36, 32, v), out(47, 32);
    Tensor<S<D>> lse(47, 2);
    device.run(ops::Attention<D>{.q = tq,
                                 .k = tk,
                                 .v = tv,
                                 .heads = 2,
                                 .reach = reach(segments, limit),
                                 .out = out,
                                 .lse = lse});
    return Outputs{out.numbers(), lse.numbers()};
  });
}

TEST_CASE("cpu/attention: wrong segments and limits are named") {
  Cpu<Fp32> device({1, {}});
  using D = Cpu<Fp32>;
  Tensor<float> x(4, 6, Numbers(24, 1)), out(4, 6), lse(4, 2);
  const std::vector<std::int32_t> limit{1, 2, 3, 5}, low{1, 2, 3, 4};
  const std::vector<Segment> inside{{0, 4, 0, 4}}, outside{{0, 4, 0, 5}};
  const std::vector<Segment> shared{{0, 2, 0, 4}, {2, 4, 0, 4}};
  const auto forward = [&](int heads, const Reach<HostSpace>& reach) {
    device.run(ops::Attention<D>{
        .q = x, .k = x, .v = x, .heads = heads, .reach = reach, .out = out, .lse = lse});
  };
  CHECK_THROWS_WITH_AS(forward(2, reach(inside, limit)),
                       "attention: query 3 may read 5 keys, its segment has 4.", ShapeError);
  CHECK_THROWS_WITH_AS(
      forward(2, reach(outside, limit)),
      "attention: segment of queries 0..4 and keys 0..5 lies outside 4 queries and 4 keys.",
      ShapeError);
  CHECK_THROWS_AS(forward(4, reach(inside, limit)), ShapeError);
  Reach<HostSpace> short_of = reach(inside, low);
  short_of.extents.longest_keys = 3;
  CHECK_THROWS_WITH_AS(forward(2, short_of),
                       "attention: a segment has 4 queries or 4 keys, the call was announced with "
                       "4 and 3; keep the extents with ReachExtents::add.",
                       ShapeError);
  CHECK_THROWS_WITH_AS(device.run(ops::AttentionBackward<D>{.dout = x,
                                                            .q = x,
                                                            .k = x,
                                                            .v = x,
                                                            .out = out,
                                                            .lse = lse,
                                                            .heads = 2,
                                                            .reach = reach(shared, low),
                                                            .dq = x,
                                                            .dk = x,
                                                            .dv = x}),
                       "attention_backward: a segment's keys begin at 0, inside or before those of "
                       "another, which end at 4; key ranges must ascend and not overlap.",
                       ShapeError);
}
