// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "arvit/core/linkage.hpp"
#include "arvit/data/dataset.hpp"
#include "arvit/data/loader.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/teacher/codebook.hpp"

/// Codebooks by k-means over the patches of a data set.
namespace arvit {

/// One assignment of patches to their nearest centroids.
struct FitStep {
  int iteration = 0;  ///< how often the centroids have moved
  /// Of these patches: mean squared distance from the nearest centroid, per entry.
  double inertia = 0;
  /// Of these patches, those that have another code than before; of fresh patches all.
  std::int64_t changed = 0;
  std::int64_t reseeded = 0;  ///< empty clusters so far that got a new centroid
};

struct CodebookOptions {
  int codes = 512, patch = 1;
  /// The pictures are brought to this size, as for an evaluation (EvaluationTransform).
  int height = 32, width = 32;
  /// Most patches to hold; they take sample * patch * patch * 12 bytes.
  std::int64_t sample = 1 << 18;
  std::int64_t batch = 1 << 16;  ///< patches of a mini-batch, at least
  int iterations = 60;           ///< most moves of the centroids
  std::uint64_t seed = 0;
  std::optional<Codebook> init = {};  ///< centroids to continue from
  OnBadFile on_bad_file = OnBadFile::fail;
  std::function<void(const FitStep&)> progress = [](const FitStep&) {};
};

struct CodebookFit {
  Codebook codebook;         ///< its inertia is that of the patches held
  std::int64_t patches = 0;  ///< held
  bool complete = false;     ///< these are all patches of the set
  bool converged = false;    ///< ... and the last move changed no assignment
  int iterations = 0;
  std::int64_t reseeded = 0;  ///< empty clusters that got a new centroid
};

/// k-means. Where `sample` suffices for all patches of the set, Lloyd's iterations run over them
/// until no assignment changes. Of a larger set `sample` random patches are held; the first half of
/// the iterations are Lloyd's on these, the others mini-batches (Sculley 2010) of fresh random
/// patches, at most 64 of a picture: every centroid becomes the running mean of the held and the
/// fresh patches that were nearest to it. On CIFAR-10's test pictures, 512 codes of 4 x 4 pixels,
/// 131072 patches held of 640000, 60 iterations, the inertia of all patches is 1.2 % above that of
/// Lloyd's iterations on all of them; Lloyd's on the sample alone leave 2.1 %, mini-batches
/// alone 3.3 %.
///
/// Start      k-means++ (Arthur and Vassilvitskii 2007) on 16 held patches per code. On the same
///            pictures random patches leave 2 % more inertia for 512 colours and as much for 4 x 4
///            pixels, 4 patches per code 0.4 % more, and 64 per code as much.
/// Empty      In Lloyd's iterations a cluster without patches moves to the patch that is farthest
///            from all centroids.
/// Threads    Those of the device, which also decode. Equal bits for any number.
/// Errors     OptionError for options outside their ranges, more codes than distinct patches, and
///            an `init` of another shape.
CodebookFit fit_codebook(Cpu<Fp32>& device, const AnyDataset& set, const CodebookOptions& options);

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/teacher/impl/fit_codebook.ipp"
#endif
