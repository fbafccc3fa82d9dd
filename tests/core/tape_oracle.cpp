// SPDX-License-Identifier: BSL-1.0
// The dense models are the oracle of the rank engine, so they answer to something more primitive: finite differences, numbers
// worked by hand, and what each method's definition says must not matter.
#include <doctest/doctest.h>

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

/// Two images of 2 x 3 patches of 2 x 2 pixels.
Problem small_problem(std::vector<std::vector<int>> ranks, int depth) {
  Problem p;
  p.height = 4, p.width = 6, p.patch = 2;
  p.dim = 8, p.depth = depth, p.heads = 2, p.mlp_ratio = 2;
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
  p.kernel = {0.25, 0.5, 0.25};
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

Problem twin_problem() {
  Problem p = small_problem({{3, 1, 2, 1, 3, 2}, {1, 2, 2, 1, 4, 3}}, 3);
  add_encoder(p);
  for (const std::string branch : {"gen", "dis"}) {
    add_norm(p, branch + "_norm", p.dim);
    add_linear(p, branch + "_bridge", 2 * p.dim, 2 * 4);
    add(p, branch + "_token", {1, 1, 4});
    for (int i = 0; i < 2; ++i) {
      const std::string name = text(branch, "_blocks.", i);
      for (const char* norm : {".norm1", ".norm2", ".norm_kv", ".norm3"}) add_norm(p, name + norm, 4);
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

/// Five-point differences along one dense direction and along up to three single entries of every parameter. A wrong entry
/// anywhere in a tensor shows in the dense direction.
void check_gradients(Problem p, const Run& run) {
  const Result expected = run(p);
  double scale = 0;
  for (const auto& [name, gradient] : expected.gradients) scale = std::max(scale, largest(gradient));
  REQUIRE(expected.gradients.size() == p.parameters.size());
  REQUIRE(scale > 1e-3);
  for (auto& [name, values] : p.parameters) {
    const std::vector<double> start = values, &gradient = expected.gradients.at(name);
    for (int trial = 0; trial < 4; ++trial) {
      std::vector<double> direction(start.size());
      if (trial == 0)
        for (std::size_t j = 0; j < start.size(); ++j) direction[j] = (test::hashed("direction", j) - 0.5) * 2 / std::sqrt(start.size());
      else
        direction[static_cast<std::size_t>(test::hashed(name, 1000 + trial) * static_cast<double>(start.size()))] = 1;
      const auto loss_at = [&](double step) {
        for (std::size_t j = 0; j < start.size(); ++j) values[j] = start[j] + step * direction[j];
        return run(p).loss;
      };
      const double h = 5e-4;
      const double difference = (8 * (loss_at(h) - loss_at(-h)) - (loss_at(2 * h) - loss_at(-2 * h))) / (12 * h);
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

/// Largest change of one image's predicted row when the pixels of one patch change.
double influence(const Problem& p, const Run& run, int matrix, int row, int image, int patch) {
  Problem changed = p;
  const int columns = p.width / p.patch;
  for (int channel = 0; channel < 3; ++channel)
    changed.images[((image * 3 + channel) * p.height + patch / columns * p.patch) * p.width + patch % columns * p.patch] += 1 + channel;
  const dense::Matrix before = run(p).predictions[matrix], after = run(changed).predictions[matrix];
  double change = 0;
  for (int c = 0; c < before.columns; ++c) change = std::max(change, std::abs(before(row, c) - after(row, c)));
  return change;
}

}  // namespace

TEST_CASE("dense::parallel: gradients agree with finite differences") {
  const std::vector<std::vector<int>> permutations = {{3, 1, 6, 2, 5, 4}, {1, 2, 3, 4, 5, 6}}, ties = {{0, 2, 1, 2, 3, 1}, {2, 1, 0, 1, 1, 2}};
  SUBCASE("outputs") { check_gradients(parallel_problem(permutations, 3, 2), [](const Problem& p) { return dense::parallel(p, 2, false, false); }); }
  SUBCASE("inputs, ties") { check_gradients(parallel_problem(ties, 2, 2), [](const Problem& p) { return dense::parallel(p, 2, true, false); }); }
  SUBCASE("shared") { check_gradients(parallel_problem(ties, 2, 0), [](const Problem& p) { return dense::parallel(p, 2, false, true); }); }
  SUBCASE("no class token: rank 1 reads nothing") {
    Problem p = parallel_problem(permutations, 2, 1);
    p.class_token = p.standardise = false;
    check_gradients(p, [](const Problem& p) { return dense::parallel(p, 1, false, false); });
  }
}

TEST_CASE("dense::causal: gradients agree with finite differences") {
  check_gradients(parallel_problem({{3, 1, 6, 2, 5, 4}, {1, 2, 3, 4, 5, 6}}, 2, 0), dense::causal);
}
TEST_CASE("dense::joint: gradients agree with finite differences") {
  check_gradients(joint_problem(), [](const Problem& p) { return dense::joint(p, 4, 2, 2); });
}
TEST_CASE("dense::two_stream: gradients agree with finite differences") { check_gradients(two_stream_problem(), dense::two_stream); }
TEST_CASE("dense::twin: gradients agree with finite differences") { check_gradients(twin_problem(), run_twin); }

TEST_CASE("dense: a prediction depends on exactly the patches that the rank law shows to it") {
  const auto check = [](const Problem& p, const Run& run, int matrices, const std::function<bool(int reader, int read, int matrix)>& reads) {
    for (int image = 0; image < p.images_count; ++image)
      for (int matrix = 0; matrix < matrices; ++matrix)
        for (int row = 0; row < p.patches(); ++row)
          for (int patch = 0; patch < p.patches(); ++patch) {
            const int reader = p.ranks[image][row], read = p.ranks[image][patch];
            INFO("image ", image, ", matrix ", matrix, ", row ", row, ", patch ", patch);
            CHECK((influence(p, run, image * matrices + matrix, row, image, patch) > 1e-9) == reads(reader, read, matrix));
          }
  };
  const auto before = [](int reader, int read, int) { return reader > 0 && read < reader; };
  const std::vector<std::vector<int>> ties = {{0, 2, 1, 2, 3, 1}, {2, 1, 0, 1, 1, 2}};
  check(parallel_problem(ties, 2, 2), [](const Problem& p) { return dense::parallel(p, 2, false, false); }, 1, before);
  check(parallel_problem(ties, 2, 2), [](const Problem& p) { return dense::parallel(p, 2, true, false); }, 1, before);
  check(parallel_problem({{3, 1, 6, 2, 5, 4}}, 2, 0), dense::causal, 1, before);
  check(joint_problem(), [](const Problem& p) { return dense::joint(p, 4, 2, 2); }, 1, before);
  check(two_stream_problem(), dense::two_stream, 1, before);
  // Rows without a query are zero: gen has none of rank 1, dis none of the highest (3 in the first image). A class token of
  // rank 2 shows everything up to rank 2 to the queries that read it, which themselves read no less.
  Problem first = twin_problem();
  first.ranks.pop_back(), first.images.resize(first.images.size() / 2), first.images_count = 1;
  check(first, run_twin, 2, [](int reader, int read, int dis) { return dis ? reader < 3 && read <= reader : reader > 1 && read < reader; });
}

TEST_CASE("dense::twin: class queries come last and read what their rank shows") {
  const Problem p = twin_problem();
  const int class_query = p.patches();
  for (const int matrix : {0, 1})  // first image, n = 3: gen's class query has rank 3 (reads < 3), dis's rank 2 (reads <= 2)
    for (int patch = 0; patch < p.patches(); ++patch)
      CHECK((influence(p, run_twin, matrix, class_query, 0, patch) > 1e-9) == (p.ranks[0][patch] < 3));
}

TEST_CASE("dense: the loss is the mean over all loss tokens of the batch") {
  Problem p = parallel_problem({{0, 2, 1, 2, 3, 1}, {2, 1, 0, 0, 0, 2}}, 1, 1);
  for (auto& [name, values] : p.parameters)
    if (name.starts_with("decoder_pred.fc2")) values.assign(values.size(), 0.0);
  p.target = dense::TargetKind::pixel, p.standardise = false;
  double squares = 0, absolutes = 0;  // by hand: every patch of rank 1 or more of both images
  for (int image = 0; image < 2; ++image)
    for (int y = 0; y < 4; ++y)
      for (int x = 0; x < 6; ++x)
        for (int channel = 0; channel < 3; ++channel)
          if (p.ranks[image][y / 2 * 3 + x / 2] > 0) {
            const double value = p.images[((image * 3 + channel) * 4 + y) * 6 + x];
            squares += value * value / (8 * 12), absolutes += std::abs(value) / (8 * 12);
          }
  CHECK(dense::parallel(p, 1, false, false).loss == doctest::Approx(squares).epsilon(1e-12));
  p.l1 = true;
  CHECK(dense::parallel(p, 1, false, false).loss == doctest::Approx(absolutes).epsilon(1e-12));
}

TEST_CASE("Tape: absolute error has the sign as its slope") {
  dense::Tape tape;
  dense::Matrix x(1, 3), target(1, 3);
  x.values = {1, -2, 5}, target.values = {3, -4, 5};
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
