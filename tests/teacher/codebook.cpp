// SPDX-License-Identifier: BSL-1.0
#include "arvit/teacher/codebook.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "arvit/device/cpu.hpp"
#include "arvit/device/reference.hpp"
#include "arvit/eval/image_quality.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/show/codebook_picture.hpp"
#include "support/made_codebook.hpp"
#include "support/temporary_folder.hpp"

namespace arvit::test {

TEST_CASE("nearest code: equals plain loops in double, equal distances give the lower code") {
  Cpu<Fp32> device({2, {}});
  Reference<float> reference;
  for (const auto& [codes, patch, steps] :
       {std::tuple{2, 1, 4u}, {37, 1, 4u}, {512, 1, 8u}, {300, 2, 2u}, {64, 4, 64u}}) {
    Codebook codebook = random_codebook(codes, patch, 1, steps);
    for (int c = 0; c < codebook.width(); ++c)
      codebook.centroids[static_cast<std::size_t>((codes - 1) * codebook.width() + c)] =
          codebook.centroids[static_cast<std::size_t>(c)];  // the last is the first
    const std::int64_t rows = 5000;                         // of 512 codes several blocks
    auto patches = values(rows * codebook.width(), 2, steps);
    std::copy_n(codebook.centroids.end() - codebook.width(), codebook.width(), patches.begin());
    std::vector<std::int32_t> found(rows, -1), expected, plain(rows, -1);
    int ties = 0;
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* const patch_values = patches.data() + r * codebook.width();
      expected.push_back(plain_nearest(codebook, patch_values));
      const double least = squared(patch_values,
                                   codebook.centroids.data() + expected.back() * codebook.width(),
                                   codebook.width());
      for (std::int32_t code = expected.back() + 1; code < codes; ++code)
        ties += squared(patch_values, codebook.centroids.data() + code * codebook.width(),
                        codebook.width()) == least;
    }
    CHECK(ties > 10);
    NearestCode(device, codebook)(patches.data(), rows, found.data());
    CHECK(found == expected);
    CHECK(found[0] == 0);
    NearestCode(reference, codebook)(patches.data(), rows, plain.data());
    CHECK(plain == expected);
  }
  // Numbers that round: hardly any other code, and none that is farther by more than the rounding.
  const Codebook codebook = random_codebook(500, 3, 3);
  const auto patches = values(3000 * 27, 4);
  std::vector<std::int32_t> found(3000);
  NearestCode(device, codebook)(patches.data(), 3000, found.data());
  int other = 0;
  for (std::int64_t r = 0; r < 3000; ++r) {
    const float* const patch = patches.data() + r * 27;
    const std::int32_t best = plain_nearest(codebook, patch),
                       code = found[static_cast<std::size_t>(r)];
    other += code != best;
    CHECK(squared(patch, codebook.centroids.data() + code * 27, 27) <=
          squared(patch, codebook.centroids.data() + best * 27, 27) + 1e-5);
  }
  CHECK(other < 3);
}

TEST_CASE("patches: row, column, channel; a picture of codes is their inverse") {
  std::vector<float> image(3 * 4 * 6);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i) / 128;
  std::vector<float> patches(image.size());
  cut_patches(image.data(), 1, {3, 4, 6, 2}, {}, patches.data());
  CHECK(patches[0] == image[0]);
  CHECK(patches[1] == image[24]);       // the next channel
  CHECK(patches[3] == image[1]);        // the next column
  CHECK(patches[6] == image[6]);        // the next row
  CHECK(patches[12] == image[2]);       // the next patch
  CHECK(patches[3 * 12] == image[12]);  // the first patch of the second row
  const Codebook codebook{2, patches, "", 0, 0};
  const std::vector<std::int32_t> codes{0, 1, 2, 3, 4, 5};
  CHECK(picture_of_codes(codebook, codes, 4, 6) == image);
  CHECK_THROWS_WITH_AS(picture_of_codes(codebook, codes, 4, 4),
                       "codebook: 6 codes for a picture of 4 patches; give one per patch.",
                       ShapeError);
  CHECK_THROWS_WITH_AS(picture_of_codes(codebook, std::vector<std::int32_t>(6, 6), 4, 6),
                       doctest::Contains("code 6 of patch 0 is none of the 6 codes"), ShapeError);
  CHECK_THROWS_WITH_AS(cut_patches(image.data(), 1, {3, 4, 6, 4}, {}, patches.data()),
                       doctest::Contains("choose a patch that divides both sides"), ShapeError);
}

TEST_CASE("codebook: a file holds all of it, and what is no codebook is refused") {
  const TemporaryFolder folder;
  Codebook codebook = random_codebook(5, 2, 7);
  codebook.data = "50000 pictures, \"10\" classes";
  codebook.seed = 0xFFFFFFFFFFFFFFFF;
  codebook.inertia = 1.0 / 3;
  const auto path = folder / "codebook.safetensors";
  save_codebook(path, codebook);
  const Codebook read = load_codebook(path);
  CHECK(read.patch == 2);
  CHECK(read.centroids == codebook.centroids);
  CHECK(read.data == codebook.data);
  CHECK(read.seed == codebook.seed);
  CHECK(read.inertia == codebook.inertia);
  CHECK(Safetensors(path).at("centroids").shape == std::vector<std::int64_t>{5, 12});

  const Metadata good = Safetensors(path).metadata();
  const auto refused = [&](std::vector<std::int64_t> shape, std::vector<float> numbers, auto change,
                           const char* name = "centroids") {
    Metadata metadata = good;
    change(metadata);
    const StoredTensor tensor{name, StoredType::F32, std::move(shape),
                              std::as_bytes(std::span(numbers))};
    write_safetensors(folder / "bad", std::span(&tensor, 1), metadata);
    return message_of<FileError>([&] { load_codebook(folder / "bad"); })
        .substr((folder / "bad").string().size() + 2);
  };
  const auto same = [](Metadata&) {};
  const auto& numbers = codebook.centroids;
  CHECK(refused({5, 12}, numbers, [](Metadata& m) { m.clear(); }) ==
        "is no codebook, its metadata do not say 'format' = 'arvit codebook'; give a file that "
        "fit_codebook wrote.");
  CHECK(refused({5, 12}, numbers, [](Metadata& m) { m["format_version"] = "2"; }) ==
        "is a codebook of version '2', this library reads 1; update the library or fit the "
        "codebook again.");
  CHECK(refused({5, 12}, numbers, [](Metadata& m) { m["codes"] = "five"; }) ==
        "its metadata 'codes' are 'five', a number was expected; the file is damaged, fit the "
        "codebook again.");
  CHECK(refused({5, 12}, numbers, [](Metadata& m) { m.erase("seed"); }) ==
        "its metadata 'seed' are '', a number was expected; the file is damaged, fit the codebook "
        "again.");
  CHECK(refused({5, 12}, numbers, [](Metadata& m) { m["patch"] = "2000000000"; }) ==
        "its patch has 2000000000 pixels a side, 1 to 4096 are possible; the file is damaged, fit "
        "the codebook again.");
  CHECK(refused({5, 12}, numbers, [](Metadata& m) { m["codes"] = "6"; }) ==
        "its centroids are [5, 12], but its metadata say 6 codes of 12 numbers; the file is "
        "damaged, fit the codebook again.");
  CHECK(refused({12, 5}, numbers, same) ==
        "its centroids are [12, 5], but its metadata say 5 codes of 12 numbers; the file is "
        "damaged, fit the codebook again.");
  CHECK(refused({5, 12}, numbers, same, "centres") ==
        "holds no tensor 'centroids' of F32; the file is damaged, fit the codebook again.");
  CHECK(refused({1, 12}, std::vector<float>(12), same) ==
        "it has 1 codes, 2 to 16777216 are possible; the file is damaged, fit the codebook again.");
  CHECK(refused({13}, std::vector<float>(13), same) ==
        "its centroids hold 13 numbers, which is no multiple of 12, the numbers of a patch; the "
        "file is damaged, fit the codebook again.");
  for (const float wrong : {std::numeric_limits<float>::quiet_NaN(), -0.5f, 1.5f}) {
    Codebook broken = codebook;
    broken.centroids[14] = wrong;
    CHECK(refused({5, 12}, broken.centroids, same) ==
          text("entry 2 of code 1 is ", wrong,
               ", a colour lies in [0, 1]; the file is damaged, fit the codebook again."));
    CHECK_THROWS_WITH_AS(save_codebook(path, broken), doctest::Contains("entry 2 of code 1"),
                         ShapeError);
  }
  CHECK(load_codebook(path).centroids == codebook.centroids);  // the refused ones did not touch it
  CHECK_THROWS_AS(load_codebook(folder / "nothing"), FileError);
  write_bytes(folder / "text", "centroids");
  CHECK_THROWS_WITH_AS(load_codebook(folder / "text"), doctest::Contains("is no safetensors file"),
                       FileError);
  Cpu<Fp32> device({1, {}});
  CHECK_THROWS_AS(NearestCode(device, Codebook{1, {0, 0, 0}, "", 0, 0}), ShapeError);
}

TEST_CASE("codebook: pictures in codes, their PSNR, and a sheet by brightness") {
  Cpu<Fp32> device({1, {}});
  Codebook codebook{2, std::vector<float>(3 * 12), "", 0, 0};  // grey, black, white
  std::fill_n(codebook.centroids.begin(), 12, 0.5f),
      std::fill_n(codebook.centroids.begin() + 24, 12, 1.0f);
  std::vector<float> images(2 * 3 * 4 * 6,
                            0.4f);  // of the second every value is far from all but white
  std::fill(images.begin() + 72, images.end(), 0.9f);
  const auto coded = coded_pictures(device, codebook, images, 4, 6);
  CHECK(coded[0] == 0.5f);
  CHECK(std::count(coded.begin(), coded.end(), 0.5f) == 72);
  CHECK(std::count(coded.begin() + 72, coded.end(), 1.0f) == 72);
  CHECK(psnr(images, coded) == doctest::Approx(20).epsilon(1e-5));  // all values are 0.1 away
  CHECK_THROWS_WITH_AS(coded_pictures(device, codebook, std::span(images).first(71), 4, 6),
                       doctest::Contains("no whole number of pictures of 72"), ShapeError);
  const Canvas sheet = codebook_sheet(codebook);  // squares of 12 pixels, one pixel between them
  CHECK(sheet.height() == 14);
  CHECK(sheet.width() == 1 + 3 * 13);
  CHECK(sheet.at(1, 1) == black);
  CHECK(sheet.at(1, 14) == Colour{128, 128, 128});
  CHECK(sheet.at(12, 38) == white);
  const Canvas picture = codebook_picture(codebook, images, coded, 4,
                                          6);  // 2 x 2 pictures of 40 x 60 below it
  CHECK(picture.height() == 14 + 4 + 2 * 44);
  CHECK(picture.at(14 + 4, 4) == Colour{102, 102, 102});
  CHECK(picture.at(14 + 4 + 44, 4) == Colour{128, 128, 128});
  CHECK(picture.at(14 + 4 + 44, 4 + 64) == white);
}

}  // namespace arvit::test
