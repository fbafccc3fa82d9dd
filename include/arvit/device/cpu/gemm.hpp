// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "arvit/device/cpu/gemm_choice.hpp"
#include "arvit/device/cpu/panel.hpp"

#if defined(ARVIT_GEMM_ONEDNN) && ARVIT_GEMM_ONEDNN
#include <dnnl.h>
#include <omp.h>
#elif defined(ARVIT_GEMM_CBLAS) && ARVIT_GEMM_CBLAS
#include <cblas.h>
#elif defined(ARVIT_GEMM_EIGEN) && ARVIT_GEMM_EIGEN
#include <Eigen/Core>
#endif

/// Matrix products of packed tokens: c = a b^T over blocks of c that depend on shapes only, with an
/// epilogue while a block is in cache.
///
/// Back ends, chosen by macro: ours (default), oneDNN (ARVIT_GEMM_ONEDNN=1), CBLAS
/// (ARVIT_GEMM_CBLAS=1), Eigen (ARVIT_GEMM_EIGEN=1). A library is only ever asked for one block, on
/// one thread. Sums are fp32 always; operands in bf16 are widened to fp32, unless ours can multiply
/// pairs of them (words.hpp). The inline namespace keeps files of one program that chose
/// differently apart.
namespace arvit::cpu {
inline namespace ARVIT_GEMM_NAMESPACE {

/// How a product [rows, columns] over `depth` is divided: tasks of `task_rows` x `task_columns`.
struct Division {
  static constexpr std::int64_t unit =
      96;  // columns are packed by this many: a multiple of every instruction set's register block
  std::int64_t rows, columns, depth, task_rows, task_columns, row_tasks, column_tasks;

  Division(std::int64_t rows, std::int64_t columns, std::int64_t depth)
      : rows(rows), columns(columns), depth(depth) {
    // Tall blocks reuse a block of b most; short products take smaller ones so that there are tasks
    // for several threads.
    const std::int64_t tall = rows >= 768 ? 96 : rows >= 192 ? 48 : rows >= 96 ? 24 : 12;
    row_tasks = blocks_of(rows, tall);
    task_rows = round_up(blocks_of(rows, row_tasks), 12);
    row_tasks = blocks_of(rows, task_rows);
    const std::int64_t wanted = std::clamp<std::int64_t>(blocks_of(16, row_tasks), 1,
                                                         std::max<std::int64_t>(1, columns / 128));
    task_columns = round_up(blocks_of(columns, wanted), 32);
    column_tasks = blocks_of(columns, task_columns);
  }
  std::int64_t tasks() const { return row_tasks * column_tasks; }
};

#if defined(ARVIT_GEMM_ONEDNN) && ARVIT_GEMM_ONEDNN
inline std::string gemm_name() {
  const dnnl_version_t* const v = dnnl_version();
  return text("oneDNN ", v->major, ".", v->minor, ".", v->patch, " sgemm");
}
/// c [rows, columns] = a b^T with a's and b's strides, on the calling thread.
inline void library_product(std::int64_t rows, std::int64_t columns, std::int64_t depth,
                            const Operand<float>& a, const Operand<float>& b, float* c,
                            std::int64_t c_stride) {
  const int threads =
      omp_get_max_threads();  // libgomp counts per thread, so this is the caller's own number
  omp_set_num_threads(1);
  const dnnl_status_t status = dnnl_sgemm(a.crossed ? 'T' : 'N', b.crossed ? 'N' : 'T', rows,
                                          columns, depth, 1.f, a.data, a.stride, b.data, b.stride,
                                          0.f, c, c_stride);
  omp_set_num_threads(threads);
  if (status != dnnl_success)
    fail("oneDNN: sgemm of [", rows, ", ", columns, ", ", depth, "] returned status ",
         static_cast<int>(status), ".");
}
#elif defined(ARVIT_GEMM_CBLAS) && ARVIT_GEMM_CBLAS
extern "C" __attribute__((weak)) void openblas_set_num_threads(int);
extern "C" __attribute__((weak)) char* openblas_get_config();
extern "C" __attribute__((weak)) void bli_thread_set_num_threads(std::int64_t);

/// Names the library; and takes its own threads away, for the whole process, because blocks are
/// what our threads share.
inline std::string gemm_name() {
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
  if (bli_thread_set_num_threads != nullptr) bli_thread_set_num_threads(1);
  return openblas_get_config != nullptr
             ? text("CBLAS (", std::string_view(openblas_get_config()), ")")
             : std::string("CBLAS");
}
inline void library_product(std::int64_t rows, std::int64_t columns, std::int64_t depth,
                            const Operand<float>& a, const Operand<float>& b, float* c,
                            std::int64_t c_stride) {
  cblas_sgemm(CblasRowMajor, a.crossed ? CblasTrans : CblasNoTrans,
              b.crossed ? CblasNoTrans : CblasTrans, static_cast<int>(rows),
              static_cast<int>(columns), static_cast<int>(depth), 1.f, a.data,
              static_cast<int>(a.stride), b.data, static_cast<int>(b.stride), 0.f, c,
              static_cast<int>(c_stride));
}
#elif defined(ARVIT_GEMM_EIGEN) && ARVIT_GEMM_EIGEN
inline std::string gemm_name() {
  return text("Eigen ", EIGEN_WORLD_VERSION, ".", EIGEN_MAJOR_VERSION, ".", EIGEN_MINOR_VERSION);
}
inline void library_product(std::int64_t rows, std::int64_t columns, std::int64_t depth,
                            const Operand<float>& a, const Operand<float>& b, float* c,
                            std::int64_t c_stride) {
  using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using In = Eigen::Map<const RowMajor, 0, Eigen::OuterStride<>>;
  Eigen::Map<RowMajor, 0, Eigen::OuterStride<>> out(c, rows, columns,
                                                    Eigen::OuterStride<>(c_stride));
  const In left(a.data, a.crossed ? depth : rows, a.crossed ? rows : depth,
                Eigen::OuterStride<>(a.stride));
  const In right(b.data, b.crossed ? depth : columns, b.crossed ? columns : depth,
                 Eigen::OuterStride<>(b.stride));
  if (a.crossed && b.crossed)
    out.noalias() = left.transpose() * right;
  else if (a.crossed)
    out.noalias() = left.transpose() * right.transpose();
  else if (b.crossed)
    out.noalias() = left * right;
  else
    out.noalias() = left * right.transpose();
}
#else
inline std::string gemm_name() { return "own kernel"; }
#endif

namespace gemm_detail {
constexpr std::int64_t column_block =
    192;  // with depth_block: the part of b that stays in the second cache, 192 KiB
constexpr std::int64_t depth_block = 256;  // words
static_assert(column_block % Division::unit == 0,
              "gemm: a column block holds whole panels of every instruction set.");

#if ARVIT_GEMM_LIBRARY
template <class T> constexpr std::int64_t widened(std::int64_t values) {
  return std::is_same_v<T, float> ? 0 : values;
}

/// fp32 for the library: the operand itself, or a widened copy of rows begin..end in `copy`.
struct Widen {
  template <class Isa, class T>
  static ARVIT_INLINE Operand<float> part(const Operand<T>& from, std::int64_t begin,
                                          std::int64_t end, std::int64_t depth, float* copy) {
    if constexpr (std::is_same_v<T, float>)
      return {from.data + (from.crossed ? begin : begin * from.stride), from.stride, from.crossed};
    else {
      using V = Floats<Isa::width>;
      const std::int64_t rows = from.crossed ? depth : end - begin,
                         columns = from.crossed ? end - begin : depth;
      for (std::int64_t r = 0; r < rows; ++r) {
        const T* const source = from.data + (from.crossed ? r * from.stride + begin
                                                          : (begin + r) * from.stride);
        each_vector<V>(columns, [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
          V::load(source + i, count).store(copy + r * columns + i, count);
        });
      }
      return {copy, columns, from.crossed};
    }
  }
};
#endif

template <class T> struct ProductArgs {
  Operand<T> a, b;
  Division by;
  float* packed;  // b: for each block of the depth, panels of [words of the block, columns of a
                  // register block]; ours only
  // What becomes of the sums of rows r..r_end, columns c..c + columns: a pointer, so that a product
  // is compiled once for all epilogues.
  void (*finish)(const void* epilogue, std::int64_t r, std::int64_t r_end, std::int64_t c,
                 std::int64_t columns, const float* sums);
  const void* epilogue;
  float* a_sums;  // null, or += the sums of a's rows over the depth; a is crossed then
};

/// What begins at number k of the depth.
template <class T> Operand<T> from_depth(const Operand<T>& all, std::int64_t k) {
  return {all.data + (all.crossed ? k * all.stride : k), all.stride, all.crossed};
}

template <class Epilogue> struct FinishRows {
  template <class Isa>
  static ARVIT_INLINE void run(const void* epilogue, std::int64_t r, std::int64_t r_end,
                               std::int64_t c, std::int64_t columns, const float* sums) {
    for (; r < r_end; ++r, sums += column_block)
      static_cast<const Epilogue*>(epilogue)->template row<Isa>(r, c, columns, sums);
  }
};

/// The depth of a product in words, and where its blocks begin; Words are Singles or Pairs.
template <class Words> struct Depth {
  std::int64_t numbers, words;
  explicit ARVIT_INLINE Depth(std::int64_t numbers)
      : numbers(numbers), words(blocks_of(numbers, Words::numbers)) {}
  ARVIT_INLINE std::int64_t words_at(std::int64_t k) const {
    return std::min(depth_block, words - k);
  }
  ARVIT_INLINE std::int64_t numbers_at(std::int64_t k) const {
    return std::min(depth_block * Words::numbers, numbers - k * Words::numbers);
  }
};

template <class Words> struct PackTask {
  static constexpr bool wide_only = Words::numbers > 1;
  template <class Isa, class T>
  static ARVIT_INLINE void run(const ProductArgs<T>* p, std::int64_t task, float*) {
    constexpr std::int64_t width = Isa::width * Isa::vectors;
    const std::int64_t units = blocks_of(p->by.columns, Division::unit),
                       begin = task % units * Division::unit, k = task / units * depth_block;
    const std::int64_t end = std::min(begin + Division::unit, p->by.columns);
    const Depth<Words> all(p->by.depth);
    pack<Isa, width, Words>(
        from_depth(p->b, k * Words::numbers), begin, end, p->by.columns, all.numbers_at(k),
        p->packed + k * round_up(p->by.columns, Division::unit) + begin * all.words_at(k));
  }
};

/// A row of a block of the left operand in scratch; not a multiple of 4 KiB, so that rows do not
/// share sets of the first cache.
constexpr std::int64_t pitch = depth_block + 16;

/// One task: its rows of a against its columns of b.
template <class Words> struct ProductTask {
  static constexpr bool wide_only = Words::numbers > 1;
  /// Brings rows r0..r1 of `all`, in a block of the depth, to where BlockProduct reads them: rows
  /// `pitch` apart, or if crossed panels of `height` rows.
  template <class Isa, class T>
  static ARVIT_INLINE void take(const Operand<T>& a, std::int64_t r0, std::int64_t r1,
                                std::int64_t all, std::int64_t depth, float* rows) {
    constexpr int height = Isa::rows;
    if (!a.crossed)
      return copy_rows<Isa, static_cast<int>(pitch), Words>(a.data + r0 * a.stride, a.stride,
                                                            r1 - r0, depth, rows);
    pack_columns<Isa, height, Words>(a.data + r0, a.stride, r1 - r0, all - r0, depth, rows);
  }
  /// Adds up rows r0..r1 of one block of the depth from their panels, while these are in the first
  /// or second cache.
  template <class Isa>
  static ARVIT_INLINE void add_rows(const float* panels, std::int64_t r0, std::int64_t r1,
                                    std::int64_t words, float* sums) {
    constexpr int height = Isa::rows;
    using V = Floats<Isa::width>;
    static_assert(height <= V::width, "gemm: the height of a panel is at most a vector's width.");
    for (std::int64_t r = r0; r < r1; r += height) {
      const float* const panel = panels + (r - r0) * words;
      V sum[4] = {};  // four chains hide the latency; lanes beyond the height hold numbers of the
                      // next k, and are not used
      std::int64_t k = 0;
      for (; k + 4 <= words; k += 4)
        for (int chain = 0; chain < 4; ++chain)
          sum[chain] = sum[chain] + Words::sum(V::load(panel + (k + chain) * height));
      for (; k < words; ++k) sum[0] = sum[0] + Words::sum(V::load(panel + k * height));
      float total[V::width];
      (sum[0] + sum[1] + (sum[2] + sum[3])).store(total);
      for (std::int64_t i = 0; i < std::min<std::int64_t>(height, r1 - r); ++i)
        sums[r + i] += total[i];
    }
  }
  template <class Isa, class T>
  static ARVIT_INLINE void run(const ProductArgs<T>* p, std::int64_t task, float* scratch) {
    const Division& by = p->by;
    const std::int64_t r0 = task % by.row_tasks * by.task_rows,
                       r1 = std::min(r0 + by.task_rows, by.rows);
    const std::int64_t c0 = task / by.row_tasks * by.task_columns,
                       c1 = std::min(c0 + by.task_columns, by.columns);
    float* const sums = scratch;
    float* const rows = scratch + by.task_rows * column_block;
#if ARVIT_GEMM_LIBRARY
    const Operand<float> a = Widen::part<Isa>(p->a, r0, r1, by.depth, rows);
    for (std::int64_t n = c0; n < c1; n += column_block) {
      const std::int64_t end = std::min(n + column_block, c1);
      const Operand<float> b = Widen::part<Isa>(p->b, n, end, by.depth,
                                                rows + widened<T>(by.task_rows * by.depth));
      library_product(r1 - r0, end - n, by.depth, a, b, sums, column_block);
      p->finish(p->epilogue, r0, r1, n, end - n, sums);
    }
#else
    constexpr std::int64_t width = Isa::width * Isa::vectors, height = Isa::rows;
    const Depth<Words> all(by.depth);
    for (std::int64_t k = 0; k < all.words; k += depth_block) {
      float* const left = rows + k / depth_block * by.task_rows * pitch;
      take<Isa>(from_depth(p->a, k * Words::numbers), r0, r1, by.rows, all.numbers_at(k), left);
      if (p->a_sums != nullptr && c0 == 0) add_rows<Isa>(left, r0, r1, all.words_at(k), p->a_sums);
    }
    for (std::int64_t n = c0; n < c1; n += column_block) {
      const std::int64_t end = std::min(n + column_block, c1);
      for (std::int64_t k = 0; k < all.words; k += depth_block) {
        const std::int64_t words = all.words_at(k);
        const float* const right = p->packed + k * round_up(by.columns, Division::unit);
        const bool last = k + words == all.words;
        // The block of b after this one; while b stays in the second cache as a whole, there is
        // none to fetch.
        const std::int64_t next_k = last ? 0 : k + words, next_n = last ? end : n,
                           row_blocks = blocks_of(r1 - r0, height);
        Ahead ahead{p->packed + next_k * round_up(by.columns, Division::unit) +
                        next_n * all.words_at(next_k),
                    blocks_of(width, row_blocks)};
        const bool fetch = by.columns * all.words > 2 * column_block * depth_block && next_n < c1;
        for (std::int64_t r = r0; r < r1; r += height) {
          const float* const left = rows + k / depth_block * by.task_rows * pitch +
                                    (r - r0) * (p->a.crossed ? words : pitch);
          float* const out = sums + (r - r0) * column_block;
          for (std::int64_t j = n; j < end; j += width, ahead.next += ahead.step * words) {
            const float* const panel = right + j * words;
            if (!p->a.crossed) {
              constexpr int step = static_cast<int>(pitch);
              if (fetch)
                block_product<Isa, Isa::vectors, step, true, Words>(
                    words, left, 1, panel, width, out + (j - n), column_block, k > 0, ahead);
              else
                block_product<Isa, Isa::vectors, step, false, Words>(
                    words, left, 1, panel, width, out + (j - n), column_block, k > 0);
            } else {
              if (fetch)
                block_product<Isa, Isa::vectors, 1, true, Words>(
                    words, left, height, panel, width, out + (j - n), column_block, k > 0, ahead);
              else
                block_product<Isa, Isa::vectors, 1, false, Words>(
                    words, left, height, panel, width, out + (j - n), column_block, k > 0);
            }
          }
          if (last) p->finish(p->epilogue, r, std::min(r + height, r1), n, end - n, out);
        }
      }
    }
#endif
  }
};

/// Packs b, then multiplies.
template <class Words, class T> void packed_product(Context& context, ProductArgs<T>& args) {
  const std::int64_t words = blocks_of(args.by.depth, Words::numbers),
                     blocks = blocks_of(words, depth_block),
                     room = 64;  // a vector beyond the last panel
  args.packed = context.reserve_shared(round_up(args.by.columns, Division::unit) * words + room);
  context.reserve_own(args.by.task_rows * (column_block + blocks * pitch) + room);
  context.each<PackTask<Words>>(blocks_of(args.by.columns, Division::unit) * blocks,
                                static_cast<const ProductArgs<T>*>(&args));
  context.each<ProductTask<Words>>(args.by.tasks(), static_cast<const ProductArgs<T>*>(&args));
}
}  // namespace gemm_detail

/// sums = a b^T, a [rows, depth], b [columns, depth]; epilogue.row<Isa>(row, first column, columns,
/// sums) gets every element once. a_sums[row] += the sum of a's row, if given; our own kernel only,
/// and only for an a that is crossed.
template <class T, class Epilogue>
void product(Context& context, std::int64_t rows, std::int64_t columns, std::int64_t depth,
             const Operand<T>& a, const Operand<T>& b, const Epilogue& epilogue,
             float* a_sums = nullptr) {
  if (rows == 0 || columns == 0) return;
  gemm_detail::ProductArgs<T> args{
      a,
      b,
      Division(rows, columns, depth),
      nullptr,
      entry<gemm_detail::FinishRows<Epilogue>, const void*, std::int64_t, std::int64_t,
            std::int64_t, std::int64_t, const float*>(context.isa),
      &epilogue,
      a_sums};
#if ARVIT_GEMM_LIBRARY
  context.reserve_own(
      args.by.task_rows * gemm_detail::column_block +
      gemm_detail::widened<T>((args.by.task_rows + gemm_detail::column_block) * depth));
  context.each<gemm_detail::ProductTask<Singles>>(
      args.by.tasks(), static_cast<const gemm_detail::ProductArgs<T>*>(&args));
#else
  if constexpr (multiplies_pairs<T>)
    if (context.isa == Isa::avx512_bf16) return gemm_detail::packed_product<Pairs>(context, args);
  gemm_detail::packed_product<Singles>(context, args);
#endif
}

}  // namespace ARVIT_GEMM_NAMESPACE
}  // namespace arvit::cpu
