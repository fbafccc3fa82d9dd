// SPDX-License-Identifier: BSL-1.0
// The dense models are the oracle of the rank engine, so they answer to something more primitive:
// finite differences, numbers worked by hand, and what each method's definition says must not
// matter.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "../support/dense.hpp"
#include "../support/fill.hpp"

namespace {

using namespace arvit;
using dense::Problem, dense::Result;

using Run = std::function<Result(const Problem&)>;

const std::vector<std::vector<int>> permutations = {{3, 1, 6, 2, 5, 4}, {1, 2, 3, 4, 5, 6}},
                                    ties = {{0, 2, 1, 2, 3, 1}, {2, 1, 0, 1, 1, 2}};

/// Two images of 2 x 3 patches of 2 x 2 pixels.
Problem small_problem(std::vector<std::vector<int>> ranks, int depth) {
  Problem p;
  p.height = 4;
  p.width = 6;
  p.patch = 2;
  p.dim = 8;
  p.depth = depth;
  p.heads = 2;
  p.images_count = static_cast<int>(ranks.size());
  p.images = test::hashed_images(ranks.size() * 3 * 4 * 6);
  p.ranks = std::move(ranks);
  return p;
}

void add(Problem& p, const std::string& name, std::vector<std::int64_t> shape) {
  std::size_t size = 1;
  for (const std::int64_t extent : shape) size *= extent;
  test::fill_parameter<double>(name, shape, p.parameters[name] = std::vector<double>(size));
}
void add_linear(Problem& p, const std::string& name, std::int64_t in, std::int64_t out) {
  add(p, name + ".weight", {out, in});
  add(p, name + ".bias", {out});
}
void add_norm(Problem& p, const std::string& name, std::int64_t dim) {
  add(p, name + ".weight", {dim});
  add(p, name + ".bias", {dim});
}
void add_mlp(Problem& p, const std::string& name, std::int64_t in, std::int64_t out) {
  add_linear(p, name + ".fc1", in, p.mlp_ratio * in);
  add_linear(p, name + ".fc2", p.mlp_ratio * in, out);
}
void add_block(Problem& p, const std::string& name, std::int64_t dim) {
  add_norm(p, name + ".norm1", dim);
  add_linear(p, name + ".attn.qkv", dim, 3 * dim);
  add_linear(p, name + ".attn.proj", dim, dim);
  add_norm(p, name + ".norm2", dim);
  add_mlp(p, name + ".mlp", dim, dim);
}
void add_encoder(Problem& p) {
  add(p, "cls_token", {1, 1, p.dim});
  add(p, "patch_embed.proj.weight", {p.dim, 3, p.patch, p.patch});
  add(p, "patch_embed.proj.bias", {p.dim});
  for (int i = 0; i < p.depth; ++i) add_block(p, text("blocks.", i), p.dim);
}

Problem parallel_problem(std::vector<std::vector<int>> ranks, int depth, int decoder_depth) {
  Problem p = small_problem(std::move(ranks), depth);
  p.target = dense::TargetKind::gaussian;
  const double side = std::exp(-0.5), sum = 1 + 2 * side;  // deviation 1
  p.kernel = {side / sum, 1 / sum, side / sum};
  add_encoder(p);
  add_norm(p, "norm", p.dim);
  for (int i = 0; i < decoder_depth; ++i) add_block(p, text("decoder_blocks.", i), p.dim);
  add_mlp(p, "decoder_pred", p.dim, p.patch_width());
  return p;
}

Problem joint_problem() {
  Problem p = small_problem({{0, 1, 0, 1, 1, 1}, {1, 1, 1, 0, 0, 1}}, 2);
  add_encoder(p);
  add_norm(p, "norm", p.dim);
  add_linear(p, "decoder_embed", p.dim, 4);
  add(p, "mask_token", {1, 1, 4});
  for (int i = 0; i < 2; ++i) add_block(p, text("decoder_blocks.", i), 4);
  add_norm(p, "decoder_norm", 4);
  add_linear(p, "decoder_pred", 4, p.patch_width());
  return p;
}

Problem two_stream_problem() {
  Problem p = small_problem({{0, 2, 1, 1, 3, 0}, {2, 1, 2, 3, 1, 4}}, 3);
  p.mlp_head = false;
  add_encoder(p);
  add_norm(p, "norm", p.dim);
  add(p, "query_token", {1, 1, p.dim});
  add_linear(p, "decoder_pred", p.dim, p.patch_width());
  return p;
}
Result run_two_stream(const Problem& p) { return dense::two_stream(p, false); }

Problem in_place_problem() {
  Problem p = small_problem({{0, 1, 0, 1, 1, 1}, {1, 1, 1, 0, 0, 1}}, 2);
  add_encoder(p);
  add_norm(p, "norm", p.dim);
  add(p, "mask_token", {1, 1, p.dim});
  add_mlp(p, "decoder_pred", p.dim, p.patch_width());
  return p;
}

Problem twin_problem() {
  Problem p = small_problem({{3, 1, 2, 1, 3, 2}, {1, 2, 2, 1, 4, 3}}, 3);
  add_encoder(p);
  for (const std::string branch : {"gen", "dis"}) {
    add_norm(p, branch + "_norm", p.dim);
    add_linear(p, branch + "_bridge", 2 * p.dim, 2 * 4);
    add(p, branch + "_token", {1, 1, 4});
    for (int i = 0; i < 2; ++i) {
      const std::string name = text(branch, "_blocks.", i);
      for (const char* norm : {".norm1", ".norm2", ".norm_kv", ".norm3"})
        add_norm(p, name + norm, 4);
      for (const char* attention : {".attn", ".cross"}) {
        add_linear(p, name + attention + ".qkv", 4, 12);
        add_linear(p, name + attention + ".proj", 4, 4);
      }
      add_mlp(p, name + ".mlp", 4, 4);
    }
    add_norm(p, branch + "_head_norm", 4);
    add_linear(p, branch + "_pred", 4, p.patch_width());
  }
  return p;
}
Result run_twin(const Problem& p) { return dense::twin(p, 4, 2, 2, {1, 3}); }

double largest(const std::vector<double>& values) {
  double result = 0;
  for (const double v : values) result = std::max(result, std::abs(v));
  return result;
}

/// Five-point differences along one dense direction and along one single entry of every parameter.
/// A wrong entry anywhere in a tensor shows in the dense direction.
void check_gradients(Problem p, const Run& run) {
  const Result expected = run(p);
  double scale = 0;
  for (const auto& [name, gradient] : expected.gradients)
    scale = std::max(scale, largest(gradient));
  REQUIRE(expected.gradients.size() == p.parameters.size());
  REQUIRE(scale > 1e-3);
  for (auto& entry : p.parameters) {
    const std::string& name = entry.first;
    std::vector<double>& values = entry.second;
    const std::vector<double> start = values, &gradient = expected.gradients.at(name);
    for (int trial = 0; trial < 2; ++trial) {
      std::vector<double> direction(start.size());
      if (trial == 0) {
        for (std::size_t j = 0; j < start.size(); ++j)
          direction[j] = (test::hashed("direction", j) - 0.5) * 2 / std::sqrt(start.size());
      } else {
        const double place = test::hashed(name, 1000) * static_cast<double>(start.size());
        direction[static_cast<std::size_t>(place)] = 1;
      }
      const auto loss_at = [&](double step) {
        for (std::size_t j = 0; j < start.size(); ++j) values[j] = start[j] + step * direction[j];
        return run(p).loss;
      };
      const double h = 2e-4;
      const double difference = (8 * (loss_at(h) - loss_at(-h)) -
                                 (loss_at(2 * h) - loss_at(-2 * h))) /
                                (12 * h);
      double slope = 0;
      for (std::size_t j = 0; j < start.size(); ++j) slope += gradient[j] * direction[j];
      CAPTURE(name);
      CAPTURE(trial);
      CAPTURE(slope);
      CHECK(std::abs(difference - slope) <= 1e-7 * std::max(largest(gradient), 1e-2 * scale));
    }
    values = start;
  }
}

/// Changes the pixels of one patch of one image after the other and compares every prediction of
/// that image with `reads(row, patch, image, matrix)`: whether that row of the image's matrix may
/// depend on that patch.
void check_dependence(const Problem& p, const Run& run,
                      const std::function<bool(int, int, int, int)>& reads) {
  const Result before = run(p);
  const int columns = p.width / p.patch,
            matrices = static_cast<int>(before.predictions.size()) / p.images_count;
  for (int image = 0; image < p.images_count; ++image)
    for (int patch = 0; patch < p.patches(); ++patch) {
      Problem changed = p;
      for (int channel = 0; channel < 3; ++channel)
        changed.images[((image * 3 + channel) * p.height + patch / columns * p.patch) * p.width +
                       patch % columns * p.patch] += 1 + channel;
      const Result after = run(changed);
      for (int m = 0; m < static_cast<int>(before.predictions.size()); ++m)
        for (int row = 0; row < before.predictions[m].rows; ++row) {
          double change = 0;
          for (int c = 0; c < p.patch_width(); ++c)
            change = std::max(
                change, std::abs(before.predictions[m](row, c) - after.predictions[m](row, c)));
          INFO("image ", image, ", patch ", patch, ", matrix ", m, ", row ", row);
          CHECK((change > 1e-9) ==
                (m / matrices == image && reads(row, patch, image, m % matrices)));
        }
    }
}

}  // namespace

TEST_CASE("dense: losses agree with PyTorch") {  // tests/reference/dense_oracle.py prints these
  const auto parallel_loss = [](int depth, int decoder_depth, bool reads_previous, bool shared) {
    const Problem p = parallel_problem(permutations, depth, shared ? 0 : decoder_depth);
    return dense::parallel(p, decoder_depth, reads_previous, shared).loss;
  };
  const auto equal = [](double loss) { return doctest::Approx(loss).epsilon(1e-13); };
  CHECK(parallel_loss(3, 2, false, false) == equal(1.2204122529493633));
  CHECK(parallel_loss(3, 2, true, false) == equal(1.243598891137132));
  CHECK(parallel_loss(2, 2, false, true) == equal(1.0449526042965274));
  CHECK(dense::causal(parallel_problem(permutations, 2, 0)).loss == equal(1.1387627520380819));
  CHECK(dense::joint(joint_problem(), 4, 2, 2).loss == equal(1.3122995829975308));
  CHECK(dense::two_stream(two_stream_problem(), false).loss == equal(1.8619490094437965));
  CHECK(dense::two_stream(two_stream_problem(), true).loss == equal(1.6157940738881402));
  CHECK(dense::in_place(in_place_problem()).loss == equal(0.966942198160865));
  CHECK(run_twin(twin_problem()).loss == equal(2.919873903517317));
}

TEST_CASE("dense::parallel: gradients agree with finite differences") {
  SUBCASE("outputs") {
    check_gradients(parallel_problem(permutations, 3, 2),
                    [](const Problem& p) { return dense::parallel(p, 2, false, false); });
  }
  SUBCASE("inputs, ties") {
    check_gradients(parallel_problem(ties, 2, 2),
                    [](const Problem& p) { return dense::parallel(p, 2, true, false); });
  }
  SUBCASE("shared") {
    check_gradients(parallel_problem(ties, 2, 0),
                    [](const Problem& p) { return dense::parallel(p, 2, false, true); });
  }
  SUBCASE("no class token: rank 1 reads nothing") {
    Problem p = parallel_problem(permutations, 2, 1);
    p.class_token = p.standardise = false;
    check_gradients(p, [](const Problem& p) { return dense::parallel(p, 1, false, false); });
  }
}

TEST_CASE("dense::causal: gradients agree with finite differences") {
  check_gradients(parallel_problem(permutations, 2, 0), dense::causal);
}
TEST_CASE("dense::joint: gradients agree with finite differences") {
  check_gradients(joint_problem(), [](const Problem& p) { return dense::joint(p, 4, 2, 2); });
}
TEST_CASE("dense::two_stream: gradients agree with finite differences") {
  check_gradients(two_stream_problem(), run_two_stream);
}
TEST_CASE("dense::in_place: gradients agree with finite differences") {
  check_gradients(in_place_problem(), dense::in_place);
}
TEST_CASE("dense::twin: gradients agree with finite differences") {
  check_gradients(twin_problem(), run_twin);
}

TEST_CASE("dense: a prediction depends on exactly the patches that the rank law shows to it") {
  const auto check_strict = [](const Problem& p, const Run& run) {
    check_dependence(p, run, [&](int row, int patch, int image, int) {
      const int reader = p.ranks[image][row];
      return reader > 0 && p.ranks[image][patch] < reader;
    });
  };
  check_strict(parallel_problem(ties, 2, 2),
               [](const Problem& p) { return dense::parallel(p, 2, false, false); });
  check_strict(parallel_problem(ties, 2, 2),
               [](const Problem& p) { return dense::parallel(p, 2, true, false); });
  check_strict(parallel_problem(permutations, 2, 0), dense::causal);
  check_strict(joint_problem(), [](const Problem& p) { return dense::joint(p, 4, 2, 2); });
  check_strict(two_stream_problem(), run_two_stream);
  check_strict(in_place_problem(), dense::in_place);
}

TEST_CASE(
    "dense::twin: gen reads what comes before it, dis up to itself, the class queries what the "
    "last group sees") {
  const Problem p = twin_problem();
  check_dependence(p, run_twin, [&](int row, int patch, int image, int dis) {
    const int highest = *std::max_element(p.ranks[image].begin(), p.ranks[image].end()),
              read = p.ranks[image][patch];
    if (row == p.patches()) return read < highest;
    const int reader = p.ranks[image][row];  // rows of ranks without a query are zero
    return dis ? reader < highest && read <= reader : reader > 1 && read < reader;
  });
}

TEST_CASE("dense: the loss is the mean over all loss tokens of the batch") {
  Problem p = parallel_problem({{0, 2, 1, 2, 3, 1}, {2, 1, 0, 0, 0, 2}}, 1, 1);
  for (auto& [name, values] : p.parameters)
    if (name.starts_with("decoder_pred.fc2")) values.assign(values.size(), 0.0);
  p.target = dense::TargetKind::pixel;
  p.standardise = false;
  double squares = 0, absolutes = 0;  // by hand: every patch of rank 1 or more of both images
  for (int image = 0; image < 2; ++image)
    for (int y = 0; y < 4; ++y)
      for (int x = 0; x < 6; ++x)
        for (int channel = 0; channel < 3; ++channel)
          if (p.ranks[image][y / 2 * 3 + x / 2] > 0) {
            const double value = p.images[((image * 3 + channel) * 4 + y) * 6 + x];
            squares += value * value / (8 * 12);
            absolutes += std::abs(value) / (8 * 12);
          }
  CHECK(dense::parallel(p, 1, false, false).loss == doctest::Approx(squares).epsilon(1e-12));
  p.l1 = true;
  CHECK(dense::parallel(p, 1, false, false).loss == doctest::Approx(absolutes).epsilon(1e-12));
}

TEST_CASE("Tape: absolute error has the sign as its slope") {
  dense::Tape tape;
  dense::Matrix x(1, 3), target(1, 3);
  x.values = {1, -2, 5};
  target.values = {3, -4, 5};
  const auto leaf = tape.leaf(x);
  const auto loss = tape.absolute_error(leaf, target, 2);
  tape.backward(loss);
  CHECK(tape.value(loss)(0, 0) == 2);
  CHECK(tape.gradient(leaf).values == std::vector<double>{-0.5, 0.5, 0});
}

TEST_CASE("Tape: extents that do not fit are refused") {
  dense::Tape tape;
  const auto a = tape.leaf(dense::Matrix(2, 3)), b = tape.leaf(dense::Matrix(2, 3));
  CHECK_THROWS_AS(tape.matmul(a, b), ShapeError);
  CHECK_THROWS_AS(tape.add_row(a, b), ShapeError);
  CHECK_THROWS_AS(tape.backward(a), ShapeError);
}

TEST_CASE("fill: the numbers of tests/reference/deterministic.py") {
  CHECK(test::hashed("images", 0) == 0x1.79cdc68f73d40p-3);
  CHECK(test::hashed("images", 1) == 0x1.0520574395ac0p-5);
  CHECK(test::hashed("blocks.0.attn.qkv.weight", 7) == 0x1.6cf995993e9f2p-2);
}
