// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <filesystem>
#include <string>

#include "arvit/core/linkage.hpp"
#include "arvit/data/data_format.hpp"
#include "arvit/data/dataset.hpp"
#include "arvit/data/decode.hpp"

namespace arvit {

/// Opens what lies at `path`: a folder, or one file, in one of the formats of this folder
/// (DataFormat), told by its names.
/// Labels of a test split count as in the training split. Throws FileError when there is no such
/// split, and for bad files.
AnyDataset open_dataset(const std::filesystem::path& path, Split split = Split::train,
                        const DecodeLimits& limits = {});

/// The kinds of pictures, for the help of an option.
const std::string& help_of_pictures();

/// Whether open_dataset(path, Split::test) finds a test split.
bool has_test_split(const std::filesystem::path& path);

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/data/impl/open_dataset.ipp"
#endif
