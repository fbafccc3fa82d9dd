// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "arvit/core/batch.hpp"
#include "arvit/core/cursor.hpp"
#include "arvit/core/dtype.hpp"
#include "arvit/core/host_device.hpp"
#include "arvit/core/rows.hpp"
#include "arvit/core/segment.hpp"
#include "arvit/device/ops/argsort.hpp"
#include "arvit/device/ops/attention.hpp"
#include "arvit/device/ops/blur.hpp"
#include "arvit/device/ops/buffers.hpp"
#include "arvit/device/ops/layer_norm.hpp"
#include "arvit/device/ops/linear.hpp"
#include "arvit/device/ops/loss.hpp"
#include "arvit/device/ops/patches.hpp"
#include "arvit/device/ops/positions.hpp"
#include "arvit/device/ops/rows.hpp"
#include "arvit/device/ops/update.hpp"

/// What a device must run. Each operation has a file in ops/ with its formula, its shapes, its
/// check and its cost; `device/reference.hpp` defines all of them as plain loops.
namespace arvit {

template <class D> using SpaceOf = typename D::Space;
template <class D> using Weight = typename D::Precision::Weight;
template <class D> using Activation = typename D::Precision::Activation;
template <class D> using Gradient = typename D::Precision::Gradient;
template <class D> using Statistic = typename D::Precision::Statistic;

/// Packed tokens of width Dim on device D.
template <class D, int Dim> using Tokens = Rows<Activation<D>, Dim, SpaceOf<D>>;
template <class D, int Dim> using ConstTokens = Rows<const Activation<D>, Dim, SpaceOf<D>>;

/// A batch of images on device D.
template <class D> using DeviceBatch = Batch<const Statistic<D>, SpaceOf<D>>;

/// Parameters as layers read them, and gradients as layers add to them.
template <class D> using Reading = Cursor<const Weight<D>, const Statistic<D>, SpaceOf<D>>;
template <class D> using Adding = Cursor<Gradient<D>, Gradient<D>, SpaceOf<D>>;

namespace detail {
struct AnyWork {
  ARVIT_HOST_DEVICE void operator()(std::int64_t) const {}
};
struct AnyRule {
  static constexpr std::string_view name = "any";
  static constexpr std::array<std::string_view, 0> states{};
  template <class Part> ARVIT_HOST_DEVICE void apply(const Part&) const {}
};
/// A flat buffer as one row.
template <class T, class Space> Matrix<T, Space> as_row(Span<T, Space> values) {
  return {values.data(), 1, values.size()};
}
}  // namespace detail

// clang-format off
template <class D>
concept Device = requires(D& device, Span<const std::int32_t, SpaceOf<D>> values,
                          Span<std::int32_t, SpaceOf<D>> table, std::int32_t* host,
                          const ops::PutToken<D>& put_token,
                          const ops::TokenGradient<D>& token_gradient) {
  typename D::Precision;
  typename D::Space;

  device.run(ops::Linear<D>{});                // y = x W^T + bias
  device.run(ops::LinearGelu<D>{});            // ... and its GELU
  device.run(ops::LinearResidual<D>{});        // y = residual + row_scale * (x W^T + bias)
  device.run(ops::LinearBackwardInput<D>{});   // dx (=, +=) dy W
  device.run(ops::LinearBackwardGelu<D>{});    // dx = (dy W) * gelu'(pre), and gelu(pre)
  device.run(ops::LinearBackwardWeight<D>{});  // dW += dy^T x, dbias += column sums of dy

  device.run(ops::LayerNorm<D>{});
  device.run(ops::LayerNormAgain<D>{});        // from saved moments
  device.run(ops::LayerNormBackward<D>{});

  device.run(ops::Attention<D>{});             // prefix-limited
  device.run(ops::AttentionBackward<D>{});

  device.run(ops::Add<D>{});
  device.run(ops::ScaleRows<D>{});
  device.run(ops::GatherRows<D>{});
  device.run(ops::ScatterAddRows<D>{});
  device.run(put_token);
  device.run(token_gradient);
  device.run(ops::ClearRows<D>{});
  device.run(ops::Fill<D>{});                  // activations
  device.run(ops::Fill<D, Gradient<D>>{});
  device.run(ops::Fill<D, double>{});

  device.run(ops::EmbedPatches<D>{});          // pixels to rows, channel first
  device.run(ops::TargetPatches<D>{});         // channel last, perhaps standardised
  device.run(ops::Blur<D>{});
  device.run(ops::AddPositions<D>{});
  device.run(ops::Argsort<D>{});

  device.run(ops::Loss<L2, D>{});              // and any other error: ops/loss.hpp
  device.run(ops::Loss<L1, D>{});
  device.run(ops::Loss<Cosine, D>{});
  device.run(ops::Loss<CrossEntropy, D>{});

  device.run(ops::RunNorms<D>{});
  device.run(ops::Update<detail::AnyRule, D>{});  // of any optimiser: ops/update.hpp
  device.run(ops::SumOfSquares<D>{});
  device.run(ops::Convert<D>{});               // masters to weights

  // work(i) for i = 0 .. count - 1, in any order; work is a named struct of pointers and numbers.
  device.for_each(std::int64_t{1}, detail::AnyWork{});

  // Memory: zeroed, aligned to 64 bytes; Error where there is none.
  { device.allocate(std::int64_t{64}) } -> std::same_as<std::byte*>;
  device.deallocate(static_cast<std::byte*>(nullptr));
  // Transfers of any element type: a host array of table.size() elements to the device, which
  // returns once the array may be reused, and back.
  device.upload(host, table);
  device.download(values, host);
};
// clang-format on

}  // namespace arvit
