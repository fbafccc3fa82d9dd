// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "arvit/core/checksum.hpp"
#include "arvit/core/error.hpp"
#include "arvit/core/random.hpp"
#include "arvit/data/picture.hpp"

namespace arvit {

/// Three functions make a data set; any number of threads may call them at once.
///   size()      number of pictures
///   label(i)    class of picture i, counted from 0, or -1 for none
///   picture(i)  Picture or PictureView, of any size; may read and decode a file. FileError says
///               that this one picture is bad, MachineError that the machine failed at it.
/// Two more are used where a set has them: class_names(), a vector of strings, and describe(), one
/// line for people.
template <class S>
concept Dataset = requires(const S& set, std::int64_t i) {
  { set.size() } -> std::convertible_to<std::int64_t>;
  { set.label(i) } -> std::convertible_to<int>;
  { set.picture(i) } -> std::convertible_to<PictureView>;
};

/// The names that the set gives its classes, else "0", "1", .. up to the largest label.
template <Dataset S> std::vector<std::string> class_names(const S& set) {
  if constexpr (requires {
                  { set.class_names() } -> std::convertible_to<std::vector<std::string>>;
                }) {
    return set.class_names();
  } else {
    int largest = -1;
    for (std::int64_t i = 0; i < set.size(); ++i) largest = std::max<int>(largest, set.label(i));
    std::vector<std::string> names;
    for (int label = 0; label <= largest; ++label) names.push_back(std::to_string(label));
    return names;
  }
}

template <Dataset S> std::string describe(const S& set) {
  if constexpr (requires {
                  { set.describe() } -> std::convertible_to<std::string>;
                })
    return set.describe();
  else
    return text(set.size(), " pictures, ", class_names(set).size(), " classes");
}

/// set.picture(i). Where the machine fails at it, it is tried again after 0.1, 0.5 and 2 s, before
/// its MachineError ends the work: nobody may take it for a bad picture.
template <Dataset S> decltype(auto) steady_picture(const S& set, std::int64_t i) {
  for (const int wait : {100, 500, 2000}) {
    try {
      return set.picture(i);
    } catch (const MachineError&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(wait));
    }
  }
  return set.picture(i);
}

/// What the pictures of a set are, by the contents of 16 of them, wherever they lie.
template <Dataset Set> std::string contents_text(const Set& set) {
  std::uint64_t sum = 0;
  for (std::int64_t i = 0; i < 16; ++i) {
    try {
      const auto& picture = steady_picture(set, i * set.size() / 16);
      const PictureView view = picture;
      const std::size_t row_bytes = std::size_t{3} * view.width;
      for (int y = 0; y < view.height; ++y)
        sum = checksum(std::as_bytes(std::span(view.row(y), row_bytes)), sum);
    } catch (const FileError&) {
      continue;  // what to do with it is the loader's choice
    }
  }
  return text(set.size(), ", contents ", sum);
}

/// A data set whose kind is known only at run time. Copies share the pictures.
class AnyDataset {
 public:
  template <Dataset S>
  requires(!std::same_as<std::remove_cvref_t<S>, AnyDataset>) AnyDataset(S set)
      : held_(std::make_shared<const Held<S>>(std::move(set))) {}

  std::int64_t size() const { return held_->size(); }
  int label(std::int64_t i) const { return held_->label(checked(i)); }
  Picture picture(std::int64_t i) const { return held_->picture(checked(i)); }
  const std::vector<std::string>& class_names() const { return held_->names; }
  std::string describe() const { return held_->describe(); }

 private:
  struct Interface {
    std::vector<std::string> names;
    virtual ~Interface() = default;
    virtual std::int64_t size() const = 0;
    virtual int label(std::int64_t i) const = 0;
    virtual Picture picture(std::int64_t i) const = 0;
    virtual std::string describe() const = 0;
  };
  template <class S> struct Held final : Interface {
    S set;
    explicit Held(S value) : set(std::move(value)) { names = arvit::class_names(set); }
    std::int64_t size() const override { return set.size(); }
    int label(std::int64_t i) const override { return set.label(i); }
    Picture picture(std::int64_t i) const override { return Picture(set.picture(i)); }
    std::string describe() const override { return arvit::describe(set); }
  };
  std::int64_t checked(std::int64_t i) const {
    if (i < 0 || i >= size())
      fail<ShapeError>("data set: picture ", i, " was asked for, there are ", size(), ".");
    return i;
  }

  std::shared_ptr<const Interface> held_;
};

/// The pictures of `set` that `indices` lists, in that order. Classes keep their numbers and names.
template <Dataset S = AnyDataset> class Subset {
 public:
  Subset(S set, std::vector<std::int64_t> indices)
      : set_(std::move(set)), indices_(std::move(indices)) {
    for (const std::int64_t i : indices_)
      if (i < 0 || i >= set_.size())
        fail<ShapeError>("Subset: picture ", i, " was asked for, the data set holds ", set_.size(),
                         ".");
  }
  std::int64_t size() const { return static_cast<std::int64_t>(indices_.size()); }
  int label(std::int64_t i) const { return set_.label(at(i)); }
  decltype(auto) picture(std::int64_t i) const { return set_.picture(at(i)); }
  std::vector<std::string> class_names() const { return arvit::class_names(set_); }
  std::string describe() const { return text(size(), " pictures out of: ", arvit::describe(set_)); }
  const std::vector<std::int64_t>& indices() const { return indices_; }

 private:
  std::int64_t at(std::int64_t i) const { return indices_[i]; }
  S set_;
  std::vector<std::int64_t> indices_;
};

/// Splits 0 .. size - 1 into `held_out` indices drawn without replacement (first) and the others
/// (second), both ascending.
inline std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>> hold_out(
    std::int64_t size, std::int64_t held_out, std::uint64_t seed) {
  if (held_out < 0 || held_out > size)
    fail<OptionError>("hold_out: ", held_out, " of ", size, " pictures; choose between 0 and ",
                      size, ".");
  std::vector<std::int64_t> all(size);
  std::iota(all.begin(), all.end(), std::int64_t{0});
  Stream stream(Counter{seed, 0, 0, Purpose::probe});
  shuffle(std::span(all), stream);
  const auto middle = all.begin() + held_out;
  std::sort(all.begin(), middle);
  std::sort(middle, all.end());
  return {{all.begin(), middle}, {middle, all.end()}};
}

}  // namespace arvit
