// SPDX-License-Identifier: BSL-1.0
#include "arvit/io/gzip.hpp"

#include <doctest/doctest.h>

#include "arvit/core/random.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;
using arvit::test::message_of;
using arvit::test::TemporaryFolder;
using arvit::test::write_bytes;

namespace {

std::string gzipped(const std::string& contents) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(contents.size() + 1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(contents.data()));
  stream.avail_in = static_cast<uInt>(contents.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string read(const std::filesystem::path& path) {
  const Bytes bytes = read_gzip(path);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("gzip: packed, plain and joined files are read") {
  const TemporaryFolder folder;
  Stream stream({.seed = 1});
  std::string noise(300'000, '\0');
  for (char& c : noise) c = static_cast<char>(stream.bits());
  const std::string text =
      std::string(3'000'000, 'a') +
      noise;  // zeros of entropy first: the first estimate of the size is far off
  write_bytes(folder / "a.gz", std::string_view(gzipped(text)));
  CHECK(read(folder / "a.gz") == text);
  write_bytes(folder / "plain", std::string_view("plain"));
  CHECK(read(folder / "plain") == "plain");
  write_bytes(folder / "joined.gz",
              std::string_view(gzipped("one") + gzipped("") + gzipped("two")));
  CHECK(read(folder / "joined.gz") == "onetwo");
  write_bytes(folder / "nothing.gz", std::string_view(gzipped("")));
  CHECK(read(folder / "nothing.gz").empty());
}

TEST_CASE("gzip: cut and corrupt files are one sentence") {
  const TemporaryFolder folder;
  std::string contents;
  for (int i = 0; i < 20000; ++i) contents += text(i * 7919 % 10007, ' ');
  const std::string packed = gzipped(contents);
  for (std::size_t part = 1; part < 16; ++part) {
    write_bytes(folder / "cut.gz", std::string_view(packed).substr(0, packed.size() * part / 16));
    CHECK(message_of<FileError>([&] {
            read(folder / "cut.gz");
          }).find("cut.gz: is gzip data that ends too early, after ") != std::string::npos);
  }
  for (const std::size_t size : {2UL, 9UL, packed.size() - 1}) {
    write_bytes(folder / "cut.gz", std::string_view(packed).substr(0, size));
    CHECK(message_of<FileError>([&] { read(folder / "cut.gz"); }).find("ends too early") !=
          std::string::npos);
  }
  std::string wrong = packed;
  wrong[wrong.size() - 6] ^= 1;  // the checksum
  write_bytes(folder / "wrong.gz", std::string_view(wrong));
  CHECK(message_of<FileError>([&] {
          read(folder / "wrong.gz");
        }).find("is not valid gzip data after") != std::string::npos);
  write_bytes(folder / "wrong.gz", std::string_view(packed + "garbage"));
  CHECK(message_of<FileError>([&] {
          read(folder / "wrong.gz");
        }).find("is not valid gzip data after") != std::string::npos);

  Stream stream({.seed = 2});
  for (int attempt = 0; attempt < 300; ++attempt) {
    wrong = packed;
    wrong[stream.below(static_cast<std::uint32_t>(wrong.size()))] ^= static_cast<char>(
        1 << stream.below(8));
    write_bytes(folder / "wrong.gz", std::string_view(wrong));
    std::string found;
    const std::string message = message_of<FileError>([&] { found = read(folder / "wrong.gz"); });
    CHECK((!message.empty() || found == contents ||
           found == wrong));  // wrong: without its magic it is a plain file
  }
}
