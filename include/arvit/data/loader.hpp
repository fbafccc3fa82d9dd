// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <iostream>
#include <limits>
#include <mutex>
#include <new>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "arvit/core/batch.hpp"
#include "arvit/core/error.hpp"
#include "arvit/core/random.hpp"
#include "arvit/data/dataset.hpp"

namespace arvit {

/// What to do when a picture cannot be read (its FileError): end the run, or report it once and use
/// the next good one instead.
enum class OnBadFile : char { fail, skip };
constexpr std::array<std::string_view, 2> names_of(OnBadFile) { return {"stop", "skip"}; }

struct LoaderOptions {
  std::int64_t batch = 64;
  int threads = 2;  ///< that decode and augment; the batches do not depend on it
  int buffers = 3;  ///< batches in memory: one in use, the others being prepared
  std::uint64_t seed = 0;
  bool shuffle = true;  ///< a new permutation every epoch; else the order of the data set
  /// Leave out the pictures that do not fill a batch; else the last batch of an epoch is smaller.
  bool drop_last = true;
  /// Micro-batches of one training step: with drop_last, an epoch holds whole groups of batches
  /// only.
  std::int64_t group = 1;
  std::int64_t epochs = 0;  ///< next() gives nullptr after so many; 0: never
  /// Epoch e augments as epoch e % views does, so that crops come again; 0: every epoch in its own
  /// way.
  std::uint32_t views = 0;
  OnBadFile on_bad_file = OnBadFile::fail;
  /// Receives one line for every picture that is skipped, from one thread at a time.
  std::function<void(const std::string&)> report = [](const std::string& line) {
    std::cerr << line << '\n';
  };

  /// One pass in the order of the data set, every picture once.
  static LoaderOptions one_pass(std::int64_t batch, int threads) {
    return {.batch = batch, .threads = threads, .shuffle = false, .drop_last = false, .epochs = 1};
  }
};

/// Pictures ready for the model: the `pixels` of a batch, whose other parts somebody else makes.
/// The memory belongs to the loader and is valid until its next call of next().
struct LoadedBatch : Batch<const float> {
  std::int64_t size = 0;  ///< images
  /// In the data set, of the pictures really used: with the seed and the epoch they are the
  /// counters.
  std::span<const std::int64_t> indices;
  std::span<const int> labels;  ///< -1: none
  std::uint32_t epoch = 0;
  std::int64_t number = 0;  ///< of the batch in its epoch
};

/// Where a loader stands: the batch that next() will give.
struct LoaderPosition {
  std::uint32_t epoch = 0;
  std::int64_t batch = 0;
  friend bool operator==(const LoaderPosition&, const LoaderPosition&) = default;
};

/// Fills a Transform's [3, height(), width()] floats from a picture; every thread has its own copy.
template <class T>
concept Transform = std::copy_constructible<T> &&
    requires(T transform, PictureView picture, Counter image, float* out) {
  { transform.height() } -> std::convertible_to<int>;
  { transform.width() } -> std::convertible_to<int>;
  transform(picture, image, out);
};

/// Decodes and augments on its own threads while the last batch is in use. What a batch holds
/// depends on the data set, the transform, the seed and the position only. All buffers are
/// allocated at construction.
template <Dataset Set, Transform Transformer> class Loader {
 public:
  /// A data set that is empty, or smaller than a batch when incomplete ones are dropped, and
  /// options out of range throw OptionError.
  Loader(Set set, Transformer transform, LoaderOptions options, LoaderPosition start = {})
      : set_(std::move(set)),
        transform_(std::move(transform)),
        options_(std::move(options)),
        pictures_(set_.size()) {
    check();
    rows_ = std::min(options_.batch, pictures_);
    per_epoch_ = options_.drop_last ? pictures_ / (rows_ * options_.group) * options_.group
                                    : (pictures_ + rows_ - 1) / rows_;
    image_size_ = std::int64_t{3} * transform_.height() * transform_.width();
    try {
      permutation_.resize(pictures_);
      planned_.resize(pictures_);
      slots_.resize(options_.buffers);
      for (Slot& slot : slots_) {
        slot.images.resize(rows_ * image_size_);
        slot.indices.resize(rows_);
        slot.labels.resize(rows_);
      }
    } catch (const std::bad_alloc&) {
      fail<OptionError>("loader: no memory for ", options_.buffers, " buffers of ", rows_,
                        " pictures; choose a smaller batch or fewer buffers.");
    }
    seek(start);
  }
  ~Loader() { stop(); }
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// The next batch, or nullptr after the last epoch. Throws what a worker met while it filled this
  /// batch (of several errors that of the first picture); a further call goes on with the batch
  /// after it.
  const LoadedBatch* next() {
    std::unique_lock lock(mutex_);
    if (in_use_) {
      in_use_ = false;
      ++released_;
      room_.notify_all();
    }
    if (taken_ == last_) return nullptr;
    Slot& slot = slots_[taken_ % options_.buffers];
    const auto before = std::chrono::steady_clock::now();
    ready_.wait(lock, [&] { return slot.missing == 0; });
    waited_ += std::chrono::steady_clock::now() - before;
    slot.missing = not_open;
    in_use_ = true;
    ++taken_;
    if (slot.error) std::rethrow_exception(std::exchange(slot.error, nullptr));
    const auto size = static_cast<std::size_t>(slot.size);
    batch_ = {{.pixels = {slot.images.data(), slot.size * image_size_}},
              slot.size,
              std::span(slot.indices).first(size),
              std::span(slot.labels).first(size),
              slot.epoch,
              slot.number};
    return &batch_;
  }

  /// Drops what was prepared; the next batch will be that of `position`.
  void seek(LoaderPosition position) {
    if (position.batch < 0 || position.batch > per_epoch_)
      fail<OptionError>("loader: batch ", position.batch,
                        " of an epoch was asked for, an epoch has ", per_epoch_, ".");
    stop();
    start_ = position.epoch * per_epoch_ + position.batch;
    last_ = options_.epochs == 0 ? std::numeric_limits<std::int64_t>::max()
                                 : std::max<std::int64_t>(0, options_.epochs * per_epoch_ - start_);
    opened_ = taken_ = released_ = place_ = 0;
    in_use_ = stopping_ = false;
    for (Slot& slot : slots_) {
      slot.missing = not_open;
      slot.error = nullptr;
    }
    try {
      for (int t = 0; t < options_.threads; ++t) threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      stop();
      fail<OptionError>("loader: the system gives no ", options_.threads,
                        " threads; choose fewer.");
    }
  }
  LoaderPosition position() const {
    return {static_cast<std::uint32_t>((start_ + taken_) / per_epoch_),
            (start_ + taken_) % per_epoch_};
  }

  /// The pictures that batch `number` of an epoch draws, known without reading any of them;
  /// LoadedBatch::indices differs from it only where an unreadable picture was replaced. Valid
  /// until the next call.
  std::span<const std::uint32_t> planned(std::uint32_t epoch, std::int64_t number) {
    if (number < 0 || number >= per_epoch_)
      fail<OptionError>("loader: batch ", number, " of an epoch was asked for, an epoch has ",
                        per_epoch_, ".");
    if (planned_epoch_ != std::int64_t{epoch}) {
      draw(planned_, epoch);
      planned_epoch_ = epoch;
    }
    return std::span<const std::uint32_t>(planned_).subspan(
        number * rows_, std::min(rows_, pictures_ - number * rows_));
  }

  std::int64_t batches_per_epoch() const { return per_epoch_; }
  /// Spent in next() since the construction, waiting for the workers.
  double seconds_waited() const { return std::chrono::duration<double>(waited_).count(); }
  /// Of the buffers of batches and the permutations.
  std::int64_t bytes() const {
    return options_.buffers * rows_ * (image_size_ * 4 + 12) + pictures_ * 8;
  }
  const Set& dataset() const { return set_; }

 private:
  static constexpr std::int64_t not_open = -1;
  struct Slot {
    std::vector<float> images;
    std::vector<std::int64_t> indices;
    std::vector<int> labels;
    std::int64_t size = 0, number = 0, missing = not_open, error_place = 0;
    std::uint32_t epoch = 0;
    std::exception_ptr error;
  };

  void check() const {
    const auto& o = options_;
    if (o.batch < 1) fail<OptionError>("loader: batch ", o.batch, "; it must be at least 1.");
    if (o.threads < 1 || o.threads > 1024)
      fail<OptionError>("loader: ", o.threads, " threads; choose 1 to 1024.");
    if (o.buffers < 1 || o.buffers > 1024)
      fail<OptionError>("loader: ", o.buffers,
                        " buffers; choose 1 to 1024, 2 or more to decode during training.");
    if (o.group < 1)
      fail<OptionError>("loader: groups of ", o.group, " batches; choose 1 or more.");
    if (o.epochs < 0)
      fail<OptionError>("loader: ", o.epochs,
                        " epochs; choose 0 for no end, or a positive number.");
    if (pictures_ < 1)
      fail<OptionError>("loader: the data set holds no picture; give at least one.");
    if (pictures_ > std::numeric_limits<std::uint32_t>::max())
      fail<OptionError>("loader: the data set holds ", pictures_,
                        " pictures, at most 4294967295 can be numbered.");
    if (o.drop_last && o.batch > pictures_ / o.group)
      fail<OptionError>("loader: a batch of ", o.batch * o.group,
                        " pictures cannot be drawn from a data set of ", pictures_,
                        "; choose a batch of at most ", pictures_, ", or give more pictures.");
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    room_.notify_all();
    threads_.clear();  // joins
  }

  /// The order of the pictures in an epoch.
  void draw(std::vector<std::uint32_t>& order, std::uint32_t epoch) const {
    std::iota(order.begin(), order.end(), 0u);
    Stream stream(Counter{options_.seed, epoch, 0, Purpose::shuffle});
    if (options_.shuffle) shuffle(std::span(order), stream);
  }

  /// Begins the batch after the last one that was begun; the lock is held.
  void open(Slot& slot) {
    const std::int64_t absolute = start_ + opened_;
    slot.epoch = static_cast<std::uint32_t>(absolute / per_epoch_);
    slot.number = absolute % per_epoch_;
    if (permuted_ != std::int64_t{slot.epoch}) {
      draw(permutation_, slot.epoch);
      permuted_ = slot.epoch;
    }
    const std::int64_t begin = slot.number * rows_;
    slot.size = slot.missing = std::min(rows_, pictures_ - begin);
    slot.error_place = slot.size;
    std::copy_n(permutation_.begin() + begin, slot.size, slot.indices.begin());
  }

  void work() {
    Transformer transform = transform_;
    // Few pictures at a time: towards the end of a batch all threads should find work.
    const std::int64_t portion = std::clamp<std::int64_t>(rows_ / (4 * options_.threads), 1, 16);
    std::unique_lock lock(mutex_);
    while (true) {
      room_.wait(lock, [&] {
        return stopping_ || place_ > 0 ||
               (opened_ < last_ && opened_ < released_ + options_.buffers);
      });
      if (stopping_) return;
      Slot& slot = slots_[opened_ % options_.buffers];
      if (place_ == 0) open(slot);
      const std::int64_t begin = place_, end = std::min(begin + portion, slot.size);
      place_ = end;
      if (end == slot.size) {
        place_ = 0;
        ++opened_;
      }
      lock.unlock();
      std::exception_ptr error;
      std::int64_t error_place = 0;
      for (std::int64_t place = begin; place < end && !error; ++place) {
        try {
          fill(slot, place, transform);
        } catch (...) {
          error = std::current_exception();
          error_place = place;
        }
      }
      lock.lock();
      if (error && error_place < slot.error_place) {
        slot.error = error;
        slot.error_place = error_place;
      }
      error = nullptr;
      slot.missing -= end - begin;
      if (slot.missing == 0) ready_.notify_one();
    }
  }

  void fill(Slot& slot, std::int64_t place, Transformer& transform) {
    std::int64_t& index = slot.indices[place];
    for (std::int64_t tried = 0; tried < pictures_; ++tried, index = (index + 1) % pictures_) {
      try {
        const auto& picture = steady_picture(set_, index);
        transform(
            picture,
            Counter{options_.seed, options_.views > 0 ? slot.epoch % options_.views : slot.epoch,
                    static_cast<std::uint32_t>(index)},
            slot.images.data() + place * image_size_);
        slot.labels[place] = set_.label(index);
        return;
      } catch (const FileError& bad) {
        if (options_.on_bad_file == OnBadFile::fail) throw;
        const std::lock_guard lock(report_mutex_);
        if (reported_.insert(index).second && options_.report)
          options_.report(text("skipped: ", bad.what()));
      }
    }
    fail<FileError>("loader: none of the ", pictures_,
                    " pictures can be read; see the reports of the skipped files.");
  }

  const Set set_;
  const Transformer transform_;
  const LoaderOptions options_;
  const std::int64_t pictures_;
  std::int64_t rows_ = 0, per_epoch_ = 0, image_size_ = 0;
  std::vector<std::uint32_t> permutation_;
  std::int64_t permuted_ = -1;  ///< the epoch of permutation_
  std::vector<std::uint32_t> planned_;
  std::int64_t planned_epoch_ = -1;  ///< the epoch of planned_

  std::mutex mutex_;  // of what follows, and of the slots but for rows that a worker has claimed
  std::condition_variable room_, ready_;
  std::vector<Slot> slots_;
  std::int64_t start_ = 0, last_ = 0;  ///< in batches since epoch 0; number of batches to give
  /// Batches that all rows of were claimed; that next() gave; whose buffers are free again.
  std::int64_t opened_ = 0, taken_ = 0, released_ = 0;
  std::int64_t place_ = 0;  ///< rows claimed of batch number opened_
  bool in_use_ = false, stopping_ = false;
  LoadedBatch batch_;
  std::chrono::steady_clock::duration waited_{};

  std::mutex report_mutex_;
  std::set<std::int64_t> reported_;
  std::vector<std::jthread> threads_;  // last: joined first
};

}  // namespace arvit
