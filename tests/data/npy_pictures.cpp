// SPDX-License-Identifier: BSL-1.0
#include "arvit/data/npy_pictures.hpp"

#include <doctest/doctest.h>

#include <numeric>

#include "support/temporary_folder.hpp"

using namespace arvit;
using namespace arvit::test;

namespace {

/// An array of the shape, whose elements are `first`, `first` + 1, ..
template <class T> xt::xarray<T> counted(const std::vector<std::size_t>& shape, int first = 1) {
  xt::xarray<T> array(shape);
  std::iota(array.begin(), array.end(), static_cast<T>(first));
  return array;
}

}  // namespace

TEST_CASE("npy_pictures: colour keeps its channels, grey is repeated") {
  const TemporaryFolder folder;
  const auto path = folder / "p.npy";
  write_npy(path, counted<std::uint8_t>({2, 2, 4, 3}));
  const NpyPictures colour(path);
  CHECK(colour.size() == 2);
  CHECK(colour.describe() == "npy: 2 colour pictures of 2x4 pixels, no labels");
  const Picture picture = colour.picture(1);
  CHECK((picture.height() == 2 && picture.width() == 4));
  for (int i = 0; i < 24; ++i) CHECK(picture.row(0)[i] == 25 + i);

  for (const std::vector<std::size_t>& shape : {std::vector<std::size_t>{2, 2, 3}, {2, 2, 3, 1}}) {
    write_npy(path, counted<std::uint8_t>(shape));
    const NpyPictures grey(path);
    CHECK(grey.describe() == "npy: 2 grey pictures of 2x3 pixels, no labels");
    const Picture repeated = grey.picture(1);
    CHECK((repeated.height() == 2 && repeated.width() == 3));
    for (int p = 0; p < 6; ++p)
      for (int c = 0; c < 3; ++c) CHECK(repeated.row(0)[3 * p + c] == 7 + p);
    CHECK(grey.label(1) == -1);
    CHECK(grey.class_names().empty());
  }
}

TEST_CASE_TEMPLATE("npy_pictures: labels of one or two extents", T, std::uint8_t, std::int64_t) {
  const TemporaryFolder folder;
  write_npy(folder / "p.npy", counted<std::uint8_t>({2, 2, 3}));
  for (const std::vector<std::size_t>& shape : {std::vector<std::size_t>{2}, {2, 1}}) {
    write_npy(folder / "l.npy", counted<T>(shape, 6));
    const NpyPictures set(folder / "p.npy", folder / "l.npy");
    CHECK((set.label(0) == 6 && set.label(1) == 7));
    CHECK(set.class_names().size() == 8);
    CHECK(set.describe() == "npy: 2 grey pictures of 2x3 pixels, 8 classes");
  }
}

TEST_CASE("npy_pictures: an array that holds no pictures is one sentence") {
  const TemporaryFolder folder;
  const auto path = folder / "p.npy";
  const auto complaint = [&](const auto& array) {
    write_npy(path, array);
    const std::string message = message_of<FileError>([&] { NpyPictures{path}; });
    return message.empty() ? message : message.substr(path.string().size());
  };
  CHECK(complaint(counted<std::uint8_t>({1, 2, 3, 3})) == "");
  CHECK(complaint(counted<std::uint8_t>({6, 2})) ==
        ": holds an array [6, 2], no pictures; RGB is [pictures, height, width, 3], grey "
        "[pictures, height, width].");
  CHECK(complaint(counted<std::uint8_t>({1, 2, 2, 4})).find("no pictures; RGB is") !=
        std::string::npos);
  CHECK(complaint(counted<std::uint8_t>({2, 3, 4, 5})) ==
        ": holds an array [2, 3, 4, 5], whose channels come first; save its transpose(0, 2, 3, "
        "1).");
  CHECK(complaint(counted<std::uint8_t>({0, 2, 2, 3})) ==
        ": holds an array [0, 2, 2, 3], that is no pixel.");
  CHECK(complaint(counted<std::uint8_t>({1, 1, 70000})) ==
        ": holds an array [1, 1, 70000], but pictures have at most 65535 pixels on a side.");
  CHECK(complaint(counted<float>({1, 2, 2, 3})) ==
        ": holds elements of type '<f4', '|u1' was expected; convert it with numpy's astype.");
  const std::string header = "{'descr': '|u1', 'fortran_order': True, 'shape': (1, 1, 2), }";
  write_bytes(path, std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size()) + '\0' +
                        header + "ab");
  CHECK(message_of<FileError>([&] { NpyPictures{path}; }) ==
        path.string() +
            ": holds an array [1, 1, 2], in Fortran order; save numpy.ascontiguousarray of it.");
}

TEST_CASE("npy_pictures: labels that do not fit are one sentence") {
  const TemporaryFolder folder;
  const auto path = folder / "l.npy";
  write_npy(folder / "p.npy", counted<std::uint8_t>({2, 2, 3}));
  const auto complaint = [&](const auto& array) {
    write_npy(path, array);
    const std::string message = message_of<FileError>([&] { NpyPictures(folder / "p.npy", path); });
    return message.empty() ? message : message.substr(path.string().size());
  };
  CHECK(complaint(counted<std::int64_t>({2}, 0)) == "");
  CHECK(complaint(counted<std::int64_t>({3})) ==
        ": 3 labels for the 2 pictures of p.npy; the two files do not belong together.");
  CHECK(complaint(counted<std::int64_t>({2, 2})) ==
        ": holds an array [2, 2], labels are [pictures]: one class for each, counted from 0.");
  CHECK(complaint(counted<std::int64_t>({2}, -1)) ==
        ": picture 0 has label -1; labels are classes, counted from 0, below 1000000.");
  CHECK(complaint(counted<std::int64_t>({2}, 999'999)) ==
        ": picture 1 has label 1000000; labels are classes, counted from 0, below 1000000.");
  CHECK(complaint(counted<float>({2})) ==
        ": holds elements of type '<f4', '<i8' was expected; convert it with numpy's astype.");
}
