// SPDX-License-Identifier: BSL-1.0
#include "../../support/allocation_count.hpp"
#include "support.hpp"

using namespace arvit;
using namespace test;

TEST_CASE_TEMPLATE("cpu: a primitive whose shapes were seen before allocates nothing", P, Fp32,
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
      blurred = pixels, kernel(normal<float>(9, 18));
  Flat<W<D>> weights(normal<T>(90000, 19));
  Flat<double> sum({0.0});
  std::vector<std::int32_t> limit, every, patch, order(350);
  for (std::int32_t r = 0; r < rows; ++r)
    limit.push_back(r % 100), every.push_back(r), patch.push_back(r % 16);
  const ImageShape shape{3, 16, 16, 4};
  Tensor<T> patches(160, 48);
  Tensor<float> targets(160, 48), codes(rows, 1, Numbers(rows, 3));
  const PatchRows<HostSpace> from{index(every).part(0, 160), index(patch)},
      positions{index(every), index(every)};
  const Segment segments[] = {{0, 100, 0, 100}, {100, 200, 100, 200}, {200, 300, 200, 300}};
  const ParameterRun run{0, 90000};
  const AdamW options;
  long counted = 0;
  for (int round = 0; round < 3; ++round) {
    const long before = allocation_count;
    device.linear(x, w, wide, y);
    device.linear_gelu(x, w, wide, y, z);
    device.linear_residual(x, w, wide, y, tall, y);
    device.linear_backward_input(y, w, dx, Write::add);
    device.linear_backward_scaled(y, w, x, dx);
    device.linear_backward_weight(y, x, dw, wide);
    device.gelu(x, u, u);
    device.layer_norm(x, narrow, narrow, 1e-6, u, moments);
    device.layer_norm_again(x, narrow, narrow, moments, u);
    device.layer_norm_backward(u, x, narrow, moments, dx, Write::assign, dnarrow, dnarrow);
    device.add(x, u);
    device.scale_rows(x, tall, u);
    device.gather_rows(x, index(every), u);
    device.scatter_add_rows(x, index(every), u);
    device.put_token(u, index(every), narrow, Write::add);
    device.token_gradient(u, {}, dnarrow);
    device.clear_rows(u, index(every).part(0, 3));
    device.fill(u, 0.5);
    device.attention(x, x, x, heads, {segments, 3}, index(limit), u, lse);
    device.attention_backward(dx, x, x, x, u, lse, heads, {segments, 3}, index(limit), dx, dk, dv,
                              Write::add);
    device.embed_patches(pixels, shape, from, patches);
    device.target_patches(pixels, shape, from, true, targets);
    device.blur(pixels, shape, kernel, blurred);
    device.add_positions(u, table, positions);
    device.argsort(keys, Matrix<std::int32_t>(order.data(), 7, 50));
    device.squared_error(y, target, 1.0, z, sum);
    device.absolute_error(y, target, 1.0, z, sum);
    device.cosine_distance(y, target, 1.0, z, sum);
    device.cross_entropy(y, codes, 1.0, z, sum);
    device.adamw(options, {&run, 1}, master, 1.0, average, moment1, moment2,
                 blurred.out().part(0, 0), 0.9, weights);
    device.sum_of_squares(master, sum);
    device.convert(master, weights);
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
