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
    static constexpr std::int64_t parameter_count = std::int64_t{Classes + 1} * Dim;
    static constexpr auto tensors() {
      return Tensors<1>{Tensor{"weight", {Classes + 1, Dim}, {Init::normal, 0.02}, true}};
    }
    template <class C> struct Parameters {
      typename C::template MatrixView<Dim> weight;  // [Classes + 1, Dim]
      constexpr explicit Parameters(C& at) : weight(at.template matrix<Classes + 1, Dim>()) {}
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
/// Shapes     images.conditions: kind after kind [images, Kind::width]; class_rows [images *
/// tokens], the rows of each image together Gradients  of parameters are added to; the tokens' rows
/// of dtokens are cleared, so that they reach nothing else.
template <int Dim, bool HasClassToken, class... Kinds> struct ConditionTokens {
  static constexpr bool has_file = (false || ... || Kinds::has_file),
                        has_codebook = (false || ... || Kinds::has_codebook),
                        has_labels = (false || ... || detail::LabelKind<Kinds>);
  static constexpr int kinds = sizeof...(Kinds), tokens = HasClassToken + kinds,
                       width = (0 + ... + Kinds::width);
  static constexpr std::int64_t parameter_count = (HasClassToken ? Dim : 0) +
                                                  (std::int64_t{0} + ... +
                                                   Kinds::template Layer<Dim>::parameter_count);

  static constexpr auto tensors(Init class_token = {Init::normal, 0.02}) {
    return [&]<std::size_t... K>(std::index_sequence<K...>) {
      constexpr std::array prefixes{"condition.0.", "condition.1.", "condition.2."};
      if constexpr (HasClassToken)
        return join(Tensors<1>{Tensor{"cls_token", {1, 1, Dim}, class_token, true}},
                    prefixed(prefixes[K], Kinds::template Layer<Dim>::tensors())...);
      else
        return join(prefixed(prefixes[K], Kinds::template Layer<Dim>::tensors())...);
    }
    (std::make_index_sequence<kinds>());
  }

  template <class C> struct Parameters {
    typename C::template VectorView<Dim> class_token;  // absent without a class token
    std::tuple<typename Kinds::template Layer<Dim>::template Parameters<C>...> kinds;
    constexpr explicit Parameters(C& at)
        : class_token(token(at)),
          kinds{typename Kinds::template Layer<Dim>::template Parameters<C>(at)...} {}

   private:
    static constexpr auto token(C& at) {
      if constexpr (HasClassToken)
        return at.template vector<Dim>();
      else
        return typename C::template VectorView<Dim>();
    }
  };

  template <Device D>
  static void forward(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                      const Pictures<D>& images, Span<const std::int32_t, SpaceOf<D>> class_rows,
                      Tokens<D, Dim> h) {
    if constexpr (HasClassToken) {
      const ArenaScope scope(scratch);
      device.put_token(h, rows_of(device, scratch, class_rows, 0), p.class_token, Write::assign);
    }
    each_kind(
        device, scratch, images, class_rows,
        [&]<class Kind>(Kind, const auto& of_kind, auto rows,
                        Span<const Statistic<D>, SpaceOf<D>> given) {
          const auto token = scratch.template rows<Activation<D>, Dim, SpaceOf<D>>(rows.size());
          if constexpr (detail::LabelKind<Kind>)
            device.gather_rows(of_kind.weight, labels(device, scratch, given), token);
          else
            Kind::template Layer<Dim>::forward(
                device, of_kind, activations<Kind::width>(device, scratch, given), token);
          device.clear_rows(h, rows);
          device.scatter_add_rows(token, rows, h);
        },
        p.kinds);
  }
  template <Device D>
  static void backward(D& device, Arena& scratch, const Pictures<D>& images,
                       Span<const std::int32_t, SpaceOf<D>> class_rows, Tokens<D, Dim> dh,
                       const Parameters<Adding<D>>& gradient) {
    if constexpr (HasClassToken) {
      const ArenaScope scope(scratch);
      device.token_gradient(dh, rows_of(device, scratch, class_rows, 0), gradient.class_token);
    }
    each_kind(
        device, scratch, images, class_rows,
        [&]<class Kind>(Kind, const auto& of_kind, auto rows,
                        Span<const Statistic<D>, SpaceOf<D>> given) {
          const auto dtoken = scratch.template rows<Activation<D>, Dim, SpaceOf<D>>(rows.size());
          device.gather_rows(dh, rows, dtoken);
          if constexpr (detail::LabelKind<Kind>) {
            const auto codes = labels(device, scratch, given);
            device.for_each(Kind::classes + 1, detail::CodeGradientWork<Activation<D>, Gradient<D>>{
                                                   dtoken.data(), dtoken.stride(), dtoken.rows(),
                                                   Dim, codes.data(), of_kind.weight.data()});
          } else {
            device.linear_backward_weight(dtoken, activations<Kind::width>(device, scratch, given),
                                          of_kind.weight, of_kind.bias);
          }
        },
        gradient.kinds);
    if constexpr (tokens > 0) device.clear_rows(dh, class_rows);
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
  /// The rows of token `which` of every image.
  template <Device D>
  static Span<const std::int32_t, SpaceOf<D>> rows_of(
      D& device, Arena& scratch, Span<const std::int32_t, SpaceOf<D>> class_rows, int which) {
    if constexpr (tokens == 1) return class_rows;
    const auto rows = scratch.span<std::int32_t, SpaceOf<D>>(class_rows.size() / tokens);
    device.for_each(rows.size(), detail::EveryWork{class_rows.data(), which, tokens, rows.data()});
    return rows;
  }
  /// work(kind, its parameters, its rows, its numbers [images, width]) for every kind; what it
  /// takes of the scratch is given back.
  template <Device D, class Work, class Tuple>
  static void each_kind(D& device, Arena& scratch, const Pictures<D>& images,
                        Span<const std::int32_t, SpaceOf<D>> class_rows, [[maybe_unused]] Work work,
                        const Tuple& parameters) {
    const std::int64_t count = class_rows.size() / std::max(1, tokens);
    [&]<std::size_t... K>(std::index_sequence<K...>) {
      [[maybe_unused]] std::int64_t begin = 0;
      [[maybe_unused]] const auto one = [&]<class Kind>(Kind kind, int place, const auto& of_kind) {
        const ArenaScope scope(scratch);
        work(kind, of_kind, rows_of(device, scratch, class_rows, HasClassToken + place),
             images.conditions.part(begin, begin + count * Kind::width));
        begin += count * Kind::width;
      };
      (one(Kinds{}, static_cast<int>(K), std::get<K>(parameters)), ...);
    }
    (std::make_index_sequence<kinds>());
  }
  template <Device D>
  static Span<const std::int32_t, SpaceOf<D>> labels(D& device, Arena& scratch,
                                                     Span<const Statistic<D>, SpaceOf<D>> given) {
    const auto result = scratch.span<std::int32_t, SpaceOf<D>>(given.size());
    device.for_each(result.size(), detail::LabelsWork<Statistic<D>>{given.data(), result.data()});
    return result;
  }
  template <int Width, Device D>
  static ConstTokens<D, Width> activations(D& device, Arena& scratch,
                                           Span<const Statistic<D>, SpaceOf<D>> given) {
    static_assert(std::same_as<Weight<D>, Activation<D>>,
                  "ConditionTokens: conditions are converted as weights are; use a precision in "
                  "which both have one type.");
    const auto result = scratch.rows<Activation<D>, Width, SpaceOf<D>>(given.size() / Width);
    device.convert(given, Span<Weight<D>, SpaceOf<D>>(result.data(), given.size()));
    return result;
  }
};

}  // namespace arvit
