// SPDX-License-Identifier: BSL-1.0
#include "../../support/allocation_count.hpp"
#include "support.hpp"

using namespace arvit;
using namespace test;

TEST_CASE_TEMPLATE("cpu: an operation whose shapes were seen before allocates nothing", P, Fp32,
                   Bf16) {
  using D = Cpu<P>;
  using T = typename P::Activation;
  D device({3, {}});
  const std::int64_t rows = 300, in = 96, out = 200;
  const int heads = 4;
  Tensor<T> x(rows, in, normal<T>(rows * in, 1)), y(rows, out, normal<T>(rows * out, 2)),
      z(rows, out, normal<T>(rows * out, 3)), u(rows, in, normal<T>(rows * in, 4)),
      dx(rows, in, normal<T>(rows * in, 5)), dk = dx, dv = dx;
  Tensor<W<D>> w(out, in, normal<T>(out * in, 6));
  Tensor<float> dw(out, in, normal<float>(out * in, 7)), moments(rows, 2), lse(rows, heads),
      target(rows, out, normal<float>(rows * out, 8)), table(rows, in, normal<float>(rows * in, 9)),
      keys(7, 50, normal<float>(350, 10));
  Flat<float> wide(normal<float>(out, 11)), narrow(normal<float>(in, 12)),
      dnarrow(normal<float>(in, 13)), tall(normal<float>(rows, 14)),
      master(normal<float>(90000, 15)), moment1(Numbers(90000, 0)), moment2(Numbers(90000, 0)),
      average(normal<float>(90000, 16)), pixels(normal<float>(10 * 3 * 16 * 16, 17)),
      blurred = pixels;
  Flat<W<D>> weights(normal<T>(90000, 19));
  Flat<double> sum({0.0});
  std::vector<std::int32_t> limit, every, patch, order(350);
  for (std::int32_t r = 0; r < rows; ++r) {
    limit.push_back(r % 100);
    every.push_back(r);
    patch.push_back(r % 16);
  }
  const ImageShape shape{3, 16, 16, 4};
  Tensor<T> patches(160, 48);
  Tensor<float> targets(160, 48), codes(rows, 1, Numbers(rows, 3));
  const PatchRows<HostSpace> from{index(every).part(0, 160), index(patch)},
      positions{index(every), index(every)};
  const std::vector<Segment> segments{{0, 100, 0, 100}, {100, 200, 100, 200}, {200, 300, 200, 300}};
  const Reach<HostSpace> reads = reach(segments, limit);
  const ops::BiasOf<D> bias{wide.in()};
  const BlurTaps<float> taps{9, {1, 2, 3, 4, 5, 4, 3, 2, 1}};
  const ParameterRun run{0, 90000};
  const AdamW options;
  long counted = 0;
  for (int round = 0; round < 3; ++round) {
    const long before = allocation_count;
    device.run(ops::Linear<D>{.x = x, .w = w, .bias = bias, .y = y});
    device.run(ops::LinearGelu<D>{.x = x, .w = w, .bias = bias, .pre = y, .y = z});
    device.run(ops::LinearResidual<D>{
        .x = x, .w = w, .bias = bias, .residual = y, .row_scale = tall, .y = y});
    device.run(ops::LinearBackwardInput<D>{.dy = y, .w = w, .dx = dx, .write = Write::add});
    device.run(ops::LinearBackwardGelu<D>{.dy = y, .w = w, .pre = x, .active = u, .dx = dx});
    device.run(ops::LinearBackwardWeight<D>{.dy = y, .x = x, .dw = dw, .dbias = wide});
    device.run(ops::LayerNorm<D>{
        .x = x, .gamma = narrow, .beta = narrow, .epsilon = 1e-6, .y = u, .moments = moments});
    device.run(ops::LayerNormAgain<D>{
        .x = x, .gamma = narrow, .beta = narrow, .moments = moments, .y = u});
    device.run(ops::LayerNormBackward<D>{.dy = u,
                                         .x = x,
                                         .gamma = narrow,
                                         .moments = moments,
                                         .dx = dx,
                                         .dgamma = dnarrow,
                                         .dbeta = dnarrow});
    device.run(ops::Add<D>{.x = x, .y = u});
    device.run(ops::ScaleRows<D>{.x = x, .row_scale = tall, .y = u});
    device.run(ops::GatherRows<D>{.x = x, .index = index(every), .y = u});
    device.run(ops::ScatterAddRows<D>{.x = x, .index = index(every), .y = u});
    device.run(
        ops::PutToken<D>{.y = u, .rows = index(every), .token = narrow, .write = Write::add});
    device.run(ops::TokenGradient<D>{.dx = u, .rows = AllRows{}, .dtoken = dnarrow});
    device.run(ops::ClearRows<D>{.y = u, .index = index(every).part(0, 3)});
    device.run(ops::Fill<D>{.y = u, .value = 0.5});
    device.run(ops::Fill<D, float>{.y = dw});
    device.run(ops::Attention<D>{
        .q = x, .k = x, .v = x, .heads = heads, .reach = reads, .out = u, .lse = lse});
    device.run(ops::AttentionBackward<D>{.dout = dx,
                                         .q = x,
                                         .k = x,
                                         .v = x,
                                         .out = u,
                                         .lse = lse,
                                         .heads = heads,
                                         .reach = reads,
                                         .dq = dx,
                                         .dk = dk,
                                         .dv = dv,
                                         .write = Write::add});
    device.run(ops::EmbedPatches<D>{.images = pixels, .shape = shape, .from = from, .y = patches});
    device.run(ops::TargetPatches<D>{
        .images = pixels, .shape = shape, .from = from, .standardise = true, .y = targets});
    device.run(ops::Blur<D>{.images = pixels, .shape = shape, .taps = taps, .result = blurred});
    device.run(ops::AddPositions<D>{.x = u, .table = table, .from = positions});
    device.run(ops::Argsort<D>{.keys = keys, .order = {order.data(), 7, 50}});
    device.run(ops::Loss<L2, D>{y, target, 1.0, z, sum});
    device.run(ops::Loss<L1, D>{y, target, 1.0, z, sum});
    device.run(ops::Loss<Cosine, D>{y, target, 1.0, z, sum});
    device.run(ops::Loss<CrossEntropy, D>{y, codes, 1.0, z, sum});
    device.run(ops::Update<AdamW, D>{.rule = options,
                                     .runs = {&run, 1},
                                     .gradient = master,
                                     .master = average,
                                     .states = {moment1.out(), moment2.out()},
                                     .weights = weights});
    device.run(ops::SumOfSquares<D>{.values = master, .sum = sum});
    device.run(ops::Convert<D>{.masters = master, .weights = weights});
    counted = allocation_count - before;
  }
#if defined(ARVIT_GEMM_ONEDNN)
  const bool library_allocates = true;  // oneDNN, inside every product
#else
  const bool library_allocates = false;
#endif
  CHECK((counted > 0) == (library_allocates && allocations_are_counted));
  long* volatile probe = new long;  // the counter itself works
  const bool works = allocation_count > 0;
  delete probe;
  CHECK(works == allocations_are_counted);
}
