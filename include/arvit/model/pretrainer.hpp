// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <vector>

#include "arvit/decoder/causal.hpp"
#include "arvit/model/faults.hpp"
#include "arvit/model/vit.hpp"
#include "arvit/nn/code_embedding.hpp"
#include "arvit/order/policy.hpp"
#include "arvit/order/raster.hpp"
#include "arvit/target/pixel.hpp"
#include "arvit/target/target.hpp"

namespace arvit {

template <class Model, class D> class PretrainPass;  // pretrain_pass.hpp

template <class Encoder, class Decoder, class Order, class Target> struct Pretrainer;

namespace detail {
/// What a right model is made of.
template <class Encoder_, class DecoderKind, class OrderKind, class Target_, class Said,
          Fault = fault<Encoder_, DecoderKind, OrderKind, Target_>>
struct PretrainerBody;

template <class Encoder_, class DecoderKind, class OrderKind, class Target_, class Said>
struct PretrainerBody<Encoder_, DecoderKind, OrderKind, Target_, Said, Fault::none> {
  using Encoder = Encoder_;
  using Grid = typename Encoder::Grid;
  using Order = OrderKind;
  using Target = Target_;
  static constexpr int target_width = Target::Kind::template width<Grid>;
  using HeadKind = typename Target::template HeadKind<typename DecoderKind::DefaultHead>;
  using Decoder = typename DecoderKind::template For<Encoder, HeadKind, target_width>;
  static constexpr auto rules = with_leading(Decoder::rules, Encoder::leading_tokens);
  static constexpr std::size_t streams = rules.streams.size();
  static constexpr bool reads_codes = Encoder::codes > 0;
  /// What a step reads of each image, for encoder and target together. Codes that the encoder reads
  /// are those of the target, if that has any.
  static constexpr BatchWidths batch_widths = [] {
    constexpr bool of_tokens = TargetOfTokens<typename Target::Kind, Grid>;
    BatchWidths widths = Encoder::batch_widths();
    if (!of_tokens) widths.pixels = Grid::image_width;
    if (of_tokens && !reads_codes)
      (HasClasses<typename Target::Kind> ? widths.codes
                                         : widths.tokens) = Target::template tokens_width<Grid>;
    return widths;
  }();
  /// The codes of the tokenizer whose codes come with every image; 0 if none do.
  static constexpr int codes = [] {
    if constexpr (HasClasses<typename Target::Kind>)
      return Target::Kind::classes;
    else
      return Encoder::codes;
  }();
  /// ShapeError unless the codes and labels of a batch of `images` images are the model's.
  template <class S> static void check_contents(const Batch<const S>& batch, std::int64_t images) {
    if constexpr (codes > 0) check_codes(batch.codes.data(), images, batch_widths.codes, codes);
    Encoder::Leading::check_labels(batch.conditions.data(), images);
  }
  /// Whether an image's rows of stream s end with a prediction of the class token.
  static constexpr bool class_row(std::size_t s) {
    return detail::predicts_class<Encoder>(rules.streams[s]);
  }

  template <class C> struct Parameters {
    typename Encoder::template Parameters<C> encoder;
    typename Encoder::Norm::template Parameters<C> norm;  // meaningless unless Decoder::uses_norm
    typename Decoder::template Parameters<C> decoder;
    constexpr explicit Parameters(C& at)
        : encoder(at), norm(at.template in_if<Decoder::uses_norm>("norm.")), decoder(at) {}
    constexpr explicit Parameters(C&& at) : Parameters(at) {}
  };
  static constexpr std::int64_t parameter_count = count_of<PretrainerBody>();
  /// Every parameter, in the order of the flat buffer.
  static const std::vector<PlacedTensor>& parameters() {
    static const std::vector<PlacedTensor> all = tensors_of<PretrainerBody>();
    return all;
  }

  template <class D>
  using Pass = PretrainPass<
      Pretrainer<Encoder, arvit::Decoder<DecoderKind>, OrderPolicy<OrderKind>, Target>, D>;

  /// Rows of each stream that carry loss, for the images of `counters`: known before any of them is
  /// read.
  static std::array<std::int64_t, streams> loss_rows(std::span<const Counter> counters) {
    std::array<std::int64_t, streams> total{};
    std::array<int, Grid::patches + 1> ends{};
    for (const Counter& counter : counters) {
      const int groups = Order::template profile<Grid>(counter, std::span<int>(ends));
      const auto rows = count_rows(rules, std::span<const int>(ends).first(groups));
      for (std::size_t s = 0; s < streams; ++s) total[s] += rows.queries[s];
    }
    return total;
  }
  /// ... for given ranks [images, patches].
  static std::array<std::int64_t, streams> loss_rows(std::span<const int> ranks) {
    std::array<std::int64_t, streams> total{};
    std::vector<int> ends;
    std::vector<std::int32_t> permutation;
    for (std::size_t i = 0; i + Grid::patches <= ranks.size(); i += Grid::patches) {
      profile_of_ranks(ranks.subspan(i, Grid::patches), ends, permutation);
      const auto rows = count_rows(rules, std::span<const int>(ends));
      for (std::size_t s = 0; s < streams; ++s) total[s] += rows.queries[s];
    }
    return total;
  }
};

/// What stands in for a wrong model once its sentence is said, so that a program that uses it gives
/// no other error: a small right one. (Of a parameter, so that right programs never make it.)
template <class> struct StandIn {
  using type =
      Pretrainer<ViT<1, 4, 1>, arvit::Decoder<Causal>, OrderPolicy<Raster>, arvit::Target<Pixel>>;
};
template <class Encoder, class DecoderKind, class OrderKind, class Target, class Said, Fault>
struct PretrainerBody : StandIn<Encoder>::type {};
}  // namespace detail

/// A model: what is encoded, how it is decoded, in which order, and what is predicted. Only a
/// description; see pretrain_pass.hpp for a step. This is the one of wrong slots; the right ones
/// follow.
template <class Encoder, class Decoder, class Order, class Target>
struct Pretrainer : detail::StandIn<Encoder>::type {
  static constexpr bool first = detail::is_vit<Encoder>, second = detail::is_decoder<Decoder>,
                        third = detail::is_order<Order>;
  static_assert(first,
                "Pretrainer<Encoder, Decoder, Order, Target>: the first slot must be a ViT<Depth, "
                "Dim, Heads, Options...>.");
  static_assert(
      second || !first,
      "Pretrainer<Encoder, Decoder, Order, Target>: the second slot must be a Decoder<Kind>.");
  static_assert(
      third || !second || !first,
      "Pretrainer<Encoder, Decoder, Order, Target>: the third slot must be an OrderPolicy<Kind>.");
  static_assert(!third || !second || !first,
                "Pretrainer<Encoder, Decoder, Order, Target>: the fourth slot must be a "
                "Target<Kind, Options...>.");
};

template <detail::AnyViT Encoder, class DecoderKind, class OrderKind, detail::AnyTarget Target>
struct Pretrainer<Encoder, Decoder<DecoderKind>, OrderPolicy<OrderKind>, Target>
    : detail::PretrainerBody<
          Encoder, DecoderKind, OrderKind, Target,
          detail::Said<__is_base_of(detail::Made, Encoder),
                       __is_base_of(detail::Made, typename Encoder::Grid),
                       __is_base_of(detail::Made, DecoderKind),
                       __is_base_of(detail::Made, OrderKind),
                       __is_base_of(detail::Made, typename detail::KindOf<Target>::type),
                       __is_base_of(detail::Made, Target),
                       __is_base_of(detail::Made,
                                    detail::DecoderFor<Encoder, DecoderKind, OrderKind, Target>),
                       &detail::UnfitOrder<Encoder, DecoderKind, OrderKind,
                                           Target>::template profile<typename Encoder::Grid>>> {
  using Fault = detail::Fault;
  static constexpr Fault fault = detail::fault<Encoder, DecoderKind, OrderKind, Target>;

  static_assert(fault != Fault::target_width,
                "Pretrainer: Target<Kind> needs a Kind with `template <class Grid> static "
                "constexpr int width`, the numbers that are predicted per patch "
                "(target/target.hpp).");
  static_assert(fault != Fault::target_values,
                "Pretrainer: Target<Kind> needs a Kind with `template <class Grid, class D> "
                "static void values(const Context<D>&, const TargetInput<D>&, Rows<Statistic<D>, "
                "width<Grid>, SpaceOf<D>> target)` (target/target.hpp).");
  static_assert(fault != Fault::target_given_values,
                "Pretrainer: Target<Kind> of numbers that are given (`tokens`) needs a Kind with "
                "`template <class Grid, class D> static void values(const Context<D>&, const "
                "TargetInput<D>&, Rows<Statistic<D>, token_width<Grid>, SpaceOf<D>> target)` "
                "(target/target.hpp).");
  static_assert(fault != Fault::decoder_for,
                "Pretrainer: Decoder<Kind> needs a Kind with `using DefaultHead` and `template "
                "<class Encoder, class HeadKind, int Width> struct For` (decoder/seam.hpp).");
  static_assert(fault != Fault::decoder_description,
                "Pretrainer: Decoder<Kind> needs a Kind whose For has rules, uses_norm, "
                "position_dim, reads(int), Parameters<C> and Run<D> (decoder/seam.hpp).");
  static_assert(fault != Fault::order_profile,
                "Pretrainer: OrderPolicy<Kind> needs a Kind with `static constexpr bool "
                "fixed_profile` and `template <class Grid> static constexpr int profile(Counter, "
                "std::span<int> ends)` (order/rank.hpp).");
  static_assert(fault != Fault::order_keys,
                "Pretrainer: OrderPolicy<Kind> needs a Kind with keys from counters, `template "
                "<class Grid> static void keys(Counter, std::span<float> key)` (order/rank.hpp), "
                "or from features (order/semantic.hpp).");
  static_assert(fault != Fault::order_keys_of_features,
                "Pretrainer: OrderPolicy<Kind> with needs_features needs a Kind with `template "
                "<class D, class A, class Space> static void keys(D&, Arena&, const "
                "OrderFeatures<A, Space>&, Matrix<float, Space> key)` (order/semantic.hpp).");

  static_assert(fault != Fault::conditions,
                "Pretrainer: Conditions are tokens of rank 0, which this decoder has not; use "
                "Twin<..., ClassFirst> or another decoder, or drop Conditions.");
  static_assert(fault != Fault::codes_of_two_tokenizers,
                "Pretrainer: Embedding<Codes<N>> and Target<Codes<M>> have one tokenizer; give "
                "both the same number of codes.");
  static_assert(fault != Fault::codes_predict_features,
                "Pretrainer: an encoder that reads codes predicts codes or pixels; choose such a "
                "target, or drop Embedding.");
  static_assert(fault != Fault::order_needs_class_token,
                "Pretrainer: an order from features (Semantic) needs the encoder's class token; "
                "drop NoClassToken.");
  static_assert(fault != Fault::order_knows_no_conditions,
                "Pretrainer: an order from features (Semantic) knows no Conditions; drop them or "
                "choose another order.");
  static_assert(fault != Fault::order_needs_norm,
                "Pretrainer: an order from features (Semantic) needs a decoder that trains the "
                "encoder's final norm.");
  static_assert(fault != Fault::decoder_needs_two_groups,
                "Pretrainer: this decoder needs an order of two groups, visible and masked, such "
                "as OrderPolicy<RandomMask<>>.");
  static_assert(fault != Fault::decoder_needs_single_patches,
                "Pretrainer: this decoder needs an order with one patch per rank, such as "
                "OrderPolicy<Raster>.");
  static_assert(fault != Fault::decoder_needs_positions,
                "Pretrainer: this decoder's queries differ in nothing but their positions; drop "
                "NoPositions, or use Decoder<Causal>, Joint or Twin.");
  static_assert(fault != Fault::teacher_of_another_grid,
                "Pretrainer: Semantic<FromTeacher> needs a teacher with the model's own grid of "
                "patches.");
  static_assert(fault != Fault::teacher_without_features,
                "Pretrainer: Semantic<FromTeacher> orders by the teacher's features; it needs "
                "Target<Features<Teacher>> with a teacher that has a class token.");
  static_assert(fault != Fault::class_without_target,
                "Pretrainer: the decoder predicts the class token, but the target has none; use "
                "Twin<..., ClassFirst>, an encoder without class token, or a teacher with one.");
  static_assert(fault != Fault::resize_without_clusters,
                "Pretrainer: ResizePrediction<Rows, Columns> needs an order of clusters of Rows x "
                "Columns patches, such as OrderPolicy<Cluster<2, 2>> with half the grid's rows and "
                "columns.");
  static_assert(fault != Fault::resize_parts_of_cells,
                "Pretrainer: Target<..., ResizePrediction<Rows, Columns>>: clusters of Rows x "
                "Columns patches must divide the grid and cover whole cells of a teacher with a "
                "class token.");
};

/// Models whose target is the codes of a tokenizer, and those whose target is the features of an
/// encoder of ours (towers, target/features.hpp, are not here).
template <class Model>
concept UsesCodes = (Model::codes > 0);
template <class Model>
concept LearnsFromEncoder =
    (Model::batch_widths.tokens > 0) && detail::is_vit<typename Model::Target::Kind::Teacher>;
/// Models whose predictions can be shown as they are: pixels of a patch, in its order.
template <class Model>
concept PredictsPixels = requires {
  requires Model::Target::Kind::is_picture;
};

}  // namespace arvit
