// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/run/own_teacher.hpp"

#include <filesystem>

#include "arvit/io/folder.hpp"
#include "arvit/teacher/fit_codebook.hpp"

namespace arvit {

ARVIT_DEFINITION void fit_own_codebook(const AnyDataset& train, const RunOptions& options,
                                       const std::string& file, const ImageShape& shape,
                                       int codes) {
  if (std::filesystem::exists(file)) {
    if (!options.files.resume) fail_already_there(options.files.out, file);
    return;
  }
  make_writable_folder(std::filesystem::path(file).parent_path());  // before the work
  Cpu<Fp32> device({options.machine.threads.value_or(0), {}});
  const CodebookFit fit = fit_codebook(device, train,
                                       {.codes = codes,
                                        .patch = shape.patch,
                                        .height = shape.height,
                                        .width = shape.width,
                                        .seed = options.seed});
  save_codebook(file, fit.codebook);
}

}  // namespace arvit
