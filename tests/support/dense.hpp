// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"
#include "tape.hpp"

/// The pre-training models in their most literal form, as the oracle of the rank engine: one image
/// at a time, every token computed in raster order, visibility a matrix. Nothing is sorted, packed,
/// shared between images or left out, and no code is shared with the library's orders, layers,
/// decoders or targets.
namespace arvit::dense {

enum class TargetKind { pixel, gaussian };

/// A batch, the weights and the ranks: all that loss and gradients depend on, but for the decoder.
struct Problem {
  int height = 0, width = 0, patch = 0;
  int dim = 0, depth = 0, heads = 0, mlp_ratio = 4;
  bool class_token = true;
  std::vector<double> images;  ///< [images_count, 3, height, width]
  int images_count = 0;
  std::vector<std::vector<int>>
      ranks;  ///< per image, patches in raster order; rank 0 carries no loss
  std::map<std::string, std::vector<double>> parameters;  ///< by timm's names, row-major
  TargetKind target = TargetKind::pixel;
  std::vector<double> kernel;  ///< gaussian: one-dimensional weights, an odd number of them
  bool standardise = true;     ///< every target patch to mean 0, unbiased variance 1
  bool l1 = false;             ///< mean absolute instead of mean squared error
  bool mlp_head = true;  ///< parallel, causal, two_stream and in_place; the other heads are linear

  int patches() const { return (height / patch) * (width / patch); }
  int patch_width() const { return 3 * patch * patch; }
};

/// `gradients` holds every parameter of the problem, zeros where nobody reads it. `predictions`:
/// per image one matrix [patches, patch_width] in raster order, rows without loss zero; `twin` says
/// what it returns.
struct Result {
  double loss = 0;
  std::map<std::string, std::vector<double>> gradients;
  std::vector<Matrix> predictions;
};

enum class Reads { before, up_to };

/// The rank law: reader i reads token j iff rank[j] < rank[i] (before) or rank[j] <= rank[i]
/// (up_to).
inline Mask rank_mask(const std::vector<int>& readers, const std::vector<int>& read, Reads reads) {
  Mask mask(static_cast<int>(readers.size()), static_cast<int>(read.size()));
  for (int i = 0; i < mask.readers; ++i)
    for (int j = 0; j < mask.read; ++j)
      mask(i, j) = reads == Reads::before ? read[j] < readers[i] : read[j] <= readers[i];
  return mask;
}

namespace detail {

/// What all models share: parameters by name, layers, embedding, targets, the sum of the losses.
class Model {
 public:
  explicit Model(const Problem& problem) : problem_(problem) {
    const auto images = static_cast<std::size_t>(problem.images_count);
    if (problem.images.size() != images * 3 * problem.height * problem.width ||
        problem.ranks.size() != images)
      fail<ShapeError>("dense: ", images,
                       " images need as many lists of ranks and [3, height, width] numbers each.");
    for (const auto& ranks : problem.ranks)
      if (static_cast<int>(ranks.size()) != problem.patches() ||
          *std::min_element(ranks.begin(), ranks.end()) < 0)
        fail<ShapeError>("dense: every image needs ", problem.patches(), " ranks, none negative.");
  }

  Tape tape;

  // ---- layers; `name` is the prefix of the parameters' names ----

  Variable parameter(const std::string& name, int rows, int columns) {
    if (const auto known = leaves_.find(name); known != leaves_.end()) return known->second;
    const auto found = problem_.parameters.find(name);
    if (found == problem_.parameters.end())
      fail<ShapeError>("dense: there is no parameter ", name, "; add it to the problem.");
    Matrix x(rows, columns);
    if (found->second.size() != x.values.size())
      fail<ShapeError>("dense: ", name, " holds ", found->second.size(), " numbers, expected [",
                       rows, ", ", columns, "].");
    x.values = found->second;
    return leaves_[name] = tape.leaf(std::move(x));
  }
  Variable linear(const std::string& name, Variable x, int out) {
    const Variable weight = parameter(name + ".weight", out, width(x));
    return tape.add_row(tape.matmul_transposed(x, weight), parameter(name + ".bias", 1, out));
  }
  Variable norm(const std::string& name, Variable x, double epsilon = 1e-6) {
    return tape.layer_norm(x, parameter(name + ".weight", 1, width(x)),
                           parameter(name + ".bias", 1, width(x)), epsilon);
  }
  Variable mlp(const std::string& name, Variable x, int out) {
    return linear(name + ".fc2", tape.gelu(linear(name + ".fc1", x, problem_.mlp_ratio * width(x))),
                  out);
  }
  Variable attention(const std::string& name, Variable reader, Variable content, const Mask& mask,
                     int heads) {
    const int dim = width(reader);  // rows of qkv: q, k, v
    const Variable queries = linear(name + ".qkv", reader, 3 * dim),
                   keys = linear(name + ".qkv", content, 3 * dim);
    const Variable mixed = tape.attention(tape.slice_columns(queries, 0, dim),
                                          tape.slice_columns(keys, dim, dim),
                                          tape.slice_columns(keys, 2 * dim, dim), mask, heads);
    return linear(name + ".proj", mixed, dim);
  }
  /// Self-attention when content is x; otherwise x reads the content through the same norm.
  Variable block(const std::string& name, Variable x, Variable content, const Mask& mask,
                 int heads) {
    x = tape.add(x, attention(name + ".attn", norm(name + ".norm1", x),
                              norm(name + ".norm1", content), mask, heads));
    return tape.add(x, mlp(name + ".mlp", norm(name + ".norm2", x), width(x)));
  }
  Variable head(Variable x) {
    return problem_.mlp_head ? mlp("decoder_pred", x, problem_.patch_width())
                             : linear("decoder_pred", x, problem_.patch_width());
  }

  // ---- tokens: the class token first, where there is one, then the patches in raster order ----

  std::vector<int> token_ranks(int image, int class_rank) const {
    std::vector<int> ranks(problem_.class_token ? 1 : 0, class_rank);
    ranks.insert(ranks.end(), problem_.ranks[image].begin(), problem_.ranks[image].end());
    return ranks;
  }
  /// [tokens, dim]: patches as (channel, row, column) through the projection, plus positions; the
  /// class token has none.
  Variable embedding(int image) {
    const int patch = problem_.patch, columns = problem_.width / patch;
    Matrix pixels(problem_.patches(), problem_.patch_width());
    for (int t = 0; t < pixels.rows; ++t) {
      int i = 0;
      for (int channel = 0; channel < 3; ++channel)
        for (int y = 0; y < patch; ++y)
          for (int x = 0; x < patch; ++x)
            pixels(t, i++) = pixel(image, channel, t / columns * patch + y,
                                   t % columns * patch + x);
    }
    const Variable patches = tape.add(
        linear("patch_embed.proj", tape.leaf(std::move(pixels)), problem_.dim),
        positions(problem_.dim));
    return problem_.class_token
               ? tape.concat_rows({parameter("cls_token", 1, problem_.dim), patches})
               : patches;
  }
  /// [h_0 = embedding, h_1, ..., h_depth], each [tokens, dim].
  std::vector<Variable> encoder(int image, const std::vector<int>& ranks) {
    return encoder(embedding(image), rank_mask(ranks, ranks, Reads::up_to));
  }
  std::vector<Variable> encoder(Variable embedding, const Mask& mask) {
    std::vector<Variable> h{embedding};
    for (int i = 0; i < problem_.depth; ++i)
      h.push_back(block(text("blocks.", i), h[i], h[i], mask, problem_.heads));
    return h;
  }
  /// [patches, dim]: sin and cos of the column, then of the row, at dim / 4 frequencies 10000^(-k /
  /// (dim / 4)).
  Variable positions(int dim) {
    Matrix table(problem_.patches(), dim);
    const int columns = problem_.width / problem_.patch, quarter = dim / 4;
    for (int t = 0; t < table.rows; ++t)
      for (int k = 0; k < quarter; ++k) {
        const double frequency = std::pow(10000.0, -static_cast<double>(k) / quarter);
        table(t, k) = std::sin(t % columns * frequency);
        table(t, quarter + k) = std::cos(t % columns * frequency);
        table(t, 2 * quarter + k) = std::sin(t / columns * frequency);
        table(t, 3 * quarter + k) = std::cos(t / columns * frequency);
      }
    return tape.leaf(std::move(table));
  }
  /// [patches, patch_width], (row, column, channel), channel fastest.
  Matrix target(int image) const {
    const int patch = problem_.patch, columns = problem_.width / patch;
    Matrix result(problem_.patches(), problem_.patch_width());
    for (int t = 0; t < result.rows; ++t) {
      int i = 0;
      for (int y = 0; y < patch; ++y)
        for (int x = 0; x < patch; ++x)
          for (int channel = 0; channel < 3; ++channel)
            result(t, i++) = smoothed(image, channel, t / columns * patch + y,
                                      t % columns * patch + x);
      if (!problem_.standardise) continue;
      double mean = 0, variance = 0;
      for (int c = 0; c < result.columns; ++c) mean += result(t, c) / result.columns;
      for (int c = 0; c < result.columns; ++c)
        variance += (result(t, c) - mean) * (result(t, c) - mean) / (result.columns - 1);
      for (int c = 0; c < result.columns; ++c)
        result(t, c) = (result(t, c) - mean) / std::sqrt(variance + 1e-6);
    }
    return result;
  }

  // ---- losses ----

  /// Predictions to be compared with targets; one list is one mean over all of its entries.
  using Comparison = std::vector<std::pair<Variable, Matrix>>;

  /// Compares row t of `prediction` with patch t, for every patch that carries loss.
  void compare_patches(int image, Variable prediction, Comparison& comparison, Result& result) {
    const Matrix all = target(image);
    std::vector<int> rows;
    for (int t = 0; t < all.rows; ++t)
      if (problem_.ranks[image][t] >= 1) rows.push_back(t);
    Matrix targets(static_cast<int>(rows.size()), all.columns), shown(all.rows, all.columns);
    for (int r = 0; r < targets.rows; ++r)
      for (int c = 0; c < all.columns; ++c) {
        targets(r, c) = all(rows[r], c);
        shown(rows[r], c) = tape.value(prediction)(rows[r], c);
      }
    comparison.emplace_back(tape.gather_rows(prediction, rows), std::move(targets));
    result.predictions.push_back(std::move(shown));
  }
  /// The sum of the comparisons' means, and its gradients.
  Result finish(const std::vector<Comparison>& comparisons, Result result) {
    Variable loss = tape.leaf(Matrix(1, 1));
    for (const Comparison& comparison : comparisons) {
      double count = 0;
      for (const auto& [prediction, target] : comparison)
        count += static_cast<double>(target.values.size());
      if (count == 0)
        fail<ShapeError>("dense: no token carries loss; give some patch a rank of 1 or more.");
      for (const auto& [prediction, target] : comparison)
        loss = tape.add(loss, problem_.l1 ? tape.absolute_error(prediction, target, count)
                                          : tape.squared_error(prediction, target, count));
    }
    tape.backward(loss);
    result.loss = tape.value(loss)(0, 0);
    for (const auto& [name, values] : problem_.parameters) {
      const auto leaf = leaves_.find(name);
      result.gradients[name] = leaf == leaves_.end() ? std::vector<double>(values.size())
                                                     : tape.gradient(leaf->second).values;
    }
    return result;
  }

 private:
  int width(Variable x) const { return tape.value(x).columns; }
  double pixel(int image, int channel, int y, int x) const {
    return problem_
        .images[((std::size_t(image) * 3 + channel) * problem_.height + y) * problem_.width + x];
  }
  /// The pixel, or its blur; beyond the border there are zeros.
  double smoothed(int image, int channel, int y, int x) const {
    if (problem_.target == TargetKind::pixel) return pixel(image, channel, y, x);
    const int side = static_cast<int>(problem_.kernel.size());
    double sum = 0;
    for (int a = 0; a < side; ++a)
      for (int b = 0; b < side; ++b) {
        const int v = y + a - side / 2, u = x + b - side / 2;
        if (v >= 0 && v < problem_.height && u >= 0 && u < problem_.width)
          sum += problem_.kernel[a] * problem_.kernel[b] * pixel(image, channel, v, u);
      }
    return sum;
  }

  const Problem& problem_;
  std::map<std::string, Variable> leaves_;
};

/// Queries start at `start`, layer m = 1, 2, ... of them is the block `name(m)` and reads,
/// strictly, the output of encoder layer `tap(m)` (0 = the embedding); `norm`, then the head.
template <class Start, class Name, class Tap>
Result strict_queries(const Problem& problem, int layers, Start start, Name name, Tap tap) {
  Model model(problem);
  Result result;
  Model::Comparison comparison;
  for (int image = 0; image < problem.images_count; ++image) {
    const std::vector<int> ranks = model.token_ranks(image, 0);
    const std::vector<Variable> h = model.encoder(image, ranks);
    const Mask mask = rank_mask(problem.ranks[image], ranks, Reads::before);
    Variable g = start(model);
    for (int m = 1; m <= layers; ++m) g = model.block(name(m), g, h[tap(m)], mask, problem.heads);
    model.compare_patches(image, model.head(model.norm("norm", g)), comparison, result);
  }
  return model.finish({comparison}, std::move(result));
}

}  // namespace detail

/// SAIM and SemAIM. Decoder layer m reads the output of encoder layer ceil(m depth /
/// decoder_depth); with `reads_previous` that layer's input. `shared`: decoder layer m is encoder
/// block m (decoder_depth = depth).
inline Result parallel(const Problem& problem, int decoder_depth, bool reads_previous,
                       bool shared) {
  if (decoder_depth < 1 || decoder_depth > problem.depth ||
      (shared && decoder_depth != problem.depth))
    fail<ShapeError>("dense::parallel: decoder depth ", decoder_depth,
                     " does not suit an encoder of depth ", problem.depth, ".");
  return detail::strict_queries(
      problem, decoder_depth, [&](detail::Model& model) { return model.positions(problem.dim); },
      [&](int m) { return text(shared ? "blocks." : "decoder_blocks.", m - 1); },
      [&](int m) {
        return (m * problem.depth + decoder_depth - 1) / decoder_depth - (reads_previous ? 1 : 0);
      });
}

/// GVP Eq. 7: query layer l is encoder block l and reads the content that block l itself reads.
/// Queries start at `query_token` + position; with `token_only` at the token, as printed.
inline Result two_stream(const Problem& problem, bool token_only) {
  const auto start = [&](detail::Model& model) {
    const Variable positions = token_only ? model.tape.leaf(Matrix(problem.patches(), problem.dim))
                                          : model.positions(problem.dim);
    return model.tape.add_row(positions, model.parameter("query_token", 1, problem.dim));
  };
  return detail::strict_queries(
      problem, problem.depth, start, [](int l) { return text("blocks.", l - 1); },
      [](int l) { return l - 1; });
}

/// ViT-iGPT: the output at a token predicts the patch that follows it in the order; the class token
/// precedes rank 1. Ranks are a permutation of 1 .. patches.
inline Result causal(const Problem& problem) {
  detail::Model model(problem);
  Result result;
  detail::Model::Comparison comparison;
  if (!problem.class_token)
    fail<ShapeError>("dense::causal: without a class token nothing predicts the first patch.");
  for (int image = 0; image < problem.images_count; ++image) {
    const std::vector<int> ranks = model.token_ranks(image, 0);
    std::vector<int> predecessor;
    for (const int rank : problem.ranks[image]) {
      if (std::count(ranks.begin(), ranks.end(), rank) != 1 || rank > problem.patches())
        fail<ShapeError>("dense::causal: rank ", rank, " is not one of a permutation of 1 .. ",
                         problem.patches(), ".");
      predecessor.push_back(
          static_cast<int>(std::find(ranks.begin(), ranks.end(), rank - 1) - ranks.begin()));
    }
    const Variable outputs = model.head(model.norm("norm", model.encoder(image, ranks).back()));
    model.compare_patches(image, model.tape.gather_rows(outputs, predecessor), comparison, result);
  }
  return model.finish({comparison}, std::move(result));
}

/// MAE: rank 0 is visible, rank 1 masked. The decoder reads, without a mask, the latents of what is
/// visible and a mask token at every other place.
inline Result joint(const Problem& problem, int decoder_dim, int decoder_depth, int decoder_heads) {
  detail::Model model(problem);
  Tape& tape = model.tape;
  Result result;
  detail::Model::Comparison comparison;
  for (int image = 0; image < problem.images_count; ++image) {
    const std::vector<int> ranks = model.token_ranks(image, 0);
    const int tokens = static_cast<int>(ranks.size()), conditions = problem.class_token ? 1 : 0;
    if (*std::max_element(ranks.begin(), ranks.end()) > 1)
      fail<ShapeError>("dense::joint: ranks are 0 (visible) and 1 (masked).");

    const Variable latents = model.linear(
        "decoder_embed", model.norm("norm", model.encoder(image, ranks).back()), decoder_dim);
    std::vector<int> source(tokens), patches;  // row `tokens` is the mask token
    for (int t = 0; t < tokens; ++t) source[t] = ranks[t] == 0 ? t : tokens;
    for (int t = conditions; t < tokens; ++t) patches.push_back(t);
    Variable x = tape.gather_rows(
        tape.concat_rows({latents, model.parameter("mask_token", 1, decoder_dim)}), source);
    const Variable positions = model.positions(decoder_dim);
    x = tape.add(x, conditions ? tape.concat_rows({tape.leaf(Matrix(1, decoder_dim)), positions})
                               : positions);

    for (int i = 0; i < decoder_depth; ++i)
      x = model.block(text("decoder_blocks.", i), x, x, Mask(tokens, tokens, true), decoder_heads);
    const Variable outputs = model.linear("decoder_pred", model.norm("decoder_norm", x),
                                          problem.patch_width());
    model.compare_patches(image, tape.gather_rows(outputs, patches), comparison, result);
  }
  return model.finish({comparison}, std::move(result));
}

/// SimMIM: patches of rank 1 enter the encoder as a mask token at their position; every token reads
/// every token.
inline Result in_place(const Problem& problem) {
  detail::Model model(problem);
  Tape& tape = model.tape;
  Result result;
  detail::Model::Comparison comparison;
  for (int image = 0; image < problem.images_count; ++image) {
    const int patches = problem.patches(), conditions = problem.class_token ? 1 : 0,
              tokens = conditions + patches;
    const Variable masked = tape.add_row(model.positions(problem.dim),
                                         model.parameter("mask_token", 1, problem.dim));
    std::vector<int> source, places;  // row tokens + p is the masked form of patch p
    for (int t = 0; t < conditions; ++t) source.push_back(t);
    for (int p = 0; p < patches; ++p) {
      source.push_back(conditions + p + (problem.ranks[image][p] > 0 ? patches : 0));
      places.push_back(conditions + p);
    }
    const Variable x = tape.gather_rows(tape.concat_rows({model.embedding(image), masked}), source);
    const Variable outputs = model.head(
        model.norm("norm", model.encoder(x, Mask(tokens, tokens, true)).back()));
    model.compare_patches(image, tape.gather_rows(outputs, places), comparison, result);
  }
  return model.finish({comparison}, std::move(result));
}

/// D-iGPT with n = the image's highest rank. The class token joins rank n - 1. Two decoders, `gen_`
/// and `dis_`, read the encoder layers `taps` (from 1): normed, concatenated, bridged to
/// decoder_depth interleaved feature maps.
///   gen: queries of ranks 2 .. n and a class query of rank n, content strictly before
///   dis: queries of ranks 1 .. n - 1 and a class query of rank n - 1, content up to
/// Queries read each other up to their rank. The class queries' target is zero. The loss is the sum
/// of both means. `predictions`: two matrices per image, gen then dis, [patches + 1, patch_width];
/// the last row is the class query's.
inline Result twin(const Problem& problem, int decoder_dim, int decoder_depth, int decoder_heads,
                   const std::vector<int>& taps) {
  detail::Model model(problem);
  Tape& tape = model.tape;
  Result result;
  std::vector<detail::Model::Comparison> comparisons(2);
  for (const int tap : taps)
    if (tap < 1 || tap > problem.depth)
      fail<ShapeError>("dense::twin: tap ", tap, " is not a layer of 1 .. ", problem.depth, ".");

  for (int image = 0; image < problem.images_count; ++image) {
    const std::vector<int>& patch_ranks = problem.ranks[image];
    const int highest = *std::max_element(patch_ranks.begin(), patch_ranks.end()),
              patches = problem.patches();
    const std::vector<int> ranks = model.token_ranks(image, highest - 1);
    const std::vector<Variable> h = model.encoder(image, ranks);
    const Matrix all_targets = model.target(image);

    for (const bool generative : {true, false}) {
      const std::string branch = generative ? "gen" : "dis";
      const int lowest_query = generative ? 2 : 1,
                highest_query = generative ? highest : highest - 1;

      std::vector<Variable> features;
      for (const int tap : taps) features.push_back(model.norm(branch + "_norm", h[tap], 1e-5));
      const Variable bridged = model.linear(branch + "_bridge", tape.concat_columns(features),
                                            decoder_depth * decoder_dim);

      std::vector<int> places, query_ranks;  // place `patches` is the class query
      const auto add_query = [&](int place, int rank) {
        places.push_back(place);
        query_ranks.push_back(rank);
      };
      for (int t = 0; t < patches; ++t)
        if (lowest_query <= patch_ranks[t] && patch_ranks[t] <= highest_query)
          add_query(t, patch_ranks[t]);
      if (problem.class_token) add_query(patches, highest_query);

      const Variable positions = tape.concat_rows(
          {model.positions(decoder_dim), tape.leaf(Matrix(1, decoder_dim))});
      Variable q = tape.add_row(tape.gather_rows(positions, places),
                                model.parameter(branch + "_token", 1, decoder_dim));
      const Mask among = rank_mask(query_ranks, query_ranks, Reads::up_to);
      const Mask across = rank_mask(query_ranks, ranks, generative ? Reads::before : Reads::up_to);
      for (int l = 0; l < decoder_depth; ++l) {
        const std::string name = text(branch, "_blocks.", l);
        const Variable content = tape.slice_columns(bridged, l, decoder_dim, decoder_depth);
        const Variable normed = model.norm(name + ".norm1", q);
        q = tape.add(q, model.attention(name + ".attn", normed, normed, among, decoder_heads));
        q = tape.add(
            q, model.attention(name + ".cross", model.norm(name + ".norm2", q),
                               model.norm(name + ".norm_kv", content), across, decoder_heads));
        q = tape.add(q, model.mlp(name + ".mlp", model.norm(name + ".norm3", q), decoder_dim));
      }
      const Variable prediction = model.linear(
          branch + "_pred", model.norm(branch + "_head_norm", q), problem.patch_width());

      Matrix targets(static_cast<int>(places.size()), problem.patch_width()),
          shown(patches + 1, problem.patch_width());
      for (int r = 0; r < targets.rows; ++r)
        for (int c = 0; c < targets.columns; ++c) {
          if (places[r] < patches) targets(r, c) = all_targets(places[r], c);
          shown(places[r], c) = tape.value(prediction)(r, c);
        }
      comparisons[generative ? 0 : 1].emplace_back(prediction, std::move(targets));
      result.predictions.push_back(std::move(shown));
    }
  }
  return model.finish(comparisons, std::move(result));
}

}  // namespace arvit::dense
