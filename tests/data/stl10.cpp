// SPDX-License-Identifier: BSL-1.0
#include "arvit/data/stl10.hpp"

#include <doctest/doctest.h>

#include "support/temporary_folder.hpp"

using namespace arvit;
using namespace arvit::test;

namespace {

/// Red is `seed` plus the row, green plus 50, blue the column; columns lie one after another.
void add_picture(Bytes& bytes, int seed) {
  for (int c = 0; c < 3; ++c)
    for (int x = 0; x < 96; ++x)
      for (int y = 0; y < 96; ++y)
        bytes.push_back(static_cast<std::uint8_t>(c == 2 ? x : seed + y + 50 * c));
}

}  // namespace

TEST_CASE("stl10: columns become interleaved rows, labels count from 0") {
  TemporaryFolder folder;
  Bytes pictures;
  add_picture(pictures, 5);
  add_picture(pictures, 6);
  write_bytes(folder / "p", pictures);
  write_bytes(folder / "l", Bytes{1, 10});
  const Stl10 set(folder / "p", folder / "l");
  CHECK(set.size() == 2);
  CHECK(set.label(0) == 0);
  CHECK(set.label(1) == 9);
  CHECK(set.class_names()[9] == "truck");
  CHECK(set.describe() == "STL-10: 2 pictures of 96x96 pixels, 10 classes");
  const Picture picture = set.picture(1);
  CHECK((picture.height() == 96 && picture.width() == 96));
  CHECK(picture.row(4)[3 * 17] == 10);
  CHECK(picture.row(4)[3 * 17 + 1] == 60);
  CHECK(picture.row(4)[3 * 17 + 2] == 17);
}

TEST_CASE("stl10: bad files are one sentence each") {
  TemporaryFolder folder;
  const std::string p = (folder / "p").string(), l = (folder / "l").string();
  const auto complaint = [&](const Bytes& pictures, const Bytes& labels) {
    write_bytes(folder / "p", pictures);
    write_bytes(folder / "l", labels);
    return message_of<FileError>([&] { Stl10(folder / "p", folder / "l"); });
  };
  const Bytes one(27648);
  CHECK(complaint(one, {3}) == "");
  CHECK(complaint(Bytes(27647), {3}) == p + ": 27647 bytes, expected a multiple of 27648 (one "
                                            "picture of STL-10); download it again.");
  CHECK(complaint(one, {3, 3}) ==
        l + ": 2 labels for the 1 pictures of p; the two files do not belong together.");
  for (const int label : {0, 11})
    CHECK(complaint(one, {static_cast<std::uint8_t>(label)}) ==
          l + ": picture 0 has label " + std::to_string(label) +
              ", STL-10 has 1 to 10; the file is damaged or of another kind.");
}
