// SPDX-License-Identifier: BSL-1.0
#include "arvit/data/image_folder.hpp"

#include <doctest/doctest.h>

#include "support/encode_picture.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;
using namespace arvit::test;

namespace {

/// A PNG picture of one pixel of the given grey.
Bytes pixel(int grey) {
  return encode_png({static_cast<std::uint8_t>(grey)}, 1, 1, {.colour = PNG_COLOR_TYPE_GRAY});
}

std::vector<int> labels(const ImageFolder& set) {
  std::vector<int> all;
  for (std::int64_t i = 0; i < set.size(); ++i) all.push_back(set.label(i));
  return all;
}
std::vector<int> greys(const ImageFolder& set) {
  std::vector<int> all;
  for (std::int64_t i = 0; i < set.size(); ++i) all.push_back(set.picture(i).row(0)[0]);
  return all;
}

}  // namespace

TEST_CASE("image folder: classes by name, pictures by path, other files counted") {
  TemporaryFolder folder;
  write_bytes(folder / "b/2.JPEG", pixel(20));
  write_bytes(folder / "b/10.png", pixel(10));
  write_bytes(folder / "a/deep/er/x.Jpg", pixel(1));
  write_bytes(folder / "a/notes.txt", "text");
  write_bytes(folder / "a/.hidden.png", pixel(99));
  write_bytes(folder / "nothing/readme.md", "text");
  write_bytes(folder / "loose.png", pixel(77));
  const ImageFolder set(folder.path());
  CHECK(set.size() == 3);
  CHECK(set.class_names() == std::vector<std::string>{"a", "b"});
  CHECK(labels(set) == std::vector<int>{0, 1, 1});
  CHECK(greys(set) == std::vector<int>{1, 10, 20});
  CHECK(set.path(2) == folder / "b/2.JPEG");
  CHECK(set.other_files() == 3);
  CHECK(set.describe() ==
        "image folder " + folder.path().string() +
            ": 3 pictures, 2 classes (left out: 3 other files, for one a/notes.txt)");
}

TEST_CASE("image folder: flat, without labels") {
  TemporaryFolder folder;
  write_bytes(folder / "b.png", pixel(2));
  write_bytes(folder / "a.jpg", pixel(1));
  const ImageFolder set(folder.path());
  CHECK(labels(set) == std::vector<int>{-1, -1});
  CHECK(greys(set) == std::vector<int>{1, 2});
  CHECK(set.class_names().empty());
  CHECK(set.describe() == "image folder " + folder.path().string() + ": 2 pictures, no classes");
}

TEST_CASE("image folder: given classes fix the numbering") {
  TemporaryFolder folder;
  write_bytes(folder / "b/x.png", pixel(1));
  CHECK(labels(ImageFolder(folder.path(), {"a", "b", "c"})) == std::vector<int>{1});
  CHECK(message_of<FileError>([&] {
          ImageFolder(folder.path(), {"a", "c"});
        }) == (folder / "b").string() +
                  ": this class is not among the 2 classes of the training set; remove the folder "
                  "or add the class there.");
}

TEST_CASE("image folder: missing, empty and damaged") {
  TemporaryFolder folder;
  const auto complaint = [&](const std::filesystem::path& path) {
    return message_of<FileError>([&] { ImageFolder{path}; });
  };
  CHECK(complaint(folder / "none") ==
        (folder / "none").string() + ": no such folder; give a folder of JPEG or PNG pictures.");
  CHECK(complaint(folder.path()) ==
        folder.path().string() +
            ": no picture (.jpg, .jpeg or .png) lies in this folder or below it; give a folder of "
            "pictures, or of one sub-folder of pictures per class.");
  write_bytes(folder / "a/list.csv", "x");
  CHECK(complaint(folder.path()).find("; there are 1 other files, for one a/list.csv; give") !=
        std::string::npos);
  write_bytes(folder / "a/bad.png", "not a picture");
  write_bytes(folder / "a/good.png", pixel(5));
  std::filesystem::create_symlink(folder / "gone.png", folder / "a/link.png");
  std::filesystem::create_directory_symlink(folder / "a", folder / "a/ring");
  const ImageFolder set(folder.path());
  CHECK(set.size() == 3);
  CHECK(message_of<FileError>([&] { set.picture(0); }) ==
        (folder / "a/bad.png").string() +
            ": neither a JPEG nor a PNG picture; convert it to one of the two.");
  CHECK(set.picture(1).width() == 1);
  CHECK(message_of<FileError>([&] { set.picture(2); }) ==
        (folder / "a/link.png").string() + ": does not exist; check the path.");
}
