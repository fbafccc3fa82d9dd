// SPDX-License-Identifier: BSL-1.0
#include "arvit/pretrain.hpp"

#include <doctest/doctest.h>

#include <sstream>

#include "support/temporary_folder.hpp"
#include "train/made_pictures.hpp"

using namespace arvit;

TEST_CASE("pretrain: without --micro-batch a pass takes some 1600 patches, with it what it says; the plan counts as many images") {
  const test::TemporaryFolder folder;
  const auto said = [&](const char* name, int micro_batch) {
    RunOptions options;
    options.model = "Small", options.data = "stripes", options.out = (folder / name).string();
    options.epochs = 1, options.warmup = 0, options.batch = 256, options.micro_batch = micro_batch;
    std::ostringstream out;
    CHECK(pretrain<test::SmallModel<>>(test::MadePictures{256, 12}, options, {{&out, false}, {}}).complete);
    return out.str();
  };
  const auto says = [](const std::string& all, std::string_view part) {
    INFO(all);
    return all.find(part) != std::string::npos;
  };
  const std::string chosen = said("chosen", 0), given = said("given", 64);  // 9 patches an image: 177 images at most, of which 128 divide the batch
  CHECK(says(chosen, "batches of 256 in micro-batches of 128\n"));
  CHECK(says(chosen, "activations of 128 images"));
  CHECK(says(given, "micro-batches of 64\n"));
  CHECK(says(given, "activations of 64 images"));
}
