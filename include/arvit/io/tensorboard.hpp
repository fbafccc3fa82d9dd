// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "arvit/core/error.hpp"
#include "arvit/io/append_file.hpp"

/// Scalars for TensorBoard, without protobuf: a file of TFRecords, each one serialised
/// tensorflow.Event.
namespace arvit {

namespace detail {

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4).
constexpr std::uint32_t crc32c(std::string_view bytes) {
  constexpr auto table = [] {
    std::array<std::uint32_t, 256> entries{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t entry = i;
      for (int bit = 0; bit < 8; ++bit)
        entry = (entry >> 1) ^ ((entry & 1) != 0 ? 0x82F63B78u : 0u);
      entries[i] = entry;
    }
    return entries;
  }();
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char byte : bytes)
    crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(byte)) & 255u];
  return ~crc;
}
/// TFRecord's disguise, for checksums that lie inside checksummed data: turned by 15 bits, and a
/// constant added.
constexpr std::uint32_t masked_crc32c(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xA282EAD8u;
}

/// Protocol buffers' wire format: a key of (field, kind of value), then the value.
class Protobuf {
 public:
  void varint(int field, std::uint64_t value) {
    key(field, 0);
    number(value);
  }
  void fixed(int field, double value) {
    key(field, 1);
    little_endian(std::bit_cast<std::uint64_t>(value), 8);
  }
  void fixed(int field, float value) {
    key(field, 5);
    little_endian(std::bit_cast<std::uint32_t>(value), 4);
  }
  void bytes(int field, std::string_view value) {
    key(field, 2);
    number(value.size());
    text_ += value;
  }
  const std::string& text() const { return text_; }

 private:
  void key(int field, int kind) {
    number(static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(kind));
  }
  void number(std::uint64_t value) {
    for (; value >= 128; value >>= 7) text_ += static_cast<char>((value & 127) | 128);
    text_ += static_cast<char>(value);
  }
  void little_endian(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) text_ += static_cast<char>(value >> (8 * i));
  }
  std::string text_;
};

/// Length, checksum of the length, data, checksum of the data.
inline std::string tf_record(std::string_view data) {
  const auto little_endian = [](std::uint64_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
    return text;
  };
  const std::string length = little_endian(data.size(), 8);
  return length + little_endian(masked_crc32c(length), 4) + std::string(data) +
         little_endian(masked_crc32c(data), 4);
}

}  // namespace detail

/// One value of a step. Tags with a common "train/" share a section in TensorBoard.
struct Scalar {
  std::string_view tag;
  float value;
};

/// A run's event file, in the folder that TensorBoard's --logdir names. Every start of a run opens
/// a new file, as TensorBoard expects; a resumed one says from which step on it replaces what
/// earlier files hold. Each event reaches the system at once. Errors are FileErrors.
class TensorBoard {
 public:
  /// Creates the folder when needed. `first_step`: 0 for a new run, else the first step that
  /// follows the checkpoint.
  explicit TensorBoard(const std::filesystem::path& folder, std::int64_t first_step = 0)
      : file_(new_file(folder)) {
    detail::Protobuf version;
    version.bytes(3, "brain.Event:2");
    write(0, version);
    if (first_step > 0) {
      detail::Protobuf start, event;
      start.varint(1, 1);  // SessionLog.status = START
      event.bytes(7, start.text());
      write(first_step, event);
    }
  }

  const std::filesystem::path& path() const { return file_.path(); }

  void scalars(std::int64_t step, std::span<const Scalar> values) {
    detail::Protobuf summary, event;
    for (const Scalar& scalar : values) {
      detail::Protobuf value;
      value.bytes(1, scalar.tag);
      value.fixed(2, scalar.value);
      summary.bytes(1, value.text());
    }
    event.bytes(5, summary.text());
    write(step, event);
  }
  void scalar(std::int64_t step, std::string_view tag, float value) {
    const Scalar one{tag, value};
    scalars(step, {&one, 1});
  }
  /// Makes all events so far survive a power cut.
  void flush() { file_.synchronise(); }

 private:
  void write(std::int64_t step, const detail::Protobuf& content) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    detail::Protobuf event;
    event.fixed(1, std::chrono::duration<double>(now).count());
    if (step != 0) event.varint(2, static_cast<std::uint64_t>(step));
    file_.append(detail::tf_record(event.text() + content.text()));
  }
  static AppendFile new_file(const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) detail::fail_errno(folder, "cannot be made", error.value());
    char host[256] = "host";
    ::gethostname(host, sizeof(host) - 1);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    const std::string name = text("events.out.tfevents.", seconds, ".", host, ".", ::getpid(), ".");
    int number = 0;  // a second run of this process within a second
    while (std::filesystem::exists(folder / text(name, number), error)) ++number;
    return AppendFile(folder / text(name, number));
  }
  AppendFile file_;
};

}  // namespace arvit
