// SPDX-License-Identifier: BSL-1.0
#include "arvit/data/loader.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <map>
#include <memory>

#include "arvit/data/augment.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;
using arvit::test::message_of;

namespace {

/// A user's own set in memory. Picture i has i + 1 rows; the pictures listed in `bad` cannot be
/// read.
struct Made {
  std::int64_t count;
  std::vector<std::int64_t> bad = {};
  std::int64_t size() const { return count; }
  int label(std::int64_t i) const { return static_cast<int>(i % 10); }
  Picture picture(std::int64_t i) const {
    if (std::find(bad.begin(), bad.end(), i) != bad.end()) fail<FileError>("file ", i, ": bad.");
    Picture picture(static_cast<int>(i) + 1, 7);
    for (int k = 0; k < 21 * picture.height(); ++k)
      picture.data()[k] = static_cast<std::uint8_t>(31 * i + k);
    return picture;
  }
};

constexpr int side = 8, image_size = 3 * side * side;
const TrainTransform transform({.height = side, .width = side});

/// All that a batch holds.
struct Seen {
  std::vector<float> images;
  std::vector<std::int64_t> indices;
  std::vector<int> labels;
  std::uint32_t epoch;
  std::int64_t number;
  bool operator==(const Seen&) const = default;
};
Seen seen(const LoadedBatch& batch) {
  return {{batch.pixels.begin(), batch.pixels.end()},
          {batch.indices.begin(), batch.indices.end()},
          {batch.labels.begin(), batch.labels.end()},
          batch.epoch,
          batch.number};
}
std::vector<Seen> take(auto& loader, int most) {
  std::vector<Seen> all;
  for (int i = 0; i < most; ++i) {
    const LoadedBatch* batch = loader.next();
    if (batch == nullptr) break;
    all.push_back(seen(*batch));
  }
  return all;
}
std::vector<Seen> run(const Made& set, const LoaderOptions& options, int most,
                      LoaderPosition start = {}) {
  Loader loader(set, transform, options, start);
  return take(loader, most);
}

}  // namespace

TEST_CASE("loader: the batches do not depend on threads or buffers") {
  const auto expected = run({23}, {.batch = 5, .threads = 1, .buffers = 1, .seed = 4}, 11);
  REQUIRE(expected.size() == 11);
  for (const int threads : {1, 2, 3})
    for (const int buffers : {1, 2, 4})
      CHECK(run({23}, {.batch = 5, .threads = threads, .buffers = buffers, .seed = 4}, 11) ==
            expected);
  CHECK(run({23}, {.batch = 5, .seed = 5}, 11) != expected);
}

TEST_CASE(
    "loader: with views the crops of epoch e come again in epoch e + views, in another order") {
  const auto fresh = run({23}, {.batch = 5, .seed = 4}, 16),
             again = run({23}, {.batch = 5, .seed = 4, .views = 2}, 16);
  const auto images = [](const std::vector<Seen>& batches, std::uint32_t epoch) {
    std::map<std::int64_t, std::vector<float>> by_index;
    for (const Seen& batch : batches) {
      if (batch.epoch != epoch) continue;
      for (std::size_t i = 0; i < batch.indices.size(); ++i)
        by_index[batch.indices[i]] = {
            batch.images.begin() + static_cast<std::ptrdiff_t>(i) * image_size,
            batch.images.begin() + static_cast<std::ptrdiff_t>(i + 1) * image_size};
    }
    return by_index;
  };
  int seen_twice = 0, different = 0;
  for (std::uint32_t epoch = 0; epoch < 4; ++epoch) {
    const auto first = images(fresh, epoch % 2), now = images(again, epoch),
               without = images(fresh, epoch);
    for (const auto& [index, image] : now) {
      if (first.contains(index)) {
        CHECK(first.at(index) == image);
        ++seen_twice;
      }
      different += without.at(index) != image;
    }
  }
  CHECK(seen_twice > 60);  // 20 of 23 in each epoch
  CHECK(different > 30);   // of 40: crops of one row of pixels may be the same
  for (std::size_t i = 0; i < 16; ++i) CHECK(fresh[i].indices == again[i].indices);
}

TEST_CASE("loader: a batch is what transform, set and counters say") {
  TrainTransform alone = transform;
  for (const Seen& batch : run({23}, {.batch = 5, .seed = 4}, 9))
    for (std::size_t i = 0; i < 5; ++i) {
      std::vector<float> expected(image_size);
      alone(Made{23}.picture(batch.indices[i]),
            {4, batch.epoch, static_cast<std::uint32_t>(batch.indices[i])}, expected.data());
      CHECK(std::equal(expected.begin(), expected.end(),
                       batch.images.begin() + static_cast<std::ptrdiff_t>(i) * image_size));
      CHECK(batch.labels[i] == batch.indices[i] % 10);
    }
}

TEST_CASE(
    "loader: an epoch shows every picture once, in a new order; incomplete batches are dropped or "
    "smaller") {
  const auto all_of = [](const std::vector<Seen>& batches, std::uint32_t epoch) {
    std::vector<std::int64_t> all;
    for (const Seen& batch : batches)
      if (batch.epoch == epoch) all.insert(all.end(), batch.indices.begin(), batch.indices.end());
    return all;
  };
  const auto dropped = run({23}, {.batch = 5}, 8);
  CHECK(dropped[3].number == 3);
  CHECK((dropped[4].epoch == 1 && dropped[4].number == 0));
  CHECK(all_of(dropped, 0) != all_of(dropped, 1));
  const auto kept = run({23}, {.batch = 5, .drop_last = false, .epochs = 2}, 100);
  CHECK(kept.size() == 10);
  CHECK(kept[4].indices.size() == 3);
  auto order = all_of(kept, 1);
  std::sort(order.begin(), order.end());
  for (std::int64_t i = 0; i < 23; ++i) CHECK(order[i] == i);
  const auto in_order = run({7}, LoaderOptions::one_pass(3, 2), 100);
  REQUIRE(in_order.size() == 3);
  CHECK(in_order[2].indices == std::vector<std::int64_t>{6});
  CHECK(run({2}, LoaderOptions::one_pass(64, 2), 100)[0].indices ==
        std::vector<std::int64_t>{0, 1});
}

TEST_CASE("loader: resumes at any position, and seek moves there") {
  const auto expected = run({23}, {.batch = 5, .seed = 4}, 13);
  for (std::size_t done = 0; done < 13; ++done) {
    Loader loader(Made{23}, transform, {.batch = 5, .seed = 4});
    take(loader, static_cast<int>(done));
    const LoaderPosition position = loader.position();
    CHECK(position == LoaderPosition{static_cast<std::uint32_t>(done / 4),
                                     static_cast<std::int64_t>(done % 4)});
    const auto rest = run({23}, {.batch = 5, .seed = 4}, static_cast<int>(13 - done), position);
    CHECK(
        std::equal(rest.begin(), rest.end(), expected.begin() + static_cast<std::ptrdiff_t>(done)));
    loader.seek({2, 1});
    CHECK(take(loader, 1).at(0) == expected[9]);
  }
  CHECK(run({23}, {.batch = 5, .epochs = 1}, 100, {0, 3}).size() == 1);
  CHECK(run({23}, {.batch = 5, .epochs = 1}, 100, {1, 0}).empty());
  CHECK_THROWS_AS(run({23}, {.batch = 5}, 1, {0, 5}), OptionError);
}

TEST_CASE("loader: a bad picture ends the run by default, and the next batch can still be had") {
  for (const int threads : {1, 3}) {
    Loader loader(Made{12, {5, 4}}, transform, {.batch = 4, .threads = threads, .shuffle = false});
    CHECK(loader.next()->indices[3] == 3);
    // Of two errors that of the first picture.
    CHECK(message_of<FileError>([&] { loader.next(); }) == "file 4: bad.");
    CHECK(loader.next()->indices[0] == 8);
    CHECK(loader.position() == LoaderPosition{1, 0});
  }
}

TEST_CASE("loader: skipped pictures are reported once and replaced by the next good one") {
  std::vector<Seen> expected;
  for (const int threads : {1, 2, 3}) {
    std::vector<std::string> lines;
    const auto batches = run({6, {2, 3, 5}},
                             {.batch = 3,
                              .threads = threads,
                              .shuffle = false,
                              .on_bad_file = OnBadFile::skip,
                              .report = [&](const std::string& line) { lines.push_back(line); }},
                             6);
    std::sort(lines.begin(), lines.end());
    CHECK(lines == std::vector<std::string>{"skipped: file 2: bad.", "skipped: file 3: bad.",
                                            "skipped: file 5: bad."});
    CHECK(batches[0].indices == std::vector<std::int64_t>{0, 1, 4});
    CHECK(batches[1].indices == std::vector<std::int64_t>{4, 4, 0});
    CHECK(batches[1].labels == std::vector<int>{4, 4, 0});
    if (expected.empty()) expected = batches;
    CHECK(batches == expected);
  }
  const std::string none = message_of<FileError>([] {
    run({2, {0, 1}}, {.batch = 1, .on_bad_file = OnBadFile::skip, .report = nullptr}, 1);
  });
  CHECK(none ==
        "loader: none of the 2 pictures can be read; see the reports of the skipped files.");
}

TEST_CASE("loader: a failure of the machine is no bad picture, and what passes changes nothing") {
  /// The machine fails at the first `failures` readings of picture 3.
  struct Flaky : Made {
    std::shared_ptr<std::atomic<int>> failures;
    Picture picture(std::int64_t i) const {
      if (i == 3 && (*failures)-- > 0) fail<MachineError>("file 3: Input/output error.");
      return Made::picture(i);
    }
  };
  const auto failing = [](int times) {
    return Flaky{{6}, std::make_shared<std::atomic<int>>(times)};
  };
  const LoaderOptions options{.batch = 3,
                              .threads = 2,
                              .shuffle = false,
                              .on_bad_file = OnBadFile::skip,
                              .report = [](const std::string& line) { FAIL(line); }};
  Loader passing(failing(2), transform, options);
  CHECK(take(passing, 2) == run({6}, options, 2));
  Loader lasting(failing(1000), transform, options);
  CHECK(lasting.next()->indices[2] == 2);
  CHECK(message_of<MachineError>([&] { lasting.next(); }) == "file 3: Input/output error.");
  CHECK(contents_text(failing(1)) == contents_text(Made{6}));
  CHECK(measure_normalisation(failing(1)).mean == measure_normalisation(Made{6}).mean);
}

TEST_CASE("loader: any other exception of a worker reaches next(), also with skip") {
  struct Throws : Made {
    Picture picture(std::int64_t) const { throw std::runtime_error("mine"); }
  };
  Loader loader(Throws{{4}}, transform, {.batch = 2, .on_bad_file = OnBadFile::skip});
  CHECK(message_of<std::runtime_error>([&] { loader.next(); }) == "mine");
}

TEST_CASE("loader: prepares batches ahead, and counts the time that next() waits") {
  struct Counted : Made {
    std::shared_ptr<std::atomic<int>> decoded = std::make_shared<std::atomic<int>>(0);
    Picture picture(std::int64_t i) const {
      ++*decoded;
      return Made::picture(i);
    }
  };
  const Counted set{{40}};
  Loader loader(set, transform, {.batch = 4, .threads = 2, .buffers = 3});
  loader.next();
  while (*set.decoded < 12) std::this_thread::yield();  // one batch in use, two ahead
  const double waited = loader.seconds_waited();
  loader.next();
  CHECK(loader.seconds_waited() >= waited);
  while (*set.decoded < 16) std::this_thread::yield();
  CHECK(*set.decoded == 16);  // and no more, for no buffer is free
}

TEST_CASE("loader: works through AnyDataset and with views of a user's memory") {
  const auto expected = run({23}, {.batch = 5}, 4);
  Loader any(AnyDataset(Made{23}), transform, {.batch = 5});
  CHECK(take(any, 4) == expected);
  struct Views {
    std::vector<Picture> pictures;
    std::int64_t size() const { return static_cast<std::int64_t>(pictures.size()); }
    int label(std::int64_t i) const { return static_cast<int>(i % 10); }
    PictureView picture(std::int64_t i) const { return pictures[i]; }
  };
  Views views;
  for (std::int64_t i = 0; i < 23; ++i) views.pictures.push_back(Made{23}.picture(i));
  Loader own(views, transform, {.batch = 5});
  CHECK(take(own, 4) == expected);
}

TEST_CASE("loader: absurd options are refused in one sentence") {
  const auto complaint = [](std::int64_t pictures, LoaderOptions options) {
    return message_of<OptionError>([&] { run({pictures}, options, 1); });
  };
  CHECK(complaint(1, {.batch = 1}) == "");
  CHECK(complaint(1, {.batch = 64}) ==
        "loader: a batch of 64 pictures cannot be drawn from a data set of 1; choose a batch of at "
        "most 1, or give more "
        "pictures.");
  CHECK(complaint(0, {}) == "loader: the data set holds no picture; give at least one.");
  CHECK(complaint(9, {.batch = 0}) == "loader: batch 0; it must be at least 1.");
  CHECK(complaint(9, {.batch = 1, .threads = 0}) == "loader: 0 threads; choose 1 to 1024.");
  CHECK(complaint(9, {.batch = 1, .buffers = 0}) ==
        "loader: 0 buffers; choose 1 to 1024, 2 or more to decode during training.");
  CHECK(complaint(9, {.batch = 1, .epochs = -1}) ==
        "loader: -1 epochs; choose 0 for no end, or a positive number.");
}
