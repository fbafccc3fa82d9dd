// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <tuple>
#include <type_traits>
#include <utility>

#include "arvit/nn/code_embedding.hpp"

namespace arvit {

/// A condition token from a frozen teacher or tokenizer (GVP's y_extra, appendix E): the mean of
/// the teacher's patch tokens [Teacher::dim] or, for Pooled<Codes<N>>, the share of the patches
/// that has each code [N], through a linear map.
template <class Teacher> struct Pooled {
  static constexpr bool well_formed = requires { Teacher::classes; }
  || requires { Teacher::dim; };
  using Of = std::type_identity<Teacher>;
  static constexpr bool has_file = true, has_codebook = requires { Teacher::classes; };
  static constexpr int width = [] {
    if constexpr (requires { Teacher::classes; })
      return Teacher::classes;
    else if constexpr (well_formed)
      return Teacher::dim;
    else
      return 1;
  }();
  template <int Dim> using Layer = Linear<width, Dim>;
};

/// A condition token from the image's class, a learned row [Dim] for each of Classes and one for
/// "unknown": of pictures without a label, of one in ten in training, and of all where features are
/// read.
template <int Classes> struct Labels {
  static constexpr bool well_formed = Classes > 1;
  static constexpr bool has_file = false, has_codebook = false;
  static constexpr int width = 1, classes = Classes;
  using Of = std::type_identity<void>;
  static constexpr bool unknown = true;
  template <int Dim> struct Layer {
    template <class C> struct Parameters {
      typename C::template MatrixView<Dim> weight;  // [Classes + 1, Dim]
      constexpr explicit Parameters(C& at)
          : weight(at.template matrix<Classes + 1, Dim>({"weight", {Init::normal, 0.02}})) {}
    };
  };
};

namespace detail {
template <class Kind>
concept LabelKind = requires {
  Kind::unknown;
};

/// Every `step`-th number, from `first` on.
struct EveryWork {
  const std::int32_t* from;
  std::int64_t first, step;
  std::int32_t* to;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const { to[i] = from[i * step + first]; }
};
template <class S> struct LabelsWork {
  const S* from;
  std::int32_t* to;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    to[i] = static_cast<std::int32_t>(from[i]);
  }
};
}  // namespace detail

/// The tokens before the patches (GVP's y, S of them): the learned class token, if any, then a
/// token for every kind of condition. They have no position. At most three kinds.
///
/// Shapes     batch.conditions: kind after kind [images, Kind::width]; class_rows [images *
///            tokens], the rows of each image together
/// Gradients  of parameters are added to; the tokens' rows of dtokens are cleared, so that they
///            reach nothing else.
template <int Dim, bool HasClassToken, class... Kinds> struct ConditionTokens {
  static constexpr bool has_file = (false || ... || Kinds::has_file),
                        has_codebook = (false || ... || Kinds::has_codebook),
                        has_labels = (false || ... || detail::LabelKind<Kinds>);
  static constexpr int kinds = sizeof...(Kinds), tokens = HasClassToken + kinds,
                       width = (0 + ... + Kinds::width);

  template <class C> struct Parameters {
    typename C::template VectorView<Dim> class_token;  // absent without a class token
    std::tuple<typename Kinds::template Layer<Dim>::template Parameters<C>...> kinds;
    constexpr explicit Parameters(C& at, Init start = {Init::normal, 0.02})
        : Parameters(at, start, std::make_index_sequence<sizeof...(Kinds)>()) {}

   private:
    template <std::size_t... K>
    constexpr Parameters(C& at, Init start, std::index_sequence<K...>)
        : class_token(token(at, start)), kinds{of<Kinds>(at, prefixes[K])...} {}
    static constexpr auto token(C& at, Init start) {
      if constexpr (HasClassToken)
        return at.template token<Dim>({"cls_token", start});
      else
        return typename C::template VectorView<Dim>();
    }
    template <class Kind> static constexpr auto of(C& at, const char* prefix) {
      return typename Kind::template Layer<Dim>::template Parameters<C>(at.in(prefix));
    }
    static constexpr std::array prefixes{"condition.0.", "condition.1.", "condition.2."};
  };

  template <Device D>
  static void forward(const Context<D>& c, const Parameters<Reading<D>>& p,
                      const DeviceBatch<D>& batch, Span<const std::int32_t, SpaceOf<D>> class_rows,
                      Tokens<D, Dim> h) {
    if constexpr (HasClassToken) {
      const ArenaScope scope(c.arena);
      c.run(ops::PutToken<D>{.y = h, .rows = rows_of(c, class_rows, 0), .token = p.class_token});
    }
    const auto one = [&]<class Kind>(Kind, const auto& of_kind, const OfKind<D>& in) {
      const auto token = take_tokens<Dim>(c, in.rows.size());
      if constexpr (detail::LabelKind<Kind>)
        c.run(ops::GatherRows<D>{.x = of_kind.weight, .index = labels(c, in.numbers), .y = token});
      else
        Kind::template Layer<Dim>::forward(c, of_kind, activations<Kind::width>(c, in.numbers),
                                           token);
      c.run(ops::ClearRows<D>{.y = h, .index = in.rows});
      c.run(ops::ScatterAddRows<D>{.x = token, .index = in.rows, .y = h});
    };
    each_kind(c, batch, class_rows, p.kinds, one);
  }
  /// dclass_token += the sum of its rows of dh; of a condition, dW += dtoken^T numbers.
  template <Device D>
  static void backward(const Context<D>& c, const DeviceBatch<D>& batch,
                       Span<const std::int32_t, SpaceOf<D>> class_rows, Tokens<D, Dim> dh,
                       const Parameters<Adding<D>>& gradient) {
    if constexpr (HasClassToken) {
      const ArenaScope scope(c.arena);
      c.run(ops::TokenGradient<D>{
          .dx = dh, .rows = rows_of(c, class_rows, 0), .dtoken = gradient.class_token});
    }
    const auto one = [&]<class Kind>(Kind, const auto& of_kind, const OfKind<D>& in) {
      const auto dtoken = take_tokens<Dim>(c, in.rows.size());
      c.run(ops::GatherRows<D>{.x = dh, .index = in.rows, .y = dtoken});
      if constexpr (detail::LabelKind<Kind>) {
        const auto codes = labels(c, in.numbers);
        c.device.for_each(Kind::classes + 1, detail::CodeGradientWork<Activation<D>, Gradient<D>>{
                                                 dtoken.data(), dtoken.stride(), dtoken.rows(), Dim,
                                                 codes.data(), of_kind.weight.data()});
      } else {
        Kind::template Layer<Dim>::backward_weight(c, activations<Kind::width>(c, in.numbers),
                                                   dtoken, of_kind);
      }
    };
    each_kind(c, batch, class_rows, gradient.kinds, one);
    if constexpr (tokens > 0) c.run(ops::ClearRows<D>{.y = dh, .index = class_rows});
  }

  /// ShapeError unless the labels among conditions of `images` images are classes or unknown. On
  /// the host.
  template <class S>
  static void check_labels([[maybe_unused]] const S* conditions,
                           [[maybe_unused]] std::int64_t images) {
    [[maybe_unused]] const auto check = [&]<class Kind>(Kind) {
      if constexpr (detail::LabelKind<Kind>)
        for (std::int64_t i = 0; i < images; ++i)
          if (!(conditions[i] >= 0 && conditions[i] <= Kind::classes) ||
              conditions[i] != static_cast<S>(static_cast<int>(conditions[i])))
            fail<ShapeError>("condition: label ", conditions[i], " of image ", i,
                             " is none of 0 .. ", Kind::classes,
                             ", the last of which means unknown.");
      conditions += images * Kind::width;
    };
    (check(Kinds{}), ...);
  }
  /// visit(kind, what it is made of) for every kind.
  template <class Visit> static void each_kind_of([[maybe_unused]] Visit visit) {
    (visit(Kinds{}, typename Kinds::Of{}), ...);
  }
  /// visit(numbers [images, width of the kind], columns before it, width of the kind) for every
  /// kind.
  template <class S, class Visit>
  static void each_numbers([[maybe_unused]] S conditions, [[maybe_unused]] std::int64_t images,
                           [[maybe_unused]] Visit visit) {
    [[maybe_unused]] std::int64_t begin = 0;
    ((visit(conditions.part(images * begin, images * (begin + Kinds::width)), begin,
            std::int64_t{Kinds::width}),
      begin += Kinds::width),
     ...);
  }

 private:
  /// The rows of one kind's token, and its numbers [images, width].
  template <class D> struct OfKind {
    Span<const std::int32_t, SpaceOf<D>> rows;
    Span<const Statistic<D>, SpaceOf<D>> numbers;
  };
  /// The rows of token `which` of every image.
  template <Device D>
  static Span<const std::int32_t, SpaceOf<D>> rows_of(
      const Context<D>& c, Span<const std::int32_t, SpaceOf<D>> class_rows, int which) {
    if constexpr (tokens == 1) return class_rows;
    const auto rows = c.arena.template span<std::int32_t, SpaceOf<D>>(class_rows.size() / tokens);
    c.device.for_each(rows.size(),
                      detail::EveryWork{class_rows.data(), which, tokens, rows.data()});
    return rows;
  }
  /// work(kind, its parameters, OfKind) for every kind; what it takes of the scratch is given back.
  template <Device D, class Tuple, class Work>
  static void each_kind(const Context<D>& c, const DeviceBatch<D>& batch,
                        Span<const std::int32_t, SpaceOf<D>> class_rows, const Tuple& parameters,
                        const Work& work) {
    const std::int64_t count = class_rows.size() / std::max(1, tokens);
    std::int64_t begin = 0;
    visit_kinds(std::make_index_sequence<kinds>(), [&](auto kind, auto place) {
      const ArenaScope scope(c.arena);
      const int which = HasClassToken + static_cast<int>(place());
      const std::int64_t end = begin + count * decltype(kind)::width;
      work(kind, std::get<place()>(parameters),
           OfKind<D>{rows_of(c, class_rows, which), batch.conditions.part(begin, end)});
      begin = end;
    });
  }
  template <std::size_t... K, class Visit>
  static void visit_kinds(std::index_sequence<K...>, [[maybe_unused]] const Visit& visit) {
    (visit(Kinds{}, std::integral_constant<std::size_t, K>()), ...);
  }
  template <Device D>
  static Span<const std::int32_t, SpaceOf<D>> labels(const Context<D>& c,
                                                     Span<const Statistic<D>, SpaceOf<D>> numbers) {
    const auto result = c.arena.template span<std::int32_t, SpaceOf<D>>(numbers.size());
    c.device.for_each(result.size(),
                      detail::LabelsWork<Statistic<D>>{numbers.data(), result.data()});
    return result;
  }
  template <int Width, Device D>
  static ConstTokens<D, Width> activations(const Context<D>& c,
                                           Span<const Statistic<D>, SpaceOf<D>> numbers) {
    static_assert(std::same_as<Weight<D>, Activation<D>>,
                  "ConditionTokens: conditions are converted as weights are; use a precision in "
                  "which both have one type.");
    const auto result = take_tokens<Width>(c, numbers.size() / Width);
    c.run(ops::Convert<D>{.masters = numbers,
                          .weights = Span<Weight<D>, SpaceOf<D>>(result.data(), numbers.size())});
    return result;
  }
};

}  // namespace arvit
