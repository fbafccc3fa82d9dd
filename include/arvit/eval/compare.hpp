// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arvit/core/initialise.hpp"
#include "arvit/data/dataset.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/eval/extract.hpp"
#include "arvit/eval/protocol.hpp"

/// An encoder beside what it must beat: the same encoder untrained, and raw pixels.
namespace arvit {

struct CompareOptions {
  Normalisation normalisation = Normalisation::imagenet();
  int batch = 64;
  std::vector<Feature> features{};  ///< to choose among; none: class token and mean of every layer
  std::uint64_t seed = 0;           ///< of the untrained encoder
  ProtocolOptions protocol{};
  OnBadFile on_bad_file = OnBadFile::fail;
  int threads = 0;  ///< that decode, search and solve; 0: one per processor
  /// Most memory for raw pixels; more: that row is left out, which is said.
  double pixel_bytes = 8e9;
  bool report = true;  ///< progress on standard error
};

template <Dataset Set> std::vector<int> labels_of(const Set& set) {
  std::vector<int> labels;
  for (std::int64_t i = 0; i < set.size(); ++i) {
    labels.push_back(set.label(i));
    if (labels.back() < 0)
      fail<OptionError>("evaluation: picture ", i, " has no label; use a data set with classes.");
  }
  return labels;
}

namespace detail {
inline int threads_of(const CompareOptions& options) {
  return options.threads > 0 ? options.threads
                             : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}
inline ExtractOptions extraction_of(const CompareOptions& options, const std::string& what) {
  ExtractOptions extract{.threads = threads_of(options), .on_bad_file = options.on_bad_file};
  if (options.report) extract.progress = PassProgress(what);
  return extract;
}
inline ProtocolOptions protocol_of(const CompareOptions& options) {
  ProtocolOptions protocol = options.protocol;
  if (options.report)
    protocol.progress = [](const std::string& what) { std::fprintf(stderr, "%s\n", what.c_str()); };
  return protocol;
}
}  // namespace detail

/// The row of an encoder with these parameters. The extractor's features are chosen among, one by
/// one and all of them together.
template <Dataset Train, Dataset Test>
AccuracyRow evaluate_encoder(const std::string& name, FeatureSource<float>& extractor,
                             std::span<const float> parameters, const Train& train,
                             const Test& test, const CompareOptions& options) {
  // A set without classes is refused before the work begins.
  labels_of(train);
  labels_of(test);
  const EvaluationTransform pictures({.height = extractor.shape().height,
                                      .width = extractor.shape().width,
                                      .normalisation = options.normalisation});
  Cpu<Fp32> device({detail::threads_of(options), {}});
  extractor.load(parameters);
  const FeatureTable known = extract_features(
      extractor, train, pictures, detail::extraction_of(options, name + ", training pictures"));
  const FeatureTable asked = extract_features(
      extractor, test, pictures, detail::extraction_of(options, name + ", test pictures"));
  std::vector<Candidate> candidates = candidates_of(extractor);
  constexpr std::int64_t widest = 4096;  // the closed form solves a square system of that size
  if (extractor.width() <= widest)
    candidates.push_back({"all of these together", 0, extractor.width()});
  return evaluate_features(device, name, known, asked, candidates, detail::protocol_of(options));
}

/// The row "raw pixels" of pictures of this shape, by the same protocol; none where they would take
/// more than options.pixel_bytes, which is said.
template <Dataset Train, Dataset Test>
std::optional<AccuracyRow> evaluate_pixels(ImageShape shape, const Train& train, const Test& test,
                                           const CompareOptions& options) {
  const double bytes = 4.0 * static_cast<double>((train.size() + test.size()) * shape.size());
  if (bytes > options.pixel_bytes) {
    std::fprintf(stderr, "raw pixels: left out, they would take %.1f GB\n", bytes / 1e9);
    return {};
  }
  const EvaluationTransformOptions pictures{
      .height = shape.height, .width = shape.width, .normalisation = options.normalisation};
  FeatureTable known = extract_pixels(train, pictures,
                                      detail::extraction_of(options, "raw pixels, training"));
  FeatureTable asked = extract_pixels(test, pictures,
                                      detail::extraction_of(options, "raw pixels, test"));
  if (is_grey(known) && is_grey(asked)) {
    known = known.columns(0, known.width / 3);
    asked = asked.columns(0, asked.width / 3);
  }
  const Candidate all{"pixels", 0, known.width};
  Cpu<Fp32> device({detail::threads_of(options), {}});
  return evaluate_features(device, "raw pixels", known, asked, std::span(&all, 1),
                           detail::protocol_of(options));
}

/// Three rows of one protocol: "pre-trained", "untrained", "raw pixels", for the parameters of an
/// encoder and others as a new run draws them.
template <Dataset Train, Dataset Test>
std::vector<AccuracyRow> compare_with_baselines(FeatureSource<float>& extractor,
                                                std::span<const float> pretrained,
                                                std::span<const float> untrained,
                                                const Train& train, const Test& test,
                                                const CompareOptions& options) {
  std::vector<AccuracyRow> rows{
      evaluate_encoder("pre-trained", extractor, pretrained, train, test, options),
      evaluate_encoder("untrained", extractor, untrained, train, test, options)};
  if (auto pixels = evaluate_pixels(extractor.shape(), train, test, options))
    rows.push_back(*std::move(pixels));
  return rows;
}

/// The same for an encoder whose type is known: class token and mean of every layer.
template <class Encoder, Device D, Dataset Train, Dataset Test>
std::vector<AccuracyRow> compare_with_baselines(D& device, std::span<const float> parameters,
                                                const Train& train, const Test& test,
                                                const CompareOptions& options) {
  FeatureExtractor<Encoder, D> extractor(
      device, {.batch = options.batch,
               .features = options.features.empty() ? all_layers<Encoder>() : options.features});
  return compare_with_baselines(
      extractor, parameters, untrained(Encoder::parameters(), options.seed), train, test, options);
}

}  // namespace arvit
