// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

#include "arvit/core/linkage.hpp"
#include "arvit/data/augment.hpp"
#include "arvit/data/dataset.hpp"
#include "arvit/data/loader.hpp"
#include "arvit/device/ops/images.hpp"
#include "arvit/run/run_options.hpp"

namespace arvit {

#if defined(ARVIT_COMPILED)
extern template class Loader<AnyDataset, TrainTransform>;
#endif

/// The pictures of a run as its options ask for them: cropped, mirrored and normalised, in
/// micro-batches.
class TrainingPictures {
 public:
  /// In the size of `shape`.
  TrainingPictures(const AnyDataset& set, const RunOptions& options, const ImageShape& shape);

  Loader<AnyDataset, TrainTransform>& loader() { return loader_; }
  const Normalisation& normalisation() const { return normalisation_; }
  /// All that the crop of a picture depends on besides the picture and the epoch, in one line.
  const std::string& crops() const { return crops_; }

 private:
  Normalisation normalisation_;
  std::string crops_;
  Loader<AnyDataset, TrainTransform> loader_;
};

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/run/impl/training_pictures.ipp"
#endif
