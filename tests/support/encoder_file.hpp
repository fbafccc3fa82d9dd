// SPDX-License-Identifier: BSL-1.0
/// A file of an encoder's parameters, as a checkpoint holds them.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "arvit/io/safetensors.hpp"
#include "arvit/train/checkpoint.hpp"

namespace arvit::test {

/// Writes `parameters` under the names of Encoder's tensors; metadata is what a checkpoint says
/// beside them. Returns the path.
template <class Encoder>
std::string write_encoder(const std::filesystem::path& path, const std::vector<float>& parameters,
                          const Metadata& metadata = {}) {
  std::vector<StoredTensor> stored;
  for (const auto& [name, tensor, offset] : Encoder::parameters()) {
    const auto values = std::span(parameters)
                            .subspan(static_cast<std::size_t>(offset),
                                     static_cast<std::size_t>(tensor.size()));
    stored.push_back(
        {name, StoredType::F32, arvit::detail::stored_shape(tensor), std::as_bytes(values)});
  }
  write_safetensors(path, stored, metadata);
  return path.string();
}

}  // namespace arvit::test
