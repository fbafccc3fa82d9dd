// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/device/cpu.hpp"
#include "arvit/device/cpu/attention.hpp"
#include "arvit/device/cpu/blur.hpp"
#include "arvit/device/cpu/elementwise.hpp"
#include "arvit/device/cpu/gather.hpp"
#include "arvit/device/cpu/layer_norm.hpp"
#include "arvit/device/cpu/linear.hpp"
#include "arvit/device/cpu/loss.hpp"
#include "arvit/device/cpu/optimiser.hpp"

/// The primitives of Cpu: each checks its extents and hands them to its kernel.
namespace arvit {
inline namespace ARVIT_GEMM_NAMESPACE {

template <class P>
Cpu<P>::Cpu(CpuOptions options)
    : gemm_(cpu::gemm_name()),
      context_(options.threads, options.isa ? *options.isa : cpu::choose_isa()) {
  if (context_.isa > cpu::best_isa())
    fail<OptionError>("instruction set ", cpu::isa_name(context_.isa),
                      ": this processor has at most ", cpu::isa_name(cpu::best_isa()), ".");
}

template <class P> void Cpu<P>::linear(In x, Weights w, Values bias, Out y) {
  check_linear("linear", x, w, bias, y);
  cpu::linear(context_, x, w, cpu::epilogue::Assign<T>{pointer(bias), y});
}

template <class P> void Cpu<P>::linear_gelu(In x, Weights w, Values bias, Out pre, Out y) {
  check_linear("linear_gelu", x, w, bias, pre);
  check_equal("linear_gelu", pre, y);
  cpu::linear(context_, x, w, cpu::epilogue::Gelu<T>{pointer(bias), pre, y});
}

template <class P>
void Cpu<P>::linear_residual(In x, Weights w, Values bias, In residual, Values row_scale, Out y) {
  check_linear("linear_residual", x, w, bias, y);
  check_equal("linear_residual", y, residual);
  if (!row_scale.empty()) rows_equal("linear_residual", y.rows(), row_scale.size());
  cpu::linear(context_, x, w,
              cpu::epilogue::Residual<T>{pointer(bias), residual, pointer(row_scale), y});
}

template <class P> void Cpu<P>::linear_backward_input(In dy, Weights w, Out dx, Write write) {
  check_linear("linear_backward_input", dx, w, {}, dy);
  if (write == Write::add)
    cpu::linear_backward_input(context_, dy, w, cpu::epilogue::Add<T>{dx});
  else
    cpu::linear_backward_input(context_, dy, w, cpu::epilogue::Assign<T>{nullptr, dx});
}

template <class P> void Cpu<P>::linear_backward_scaled(In dy, Weights w, In factor, Out dx) {
  check_linear("linear_backward_scaled", dx, w, {}, dy);
  check_equal("linear_backward_scaled", dx, factor);
  cpu::linear_backward_input(context_, dy, w, cpu::epilogue::Scale<T>{factor, dx});
}

template <class P>
void Cpu<P>::linear_backward_weight(In dy, In x, Matrix<float> dw, Span<float> dbias) {
  rows_equal("linear_backward_weight", dy.rows(), x.rows());
  widths_equal("linear_backward_weight", x.columns(), dw.columns());
  widths_equal("linear_backward_weight", dy.columns(), dw.rows(),
               dbias.empty() ? dw.rows() : dbias.size());
  cpu::linear_backward_weight(context_, dy, x, dw, dbias.empty() ? nullptr : dbias.data());
}

template <class P> void Cpu<P>::gelu(In x, Out y, Out slope) {
  check_equal("gelu", x, y);
  check_equal("gelu", x, slope);
  cpu::gelu(context_, x, y, slope);
}

template <class P>
void Cpu<P>::layer_norm(In x, Values gamma, Values beta, double epsilon, Out y,
                        Matrix<float> moments) {
  check_norm("layer_norm", x, gamma, beta.size(), y, moments);
  cpu::layer_norm(context_, cpu::LayerNormArgs<T>{x, gamma.data(), beta.data(),
                                                  static_cast<float>(epsilon), y, moments, true});
}

template <class P>
void Cpu<P>::layer_norm_again(In x, Values gamma, Values beta, Matrix<const float> moments, Out y) {
  check_norm("layer_norm_again", x, gamma, beta.size(), y, moments);
  const Matrix<float> saved(const_cast<float*>(moments.data()), moments.rows(), moments.columns(),
                            moments.stride());  // only read
  cpu::layer_norm(context_,
                  cpu::LayerNormArgs<T>{x, gamma.data(), beta.data(), 0.f, y, saved, false});
}

template <class P>
void Cpu<P>::layer_norm_backward(In dy, In x, Values gamma, Matrix<const float> moments, Out dx,
                                 Write write, Span<float> dgamma, Span<float> dbeta) {
  check_norm("layer_norm_backward", x, gamma, dgamma.size(), dx, moments);
  check_equal("layer_norm_backward", x, dy);
  widths_equal("layer_norm_backward", x.columns(), dbeta.size());
  cpu::layer_norm_backward(
      context_, cpu::LayerNormBackwardArgs<T>{dy, x, gamma.data(), moments, dx, write, nullptr},
      dgamma.data(), dbeta.data());
}

template <class P> void Cpu<P>::add(In x, Out y) {
  check_equal("add", x, y);
  cpu::add(context_, x, y);
}

template <class P> void Cpu<P>::scale_rows(In x, Values row_scale, Out y) {
  check_equal("scale_rows", x, y);
  rows_equal("scale_rows", x.rows(), row_scale.size());
  cpu::scale_rows(context_, x, row_scale.data(), y);
}

template <class P> void Cpu<P>::gather_rows(In x, Index index, Out y) {
  rows_equal("gather_rows", y.rows(), index.size());
  widths_equal("gather_rows", x.columns(), y.columns());
  cpu::gather_rows(context_, x, index, y);
}

template <class P> void Cpu<P>::scatter_add_rows(In x, Index index, Out y) {
  rows_equal("scatter_add_rows", x.rows(), index.size());
  widths_equal("scatter_add_rows", x.columns(), y.columns());
  cpu::scatter_add_rows(context_, x, index, y);
}

template <class P> void Cpu<P>::put_token(Out y, Index index, Values token, Write write) {
  widths_equal("put_token", y.columns(), token.size());
  cpu::put_token(context_, y, index, token.data(), write);
}

template <class P> void Cpu<P>::token_gradient(In dx, Index index, Span<float> dtoken) {
  widths_equal("token_gradient", dx.columns(), dtoken.size());
  cpu::add_column_sums(context_, dx, &index, dtoken.data());
}

template <class P> void Cpu<P>::clear_rows(Out y, Index index) { cpu::clear_rows(y, index); }

template <class P> void Cpu<P>::fill(Out y, double value) {
  cpu::fill(context_, y, static_cast<T>(static_cast<float>(value)));
}

template <class P> void Cpu<P>::fill(Statistics y, double value) {
  if constexpr (!std::is_same_v<T, float>) cpu::fill(context_, y, static_cast<float>(value));
}

template <class P>
void Cpu<P>::attention(In q, In k, In v, int heads, Span<const Segment> segments, Index limit,
                       Out out, Matrix<float> lse) {
  check_attention("attention", q, k, v, heads, segments, limit, out, lse);
  cpu::attention(context_, cpu::AttentionArgs<T>{q, k, v, heads, segments, limit, out, lse});
}

template <class P>
void Cpu<P>::attention_backward(In dout, In q, In k, In v, In out, Matrix<const float> lse,
                                int heads, Span<const Segment> segments, Index limit, Out dq,
                                Out dk, Out dv, Write write) {
  check_attention("attention_backward", q, k, v, heads, segments, limit, out, lse);
  check_equal("attention_backward", q, dout);
  check_equal("attention_backward", q, dq);
  check_equal("attention_backward", k, dk);
  check_equal("attention_backward", v, dv);
  cpu::attention_backward(
      context_, cpu::AttentionBackwardArgs<T>{dout, q, k, v, lse, heads, segments, limit, dq, dk,
                                              dv, write, false});
}

template <class P>
void Cpu<P>::embed_patches(Values images, ImageShape shape, PatchRows<Space> from, Out y) {
  check_patches("embed_patches", images, shape, from, y.rows(), y.columns());
  cpu::embed_patches(context_, images.data(), shape, from, y);
}

template <class P>
void Cpu<P>::target_patches(Values images, ImageShape shape, PatchRows<Space> from,
                            bool standardise, Matrix<float> y) {
  check_patches("target_patches", images, shape, from, y.rows(), y.columns());
  cpu::target_patches(context_, images.data(), shape, from, standardise, y);
}

template <class P>
void Cpu<P>::blur(Values images, ImageShape shape, Values kernel, Span<float> result) {
  widths_equal("blur", images.size(), result.size());
  if (kernel.size() % 2 == 0)
    fail<ShapeError>("blur: a kernel of ", kernel.size(),
                     " numbers has no centre; use an odd length.");
  if (images.size() % shape.size() != 0)
    fail<ShapeError>("blur: ", images.size(), " numbers are no whole number of images of ",
                     shape.size(), ".");
  cpu::blur(
      context_, images.size() / shape.size() * shape.channels,
      {images.data(), kernel.data(), result.data(), shape.height, shape.width, kernel.size()});
}

template <class P>
void Cpu<P>::add_positions(Out x, Matrix<const float> table, PatchRows<Space> from) {
  rows_equal("add_positions", x.rows(), from.source.size());
  widths_equal("add_positions", x.columns(), table.columns());
  cpu::add_positions(context_, x, table, from);
}

template <class P> void Cpu<P>::argsort(Matrix<const float> keys, Matrix<std::int32_t> order) {
  rows_equal("argsort", keys.rows(), order.rows());
  widths_equal("argsort", keys.columns(), order.columns());
  cpu::argsort(context_, keys, order);
}

template <class P>
void Cpu<P>::squared_error(In prediction, Matrix<const float> target, double scale, Out dprediction,
                           Span<double> sum) {
  check_loss("squared_error", prediction, target, dprediction, sum);
  cpu::loss<cpu::EntryErrors<cpu::SquaredError>>(
      context_, cpu::LossArgs<T>{prediction, target, scale, dprediction, nullptr}, sum[0]);
}

template <class P>
void Cpu<P>::absolute_error(In prediction, Matrix<const float> target, double scale,
                            Out dprediction, Span<double> sum) {
  check_loss("absolute_error", prediction, target, dprediction, sum);
  cpu::loss<cpu::EntryErrors<cpu::AbsoluteError>>(
      context_, cpu::LossArgs<T>{prediction, target, scale, dprediction, nullptr}, sum[0]);
}

template <class P>
void Cpu<P>::cosine_distance(In prediction, Matrix<const float> target, double scale,
                             Out dprediction, Span<double> sum) {
  check_loss("cosine_distance", prediction, target, dprediction, sum);
  cpu::loss<cpu::CosineDistance>(
      context_, cpu::LossArgs<T>{prediction, target, scale, dprediction, nullptr}, sum[0]);
}

template <class P>
void Cpu<P>::cross_entropy(In prediction, Matrix<const float> target, double scale, Out dprediction,
                           Span<double> sum) {
  check_equal("cross_entropy", prediction, dprediction);
  rows_equal("cross_entropy", prediction.rows(), target.rows());
  widths_equal("cross_entropy", 1, target.columns());
  widths_equal("cross_entropy", 1, sum.size());
  cpu::loss<cpu::CrossEntropy>(
      context_, cpu::LossArgs<T>{prediction, target, scale, dprediction, nullptr}, sum[0]);
}

template <class P>
void Cpu<P>::adamw(const AdamW& options, Span<const ParameterRun> runs, Values gradient,
                   double gradient_scale, Span<float> master, Span<float> moment1,
                   Span<float> moment2, Span<float> average, double average_decay,
                   Span<W> weights) {
  widths_equal("adamw", gradient.size(), master.size(), moment1.size(), moment2.size(),
               average.empty() ? master.size() : average.size(),
               weights.empty() ? master.size() : weights.size());
  for (const ParameterRun& run : runs)
    if (run.begin < 0 || run.begin > run.end || run.end > master.size())
      fail<ShapeError>("adamw: parameters ", run.begin, "..", run.end, " lie outside 0..",
                       master.size(), ".");
  cpu::adamw(
      context_,
      cpu::AdamWArgs<W>{options, gradient.data(), static_cast<float>(gradient_scale), master.data(),
                        moment1.data(), moment2.data(), average.empty() ? nullptr : average.data(),
                        average_decay, weights.empty() ? nullptr : weights.data()},
      runs);
}

template <class P> void Cpu<P>::sum_of_squares(Values values, Span<double> sum) {
  cpu::sum_of_squares(context_, values, sum[0]);
}

template <class P> void Cpu<P>::convert(Values masters, Span<W> weights) {
  widths_equal("convert", masters.size(), weights.size());
  cpu::convert(context_, masters, weights);
}

}  // namespace ARVIT_GEMM_NAMESPACE
}  // namespace arvit
