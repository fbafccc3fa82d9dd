// SPDX-License-Identifier: BSL-1.0
#include "arvit/io/npy.hpp"

#include <doctest/doctest.h>

#include <numeric>
#include <xtensor/xview.hpp>

#include "arvit/core/random.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;
using arvit::test::message_of;
using arvit::test::TemporaryFolder;
using arvit::test::write_bytes;

namespace {

/// An npy file by its definition.
std::string npy(const std::string& header, const std::string& data, int version = 1) {
  std::string file = "\x93NUMPY";
  file += static_cast<char>(version);
  file += '\0';
  file += static_cast<char>(header.size() & 255);
  file += static_cast<char>(header.size() >> 8);
  if (version > 1) file += std::string(2, '\0');
  return file + header + data;
}

template <class T> std::string bytes_of_elements(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace

TEST_CASE_TEMPLATE("npy: arrays of every type and dimension go round", T, float, double,
                   std::int64_t, std::uint8_t) {
  const TemporaryFolder folder;
  for (const std::vector<std::size_t>& shape :
       {std::vector<std::size_t>{}, {7}, {3, 4}, {2, 0, 5}, {2, 3, 4, 5}}) {
    xt::xarray<T> array(shape);
    std::iota(array.begin(), array.end(), static_cast<T>(1));
    write_npy(folder / "a.npy", array);
    const xt::xarray<T> read = read_npy<T>(folder / "a.npy");
    CHECK(read.shape() == array.shape());
    CHECK(read == array);
    CHECK((std::filesystem::file_size(folder / "a.npy") - array.size() * sizeof(T)) % 64 == 0);
  }
}

TEST_CASE("npy: expressions and strided views are written as they read") {
  const TemporaryFolder folder;
  std::vector<float> memory(3 * 10);
  std::iota(memory.begin(), memory.end(), 0.0f);
  const Rows<float, 4> rows(memory.data() + 2, 3, 10);
  auto view = as_xtensor(rows);
  CHECK(view(2, 3) == 25);
  view(0, 1) = 100;
  CHECK(memory[3] == 100);
  write_npy(folder / "a.npy", view);
  CHECK(read_npy<float>(folder / "a.npy") ==
        xt::xarray<float>{{2, 100, 4, 5}, {12, 13, 14, 15}, {22, 23, 24, 25}});
  write_npy(folder / "b.npy", 2.0f * xt::view(view, xt::all(), xt::range(1, 3)));
  CHECK(read_npy<float>(folder / "b.npy") == xt::xarray<float>{{200, 8}, {26, 28}, {46, 48}});

  const Matrix<const float> constant(memory.data(), 2, 5, 10);
  CHECK(as_xtensor(constant)(1, 4) == 14);
  CHECK(as_xtensor(Span<const float>(memory.data(), 30))(29) == 29);
}

TEST_CASE("npy: headers in any valid form are read") {
  const TemporaryFolder folder;
  const std::vector<double> six{1, 2, 3, 4, 5, 6};
  const xt::xarray<double> by_rows{{1, 2, 3}, {4, 5, 6}}, by_columns{{1, 3, 5}, {2, 4, 6}};
  const auto read = [&](const std::string& header, int version = 1) {
    write_bytes(folder / "a.npy", std::string_view(npy(header, bytes_of_elements(six), version)));
    return read_npy<double>(folder / "a.npy");
  };
  CHECK(read("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }      \n") == by_rows);
  CHECK(read("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }\n") == by_columns);
  CHECK(read("{\"shape\":(2,3),\"fortran_order\":False,\"descr\":\"<f8\"}", 2) == by_rows);
  CHECK(read("{'shape': (6,), 'descr': '<f8', 'fortran_order': False}", 3) ==
        xt::xarray<double>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("npy: every fault is one sentence") {
  const TemporaryFolder folder;
  const std::string data(16, '\0');
  const auto expect = [&](const std::string& bytes, std::string_view part) {
    write_bytes(folder / "x", std::string_view(bytes));
    const std::string message = message_of<FileError>([&] { read_npy<float>(folder / "x"); });
    CHECK_MESSAGE(message.find(part) != std::string::npos, message);
  };
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }\n";
  CHECK(message_of<FileError>([&] {
          read_npy<float>(folder / "missing");
        }).find("does not exist") != std::string::npos);
  expect(npy(good, data), "");
  expect("PK\3\4 an npz file", "is not an npy file");
  expect("\x93NUMPY\1", "has 7 bytes, the fixed part of its header alone takes 10");
  expect(npy(good, data, 9), "is of npy version 9.0, 1 to 3 can be read");
  expect(npy(good, data).substr(0, 40), "announces a header of 58 bytes, only 30 follow");
  expect(npy(good, data + "x"),
         "has the shape [4], which takes 16 bytes, but 17 follow its header");
  expect(npy(good, data.substr(1)), "which takes 16 bytes, but 15 follow");
  expect(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", data),
         "holds elements of type '<f8', '<f4' was expected");
  expect(npy("{'descr': '>f4', 'fortran_order': False, 'shape': (4,), }", data), "type '>f4'");
  expect(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", data),
         "more than memory can hold");
  for (const char* header :
       {"", "{", "{}", "{'descr': '<f4'}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,), }",
        "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (4,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-4,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4 4), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), } more",
        "{'descr': '<f4, 'fortran_order': False, 'shape': (4,), "})
    expect(npy(header, data), "its header describes no plain array of numbers");

  const std::string whole = npy(good, data);
  Stream stream({.seed = 5});
  int refused = 0;
  for (int attempt = 0; attempt < 2000; ++attempt) {
    std::string wrong = whole;
    for (int flips = 0; flips < 2; ++flips)
      wrong[stream.below(static_cast<std::uint32_t>(whole.size() - 16))] =
          "0123456789'{}(), <f\n"[stream.below(20)];
    write_bytes(folder / "x", std::string_view(wrong));
    std::size_t size = 4;
    const std::string message = message_of<FileError>(
        [&] { size = read_npy<float>(folder / "x").size(); });
    CHECK(size == 4);
    refused += message.empty() ? 0 : 1;
  }
  CHECK(refused > 1000);
}
