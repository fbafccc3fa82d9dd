// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "arvit/core/cursor.hpp"
#include "arvit/core/dtype.hpp"
#include "arvit/core/host_device.hpp"
#include "arvit/core/rows.hpp"
#include "arvit/core/segment.hpp"

/// What a device must offer, one contract per primitive. `device/reference.hpp` defines each as
/// plain loops. All extents are run time, so a kernel is compiled once per element type and serves
/// every model. A primitive checks the extents of its arguments and throws ShapeError. Matrices may
/// have a stride; spans are contiguous.
namespace arvit {

template <class D> using SpaceOf = typename D::Space;
template <class D> using Weight = typename D::Precision::Weight;
template <class D> using Activation = typename D::Precision::Activation;
template <class D> using Gradient = typename D::Precision::Gradient;
template <class D> using Statistic = typename D::Precision::Statistic;

/// Packed tokens of width Dim on device D.
template <class D, int Dim> using Tokens = Rows<Activation<D>, Dim, SpaceOf<D>>;
template <class D, int Dim> using ConstTokens = Rows<const Activation<D>, Dim, SpaceOf<D>>;

/// Parameters as layers read them, and gradients as layers add to them.
template <class D> using Reading = Cursor<const Weight<D>, const Statistic<D>, SpaceOf<D>>;
template <class D> using Adding = Cursor<Gradient<D>, Gradient<D>, SpaceOf<D>>;

/// Whether a primitive overwrites its result or adds to it.
enum class Write : char { assign, add };

/// Extents of a batch of planar images: [images, channels, height, width].
struct ImageShape {
  int channels, height, width, patch;
  constexpr int rows() const { return height / patch; }
  constexpr int columns() const { return width / patch; }
  constexpr int patches() const { return rows() * columns(); }
  constexpr std::int64_t size() const { return std::int64_t{channels} * height * width; }
  constexpr int patch_width() const { return channels * patch * patch; }
};

/// The order of numbers in a patch vector.
enum class PatchOrder : char {
  channel_first,
  channel_last
};  // as a convolution's weight; as MAE's target

/// Where packed rows come from: source = image * patches + place in the image's order, or -1 -
/// image for a class token. permutation[source] is the patch, in reading order.
template <class Space> struct PatchRows { Span<const std::int32_t, Space> source, permutation; };

/// One step of AdamW (Loshchilov and Hutter 2019). `step` counts from 1.
struct AdamW {
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, weight_decay = 0.05;
  std::int64_t step = 1;
};

/// Parameters begin..end of the flat buffer; factors on the learning rate and on the weight decay.
struct ParameterRun {
  std::int64_t begin, end;
  float rate = 1, decay = 1;
};

namespace detail {
struct AnyWork {
  ARVIT_HOST_DEVICE void operator()(std::int64_t) const {}
};
}  // namespace detail

// clang-format off
template <class D>
concept Device = requires(
    D& device, Matrix<const Activation<D>, SpaceOf<D>> x, Matrix<Activation<D>, SpaceOf<D>> y, Matrix<const Weight<D>, SpaceOf<D>> w,
    Matrix<Gradient<D>, SpaceOf<D>> dw, Span<const Statistic<D>, SpaceOf<D>> s, Span<Statistic<D>, SpaceOf<D>> t, Span<Gradient<D>, SpaceOf<D>> g,
    Span<const Gradient<D>, SpaceOf<D>> cg, Span<Weight<D>, SpaceOf<D>> ws, Matrix<Statistic<D>, SpaceOf<D>> m, Matrix<const Statistic<D>, SpaceOf<D>> cm,
    Span<const Segment, SpaceOf<D>> segments, Span<const std::int32_t, SpaceOf<D>> index, Span<double, SpaceOf<D>> sum,
    Matrix<std::int32_t, SpaceOf<D>> order, Matrix<const float, SpaceOf<D>> keys, PatchRows<SpaceOf<D>> from, ImageShape shape, AdamW adamw,
    Span<const ParameterRun, SpaceOf<D>> runs, Span<std::int32_t, SpaceOf<D>> table, std::int32_t* host, Write write) {
  typename D::Precision; typename D::Space;

  // Products. y = x W^T + bias; an empty bias is none. W [out, in].
  device.linear(x, w, s, y);
  device.linear_gelu(x, w, s, y, y);                  // pre = x W^T + bias (assigned), y = gelu(pre), exact (erf) GELU; y may be pre
  device.linear_residual(x, w, s, x, s, y);           // y = residual + row_scale[row] * (x W^T + bias); empty row_scale: 1; y may be residual
  device.linear_backward_input(x, w, y, write);       // dx (=, +=) dy W
  device.linear_backward_scaled(x, w, x, y);          // dx = (dy W) * factor, entry by entry; dx may be factor
  device.linear_backward_weight(x, x, dw, g);         // dW += dy^T x, dbias += column sums of dy; an empty dbias is none
  device.gelu(x, y, y);                               // y = gelu(x), slope = gelu'(x); slope may be x

  // Rows. moments [rows, 2] = mean, rstd.
  device.layer_norm(x, s, s, 1e-6, y, m);
  device.layer_norm_again(x, s, s, cm, y);            // y from saved moments
  device.layer_norm_backward(x, x, s, cm, y, write, g, g);   // (dy, x, gamma, moments) -> dx (=, +=); dgamma, dbeta +=
  device.add(x, y);                                   // y += x
  device.scale_rows(x, s, y);                         // y = row_scale[row] * x; y may be x
  device.gather_rows(x, index, y);                    // y[i] = x[index[i]]
  device.scatter_add_rows(x, index, y);               // y[index[i]] += x[i]; index holds no row twice
  device.put_token(y, index, s, write);               // y[index[i]] (=, +=) token; an empty index means all rows
  device.token_gradient(x, index, g);                 // dtoken += sum over i of dx[index[i]]; an empty index means all rows
  device.clear_rows(y, index);                        // y[index[i]] = 0; an empty index means none
  device.fill(y, 0.0);

  // Prefix-limited attention, `heads` heads of x.columns() / heads channels, scores scaled by 1 / sqrt(head width).
  // lse [rows, heads] = log of the sum of exp of the scores. A row with limit 0 gives zero, and passes no gradient.
  device.attention(x, x, x, 1, segments, index, y, m);
  device.attention_backward(x, x, x, x, x, cm, 1, segments, index, y, y, y, write);  // (dout, q, k, v, out, lse) -> dq =; dk, dv (=, +=)

  // Images and positions.
  device.embed_patches(s, shape, from, y);            // channel first; a class token's row is zero
  device.target_patches(s, shape, from, true, m);     // channel last; true: each row minus its mean, over sqrt(unbiased variance + 1e-6)
  device.blur(s, shape, s, t);                        // separable, symmetric kernel of odd length, zero padding
  device.add_positions(y, cm, from);                  // y[row] += table[permutation[source[row]]]; class rows are left alone
  device.argsort(keys, order);                        // stable, ascending, per row

  device.for_each(std::int64_t{1}, detail::AnyWork{});  // work(i) for i = 0 .. count - 1, in any order; work is a named struct of pointers and numbers

  // Losses: sum[0] += scale * sum over entries of the error; dprediction = its gradient.
  device.squared_error(x, cm, 1.0, y, sum);
  device.absolute_error(x, cm, 1.0, y, sum);
  device.cosine_distance(x, cm, 1.0, y, sum);         // a row's error is 2 - 2 cosine(prediction, target); a row of zeros counts as orthogonal
  device.cross_entropy(x, cm, 1.0, y, sum);           // -log softmax(prediction)[class], target [rows, 1] holds the class; below 0: no loss, too large: NaN

  // Flat buffers and transfers (any element type; both return once the source may be reused).
  { device.allocate(std::int64_t{64}) } -> std::same_as<std::byte*>;   // zeroed, aligned to 64 bytes; throws Error
  device.deallocate(static_cast<std::byte*>(nullptr));
  device.upload(host, table);                         // host array of table.size() elements -> device
  device.download(index, host);                       // device -> host
  // One pass of AdamW: gradient (times gradient_scale), master, moment1, moment2; average (an exponential moving average
  // with `average_decay`) and weights (the copy that products read) are brought up to date unless empty.
  device.adamw(adamw, runs, cg, 1.0, t, t, t, t, 0.999, ws);
  device.sum_of_squares(cg, sum);                     // sum[0] += sum of squares
  device.convert(s, ws);                              // masters to weights
};
// clang-format on

}  // namespace arvit
