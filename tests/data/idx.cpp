// SPDX-License-Identifier: BSL-1.0
#include "arvit/data/idx.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include "support/temporary_folder.hpp"

using namespace arvit;
using namespace arvit::test;

namespace {

Bytes header(std::initializer_list<std::uint32_t> extents) {
  Bytes bytes = {0, 0, 8, static_cast<std::uint8_t>(extents.size())};
  for (const std::uint32_t extent : extents)
    for (const int shift : {24, 16, 8, 0})
      bytes.push_back(static_cast<std::uint8_t>(extent >> shift));
  return bytes;
}
Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
const Bytes pictures = header({2, 2, 3}) + Bytes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

}  // namespace

TEST_CASE("idx: grey is repeated, labels are read") {
  TemporaryFolder folder;
  write_bytes(folder / "p", pictures);
  write_bytes(folder / "l", header({2}) + Bytes{7, 0});
  const Idx set(folder / "p", folder / "l");
  CHECK(set.size() == 2);
  CHECK(set.label(0) == 7);
  CHECK(set.class_names().size() == 8);
  const Picture picture = set.picture(1);
  CHECK((picture.height() == 2 && picture.width() == 3));
  for (int p = 0; p < 6; ++p)
    for (int c = 0; c < 3; ++c) CHECK(picture.row(0)[3 * p + c] == 7 + p);
  const Idx unlabelled(folder / "p");
  CHECK(unlabelled.label(1) == -1);
  CHECK(unlabelled.class_names().empty());
  CHECK(set.describe() == "idx: 2 grey pictures of 2x3 pixels, 8 classes");
}

TEST_CASE("idx: bad files are one sentence each") {
  TemporaryFolder folder;
  const std::string p = (folder / "p").string();
  const auto complaint = [&](const Bytes& content) {
    write_bytes(folder / "p", content);
    return message_of<FileError>([&] { Idx{folder / "p"}; });
  };
  CHECK(complaint(pictures) == "");
  CHECK(complaint({1, 2, 3, 4, 5}) ==
        p + ": not an idx3 file of bytes (it does not begin with 00 00 08 03); give the "
            "pictures, such as train-images-idx3-ubyte.gz.");
  CHECK(complaint({0, 0, 8, 1, 0, 0, 0, 1, 5}) ==
        p + ": not an idx3 file of bytes (it does not begin with 00 00 08 03); give "
            "the pictures, such as train-images-idx3-ubyte.gz.");
  CHECK(complaint({0, 0, 8, 3, 0, 0, 0, 1}) == p + ": ends inside its header; download it again.");
  CHECK(complaint(header({2, 2, 4}) + Bytes(12)) ==
        p + ": the header says [2, 2, 4], but 12 bytes follow it; the file is cut or damaged, "
            "download it again.");
  CHECK(complaint(header({0xffffffff, 0xffffffff, 0xffffffff}) + Bytes(12)) ==
        p + ": the header says [4294967295, 4294967295, 4294967295], but 12 bytes follow it; the "
            "file is cut or damaged, "
            "download it again.");
  CHECK(complaint(header({0, 28, 28})) == p + ": holds [0, 28, 28] pixels, that is none.");
  CHECK(complaint(header({0xffffffff, 0xffffffff, 0})) ==
        p + ": holds [4294967295, 4294967295, 0] pixels, that is none.");
  CHECK(complaint(header({1, 1, 70000}) + Bytes(70000)) ==
        p + ": pictures of 1x70000 pixels; at most 65535 are expected on a side.");
  for (std::size_t size = 0; size < pictures.size(); ++size)
    CHECK(complaint(
              Bytes(pictures.begin(), pictures.begin() + static_cast<std::ptrdiff_t>(size))) != "");

  write_bytes(folder / "p", pictures);
  write_bytes(folder / "l", header({3}) + Bytes{1, 2, 3});
  CHECK(message_of<FileError>([&] { Idx(folder / "p", folder / "l"); }) ==
        (folder / "l").string() +
            ": 3 labels for the 2 pictures of p; the two files do not belong together.");
  write_bytes(folder / "l", header({2}) + Bytes{1, 2});
  CHECK(message_of<FileError>([&] {
          Idx(folder / "p", folder / "l", {"a", "b"});
        }) == (folder / "l").string() + ": label 2 occurs, but only 2 class names are known.");
  CHECK(message_of<FileError>([&] { Idx(folder / "none"); }) ==
        (folder / "none").string() + ": does not exist; check the path.");
}

TEST_CASE("idx: gzipped files, whole or cut") {
  TemporaryFolder folder;
  const std::string name = (folder / "p.gz").string();
  const gzFile file = gzopen(name.c_str(), "wb");
  CHECK(gzwrite(file, pictures.data(), static_cast<unsigned>(pictures.size())) ==
        static_cast<int>(pictures.size()));
  gzclose(file);
  CHECK(Idx(name).picture(1).row(0)[0] == 7);
  const Bytes whole = read_file(name);
  for (std::size_t part = 0; part < 16; ++part) {
    write_bytes(name, Bytes(whole.begin(),
                            whole.begin() + static_cast<std::ptrdiff_t>(whole.size() * part / 16)));
    CHECK(message_of<FileError>([&] { Idx{name}; }).find(name + ": ") == 0);
  }
}
