// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "arvit/core/random.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/device/reference.hpp"
#include "arvit/target/errors/all.hpp"
#include "arvit/train/optimiser/adamw.hpp"

/// An operation under test is in a generic lambda `run(device)` that builds its arguments from
/// doubles and returns its outputs as doubles. It is run on Reference<double>, which defines the
/// result, and on Cpu for every instruction set and 1, 2 and 3 threads.
namespace test {

using Numbers = std::vector<double>;
using Outputs = std::vector<Numbers>;
inline constexpr double poison = std::numeric_limits<double>::quiet_NaN();

template <class T> T as(double value) {
  if constexpr (std::is_same_v<T, arvit::bf16>)
    return arvit::bf16(static_cast<float>(value));
  else
    return static_cast<T>(value);
}
template <class T> double back(T value) {
  if constexpr (std::is_same_v<T, arvit::bf16>)
    return static_cast<float>(value);
  else
    return static_cast<double>(value);
}
/// `count` normal numbers that T can hold exactly.
template <class T> Numbers normal(std::int64_t count, std::uint64_t seed, double deviation = 1) {
  arvit::Stream stream({seed, 0, 0, arvit::Purpose::user});
  Numbers result;
  for (std::int64_t i = 0; i < count; ++i) {
    const double radius = std::sqrt(-2 * std::log(1 - static_cast<double>(stream.uniform())));
    result.push_back(
        back(as<T>(deviation * radius * std::cos(6.283185307179586 * stream.uniform()))));
  }
  return result;
}

/// A matrix with a stride, poisoned between its rows; checks afterwards that the poison is still
/// there.
template <class T> struct Tensor {
  std::int64_t rows, columns, stride;
  std::vector<T> memory;
  Tensor(std::int64_t rows, std::int64_t columns, const Numbers& values, std::int64_t gap = 5)
      : rows(rows), columns(columns), stride(columns + gap), memory(rows * stride, as<T>(poison)) {
    REQUIRE(static_cast<std::int64_t>(values.size()) == rows * columns);
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c)
        memory[r * stride + c] = as<T>(values[r * columns + c]);
  }
  /// An output that must be assigned.
  Tensor(std::int64_t rows, std::int64_t columns)
      : Tensor(rows, columns, Numbers(rows * columns, poison)) {}
  operator arvit::Matrix<T>() { return {memory.data(), rows, columns, stride}; }
  operator arvit::Matrix<const T>() { return {memory.data(), rows, columns, stride}; }
  arvit::Matrix<T> out() { return *this; }
  arvit::Matrix<const T> in() { return *this; }
  Numbers numbers() const {
    Numbers result;
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < stride; ++c) {
        const double value = back(memory[r * stride + c]);
        if (c < columns)
          result.push_back(value);
        else
          REQUIRE(std::isnan(value));
      }
    return result;
  }
};
template <class T> struct Flat {
  std::vector<T> memory;
  explicit Flat(const Numbers& values) {
    for (const double value : values) memory.push_back(as<T>(value));
  }
  operator arvit::Span<T>() { return {memory.data(), static_cast<std::int64_t>(memory.size())}; }
  operator arvit::Span<const T>() {
    return {memory.data(), static_cast<std::int64_t>(memory.size())};
  }
  arvit::Span<T> out() { return *this; }
  arvit::Span<const T> in() { return *this; }
  Numbers numbers() const {
    Numbers result;
    for (const T value : memory) result.push_back(back(value));
    return result;
  }
};
inline arvit::Span<const std::int32_t> index(const std::vector<std::int32_t>& values) {
  return {values.data(), static_cast<std::int64_t>(values.size())};
}

inline arvit::Reach<arvit::HostSpace> reach(const std::vector<arvit::Segment>& segments,
                                            const std::vector<std::int32_t>& limit) {
  arvit::ReachExtents extents;
  for (const arvit::Segment& segment : segments) extents.add(segment, limit.data());
  return {{segments.data(), static_cast<std::int64_t>(segments.size())}, index(limit), extents};
}

inline std::vector<arvit::cpu::Isa> instruction_sets() {
  std::vector<arvit::cpu::Isa> result;
  for (const auto isa : arvit::cpu::all_isas)
    if (isa <= arvit::cpu::best_isa()) result.push_back(isa);
  return result;
}

/// Largest difference over the largest size of the expected numbers; infinite where only one of
/// both is a number.
inline double distance(const Numbers& found, const Numbers& expected) {
  REQUIRE(found.size() == expected.size());
  double most = 0, size = 1e-30;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (std::isnan(found[i]) != std::isnan(expected[i]))
      return std::numeric_limits<double>::infinity();
    if (std::isnan(expected[i])) continue;
    most = std::max(most, std::abs(found[i] - expected[i]));
    size = std::max(size, std::abs(expected[i]));
  }
  return most / size;
}

/// Half a unit in the last place of bf16, or a few roundings of fp32.
template <class P>
constexpr double tolerance = std::is_same_v<typename P::Activation, float> ? 3e-6 : 4.2e-3;

template <class P, class Run> void compare(const Run& run, double allowed = tolerance<P>) {
  arvit::Reference<double> reference;
  const Outputs expected = run(reference);
  for (const auto isa : instruction_sets()) {
    Outputs first;
    for (const int threads : {1, 2, 3}) {
      arvit::Cpu<P> device({threads, isa});
      const Outputs found = run(device);
      REQUIRE(found.size() == expected.size());
      for (std::size_t i = 0; i < found.size(); ++i) {
        INFO("output ", i, ", ", std::string(arvit::cpu::isa_name(isa)), ", ", threads, " threads");
        if (threads == 1)
          CHECK(distance(found[i], expected[i]) < allowed);
        else
          CHECK((first[i].size() == found[i].size() &&
                 std::memcmp(first[i].data(), found[i].data(), found[i].size() * sizeof(double)) ==
                     0));
      }
      if (threads == 1) first = found;
    }
  }
}

template <class D> using A = arvit::Activation<D>;
template <class D> using W = arvit::Weight<D>;
template <class D> using S = arvit::Statistic<D>;

}  // namespace test
