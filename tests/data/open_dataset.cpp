// SPDX-License-Identifier: BSL-1.0
#include "arvit/data/open_dataset.hpp"

#include <doctest/doctest.h>

#include "arvit/io/npy.hpp"
#include "support/encode_picture.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;
using namespace arvit::test;

namespace {

const Bytes pixel = encode_png({7}, 1, 1, {.colour = PNG_COLOR_TYPE_GRAY});
const Bytes idx_pictures = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 50, 60};
Bytes idx_labels(int label) { return {0, 0, 8, 1, 0, 0, 0, 1, static_cast<std::uint8_t>(label)}; }
Bytes cifar(std::size_t label_bytes, int label) {
  Bytes bytes(label_bytes + 3072);
  bytes[label_bytes - 1] = static_cast<std::uint8_t>(label);
  return bytes;
}

}  // namespace

TEST_CASE("open_dataset: idx pairs") {
  TemporaryFolder folder;
  const auto root = folder / "fashion-mnist";
  write_bytes(root / "train-images-idx3-ubyte", idx_pictures);
  write_bytes(root / "train-labels-idx1-ubyte", idx_labels(9));
  CHECK(!has_test_split(root));
  CHECK(message_of<FileError>([&] { open_dataset(root, Split::test); }) ==
        root.string() +
            ": holds no test split (a folder val or test beside train, t10k or test files); hold "
            "out a part of the training "
            "split.");
  write_bytes(root / "t10k-images-idx3-ubyte", idx_pictures);
  write_bytes(root / "t10k-labels-idx1-ubyte", idx_labels(3));
  CHECK(has_test_split(root));
  const AnyDataset train = open_dataset(root), test = open_dataset(root, Split::test),
                   file = open_dataset(root / "t10k-images-idx3-ubyte");
  CHECK(train.label(0) == 9);
  CHECK(train.class_names()[9] == "ankle boot");
  CHECK(test.label(0) == 3);
  CHECK(file.label(0) == 3);
  CHECK(file.picture(0).row(0)[3] == 60);
  std::filesystem::rename(root, folder / "digits");
  CHECK(open_dataset(folder / "digits").class_names()[9] == "9");
  std::filesystem::remove(folder / "digits/t10k-labels-idx1-ubyte");
  CHECK(open_dataset(folder / "digits", Split::test).label(0) == -1);
}

TEST_CASE("open_dataset: CIFAR-10 and CIFAR-100, in the folder or above it") {
  TemporaryFolder folder;
  const auto ten = folder / "cifar-10-batches-bin", hundred = folder / "hundred";
  for (int i = 1; i <= 5; ++i) write_bytes(ten / text("data_batch_", i, ".bin"), cifar(1, i));
  CHECK(!has_test_split(ten));
  write_bytes(ten / "test_batch.bin", cifar(1, 9));
  CHECK(open_dataset(folder.path()).size() == 5);
  CHECK(open_dataset(ten).label(4) == 5);
  CHECK(open_dataset(folder.path(), Split::test).label(0) == 9);
  write_bytes(ten / "batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
  CHECK(open_dataset(ten).class_names()[9] == "j");
  write_bytes(ten / "batches.meta.txt", "a\n");
  CHECK(message_of<FileError>([&] { open_dataset(ten); }) ==
        "Cifar: 1 class names, but CIFAR-10 has 10 classes; mend the file of names.");
  std::filesystem::remove(ten / "data_batch_3.bin");
  std::filesystem::remove(ten / "batches.meta.txt");
  CHECK(message_of<FileError>([&] { open_dataset(ten); }) ==
        (ten / "data_batch_3.bin").string() + ": does not exist; check the path.");
  write_bytes(hundred / "test.bin", cifar(2, 99));
  CHECK(open_dataset(hundred, Split::test).label(0) == 99);
  CHECK(message_of<FileError>([&] { open_dataset(hundred); }) ==
        hundred.string() + ": holds a test split only; add the training files.");
}

TEST_CASE("open_dataset: STL-10, in the folder or above it, and its pictures without labels") {
  TemporaryFolder folder;
  const auto root = folder / "stl10_binary";
  write_bytes(root / "train_X.bin", Bytes(2 * 27648));
  write_bytes(root / "train_y.bin", Bytes{2, 3});
  write_bytes(root / "unlabeled_X.bin", Bytes(3 * 27648));
  CHECK(!has_test_split(root));
  write_bytes(root / "test_X.bin", Bytes(27648));
  CHECK(open_dataset(folder.path()).label(1) == 2);
  CHECK(message_of<FileError>([&] { open_dataset(root, Split::test); }) ==
        (root / "test_y.bin").string() + ": does not exist; check the path.");
  write_bytes(root / "test_y.bin", Bytes{10});
  CHECK(open_dataset(root, Split::test).label(0) == 9);
  CHECK(open_dataset(root / "test_X.bin").label(0) == 9);
  const AnyDataset unlabelled = open_dataset(root / "unlabeled_X.bin");
  CHECK(unlabelled.size() == 3);
  CHECK(unlabelled.label(2) == -1);
  CHECK(unlabelled.class_names().empty());
}

TEST_CASE("open_dataset: npy arrays, a folder of them or one file, and the labels beside it") {
  TemporaryFolder folder;
  const auto root = folder / "arrays", noise = folder / "noise";
  const auto write = [](const std::filesystem::path& path, const std::vector<std::size_t>& shape,
                        std::uint8_t value) {
    std::filesystem::create_directories(path.parent_path());
    xt::xarray<std::uint8_t> array(shape);
    std::fill(array.begin(), array.end(), value);
    write_npy(path, array);
  };
  write(root / "train_images.npy", {2, 1, 2, 3}, 50);
  write(root / "train_labels.npy", {2, 1}, 4);
  CHECK(!has_test_split(root));
  CHECK(open_dataset(root).size() == 2);
  CHECK(open_dataset(root).label(1) == 4);
  write(root / "val_images.npy", {1, 1, 2, 3}, 60);
  CHECK(open_dataset(root, Split::test).picture(0).row(0)[5] == 60);
  CHECK(open_dataset(root, Split::test).label(0) == -1);
  write(root / "test_images.npy", {1, 1, 2, 3}, 70);
  write(root / "test_labels.npy", {1}, 3);
  CHECK(open_dataset(root, Split::test).picture(0).row(0)[5] == 70);
  CHECK(open_dataset(root, Split::test).label(0) == 3);
  CHECK(open_dataset(root / "test_images.npy").label(0) == 3);

  write(noise / "fog.npy", {2, 1, 1}, 8);
  CHECK(open_dataset(noise / "fog.npy").label(0) == -1);
  write(noise / "labels.npy", {2}, 7);
  CHECK(open_dataset(noise / "fog.npy").label(0) == 7);
  write(noise / "v6_data.npy", {1, 1, 1}, 8);
  write(noise / "v6_labels.npy", {1}, 5);
  CHECK(open_dataset(noise / "v6_data.npy").label(0) == 5);
}

TEST_CASE("open_dataset: image folders, with and without splits") {
  TemporaryFolder folder;
  for (const char* name :
       {"in/train/a/1.png", "in/train/b/1.png", "in/val/b/1.png", "in/val/b/2.png", "in/test/1.png",
        "vehicles/train/1.png", "vehicles/car/1.png", "flat/1.png"})
    write_bytes(folder / name, pixel);
  CHECK(open_dataset(folder / "in").size() == 2);
  CHECK(has_test_split(folder / "in"));
  const AnyDataset val = open_dataset(folder / "in", Split::test);
  CHECK(val.size() == 2);
  CHECK(val.label(0) == 1);  // as in train, though "a" is missing
  CHECK(open_dataset(folder / "vehicles").class_names() ==
        std::vector<std::string>{"car", "train"});
  CHECK(!has_test_split(folder / "vehicles"));
  CHECK(open_dataset(folder / "flat").label(0) == -1);
  CHECK(open_dataset(folder / "flat").describe() ==
        "image folder " + (folder / "flat").string() + ": 1 pictures, no classes");
}

TEST_CASE("open_dataset: what is no data set") {
  TemporaryFolder folder;
  CHECK(message_of<FileError>([&] { open_dataset(folder / "none"); }) ==
        (folder / "none").string() +
            ": no such folder; give a folder of idx files (MNIST, Fashion-MNIST), CIFAR-10, "
            "CIFAR-100, STL-10, npy files or JPEG and PNG files (by class or flat).");
  write_bytes(folder / "cat.png", pixel);
  CHECK(
      message_of<FileError>([&] { open_dataset(folder / "cat.png"); }) ==
      (folder / "cat.png").string() +
          ": a single file must be an idx3 file (train-images-idx3-ubyte.gz), pictures of STL-10 "
          "(unlabeled_X.bin) or an array of pictures (.npy); give the folder of other data sets.");
  std::filesystem::create_directory(folder / "empty");
  CHECK(message_of<FileError>([&] { open_dataset(folder / "empty"); }).find("no picture") !=
        std::string::npos);
}

TEST_CASE("open_dataset: the names of splits") {
  CHECK(split_from("train") == Split::train);
  CHECK(split_from("test") == Split::test);
  CHECK(message_of<OptionError>([] { split_from("val"); }).find("split 'val' is not known") == 0);
  CHECK(message_of<OptionError>([] { split_from("tests"); }) ==
        "split 'tests' is not known; did you mean 'test'? Known: train, test.");
}
