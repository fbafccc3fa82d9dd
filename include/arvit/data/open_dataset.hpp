// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <filesystem>
#include <string_view>

#include "arvit/core/error.hpp"
#include "arvit/core/linkage.hpp"
#include "arvit/data/dataset.hpp"
#include "arvit/data/decode.hpp"

namespace arvit {

/// Which part of a data set. What comes without parts is all `train`.
enum class Split : char { train, test };
inline Split split_from(std::string_view name) {
  return static_cast<Split>(place_of_name("split", name, {"train", "test"}));
}

/// Opens what lies at `path`, told by its names:
///   idx       a folder with train-images-idx3-ubyte(.gz) and its labels, and t10k-... or test-...
///             for the test split; or one such file
///   CIFAR     a folder with data_batch_1.bin .. 5 and test_batch.bin (CIFAR-10), or train.bin and
///             test.bin (CIFAR-100)
///   npy       a folder with train_images.npy, and test_images.npy or val_images.npy for the test
///             split; or one such file of any name, .npy. Labels lie beside it: train_labels.npy
///             for train_images.npy, v6_labels.npy for v6_data.npy, or labels.npy
///   pictures  JPEG and PNG files, by class or flat (ImageFolder), directly or in sub-folders train
///             and val or test
/// Labels of a test split count as in the training split. Throws FileError when there is no such
/// split, and for bad files.
AnyDataset open_dataset(const std::filesystem::path& path, Split split = Split::train,
                        const DecodeLimits& limits = {});

/// The same for the help of an option.
inline constexpr std::string_view help_of_pictures =
    "pictures: a folder of JPEG and PNG files (by class or flat), or of MNIST, Fashion-MNIST, "
    "CIFAR or npy files";

/// Whether open_dataset(path, Split::test) finds a test split.
bool has_test_split(const std::filesystem::path& path);

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/data/impl/open_dataset.ipp"
#endif
