// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/io/safetensors.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <set>

#include "arvit/core/checksum.hpp"
#include "arvit/io/file.hpp"
#include "arvit/io/json_reader.hpp"
#include "arvit/io/json_writer.hpp"

namespace arvit {

namespace detail {
inline constexpr std::string_view checksums_key = "arvit.checksums";
inline constexpr std::size_t checksum_digits = 16;

ARVIT_DEFINITION std::string checksum_text(std::span<const std::byte> bytes) {
  std::string digits(checksum_digits, '0');
  std::uint64_t sum = checksum(bytes);
  for (std::size_t i = checksum_digits; i-- > 0; sum >>= 4)
    digits[i] = "0123456789abcdef"[sum & 15];
  return digits;
}
}  // namespace detail

ARVIT_DEFINITION void write_safetensors(
    const std::filesystem::path& path, std::span<const StoredTensor> tensors,
    const Metadata& metadata,
    const std::function<std::span<const std::byte>(const StoredTensor&)>& bytes) {
  std::vector<const StoredTensor*> order;
  std::set<std::string_view> names{"__metadata__"};
  for (const StoredTensor& tensor : tensors) {
    if (!names.insert(tensor.name).second)
      fail<ShapeError>(path.string(), ": the tensor name '", tensor.name,
                       "' is used twice; rename one.");
    if (!stored_bytes(tensor.type, tensor.shape))
      fail<ShapeError>(path.string(), ": the shape ", shape_text(tensor.shape), " of ", tensor.name,
                       " is negative or too large; extents count elements.");
    order.push_back(&tensor);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](auto* a, auto* b) { return bytes_of(a->type) > bytes_of(b->type); });

  JsonWriter header;
  header.begin_object();
  header.key("__metadata__").begin_object();
  // First, so that nothing before it looks like it; its digits are filled in when they are known.
  const std::string zeros(detail::checksum_digits * (order.size() + 1), '0');
  header.member(detail::checksums_key, zeros);
  for (const auto& [name, text] : metadata)
    if (name != detail::checksums_key) header.member(name, text);
  header.end_object();
  std::int64_t offset = 0;
  for (const StoredTensor* tensor : order) {
    const std::int64_t end = offset + *stored_bytes(tensor->type, tensor->shape);
    header.key(tensor->name).begin_object();
    header.member("dtype", name_of(tensor->type));
    header.member("shape", tensor->shape);
    header.member("data_offsets", std::array{offset, end});
    header.end_object();
    offset = end;
  }
  std::string text = header.end_object().take();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (static_cast<std::int64_t>(text.size()) > safetensors_header_limit)
    fail<ShapeError>(path.string(), ": names and metadata take ", text.size(),
                     " bytes, safetensors allows ", safetensors_header_limit, "; shorten them.");

  write_atomically(path, [&](AtomicFile& file) {
    const auto length = std::bit_cast<std::array<char, 8>>(static_cast<std::uint64_t>(text.size()));
    file.write(std::string(length.data(), length.size()) + text);
    std::size_t digits = text.find(zeros);
    for (const StoredTensor* tensor : order) {
      const std::span<const std::byte> now = bytes(*tensor);
      if (stored_bytes(tensor->type, tensor->shape) != static_cast<std::int64_t>(now.size()))
        fail<ShapeError>(path.string(), ": ", tensor->name, " is ", name_of(tensor->type), " ",
                         shape_text(tensor->shape), ", which ", now.size(),
                         " bytes do not fill; pass as many elements as the shape counts.");
      file.write(now);
      text.replace(digits, detail::checksum_digits, detail::checksum_text(now));
      digits += detail::checksum_digits;
    }
    text.replace(digits, detail::checksum_digits, detail::checksum_text(detail::as_bytes(text)));
    file.overwrite(length.size(), text);
  });
}
ARVIT_DEFINITION void write_safetensors(const std::filesystem::path& path,
                                        std::span<const StoredTensor> tensors,
                                        const Metadata& metadata) {
  write_safetensors(path, tensors, metadata,
                    [](const StoredTensor& tensor) { return tensor.bytes; });
}

namespace detail {
/// What a file that is none of ours looks like, for people; "" where it is not known.
ARVIT_DEFINITION std::string_view other_format(std::span<const std::byte> bytes) {
  struct Format {
    std::string_view begin, words;
  };
  for (const Format& format :
       {Format{"PK\3\4", ", but a zip archive, as PyTorch's .pth files are"},
        Format{"\x80\2", ", but a pickle, as PyTorch's older files are"},
        Format{"\x89HDF", ", but HDF5"}, Format{"\x93NUMPY", ", but an npy array"},
        Format{"\x1f\x8b", ", but compressed by gzip"}})
    if (bytes.size() >= format.begin.size() &&
        std::memcmp(bytes.data(), format.begin.data(), format.begin.size()) == 0)
      return format.words;
  return {};
}
}  // namespace detail

template <class... Parts> [[noreturn]] void Safetensors::damaged(const Parts&... parts) const {
  fail<FileError>(
      path_, ": ", parts...,
      "; the file is damaged, cut or not in the safetensors format, copy or create it again.");
}

ARVIT_DEFINITION Safetensors::Safetensors(const std::filesystem::path& path)
    : path_(path.string()), file_(path) {
  try {
    parse();
  } catch (const FileError& error) {
    throw DamagedFile(error.what());
  }
}

ARVIT_DEFINITION const StoredTensor* Safetensors::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

ARVIT_DEFINITION const StoredTensor& Safetensors::at(std::string_view name) const {
  if (const StoredTensor* tensor = find(name)) return *tensor;
  std::vector<std::string> known;
  for (const StoredTensor& tensor : tensors_) known.push_back(tensor.name);
  const std::string nearest = nearest_name(name, known);
  fail<FileError>(path_, ": holds no tensor '", name, "' among its ", known.size(),
                  nearest.empty() ? "" : "; the nearest is '" + nearest + "'",
                  "; use the file of another model or checkpoint.");
}
ARVIT_DEFINITION void Safetensors::parse() {
  const std::span<const std::byte> all = file_.bytes();
  if (all.size() < 8) damaged("has ", all.size(), " bytes, its header length alone takes 8");
  std::uint64_t length;
  std::memcpy(&length, all.data(), 8);
  // What a stranger's file begins with is not repeated: it may be anything.
  if (length > static_cast<std::uint64_t>(safetensors_header_limit))
    fail<FileError>(path_, ": is no safetensors file", detail::other_format(all),
                    "; give one, or write it anew with the safetensors package.");
  if (length > all.size() - 8)
    damaged("announces a header of ", length, " bytes, only ", all.size() - 8, " follow");
  const std::string_view text(reinterpret_cast<const char*>(all.data()) + 8, length);
  const std::span<const std::byte> data = all.subspan(8 + text.size());
  JsonReader json(text, path_ + " (its header)");
  if (json.peek() != '{') damaged("its header is not a JSON object");
  // With the offset of their first byte.
  std::vector<std::pair<std::int64_t, StoredTensor>> entries;
  json.object([&](const std::string& name) {
    if (name == "__metadata__")
      parse_metadata(json);
    else
      entries.push_back(parse_entry(json, name, data));
  });
  json.end();
  // Empty tensors first among equal offsets, so that each must begin where the one before it
  // ends.
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first, a.second.bytes.size()) < std::pair(b.first, b.second.bytes.size());
  });
  std::int64_t end = 0;
  for (auto& [begin, tensor] : entries) {
    if (begin < end)
      damaged(tensor.name, " begins at byte ", begin,
              " of the data, inside the tensor before it, which ends at ", end);
    if (begin > end)
      damaged("bytes ", end, " to ", begin, " of the data, before ", tensor.name,
              ", belong to no tensor");
    end = begin + static_cast<std::int64_t>(tensor.bytes.size());
    tensors_.push_back(std::move(tensor));
  }
  if (end != static_cast<std::int64_t>(data.size()))
    damaged("its tensors take ", end, " bytes, but ", data.size(), " follow the header");
  for (std::size_t i = 0; i < tensors_.size(); ++i) index_.emplace(tensors_[i].name, i);
  check_header(text);
}

ARVIT_DEFINITION void Safetensors::check_header(std::string_view header) {
  const auto said = metadata_.find(std::string(detail::checksums_key));
  if (said == metadata_.end()) return;
  const std::string digits = std::move(said->second);
  metadata_.erase(said);
  std::string without(header);
  const std::size_t place = header.find(digits);
  const bool fits = digits.size() == detail::checksum_digits * (tensors_.size() + 1) &&
                    place != std::string_view::npos;
  if (fits)
    without.replace(place + digits.size() - detail::checksum_digits, detail::checksum_digits,
                    detail::checksum_digits, '0');
  if (!fits || !digits.ends_with(detail::checksum_text(detail::as_bytes(without))))
    fail<DamagedFile>(path_,
                      ": its header is no longer what was written (checksum); use another copy or "
                      "checkpoint.");
  for (std::size_t i = 0; i < tensors_.size(); ++i)
    checksums_.push_back(digits.substr(i * detail::checksum_digits, detail::checksum_digits));
}

ARVIT_DEFINITION void Safetensors::check_contents(const StoredTensor& tensor) const {
  if (checksums_.empty()) return;
  const std::string& said = checksums_[&tensor - tensors_.data()];
  if (detail::checksum_text(tensor.bytes) != said)
    fail<DamagedFile>(
        path_, ": the values of ", tensor.name,
        " are no longer what was written (checksum); use another copy or checkpoint.");
}

ARVIT_DEFINITION void Safetensors::parse_metadata(JsonReader& json) {
  if (json.peek() != '{') damaged("its __metadata__ is not a JSON object");
  json.object([&](const std::string& name) {
    if (json.peek() != '"') damaged("its metadata '", name, "' is not a string");
    metadata_.emplace(name, json.string());
  });
}

ARVIT_DEFINITION std::pair<std::int64_t, StoredTensor> Safetensors::parse_entry(
    JsonReader& json, const std::string& name, std::span<const std::byte> data) const {
  using Counts = std::vector<std::int64_t>;
  const auto counts = [&](const std::string& key) {
    if (json.peek() != '[') damaged("the ", key, " of ", name, " is not a list");
    Counts numbers;
    json.array([&] {
      const auto number = json.whole_number();
      if (!number)
        damaged("the ", key, " of ", name, " is not a list of whole numbers from 0 to 2^63 - 1");
      numbers.push_back(*number);
    });
    return numbers;
  };
  std::optional<std::string> dtype;
  std::optional<Counts> shape, offsets;
  if (json.peek() != '{') damaged(name, " is not described by a JSON object");
  json.object([&](const std::string& key) {
    if (key == "dtype")
      dtype = json.string();
    else if (key == "shape")
      shape = counts(key);
    else if (key == "data_offsets")
      offsets = counts(key);
    else
      json.skip();
  });
  if (!dtype || !shape || !offsets)
    damaged(name, " has no ", !dtype ? "dtype" : !shape ? "shape" : "data_offsets");

  const auto type = stored_type_named(*dtype);
  if (!type) damaged("the dtype of ", name, " is '", *dtype, "', which is not known");
  if (offsets->size() != 2 || offsets->front() > offsets->back())
    damaged("the data_offsets of ", name, " are ", shape_text(*offsets), ", not [begin, end]");
  const std::int64_t begin = offsets->front(), end = offsets->back();
  if (end > static_cast<std::int64_t>(data.size()))
    damaged(name, " ends at byte ", end, " of the data, of which the file has ", data.size());
  if (stored_bytes(*type, *shape) != end - begin)
    damaged(name, " is ", name_of(*type), " ", shape_text(*shape), ", which ", end - begin,
            " bytes do not fill");
  const auto bytes = data.subspan(begin, end - begin);
  return {begin, {name, *type, std::move(*shape), bytes}};
}

}  // namespace arvit
