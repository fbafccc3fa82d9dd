// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/device/cpu.hpp"
#include "arvit/device/cpu/attention.hpp"
#include "arvit/device/cpu/blur.hpp"
#include "arvit/device/cpu/elementwise.hpp"
#include "arvit/device/cpu/gather.hpp"
#include "arvit/device/cpu/layer_norm.hpp"
#include "arvit/device/cpu/linear.hpp"
#include "arvit/device/cpu/update.hpp"

/// Each operation of Cpu, handed to its kernel; run() has checked its extents.
namespace arvit {
namespace cpu::detail {
template <class T> T* data_or_null(Span<T> values) {
  return values.empty() ? nullptr : values.data();
}
}  // namespace cpu::detail

inline namespace ARVIT_GEMM_NAMESPACE {

template <class P>
Cpu<P>::Cpu(CpuOptions options)
    : gemm_(cpu::gemm_name()),
      context_(options.threads, options.isa ? *options.isa : cpu::choose_isa()) {
  if (context_.isa > cpu::best_isa())
    fail<OptionError>("instruction set ", cpu::isa_name(context_.isa),
                      ": this processor has at most ", cpu::isa_name(cpu::best_isa()), ".");
}

template <class P> void Cpu<P>::compute(const ops::LinearOn<P, Space>& op) {
  cpu::linear(context_, op.x, op.w,
              cpu::epilogue::Assign<T>{cpu::detail::data_or_null(op.bias.wide), op.y});
}

template <class P> void Cpu<P>::compute(const ops::LinearGeluOn<P, Space>& op) {
  cpu::linear(context_, op.x, op.w,
              cpu::epilogue::Gelu<T>{cpu::detail::data_or_null(op.bias.wide), op.pre, op.y});
}

template <class P> void Cpu<P>::compute(const ops::LinearResidualOn<P, Space>& op) {
  cpu::linear(context_, op.x, op.w,
              cpu::epilogue::Residual<T>{cpu::detail::data_or_null(op.bias.wide), op.residual,
                                         cpu::detail::data_or_null(op.row_scale), op.y});
}

template <class P> void Cpu<P>::compute(const ops::LinearBackwardInputOn<P, Space>& op) {
  if (op.write == Write::add)
    cpu::linear_backward_input(context_, op.dy, op.w, cpu::epilogue::Add<T>{op.dx});
  else
    cpu::linear_backward_input(context_, op.dy, op.w, cpu::epilogue::Assign<T>{nullptr, op.dx});
}

template <class P> void Cpu<P>::compute(const ops::LinearBackwardGeluOn<P, Space>& op) {
  cpu::gelu(context_, op.pre, op.active, op.dx);  // dx: the slope, until it is multiplied
  cpu::linear_backward_input(context_, op.dy, op.w, cpu::epilogue::Scale<T>{op.dx, op.dx});
}

template <class P> void Cpu<P>::compute(const ops::LinearBackwardWeightOn<P, Space>& op) {
  cpu::linear_backward_weight(context_, op.dy, op.x, op.dw, cpu::detail::data_or_null(op.dbias));
}

template <class P> void Cpu<P>::compute(const ops::LayerNormOn<P, Space>& op) {
  cpu::layer_norm(context_,
                  cpu::LayerNormArgs<T>{op.x, op.gamma.data(), op.beta.data(),
                                        static_cast<float>(op.epsilon), op.y, op.moments, true});
}

template <class P> void Cpu<P>::compute(const ops::LayerNormAgainOn<P, Space>& op) {
  const Matrix<float> saved(const_cast<float*>(op.moments.data()), op.moments.rows(),
                            op.moments.columns(), op.moments.stride());  // only read
  cpu::layer_norm(context_, cpu::LayerNormArgs<T>{op.x, op.gamma.data(), op.beta.data(), 0.f, op.y,
                                                  saved, false});
}

template <class P> void Cpu<P>::compute(const ops::LayerNormBackwardOn<P, Space>& op) {
  cpu::layer_norm_backward(context_,
                           cpu::LayerNormBackwardArgs<T>{op.dy, op.x, op.gamma.data(), op.moments,
                                                         op.dx, op.write, nullptr},
                           op.dgamma.data(), op.dbeta.data());
}

template <class P> void Cpu<P>::compute(const ops::AttentionOn<P, Space>& op) {
  cpu::attention(context_, op);
}

template <class P> void Cpu<P>::compute(const ops::AttentionBackwardOn<P, Space>& op) {
  cpu::attention_backward(context_, op);
}

template <class P> void Cpu<P>::compute(const ops::AddOn<P, Space>& op) {
  cpu::add(context_, op.x, op.y);
}

template <class P> void Cpu<P>::compute(const ops::ScaleRowsOn<P, Space>& op) {
  cpu::scale_rows(context_, op.x, op.row_scale.data(), op.y);
}

template <class P> void Cpu<P>::compute(const ops::GatherRowsOn<P, Space>& op) {
  cpu::gather_rows(context_, op.x, op.index, op.y);
}

template <class P> void Cpu<P>::compute(const ops::ScatterAddRowsOn<P, Space>& op) {
  cpu::scatter_add_rows(context_, op.x, op.index, op.y);
}

template <class P> void Cpu<P>::compute(const ops::PutTokenOn<P, Space>& op) {
  cpu::put_token(context_, op.y, op.rows, op.token.data(), op.write);
}

template <class P> void Cpu<P>::compute(const ops::TokenGradientOn<P, Space>& op) {
  cpu::add_column_sums(context_, op.dx, op.rows, op.dtoken.data());
}

template <class P> void Cpu<P>::compute(const ops::ClearRowsOn<P, Space>& op) {
  cpu::clear_rows(op.y, op.index);
}

template <class P> void Cpu<P>::compute(const ops::FillOn<float, Space>& op) {
  cpu::fill(context_, op.y, static_cast<float>(op.value));
}

template <class P> void Cpu<P>::compute(const ops::FillOn<bf16, Space>& op) {
  cpu::fill(context_, op.y, bf16(static_cast<float>(op.value)));
}

template <class P> void Cpu<P>::compute(const ops::FillOn<double, Space>& op) {
  cpu::fill(context_, op.y, op.value);
}

template <class P> void Cpu<P>::compute(const ops::EmbedPatchesOn<P, Space>& op) {
  cpu::embed_patches(context_, op);
}

template <class P> void Cpu<P>::compute(const ops::TargetPatchesOn<P, Space>& op) {
  cpu::target_patches(context_, op);
}

template <class P> void Cpu<P>::compute(const ops::BlurOn<P, Space>& op) {
  cpu::blur(context_, op);
}

template <class P> void Cpu<P>::compute(const ops::AddPositionsOn<P, Space>& op) {
  cpu::add_positions(context_, op.x, op.table, op.from);
}

template <class P> void Cpu<P>::compute(const ops::ArgsortOn<Space>& op) {
  cpu::argsort(context_, op.keys, op.order);
}

template <class P> void Cpu<P>::compute(const Loss<L2>& op) { cpu::loss(context_, op); }
template <class P> void Cpu<P>::compute(const Loss<L1>& op) { cpu::loss(context_, op); }
template <class P> void Cpu<P>::compute(const Loss<Cosine>& op) { cpu::loss(context_, op); }
template <class P> void Cpu<P>::compute(const Loss<CrossEntropy>& op) { cpu::loss(context_, op); }

template <class P> void Cpu<P>::compute(const ops::RunNormsOn<P, Space>& op) {
  cpu::run_norms(context_,
                 {op.runs, op.gradient, op.gradient_scale, op.master, op.weight_decay, op.norms});
}

template <class P> void Cpu<P>::compute(const ops::SumOfSquaresOn<P, Space>& op) {
  cpu::sum_of_squares(context_, op.values, op.sum[0]);
}

template <class P> void Cpu<P>::compute(const ops::ConvertOn<P, Space>& op) {
  cpu::convert(context_, op.masters, op.weights);
}

}  // namespace ARVIT_GEMM_NAMESPACE
}  // namespace arvit
