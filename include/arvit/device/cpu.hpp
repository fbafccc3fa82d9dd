// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "arvit/core/error.hpp"
#include "arvit/core/linkage.hpp"
#include "arvit/device/concept.hpp"
#include "arvit/device/cpu/context.hpp"
#include "arvit/device/cpu/gemm_choice.hpp"
#include "arvit/device/cpu/loss.hpp"
#include "arvit/device/cpu/update.hpp"
#include "arvit/device/host_memory.hpp"

namespace arvit {
inline namespace ARVIT_GEMM_NAMESPACE {

struct CpuOptions {
  int threads = 0;              ///< 0: one per processor
  std::optional<cpu::Isa> isa;  ///< by default the best of this processor, or what ARVIT_ISA names
};

/// The processor as a device. Precision: Fp32, or Bf16 (bf16 storage, arithmetic in fp32; linear
/// layers multiply bf16 as it is, summing in fp32, where the processor has AVX512-BF16, the
/// compiler is g++ and the matrix products are ours). Biases are read in fp32.
///
/// Threads    One caller at a time. Bits are equal for every number of threads.
/// Memory     Scratch grows to what the largest call needs and stays; a call whose shapes were seen
///            before allocates nothing.
/// Errors     Extents that do not fit throw ShapeError before anything is written.
template <class P> class Cpu {
 public:
  using Precision = P;
  using Space = HostSpace;
  using T = typename P::Activation;
  static_assert(
      std::same_as<typename P::Gradient, float> && std::same_as<typename P::Statistic, float>,
      "Cpu<Precision>: gradients of parameters and statistics are fp32; use Fp32 or Bf16.");
  static_assert(
      std::same_as<T, typename P::Weight> && (std::same_as<T, float> || std::same_as<T, bf16>),
      "Cpu<Precision>: weights and activations are both fp32 or both bf16; use Fp32 or Bf16.");

  explicit Cpu(CpuOptions options = {});

  /// A processor without memory and without arithmetic, as Planner is one: of the same type, so
  /// that the code of a pass is compiled once, for its work and for the plan of its memory.
  static Cpu planner() { return Cpu(Plans{}); }

  int threads() const { return context_.pool.threads(); }
  cpu::Isa isa() const { return context_.isa; }
  /// Threads, instruction set, matrix product: one line for a program's start.
  std::string describe() const {
    return text("CPU, ", threads(), threads() == 1 ? " thread, " : " threads, ",
                cpu::isa_name(isa()), ", ", dtype_name<T>(), " storage, matrix products in ",
                cpu::multiplies_pairs<T> && !ARVIT_GEMM_LIBRARY && isa() == cpu::Isa::avx512_bf16
                    ? "bf16"
                    : "fp32",
                " by ", gemm_);
  }
  /// Bytes of scratch held now.
  std::int64_t scratch_bytes() const { return context_.scratch_bytes(); }

  template <class Op, class Self = Cpu>
  auto run(const Op& op) -> decltype(std::declval<Self&>().compute(op)) {
    op.check();
    if (!plans_) compute(op);
  }

  /// On the host `work` may be any callable; of several exceptions that of the lowest index is
  /// thrown.
  template <class Work> void for_each(std::int64_t count, const Work& work) {
    if (plans_) return;
    constexpr std::int64_t most_tasks = 256;
    const std::int64_t tasks = std::min(count, most_tasks);
    context_.pool.run(tasks, [&](std::int64_t task, int) {
      for (std::int64_t i = count * task / tasks; i < count * (task + 1) / tasks; ++i) work(i);
    });
  }

  std::byte* allocate(std::int64_t bytes) { return plans_ ? nullptr : HostMemory::allocate(bytes); }
  void deallocate(std::byte* memory) noexcept { HostMemory::deallocate(memory); }
  template <class U> void upload(const U* host, Span<U> values) {
    if (!plans_) std::copy_n(host, values.size(), values.data());
  }
  template <class U> void download(Span<U> values, std::remove_const_t<U>* host) {
    if (!plans_) std::copy_n(values.data(), values.size(), host);
  }

 private:
  template <class Error> using Loss = ops::LossOn<Error, P, Space>;
  struct Plans {};
  explicit Cpu(Plans) : context_(1, cpu::Isa::baseline), plans_(true) {}

  void compute(const ops::LinearOn<P, Space>&);
  void compute(const ops::LinearGeluOn<P, Space>&);
  void compute(const ops::LinearResidualOn<P, Space>&);
  void compute(const ops::LinearBackwardInputOn<P, Space>&);
  void compute(const ops::LinearBackwardGeluOn<P, Space>&);
  void compute(const ops::LinearBackwardWeightOn<P, Space>&);
  void compute(const ops::LayerNormOn<P, Space>&);
  void compute(const ops::LayerNormAgainOn<P, Space>&);
  void compute(const ops::LayerNormBackwardOn<P, Space>&);
  void compute(const ops::AttentionOn<P, Space>&);
  void compute(const ops::AttentionBackwardOn<P, Space>&);
  void compute(const ops::AddOn<P, Space>&);
  void compute(const ops::ScaleRowsOn<P, Space>&);
  void compute(const ops::GatherRowsOn<P, Space>&);
  void compute(const ops::ScatterAddRowsOn<P, Space>&);
  void compute(const ops::PutTokenOn<P, Space>&);
  void compute(const ops::TokenGradientOn<P, Space>&);
  void compute(const ops::ClearRowsOn<P, Space>&);
  void compute(const ops::FillOn<float, Space>&);
  void compute(const ops::FillOn<bf16, Space>&);
  void compute(const ops::FillOn<double, Space>&);
  void compute(const ops::EmbedPatchesOn<P, Space>&);
  void compute(const ops::TargetPatchesOn<P, Space>&);
  void compute(const ops::BlurOn<P, Space>&);
  void compute(const ops::AddPositionsOn<P, Space>&);
  void compute(const ops::ArgsortOn<Space>&);
  void compute(const Loss<L2>&);
  void compute(const Loss<L1>&);
  void compute(const Loss<Cosine>&);
  void compute(const Loss<CrossEntropy>&);
  void compute(const ops::RunNormsOn<P, Space>&);
  void compute(const ops::SumOfSquaresOn<P, Space>&);
  void compute(const ops::ConvertOn<P, Space>&);
  /// An error of the user's own is compiled where it is used.
  template <class Error> void compute(const ops::LossOn<Error, P, Space>& op) {
    cpu::loss(context_, op);
  }
  /// So is an optimiser, unless it is AdamW.
  template <class Rule> void compute(const ops::UpdateOn<Rule, P, Space>& op) {
    cpu::update(context_, op);
  }

  std::string gemm_;
  cpu::Context context_;
  bool plans_ = false;
};

}  // namespace ARVIT_GEMM_NAMESPACE
}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/device/cpu/primitives.hpp"  // IWYU pragma: export
#endif
