// SPDX-License-Identifier: BSL-1.0
#include "arvit/nn/encoder_block.hpp"

#include "support/gradient_check.hpp"
#include "support/made_rows.hpp"

namespace arvit::test {
namespace {

using D = Reference<double>;
using Layer = EncoderBlock<Block<8, 2, 2, false, DefaultEpsilon, true>>;  // queries, keys turn

/// A layer that is also read inside, as decoders do: its keys and values are outputs.
void check_block(bool keys_values_only, const std::vector<double>& attention = {},
                 const std::vector<double>& mlp = {}) {
  const MadeRows rows = two_images();
  const MadeReach reach = two_images_reach();
  const std::vector<double> turns = rotary_turns<double>(2, 3, 4);
  GradientCheck check;
  const auto& c = check.context();
  const auto w = check.parameters<Layer::Shared>();
  const auto x = check.input<8>("x", rows.rows(), keys_values_only ? Write::add : Write::assign);
  const auto y = check.output<8>("y", keys_values_only ? 0 : rows.rows());
  const auto kv = check.output<16>("keys and values", rows.rows());
  if (keys_values_only)
    for (const char* prefix : {"attn.proj.", "norm2.", "mlp."}) check.without_part(prefix);
  const Layer::Input<D> in{
      x, reach, {{turns.data(), 6, 4}, rows}, {attention, mlp}, keys_values_only};
  Layer::Saved<D> saved(c, rows.rows(), keys_values_only);
  const auto dqkv = check.context().arena.rows<double, 24, HostSpace>(rows.rows());
  check.run(
      [&] {
        Layer::forward(c, w.weights, in, saved, y);
        for (std::int64_t r = 0; r < rows.rows(); ++r) std::copy_n(saved.qkv[r] + 8, 16, kv[r]);
      },
      [&] {
        std::copy_n(y.gradient.data(), y.rows() * 8, x.gradient.data());
        for (std::int64_t r = 0; r < rows.rows(); ++r) std::copy_n(kv.gradient[r], 16, dqkv[r] + 8);
        Layer::backward(c, w, in, saved, {x.gradient, dqkv, Write::add});
      },
      [&] { Layer::again(c, w.weights, in, saved); });
}

}  // namespace

TEST_CASE("nn/encoder_block: gradients") { check_block(false); }
TEST_CASE("nn/encoder_block: gradients with drop path") {
  check_block(false, {2, 2, 2, 2, 0, 0, 0}, {0, 0, 0, 0, 2, 2, 2});
}
TEST_CASE("nn/encoder_block: gradients of keys and values alone") { check_block(true); }

TEST_CASE("nn/encoder_block: infer gives what forward gives") {
  const MadeRows rows = two_images();
  const MadeReach reach = two_images_reach();
  const std::vector<double> turns = rotary_turns<double>(2, 3, 4);
  for (const bool keep_qkv : {false, true}) {
    GradientCheck check;
    const auto& c = check.context();
    const auto w = check.parameters<Layer::Shared>();
    const auto x = check.input<8>("x", rows.rows());
    const auto y = check.output<8>("y", rows.rows());
    Layer::Saved<D> saved(c, rows.rows(), false);
    const Layer::Input<D> in{x, reach, {{turns.data(), 6, 4}, rows}};
    Layer::forward(c, w.weights, in, saved, y);
    Layer::infer(c, w.weights, in, x, Layer::Passing<D>(c, rows.rows(), keep_qkv));
    CHECK(std::equal(y.data(), y.data() + rows.rows() * 8, x.data()));
  }
}

}  // namespace arvit::test
