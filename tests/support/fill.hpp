// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

/// Weights and images as functions of a name and an index, so that neither tests nor fixtures store
/// them. tests/reference/deterministic.py computes the same numbers, bit for bit.
namespace arvit::test {

/// Uniform in [0, 1): the splitmix64 finaliser of FNV-1a-64(name) + (j + 1) * 0x9E3779B97F4A7C15,
/// its upper 53 bits.
inline double hashed(std::string_view name, std::uint64_t j) {
  std::uint64_t x = 0xCBF29CE484222325;
  for (const char byte : name) x = (x ^ static_cast<unsigned char>(byte)) * 0x100000001B3;
  x += (j + 1) * 0x9E3779B97F4A7C15;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  x ^= x >> 31;
  return static_cast<double>(x >> 11) * 0x1p-53;
}

/// Norm weights 1 +- 0.2; biases and tokens (1-D, 3-D) uniform with deviation 0.08; matrices
/// Xavier-uniform on [first extent, rest]. `shape` is timm's, without trailing extents of 0;
/// `values` holds as many numbers as the shape counts.
template <class T>
void fill_parameter(std::string_view name, std::span<const std::int64_t> shape,
                    std::span<T> values) {
  const bool norm = shape.size() == 1 && name.ends_with(".weight");
  const double fan_out = static_cast<double>(shape[0]),
               fan_in = static_cast<double>(values.size()) / fan_out;
  const double bound = shape.size() == 1 || shape.size() == 3 ? std::sqrt(3.0) * 0.08
                                                              : std::sqrt(6 / (fan_in + fan_out));
  for (std::size_t j = 0; j < values.size(); ++j) {
    const double centred = hashed(name, j) - 0.5;
    values[j] = static_cast<T>(norm ? 1 + centred * 0.4 : centred * 2 * bound);
  }
}

/// The j-th of `count` numbers of the batch [images, 3, height, width]: uniform in (-2, 2).
inline std::vector<double> hashed_images(std::size_t count, const char* name = "images") {
  std::vector<double> values(count);
  for (std::size_t j = 0; j < count; ++j) values[j] = (hashed(name, j) - 0.5) * 4;
  return values;
}

}  // namespace arvit::test
