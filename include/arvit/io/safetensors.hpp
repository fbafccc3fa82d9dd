// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/core/linkage.hpp"
#include "arvit/io/mapped_file.hpp"
#include "arvit/io/stored_tensor.hpp"

/// Named tensors and text in one file, as Hugging Face's safetensors lays it out:
///   [8 bytes: header length, little-endian]
///   [header: JSON, padded with spaces]
///   [bytes of all tensors, without gaps]
/// and the header is
///   {"__metadata__": {name: text},
///    name: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
/// Files that are written here say the checksums of what they hold in the metadata
/// `arvit.checksums`: 16 hexadecimal digits for each tensor, in the order of their bytes, and for
/// the header itself, with zeros in place of these last 16. A tensor's is compared when it is read,
/// the header's at once.
namespace arvit {

class JsonReader;  // io/json_reader.hpp

using Metadata = std::map<std::string, std::string>;

inline constexpr std::int64_t safetensors_header_limit = 100'000'000;  // the format's own

/// Writes `tensors` atomically; bytes(tensor) gives the bytes of each when its turn comes, valid
/// until the next, so that tensors of a device pass through one buffer. Wide elements come first,
/// so that in a file that is mapped every tensor is aligned. Names that repeat and bytes that
/// differ from the shape throw ShapeError, the disk's refusals FileError.
void write_safetensors(const std::filesystem::path& path, std::span<const StoredTensor> tensors,
                       const Metadata& metadata,
                       const std::function<std::span<const std::byte>(const StoredTensor&)>& bytes);
/// The same, straight from the memory that the tensors view.
void write_safetensors(const std::filesystem::path& path, std::span<const StoredTensor> tensors,
                       const Metadata& metadata = {});

/// An open safetensors file; tensors() view its bytes, which live as long as this object.
/// Opening checks everything but the values, and throws DamagedFile with one sentence; so does
/// reading values that are no longer what was written, as far as the file says what that was.
class Safetensors {
 public:
  explicit Safetensors(const std::filesystem::path& path);

  const std::string& path() const { return path_; }
  const Metadata& metadata() const { return metadata_; }
  /// In the order of their bytes.
  std::span<const StoredTensor> tensors() const { return tensors_; }
  /// Null when the file has no such tensor.
  const StoredTensor* find(std::string_view name) const;
  const StoredTensor& at(std::string_view name) const;
  /// Copies a tensor of known shape to `to`, converting elements. Floating-point T takes every
  /// stored type; an integer T takes integers that fit.
  template <class T>
  void read(std::string_view name, std::span<const std::int64_t> shape, T* to) const {
    const StoredTensor& tensor = at(name);
    check_contents(tensor);
    if (!std::equal(shape.begin(), shape.end(), tensor.shape.begin(), tensor.shape.end()))
      fail<FileError>(path_, ": ", name, " is ", shape_text(tensor.shape), ", ", shape_text(shape),
                      " was expected; use the file of a model of that shape.");
    if (!detail::convert_elements(tensor, to))
      fail<FileError>(path_, ": ", name, " is ", name_of(tensor.type), " and holds values that ",
                      name_of(stored_type<T>()), " cannot; read it as a wider type.");
  }
  /// Gives the memory of a tensor that was read back to the system, so that reading a large file
  /// does not hold all of it. It can be read again.
  void release(std::string_view name) const { file_.release(at(name).bytes); }
  template <class T> std::vector<T> values(std::string_view name) const {
    const StoredTensor& tensor = at(name);
    std::vector<T> result(tensor.size());
    read(name, tensor.shape, result.data());
    return result;
  }

 private:
  void parse();
  void parse_metadata(JsonReader& json);
  void check_header(std::string_view header);
  /// DamagedFile unless the bytes of the tensor have the checksum that the file says.
  void check_contents(const StoredTensor& tensor) const;
  /// The tensor, and the offset of its first byte.
  std::pair<std::int64_t, StoredTensor> parse_entry(JsonReader& json, const std::string& name,
                                                    std::span<const std::byte> data) const;
  template <class... Parts> [[noreturn]] void damaged(const Parts&... parts) const;

  std::string path_;
  MappedFile file_;
  Metadata metadata_;
  std::vector<StoredTensor> tensors_;
  std::vector<std::string> checksums_;  ///< of the tensors; none where the file says none
  std::map<std::string, std::size_t, std::less<>> index_;
};

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/io/impl/safetensors.ipp"
#endif
