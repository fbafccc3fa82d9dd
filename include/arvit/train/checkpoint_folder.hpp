// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arvit/core/linkage.hpp"

namespace arvit {

/// The checkpoints of a run: checkpoint-000001200.safetensors holds the state after step 1200. Each
/// is complete, for it is written beside and renamed.
class CheckpointFolder {
 public:
  explicit CheckpointFolder(std::string folder, int keep = 0)
      : folder_(std::move(folder)), keep_(keep) {}

  /// Removes what interrupted writes left; by whoever has the folder's lock (io/folder.hpp).
  void remove_unfinished() const;
  std::string path(std::int64_t step) const;
  /// The checkpoint of the latest step, or "".
  std::string newest() const;
  /// use(path) of the newest checkpoint; where that throws DamagedFile passed_over(its sentence),
  /// and the same with the one before it. The error of the oldest is thrown on.
  void use_newest(const std::function<void(const std::string& path)>& use,
                  const std::function<void(const std::string& why)>& passed_over) const;
  /// Removes all but the newest `keep`.
  void forget_old() const;
  /// The steps of all checkpoints, ascending.
  std::vector<std::int64_t> steps() const;

 private:
  static constexpr std::string_view prefix = "checkpoint-", suffix = ".safetensors";
  std::string folder_;
  int keep_;
};

/// `path` itself, or the newest checkpoint in it when it is a folder. FileError when there is none.
std::string find_checkpoint(const std::string& path);

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/train/impl/checkpoint_folder.ipp"
#endif
