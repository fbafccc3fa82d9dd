// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/show/fill_in_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>

#include "arvit/core/error.hpp"
#include "arvit/eval/image_quality.hpp"
#include "arvit/io/json_writer.hpp"
#include "arvit/show/fill_in.hpp"

namespace arvit {

ARVIT_DEFINITION std::vector<int> FillInTable::ranks(const std::string& checkpoint,
                                                     const ImageShape& shape,
                                                     std::span<const Counter> counters) {
  if (pictures_ > 0 &&
      (shape.height != shape_.height || shape.width != shape_.width || shape.patch != shape_.patch))
    fail<OptionError>(checkpoint, ": its pictures have ", shape.height, "x", shape.width,
                      " pixels in patches of ", shape.patch, ", those of the first checkpoint ",
                      shape_.height, "x", shape_.width, " in patches of ", shape_.patch,
                      "; compare models of one size.");
  if (shape.height < ssim_window || shape.width < ssim_window)
    fail<OptionError>(checkpoint, ": its pictures of ", shape.height, "x", shape.width,
                      " pixels are too small for SSIM.");
  if (pictures_ > 0 &&
      !std::ranges::equal(counters, counters_, [](const Counter& a, const Counter& b) {
        return a.seed == b.seed && a.epoch == b.epoch && a.image == b.image;
      }))
    fail<ShapeError>("FillInTable: ", checkpoint,
                     " has other pictures than the first checkpoint; give all models the same.");
  shape_ = shape;
  pictures_ = static_cast<std::int64_t>(counters.size());
  counters_.assign(counters.begin(), counters.end());
  ranks_.clear();
  for (const Counter& counter : counters) {
    const auto one = masked_ranks(shape.patches(), mask_ratio_, groups_, counter);
    ranks_.insert(ranks_.end(), one.begin(), one.end());
  }
  return ranks_;
}

ARVIT_DEFINITION void FillInTable::add(const std::string& name, const std::string& checkpoint,
                                       const std::string& note, std::span<const float> original,
                                       std::span<const float> filled,
                                       const Normalisation& normalisation) {
  if (original.size() != filled.size() ||
      static_cast<std::int64_t>(original.size()) != pictures_ * shape_.size() || pictures_ == 0)
    fail<ShapeError>("FillInTable: ", original.size(), " values and ", filled.size(), " for ",
                     pictures_, " pictures of ", shape_.size(), ".");
  const std::size_t plane = std::size_t(shape_.height) * shape_.width;  // one channel of a picture
  const auto colours_of = [&](std::span<const float> pixels) {
    std::vector<float> colours(pixels.begin(), pixels.end());
    for (std::size_t i = 0; i < colours.size(); ++i) {
      const std::size_t c = i / plane % 3;
      colours[i] = std::clamp(colours[i] * normalisation.deviation[c] + normalisation.mean[c], 0.0f,
                              1.0f);
    }
    return colours;
  };
  if (rows_.empty()) {
    original_ = colours_of(original);
    auto flat = original_;
    for (std::size_t at = 0; at < flat.size(); at += plane) {
      const auto picture = static_cast<std::int64_t>(at / plane / 3);
      double sum = 0, count = 0;
      for (std::size_t i = 0; i < plane; ++i)
        if (!masked(picture, i)) {
          sum += flat[at + i];
          ++count;
        }
      const float mean = count > 0 ? static_cast<float>(sum / count) : 0.5f;
      for (std::size_t i = 0; i < plane; ++i)
        if (masked(picture, i)) flat[at + i] = mean;
    }
    measure({"mean colour", "", "every masked pixel in the mean colour of what is given"}, flat);
  }
  measure({name, checkpoint, note}, colours_of(filled));
}

ARVIT_DEFINITION bool FillInTable::masked(std::int64_t picture, std::size_t pixel) const {
  const int y = static_cast<int>(pixel) / shape_.width, x = static_cast<int>(pixel) % shape_.width;
  const int patch = y / shape_.patch * shape_.columns() + x / shape_.patch;
  return ranks_[picture * shape_.patches() + patch] > 0;
}

ARVIT_DEFINITION void FillInTable::measure(Row row, const std::vector<float>& colours) {
  const int height = shape_.height, width = shape_.width, inner = ssim_window / 2;
  const auto size = static_cast<std::size_t>(shape_.size());
  const std::size_t plane = size / 3;
  double error = 0, masked_error = 0, pictures_with_window = 0;
  for (std::int64_t i = 0; i < pictures_; ++i) {
    const auto a = std::span<const float>(original_).subspan(i * size, size);
    const auto b = std::span<const float>(colours).subspan(i * size, size);
    std::vector<float> of_a, of_b;  // what is masked
    for (std::size_t at = 0; at < size; ++at)
      if (masked(i, at % plane)) {
        of_a.push_back(a[at]);
        of_b.push_back(b[at]);
      }
    const auto map = ssim_map(a, b, height, width);
    double sum = 0, masked_sum = 0, masked_count = 0;
    for (int y = 0, at = 0; y + ssim_window <= height; ++y)
      for (int x = 0; x + ssim_window <= width; ++x, ++at) {
        sum += map[at];
        if (masked(i, std::size_t(y + inner) * width + x + inner)) {
          masked_sum += map[at];
          ++masked_count;
        }
      }
    const auto mean = [&](double& of_all, double value) {
      of_all += value / static_cast<double>(pictures_);
    };
    mean(error, squared_error(a, b));
    mean(masked_error, squared_error(of_a, of_b));
    mean(row.ssim, sum / static_cast<double>(map.size()));
    if (masked_count > 0) {
      row.masked_ssim += masked_sum / masked_count;
      ++pictures_with_window;
    }
  }
  row.psnr = -10 * std::log10(error);
  row.masked_psnr = -10 * std::log10(masked_error);
  row.masked_ssim /= pictures_with_window;
  rows_.push_back(std::move(row));
  filled_.push_back(colours);
}

ARVIT_DEFINITION std::string FillInTable::text() const {
  std::size_t wide = 0;
  for (const Row& row : rows_) wide = std::max(wide, row.name.size());
  char line[160];
  std::snprintf(line, sizeof line, "%s  %11s  %9s  %11s  %9s\n", std::string(wide, ' ').c_str(),
                "PSNR masked", "PSNR", "SSIM masked", "SSIM");
  std::string result = line;
  for (const Row& row : rows_) {
    std::snprintf(line, sizeof line, "  %8.2f dB  %6.2f dB  %11.4f  %9.4f\n", row.masked_psnr,
                  row.psnr, row.masked_ssim, row.ssim);
    result += row.name + std::string(wide - row.name.size(), ' ') + line;
  }
  for (const Row& row : rows_) result += row.name + ": " + row.note + ".\n";
  return result;
}

ARVIT_DEFINITION std::string FillInTable::json() const {
  JsonWriter json;
  json.begin_object()
      .member("pictures", pictures_)
      .member("mask_ratio", mask_ratio_)
      .member("groups", ranks_.empty() ? 0 : *std::ranges::max_element(ranks_))
      .key("rows")
      .begin_array();
  for (const Row& row : rows_) {
    json.begin_object()
        .member("name", row.name)
        .member("checkpoint", row.checkpoint)
        .member("note", row.note)
        .member("masked_psnr", row.masked_psnr)
        .member("psnr", row.psnr);
    json.member("masked_ssim", row.masked_ssim).member("ssim", row.ssim).end_object();
  }
  json.end_array().end_object();
  return json.text() + "\n";
}

ARVIT_DEFINITION Canvas FillInTable::picture(int most) const {
  std::vector<std::string> titles{"picture", "given"};
  for (std::size_t m = 1; m < rows_.size(); ++m) titles.push_back(rows_[m].name);
  std::vector<std::vector<Canvas>> shown;
  const std::int64_t size = shape_.size(), patches = shape_.patches();
  for (std::int64_t i = 0; i < std::min<std::int64_t>(most, pictures_); ++i) {
    const auto of = [&](const std::vector<float>& pictures) {
      return picture_of(std::span(pictures).subspan(i * size, size), shape_.height, shape_.width,
                        {});
    };
    std::vector<int> mask(ranks_.begin() + i * patches, ranks_.begin() + (i + 1) * patches);
    for (int& rank : mask) rank = std::min(rank, 1);
    shown.push_back({of(original_), ordered_view(of(original_), mask, shape_.patch)});
    for (std::size_t m = 1; m < rows_.size(); ++m) shown.back().push_back(of(filled_[m]));
  }
  std::string standardised;
  for (const Row& row : rows_)
    if (row.note.find("true patch") != std::string::npos)
      standardised += (standardised.empty() ? "" : ", ") + row.name;
  return labelled_grid(
      titles, shown,
      standardised.empty() ? "" : "with mean and deviation of the true patch: " + standardised);
}

}  // namespace arvit
