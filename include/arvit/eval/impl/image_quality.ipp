// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/eval/image_quality.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "arvit/core/error.hpp"

namespace arvit {

ARVIT_DEFINITION double squared_error(std::span<const float> original,
                                      std::span<const float> changed) {
  if (original.size() != changed.size() || original.empty())
    fail<ShapeError>("squared error: ", original.size(), " values meet ", changed.size(),
                     "; they must be equally many.");
  double sum = 0;
  for (std::size_t i = 0; i < original.size(); ++i)
    sum += (double{original[i]} - changed[i]) * (double{original[i]} - changed[i]);
  return sum / static_cast<double>(original.size());
}
ARVIT_DEFINITION double psnr(std::span<const float> original, std::span<const float> changed) {
  return -10 * std::log10(squared_error(original, changed));
}

ARVIT_DEFINITION std::vector<double> ssim_map(std::span<const float> original,
                                              std::span<const float> changed, int height,
                                              int width) {
  if (height < ssim_window || width < ssim_window)
    fail<ShapeError>("ssim: pictures of ", height, "x", width,
                     " pixels (height x width); both must be at least ", ssim_window, ".");
  const auto rows = static_cast<std::size_t>(height);
  const auto columns = static_cast<std::size_t>(width);
  const std::size_t size = rows * columns;
  if (original.size() != changed.size() || original.empty() || original.size() % size != 0)
    fail<ShapeError>("ssim: ", original.size(), " values meet ", changed.size(),
                     "; both must be channels of ", height, "x", width, " pixels.");
  std::array<double, ssim_window> weight{};
  for (int i = 0; i < ssim_window; ++i)
    weight[i] = std::exp(-(i - ssim_window / 2) * (i - ssim_window / 2) / (2 * 1.5 * 1.5));
  const double whole = std::accumulate(weight.begin(), weight.end(), 0.0);
  for (double& w : weight) w /= whole;

  const std::size_t out_rows = rows - ssim_window + 1;
  const std::size_t out_columns = columns - ssim_window + 1;
  const std::size_t channels = original.size() / size;
  std::vector<double> across(rows * out_columns), map(out_rows * out_columns);
  // The weighted mean of value(i) over the window of every place; the window is separable.
  const auto filtered = [&](auto&& value) {
    std::vector<double> result(map.size());
    for (std::size_t y = 0; y < rows; ++y)
      for (std::size_t x = 0; x < out_columns; ++x) {
        double sum = 0;
        for (std::size_t i = 0; i < ssim_window; ++i) sum += weight[i] * value(y * columns + x + i);
        across[y * out_columns + x] = sum;
      }
    for (std::size_t i = 0; i < ssim_window; ++i)
      for (std::size_t at = 0; at < result.size(); ++at)
        result[at] += weight[i] * across[at + i * out_columns];
    return result;
  };
  for (std::size_t c = 0; c < channels; ++c) {
    const float* const a = original.data() + c * size;
    const float* const b = changed.data() + c * size;
    const auto mean_a = filtered([&](std::size_t i) { return double{a[i]}; });
    const auto mean_b = filtered([&](std::size_t i) { return double{b[i]}; });
    const auto square_a = filtered([&](std::size_t i) { return double{a[i]} * a[i]; });
    const auto square_b = filtered([&](std::size_t i) { return double{b[i]} * b[i]; });
    const auto product = filtered([&](std::size_t i) { return double{a[i]} * b[i]; });
    // With means m, variances v = E(x^2) - m^2 and the covariance E(ab) - m_a m_b, Eq. 13:
    //   (2 m_a m_b + c1) (2 covariance + c2) / ((m_a^2 + m_b^2 + c1) (v_a + v_b + c2))
    constexpr double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03;
    for (std::size_t at = 0; at < map.size(); ++at) {
      const double m = mean_a[at] * mean_b[at];
      const double squares = mean_a[at] * mean_a[at] + mean_b[at] * mean_b[at];
      map[at] += (2 * m + c1) * (2 * (product[at] - m) + c2) /
                 ((squares + c1) * (square_a[at] + square_b[at] - squares + c2)) /
                 static_cast<double>(channels);
    }
  }
  return map;
}

ARVIT_DEFINITION double ssim(std::span<const float> original, std::span<const float> changed,
                             int height, int width) {
  const auto map = ssim_map(original, changed, height, width);
  return std::accumulate(map.begin(), map.end(), 0.0) / static_cast<double>(map.size());
}

}  // namespace arvit
