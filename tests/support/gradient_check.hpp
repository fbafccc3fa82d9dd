// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "arvit/core/cursor.hpp"
#include "arvit/device/reference.hpp"
#include "arvit/nn/context.hpp"
#include "support/fill.hpp"

namespace arvit::test {

/// Numbers of a check and their gradient, as a layer takes them.
template <int Dim> struct CheckedRows : Rows<double, Dim> { Rows<double, Dim> gradient; };

namespace detail {
template <class Layer, class D> struct BothParameters {
  typename Layer::template Parameters<Reading<D>> read;
  typename Layer::template Parameters<Adding<D>> add;
  BothParameters(Reading<D> values, Adding<D> gradients) : read(values), add(gradients) {}
};
}  // namespace detail
/// ... of a layer's parameters: Learned, and what it refers to.
template <class Layer, class D>
struct CheckedParameters : detail::BothParameters<Layer, D>, Learned<Layer, D> {
  CheckedParameters(double* values, double* gradients)
      : detail::BothParameters<Layer, D>({values, values}, {gradients, gradients}),
        Learned<Layer, D>{this->read, this->add} {}
  CheckedParameters(const CheckedParameters&) = delete;
};

/// Holds every entry of every gradient against central differences, in double:
///
///   GradientCheck check;
///   const auto& c = check.context();
///   const auto w = check.parameters<Layer>();
///   const auto x = check.input<3>("x", rows);
///   const auto y = check.output<4>("y", rows);
///   check.run([&] { Layer::forward(c, w.weights, x, y); },
///             [&] { Layer::backward(c, w, x, y.gradient, x.gradient); });
///
/// All numbers are hashed. What is differentiated is f = the sum over outputs of weight * output;
/// a backward finds the weights in the outputs' gradients. Gradients that are assigned hold NaN
/// before it, those that are added to hold numbers, which are taken off again; and whatever the
/// arena gives holds NaN before it is written.
template <class D = Reference<double>> class GradientCheck {
 public:
  static constexpr double step = 1e-5, tolerance = 1e-8;
  /// A gradient that is smaller throughout is compared as if it had this size.
  static constexpr double least_scale = 0.05;

  GradientCheck() : arena_(reinterpret_cast<std::byte*>(memory_.data()), bytes) {}
  GradientCheck(const GradientCheck&) = delete;

  D& device() { return device_; }
  const Context<D>& context() const { return context_; }

  /// The parameters of a layer, whose gradients are added to.
  template <class Layer> CheckedParameters<Layer, D> parameters(const std::string& prefix = "") {
    Numbers& numbers = add_numbers(count_of<Layer>(), Write::add);
    for (const PlacedTensor& placed : tensors_of<Layer>()) {
      const auto shape = arvit::detail::stored_shape(placed.tensor);
      double* const values = numbers.values.data() + placed.offset;
      fill_parameter<double>("." + prefix + placed.name, shape,
                             {values, std::size_t(placed.tensor.size())});
      numbers.tensors.push_back({prefix + placed.name, placed.offset, placed.tensor.size()});
    }
    return {numbers.values.data(), numbers.gradients.data()};
  }
  /// Tokens that a forward reads, whose gradient is assigned or added to.
  template <int Dim>
  CheckedRows<Dim> input(const std::string& name, std::int64_t rows,
                         Write gradient = Write::assign) {
    Numbers& numbers = add_numbers(rows * Dim, gradient);
    hash(numbers.values, name);
    numbers.tensors.push_back({name, 0, rows * Dim});
    return {{numbers.values.data(), rows}, {numbers.gradients.data(), rows}};
  }
  /// Numbers that a forward assigns. A backward may use up their gradient.
  template <int Dim> CheckedRows<Dim> output(const std::string& name, std::int64_t rows) {
    Output& output = outputs_.emplace_back();
    output.weights.resize(rows * Dim);
    hash(output.weights, name);
    output.values.resize(rows * Dim);
    output.gradients.resize(rows * Dim);
    return {{output.values.data(), rows}, {output.gradients.data(), rows}};
  }
  /// Tensors whose names begin so have no part in the outputs: their gradients are zero. Of any
  /// other tensor some are not.
  void without_part(const std::string& prefix) { without_part_.push_back(prefix); }

  /// Returns all gradients. With `again`, a backward is also run after it, on memory of which
  /// nothing is left of the forward: it gives the same bits.
  std::vector<double> run(const std::function<void()>& forward,
                          const std::function<void()>& backward,
                          const std::function<void()>& again = {}) {
    const std::vector<double> found = gradients(forward, backward, {});
    if (again) CHECK(gradients(forward, backward, again) == found);
    const double* at = found.data();
    for (Numbers& numbers : numbers_)
      for (const Part& part : numbers.tensors) {
        compare(part, numbers.values.data() + part.offset, at, forward);
        at += part.size;
      }
    return found;
  }

 private:
  struct Part {
    std::string name;
    std::int64_t offset, size;
  };
  struct Numbers {
    std::vector<Part> tensors;
    std::vector<double> values, gradients;
    Write write;
  };
  struct Output {
    std::vector<double> values, gradients, weights;
  };
  static constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

  Numbers& add_numbers(std::int64_t size, Write write) {
    return numbers_.emplace_back(
        Numbers{{}, std::vector<double>(size), std::vector<double>(size), write});
  }
  /// Uniform in (-1, 1).
  static void hash(std::vector<double>& values, const std::string& name) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = 2 * hashed(name, i) - 1;
  }
  void forget(std::int64_t begin) {
    std::fill(memory_.begin() + begin / sizeof(double), memory_.end(), nothing);
  }
  static double start(std::size_t i) { return hashed("start", i) - 0.5; }

  std::vector<double> gradients(const std::function<void()>& forward,
                                const std::function<void()>& backward,
                                const std::function<void()>& again) {
    forget(0);
    for (Output& output : outputs_) std::fill(output.values.begin(), output.values.end(), nothing);
    forward();
    if (again) {
      forget(0);
      again();
    }
    for (Output& output : outputs_) output.gradients = output.weights;
    for (Numbers& numbers : numbers_)
      for (std::size_t i = 0; i < numbers.gradients.size(); ++i)
        numbers.gradients[i] = numbers.write == Write::add ? start(i) : nothing;
    forget(arena_.used());
    backward();
    std::vector<double> result;
    for (const Numbers& numbers : numbers_)
      for (std::size_t i = 0; i < numbers.gradients.size(); ++i)
        result.push_back(numbers.gradients[i] - (numbers.write == Write::add ? start(i) : 0));
    return result;
  }
  /// The sum of weight * output.
  double value(const std::function<void()>& forward) {
    forward();
    double sum = 0;
    for (const Output& output : outputs_)
      for (std::size_t i = 0; i < output.values.size(); ++i)
        sum += output.weights[i] * output.values[i];
    return sum;
  }
  void compare(const Part& part, double* values, const double* found,
               const std::function<void()>& forward) {
    double largest = 0, worst = -1, expected = 0;
    std::int64_t at = 0;
    for (std::int64_t i = 0; i < part.size; ++i) {
      const auto slope_over = [&](double step) {
        const double start = values[i];
        values[i] = start + step;
        const double above = value(forward);
        values[i] = start - step;
        const double below = value(forward);
        values[i] = start;
        return (above - below) / (2 * step);
      };
      double slope = slope_over(step);
      // Where f bends much, its third derivative is taken off (Richardson 1911).
      if (std::abs(found[i] - slope) > tolerance * least_scale)
        slope = (4 * slope_over(step / 2) - slope) / 3;
      const double difference = std::abs(found[i] - slope);
      largest = std::max(largest, std::abs(slope));
      if (difference <= worst) continue;
      worst = difference;
      expected = slope;
      at = i;
      if (std::isnan(difference)) break;
    }
    INFO(part.name, "[", at, "]: its gradient is ", found[at], ", differences give ", expected);
    CHECK(worst <= tolerance * std::max(largest, least_scale));
    const bool silent = std::any_of(
        without_part_.begin(), without_part_.end(),
        [&](const std::string& prefix) { return part.name.starts_with(prefix); });
    CHECK((largest < 1e-9) == silent);
  }

  D device_;
  static constexpr std::int64_t bytes = 1 << 17;
  std::vector<double> memory_ = std::vector<double>(bytes / sizeof(double));
  Arena arena_;
  Context<D> context_{device_, arena_};
  std::deque<Numbers> numbers_;
  std::deque<Output> outputs_;
  std::vector<std::string> without_part_;
};

}  // namespace arvit::test
