// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "arvit/core/layout.hpp"
#include "arvit/weights/model_description.hpp"

namespace arvit {

/// A tensor of another program: elements begin .. begin + size of one of ours, under its name
/// there.
struct TheirTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::int64_t begin, size;
};

/// How another program names the tensors of an encoder. A new layout is one file like timm.hpp and
/// its place in the list of impl/convert.ipp.
struct KeyLayout {
  std::string_view name;
  /// What people must know of it besides.
  std::string_view remark = {};
  /// What one of our tensors is there: one tensor, or several.
  std::vector<TheirTensor> (*theirs)(const std::string& name, const TensorSpec& tensor);
  /// Their table of positions [1, tokens, dim].
  std::string_view positions;
  /// The decoder's; "": the layout has encoders only.
  std::string_view decoder_positions = {};
  /// What files of a whole classifier put before every name.
  std::string_view prefix = {};
  /// Refuses an encoder that the other program cannot hold.
  void (*check)(const ModelDescription& model) = nullptr;
  /// The text of the config.json that lies beside the file, where the program needs one.
  std::string (*config)(const ModelDescription& model) = nullptr;

  bool has_decoder() const { return !decoder_positions.empty(); }
};

/// A tensor under our own name, which is timm's.
inline std::vector<TheirTensor> same_name(const std::string& name, const TensorSpec& tensor) {
  return {{name, detail::stored_shape(tensor), 0, tensor.size()}};
}

}  // namespace arvit
