// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>

#include "arvit/core/error.hpp"
#include "arvit/core/linkage.hpp"
#include "arvit/device/concept.hpp"
#include "arvit/device/cpu/context.hpp"
#include "arvit/device/cpu/gemm_choice.hpp"
#include "arvit/device/host_memory.hpp"

namespace arvit {
inline namespace ARVIT_GEMM_NAMESPACE {

struct CpuOptions {
  int threads = 0;              ///< 0: one per processor
  std::optional<cpu::Isa> isa;  ///< by default the best of this processor, or what ARVIT_ISA names
};

/// The processor as a device. Precision: Fp32, or Bf16 (bf16 storage, arithmetic in fp32; linear
/// layers multiply bf16 as it is, summing in fp32, where the processor has AVX512-BF16, the
/// compiler is g++ and the matrix products are ours).
///
/// Threads    One caller at a time. Bits are equal for every number of threads.
/// Memory     Scratch grows to what the largest call needs and stays; a call whose shapes were seen
/// before allocates nothing. Errors     Extents that do not fit throw ShapeError before anything is
/// written.
template <class P> class Cpu {
 public:
  using Precision = P;
  using Space = HostSpace;
  using T = typename P::Activation;
  using W = typename P::Weight;
  static_assert(
      std::same_as<typename P::Gradient, float> && std::same_as<typename P::Statistic, float>,
      "Cpu<Precision>: gradients of parameters and statistics are fp32; use Fp32 or Bf16.");
  static_assert(
      std::same_as<T, W> && (std::same_as<T, float> || std::same_as<T, bf16>),
      "Cpu<Precision>: weights and activations are both fp32 or both bf16; use Fp32 or Bf16.");
  using In = Matrix<const T>;
  using Out = Matrix<T>;
  using Weights = Matrix<const W>;
  using Values = Span<const float>;
  using Index = Span<const std::int32_t>;
  /// Where storage is not fp32 (nobody has the other type): a constrained overload would share its
  /// mangled name with `fill(Out)` under clang 14.
  using Statistics = Matrix<std::conditional_t<std::is_same_v<T, float>, std::byte, float>>;

  explicit Cpu(CpuOptions options = {});

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

  void linear(In x, Weights w, Values bias, Out y);
  void linear_gelu(In x, Weights w, Values bias, Out pre, Out y);
  void linear_residual(In x, Weights w, Values bias, In residual, Values row_scale, Out y);
  void linear_backward_input(In dy, Weights w, Out dx, Write write);
  void linear_backward_scaled(In dy, Weights w, In factor, Out dx);
  void linear_backward_weight(In dy, In x, Matrix<float> dw, Span<float> dbias);
  void gelu(In x, Out y, Out slope);

  void layer_norm(In x, Values gamma, Values beta, double epsilon, Out y, Matrix<float> moments);
  void layer_norm_again(In x, Values gamma, Values beta, Matrix<const float> moments, Out y);
  void layer_norm_backward(In dy, In x, Values gamma, Matrix<const float> moments, Out dx,
                           Write write, Span<float> dgamma, Span<float> dbeta);
  void add(In x, Out y);
  void scale_rows(In x, Values row_scale, Out y);
  void gather_rows(In x, Index index, Out y);
  void scatter_add_rows(In x, Index index, Out y);
  void put_token(Out y, Index index, Values token, Write write);
  void token_gradient(In dx, Index index, Span<float> dtoken);
  void clear_rows(Out y, Index index);
  void fill(Out y, double value);
  void fill(Statistics y, double value);

  void attention(In q, In k, In v, int heads, Span<const Segment> segments, Index limit, Out out,
                 Matrix<float> lse);
  void attention_backward(In dout, In q, In k, In v, In out, Matrix<const float> lse, int heads,
                          Span<const Segment> segments, Index limit, Out dq, Out dk, Out dv,
                          Write write);

  void embed_patches(Values images, ImageShape shape, PatchRows<Space> from, Out y);
  void target_patches(Values images, ImageShape shape, PatchRows<Space> from, bool standardise,
                      Matrix<float> y);
  void blur(Values images, ImageShape shape, Values kernel, Span<float> result);
  void add_positions(Out x, Matrix<const float> table, PatchRows<Space> from);
  void argsort(Matrix<const float> keys, Matrix<std::int32_t> order);

  void squared_error(In prediction, Matrix<const float> target, double scale, Out dprediction,
                     Span<double> sum);
  void absolute_error(In prediction, Matrix<const float> target, double scale, Out dprediction,
                      Span<double> sum);
  void cosine_distance(In prediction, Matrix<const float> target, double scale, Out dprediction,
                       Span<double> sum);
  void cross_entropy(In prediction, Matrix<const float> target, double scale, Out dprediction,
                     Span<double> sum);

  /// On the host `work` may be any callable; of several exceptions that of the lowest index is
  /// thrown.
  template <class Work> void for_each(std::int64_t count, const Work& work) {
    constexpr std::int64_t most_tasks = 256;
    const std::int64_t tasks = std::min(count, most_tasks);
    context_.pool.run(tasks, [&](std::int64_t task, int) {
      for (std::int64_t i = count * task / tasks; i < count * (task + 1) / tasks; ++i) work(i);
    });
  }

  std::byte* allocate(std::int64_t bytes) { return HostMemory::allocate(bytes); }
  void deallocate(std::byte* memory) noexcept { HostMemory::deallocate(memory); }
  template <class U> void upload(const U* host, Span<U> values) {
    std::copy_n(host, values.size(), values.data());
  }
  template <class U> void download(Span<U> values, std::remove_const_t<U>* host) {
    std::copy_n(values.data(), values.size(), host);
  }

  void adamw(const AdamW& options, Span<const ParameterRun> runs, Values gradient,
             double gradient_scale, Span<float> master, Span<float> moment1, Span<float> moment2,
             Span<float> average, double average_decay, Span<W> weights);
  void sum_of_squares(Values values, Span<double> sum);
  void convert(Values masters, Span<W> weights);

 private:
  static const float* pointer(Values values) { return values.empty() ? nullptr : values.data(); }

  template <class... Counts>
  static void rows_equal(const char* where, std::int64_t rows, Counts... others) {
    (require(where, "rows", rows, others), ...);
  }
  template <class... Counts>
  static void widths_equal(const char* where, std::int64_t width, Counts... others) {
    (require(where, "columns", width, others), ...);
  }
  static void require(const char* where, const char* what, std::int64_t count, std::int64_t other) {
    if (count != other)
      fail<ShapeError>(where, ": ", count, " ", what, " meet ", other, "; they must be equal.");
  }
  template <class A, class B> static void check_equal(const char* where, A a, B b) {
    rows_equal(where, a.rows(), b.rows());
    widths_equal(where, a.columns(), b.columns());
  }
  static void check_linear(const char* where, In x, Weights w, Values bias, In y) {
    rows_equal(where, x.rows(), y.rows());
    widths_equal(where, x.columns(), w.columns());
    widths_equal(where, y.columns(), w.rows(), bias.empty() ? w.rows() : bias.size());
  }
  static void check_norm(const char* where, In x, Values gamma, std::int64_t beta, In y,
                         Matrix<const float> moments) {
    check_equal(where, x, y);
    rows_equal(where, x.rows(), moments.rows());
    widths_equal(where, x.columns(), gamma.size(), beta);
    widths_equal(where, 2, moments.columns());
  }
  static void check_patches(const char* where, Values images, ImageShape shape,
                            PatchRows<Space> from, std::int64_t rows, std::int64_t columns) {
    rows_equal(where, rows, from.source.size());
    widths_equal(where, columns, shape.patch_width());
    if (images.size() % shape.size() != 0)
      fail<ShapeError>(where, ": ", images.size(), " numbers are no whole number of images of ",
                       shape.size(), ".");
  }
  static void check_loss(const char* where, In prediction, Matrix<const float> target,
                         In dprediction, Span<double> sum) {
    check_equal(where, prediction, target);
    check_equal(where, prediction, dprediction);
    widths_equal(where, 1, sum.size());
  }
  static void check_attention(const char* where, In q, In k, In v, int heads,
                              Span<const Segment> segments, Index limit, In out,
                              Matrix<const float> lse) {
    check_equal(where, q, out);
    check_equal(where, k, v);
    rows_equal(where, q.rows(), limit.size(), lse.rows());
    widths_equal(where, q.columns(), k.columns());
    widths_equal(where, heads, lse.columns());
    if (heads <= 0 || q.columns() % heads != 0)
      fail<ShapeError>(where, ": ", heads, " heads do not divide width ", q.columns(), ".");
    for (const Segment s : segments) {
      if (s.q_begin < 0 || s.q_begin > s.q_end || s.q_end > q.rows() || s.k_begin < 0 ||
          s.k_begin > s.k_end || s.k_end > k.rows())
        fail<ShapeError>(where, ": segment of queries ", s.q_begin, "..", s.q_end, " and keys ",
                         s.k_begin, "..", s.k_end, " lies outside ", q.rows(), " queries and ",
                         k.rows(), " keys.");
      for (std::int64_t i = s.q_begin; i < s.q_end; ++i)
        if (limit[i] < 0 || limit[i] > s.k_end - s.k_begin)
          fail<ShapeError>(where, ": query ", i, " may read ", limit[i], " keys, its segment has ",
                           s.k_end - s.k_begin, ".");
    }
  }

  std::string gemm_;
  cpu::Context context_;
};

}  // namespace ARVIT_GEMM_NAMESPACE
}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/device/cpu/primitives.hpp"  // IWYU pragma: export
#endif
