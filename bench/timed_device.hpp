// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/device/concept.hpp"

namespace arvit::bench {

/// Everything that calls of one primitive with the same extents cost.
struct Phase {
  std::string_view name;
  std::int64_t rows = 0, in = 0, out = 0;
  std::int64_t calls = 0;
  double seconds = 0;
  double macs = 0;   ///< multiply-adds of its matrix products
  double bytes = 0;  ///< operands read and results written, each once

  std::string label() const {
    return out > 0 ? text(name, " [", rows, ", ", in, " -> ", out, "]")
                   : text(name, " [", rows, ", ", in, "]");
  }
};

/// A host device that keeps the time, the products and the bytes of every call, by primitive and
/// extents. Its clock costs some 50 ns a call.
template <class D> class Timed : public D {
 public:
  using typename D::In;
  using typename D::Index;
  using typename D::Out;
  using typename D::Values;
  using typename D::Weights;
  using T = typename D::T;
  using W = typename D::W;
  using D::D;

  const std::vector<Phase>& phases() const { return phases_; }
  void clear() { phases_.clear(); }
  double macs() const {
    double sum = 0;
    for (const Phase& phase : phases_) sum += phase.macs;
    return sum;
  }

  void linear(In x, Weights w, Values bias, Out y) {
    product("linear", x.rows(), x.columns(), y.columns(), size(x) + size(w) + size(y),
            [&] { D::linear(x, w, bias, y); });
  }
  void linear_gelu(In x, Weights w, Values bias, Out pre, Out y) {
    product("linear, gelu", x.rows(), x.columns(), y.columns(),
            size(x) + size(w) + size(pre) + size(y), [&] { D::linear_gelu(x, w, bias, pre, y); });
  }
  void linear_residual(In x, Weights w, Values bias, In residual, Values scale, Out y) {
    product("linear, residual", x.rows(), x.columns(), y.columns(), size(x) + size(w) + 2 * size(y),
            [&] { D::linear_residual(x, w, bias, residual, scale, y); });
  }
  void linear_backward_input(In dy, Weights w, Out dx, Write write) {
    product("gradient of input", dy.rows(), dy.columns(), dx.columns(),
            size(dy) + size(w) + (write == Write::add ? 2 : 1) * size(dx),
            [&] { D::linear_backward_input(dy, w, dx, write); });
  }
  void linear_backward_scaled(In dy, Weights w, In factor, Out dx) {
    product("gradient of input, scaled", dy.rows(), dy.columns(), dx.columns(),
            size(dy) + size(w) + 2 * size(dx),
            [&] { D::linear_backward_scaled(dy, w, factor, dx); });
  }
  void linear_backward_weight(In dy, In x, Matrix<float> dw, Span<float> dbias) {
    product("gradient of weight", dy.rows(), x.columns(), dy.columns(),
            size(dy) + size(x) + 2 * size(dw),
            [&] { D::linear_backward_weight(dy, x, dw, dbias); });
  }
  void gelu(In x, Out y, Out slope) {
    pass("gelu", y, size(x) + 2 * size(y), [&] { D::gelu(x, y, slope); });
  }
  void layer_norm(In x, Values gamma, Values beta, double epsilon, Out y, Matrix<float> moments) {
    pass("layer norm", y, size(x) + size(y),
         [&] { D::layer_norm(x, gamma, beta, epsilon, y, moments); });
  }
  void layer_norm_again(In x, Values gamma, Values beta, Matrix<const float> moments, Out y) {
    pass("layer norm again", y, size(x) + size(y),
         [&] { D::layer_norm_again(x, gamma, beta, moments, y); });
  }
  void layer_norm_backward(In dy, In x, Values gamma, Matrix<const float> moments, Out dx,
                           Write write, Span<float> dgamma, Span<float> dbeta) {
    pass("layer norm backward", dx, size(dy) + size(x) + (write == Write::add ? 2 : 1) * size(dx),
         [&] { D::layer_norm_backward(dy, x, gamma, moments, dx, write, dgamma, dbeta); });
  }
  void add(In x, Out y) {
    pass("add", y, size(x) + 2 * size(y), [&] { D::add(x, y); });
  }
  void scale_rows(In x, Values scale, Out y) {
    pass("scale rows", y, size(x) + size(y), [&] { D::scale_rows(x, scale, y); });
  }
  void gather_rows(In x, Index index, Out y) {
    pass("gather rows", y, 2 * size(y), [&] { D::gather_rows(x, index, y); });
  }
  void scatter_add_rows(In x, Index index, Out y) {
    pass("scatter rows", x, 3 * size(x), [&] { D::scatter_add_rows(x, index, y); });
  }
  void put_token(Out y, Index index, Values token, Write write) {
    pass("put token", y, 0, [&] { D::put_token(y, index, token, write); });
  }
  void token_gradient(In dx, Index index, Span<float> dtoken) {
    pass("gradient of token", dx, 0, [&] { D::token_gradient(dx, index, dtoken); });
  }
  void fill(Out y, double value) {
    pass("fill", y, size(y), [&] { D::fill(y, value); });
  }
  void fill(typename D::Statistics y, double value) {
    pass("fill", y, size(y), [&] { D::fill(y, value); });
  }
  void attention(In q, In k, In v, int heads, Span<const Segment> segments, Index limit, Out out,
                 Matrix<float> lse) {
    const double macs = 2 * pairs(limit) * static_cast<double>(q.columns());
    measure("attention", q.rows(), q.columns(), 0, macs, size(q) + size(k) + size(v) + size(out),
            [&] { D::attention(q, k, v, heads, segments, limit, out, lse); });
  }
  void attention_backward(In dout, In q, In k, In v, In out, Matrix<const float> lse, int heads,
                          Span<const Segment> segments, Index limit, Out dq, Out dk, Out dv,
                          Write write) {
    const double macs =
        4 * pairs(limit) *
        static_cast<double>(
            q.columns());  // the scores are computed again; that fifth product is not counted
    measure("attention backward", q.rows(), q.columns(), 0, macs,
            4 * size(q) + 2 * size(k) + 2 * size(v), [&] {
              D::attention_backward(dout, q, k, v, out, lse, heads, segments, limit, dq, dk, dv,
                                    write);
            });
  }
  void embed_patches(Values images, ImageShape shape, PatchRows<HostSpace> from, Out y) {
    pass("patches", y, 2 * size(y), [&] { D::embed_patches(images, shape, from, y); });
  }
  void target_patches(Values images, ImageShape shape, PatchRows<HostSpace> from, bool standardise,
                      Matrix<float> y) {
    pass("target", y, 2 * size(y), [&] { D::target_patches(images, shape, from, standardise, y); });
  }
  void blur(Values images, ImageShape shape, Values kernel, Span<float> result) {
    pass("blur", Matrix<float>(result.data(), images.size() / shape.width, shape.width),
         8.0 * static_cast<double>(images.size()), [&] { D::blur(images, shape, kernel, result); });
  }
  void add_positions(Out x, Matrix<const float> table, PatchRows<HostSpace> from) {
    pass("positions", x, 3 * size(x), [&] { D::add_positions(x, table, from); });
  }
  void argsort(Matrix<const float> keys, Matrix<std::int32_t> order) {
    pass("argsort", order, 2 * size(order), [&] { D::argsort(keys, order); });
  }
  template <class Work> void for_each(std::int64_t count, const Work& work) {
    measure("keys of the order", count, 1, 0, 0, 0, [&] { D::for_each(count, work); });
  }
  void squared_error(In prediction, Matrix<const float> target, double scale, Out dprediction,
                     Span<double> sum) {
    pass("loss", prediction, 2 * size(prediction) + size(target),
         [&] { D::squared_error(prediction, target, scale, dprediction, sum); });
  }
  void absolute_error(In prediction, Matrix<const float> target, double scale, Out dprediction,
                      Span<double> sum) {
    pass("loss", prediction, 2 * size(prediction) + size(target),
         [&] { D::absolute_error(prediction, target, scale, dprediction, sum); });
  }
  void cosine_distance(In prediction, Matrix<const float> target, double scale, Out dprediction,
                       Span<double> sum) {
    pass("loss", prediction, 2 * size(prediction) + size(target),
         [&] { D::cosine_distance(prediction, target, scale, dprediction, sum); });
  }
  void cross_entropy(In prediction, Matrix<const float> target, double scale, Out dprediction,
                     Span<double> sum) {
    pass("loss", prediction, 3 * size(prediction),
         [&] { D::cross_entropy(prediction, target, scale, dprediction, sum); });
  }
  template <class U> void upload(const U* host, Span<U> values) {
    measure("copies", 1, 0, 0, 0, 2.0 * sizeof(U) * static_cast<double>(values.size()),
            [&] { D::upload(host, values); });
  }
  void adamw(const AdamW& options, Span<const ParameterRun> runs, Values gradient,
             double gradient_scale, Span<float> master, Span<float> moment1, Span<float> moment2,
             Span<float> average, double average_decay, Span<W> weights) {
    const double bytes = 28.0 * static_cast<double>(master.size()) +
                         8.0 * static_cast<double>(average.size()) +
                         sizeof(W) * static_cast<double>(weights.size());
    measure("adamw", 1, master.size(), 0, 0, bytes, [&] {
      D::adamw(options, runs, gradient, gradient_scale, master, moment1, moment2, average,
               average_decay, weights);
    });
  }
  void sum_of_squares(Values values, Span<double> sum) {
    measure("norm of the gradient", 1, values.size(), 0, 0,
            4.0 * static_cast<double>(values.size()), [&] { D::sum_of_squares(values, sum); });
  }

 private:
  template <class M> static double size(M matrix) {
    return static_cast<double>(sizeof(typename M::Element)) * static_cast<double>(matrix.rows()) *
           static_cast<double>(matrix.columns());
  }
  static double pairs(Index limit) {
    double sum = 0;
    for (const std::int32_t keys : limit) sum += keys;
    return sum;
  }
  template <class Call>
  void product(std::string_view name, std::int64_t rows, std::int64_t in, std::int64_t out,
               double bytes, const Call& call) {
    measure(name, rows, in, out,
            static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(out), bytes,
            call);
  }
  template <class M, class Call>
  void pass(std::string_view name, M result, double bytes, const Call& call) {
    measure(name, result.rows(), result.columns(), 0, 0, bytes, call);
  }
  template <class Call>
  void measure(std::string_view name, std::int64_t rows, std::int64_t in, std::int64_t out,
               double macs, double bytes, const Call& call) {
    auto phase = std::find_if(phases_.begin(), phases_.end(), [&](const Phase& p) {
      return p.name == name && p.rows == rows && p.in == in && p.out == out;
    });
    if (phase == phases_.end()) phase = phases_.insert(phases_.end(), Phase{name, rows, in, out});
    const auto start = std::chrono::steady_clock::now();
    call();
    phase->seconds +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    phase->calls += 1, phase->macs += macs, phase->bytes += bytes;
  }
  std::vector<Phase> phases_;
};

}  // namespace arvit::bench
