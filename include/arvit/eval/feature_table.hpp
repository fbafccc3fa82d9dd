// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/core/random.hpp"

/// Features of labelled pictures, and how their rows are divided. Every division is stratified and
/// follows from a seed.
namespace arvit {

/// One row per picture: values [rows, width], labels counted from 0.
struct FeatureTable {
  std::int64_t width = 0;
  std::vector<float> values;
  std::vector<int> labels;

  std::int64_t rows() const { return static_cast<std::int64_t>(labels.size()); }
  const float* row(std::int64_t i) const { return values.data() + i * width; }
  int classes() const {
    return labels.empty() ? 0 : 1 + *std::max_element(labels.begin(), labels.end());
  }

  FeatureTable columns(std::int64_t begin, std::int64_t end) const {
    if (begin < 0 || begin >= end || end > width)
      fail<ShapeError>("feature table: columns ", begin, " to ", end, " of ", width,
                       " do not exist.");
    FeatureTable result{end - begin, {}, labels};
    result.values.reserve(rows() * result.width);
    for (std::int64_t i = 0; i < rows(); ++i)
      result.values.insert(result.values.end(), row(i) + begin, row(i) + end);
    return result;
  }
  FeatureTable subset(std::span<const std::int64_t> chosen) const {
    FeatureTable result{width, {}, {}};
    result.values.reserve(chosen.size() * width);
    for (const std::int64_t i : chosen) {
      if (i < 0 || i >= rows())
        fail<ShapeError>("feature table: row ", i, " was asked for, there are ", rows(), ".");
      result.values.insert(result.values.end(), row(i), row(i) + width);
      result.labels.push_back(labels[i]);
    }
    return result;
  }
};

/// Throws ShapeError unless both tables can be compared: rows, widths, finite values, known labels.
inline void check_tables(const char* who, const FeatureTable& train, const FeatureTable& test) {
  for (const FeatureTable* table : {&train, &test}) {
    const char* name = table == &train ? "training" : "test";
    if (table->rows() < 1 || table->width < 1)
      fail<ShapeError>(who, ": the ", name, " table holds no features.");
    if (static_cast<std::int64_t>(table->values.size()) != table->rows() * table->width)
      fail<ShapeError>(who, ": the ", name, " table holds ", table->values.size(), " values for ",
                       table->rows(), " rows of width ", table->width, ".");
    for (const int label : table->labels)
      if (label < 0)
        fail<ShapeError>(who, ": a picture of the ", name,
                         " table has no label; use a data set with classes.");
    for (const float value : table->values)
      if (!std::isfinite(value))
        fail<NumericError>(
            who, ": the ", name,
            " table holds a feature that is not finite; look at the checkpoint it came from.");
  }
  if (train.width != test.width)
    fail<ShapeError>(who, ": training features have width ", train.width, ", test features ",
                     test.width, ".");
}

namespace detail {
inline std::vector<std::vector<std::int64_t>> rows_of_classes(std::span<const int> labels) {
  std::vector<std::vector<std::int64_t>> rows;
  if (!labels.empty()) rows.resize(1 + *std::max_element(labels.begin(), labels.end()));
  for (std::size_t i = 0; i < labels.size(); ++i)
    rows[labels[i]].push_back(static_cast<std::int64_t>(i));
  return rows;
}
}  // namespace detail

/// Deals the rows of each class, shuffled, to `parts` in turn: result[i] is the part of row i.
/// Classes are spread evenly.
inline std::vector<int> stratified_parts(std::span<const int> labels, int parts,
                                         std::uint64_t seed) {
  if (parts < 1) fail<OptionError>("stratified parts: ", parts, "; there must be at least 1.");
  auto of_class = detail::rows_of_classes(labels);
  std::vector<int> part(labels.size());
  int next = 0;
  for (std::size_t c = 0; c < of_class.size(); ++c) {
    Stream stream(Counter{seed, 0, static_cast<std::uint32_t>(c), Purpose::probe});
    shuffle(std::span(of_class[c]), stream);
    for (const std::int64_t i : of_class[c]) part[i] = next++ % parts;
  }
  return part;
}

/// About `fraction` of the rows of every class, at least one of each; ascending.
inline std::vector<std::int64_t> stratified_fraction(std::span<const int> labels, double fraction,
                                                     std::uint64_t seed) {
  if (!(fraction > 0 && fraction <= 1))
    fail<OptionError>("label fraction: ", fraction, "; it must be above 0 and at most 1.");
  auto of_class = detail::rows_of_classes(labels);
  std::vector<std::int64_t> chosen;
  for (std::size_t c = 0; c < of_class.size(); ++c) {
    auto& rows = of_class[c];
    Stream stream(Counter{seed, 1, static_cast<std::uint32_t>(c), Purpose::probe});
    shuffle(std::span(rows), stream);
    const auto kept = std::min<std::int64_t>(
        static_cast<std::int64_t>(rows.size()),
        std::max<std::int64_t>(1, std::llround(fraction * static_cast<double>(rows.size()))));
    if (!rows.empty()) chosen.insert(chosen.end(), rows.begin(), rows.begin() + kept);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

/// Training rows divided for a choice: fit[f] and validation[f] for every fold. Few rows are used
/// five times, many are split once, 9 to 1.
struct Folds {
  std::vector<std::vector<std::int64_t>> fit, validation;
};
inline Folds validation_folds(std::span<const int> labels, std::uint64_t seed) {
  const bool few = labels.size() < 5000;
  const auto part = stratified_parts(labels, few ? 5 : 10, seed);
  Folds folds;
  for (int f = 0; f < (few ? 5 : 1); ++f) {
    folds.fit.emplace_back();
    folds.validation.emplace_back();
    for (std::size_t i = 0; i < part.size(); ++i)
      (part[i] == f ? folds.validation : folds.fit).back().push_back(static_cast<std::int64_t>(i));
  }
  return folds;
}

/// Mean and 1 / deviation of every column of a training table, by which both tables are
/// standardised. A constant column becomes zero.
class Standardiser {
 public:
  explicit Standardiser(const FeatureTable& train) : mean_(train.width), scale_(train.width) {
    std::vector<double> sum(mean_.size()), squares(mean_.size());
    const auto rows = static_cast<double>(train.rows());
    for (std::int64_t i = 0; i < train.rows(); ++i)
      for (std::size_t c = 0; c < sum.size(); ++c) sum[c] += static_cast<double>(train.row(i)[c]);
    for (double& value : sum) value /= rows;
    for (std::int64_t i = 0; i < train.rows(); ++i)
      for (std::size_t c = 0; c < sum.size(); ++c) {
        const double d = static_cast<double>(train.row(i)[c]) - sum[c];
        squares[c] += d * d;
      }
    for (std::size_t c = 0; c < sum.size(); ++c) {
      const double variance = squares[c] / rows, tiny = 1e-12 * (1 + sum[c] * sum[c]);
      mean_[c] = static_cast<float>(sum[c]);
      scale_[c] = variance > tiny ? static_cast<float>(1 / std::sqrt(variance)) : 0.0f;
    }
  }
  void apply(FeatureTable& table) const {
    for (std::int64_t i = 0; i < table.rows(); ++i) {
      float* row = table.values.data() + i * table.width;
      for (std::size_t c = 0; c < mean_.size(); ++c) row[c] = (row[c] - mean_[c]) * scale_[c];
    }
  }

 private:
  std::vector<float> mean_, scale_;
};

/// Share of equal entries.
inline double accuracy(std::span<const int> predicted, std::span<const int> labels) {
  if (predicted.size() != labels.size() || labels.empty())
    fail<ShapeError>("accuracy: ", predicted.size(), " predictions meet ", labels.size(),
                     " labels.");
  std::int64_t right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) right += predicted[i] == labels[i];
  return static_cast<double>(right) / static_cast<double>(labels.size());
}

}  // namespace arvit
