// SPDX-License-Identifier: BSL-1.0
#include "arvit/data/cifar.hpp"

#include <doctest/doctest.h>

#include "support/temporary_folder.hpp"

using namespace arvit;
using namespace arvit::test;

namespace {

/// Red is `seed` plus the row, green plus 100, blue the column.
Bytes record(const Bytes& labels, int seed) {
  Bytes bytes = labels;
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 32; ++y)
      for (int x = 0; x < 32; ++x)
        bytes.push_back(static_cast<std::uint8_t>(c == 2 ? x : seed + y + 100 * c));
  return bytes;
}

}  // namespace

TEST_CASE("cifar: planes become interleaved pixels; the fine label of CIFAR-100 counts") {
  TemporaryFolder folder;
  write_bytes(folder / "a", record({3}, 5));
  write_bytes(folder / "b", record({9}, 6));
  const Cifar ten(Cifar::Kind::ten, {folder / "a", folder / "b"});
  CHECK(ten.size() == 2);
  CHECK(ten.label(1) == 9);
  CHECK(ten.class_names()[9] == "truck");
  const Picture picture = ten.picture(1);
  CHECK(picture.row(4)[3 * 17] == 10);
  CHECK(picture.row(4)[3 * 17 + 1] == 110);
  CHECK(picture.row(4)[3 * 17 + 2] == 17);
  write_bytes(folder / "c", record({19, 72}, 0));
  const Cifar hundred(Cifar::Kind::hundred, {folder / "c"});
  CHECK(hundred.label(0) == 72);
  CHECK(hundred.class_names().size() == 100);
  CHECK(hundred.picture(0).row(31)[3 * 31 + 2] == 31);
  CHECK(hundred.describe() == "CIFAR-100: 1 pictures of 32x32 pixels, 100 classes");
}

TEST_CASE("cifar: bad files are one sentence each") {
  TemporaryFolder folder;
  const std::string a = (folder / "a").string();
  const auto complaint = [&](const Bytes& content) {
    write_bytes(folder / "a", content);
    return message_of<FileError>([&] { Cifar(Cifar::Kind::ten, {folder / "a"}); });
  };
  CHECK(complaint(record({9}, 0)) == "");
  CHECK(
      complaint(Bytes(3072)) ==
      a + ": 3072 bytes, expected a multiple of 3073 (one record of CIFAR-10); download it again.");
  CHECK(complaint(record({10}, 0)) == a + ": record 0 has label 10, CIFAR-10 has 10 classes; the "
                                          "file is damaged or of another kind.");
  CHECK(complaint({}) == a + ": is empty; copy or create it again.");
  CHECK(message_of<FileError>([&] { Cifar(Cifar::Kind::ten, {folder / "none"}); }) ==
        (folder / "none").string() + ": does not exist; check the path.");
}
