// SPDX-License-Identifier: BSL-1.0
#include "arvit/teacher/stored.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "arvit/io/npy.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;

namespace {
constexpr int tokens = 10, pictures = 12;
}  // namespace

TEST_CASE("stored teacher: stored numbers are read when they are asked for, and looked at then") {
  const test::TemporaryFolder folder;
  const std::filesystem::path path = folder / "features.npy";
  xt::xarray<float> features =
      xt::arange<float>(0, pictures * tokens * 8).reshape({pictures, tokens, 8});
  features(7, 2, 3) = NAN;
  write_npy(path, features);
  const StoredTeacher teacher(path.string(), pictures, tokens * 8, 8);
  const auto read = [&](const std::vector<std::uint32_t>& which) {
    std::vector<float> given(which.size() * tokens * 8);
    std::vector<Counter> counters;
    for (const std::uint32_t picture : which) counters.push_back({0, 5, picture});
    teacher(nullptr, counters, given.data());
    return given;
  };
  const auto two = read({11, 3});
  for (std::size_t i = 0; i < 80; ++i)
    CHECK((two[i] == static_cast<float>(880 + i) && two[80 + i] == static_cast<float>(240 + i)));
  CHECK(test::message_of<NumericError>([&] {
          read({3, 7});
        }) == path.string() + ": number 19 of picture 7 is nan; compute it again.");
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 4);
  CHECK(read({10}).front() == 800);
  CHECK(test::message_of<FileError>([&] { read({11}); }) ==
        path.string() +
            ": ends before the numbers of picture 11; somebody cut it during the run, create it "
            "again.");
  CHECK(test::message_of<FileError>([&] {
          StoredTeacher(path.string(), pictures, tokens * 8, 8);
        }).find("the file is damaged or cut") != std::string::npos);
}
