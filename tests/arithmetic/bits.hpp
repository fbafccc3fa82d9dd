// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "arvit/core/checksum.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/model/pretrain_pass.hpp"
#include "arvit/train/step.hpp"
#include "arvit/variants.hpp"
#include "support/fill.hpp"
#include "support/made_batch.hpp"

/// Holds the arithmetic of whole models to the bit: after five steps of training, checksums of all
/// losses, all gradients, and the parameters with their moments and average must be those of
/// tests/arithmetic/bits.txt, for every instruction set of that file that this processor has. What
/// moves code about leaves the file as it is. ARVIT_WRITE_BITS=FILE appends the lines of the
/// present code to FILE.
namespace arvit::test {

/// 16 x 16 pixels: 4 x 4 patches, which have halves and squares.
template <int Depth, class... O> using BitsViT = ViT<Depth, 12, 3, Patch<4>, Image<16>, O...>;
using BitsTeacher = ViT<1, 8, 2, Patch<4>, Image<16>>;
using BitsLargeTeacher = ViT<1, 8, 2, Patch<4>, Image<24>>;
struct BitsTower {
  static constexpr int dim = 5;
};

/// The digits of a checksum.
inline std::string digits_of(std::uint64_t sum) {
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(sum));
  return digits.data();
}
template <class T> std::uint64_t chained(std::uint64_t seed, const T* values, std::int64_t count) {
  return checksum(std::as_bytes(std::span<const T>(values, static_cast<std::size_t>(count))), seed);
}

/// Losses, gradients and parameters after five steps of two micro-batches of three images, as
/// checksums.
template <class Model, class P> std::string bits_of(cpu::Isa isa) {
  constexpr int micro_batch = 3, images = 2 * micro_batch;
  Cpu<P> device({2, isa});
  Step<Model, Cpu<P>> step(device, {.micro_batch = micro_batch, .average = true, .drop_path = 0.2});
  step.initialise(7);
  const auto hashed = hashed_images(static_cast<std::size_t>(images) * Model::Grid::image_width);
  const std::vector<float> pixels(hashed.begin(), hashed.end());
  const MadeBatch<Model, float> made(micro_batch);
  Batch<const float> batch = made;

  std::uint64_t losses = 0, gradients = 0, parameters = 0;
  AdamW adamw;
  for (adamw.step = 1; adamw.step <= 5; ++adamw.step) {
    std::vector<Counter> counters;
    for (int i = 0; i < images; ++i)
      counters.push_back({.seed = 3,
                          .epoch = static_cast<std::uint32_t>(adamw.step),
                          .image = static_cast<std::uint32_t>(i)});
    step.begin(counters);
    for (int first = 0; first < images; first += micro_batch) {
      constexpr std::int64_t width = Model::batch_widths.pixels;
      batch.pixels = Span<const float>(pixels).part(first * width, (first + micro_batch) * width);
      step.accumulate(batch, std::span(counters).subspan(first, micro_batch));
    }
    const double loss = step.loss();
    REQUIRE(std::isfinite(loss));
    losses = chained(losses, &loss, 1);
    gradients = chained(gradients, step.gradients().data(), step.gradients().size());
    const double norm = step.update(adamw, 0.5, 0.9);
    losses = chained(losses, &norm, 1);
  }
  for (const auto* numbers : {&step.masters(), &step.state(0), &step.state(1), &step.average()})
    parameters = chained(parameters, numbers->data(), numbers->size());
  return digits_of(losses) + " " + digits_of(gradients) + " " + digits_of(parameters);
}

/// The lines of bits.txt: what stands before the last three words, and those.
inline std::map<std::string, std::string> expected_bits() {
  std::map<std::string, std::string> expected;
  std::ifstream file(std::string(ARVIT_SOURCE_DIR) + "/tests/arithmetic/bits.txt");
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string name, precision, isa, losses, gradients, parameters;
    words >> name >> precision >> isa >> losses >> gradients >> parameters;
    expected[name + " " + precision + " " + isa] = losses + " " + gradients + " " + parameters;
  }
  return expected;
}

template <class Model> void check_bits(const std::string& name) {
  static const auto expected = expected_bits();
  for (const cpu::Isa isa : {cpu::Isa::baseline, cpu::Isa::avx2}) {
    if (isa > cpu::best_isa()) continue;
    const auto check = [&](const char* precision, const std::string& bits) {
      const std::string line = name + " " + precision + " " + std::string(cpu::isa_name(isa));
      if (const char* path = std::getenv("ARVIT_WRITE_BITS"))
        std::ofstream(path, std::ios::app) << line << " " << bits << "\n";
      CAPTURE(line);
      const auto found = expected.find(line);
      CHECK(bits == (found == expected.end() ? "no line of bits.txt" : found->second));
    };
    check("fp32", bits_of<Model, Fp32>(isa));
    check("bf16", bits_of<Model, Bf16>(isa));
  }
}

}  // namespace arvit::test
