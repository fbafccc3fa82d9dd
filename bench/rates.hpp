// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "arvit/core/rows.hpp"
#include "arvit/device/concept.hpp"

/// What the machine can do now: the floors that a step is held against. Measured beside every step,
/// because shared machines drift.
namespace arvit::bench {

template <class Work> double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

/// Products alone: y = x W^T of one shape on the device's own threads, in multiply-adds a second.
template <class D> class GemmRate {
 public:
  using T = Activation<D>;
  GemmRate(D& device, std::int64_t rows, std::int64_t in, std::int64_t out)
      : device_(device),
        x_(rows * in, T(0.5f)),
        w_(in * out, T(0.25f)),
        y_(rows * out),
        rows_(rows),
        in_(in),
        out_(out) {}
  double operator()() {
    const Matrix<const T> x(x_.data(), rows_, in_), w(w_.data(), out_, in_);
    const Matrix<T> y(y_.data(), rows_, out_);
    return static_cast<double>(rows_ * in_ * out_) /
           seconds_of([&] { device_.run(ops::Linear<D>{.x = x, .w = w, .y = y}); });
  }

 private:
  D& device_;
  std::vector<T> x_, w_, y_;
  std::int64_t rows_, in_, out_;
};

/// Bytes a second of y += x over buffers that no cache holds: two reads and a write.
template <class D> class Bandwidth {
 public:
  using T = Activation<D>;
  explicit Bandwidth(D& device) : device_(device), x_(count), y_(count) {}
  double operator()() {
    return 3.0 * sizeof(T) * count / seconds_of([&] {
             device_.run(ops::Add<D>{.x = {x_.data(), count / width, width},
                                     .y = {y_.data(), count / width, width}});
           });
  }

 private:
  static constexpr std::int64_t width = 1024, count = std::int64_t{32} << 20;
  D& device_;
  std::vector<T> x_, y_;
};

}  // namespace arvit::bench
