// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstdint>

#include "arvit/nn/context.hpp"

namespace arvit {

/// A pass through `Depth` layers of one type: the tokens before and after each, and what each keeps
/// for its backward. With `recompute` the layers keep their inputs only: all share one set of what
/// a backward reads, which is that of the layer that filled it last, and is filled once more before
/// another's backward: the same bits from less memory.
///
/// A layer has Input<D> with the tokens `x`, Saved<D>, Gradients<D>, and forward, again and
/// backward (nn/encoder_block.hpp).
template <class Layer, int Depth, class D> class BlockStack {
 public:
  static constexpr int dim = Layer::dim;
  using Input = typename Layer::template Input<D>;
  using Saved = typename Layer::template Saved<D>;
  using Gradients = typename Layer::template Gradients<D>;
  using Weights = typename Layer::template Parameters<Reading<D>>;

  BlockStack() = default;
  /// Takes memory for `rows` tokens. `saved(i)` makes what layer i keeps; that of layer 0 must do
  /// for all. The first `outputs` layers have an output.
  template <class Make>
  BlockStack(const Context<D>& c, std::int64_t rows, bool recompute, const Make& saved,
             int outputs = Depth)
      : recompute_(recompute) {
    for (int i = 0; i <= outputs; ++i) tokens_[i] = take_tokens<dim>(c, rows);
    for (int i = 0; i < Depth; ++i) saved_[i] = recompute && i > 0 ? saved_[0] : saved(i);
  }

  /// What layer i reads, and layer i - 1 has put out.
  Tokens<D, dim> tokens(int i) const { return tokens_[i]; }
  const Saved& saved(int i) const { return saved_[i]; }

  void forward(const Context<D>& c, const Weights& weights, int i, Input in) {
    in.x = tokens_[i];
    Layer::forward(c, weights, in, saved_[i], tokens_[i + 1]);
    filled_ = i;
  }
  /// Makes saved(i) what the forward left there.
  void recall(const Context<D>& c, const Weights& weights, int i, Input in) {
    if (!recompute_ || filled_ == i) return;
    in.x = tokens_[i];
    Layer::again(c, weights, in, saved_[i]);
    filled_ = i;
  }
  void backward(const Context<D>& c, const Learned<typename Layer::Shared, D>& w, int i, Input in,
                const Gradients& d) {
    recall(c, w.weights, i, in);
    in.x = tokens_[i];
    Layer::backward(c, w, in, saved_[i], d);
    filled_ = none;  // a backward uses up what it reads
  }

 private:
  static constexpr int none = -1;
  bool recompute_ = false;
  int filled_ = none;
  std::array<Tokens<D, dim>, Depth + 1> tokens_;
  std::array<Saved, Depth> saved_;
};

}  // namespace arvit
