// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/core/random.hpp"
#include "arvit/data/augment.hpp"
#include "arvit/device/ops/images.hpp"
#include "arvit/show/canvas.hpp"

namespace arvit {

/// Several models' ways to fill in the same masked pictures, side by side and in numbers.
class FillInTable {
 public:
  struct Row {
    std::string name, checkpoint, note;  ///< note: how predictions became pixels
    /// PSNR of the squared error, and SSIM, as means over pictures; masked: of the masked pixels,
    /// of SSIM windows around these (pictures without such a window are left out; NaN if that is
    /// all of them).
    double psnr = 0, masked_psnr = 0, ssim = 0, masked_ssim = 0;
  };

  FillInTable(double mask_ratio, int groups) : mask_ratio_(mask_ratio), groups_(groups) {}

  /// Ranks [pictures, patches] of the pictures of these counters. OptionError for a checkpoint of
  /// another picture or patch size than the first one's, ShapeError for other counters.
  std::vector<int> ranks(const std::string& checkpoint, const ImageShape& shape,
                         std::span<const Counter> counters);
  /// A model's pictures, after ranks(): what they were and what it made of them, [pictures, 3,
  /// height, width], normalised.
  void add(const std::string& name, const std::string& checkpoint, const std::string& note,
           std::span<const float> original, std::span<const float> filled,
           const Normalisation& normalisation);

  /// Beside the models: every masked pixel in the mean colour of what is given, which knows nothing
  /// of pictures.
  const std::vector<Row>& rows() const { return rows_; }
  std::string text() const;
  std::string json() const;
  /// The first pictures, at most `most`: original, masked, and each model's.
  Canvas picture(int most) const;

 private:
  void measure(Row row, const std::vector<float>& colours);
  /// Whether a pixel, counted inside its picture, is to be filled in.
  bool masked(std::int64_t picture, std::size_t pixel) const;
  double mask_ratio_;
  int groups_;
  std::int64_t pictures_ = 0;
  ImageShape shape_{};
  std::vector<Counter> counters_;
  std::vector<int> ranks_;
  std::vector<float> original_;             ///< colours in [0, 1]
  std::vector<std::vector<float>> filled_;  ///< of every row
  std::vector<Row> rows_;
};

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/show/impl/fill_in_table.ipp"
#endif
