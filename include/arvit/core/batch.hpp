// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

#include "arvit/core/buffer.hpp"
#include "arvit/core/error.hpp"
#include "arvit/core/rows.hpp"

/// What a model reads of its images, from the loader to the kernels.
namespace arvit {

/// Numbers of ONE image in each part of a batch; 0: that part is not read.
struct BatchWidths {
  std::int64_t pixels = 0, tokens = 0, codes = 0, conditions = 0;

  constexpr std::int64_t total() const { return pixels + tokens + codes + conditions; }
  /// What somebody must make besides the pictures.
  constexpr BatchWidths beside_pixels() const { return {0, tokens, codes, conditions}; }
};

/// Images and what comes with them, on the host or on a device. A part that nobody reads may be
/// empty.
template <class T, class Space = HostSpace> struct Batch {
  Span<T, Space> pixels = {};      ///< [images, 3, height, width]
  Span<T, Space> tokens = {};      ///< a teacher's features [images, tokens, width]
  Span<T, Space> codes = {};       ///< a tokenizer's [images, patches], in reading order
  Span<T, Space> conditions = {};  ///< kind after kind [images, width] (nn/condition.hpp)

  template <class U>
  requires(std::same_as<U, const T> && !std::is_const_v<T>) constexpr operator Batch<U, Space>()
      const {
    return {pixels, tokens, codes, conditions};
  }
  /// The places of a batch of `images` images in memory for as many or more; what is not read has
  /// none.
  constexpr Batch first(std::int64_t images, const BatchWidths& widths) const {
    return {pixels.part(0, images * widths.pixels), tokens.part(0, images * widths.tokens),
            codes.part(0, images * widths.codes), conditions.part(0, images * widths.conditions)};
  }
};

/// ShapeError unless every part that is read has the numbers of `images` images.
template <class T, class Space>
void check_batch(const Batch<T, Space>& batch, const BatchWidths& widths, std::int64_t images) {
  const auto check = [&](std::string_view name, Span<T, Space> part, std::int64_t width) {
    if (width > 0 && part.size() != images * width)
      fail<ShapeError>("batch: its ", name, " are ", part.size(), " numbers, ", images,
                       " images need ", images * width, "; give ", width, " for each.");
  };
  check("pixels", batch.pixels, widths.pixels);
  check("tokens", batch.tokens, widths.tokens);
  check("codes", batch.codes, widths.codes);
  check("conditions", batch.conditions, widths.conditions);
}

/// Host memory for what somebody makes of at most `most_images` images.
template <class T> class HostBatch {
 public:
  HostBatch() = default;
  HostBatch(const BatchWidths& widths, std::int64_t most_images)
      : widths_(widths),
        pixels_(most_images * widths.pixels),
        tokens_(most_images * widths.tokens),
        codes_(most_images * widths.codes),
        conditions_(most_images * widths.conditions) {}

  Batch<T> first(std::int64_t images) {
    return Batch<T>{pixels_, tokens_, codes_, conditions_}.first(images, widths_);
  }

 private:
  BatchWidths widths_;
  std::vector<T> pixels_, tokens_, codes_, conditions_;
};

/// Memory of device D for batches of at most `most_images` images.
template <class D, class T> class DeviceBatchMemory {
 public:
  using Space = typename D::Space;

  DeviceBatchMemory(D& device, const BatchWidths& widths, std::int64_t most_images)
      : device_(device),
        widths_(widths),
        most_images_(most_images),
        pixels_(device, most_images * widths.pixels),
        tokens_(device, most_images * widths.tokens),
        codes_(device, most_images * widths.codes),
        conditions_(device, most_images * widths.conditions) {}

  /// Copies what is read of `images` images.
  Batch<const T, Space> upload(const Batch<const T>& from, std::int64_t images) {
    if (images > most_images_)
      fail<ShapeError>("batch: ", images, " images, there is memory for ", most_images_,
                       "; give fewer at once.");
    check_batch(from, widths_, images);
    const Batch<T, Space> to = places(images);
    copy(from.pixels, to.pixels);
    copy(from.tokens, to.tokens);
    copy(from.codes, to.codes);
    copy(from.conditions, to.conditions);
    return to;
  }
  /// What was uploaded last, of `images` images.
  Batch<const T, Space> first(std::int64_t images) const { return places(images); }
  std::int64_t bytes() const {
    return most_images_ * widths_.total() * static_cast<std::int64_t>(sizeof(T));
  }

 private:
  Batch<T, Space> places(std::int64_t images) const {
    return Batch<T, Space>{pixels_.span(), tokens_.span(), codes_.span(), conditions_.span()}.first(
        images, widths_);
  }
  void copy(Span<const T> from, Span<T, Space> to) {
    if (!to.empty()) device_.upload(from.data(), to);
  }

  D& device_;
  BatchWidths widths_;
  std::int64_t most_images_;
  Buffer<D, T> pixels_, tokens_, codes_, conditions_;
};

}  // namespace arvit
