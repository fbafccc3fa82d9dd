// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <tuple>

#include "arvit/decoder/seam.hpp"
#include "arvit/nn/head.hpp"
#include "arvit/nn/mlp.hpp"

namespace arvit::test {

/// A decoder layer of D-iGPT: queries read each other, then the content, then the MLP; three residual sublayers.
template <int Dim, int Heads>
struct TwinBlock {
  using Norm = LayerNorm<Dim>;
  using Qkv = Linear<Dim, 3 * Dim>;
  using Projection = Linear<Dim, Dim>;
  using Feed = Mlp<Dim, 4 * Dim, Dim>;
  static constexpr std::int64_t parameter_count = 4 * Norm::parameter_count + 2 * (Qkv::parameter_count + Projection::parameter_count) + Feed::parameter_count;
  static constexpr auto tensors() {
    return join(prefixed("norm1.", Norm::tensors()), prefixed("attn.qkv.", Qkv::tensors()), prefixed("attn.proj.", Projection::tensors()),
                prefixed("norm2.", Norm::tensors()), prefixed("norm_kv.", Norm::tensors()), prefixed("cross.qkv.", Qkv::tensors()),
                prefixed("cross.proj.", Projection::tensors()), prefixed("norm3.", Norm::tensors()), prefixed("mlp.", Feed::tensors()));
  }
  template <class C>
  struct Parameters {
    typename Norm::template Parameters<C> norm1;
    typename Qkv::template Parameters<C> qkv;
    typename Projection::template Parameters<C> projection;
    typename Norm::template Parameters<C> norm2, norm_kv;
    typename Qkv::template Parameters<C> cross;
    typename Projection::template Parameters<C> cross_projection;
    typename Norm::template Parameters<C> norm3;
    typename Feed::template Parameters<C> mlp;
    constexpr explicit Parameters(C& at)
        : norm1(at), qkv(at), projection(at), norm2(at), norm_kv(at), cross(at), cross_projection(at), norm3(at), mlp(at) {}
  };

  template <class D>
  struct Saved {
    typename Norm::template Moments<D> moments1, moments2, moments_kv, moments3;
    Tokens<D, 3 * Dim> qkv;
    Tokens<D, 2 * Dim> kv;
    Tokens<D, Dim> q, attended, middle, crossed, last;
    Rows<Statistic<D>, Heads, SpaceOf<D>> lse, cross_lse;
    Tokens<D, 4 * Dim> hidden;
    Saved() = default;
    Saved(Arena& arena, std::int64_t queries, std::int64_t content) {
      for (auto* m : {&moments1, &moments2, &moments3}) *m = arena.rows<Statistic<D>, 2, SpaceOf<D>>(queries);
      moments_kv = arena.rows<Statistic<D>, 2, SpaceOf<D>>(content);
      qkv = arena.rows<Activation<D>, 3 * Dim, SpaceOf<D>>(queries);
      kv = arena.rows<Activation<D>, 2 * Dim, SpaceOf<D>>(content);
      for (auto* t : {&q, &attended, &middle, &crossed, &last}) *t = arena.rows<Activation<D>, Dim, SpaceOf<D>>(queries);
      for (auto* l : {&lse, &cross_lse}) *l = arena.rows<Statistic<D>, Heads, SpaceOf<D>>(queries);
      hidden = arena.rows<Activation<D>, 4 * Dim, SpaceOf<D>>(queries);
    }
  };

  template <Device D>
  static void forward(D& device, Arena& arena, const Parameters<Reading<D>>& p, ConstTokens<D, Dim> x, ConstTokens<D, Dim> h, Reach<SpaceOf<D>> self,
                      Reach<SpaceOf<D>> content, Saved<D>& s, Tokens<D, Dim> y) {
    const ArenaScope scope(arena);
    const auto normed = arena.rows<Activation<D>, Dim, SpaceOf<D>>(x.rows());
    const auto normed_h = arena.rows<Activation<D>, Dim, SpaceOf<D>>(h.rows());
    Norm::forward(device, p.norm1, x, normed, s.moments1);
    Qkv::forward(device, p.qkv, normed, s.qkv);
    device.attention(part<0>(s.qkv), part<1>(s.qkv), part<2>(s.qkv), Heads, self.segments, self.limit, s.attended, s.lse);
    device.linear_residual(s.attended, p.projection.weight, p.projection.bias, x, {}, s.middle);
    Norm::forward(device, p.norm2, s.middle, normed, s.moments2);
    device.linear(normed, p.cross.weight.slice(0, Dim), p.cross.bias.template part<0, Dim>(), s.q);
    Norm::forward(device, p.norm_kv, h, normed_h, s.moments_kv);
    device.linear(normed_h, p.cross.weight.slice(Dim, 3 * Dim), p.cross.bias.template part<Dim, 3 * Dim>(), s.kv);
    device.attention(s.q, part<0>(s.kv), part<1>(s.kv), Heads, content.segments, content.limit, s.crossed, s.cross_lse);
    device.linear_residual(s.crossed, p.cross_projection.weight, p.cross_projection.bias, s.middle, {}, s.last);
    Norm::forward(device, p.norm3, s.last, normed, s.moments3);
    Feed::template forward_residual<D>(device, arena, p.mlp, normed, s.last, {}, s.hidden, y);
  }
  /// dx: gradient of y on entry, of x on return. dh is assigned.
  template <Device D>
  static void backward(D& device, Arena& arena, const Parameters<Reading<D>>& p, ConstTokens<D, Dim> x, ConstTokens<D, Dim> h, Reach<SpaceOf<D>> self,
                       Reach<SpaceOf<D>> content, const Saved<D>& s, Tokens<D, Dim> dx, Tokens<D, Dim> dh, const Parameters<Adding<D>>& g) {
    const ArenaScope scope(arena);
    const auto normed = arena.rows<Activation<D>, Dim, SpaceOf<D>>(x.rows());
    const auto branch = arena.rows<Activation<D>, Dim, SpaceOf<D>>(x.rows());
    const auto dq = arena.rows<Activation<D>, Dim, SpaceOf<D>>(x.rows());
    const auto dqkv = arena.rows<Activation<D>, 3 * Dim, SpaceOf<D>>(x.rows());
    const auto normed_h = arena.rows<Activation<D>, Dim, SpaceOf<D>>(h.rows());
    const auto dkv = arena.rows<Activation<D>, 2 * Dim, SpaceOf<D>>(h.rows());
    Norm::again(device, p.norm3, s.last, s.moments3, normed);
    Feed::template backward<D>(device, arena, p.mlp, normed, s.hidden, dx, branch, g.mlp);
    Norm::backward(device, p.norm3, s.last, s.moments3, branch, dx, Write::add, g.norm3);

    Projection::backward(device, p.cross_projection, s.crossed, dx, branch, g.cross_projection);
    device.attention_backward(branch, s.q, part<0>(s.kv), part<1>(s.kv), s.crossed, s.cross_lse, Heads, content.segments, content.limit, dq, part<0>(dkv), part<1>(dkv), Write::assign);
    Norm::again(device, p.norm2, s.middle, s.moments2, normed);
    device.linear_backward_weight(dq, normed, g.cross.weight.slice(0, Dim), g.cross.bias.template part<0, Dim>());
    device.linear_backward_input(dq, p.cross.weight.slice(0, Dim), branch, Write::assign);
    Norm::backward(device, p.norm2, s.middle, s.moments2, branch, dx, Write::add, g.norm2);
    Norm::again(device, p.norm_kv, h, s.moments_kv, normed_h);
    device.linear_backward_weight(dkv, normed_h, g.cross.weight.slice(Dim, 3 * Dim), g.cross.bias.template part<Dim, 3 * Dim>());
    device.linear_backward_input(dkv, p.cross.weight.slice(Dim, 3 * Dim), normed_h, Write::assign);
    Norm::backward(device, p.norm_kv, h, s.moments_kv, normed_h, dh, Write::assign, g.norm_kv);

    Projection::backward(device, p.projection, s.attended, dx, branch, g.projection);
    device.attention_backward(branch, part<0>(s.qkv), part<1>(s.qkv), part<2>(s.qkv), s.attended, s.lse, Heads, self.segments, self.limit, part<0>(dqkv), part<1>(dqkv),
                              part<2>(dqkv), Write::assign);
    Norm::again(device, p.norm1, x, s.moments1, normed);
    Qkv::backward(device, p.qkv, normed, dqkv, branch, g.qkv);
    Norm::backward(device, p.norm1, x, s.moments1, branch, dx, Write::add, g.norm1);
  }
  template <int Index>
  static constexpr auto part(auto rows) { return rows.template columns<Index * Dim, (Index + 1) * Dim>(); }
};

/// D-iGPT's two decoders (spec: digpt.md): Gen predicts ranks 2.. from strictly lower content, Dis predicts what is already seen; each has a class
/// query. Both read a fusion of the outputs of the layers `Taps` (from 1): one norm for all, concatenation, one linear map per decoder layer.
template <int Depth, int Dim, int Heads, int... Taps>
struct Twin {
  using DefaultHead = LinearHead;

  template <class Encoder, class HeadKind, int Width>
  struct For {
    static constexpr int dim = Encoder::dim, taps = sizeof...(Taps), wide = taps * dim;
    static constexpr std::array<int, taps> tap{Taps...};
    static_assert(((Taps >= 1 && Taps <= Encoder::depth) && ...), "Twin<Depth, Dim, Heads, Taps...>: a tap is deeper than the encoder; use layers 1 .. its depth.");
    using Block = TwinBlock<Dim, Heads>;
    using TapNorm = LayerNorm<dim, std::ratio<1, 100000>>;
    using Bridge = Linear<wide, Dim>;
    using Output = NormedHead<HeadKind, Dim, Width>;

    static constexpr RankRules<2> rules{ClassToken::last, {QueryStream{Sees::before, Sees::up_to, 1, 0, true}, QueryStream{Sees::up_to, Sees::up_to, 0, 1, true}}, false};
    static constexpr bool uses_norm = false;
    static constexpr int position_dim = Dim;
    static constexpr int tap_at(int point) {
      for (int t = 0; t < taps; ++t)
        if (tap[t] == point) return t;
      return -1;
    }
    static constexpr Reads reads(int point) { return {tap_at(point) >= 0, false}; }
    static constexpr std::int64_t branch_parameters =
        TapNorm::parameter_count + Depth * Bridge::parameter_count + Dim + Depth * Block::parameter_count + Output::Norm::parameter_count + Output::Head::parameter_count;
    static constexpr std::int64_t parameter_count = 2 * branch_parameters;
    static constexpr auto branch_groups(const char* name) {
      const Name prefix(name);
      return std::tuple(Group{prefix + "norm.", TapNorm::tensors()}, Group{prefix + "bridge.{}.", Bridge::tensors(), Depth},
                        Group{prefix, Tensors<1>{Tensor{"token", {1, 1, Dim}, {Init::truncated_normal, 0.02}, true}}},
                        Group{prefix + "blocks.{}.", Block::tensors(), Depth},
                        Group{prefix, join(prefixed("head_norm.", Output::Norm::tensors()), prefixed("pred.", Output::Head::tensors()))});
    }
    static constexpr auto groups() { return std::tuple_cat(branch_groups("gen_"), branch_groups("dis_")); }

    template <class C>
    struct Branch {
      typename TapNorm::template Parameters<C> norm;
      C at;
      std::int64_t bridges;
      typename C::template VectorView<Dim> token;
      std::int64_t blocks;
      typename Output::template NormParameters<C> head_norm;
      typename Output::template HeadParameters<C> head;
      constexpr explicit Branch(C& from)
          : norm(from), at(from), bridges(from.offset()), token((from = from.at(bridges + Depth * Bridge::parameter_count), from.template vector<Dim>())), blocks(from.offset()),
            head_norm((from = from.at(blocks + Depth * Block::parameter_count), from)), head(from) {}
      auto bridge(int m) const {
        auto from = at.at(bridges + m * Bridge::parameter_count);
        return typename Bridge::template Parameters<C>(from);
      }
      auto block(int m) const {
        auto from = at.at(blocks + m * Block::parameter_count);
        return typename Block::template Parameters<C>(from);
      }
    };
    template <class C>
    struct Parameters {
      Branch<C> branch[2];
      constexpr explicit Parameters(C& at) : branch{Branch<C>(at), Branch<C>(at)} {}
    };

    template <class D>
    class Run {
     public:
      using Context = StepContext<D, 2>;
      using Space = SpaceOf<D>;
      Run(Context& context, const Parameters<Reading<D>>& parameters, FinalNorm<D, dim>) : context_(context), p_(parameters), content_(context.tables.source.size()) {
        for (int b = 0; b < 2; ++b) {
          State& s = state_[b];
          s.rows = context.tables.streams[b].source.size();
          s.fused = context.arena.template rows<Activation<D>, wide, Space>(content_);
          for (auto& m : s.moments) m = context.arena.template rows<Statistic<D>, 2, Space>(content_);
          for (auto& h : s.h) h = context.arena.template rows<Activation<D>, Dim, Space>(content_);
          for (auto& x : s.x) x = context.arena.template rows<Activation<D>, Dim, Space>(s.rows);
          for (auto& block : s.blocks) block = {context.arena, s.rows, content_};
          s.output = {context.arena, s.rows};
        }
      }
      void forward(int point, const LayerIO<D, Encoder>& io) {
        const int t = tap_at(point);
        if (t < 0) return;
        for (int b = 0; b < 2; ++b) TapNorm::forward(context_.device, p_.branch[b].norm, io.output, columns(state_[b].fused, t), state_[b].moments[t]);
      }
      void finish() {
        for (int b = 0; b < 2; ++b) {
          State& s = state_[b];
          const auto& p = p_.branch[b];
          context_.device.put_token(s.x[0], {}, p.token, Write::assign);
          context_.device.add_positions(s.x[0], context_.decoder_positions, context_.patches_of(b));
          for (int m = 0; m < Depth; ++m) {
            Bridge::forward(context_.device, p.bridge(m), s.fused, s.h[m]);
            Block::forward(context_.device, context_.arena, p.block(m), s.x[m], s.h[m], self(b), content(b), s.blocks[m], s.x[m + 1]);
          }
          Output::forward(context_.device, context_.arena, p.head_norm, p.head, s.x[Depth], s.output);
        }
      }
      Tokens<D, Width> prediction(std::size_t b) const { return state_[b].output.prediction; }

      void finish_backward(const std::array<Tokens<D, Width>, 2>& dprediction, const Parameters<Adding<D>>& gradient) {
        for (int b = 0; b < 2; ++b) {
          State& s = state_[b];
          const auto& p = p_.branch[b];
          const auto& g = gradient.branch[b];
          s.dfused = context_.arena.template rows<Activation<D>, wide, Space>(content_);
          context_.device.fill(s.dfused, 0);
          const ArenaScope scope(context_.arena);
          const auto dx = context_.arena.template rows<Activation<D>, Dim, Space>(s.rows);
          const auto dh = context_.arena.template rows<Activation<D>, Dim, Space>(content_);
          Output::backward(context_.device, context_.arena, p.head_norm, p.head, s.x[Depth], s.output, dprediction[b], dx, g.head_norm, g.head);
          for (int m = Depth - 1; m >= 0; --m) {
            Block::backward(context_.device, context_.arena, p.block(m), s.x[m], s.h[m], self(b), content(b), s.blocks[m], dx, dh, g.block(m));
            context_.device.linear_backward_weight(dh, s.fused, g.bridge(m).weight, g.bridge(m).bias);
            context_.device.linear_backward_input(dh, p.bridge(m).weight, s.dfused, Write::add);
          }
          context_.device.token_gradient(dx, {}, g.token);
        }
      }
      void backward(int point, const LayerIO<D, Encoder>& io, const LayerGradient<D, Encoder>& d, const Parameters<Adding<D>>& gradient) {
        const int t = tap_at(point);
        if (t < 0) return;
        for (int b = 0; b < 2; ++b)
          TapNorm::backward(context_.device, p_.branch[b].norm, io.output, state_[b].moments[t], columns(state_[b].dfused, t), d.output, Write::add, gradient.branch[b].norm);
      }

     private:
      struct State {
        std::int64_t rows = 0;
        Tokens<D, wide> fused, dfused;
        std::array<typename TapNorm::template Moments<D>, taps> moments;
        std::array<Tokens<D, Dim>, Depth> h;
        std::array<Tokens<D, Dim>, Depth + 1> x;
        std::array<typename Block::template Saved<D>, Depth> blocks;
        typename Output::template Saved<D> output;
      };
      static Tokens<D, dim> columns(Tokens<D, wide> all, int t) { return {all.data() == nullptr ? nullptr : all.data() + t * dim, all.rows(), wide}; }
      Reach<Space> self(int b) const { return Context::reach(context_.tables.streams[b].queries); }
      Reach<Space> content(int b) const { return Context::reach(context_.tables.streams[b].content); }
      Context& context_;
      const Parameters<Reading<D>>& p_;
      std::int64_t content_;
      State state_[2];
    };
  };
};

}  // namespace arvit::test
