// SPDX-License-Identifier: BSL-1.0
#include "arvit/io/safetensors.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <limits>

#include "arvit/core/checksum.hpp"
#include "arvit/core/random.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;
using arvit::test::message_of;
using arvit::test::TemporaryFolder;
using arvit::test::write_bytes;

namespace {

std::string file_of(std::string_view header, std::size_t data, std::int64_t length = -1) {
  const auto size = static_cast<std::uint64_t>(length < 0 ? static_cast<std::int64_t>(header.size())
                                                          : length);
  return std::string(reinterpret_cast<const char*>(&size), 8) + std::string(header) +
         std::string(data, '\1');
}

/// Writes a file of several types and returns its bytes.
std::string sample(const std::filesystem::path& path) {
  const std::vector<float> f32{1.5f, -2, 3, 4, 5, 6};
  const std::vector<double> f64{0.1, 0.2};
  const std::vector<bf16> half{bf16(1.0f), bf16(-0.5f), bf16(3.140625f)};
  const std::vector<std::int64_t> i64{-1, 1LL << 40};
  const std::vector<std::int32_t> i32{7};
  const std::vector<std::uint8_t> u8{0, 255, 3};
  const std::vector<StoredTensor> tensors{stored_tensor("u8", {3}, u8.data()),
                                          stored_tensor("blocks.0.weight", {2, 3}, f32.data()),
                                          stored_tensor("double", {2, 1}, f64.data()),
                                          stored_tensor("half", {3}, half.data()),
                                          stored_tensor("none", {0, 5}, f32.data()),
                                          stored_tensor("scalar \"quoted\"", {}, i32.data()),
                                          stored_tensor("wide", {2}, i64.data())};
  write_safetensors(path, tensors, {{"variant", "SemAIM_B16"}, {"step", "12"}});
  return read_text(path);
}

}  // namespace

TEST_CASE("safetensors: what is written is read") {
  const TemporaryFolder folder;
  const std::string bytes = sample(folder / "a.safetensors");
  CHECK(static_cast<unsigned char>(bytes[0]) % 8 == 0);
  const Safetensors file(folder / "a.safetensors");
  CHECK(file.metadata() == Metadata{{"variant", "SemAIM_B16"}, {"step", "12"}});
  CHECK(file.tensors().size() == 7);
  CHECK(file.at("blocks.0.weight").type == StoredType::F32);
  CHECK(file.at("blocks.0.weight").shape == std::vector<std::int64_t>{2, 3});
  CHECK(file.values<float>("blocks.0.weight") == std::vector<float>{1.5f, -2, 3, 4, 5, 6});
  CHECK(file.values<double>("double") == std::vector<double>{0.1, 0.2});
  CHECK(file.values<float>("double") == std::vector<float>{0.1f, 0.2f});
  CHECK(file.values<double>("half") == std::vector<double>{1, -0.5, 3.140625});
  CHECK(file.values<bf16>("half")[2].bits == bf16(3.140625f).bits);
  CHECK(file.values<bf16>("blocks.0.weight")[0].bits == bf16(1.5f).bits);
  CHECK(file.values<std::int64_t>("wide") == std::vector<std::int64_t>{-1, 1LL << 40});
  CHECK(file.values<double>("wide") == std::vector<double>{-1, 0x1p40});
  CHECK(file.values<int>("u8") == std::vector<int>{0, 255, 3});
  CHECK(file.values<float>("none").empty());
  CHECK(file.values<int>("scalar \"quoted\"") == std::vector<int>{7});
  CHECK(file.find("absent") == nullptr);
  for (const StoredTensor& tensor : file.tensors())
    CHECK(reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % bytes_of(tensor.type) == 0);

  CHECK(
      message_of<FileError>([&] {
        file.at("blocks.0.weigth");
      }).find("holds no tensor 'blocks.0.weigth' among its 7; the nearest is 'blocks.0.weight'") !=
      std::string::npos);
  const std::int64_t shape[] = {3, 2};
  float to[6];
  CHECK(message_of<FileError>([&] {
          file.read("blocks.0.weight", shape, to);
        }).find("blocks.0.weight is [2, 3], [3, 2] was expected") != std::string::npos);
  CHECK(message_of<FileError>([&] {
          file.values<int>("wide");
        }).find("wide is I64 and holds values that I32 cannot") != std::string::npos);
  CHECK(message_of<FileError>([&] {
          file.values<int>("double");
        }).find("double is F64 and holds values that I32 cannot") != std::string::npos);
}

TEST_CASE("safetensors: half precision is read exactly") {
  // Bits and values from IEEE 754-2019, table 3.5.
  const std::uint16_t bits[] = {0x3c00, 0xc000, 0x7bff, 0x0400, 0x03ff,
                                0x0001, 0x8000, 0x7c00, 0xfc00, 0x3555};
  const float values[] = {1,
                          -2,
                          65504,
                          0x1p-14f,
                          0x1.ff8p-15f,
                          0x1p-24f,
                          -0.0f,
                          std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity(),
                          0x1.554p-2f};
  const TemporaryFolder folder;
  StoredTensor tensor = stored_tensor("x", {10}, bits);
  tensor.type = StoredType::F16;
  write_safetensors(folder / "a", std::span(&tensor, 1));
  const auto read = Safetensors(folder / "a").values<float>("x");
  for (int i = 0; i < 10; ++i)
    CHECK(std::bit_cast<std::uint32_t>(read[i]) == std::bit_cast<std::uint32_t>(values[i]));
  CHECK(std::isnan(detail::to_float(detail::Half{0x7e01})));
}

TEST_CASE("safetensors: the writer refuses what no reader would take") {
  const TemporaryFolder folder;
  const float values[2] = {};
  const std::vector<StoredTensor> twice{stored_tensor("a", {2}, values),
                                        stored_tensor("a", {1}, values)};
  CHECK(message_of<ShapeError>([&] {
          write_safetensors(folder / "x", twice);
        }).find("'a' is used twice") != std::string::npos);
  StoredTensor wrong = stored_tensor("a", {2}, values);
  wrong.shape = {3};
  CHECK(message_of<ShapeError>([&] {
          write_safetensors(folder / "x", std::span(&wrong, 1));
        }).find("a is F32 [3], which 8 bytes do not fill") != std::string::npos);
  CHECK_THROWS_AS(stored_tensor("a", {-1}, values), ShapeError);
  CHECK_THROWS_AS(stored_tensor("a", {1LL << 40, 1LL << 40}, values), ShapeError);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("safetensors: every fault of a header is one sentence") {
  const TemporaryFolder folder;
  const auto complaint = [&](const std::string& bytes) {
    write_bytes(folder / "x", std::string_view(bytes));
    const std::string message = message_of<FileError>([&] { Safetensors file(folder / "x"); });
    CHECK(std::count(message.begin(), message.end(), '\n') == 0);
    return message;
  };
  const auto expect = [&](const std::string& bytes, std::string_view part) {
    const std::string message = complaint(bytes);
    CHECK_MESSAGE(message.find(part) != std::string::npos, message);
  };
  const std::string good = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  CHECK(complaint(file_of(good, 8)) == "");
  CHECK(complaint(file_of("{}", 0)) == "");
  CHECK(complaint(file_of(R"({"b":{"dtype":"F32","shape":[0],"data_offsets":[4,4]},)"
                          R"("a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
                          4)) == "");
  expect("abc", "has 3 bytes, its header length alone takes 8");
  expect(file_of(good, 8, 100'000'001),
         ": is no safetensors file; give one, or write it anew with the safetensors package.");
  expect(file_of(good, 8, std::numeric_limits<std::int64_t>::max()),
         "is no safetensors file; give");
  expect("PK\3\4 and so on",
         "is no safetensors file, but a zip archive, as PyTorch's .pth files are;");
  expect(std::string("\x80\2}q\0(X and so on", 16),
         ", but a pickle, as PyTorch's older files are;");
  expect(file_of(good, 8, 63), "announces a header of 63 bytes, only 62 follow");
  expect(file_of(good, 7), "a ends at byte 8 of the data, of which the file has 7");
  expect(file_of(good, 9), "its tensors take 8 bytes, but 9 follow the header");
  expect(file_of(good.substr(0, good.size() - 1), 8),
         "(its header): is not the JSON that it should be: at line 1, column 54, where it ends, "
         "',' or '}' was expected");
  expect(file_of("[]", 0), "its header is not a JSON object");
  expect(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                 R"("a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})",
                 16),
         "holds the name \"a\" twice");
  expect(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                 R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
                 12),
         "b begins at byte 4 of the data, inside the tensor before it, which ends at 8");
  expect(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                 R"("b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}})",
                 20),
         "bytes 8 to 12 of the data, before b, belong to no tensor");
  expect(file_of(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8),
         "a is F32 [3], which 8 bytes do not fill");
  expect(file_of(R"({"a":{"dtype":"F64","shape":[2],"data_offsets":[0,8]}})", 8),
         "a is F64 [2], which 8 bytes do not fill");
  expect(file_of(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8),
         "the shape of a is not a list of whole numbers");
  expect(file_of(R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]}})", 8),
         "the shape of a is not a list of whole numbers");
  expect(file_of(R"({"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}})", 8),
         "the shape of a is not a list of whole numbers");
  expect(file_of(R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", 8),
         "the shape of a is not a list of whole numbers");
  expect(
      file_of(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0),
      "which 0 bytes do not fill");
  expect(file_of(R"({"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}})", 8),
         "the shape of a is not a list");
  expect(file_of(R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", 8),
         "the dtype of a is 'F31', which is not known");
  expect(file_of(R"({"a":{"dtype":[],"shape":[2],"data_offsets":[0,8]}})", 8),
         "a string was expected");
  expect(file_of(R"({"a":{"shape":[2],"data_offsets":[0,8]}})", 8), "a has no dtype");
  expect(file_of(R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", 8), "a has no shape");
  expect(file_of(R"({"a":{"dtype":"F32","shape":[2]}})", 8), "a has no data_offsets");
  expect(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8),
         "the data_offsets of a are [8, 0], not [begin, end]");
  expect(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,16]}})", 8),
         "the data_offsets of a are [0, 8, 16]");
  expect(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}})", 8),
         "the data_offsets of a is not a list of whole numbers");
  expect(file_of(R"({"a":3})", 8), "a is not described by a JSON object");
  expect(file_of(R"({"__metadata__":{"a":3}})", 0), "its metadata 'a' is not a string");
  expect(file_of(R"({"__metadata__":3})", 0), "its __metadata__ is not a JSON object");
}

TEST_CASE("safetensors: cut anywhere, it is refused") {
  const TemporaryFolder folder;
  const std::string bytes = sample(folder / "a");
  for (std::size_t part = 0; part < 16; ++part) {
    write_bytes(folder / "cut", std::string_view(bytes).substr(0, bytes.size() * part / 16));
    CHECK(message_of<FileError>([&] {
            Safetensors file(folder / "cut");
          }).starts_with((folder / "cut").string()));
  }
  write_bytes(folder / "cut", std::string_view(bytes).substr(0, bytes.size() - 1));
  CHECK_THROWS_AS(Safetensors(folder / "cut"), FileError);
  write_bytes(folder / "cut", std::string_view(bytes + "x"));
  CHECK_THROWS_AS(Safetensors(folder / "cut"), FileError);
}

TEST_CASE("safetensors: a damaged header is refused or read, never more") {
  const TemporaryFolder folder;
  const std::string bytes = sample(folder / "a");
  const std::size_t header = 8 + static_cast<unsigned char>(bytes[0]) +
                             256u * static_cast<unsigned char>(bytes[1]);
  REQUIRE(header < bytes.size());
  Stream stream({.seed = 20});
  int refused = 0, read = 0;
  for (int attempt = 0; attempt < 2000; ++attempt) {
    std::string damaged = bytes;
    for (std::uint32_t flips = 1 + stream.below(3); flips > 0; --flips) {
      char& byte = damaged[stream.below(static_cast<std::uint32_t>(header))];
      // Half of the time another character that headers are made of, so that many still parse as
      // JSON.
      byte = static_cast<char>(stream.below(2) == 0 ? byte ^ (1 << stream.below(8))
                                                    : "0123456789-,[]{}\":eF"[stream.below(20)]);
    }
    write_bytes(folder / "x", std::string_view(damaged));
    try {
      const Safetensors file(folder / "x");
      for (const StoredTensor& tensor : file.tensors())
        CHECK(file.values<double>(tensor.name).size() == static_cast<std::size_t>(tensor.size()));
      ++read;
    } catch (const FileError&) {
      ++refused;
    }
  }
  CHECK(refused > 1000);
  CHECK(read > 20);  // changed names and metadata are still a valid file
}

TEST_CASE("safetensors: checksums that are not one for each tensor and one for the header") {
  const TemporaryFolder folder;
  for (const std::size_t count : {0, 5, 16, 48}) {
    std::string header = "{\"__metadata__\":{\"arvit.checksums\":\"" + std::string(count, '0') +
                         "\"},\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    if (count >= 16) {
      std::array<char, 17> sum{};
      std::snprintf(sum.data(), sum.size(), "%016llx",
                    static_cast<unsigned long long>(checksum(detail::as_bytes(header))));
      header.replace(header.find("\"},\"a\"") - 16, 16, sum.data());
    }
    write_bytes(folder / "a", std::string_view(file_of(header, 8)));
    CHECK(message_of<DamagedFile>([&] { Safetensors(folder / "a"); }) ==
          (folder / "a").string() +
              ": its header is no longer what was written (checksum); use another copy or "
              "checkpoint.");
  }
}

TEST_CASE("safetensors: one flipped bit anywhere is refused, or changes nothing that is read") {
  const TemporaryFolder folder;
  const std::vector<float> wide{1, 2, 3, 4, 5, 6};
  const std::vector<std::uint8_t> narrow{7, 8, 9};
  const auto path = folder / "whole.safetensors";
  write_safetensors(path,
                    std::vector<StoredTensor>{stored_tensor("b", {3}, narrow.data()),
                                              stored_tensor("a", {2, 3}, wide.data()),
                                              stored_tensor("none", {0}, wide.data())},
                    {{"step", "12"}});
  const Bytes whole = read_file(path);
  int refused = 0, damaged = 0;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    Bytes bytes = whole;
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1 << bit % 8));
    write_bytes(folder / "flipped", bytes);
    try {
      const Safetensors file(folder / "flipped");
      const auto read_wide = file.values<float>("a");
      const auto read_narrow = file.values<std::uint8_t>("b");
      INFO("bit ", bit);
      CHECK(read_wide == wide);
      CHECK(read_narrow == narrow);
      CHECK(file.metadata().at("step") == "12");
    } catch (const DamagedFile&) {
      ++damaged;
      ++refused;
    } catch (const FileError&) {
      ++refused;
    }
  }
  // The key of the checksums may be lost, and with it they.
  CHECK(refused >= static_cast<int>(8 * whole.size()) - 8 * 18);
  CHECK(damaged >= 8 * (6 * 4 + 3));
}

TEST_CASE("safetensors: the fixtures, written by the format's own library, are read") {
  const Safetensors file(std::filesystem::path(ARVIT_TEST_FIXTURES) / "saim.safetensors");
  CHECK(file.tensors().size() > 3);
  for (const StoredTensor& tensor : file.tensors())
    CHECK(file.values<double>(tensor.name).size() == static_cast<std::size_t>(tensor.size()));
}
