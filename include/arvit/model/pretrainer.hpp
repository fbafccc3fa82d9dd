// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "arvit/decoder/seam.hpp"
#include "arvit/model/vit.hpp"
#include "arvit/nn/code_embedding.hpp"
#include "arvit/order/policy.hpp"
#include "arvit/order/semantic.hpp"
#include "arvit/target/target.hpp"

namespace arvit {

/// The decoder slot of a Pretrainer: Decoder<Parallel<Depth, ...> | TwoStream<...> | Twin<Depth,
/// Dim, ...> | Causal | Joint<Depth, Dim, Heads> | InPlace | Distil>, or a kind of the user's own
/// (seam.hpp).
template <class Kind_> struct Decoder { using Kind = Kind_; };

namespace detail {
template <class T> inline constexpr bool is_vit = false;
template <int Depth, int Dim, int Heads, class... O>
inline constexpr bool is_vit<ViT<Depth, Dim, Heads, O...>> = true;
template <class T> inline constexpr bool is_decoder = false;
template <class K> inline constexpr bool is_decoder<Decoder<K>> = true;
template <class T> inline constexpr bool is_order = false;
template <class K> inline constexpr bool is_order<OrderPolicy<K>> = true;

/// The number of groups of every image; 0 where it varies. Whatever the profile, its body is
/// compiled, and with it its assertions about the grid.
template <class O, class Grid> constexpr int fixed_groups() {
  if constexpr (arvit::Order<O, Grid>) {
    std::array<int, Grid::patches + 1> ends{};
    if (O::fixed_profile) return O::template profile<Grid>(Counter{}, std::span<int>(ends));
  }
  if constexpr (requires { O::extremes; }) return O::groups + 1;
  return 0;
}
template <class O>
concept OrderFromTeacher = requires {
  requires O::from_teacher;
};
/// Whether an order's groups are rectangles of Rows x Columns patches.
template <class O, class Grid, class R> constexpr bool has_rectangles() {
  if constexpr (requires { O::rows_of_clusters; })
    return Grid::rows == O::rows_of_clusters * R::rows &&
           Grid::columns == O::columns_of_clusters * R::columns;
  else
    return false;
}
template <class Kind>
concept GivesClass = requires {
  requires Kind::has_class;
};
template <class Decoder>
concept NeedsTwoGroups = requires {
  requires Decoder::two_groups;
};
template <class Decoder>
concept NeedsOnePatchPerGroup = requires {
  requires Decoder::one_patch_per_group;
};
}  // namespace detail

template <class Model, class D> class PretrainPass;  // pretrain_pass.hpp

/// A model: what is encoded, how it is decoded, in which order, and what is predicted. Only a
/// description; see pretrain_pass.hpp for a step. This is the body for wrong slots; the right ones
/// follow.
template <class Encoder, class Decoder, class Order, class Target> struct Pretrainer {
  static_assert(detail::is_vit<Encoder>,
                "Pretrainer<Encoder, Decoder, Order, Target>: the first slot must be a ViT<Depth, "
                "Dim, Heads, Options...>.");
  static_assert(
      !detail::is_vit<Encoder> || detail::is_decoder<Decoder>,
      "Pretrainer<Encoder, Decoder, Order, Target>: the second slot must be a Decoder<Kind>.");
  static_assert(
      !detail::is_decoder<Decoder> || detail::is_order<Order>,
      "Pretrainer<Encoder, Decoder, Order, Target>: the third slot must be an OrderPolicy<Kind>.");
  static_assert(!detail::is_order<Order>,
                "Pretrainer<Encoder, Decoder, Order, Target>: the fourth slot must be a "
                "Target<Kind, Options...>.");
  static constexpr std::int64_t parameter_count = 1;
};

template <int Depth, int Dim, int Heads, class... EncoderOptions, class DecoderKind,
          class OrderKind, class TargetKind, class... TargetOptions>
struct Pretrainer<ViT<Depth, Dim, Heads, EncoderOptions...>, Decoder<DecoderKind>,
                  OrderPolicy<OrderKind>, Target<TargetKind, TargetOptions...>> {
  using Encoder = ViT<Depth, Dim, Heads, EncoderOptions...>;
  using Grid = typename Encoder::Grid;
  using Order = OrderKind;
  using Target = arvit::Target<TargetKind, TargetOptions...>;
  static constexpr int target_width = Target::Kind::template width<Grid>;
  using HeadKind = typename Target::template HeadKind<typename DecoderKind::DefaultHead>;
  using Decoder = typename DecoderKind::template For<Encoder, HeadKind, target_width>;
  static constexpr auto rules = with_leading(Decoder::rules, Encoder::leading_tokens);
  static constexpr std::size_t streams = rules.streams.size();
  static_assert(
      [] {
        bool whole = rules.class_token ==
                     ClassToken::first;  // a stream of the content itself predicts it, and
                                         // conditions are not to be predicted
        for (const QueryStream& stream : rules.streams)
          whole = whole && stream.content != Sees::itself;
        return whole || Encoder::leading_tokens == (Encoder::has_class_token ? 1 : 0);
      }(),
      "Pretrainer: Conditions are tokens of rank 0, which this decoder has not; use Twin<..., "
      "ClassFirst> or another decoder, or drop Conditions.");
  /// Numbers that come with every image, from a teacher or a file: the target's [tokens,
  /// Target::token_width] or the codes that the encoder reads [patches], which are those of the
  /// target if it has any; 0 if none come.
  static constexpr bool reads_codes = Encoder::codes > 0;
  static constexpr int token_given_width = reads_codes ? Grid::patches
                                                       : Target::template given_width<Grid>;
  /// ... and its conditions, which follow those of all images of a batch, kind after kind [images,
  /// width].
  static constexpr int given_width = token_given_width + Encoder::condition_width;
  /// Whether a step needs the pixels, not only what comes with them.
  static constexpr bool reads_pixels = !reads_codes || !GivenTarget<TargetKind, Grid>;
  static constexpr int image_width = reads_pixels ? Grid::image_width : 0;
  /// The codes of the tokenizer whose codes come with every image; 0 if none do.
  static constexpr int codes = [] {
    if constexpr (detail::HasClasses<TargetKind>)
      return TargetKind::classes;
    else
      return Encoder::codes;
  }();
  static_assert(!reads_codes || codes == Encoder::codes,
                "Pretrainer: Embedding<Codes<N>> and Target<Codes<M>> have one tokenizer; give "
                "both the same number of codes.");
  /// ShapeError unless the codes and labels in what is given with `images` images, on the host, are
  /// the model's.
  template <class S> static void check_given(const S* given, std::int64_t images) {
    if constexpr (codes > 0) check_codes(given, images, token_given_width, codes);
    Encoder::Leading::check_labels(given + images * token_given_width, images);
  }
  static_assert(!reads_codes || detail::HasClasses<TargetKind> || !GivenTarget<TargetKind, Grid>,
                "Pretrainer: an encoder that reads codes predicts codes or pixels; choose such a "
                "target, or drop Embedding.");

  static constexpr bool has_profile = arvit::Order<
      Order, Grid>;  // a name, so that the compiler prints the sentence and not the concept
  static_assert(has_profile,
                "Pretrainer: OrderPolicy<Kind> needs a Kind with fixed_profile and "
                "profile<Grid>(Counter, std::span<int>).");
  static_assert(
      !has_profile || KeyOrder<Order, Grid> || FeatureOrder<Order>,
      "Pretrainer: OrderPolicy<Kind> needs a Kind with keys from counters or from features.");
  static_assert(!FeatureOrder<Order> || Encoder::has_class_token,
                "Pretrainer: an order from features (Semantic) needs the encoder's class token; "
                "drop NoClassToken.");
  static_assert(!FeatureOrder<Order> || !Encoder::has_class_token || Encoder::leading_tokens == 1,
                "Pretrainer: an order from features (Semantic) knows no Conditions; drop them or "
                "choose another order.");
  static_assert(!FeatureOrder<Order> || detail::OrderFromTeacher<Order> || Decoder::uses_norm,
                "Pretrainer: an order from features (Semantic) needs a decoder that trains the "
                "encoder's final norm.");
  static_assert(!has_profile || !detail::NeedsTwoGroups<Decoder> ||
                    detail::fixed_groups<Order, Grid>() == 2,
                "Pretrainer: Decoder<Joint> and Decoder<InPlace> need an order of two groups, "
                "visible and masked, such as OrderPolicy<RandomMask<>>.");
  static_assert(!has_profile || !detail::NeedsOnePatchPerGroup<Decoder> ||
                    detail::fixed_groups<Order, Grid>() == Grid::patches + 1,
                "Pretrainer: Decoder<Causal> needs an order with one patch per rank, such as "
                "OrderPolicy<Raster>.");

  static_assert(
      [] {
        if constexpr (detail::OrderFromTeacher<Order> && token_given_width > 0)
          return Target::Kind::Teacher::Grid::rows == Grid::rows &&
                 Target::Kind::Teacher::Grid::columns == Grid::columns;
        else
          return true;
      }(),
      "Pretrainer: Semantic<FromTeacher> needs a teacher with the model's own grid of patches.");
  static_assert(!detail::OrderFromTeacher<Order> ||
                    (token_given_width > 0 && detail::GivesClass<typename Target::Kind>),
                "Pretrainer: Semantic<FromTeacher> orders by the teacher's features; it needs "
                "Target<Features<Teacher>> with a teacher that has a class token.");
  /// Whether an image's rows of stream s end with a prediction of the class token.
  static constexpr bool class_row(std::size_t s) {
    const QueryStream& stream = rules.streams[s];
    return stream.class_query || (stream.content == Sees::itself && Encoder::has_class_token);
  }
  static_assert(
      [] {
        bool asks = false;
        for (std::size_t s = 0; s < streams; ++s) asks = asks || class_row(s);
        return !asks || detail::GivesClass<typename Target::Kind>;
      }(),
      "Pretrainer: the decoder predicts the class token, but the target has none; use Twin<..., "
      "ClassFirst>, an encoder without class token, or a teacher with one.");
  static_assert(
      [] {
        if constexpr (Target::resizes)
          return detail::has_rectangles<Order, Grid, typename Target::Resize>();
        else
          return true;
      }(),
      "Pretrainer: ResizePrediction<Rows, Columns> needs an order of clusters of Rows x Columns "
      "patches, such as OrderPolicy<Cluster<2, 2>> with half the grid's rows and columns.");

  static constexpr auto groups() {
    if constexpr (Decoder::uses_norm)
      return std::tuple_cat(Encoder::groups(), Decoder::groups());
    else
      return std::tuple_cat(Encoder::body_groups(), Decoder::groups());
  }
  static constexpr std::int64_t parameter_count = Encoder::body_parameter_count +
                                                  (Decoder::uses_norm
                                                       ? Encoder::Norm::parameter_count
                                                       : 0) +
                                                  Decoder::parameter_count;

  /// Every parameter, in the order of the flat buffer.
  static const std::vector<PlacedTensor>& parameters() {
    static constexpr auto listed = groups();  // made by the compiler: no code
    static const std::vector<PlacedTensor> all = placed_tensors(listed);
    return all;
  }

  template <class D> using Pass = PretrainPass<Pretrainer, D>;

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

  template <class C> struct Parameters {
    typename Encoder::template Parameters<C> encoder;
    typename Encoder::Norm::template Parameters<C> norm;  // meaningless unless Decoder::uses_norm
    typename Decoder::template Parameters<C> decoder;
    constexpr explicit Parameters(C at) : Parameters(at, at) {}

   private:
    constexpr Parameters(C& at, C) : encoder(at), norm(norm_at(at)), decoder(at) {}
    static constexpr auto norm_at(C& at) {
      if constexpr (Decoder::uses_norm)
        return typename Encoder::Norm::template Parameters<C>(at);
      else {
        C unused = at;
        return typename Encoder::Norm::template Parameters<C>(unused);
      }
    }
  };
};

/// Models whose target is the codes of a tokenizer, and those whose target is the features of an
/// encoder of ours (towers, target/features.hpp, are not here).
template <class Model>
concept UsesCodes = (Model::codes > 0);
template <class Model>
concept LearnsFromEncoder = Model::token_given_width >
0 && detail::is_vit<typename Model::Target::Kind::Teacher>;

}  // namespace arvit
