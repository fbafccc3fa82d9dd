// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <utility>

#include "arvit/core/options.hpp"
#include "arvit/decoder/distil.hpp"
#include "arvit/decoder/seam.hpp"
#include "arvit/nn/block_stack.hpp"
#include "arvit/nn/head.hpp"
#include "arvit/nn/twin_block.hpp"

namespace arvit {

struct TwinBranchCategory;
struct DisScopeCategory;
struct FusionCategory;
struct FusionNormCategory;
struct TwinClassCategory;
struct TwinContentCategory;
struct HeadWidthCategory;
/// D-iGPT Table 10: one of the two decoders, or Gen and the distillation of the encoder's own
/// output.
struct GenOnly {
  using Category = TwinBranchCategory;
};
struct DisOnly {
  using Category = TwinBranchCategory;
};
struct GenAndDistil {
  using Category = TwinBranchCategory;
};
/// Dis predicts all visible clusters for every prefix of the order (Eq. 7), instead of the newest
/// one alone (Eq. 9, the released code).
struct EveryPrefix {
  using Category = DisScopeCategory;
};
/// The decoders read the encoder's output (the paper's text), instead of a fusion of four layers
/// (the released code); through a norm and a map for each decoder layer all the same.
struct LastLayer {
  using Category = FusionCategory;
};
/// A norm for each fused layer; the released code has one for all.
struct SeparateNorms {
  using Category = FusionNormCategory;
};
/// The class token has rank 0 and no query, so it carries no loss; in the released code it joins
/// the last encoded cluster and is predicted.
struct ClassFirst {
  using Category = TwinClassCategory;
};
/// The encoder sees the last cluster too, and Dis predicts it: for an order of one cluster, where
/// Gen has nothing to read.
struct WholeImage {
  using Category = TwinContentCategory;
};
/// Channels of a decoder's attention head.
template <int Width> struct HeadWidth {
  using Category = HeadWidthCategory;
  static constexpr int width = Width;
};

/// D-iGPT's decoders (Ren et al. 2024): Gen predicts clusters 2 .. n from strictly earlier content,
/// Dis clusters 1 .. n - 1 from content that it sees. Queries (a learned token plus position) read
/// each other up to their rank, and a fusion of encoder layers L/2, 2L/3, 5L/6 and L: a norm for
/// all, concatenation, one linear map per decoder layer. Both decoders have Depth layers of width
/// Dim, and own everything that they use.
///
/// Options: GenOnly | DisOnly | GenAndDistil, EveryPrefix, LastLayer, SeparateNorms, ClassFirst,
/// WholeImage, HeadWidth<32>. The encoder has no final norm (GenAndDistil: one of its own). A class
/// query's target is the teacher's class token; where there is none use ClassFirst.
template <int Depth, int Dim, class... Options> struct Twin {
  using DefaultHead = LinearHead;
  using Known = Accepts<TwinBranchCategory, DisScopeCategory, FusionCategory, FusionNormCategory,
                        TwinClassCategory, TwinContentCategory, HeadWidthCategory>;
  template <class Category> static constexpr bool given = option_count<Category, Options...> == 1;
  using Kind = Option<TwinBranchCategory, void, Options...>;
  static constexpr bool has_gen = !std::same_as<Kind, DisOnly>,
                        has_dis = !std::same_as<Kind, GenOnly> && !std::same_as<Kind, GenAndDistil>;
  static constexpr bool has_distil = std::same_as<Kind, GenAndDistil>;
  static constexpr int head_width = Option<HeadWidthCategory, HeadWidth<32>, Options...>::width;

  static constexpr bool has_layers = Depth > 0, has_positions = Dim > 0 && Dim % 4 == 0,
                        knows_options = Known::template known<Options...>,
                        has_each_once = Known::template unrepeated<Options...>,
                        splits = head_width > 0 && Dim % head_width == 0,
                        has_prefixes = has_dis || !given<DisScopeCategory>,
                        compares_class = !has_distil || !given<TwinClassCategory>,
                        reads_whole = has_dis || !given<TwinContentCategory>;
  static constexpr bool well_formed = has_layers && has_positions && knows_options &&
                                      has_each_once && splits && has_prefixes && compares_class &&
                                      reads_whole;
  static_assert(has_layers,
                "Twin<Depth, Dim>: Depth counts decoder layers; it must be positive (Distil has no "
                "decoder).");
  static_assert(has_positions,
                "Twin<Depth, Dim>: sin-cos positions need a Dim that is a multiple of 4.");
  static_assert(knows_options,
                "Twin<Depth, Dim, Options...>: an option is not one of Twin's (GenOnly, DisOnly, "
                "GenAndDistil, EveryPrefix, LastLayer, SeparateNorms, ClassFirst, WholeImage, "
                "HeadWidth); for one of your own, wrap the kind (decoder/seam.hpp).");
  static_assert(has_each_once,
                "Twin<Depth, Dim, Options...>: two options of one kind; give each kind once.");
  static_assert(
      splits || !has_positions,
      "Twin<Depth, Dim, HeadWidth<W>>: W (32 by default) must divide Dim; choose one that does.");
  static_assert(has_prefixes,
                "Twin<..., EveryPrefix>: there is no Dis decoder; drop EveryPrefix, GenOnly or "
                "GenAndDistil.");
  static_assert(compares_class,
                "Twin<..., GenAndDistil, ClassFirst>: distillation compares the class token, which "
                "would read nothing but itself; drop one of them.");
  static_assert(reads_whole,
                "Twin<..., WholeImage>: only Dis predicts the last cluster from itself; drop "
                "WholeImage, GenOnly or GenAndDistil.");
  static constexpr int heads = Dim / head_width;

  template <class Encoder, class HeadKind, int Width> struct For {
    static constexpr int dim = Encoder::dim, depth = Encoder::depth,
                         taps = given<FusionCategory> ? 1 : 4, wide = taps * dim,
                         norms = given<FusionNormCategory> ? taps : 1;
    static constexpr int branches = has_gen + has_dis, streams = branches + has_distil;
    using Epsilon = typename Encoder::Epsilon;
    using Block = TwinBlock<Dim, heads, Epsilon>;
    using TapNorm = LayerNorm<dim, std::ratio<1, 100000>>;
    /// One of Depth maps that start as a single one would.
    struct Bridge : Linear<wide, Dim> {
      template <class C> struct Parameters : Linear<wide, Dim>::template Parameters<C> {
        constexpr explicit Parameters(C& at)
            : Linear<wide, Dim>::template Parameters<C>(at, Depth * Dim) {}
      };
    };
    using Output = NormedHead<HeadKind, LayerNorm<Dim, Epsilon>, Width>;
    using Part = DistilHead<Encoder, HeadKind, Width>;

    /// The encoder layer, from 1, that tap t reads.
    static constexpr int tap(int t) {
      return taps == 1 ? depth : std::max(1, ((3 + t) * depth + 3) / 6);
    }
    static constexpr bool class_query = Encoder::has_class_token && !given<TwinClassCategory>;
    static constexpr RankRules<streams> rules = [] {
      RankRules<streams> all{!Encoder::has_class_token ? ClassToken::none
                             : class_query             ? ClassToken::last
                                                       : ClassToken::first,
                             {},
                             false};
      int s = 0;
      if constexpr (has_gen) all.streams[s++] = {Sees::before, Sees::up_to, 1, 0, class_query};
      if constexpr (has_dis)
        all.streams[s++] = {Sees::up_to, Sees::up_to,
                            0,           given<TwinContentCategory> ? 0 : 1,
                            class_query, given<DisScopeCategory>};
      if constexpr (has_distil) {
        all.streams[s] = Part::stream;
        all.streams[s].drop_last = 1;
      }
      return all;
    }();
    static constexpr bool uses_norm = has_distil;
    static constexpr int position_dim = Dim;
    static constexpr Reads reads(int point) {
      bool read = has_distil && point == depth;
      for (int t = 0; t < taps; ++t) read = read || tap(t) == point;
      return {read, false};
    }

    template <class C> struct Branch {
      typename Repeated<TapNorm, norms>::template Parameters<C> norms_of_taps;
      typename Repeated<Bridge, Depth>::template Parameters<C> bridges;
      typename C::template VectorView<Dim> token;
      typename Repeated<Block, Depth>::template Parameters<C> blocks;
      typename Output::template NormParameters<C> head_norm;
      typename Output::template HeadParameters<C> head;
      constexpr explicit Branch(C& at)
          : norms_of_taps(at.in(norms > 1 ? "norms.{}." : "norm.")),
            bridges(at.in("bridge.{}.")),
            token(at.template token<Dim>({"token", {Init::truncated_normal, 0.02}})),
            blocks(at.in("blocks.{}.")),
            head_norm(at.in("head_norm.")),
            head(at.in("pred.")) {}
      auto norm(int tap) const { return norms_of_taps[norms > 1 ? tap : 0]; }
    };
    template <class C> struct Parameters {
      std::array<Branch<C>, branches> branch;
      typename Part::Output::template HeadParameters<C> distil;  // meaningless unless has_distil
      constexpr explicit Parameters(C& at)
          : branch(of(at, std::make_index_sequence<branches>{})),
            distil(at.template in_if<has_distil>("decoder_pred.")) {}

     private:
      template <std::size_t... I>
      static constexpr std::array<Branch<C>, branches> of(C& at, std::index_sequence<I...>) {
        return {one(at, has_gen && I == 0 ? "gen_" : "dis_")...};
      }
      static constexpr Branch<C> one(C& at, const char* prefix) { return Branch<C>(at.in(prefix)); }
    };

    template <class D> class Run {
     public:
      using Context = StepContext<D, streams>;
      using Space = SpaceOf<D>;
      Run(Context& context, const Parameters<Reading<D>>& parameters, FinalNorm<D, Encoder> norm)
          : context_(context), p_(parameters), norm_(norm), content_(context.tables.source.size()) {
        for (int b = 0; b < branches; ++b) {
          State& s = state_[b];
          s.rows = context.tables.streams[b].source.size();
          s.fused = take_tokens<wide>(context, content_);
          for (auto& m : s.moments) m = take_statistics<2>(context, content_);
          for (auto& h : s.h) h = take_tokens<Dim>(context, content_);
          s.stack = {context, s.rows, context.recompute, [&](int) {
                       return typename Block::template Saved<D>(context, s.rows, content_);
                     }};
          s.output = {context, s.rows};
        }
        if constexpr (has_distil) distil_ = {context, content_};
      }
      void forward(int point, const LayerIO<D, Encoder>& io) {
        each_tap_at(point, [&](int t, int b) {
          State& s = state_[b];
          TapNorm::forward(context_, p_.branch[b].norm(t), io.output, tap_columns(s.fused, t),
                           s.moments[t]);
        });
        if (has_distil && point == depth) distil_.read(io.output);
      }
      void finish() {
        for (int b = 0; b < branches; ++b) {
          State& s = state_[b];
          const auto& p = p_.branch[b];
          const auto queries = s.stack.tokens(0);
          context_.run(ops::PutToken<D>{.y = queries, .rows = AllRows{}, .token = p.token});
          context_.decoder_positions.add(context_, queries, context_.patches_of(b));
          for (int m = 0; m < Depth; ++m) {
            Bridge::forward(context_, p.bridges[m], s.fused, s.h[m]);
            s.stack.forward(context_, p.blocks[m], m, input(b, m));
          }
          Output::forward(context_, {p.head_norm, p.head}, s.stack.tokens(Depth), s.output);
        }
        if constexpr (has_distil) distil_.finish(context_, {*norm_.weights, p_.distil});
      }
      Tokens<D, Width> prediction(std::size_t s) const {
        return s < branches ? state_[s].output.prediction : distil_.prediction();
      }

      void finish_backward(const std::array<Tokens<D, Width>, streams>& dprediction,
                           const Parameters<Adding<D>>& gradient) {
        for (State& s : state_) s.dfused = take_tokens<wide>(context_, content_);
        if constexpr (has_distil)
          distil_.finish_backward(context_,
                                  {{*norm_.weights, p_.distil}, {*norm_.gradient, gradient.distil}},
                                  dprediction[branches]);
        for (int b = 0; b < branches; ++b) {
          State& s = state_[b];
          const auto& p = p_.branch[b];
          const auto& g = gradient.branch[b];
          const ArenaScope scope(context_.arena);
          const auto dx = take_tokens<Dim>(context_, s.rows);
          const auto dh = take_tokens<Dim>(context_, content_);
          Output::backward(context_, {{p.head_norm, p.head}, {g.head_norm, g.head}},
                           {s.stack.tokens(Depth), s.output}, dprediction[b], dx);
          for (int m = Depth - 1; m >= 0; --m) {
            s.stack.backward(context_, {p.blocks[m], g.blocks[m]}, m, input(b, m), {dx, dh});
            Bridge::backward_weight(context_, s.fused, dh, g.bridges[m]);
            context_.run(
                ops::LinearBackwardInput<D>{.dy = dh,
                                            .w = p.bridges[m].weight,
                                            .dx = s.dfused,
                                            .write = m == Depth - 1 ? Write::assign : Write::add});
          }
          context_.run(ops::TokenGradient<D>{.dx = dx, .rows = AllRows{}, .dtoken = g.token});
        }
      }
      void backward(int point, const LayerIO<D, Encoder>& io, const LayerGradient<D, Encoder>& d,
                    const Parameters<Adding<D>>& gradient) {
        if (has_distil && point == depth) distil_.add_to(context_, d.output);
        each_tap_at(point, [&](int t, int b) {
          const State& s = state_[b];
          TapNorm::backward(context_, {p_.branch[b].norm(t), gradient.branch[b].norm(t)},
                            {io.output, s.moments[t]}, tap_columns(s.dfused, t),
                            {d.output, Write::add});
        });
      }

     private:
      struct State {
        std::int64_t rows = 0;
        Tokens<D, wide> fused, dfused;
        std::array<typename TapNorm::template Moments<D>, taps> moments;
        std::array<Tokens<D, Dim>, Depth> h;
        BlockStack<Block, Depth, D> stack;
        typename Output::template Saved<D> output;
      };
      static Tokens<D, dim> tap_columns(Tokens<D, wide> all, int t) {
        return {all.data() == nullptr ? nullptr : all.data() + t * dim, all.rows(), wide};
      }
      /// visit(tap, branch) for every tap of the point.
      template <class Visit> static void each_tap_at(int point, const Visit& visit) {
        for (int t = 0; t < taps; ++t) {
          if (tap(t) != point) continue;
          for (int b = 0; b < branches; ++b) visit(t, b);
        }
      }
      typename Block::template Input<D> input(int b, int m) const {
        const auto& stream = context_.tables.streams[b];
        return {{}, state_[b].h[m], Context::reach(stream.queries), Context::reach(stream.content)};
      }
      Context& context_;
      const Parameters<Reading<D>>& p_;
      FinalNorm<D, Encoder> norm_;
      std::int64_t content_;
      std::array<State, branches> state_;
      typename Part::template Run<D> distil_;
    };
  };
};

}  // namespace arvit
