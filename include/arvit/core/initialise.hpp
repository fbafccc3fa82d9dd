// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "arvit/core/layout.hpp"
#include "arvit/core/linkage.hpp"
#include "arvit/core/random.hpp"

namespace arvit {

/// Fills values [tensor.size()] as tensor.init says; Xavier: Glorot and Bengio 2010, Eq. 16.
/// `index` is the tensor's place in its model: each has a stream of its own.
template <class T>
void initialise(const TensorSpec& tensor, std::uint32_t index, std::uint64_t seed, T* values) {
  Stream stream(Counter{seed, 0, index, Purpose::initialise});
  const std::int64_t size = tensor.size(), fan_in = size / tensor.shape[0];
  const double fan_out = tensor.init.value > 0 ? tensor.init.value
                                               : static_cast<double>(tensor.shape[0]);
  const auto uniform = [&](double bound) {
    for (std::int64_t i = 0; i < size; ++i)
      values[i] = static_cast<T>(bound * (2.0 * stream.uniform() - 1.0));
  };
  switch (tensor.init.kind) {
    case Init::zeros:
      return void(std::fill_n(values, size, T{0}));
    case Init::ones:
      return void(std::fill_n(values, size, T{1}));
    case Init::xavier_uniform:
      return uniform(std::sqrt(6.0 / (static_cast<double>(fan_in) + fan_out)));
    case Init::uniform:
      return uniform(tensor.init.value);
    case Init::normal:
      for (std::int64_t i = 0; i < size; ++i)
        values[i] = static_cast<T>(tensor.init.value * stream.normal());
      return;
    case Init::truncated_normal:
      // Cut at -2 and 2, as the frameworks do: with a deviation of 0.02 practically a normal.
      for (std::int64_t i = 0; i < size; ++i) {
        double value = tensor.init.value * stream.normal();
        while (value < -2 || value > 2) value = tensor.init.value * stream.normal();
        values[i] = static_cast<T>(value);
      }
  }
}

/// All parameters of a model as a new run with `seed` starts with them.
inline std::vector<float> untrained(std::span<const PlacedTensor> tensors, std::uint64_t seed) {
  std::vector<float> values(tensors.back().offset + tensors.back().tensor.size());
  for (std::size_t i = 0; i < tensors.size(); ++i)
    initialise(tensors[i].tensor, static_cast<std::uint32_t>(i), seed,
               values.data() + tensors[i].offset);
  return values;
}

#if defined(ARVIT_COMPILED)
extern template void initialise<float>(const TensorSpec&, std::uint32_t, std::uint64_t, float*);
#endif

}  // namespace arvit
