// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/teacher/source.hpp"

#include <filesystem>
#include <fstream>
#include <system_error>

#include "arvit/core/error.hpp"
#include "arvit/io/json_reader.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/teacher/codebook.hpp"
#include "arvit/train/checkpoint.hpp"
#include "arvit/train/checkpoint_folder.hpp"

namespace arvit {

namespace detail {

/// The first bytes of a file, fewer of a shorter one.
ARVIT_DEFINITION std::string first_bytes(const std::string& path, std::size_t count) {
  std::string bytes(count, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), static_cast<std::streamsize>(count));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

}  // namespace detail

ARVIT_DEFINITION Source look_at(const std::string& path) {
  using Kind = Source::Kind;
  if (path.empty()) return {};
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    fail<FileError>(path,
                    ": there is no such file; give a checkpoint, the folder of a run, a codebook "
                    "or an npy file.");
  const std::string file = find_checkpoint(path);
  const std::string begin = detail::first_bytes(file, 9);
  if (begin.starts_with("\x93NUMPY")) return {Kind::numbers, file};
  if (begin.size() < 9 || begin[8] != '{')  // eight bytes of a length, then JSON
    fail<FileError>(file,
                    ": is neither a checkpoint nor a codebook nor an npy file; give one of these, "
                    "or the folder of a run.");
  const Safetensors tensors(file);
  const auto format = tensors.metadata().find("format");
  const bool codebook = format != tensors.metadata().end() && format->second == codebook_format;
  return {codebook ? Kind::codebook : Kind::checkpoint, file};
}

ARVIT_DEFINITION Source source_of_run(const Safetensors& checkpoint, const std::string& option) {
  std::string named;
  if (checkpoint.metadata().contains("options")) {
    const auto options = detail::json_members(checkpoint.metadata().at("options"),
                                              checkpoint.path() + " (its metadata 'options')");
    if (const auto found = options.find(option); found != options.end())
      named = JsonReader(found->second, checkpoint.path()).string();
  }
  const auto refuse = [&](const auto&... why) {
    fail<OptionError>(checkpoint.path(), ": its encoder needs the ", option, " of its run, ",
                      why..., "; give what makes it of any picture, or choose another checkpoint.");
  };
  if (named.empty()) refuse("and the file names none");
  const Source source = look_at(named);
  if (source.is(Source::Kind::numbers)) refuse(named, ", which holds that run's pictures only");
  return source;
}

ARVIT_DEFINITION void check_gave(const Safetensors& checkpoint, const std::string& file,
                                 const std::string& identity) {
  const auto gave = checkpoint.metadata().find("given_by");
  if (gave != checkpoint.metadata().end() && !gave->second.empty() &&
      gave->second.find(identity) == std::string::npos)
    fail<OptionError>(file, ": is not what the run of ", checkpoint.path(), " had; it is ",
                      identity, ", the run had ", gave->second, "; give that.");
}

}  // namespace arvit
