// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/train/checkpoint_folder.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "arvit/core/error.hpp"

namespace arvit {

ARVIT_DEFINITION void CheckpointFolder::remove_unfinished() const {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(prefix) && name.ends_with(".partial"))
      std::filesystem::remove(entry.path(), error);
  }
}

ARVIT_DEFINITION std::string CheckpointFolder::path(std::int64_t step) const {
  char number[32];
  std::snprintf(number, sizeof number, "%09lld", static_cast<long long>(step));
  return folder_ + "/" + std::string(prefix) + number + std::string(suffix);
}

ARVIT_DEFINITION std::string CheckpointFolder::newest() const {
  const auto all = steps();
  return all.empty() ? "" : path(all.back());
}

ARVIT_DEFINITION void CheckpointFolder::use_newest(
    const std::function<void(const std::string&)>& use,
    const std::function<void(const std::string&)>& passed_over) const {
  const auto all = steps();
  for (std::size_t left = all.size(); left > 0; --left) {
    try {
      return use(path(all[left - 1]));
    } catch (const DamagedFile& error) {
      if (left == 1) throw;
      passed_over(error.what());
    }
  }
}

ARVIT_DEFINITION void CheckpointFolder::forget_old() const {
  const auto all = steps();
  std::error_code ignored;  // a file that stays costs room, not correctness
  const std::size_t kept = keep_ > 0 ? keep_ : all.size();
  for (std::size_t i = 0; i + kept < all.size(); ++i)
    std::filesystem::remove(path(all[i]), ignored);
}

ARVIT_DEFINITION std::vector<std::int64_t> CheckpointFolder::steps() const {
  std::vector<std::int64_t> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix) || !name.ends_with(suffix)) continue;
    const std::string number = name.substr(prefix.size(),
                                           name.size() - prefix.size() - suffix.size());
    if (!number.empty() && number.size() <= 18 &&
        std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; }))
      found.push_back(std::stoll(number));
  }
  std::sort(found.begin(), found.end());
  return found;
}

ARVIT_DEFINITION std::string find_checkpoint(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    if (!std::filesystem::exists(path, error))
      fail<FileError>(path, ": there is no such file; give a checkpoint, or the folder of a run.");
    return path;
  }
  const std::string newest = CheckpointFolder(path).newest();
  if (newest.empty())
    fail<FileError>(
        path,
        ": the folder holds no checkpoint-*.safetensors; give the folder of a run, or a file.");
  return newest;
}

}  // namespace arvit
