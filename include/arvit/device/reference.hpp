// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/device/concept.hpp"
#include "arvit/device/host_memory.hpp"

namespace arvit {

namespace detail {

/// One number as an error or an optimiser sees several (ops/loss.hpp, ops/update.hpp).
template <class T> struct Lone {
  T value{};
  friend Lone operator+(Lone a, Lone b) { return {a.value + b.value}; }
  friend Lone operator-(Lone a, Lone b) { return {a.value - b.value}; }
  friend Lone operator*(Lone a, Lone b) { return {a.value * b.value}; }
  friend Lone operator/(Lone a, Lone b) { return {a.value / b.value}; }
  friend Lone fma(Lone a, Lone b, Lone c) { return {a.value * b.value + c.value}; }
  friend Lone exp(Lone a) { return {std::exp(a.value)}; }
  friend Lone log(Lone a) { return {std::log(a.value)}; }
  friend Lone sqrt(Lone a) { return {std::sqrt(a.value)}; }
  friend Lone abs(Lone a) { return {std::abs(a.value)}; }
  friend Lone sign(Lone a) { return {static_cast<T>(a.value > 0 ? 1 : a.value < 0 ? -1 : 0)}; }
};
template <class T> struct ReferenceRow {
  using Entry = Lone<T>;
  const T *predictions, *targets;
  std::int64_t columns;
  T* gradients;
  struct Place {
    const ReferenceRow& row;
    std::int64_t i;
    Entry prediction() const { return {row.predictions[i]}; }
    Entry target() const { return {row.targets[i]}; }
    void gradient(Entry value) const { row.gradients[i] = value.value; }
    Entry only(Entry value) const { return value; }
  };
  template <class Visit> void each(const Visit& visit) const {
    for (std::int64_t i = 0; i < columns; ++i) visit(Place{*this, i});
  }
  static Entry all(double number) { return {static_cast<T>(number)}; }
  static double total(Entry entry) { return entry.value; }
  std::int64_t width() const { return columns; }
  double largest() const { return *std::max_element(predictions, predictions + columns); }
  double prediction(std::int64_t i) const { return predictions[i]; }
  double class_target() const { return *targets; }
  double gradient(std::int64_t i) const { return gradients[i]; }
  void gradient(std::int64_t i, double value) const { gradients[i] = static_cast<T>(value); }
};

/// One run as an optimiser sees it.
template <class T, class Op> struct ReferencePart {
  using Entry = Lone<T>;
  const Op& op;
  std::int64_t number;
  struct Place {
    const Op& op;
    std::int64_t i;
    Entry gradient() const { return {op.gradient[i] * static_cast<T>(op.gradient_scale)}; }
    Entry parameter() const { return {op.master[i]}; }
    Entry state(std::size_t s) const { return {op.states[s][i]}; }
    void state(std::size_t s, Entry value) const { op.states[s][i] = value.value; }
    void parameter(Entry value) const {
      op.master[i] = value.value;
      if (!op.average.empty())
        op.average[i] = static_cast<T>(op.average_decay) * op.average[i] +
                        static_cast<T>(1 - op.average_decay) * value.value;
      if (!op.weights.empty()) op.weights[i] = value.value;
    }
  };
  template <class Visit> void each(const Visit& visit) const {
    for (std::int64_t i = run().begin; i < run().end; ++i) visit(Place{op, i});
  }
  static Entry all(double number) { return {static_cast<T>(number)}; }
  const ParameterRun& run() const { return op.runs[number]; }
  double norm(int which) const { return op.norms[2 * number + which]; }
};

}  // namespace detail

/// The definition of every operation, as plain loops in one scalar type. Slow on purpose; tests
/// compare with it.
template <class T> class Reference {
 public:
  using Precision = arvit::Precision<T, T, T, T>;
  using Space = HostSpace;

  template <class Op, class Self = Reference>
  auto run(const Op& op) -> decltype(std::declval<Self&>().compute(op)) {
    op.check();
    compute(op);
  }
  template <class Work> void for_each(std::int64_t count, const Work& work) {
    for (std::int64_t i = 0; i < count; ++i) work(i);
  }

  std::byte* allocate(std::int64_t bytes) { return HostMemory::allocate(bytes); }
  void deallocate(std::byte* memory) noexcept { HostMemory::deallocate(memory); }
  template <class U> void upload(const U* host, Span<U> values) {
    std::copy_n(host, values.size(), values.data());
  }
  template <class U> void download(Span<U> values, std::remove_const_t<U>* host) {
    std::copy_n(values.data(), values.size(), host);
  }

 private:
  using P = Precision;

  void compute(const ops::LinearOn<P, Space>& op) {
    for (std::int64_t r = 0; r < op.x.rows(); ++r)
      for (std::int64_t o = 0; o < op.w.rows(); ++o) op.y[r][o] = affine(op, r, o);
  }
  void compute(const ops::LinearGeluOn<P, Space>& op) {
    for (std::int64_t r = 0; r < op.x.rows(); ++r)
      for (std::int64_t o = 0; o < op.w.rows(); ++o) {
        const T pre = affine(op, r, o);
        op.pre[r][o] = pre;
        op.y[r][o] = pre * normal_cdf(pre);
      }
  }
  void compute(const ops::LinearResidualOn<P, Space>& op) {
    for (std::int64_t r = 0; r < op.x.rows(); ++r)
      for (std::int64_t o = 0; o < op.w.rows(); ++o) {
        const T scale = op.row_scale.empty() ? T{1} : op.row_scale[r];
        op.y[r][o] = op.residual[r][o] + scale * affine(op, r, o);
      }
  }
  void compute(const ops::LinearBackwardInputOn<P, Space>& op) {
    for (std::int64_t r = 0; r < op.dy.rows(); ++r)
      for (std::int64_t i = 0; i < op.w.columns(); ++i) {
        T sum = op.write == Write::add ? op.dx[r][i] : T{0};
        for (std::int64_t o = 0; o < op.w.rows(); ++o) sum += op.dy[r][o] * op.w[o][i];
        op.dx[r][i] = sum;
      }
  }
  void compute(const ops::LinearBackwardGeluOn<P, Space>& op) {
    for (std::int64_t r = 0; r < op.dy.rows(); ++r)
      for (std::int64_t i = 0; i < op.w.columns(); ++i) {
        T sum = 0;
        for (std::int64_t o = 0; o < op.w.rows(); ++o) sum += op.dy[r][o] * op.w[o][i];
        const T pre = op.pre[r][i];
        op.dx[r][i] = sum * gelu_slope(pre);
        op.active[r][i] = pre * normal_cdf(pre);
      }
  }
  void compute(const ops::LinearBackwardWeightOn<P, Space>& op) {
    for (std::int64_t r = 0; r < op.dy.rows(); ++r)
      for (std::int64_t o = 0; o < op.dw.rows(); ++o) {
        for (std::int64_t i = 0; i < op.dw.columns(); ++i) op.dw[o][i] += op.dy[r][o] * op.x[r][i];
        if (!op.dbias.empty()) op.dbias[o] += op.dy[r][o];
      }
  }

  void compute(const ops::LayerNormOn<P, Space>& op) {
    const std::int64_t width = op.x.columns();
    for (std::int64_t r = 0; r < op.x.rows(); ++r) {
      const T* const x = op.x[r];
      T mean = 0, variance = 0;
      for (std::int64_t c = 0; c < width; ++c) mean += x[c] / width;
      for (std::int64_t c = 0; c < width; ++c) variance += (x[c] - mean) * (x[c] - mean) / width;
      op.moments[r][0] = mean;
      op.moments[r][1] = 1 / std::sqrt(variance + static_cast<T>(op.epsilon));
    }
    compute(ops::LayerNormAgainOn<P, Space>{op.x, op.gamma, op.beta, op.moments, op.y});
  }
  void compute(const ops::LayerNormAgainOn<P, Space>& op) {
    for (std::int64_t r = 0; r < op.x.rows(); ++r)
      for (std::int64_t c = 0; c < op.x.columns(); ++c)
        op.y[r][c] = op.gamma[c] * (op.x[r][c] - op.moments[r][0]) * op.moments[r][1] + op.beta[c];
  }
  void compute(const ops::LayerNormBackwardOn<P, Space>& op) {
    const std::int64_t width = op.x.columns();
    for (std::int64_t r = 0; r < op.x.rows(); ++r) {
      const T mean = op.moments[r][0], rstd = op.moments[r][1];
      const T *const dy = op.dy[r], *const x = op.x[r];
      T mean_g = 0, mean_g_xhat = 0;
      for (std::int64_t c = 0; c < width; ++c) {
        const T xhat = (x[c] - mean) * rstd, g = op.gamma[c] * dy[c];
        mean_g += g / width;
        mean_g_xhat += g * xhat / width;
        op.dgamma[c] += dy[c] * xhat;
        op.dbeta[c] += dy[c];
      }
      for (std::int64_t c = 0; c < width; ++c) {
        const T xhat = (x[c] - mean) * rstd;
        const T value = rstd * (op.gamma[c] * dy[c] - mean_g - xhat * mean_g_xhat);
        op.dx[r][c] = op.write == Write::add ? op.dx[r][c] + value : value;
      }
    }
  }

  void compute(const ops::AttentionOn<P, Space>& op) {
    const std::int64_t width = op.q.columns() / op.heads;
    const T scale = 1 / std::sqrt(static_cast<T>(width));
    std::vector<T> score;
    for (const Segment& s : op.reach.segments)
      for (std::int64_t i = s.q_begin; i < s.q_end; ++i)
        for (int h = 0; h < op.heads; ++h) {
          const std::int64_t at = h * width, keys = op.reach.limit[i];
          score.assign(keys, 0);
          T top = 0, sum = 0;
          for (std::int64_t j = 0; j < keys; ++j) {
            score[j] = scale * dot(op.q[i] + at, op.k[s.k_begin + j] + at, width);
            top = j == 0 ? score[j] : std::max(top, score[j]);
          }
          for (const T value : score) sum += std::exp(value - top);
          op.lse[i][h] = keys > 0 ? top + std::log(sum) : T{0};
          std::fill_n(op.out[i] + at, width, T{0});
          for (std::int64_t j = 0; j < keys; ++j)
            for (std::int64_t c = at; c < at + width; ++c)
              op.out[i][c] += std::exp(score[j] - op.lse[i][h]) * op.v[s.k_begin + j][c];
        }
  }
  void compute(const ops::AttentionBackwardOn<P, Space>& op) {
    const std::int64_t width = op.q.columns() / op.heads;
    const T scale = 1 / std::sqrt(static_cast<T>(width));
    if (op.write == Write::assign) {
      compute(ops::FillOn<T, Space>{op.dk});
      compute(ops::FillOn<T, Space>{op.dv});
    }
    for (const Segment& s : op.reach.segments)
      for (std::int64_t i = s.q_begin; i < s.q_end; ++i)
        for (int h = 0; h < op.heads; ++h) {
          const std::int64_t at = h * width;
          const T centre = dot(op.dout[i] + at, op.out[i] + at, width);
          std::fill_n(op.dq[i] + at, width, T{0});
          for (std::int64_t j = s.k_begin; j < s.k_begin + op.reach.limit[i]; ++j) {
            const T p = std::exp(scale * dot(op.q[i] + at, op.k[j] + at, width) - op.lse[i][h]);
            const T ds = scale * p * (dot(op.dout[i] + at, op.v[j] + at, width) - centre);
            for (std::int64_t c = at; c < at + width; ++c) {
              op.dq[i][c] += ds * op.k[j][c];
              op.dk[j][c] += ds * op.q[i][c];
              op.dv[j][c] += p * op.dout[i][c];
            }
          }
        }
  }

  void compute(const ops::AddOn<P, Space>& op) {
    for (std::int64_t r = 0; r < op.x.rows(); ++r)
      for (std::int64_t c = 0; c < op.x.columns(); ++c) op.y[r][c] += op.x[r][c];
  }
  void compute(const ops::ScaleRowsOn<P, Space>& op) {
    for (std::int64_t r = 0; r < op.x.rows(); ++r)
      for (std::int64_t c = 0; c < op.x.columns(); ++c) op.y[r][c] = op.row_scale[r] * op.x[r][c];
  }
  void compute(const ops::GatherRowsOn<P, Space>& op) {
    for (std::int64_t i = 0; i < op.index.size(); ++i)
      std::copy_n(op.x[op.index[i]], op.x.columns(), op.y[i]);
  }
  void compute(const ops::ScatterAddRowsOn<P, Space>& op) {
    for (std::int64_t i = 0; i < op.index.size(); ++i)
      for (std::int64_t c = 0; c < op.x.columns(); ++c) op.y[op.index[i]][c] += op.x[i][c];
  }
  void compute(const ops::PutTokenOn<P, Space>& op) {
    for (std::int64_t i = 0; i < op.rows.count(op.y.rows()); ++i)
      for (std::int64_t c = 0; c < op.y.columns(); ++c) {
        T& value = op.y[op.rows[i]][c];
        value = op.write == Write::add ? value + op.token[c] : op.token[c];
      }
  }
  void compute(const ops::TokenGradientOn<P, Space>& op) {
    for (std::int64_t i = 0; i < op.rows.count(op.dx.rows()); ++i)
      for (std::int64_t c = 0; c < op.dx.columns(); ++c) op.dtoken[c] += op.dx[op.rows[i]][c];
  }
  void compute(const ops::ClearRowsOn<P, Space>& op) {
    for (const std::int32_t r : op.index) std::fill_n(op.y[r], op.y.columns(), T{0});
  }
  template <class U> void compute(const ops::FillOn<U, Space>& op) {
    for (std::int64_t r = 0; r < op.y.rows(); ++r)
      std::fill_n(op.y[r], op.y.columns(), static_cast<U>(op.value));
  }

  void compute(const ops::EmbedPatchesOn<P, Space>& op) {
    each_patch(op, [&](std::int64_t r, const T* corner) {
      for (int i = 0; i < op.shape.patch_width(); ++i)
        op.y[r][i] = corner ? corner[offset(op.shape, i, PatchOrder::channel_first)] : T{0};
    });
  }
  void compute(const ops::TargetPatchesOn<P, Space>& op) {
    const int width = op.shape.patch_width();
    each_patch(op, [&](std::int64_t r, const T* corner) {
      T* const y = op.y[r];
      for (int i = 0; i < width; ++i)
        y[i] = corner ? corner[offset(op.shape, i, PatchOrder::channel_last)] : T{0};
      if (!op.standardise || !corner) return;
      T mean = 0, variance = 0;
      for (int i = 0; i < width; ++i) mean += y[i] / width;
      for (int i = 0; i < width; ++i) variance += (y[i] - mean) * (y[i] - mean) / (width - 1);
      for (int i = 0; i < width; ++i)
        y[i] = (y[i] - mean) / std::sqrt(variance + static_cast<T>(1e-6));
    });
  }
  void compute(const ops::BlurOn<P, Space>& op) {
    const auto& kernel = op.taps.weight;
    const std::int64_t half = op.taps.count / 2, size = op.shape.size();
    const std::int64_t height = op.shape.height, width = op.shape.width, planes = op.shape.channels;
    std::vector<T> rows(size);
    for (std::int64_t image = 0; image < op.images.size() / size; ++image) {
      const T* in = op.images.data() + image * size;
      T* out = op.result.data() + image * size;
      for (std::int64_t y = 0; y < planes * height; ++y)
        for (std::int64_t x = 0; x < width; ++x) {
          T sum = 0;
          for (std::int64_t d = -half; d <= half; ++d)
            if (x + d >= 0 && x + d < width) sum += kernel[d + half] * in[y * width + x + d];
          rows[y * width + x] = sum;
        }
      for (std::int64_t plane = 0; plane < planes; ++plane)
        for (std::int64_t y = 0; y < height; ++y)
          for (std::int64_t x = 0; x < width; ++x) {
            T sum = 0;
            for (std::int64_t d = -half; d <= half; ++d)
              if (y + d >= 0 && y + d < height)
                sum += kernel[d + half] * rows[(plane * height + y + d) * width + x];
            out[(plane * height + y) * width + x] = sum;
          }
    }
  }
  void compute(const ops::AddPositionsOn<P, Space>& op) {
    for (std::int64_t r = 0; r < op.x.rows(); ++r)
      if (op.from.source[r] >= 0)
        for (std::int64_t c = 0; c < op.x.columns(); ++c)
          op.x[r][c] += op.table[op.from.permutation[op.from.source[r]]][c];
  }
  void compute(const ops::ArgsortOn<Space>& op) {
    for (std::int64_t r = 0; r < op.keys.rows(); ++r) {
      std::iota(op.order[r], op.order[r] + op.keys.columns(), 0);
      std::stable_sort(op.order[r], op.order[r] + op.keys.columns(),
                       [&](int a, int b) { return op.keys[r][a] < op.keys[r][b]; });
    }
  }

  template <class Error> void compute(const ops::LossOn<Error, P, Space>& op) {
    for (std::int64_t r = 0; r < op.prediction.rows(); ++r) {
      const detail::ReferenceRow<T> row{op.prediction[r], op.target[r], op.prediction.columns(),
                                        op.dprediction[r]};
      op.sum[0] += op.scale * Error::of(row, op.scale);
    }
  }

  void compute(const ops::RunNormsOn<P, Space>& op) {
    for (std::int64_t r = 0; r < op.runs.size(); ++r) {
      const ParameterRun& run = op.runs[r];
      double of_master = 0, of_update = 0;
      for (std::int64_t i = run.begin; i < run.end; ++i) {
        const double p = op.master[i];
        const double u = op.gradient_scale * op.gradient[i] + op.weight_decay * run.decay * p;
        of_master += p * p;
        of_update += u * u;
      }
      op.norms[2 * r] = std::sqrt(of_master);
      op.norms[2 * r + 1] = std::sqrt(of_update);
    }
  }
  template <class Rule> void compute(const ops::UpdateOn<Rule, P, Space>& op) {
    for (std::int64_t r = 0; r < op.runs.size(); ++r)
      op.rule.apply(detail::ReferencePart<T, ops::UpdateOn<Rule, P, Space>>{op, r});
  }
  void compute(const ops::SumOfSquaresOn<P, Space>& op) {
    for (const T value : op.values) op.sum[0] += static_cast<double>(value) * value;
  }
  void compute(const ops::ConvertOn<P, Space>& op) {
    std::copy_n(op.masters.data(), op.masters.size(), op.weights.data());
  }

  static T normal_cdf(T x) {
    return T{0.5} * (1 + std::erf(x * static_cast<T>(0.70710678118654752440)));
  }
  static T gelu_slope(T x) {
    return normal_cdf(x) + x * static_cast<T>(0.39894228040143267794) * std::exp(-x * x / 2);
  }
  static T dot(const T* a, const T* b, std::int64_t count) {
    T sum = 0;
    for (std::int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
    return sum;
  }
  /// x W^T + bias at (r, o).
  template <class Op> static T affine(const Op& op, std::int64_t r, std::int64_t o) {
    return dot(op.x[r], op.w[o], op.w.columns()) + (op.bias.empty() ? T{0} : op.bias.wide[o]);
  }
  /// The number's place relative to the patch's first pixel in the planar image.
  static std::int64_t offset(ImageShape shape, int i, PatchOrder order) {
    const int p = shape.patch;
    const int channel = order == PatchOrder::channel_first ? i / (p * p) : i % shape.channels;
    const int pixel = order == PatchOrder::channel_first ? i % (p * p) : i / shape.channels;
    return (std::int64_t{channel} * shape.height + pixel / p) * shape.width + pixel % p;
  }
  /// visit(row, the first pixel of its patch, or null for a class token).
  template <class Op, class Visit> static void each_patch(const Op& op, Visit visit) {
    const ImageShape& shape = op.shape;
    for (std::int64_t r = 0; r < op.y.rows(); ++r) {
      const std::int32_t source = op.from.source[r];
      if (source < 0) {
        visit(r, static_cast<const T*>(nullptr));
        continue;
      }
      const int patch = op.from.permutation[source], image = source / shape.patches();
      const std::int64_t line = patch / shape.columns(), column = patch % shape.columns();
      visit(r,
            op.images.data() + image * shape.size() + (line * shape.width + column) * shape.patch);
    }
  }
};

}  // namespace arvit
