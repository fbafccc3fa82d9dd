// SPDX-License-Identifier: BSL-1.0
#include "arvit/run/pretrain.hpp"

#include <doctest/doctest.h>

#include <sstream>

#include "support/encode_picture.hpp"
#include "support/made_pictures.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;

TEST_CASE(
    "pretrain: without --micro-batch a pass takes some 1600 patches, with it what it says; the "
    "plan counts as many images") {
  const test::TemporaryFolder folder;
  const auto said = [&](const char* name, int micro_batch) {
    RunOptions options;
    options.model = "Small";
    options.data = "stripes";
    options.files.out = (folder / name).string();
    options.schedule.epochs = 1;
    options.schedule.warmup = 0;
    options.batch.size = 256;
    if (micro_batch > 0) options.batch.micro = micro_batch;
    std::ostringstream out;
    CHECK(pretrain<test::SmallModel<>>(test::MadePictures{256, 12}, options, {{&out, false}, {}})
              .complete);
    return out.str();
  };
  const auto says = [](const std::string& all, std::string_view part) {
    INFO(all);
    return all.find(part) != std::string::npos;
  };
  const std::string
      chosen = said("chosen", 0),
      given = said("given",
                   64);  // 9 patches an image: 177 images at most, of which 128 divide the batch
  CHECK(says(chosen, "batches of 256 in micro-batches of 128\n"));
  CHECK(says(chosen, "activations of 128 images"));
  CHECK(says(given, "micro-batches of 64\n"));
  CHECK(says(given, "activations of 64 images"));
}

TEST_CASE("pretrain: what the pictures of a set are is told by what they show, wherever they lie") {
  const test::TemporaryFolder folder;
  constexpr int count = 16;  // all of them are looked at
  const auto write = [&](const char* set, int i, int shown, int last = 0) {
    Bytes pixels(2 * 3 * 3, static_cast<std::uint8_t>(10 * shown));
    pixels.back() = static_cast<std::uint8_t>(pixels.back() + last);
    test::write_bytes(folder / set / text(i / 10, i % 10, ".png"), test::encode_png(pixels, 2, 3));
  };
  const auto said = [&](const char* set) { return contents_text(open_dataset(folder / set)); };
  for (int i = 0; i < count; ++i) write("one", i, i);
  for (int i = 0; i < count; ++i) write("other", i, i);
  const std::string one = said("one");
  CHECK(one.starts_with("16, contents "));
  CHECK(said("other") == one);
  for (int i = 0; i < count; ++i) {
    CAPTURE(i);
    write("other", i, i, 1);
    CHECK(said("other") != one);
    write("other", i, i);
  }
  write("other", 3, 4);
  write("other", 4, 3);
  CHECK(said("other") != one);
  write("other", 3, 3);
  write("other", 4, 4);
  CHECK(said("other") == one);
  write("other", count, count);
  CHECK(said("other") != one);

  test::write_bytes(folder / "one" / "05.png", std::string_view("no picture"));
  CHECK(said("one") != one);
  for (int i = 0; i < count; ++i)
    test::write_bytes(folder / "one" / text(i / 10, i % 10, ".png"),
                      std::string_view("no picture"));
  CHECK(said("one").starts_with("16, contents "));
  write("three", 0, 0);
  write("three", 1, 1);
  write("three", 2, 2);
  CHECK(said("three").starts_with("3, contents "));
}
