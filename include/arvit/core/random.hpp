// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>

/// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, SC 2011).
/// Every draw depends on (seed, epoch, image, purpose) and its place in that stream, on nothing
/// else: not on the thread, the batch, or what was drawn before.
namespace arvit {

enum class Purpose : std::uint32_t {
  initialise = 1,
  shuffle,
  crop,
  flip,
  order,
  groups,
  drop_path,
  mixup,
  probe,
  codebook,
  condition,
  sample,
  user = 1000
};

/// Names one stream of random numbers.
struct Counter {
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;
  std::uint32_t image = 0;  ///< index of the image in its data set
  Purpose purpose = Purpose::user;
  constexpr Counter with(Purpose other) const { return {seed, epoch, image, other}; }
  constexpr Counter with(Purpose other, std::uint32_t sub) const {  // e.g. one stream per layer
    return {seed, epoch, image,
            static_cast<Purpose>(static_cast<std::uint32_t>(other) + (sub + 1) * 65536u)};
  }
};

/// Ten rounds of two 32 x 32 bit products and a key that grows by Weyl's constants.
constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                              std::uint64_t seed) {
  auto key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * counter[0],
                        b = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {
        static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key0, static_cast<std::uint32_t>(b),
        static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key1, static_cast<std::uint32_t>(a)};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

/// The numbers of one counter, in order.
class Stream {
 public:
  constexpr explicit Stream(Counter name) : name_(name) {}

  constexpr std::uint32_t bits() {
    if (used_ == 4) {
      block_ = philox(
          {name_.image, name_.epoch, static_cast<std::uint32_t>(name_.purpose), next_++},
          name_.seed);
      used_ = 0;
    }
    return block_[used_++];
  }
  /// Uniform on [0, 1), a multiple of 2^-24, hence exact in float.
  constexpr float uniform() { return static_cast<float>(bits() >> 8) * 0x1p-24f; }
  /// Uniform on {0, .., bound - 1}; bound must be positive (Lemire 2019: multiply-shift with
  /// rejection, unbiased).
  constexpr std::uint32_t below(std::uint32_t bound) {
    std::uint64_t product = std::uint64_t{bits()} * bound;
    if (static_cast<std::uint32_t>(product) < bound) {
      const std::uint32_t threshold = (0u - bound) % bound;
      while (static_cast<std::uint32_t>(product) < threshold)
        product = std::uint64_t{bits()} * bound;
    }
    return static_cast<std::uint32_t>(product >> 32);
  }
  /// Standard normal (Box and Muller 1958: sqrt(-2 ln u) cos(2 pi v)); one of the pair is dropped,
  /// so that each draw costs two words.
  double normal() {
    const double u = (static_cast<double>(bits()) + 1.0) * 0x1p-32,
                 v = static_cast<double>(bits()) * 0x1p-32;
    return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586476925 * v);
  }

 private:
  Counter name_;
  std::array<std::uint32_t, 4> block_{};
  std::uint32_t next_ = 0;
  unsigned used_ = 4;
};

constexpr void fill_uniform(std::span<float> values, Counter name) {
  Stream stream(name);
  for (float& value : values) value = stream.uniform();
}

/// Fisher-Yates; uniform over all permutations.
template <class T> constexpr void shuffle(std::span<T> values, Stream& stream) {
  for (std::size_t i = values.size(); i > 1; --i)
    std::swap(values[i - 1], values[stream.below(static_cast<std::uint32_t>(i))]);
}

}  // namespace arvit
