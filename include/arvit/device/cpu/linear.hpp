// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <type_traits>

#include "arvit/core/rows.hpp"
#include "arvit/device/cpu/gemm.hpp"
#include "arvit/device/cpu/math.hpp"
#include "arvit/device/cpu/reduce.hpp"

/// The linear primitives: one product each, and what its epilogue does to a row of sums while that
/// is in the first cache.
namespace arvit::cpu {
inline namespace ARVIT_GEMM_NAMESPACE {

namespace epilogue {

template <class V> ARVIT_INLINE V bias_at(const float* bias, std::int64_t c, std::int64_t count) {
  return bias == nullptr ? V{} : V::load(bias + c, count);
}

template <class T> struct Assign {  // y = sums + bias
  const float* bias;
  Matrix<T> y;
  template <class Isa>
  ARVIT_INLINE void row(std::int64_t r, std::int64_t c, std::int64_t columns,
                        const float* sums) const {
    using V = Floats<Isa::width>;
    T* const out = y[r] + c;
    each_vector<V>(columns, [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
      (V::load(sums + i) + bias_at<V>(bias, c + i, count)).store(out + i, count);
    });
  }
};

template <class T> struct Gelu {  // pre = sums + bias; y = gelu(pre), of pre as it is stored
  const float* bias;
  Matrix<T> pre, y;
  template <class Isa>
  ARVIT_INLINE void row(std::int64_t r, std::int64_t c, std::int64_t columns,
                        const float* sums) const {
    using V = Floats<Isa::width>;
    T *const before = pre[r] + c, *const out = y[r] + c;
    each_vector<V>(columns, [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
      V value = V::load(sums + i) + bias_at<V>(bias, c + i, count);
      value.store(before + i, count);
      if constexpr (!std::is_same_v<T, float>) value = V::load(before + i, count);  // rounded
      gelu(value).store(out + i, count);
    });
  }
};

template <class T> struct Residual {  // y = residual + scale[r] * (sums + bias)
  const float* bias;
  Matrix<const T> residual;
  const float* row_scale;
  Matrix<T> y;
  template <class Isa>
  ARVIT_INLINE void row(std::int64_t r, std::int64_t c, std::int64_t columns,
                        const float* sums) const {
    using V = Floats<Isa::width>;
    const T* const skip = residual[r] + c;
    T* const out = y[r] + c;
    const V scale = V::splat(row_scale == nullptr ? 1.f : row_scale[r]);
    each_vector<V>(columns, [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
      fma(scale, V::load(sums + i) + bias_at<V>(bias, c + i, count), V::load(skip + i, count))
          .store(out + i, count);
    });
  }
};

template <class T> struct Add {  // y += sums
  Matrix<T> y;
  template <class Isa>
  ARVIT_INLINE void row(std::int64_t r, std::int64_t c, std::int64_t columns,
                        const float* sums) const {
    using V = Floats<Isa::width>;
    T* const out = y[r] + c;
    each_vector<V>(columns, [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
      (V::load(out + i, count) + V::load(sums + i)).store(out + i, count);
    });
  }
};

template <class T> struct Scale {  // y = sums * factor
  Matrix<const T> factor;
  Matrix<T> y;
  template <class Isa>
  ARVIT_INLINE void row(std::int64_t r, std::int64_t c, std::int64_t columns,
                        const float* sums) const {
    using V = Floats<Isa::width>;
    const T* const by = factor[r] + c;
    T* const out = y[r] + c;
    each_vector<V>(columns, [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
      (V::load(sums + i) * V::load(by + i, count)).store(out + i, count);
    });
  }
};

}  // namespace epilogue

/// x [rows, in] times W [out, in] transposed.
template <class T, class W, class Epilogue>
void linear(Context& context, Matrix<const T> x, Matrix<const W> w, const Epilogue& epilogue) {
  product<T>(context, x.rows(), w.rows(), w.columns(), {x.data(), x.stride(), false},
             {w.data(), w.stride(), false}, epilogue);
}
/// dy [rows, out] times W [out, in].
template <class T, class W, class Epilogue>
void linear_backward_input(Context& context, Matrix<const T> dy, Matrix<const W> w,
                           const Epilogue& epilogue) {
  product<T>(context, dy.rows(), w.columns(), w.rows(), {dy.data(), dy.stride(), false},
             {w.data(), w.stride(), true}, epilogue);
}
/// dW [out, in] += dy^T x; dbias += column sums of dy.
template <class T>
void linear_backward_weight(Context& context, Matrix<const T> dy, Matrix<const T> x,
                            Matrix<float> dw, float* dbias) {
  if (dy.rows() == 0) return;
  product<T>(context, dw.rows(), dw.columns(), dy.rows(), {dy.data(), dy.stride(), true},
             {x.data(), x.stride(), true}, epilogue::Add<float>{dw},
             ARVIT_GEMM_LIBRARY ? nullptr : dbias);
  if (ARVIT_GEMM_LIBRARY && dbias != nullptr) add_column_sums(context, dy, AllRows{}, dbias);
}

}  // namespace ARVIT_GEMM_NAMESPACE
}  // namespace arvit::cpu
