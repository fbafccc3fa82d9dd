// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <span>

#include "arvit/core/options.hpp"
#include "arvit/decoder/seam.hpp"
#include "arvit/device/planner.hpp"
#include "arvit/model/vit.hpp"
#include "arvit/order/policy.hpp"
#include "arvit/order/rank.hpp"
#include "arvit/order/semantic.hpp"
#include "arvit/target/target.hpp"

/// What makes a model wrong, looked for before anything is made of its slots and named by one
/// sentence of Pretrainer: one mistake is one error, whatever would have failed after it.
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
template <class T> inline constexpr bool is_target = false;
template <class K, class... O> inline constexpr bool is_target<Target<K, O...>> = true;
template <class T>
concept AnyViT = is_vit<T>;
template <class T>
concept AnyTarget = is_target<T>;
template <class T> struct KindOf;
template <class K, class... O> struct KindOf<Target<K, O...>> { using type = K; };

/// Any device will do to ask whether a call would compile.
using AnyDevice = Planner<Fp32>;
using AnySpace = SpaceOf<AnyDevice>;
using AnyStatistic = Statistic<AnyDevice>;

template <class Kind, class Grid>
concept HasWidth = requires {
  { Kind::template width<Grid> } -> std::convertible_to<int>;
};
template <class Kind, class Grid>
concept ValuesOfPictures =
    requires(const Context<AnyDevice>& c, const TargetInput<AnyDevice>& input,
             Rows<AnyStatistic, Kind::template width<Grid>, AnySpace> target) {
  Kind::template values<Grid>(c, input, target);
};
template <class Kind, class Grid>
concept ValuesGiven =
    requires(const Context<AnyDevice>& c, const TargetInput<AnyDevice>& input,
             Rows<AnyStatistic, Kind::template token_width<Grid>, AnySpace> target) {
  Kind::template values<Grid>(c, input, target);
};

template <class Kind, class Encoder, class Target>
concept HasFor = requires {
  typename Kind::DefaultHead;
  typename Kind::template For<Encoder,
                              typename Target::template HeadKind<typename Kind::DefaultHead>,
                              Target::Kind::template width<typename Encoder::Grid>>;
};
template <class For>
concept DescribesDecoder = requires(int point) {
  with_leading(For::rules, 0);
  { For::uses_norm } -> std::convertible_to<bool>;
  { For::position_dim } -> std::convertible_to<int>;
  { For::reads(point) } -> std::same_as<Reads>;
  typename For::template Parameters<Reading<AnyDevice>>;
  typename For::template Run<AnyDevice>;
};

template <class O>
concept KeysOfFeatures = requires(AnyDevice& device, Arena& arena,
                                  const OrderFeatures<Activation<AnyDevice>, AnySpace>& features,
                                  Matrix<float, AnySpace> key) {
  O::keys(device, arena, features, key);
};
template <class O>
concept OrderFromTeacher = requires {
  requires O::from_teacher;
};
/// The number of groups of every image; 0 where it varies.
template <class O, class Grid> constexpr int fixed_groups() {
  std::array<int, Grid::patches + 1> ends{};
  if (O::fixed_profile) return O::template profile<Grid>(Counter{}, std::span<int>(ends));
  if constexpr (requires { O::extremes; }) return O::groups + 1;
  return 0;
}
template <class O, class Grid>
concept HasConstantProfile = requires {
  typename std::integral_constant<int, fixed_groups<O, Grid>()>;
};
/// Whether an order's groups are rectangles of Rows x Columns patches.
template <class O, class Grid, class R> constexpr bool has_rectangles() {
  if constexpr (requires { O::rows_of_clusters; })
    return Grid::rows == O::rows_of_clusters * R::rows &&
           Grid::columns == O::columns_of_clusters * R::columns;
  else
    return false;
}
/// Whether clusters of Rows x Columns patches cover whole cells of the teacher.
template <class Teacher, class Grid, class R> constexpr bool covers_cells() {
  using Cells = typename Teacher::Grid;
  return Grid::rows % R::rows == 0 && Grid::columns % R::columns == 0 &&
         R::rows * Cells::rows % Grid::rows == 0 &&
         R::columns * Cells::columns % Grid::columns == 0;
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
concept NeedsPositions = requires {
  requires Decoder::needs_positions;
};
template <class Decoder>
concept NeedsOnePatchPerGroup = requires {
  requires Decoder::one_patch_per_group;
};
/// Whether conditions may come with the encoder: a stream of the content itself would predict them.
template <class Encoder, class Decoder> constexpr bool takes_leading() {
  constexpr auto rules = with_leading(Decoder::rules, Encoder::leading_tokens);
  bool takes = rules.class_token == ClassToken::first;
  for (const QueryStream& stream : rules.streams) takes = takes && stream.content != Sees::itself;
  return takes || Encoder::leading_tokens == (Encoder::has_class_token ? 1 : 0);
}
/// Whether an image's rows of a stream end with a prediction of the class token.
template <class Encoder> constexpr bool predicts_class(const QueryStream& stream) {
  return stream.class_query || (stream.content == Sees::itself && Encoder::has_class_token);
}
template <class Encoder, class Decoder> constexpr bool predicts_class() {
  bool any = false;
  for (const QueryStream& stream : Decoder::rules.streams)
    any = any || predicts_class<Encoder>(stream);
  return any;
}

enum class Fault : char {
  none,
  said,  ///< by what stands in a slot
  target_width,
  target_values,
  target_given_values,
  decoder_for,
  decoder_description,
  conditions,
  codes_of_two_tokenizers,
  codes_predict_features,
  order_profile,
  order_grid,  ///< said by the order, in profile()
  order_keys,
  order_keys_of_features,
  order_needs_class_token,
  order_knows_no_conditions,
  order_needs_norm,
  decoder_needs_two_groups,
  decoder_needs_single_patches,
  decoder_needs_positions,
  teacher_of_another_grid,
  teacher_without_features,
  class_without_target,
  resize_without_clusters,
  resize_parts_of_cells
};

/// What is wrong between slots that are right in themselves.
template <class Encoder, class Decoder, class Order, class Target>
consteval Fault fault_between_slots() {
  using Grid = typename Encoder::Grid;
  using Kind = typename Target::Kind;
  constexpr bool reads_codes = Encoder::codes > 0, has_tokens = TargetOfTokens<Kind, Grid>;
  if (!takes_leading<Encoder, Decoder>()) return Fault::conditions;
  if constexpr (reads_codes && HasClasses<Kind>)
    if (Kind::classes != Encoder::codes) return Fault::codes_of_two_tokenizers;
  if (reads_codes && has_tokens && !HasClasses<Kind>) return Fault::codes_predict_features;
  if constexpr (FeatureOrder<Order>) {
    if (!Encoder::has_class_token) return Fault::order_needs_class_token;
    if (Encoder::leading_tokens != 1) return Fault::order_knows_no_conditions;
    if (!OrderFromTeacher<Order> && !Decoder::uses_norm) return Fault::order_needs_norm;
  }
  if constexpr (NeedsTwoGroups<Decoder>)
    if (fixed_groups<Order, Grid>() != 2) return Fault::decoder_needs_two_groups;
  if constexpr (NeedsOnePatchPerGroup<Decoder>)
    if (fixed_groups<Order, Grid>() != Grid::patches + 1)
      return Fault::decoder_needs_single_patches;
  if (NeedsPositions<Decoder> && !Encoder::PositionPolicy::adds && !Encoder::turns)
    return Fault::decoder_needs_positions;
  if constexpr (OrderFromTeacher<Order>) {
    if constexpr (requires { typename Kind::Teacher::Grid; })
      if (Kind::Teacher::Grid::rows != Grid::rows || Kind::Teacher::Grid::columns != Grid::columns)
        return Fault::teacher_of_another_grid;
    if (!has_tokens || !GivesClass<Kind>) return Fault::teacher_without_features;
  }
  if (predicts_class<Encoder, Decoder>() && !GivesClass<Kind>) return Fault::class_without_target;
  if constexpr (Target::resizes) {
    using Resize = typename Target::Resize;
    if (!has_rectangles<Order, Grid, Resize>()) return Fault::resize_without_clusters;
    if (!covers_cells<typename Kind::Teacher, Grid, Resize>() || !GivesClass<Kind>)
      return Fault::resize_parts_of_cells;
  }
  return Fault::none;
}

/// What is wrong with the kinds, each by itself.
template <class Encoder, class DecoderKind, class Order, class Target>
consteval Fault fault_of_kinds() {
  if constexpr (!is_well_formed<Encoder> || !is_well_formed<DecoderKind> ||
                !is_well_formed<Order> || !is_well_formed<typename KindOf<Target>::type> ||
                !is_well_formed<Target>) {
    return Fault::said;
  } else {
    using Grid = typename Encoder::Grid;
    using Kind = typename Target::Kind;
    if constexpr (!HasWidth<Kind, Grid>)
      return Fault::target_width;
    else if constexpr (TargetOfTokens<Kind, Grid> && !ValuesGiven<Kind, Grid>)
      return Fault::target_given_values;
    else if constexpr (!TargetOfTokens<Kind, Grid> && !ValuesOfPictures<Kind, Grid>)
      return Fault::target_values;
    else if constexpr (!HasFor<DecoderKind, Encoder, Target>)
      return Fault::decoder_for;
    else if constexpr (!arvit::Order<Order, Grid>)
      return Fault::order_profile;
    else if constexpr (!order_fits<Order, Grid>())
      return Fault::order_grid;
    else if constexpr (FeatureOrder<Order> && !KeysOfFeatures<Order>)
      return Fault::order_keys_of_features;
    else if constexpr (!FeatureOrder<Order> && !KeyOrder<Order, Grid>)
      return Fault::order_keys;
    else
      return Fault::none;
  }
}

/// The decoder for an encoder and a target, if its kind and theirs are right.
template <class Encoder, class DecoderKind, class Order, class Target,
          Fault = fault_of_kinds<Encoder, DecoderKind, Order, Target>()>
struct DecoderOf {
  struct type {};
};
template <class Encoder, class DecoderKind, class Order, class Target>
struct DecoderOf<Encoder, DecoderKind, Order, Target, Fault::none> {
  using Head = typename Target::template HeadKind<typename DecoderKind::DefaultHead>;
  using type = typename DecoderKind::template For<
      Encoder, Head, Target::Kind::template width<typename Encoder::Grid>>;
};

template <class Encoder, class DecoderKind, class Order, class Target>
using DecoderFor = typename DecoderOf<Encoder, DecoderKind, Order, Target>::type;

/// The order, if it refuses the grid; else one that refuses none.
struct RefusesNone {
  template <class Grid> static constexpr int profile(Counter, std::span<int>) { return 0; }
};
template <class Encoder, class DecoderKind, class Order, class Target>
using UnfitOrder = std::conditional_t<
    fault_of_kinds<Encoder, DecoderKind, Order, Target>() == Fault::order_grid, Order, RefusesNone>;

/// The first thing that is wrong. A branch is compiled only if those before it found nothing.
template <class Encoder, class DecoderKind, class Order, class Target>
consteval Fault find_fault() {
  constexpr Fault of_kinds = fault_of_kinds<Encoder, DecoderKind, Order, Target>();
  using Decoder = DecoderFor<Encoder, DecoderKind, Order, Target>;
  if constexpr (of_kinds != Fault::none)
    return of_kinds;
  else if constexpr (!is_well_formed<Decoder>)
    return Fault::said;
  else if constexpr (!DescribesDecoder<Decoder>)
    return Fault::decoder_description;
  else if constexpr ((NeedsTwoGroups<Decoder> ||
                      NeedsOnePatchPerGroup<Decoder>)&&!HasConstantProfile<Order,
                                                                           typename Encoder::Grid>)
    return Fault::order_profile;
  else
    return fault_between_slots<Encoder, Decoder, Order, Target>();
}
template <class Encoder, class DecoderKind, class Order, class Target>
inline constexpr Fault fault = find_fault<Encoder, DecoderKind, Order, Target>();

/// Made of all that stands in the slots of a Pretrainer, by the Pretrainer itself: so each says
/// right there what is wrong with it, before anything else is made of it. `__is_base_of` makes a
/// type whole, as sizeof does, but has a value whether or not that went well.
struct Made {};
template <auto...> struct Said;
}  // namespace detail

}  // namespace arvit
