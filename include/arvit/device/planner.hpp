// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/device/concept.hpp"

namespace arvit {

/// A device without memory and without arithmetic. A step that runs on it with a measuring arena is
/// the plan of that step's memory; and since its views have no element access, whatever compiles
/// for it does not touch a device's memory from the host.
template <class P> class Planner {
 public:
  using Precision = P;
  using Space = DeviceSpace;
  using A = typename P::Activation;
  using S = typename P::Statistic;
  using G = typename P::Gradient;
  using W = typename P::Weight;
  template <class T> using M = Matrix<T, Space>;
  template <class T> using V = Span<T, Space>;
  using Index = V<const std::int32_t>;
  using Segments = V<const Segment>;

  void linear(M<const A>, M<const W>, V<const S>, M<A>) {}
  void linear_gelu(M<const A>, M<const W>, V<const S>, M<A>, M<A>) {}
  void linear_residual(M<const A>, M<const W>, V<const S>, M<const A>, V<const S>, M<A>) {}
  void linear_backward_input(M<const A>, M<const W>, M<A>, Write) {}
  void linear_backward_scaled(M<const A>, M<const W>, M<const A>, M<A>) {}
  void linear_backward_weight(M<const A>, M<const A>, M<G>, V<G>) {}
  void gelu(M<const A>, M<A>, M<A>) {}
  void layer_norm(M<const A>, V<const S>, V<const S>, double, M<A>, M<S>) {}
  void layer_norm_again(M<const A>, V<const S>, V<const S>, M<const S>, M<A>) {}
  void layer_norm_backward(M<const A>, M<const A>, V<const S>, M<const S>, M<A>, Write, V<G>,
                           V<G>) {}
  void add(M<const A>, M<A>) {}
  void scale_rows(M<const A>, V<const S>, M<A>) {}
  void gather_rows(M<const A>, Index, M<A>) {}
  void scatter_add_rows(M<const A>, Index, M<A>) {}
  void put_token(M<A>, Index, V<const S>, Write) {}
  void token_gradient(M<const A>, Index, V<G>) {}
  void clear_rows(M<A>, Index) {}
  void fill(M<A>, double) {}
  void attention(M<const A>, M<const A>, M<const A>, int, Segments, Index, M<A>, M<S>) {}
  void attention_backward(M<const A>, M<const A>, M<const A>, M<const A>, M<const A>, M<const S>,
                          int, Segments, Index, M<A>, M<A>, M<A>, Write) {}
  void embed_patches(V<const S>, ImageShape, PatchRows<Space>, M<A>) {}
  void target_patches(V<const S>, ImageShape, PatchRows<Space>, bool, M<S>) {}
  void blur(V<const S>, ImageShape, V<const S>, V<S>) {}
  void add_positions(M<A>, M<const S>, PatchRows<Space>) {}
  void argsort(M<const float>, M<std::int32_t>) {}
  template <class Work> void for_each(std::int64_t, const Work&) {}
  void squared_error(M<const A>, M<const S>, double, M<A>, V<double>) {}
  void absolute_error(M<const A>, M<const S>, double, M<A>, V<double>) {}
  void cosine_distance(M<const A>, M<const S>, double, M<A>, V<double>) {}
  void cross_entropy(M<const A>, M<const S>, double, M<A>, V<double>) {}
  std::byte* allocate(std::int64_t) { return nullptr; }
  void deallocate(std::byte*) noexcept {}
  template <class T> void upload(const T*, V<T>) {}
  template <class T> void download(V<T>, std::remove_const_t<T>*) {}
  void adamw(const AdamW&, V<const ParameterRun>, V<const G>, double, V<S>, V<S>, V<S>, V<S>,
             double, V<W>) {}
  void sum_of_squares(V<const G>, V<double>) {}
  void convert(V<const S>, V<W>) {}
};

}  // namespace arvit
