// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/device/concept.hpp"
#include "arvit/device/host_memory.hpp"

namespace arvit {

namespace detail {
template <class... Counts>
void require_equal_rows(const char* where, std::int64_t rows, Counts... others) {
  (
      [&] {
        if (others != rows)
          fail<ShapeError>(where, ": ", rows, " rows meet ", others, " rows; they must be equal.");
      }(),
      ...);
}
template <class... Counts>
void require_equal_widths(const char* where, std::int64_t width, Counts... others) {
  (
      [&] {
        if (others != width)
          fail<ShapeError>(where, ": width ", width, " meets width ", others,
                           "; they must be equal.");
      }(),
      ...);
}
}  // namespace detail

/// The definition of every primitive, as plain loops in one scalar type. Slow on purpose; tests
/// compare with it.
template <class T> class Reference {
 public:
  using Precision = arvit::Precision<T, T, T, T>;
  using Space = HostSpace;
  using In = Matrix<const T>;
  using Out = Matrix<T>;
  using Values = Span<const T>;
  using Index = Span<const std::int32_t>;

  void linear(In x, In w, Values bias, Out y) {
    check_linear("linear", x, w, bias, y);
    for (std::int64_t r = 0; r < x.rows(); ++r)
      for (std::int64_t o = 0; o < w.rows(); ++o)
        y[r][o] = dot(x[r], w[o], w.columns()) + (bias.empty() ? T{0} : bias[o]);
  }
  void linear_gelu(In x, In w, Values bias, Out pre, Out y) {
    linear(x, w, bias, pre);
    for (std::int64_t r = 0; r < y.rows(); ++r)
      for (std::int64_t c = 0; c < y.columns(); ++c) y[r][c] = pre[r][c] * normal_cdf(pre[r][c]);
  }
  void linear_residual(In x, In w, Values bias, In residual, Values row_scale, Out y) {
    check_linear("linear_residual", x, w, bias, y);
    detail::require_equal_rows("linear_residual", y.rows(), residual.rows());
    for (std::int64_t r = 0; r < x.rows(); ++r)
      for (std::int64_t o = 0; o < w.rows(); ++o) {
        const T branch = dot(x[r], w[o], w.columns()) + (bias.empty() ? T{0} : bias[o]);
        y[r][o] = residual[r][o] + (row_scale.empty() ? T{1} : row_scale[r]) * branch;
      }
  }
  void linear_backward_input(In dy, In w, Out dx, Write write) {
    check_linear("linear_backward_input", dx, w, {}, dy);
    for (std::int64_t r = 0; r < dy.rows(); ++r)
      for (std::int64_t i = 0; i < w.columns(); ++i) {
        T sum = write == Write::add ? dx[r][i] : T{0};
        for (std::int64_t o = 0; o < w.rows(); ++o) sum += dy[r][o] * w[o][i];
        dx[r][i] = sum;
      }
  }
  void linear_backward_scaled(In dy, In w, In factor, Out dx) {
    check_linear("linear_backward_scaled", dx, w, {}, dy);
    for (std::int64_t r = 0; r < dy.rows(); ++r)
      for (std::int64_t i = 0; i < w.columns(); ++i) {
        T sum = 0;
        for (std::int64_t o = 0; o < w.rows(); ++o) sum += dy[r][o] * w[o][i];
        dx[r][i] = sum * factor[r][i];
      }
  }
  void linear_backward_weight(In dy, In x, Out dw, Span<T> dbias) {
    check_linear("linear_backward_weight", x, dw, dbias, dy);
    for (std::int64_t r = 0; r < dy.rows(); ++r)
      for (std::int64_t o = 0; o < dw.rows(); ++o) {
        for (std::int64_t i = 0; i < dw.columns(); ++i) dw[o][i] += dy[r][o] * x[r][i];
        if (!dbias.empty()) dbias[o] += dy[r][o];
      }
  }
  /// Exact GELU (Hendrycks and Gimpel 2016): x * Phi(x), Phi the normal distribution function.
  void gelu(In x, Out y, Out slope) {
    for (std::int64_t r = 0; r < x.rows(); ++r)
      for (std::int64_t c = 0; c < x.columns(); ++c) {
        y[r][c] = x[r][c] * normal_cdf(x[r][c]);
        slope[r][c] = gelu_slope(x[r][c]);
      }
  }

  /// Standardises every row over its channels (Ba, Kiros and Hinton 2016, Eq. 4; variance divided
  /// by the width).
  void layer_norm(In x, Values gamma, Values beta, double epsilon, Out y, Out moments) {
    detail::require_equal_rows("layer_norm", x.rows(), y.rows(), moments.rows());
    detail::require_equal_widths("layer_norm", x.columns(), y.columns(), gamma.size(), beta.size());
    const std::int64_t width = x.columns();
    for (std::int64_t r = 0; r < x.rows(); ++r) {
      T mean = 0, variance = 0;
      for (std::int64_t c = 0; c < width; ++c) mean += x[r][c] / width;
      for (std::int64_t c = 0; c < width; ++c)
        variance += (x[r][c] - mean) * (x[r][c] - mean) / width;
      moments[r][0] = mean;
      moments[r][1] = 1 / std::sqrt(variance + static_cast<T>(epsilon));
    }
    layer_norm_again(x, gamma, beta, moments, y);
  }
  void layer_norm_again(In x, Values gamma, Values beta, In moments, Out y) {
    detail::require_equal_rows("layer_norm_again", x.rows(), y.rows(), moments.rows());
    for (std::int64_t r = 0; r < x.rows(); ++r)
      for (std::int64_t c = 0; c < x.columns(); ++c)
        y[r][c] = gamma[c] * (x[r][c] - moments[r][0]) * moments[r][1] + beta[c];
  }
  /// With g = gamma * dy: dx = rstd * (g - mean(g) - xhat * mean(g * xhat)); dgamma += dy * xhat;
  /// dbeta += dy.
  void layer_norm_backward(In dy, In x, Values gamma, In moments, Out dx, Write write,
                           Span<T> dgamma, Span<T> dbeta) {
    detail::require_equal_rows("layer_norm_backward", dy.rows(), x.rows(), dx.rows(),
                               moments.rows());
    const std::int64_t width = x.columns();
    for (std::int64_t r = 0; r < x.rows(); ++r) {
      const T mean = moments[r][0], rstd = moments[r][1];
      T mean_g = 0, mean_g_xhat = 0;
      for (std::int64_t c = 0; c < width; ++c) {
        const T xhat = (x[r][c] - mean) * rstd, g = gamma[c] * dy[r][c];
        mean_g += g / width;
        mean_g_xhat += g * xhat / width;
        dgamma[c] += dy[r][c] * xhat;
        dbeta[c] += dy[r][c];
      }
      for (std::int64_t c = 0; c < width; ++c) {
        const T xhat = (x[r][c] - mean) * rstd;
        const T value = rstd * (gamma[c] * dy[r][c] - mean_g - xhat * mean_g_xhat);
        dx[r][c] = write == Write::add ? dx[r][c] + value : value;
      }
    }
  }
  void add(In x, Out y) {
    detail::require_equal_rows("add", x.rows(), y.rows());
    for (std::int64_t r = 0; r < x.rows(); ++r)
      for (std::int64_t c = 0; c < x.columns(); ++c) y[r][c] += x[r][c];
  }
  void scale_rows(In x, Values row_scale, Out y) {
    detail::require_equal_rows("scale_rows", x.rows(), y.rows(), row_scale.size());
    for (std::int64_t r = 0; r < x.rows(); ++r)
      for (std::int64_t c = 0; c < x.columns(); ++c) y[r][c] = row_scale[r] * x[r][c];
  }
  void gather_rows(In x, Index index, Out y) {
    detail::require_equal_rows("gather_rows", y.rows(), index.size());
    for (std::int64_t i = 0; i < index.size(); ++i) std::copy_n(x[index[i]], x.columns(), y[i]);
  }
  void scatter_add_rows(In x, Index index, Out y) {
    detail::require_equal_rows("scatter_add_rows", x.rows(), index.size());
    for (std::int64_t i = 0; i < index.size(); ++i)
      for (std::int64_t c = 0; c < x.columns(); ++c) y[index[i]][c] += x[i][c];
  }
  void put_token(Out y, Index index, Values token, Write write) {
    detail::require_equal_widths("put_token", y.columns(), token.size());
    for (std::int64_t i = 0; i < (index.empty() ? y.rows() : index.size()); ++i)
      for (std::int64_t c = 0; c < y.columns(); ++c) {
        T& value = y[index.empty() ? i : index[i]][c];
        value = write == Write::add ? value + token[c] : token[c];
      }
  }
  void token_gradient(In dx, Index index, Span<T> dtoken) {
    for (std::int64_t i = 0; i < (index.empty() ? dx.rows() : index.size()); ++i)
      for (std::int64_t c = 0; c < dx.columns(); ++c)
        dtoken[c] += dx[index.empty() ? i : index[i]][c];
  }
  void clear_rows(Out y, Index index) {
    for (const std::int32_t r : index) std::fill_n(y[r], y.columns(), T{0});
  }
  void fill(Out y, double value) {
    for (std::int64_t r = 0; r < y.rows(); ++r)
      std::fill_n(y[r], y.columns(), static_cast<T>(value));
  }

  void attention(In q, In k, In v, int heads, Span<const Segment> segments, Index limit, Out out,
                 Out lse) {
    check_attention("attention", q, k, v, heads, limit, out);
    const std::int64_t width = q.columns() / heads;
    const T scale = 1 / std::sqrt(static_cast<T>(width));
    std::vector<T> score;
    for (const Segment s : segments)
      for (std::int64_t i = s.q_begin; i < s.q_end; ++i)
        for (int h = 0; h < heads; ++h) {
          score.assign(limit[i], 0);
          T top = 0, sum = 0;
          for (std::int64_t j = 0; j < limit[i]; ++j) {
            score[j] = scale * dot(q[i] + h * width, k[s.k_begin + j] + h * width, width);
            top = j == 0 ? score[j] : std::max(top, score[j]);
          }
          for (const T value : score) sum += std::exp(value - top);
          lse[i][h] = limit[i] > 0 ? top + std::log(sum) : T{0};
          std::fill_n(out[i] + h * width, width, T{0});
          for (std::int64_t j = 0; j < limit[i]; ++j)
            for (std::int64_t c = 0; c < width; ++c)
              out[i][h * width + c] += std::exp(score[j] - lse[i][h]) *
                                       v[s.k_begin + j][h * width + c];
        }
  }
  /// p = softmax(scale q k^T) row by row; ds = p * (dout v^T - sum(dout * out)); dq = scale ds k;
  /// dk += scale ds^T q; dv += p^T dout.
  void attention_backward(In dout, In q, In k, In v, In out, In lse, int heads,
                          Span<const Segment> segments, Index limit, Out dq, Out dk, Out dv,
                          Write write) {
    check_attention("attention_backward", q, k, v, heads, limit, dq);
    const std::int64_t width = q.columns() / heads;
    const T scale = 1 / std::sqrt(static_cast<T>(width));
    if (write == Write::assign) fill(dk, 0), fill(dv, 0);
    for (const Segment s : segments)
      for (std::int64_t i = s.q_begin; i < s.q_end; ++i)
        for (int h = 0; h < heads; ++h) {
          const std::int64_t at = h * width;
          const T centre = dot(dout[i] + at, out[i] + at, width);
          std::fill_n(dq[i] + at, width, T{0});
          for (std::int64_t j = s.k_begin; j < s.k_begin + limit[i]; ++j) {
            const T p = std::exp(scale * dot(q[i] + at, k[j] + at, width) - lse[i][h]);
            const T ds = scale * p * (dot(dout[i] + at, v[j] + at, width) - centre);
            for (std::int64_t c = at; c < at + width; ++c) {
              dq[i][c] += ds * k[j][c];
              dk[j][c] += ds * q[i][c];
              dv[j][c] += p * dout[i][c];
            }
          }
        }
  }

  void embed_patches(Values images, ImageShape shape, PatchRows<Space> from, Out y) {
    detail::require_equal_widths("embed_patches", y.columns(), shape.patch_width());
    each_patch(images, shape, from, y.rows(), [&](std::int64_t r, const T* corner) {
      for (int i = 0; i < shape.patch_width(); ++i)
        y[r][i] = corner ? corner[offset(shape, i, PatchOrder::channel_first)] : T{0};
    });
  }
  void target_patches(Values images, ImageShape shape, PatchRows<Space> from, bool standardise,
                      Out y) {
    detail::require_equal_widths("target_patches", y.columns(), shape.patch_width());
    const int width = shape.patch_width();
    each_patch(images, shape, from, y.rows(), [&](std::int64_t r, const T* corner) {
      for (int i = 0; i < width; ++i)
        y[r][i] = corner ? corner[offset(shape, i, PatchOrder::channel_last)] : T{0};
      if (!standardise || !corner) return;
      T mean = 0, variance = 0;
      for (int i = 0; i < width; ++i) mean += y[r][i] / width;
      for (int i = 0; i < width; ++i) variance += (y[r][i] - mean) * (y[r][i] - mean) / (width - 1);
      for (int i = 0; i < width; ++i)
        y[r][i] = (y[r][i] - mean) / std::sqrt(variance + static_cast<T>(1e-6));
    });
  }
  void blur(Values images, ImageShape shape, Values kernel, Span<T> result) {
    const std::int64_t half = kernel.size() / 2;
    std::vector<T> rows(shape.size());
    const std::int64_t height = shape.height, width = shape.width, planes = shape.channels;
    for (std::int64_t image = 0; image < images.size() / shape.size(); ++image) {
      const T* in = images.data() + image * shape.size();
      T* out = result.data() + image * shape.size();
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
  void add_positions(Out x, In table, PatchRows<Space> from) {
    detail::require_equal_widths("add_positions", x.columns(), table.columns());
    for (std::int64_t r = 0; r < x.rows(); ++r)
      if (from.source[r] >= 0)
        for (std::int64_t c = 0; c < x.columns(); ++c)
          x[r][c] += table[from.permutation[from.source[r]]][c];
  }
  void argsort(Matrix<const float> keys, Matrix<std::int32_t> order) {
    for (std::int64_t r = 0; r < keys.rows(); ++r) {
      std::iota(order[r], order[r] + keys.columns(), 0);
      std::stable_sort(order[r], order[r] + keys.columns(),
                       [&](int a, int b) { return keys[r][a] < keys[r][b]; });
    }
  }

  template <class Work> void for_each(std::int64_t count, const Work& work) {
    for (std::int64_t i = 0; i < count; ++i) work(i);
  }

  void squared_error(In prediction, In target, double scale, Out dprediction, Span<double> sum) {
    detail::require_equal_widths("squared_error", prediction.columns(), target.columns(),
                                 dprediction.columns());
    for (std::int64_t r = 0; r < prediction.rows(); ++r)
      for (std::int64_t c = 0; c < prediction.columns(); ++c) {
        const T error = prediction[r][c] - target[r][c];
        sum[0] += scale * error * error;
        dprediction[r][c] = static_cast<T>(2 * scale) * error;
      }
  }
  void absolute_error(In prediction, In target, double scale, Out dprediction, Span<double> sum) {
    detail::require_equal_widths("absolute_error", prediction.columns(), target.columns(),
                                 dprediction.columns());
    for (std::int64_t r = 0; r < prediction.rows(); ++r)
      for (std::int64_t c = 0; c < prediction.columns(); ++c) {
        const T error = prediction[r][c] - target[r][c];
        sum[0] += scale * std::abs(error);
        dprediction[r][c] = static_cast<T>(error > 0 ? scale : error < 0 ? -scale : 0);
      }
  }
  void cosine_distance(In prediction, In target, double scale, Out dprediction, Span<double> sum) {
    detail::require_equal_widths("cosine_distance", prediction.columns(), target.columns(),
                                 dprediction.columns());
    for (std::int64_t r = 0; r < prediction.rows(); ++r) {
      T dot = 0, pp = 0, tt = 0;
      for (std::int64_t c = 0; c < prediction.columns(); ++c)
        dot += prediction[r][c] * target[r][c], pp += prediction[r][c] * prediction[r][c],
            tt += target[r][c] * target[r][c];
      const bool zero = pp == 0 || tt == 0;
      const T inverse = zero ? 0 : 1 / std::sqrt(pp * tt), cosine = dot * inverse;
      sum[0] += scale * (2 - 2 * cosine);
      for (std::int64_t c = 0; c < prediction.columns(); ++c)  // of -2 cosine
        dprediction[r][c] = zero ? T{0}
                                 : static_cast<T>(2 * scale) *
                                       (cosine / pp * prediction[r][c] - inverse * target[r][c]);
    }
  }
  void cross_entropy(In prediction, In target, double scale, Out dprediction, Span<double> sum) {
    detail::require_equal_widths("cross_entropy", prediction.columns(), dprediction.columns(),
                                 dprediction.columns());
    for (std::int64_t r = 0; r < prediction.rows(); ++r) {
      const std::int64_t classes = prediction.columns();
      const bool none = target[r][0] < 0,
                 wrong = !none && !(target[r][0] < static_cast<T>(classes));
      for (std::int64_t c = 0; c < classes; ++c) dprediction[r][c] = 0;
      if (wrong) sum[0] = std::numeric_limits<double>::quiet_NaN();
      if (none || wrong) continue;
      T top = prediction[r][0], total = 0;
      for (std::int64_t c = 0; c < classes; ++c)
        top = std::max(top, static_cast<T>(prediction[r][c]));
      for (std::int64_t c = 0; c < classes; ++c) total += std::exp(prediction[r][c] - top);
      const auto code = static_cast<std::int64_t>(target[r][0]);
      sum[0] += scale * (std::log(total) + top - prediction[r][code]);
      for (std::int64_t c = 0; c < classes; ++c)
        dprediction[r][c] = static_cast<T>(scale) *
                            (std::exp(prediction[r][c] - top) / total - (c == code ? 1 : 0));
    }
  }

  std::byte* allocate(std::int64_t bytes) { return HostMemory::allocate(bytes); }
  void deallocate(std::byte* memory) noexcept { HostMemory::deallocate(memory); }
  template <class U> void upload(const U* host, Span<U> values) {
    std::copy_n(host, values.size(), values.data());
  }
  template <class U> void download(Span<U> values, std::remove_const_t<U>* host) {
    std::copy_n(values.data(), values.size(), host);
  }

  void adamw(const AdamW& o, Span<const ParameterRun> runs, Values gradient, double gradient_scale,
             Span<T> master, Span<T> moment1, Span<T> moment2, Span<T> average,
             double average_decay, Span<T> weights) {
    const double correction1 = 1 - std::pow(o.beta1, static_cast<double>(o.step));
    const double correction2 = 1 - std::pow(o.beta2, static_cast<double>(o.step));
    for (const ParameterRun run : runs)
      for (std::int64_t i = run.begin; i < run.end; ++i) {
        const T g = gradient[i] * static_cast<T>(gradient_scale);
        const double rate = o.learning_rate * run.rate;
        moment1[i] += static_cast<T>(1 - o.beta1) * (g - moment1[i]);
        moment2[i] += static_cast<T>(1 - o.beta2) * (g * g - moment2[i]);
        master[i] *= static_cast<T>(1 - rate * o.weight_decay * run.decay);
        master[i] -= static_cast<T>(rate / correction1) * moment1[i] /
                     (std::sqrt(moment2[i] / static_cast<T>(correction2)) +
                      static_cast<T>(o.epsilon));
        if (!average.empty())
          average[i] = static_cast<T>(average_decay) * average[i] +
                       static_cast<T>(1 - average_decay) * master[i];
        if (!weights.empty()) weights[i] = master[i];
      }
  }
  void sum_of_squares(Values values, Span<double> sum) {
    for (const T value : values) sum[0] += static_cast<double>(value) * value;
  }
  void convert(Values masters, Span<T> weights) {
    std::copy_n(masters.data(), masters.size(), weights.data());
  }

  static T normal_cdf(T x) {
    return T{0.5} * (1 + std::erf(x * static_cast<T>(0.70710678118654752440)));
  }
  static T gelu_slope(T x) {
    return normal_cdf(x) + x * static_cast<T>(0.39894228040143267794) * std::exp(-x * x / 2);
  }

 private:
  static T dot(const T* a, const T* b, std::int64_t count) {
    T sum = 0;
    for (std::int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
    return sum;
  }
  static void check_linear(const char* where, In x, In w, Values bias, In y) {
    detail::require_equal_rows(where, x.rows(), y.rows());
    detail::require_equal_widths(where, x.columns(), w.columns());
    detail::require_equal_widths(where, y.columns(), w.rows(),
                                 bias.empty() ? w.rows() : bias.size());
  }
  static void check_attention(const char* where, In q, In k, In v, int heads, Index limit, In out) {
    detail::require_equal_rows(where, q.rows(), out.rows(), limit.size());
    detail::require_equal_rows(where, k.rows(), v.rows());
    detail::require_equal_widths(where, q.columns(), k.columns(), v.columns(), out.columns());
    if (heads <= 0 || q.columns() % heads != 0)
      fail<ShapeError>(where, ": ", heads, " heads do not divide width ", q.columns(), ".");
  }
  /// The number's place relative to the patch's first pixel in the planar image.
  static std::int64_t offset(ImageShape shape, int i, PatchOrder order) {
    const int p = shape.patch;
    const int channel = order == PatchOrder::channel_first ? i / (p * p) : i % shape.channels;
    const int pixel = order == PatchOrder::channel_first ? i % (p * p) : i / shape.channels;
    return (std::int64_t{channel} * shape.height + pixel / p) * shape.width + pixel % p;
  }
  template <class Visit>
  static void each_patch(Values images, ImageShape shape, PatchRows<Space> from, std::int64_t rows,
                         Visit visit) {
    detail::require_equal_rows("patches", rows, from.source.size());
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int32_t source = from.source[r];
      if (source < 0) {
        visit(r, static_cast<const T*>(nullptr));
        continue;
      }
      const int patch = from.permutation[source], image = source / shape.patches();
      visit(r, images.data() + image * shape.size() +
                   (std::int64_t{patch / shape.columns()} * shape.width + patch % shape.columns()) *
                       shape.patch);
    }
  }
};

}  // namespace arvit
