// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include "arvit/core/option_list.hpp"
#include "arvit/data/loader.hpp"

namespace arvit {

/// Mean and deviation that pictures are normalised with: ImageNet's, or their own.
enum class Normalise : char { imagenet, measured };
constexpr std::array<std::string_view, 2> names_of(Normalise) { return {"imagenet", "measured"}; }

/// What a run sees of its pictures.
struct PictureOptions {
  double crop_min = 0.2;  ///< smallest area of the random crop, as a share of the picture
  double flip = 0.5;      ///< probability of mirroring
  bool whole_picture = false;
  std::optional<int> views = {};  ///< crops that take turns; by default a new one every epoch
  Normalise normalise = Normalise::imagenet;
  OnBadFile bad_files = OnBadFile::fail;

  /// Crops of a picture that a run of so many epochs will see; epoch e sees number e % crops().
  int crops(double epochs) const {
    const int passes = static_cast<int>(std::ceil(epochs));
    return whole_picture ? 1 : std::min(views.value_or(passes), passes);
  }

  template <class Group, class Visit> static void list(Group& o, Visit&& visit) {
    constexpr std::string_view pictures = "Pictures";
    visit(OptionInfo{"crop-min", pictures,
                     "smallest area of the random crop, as a share of the picture"},
          o.crop_min);
    visit(OptionInfo{"flip", pictures, "probability of mirroring"}, o.flip);
    visit(OptionInfo{"whole-picture", pictures,
                     "no random crop and no mirroring: the picture's shorter side resized to the "
                     "model's, the centre cut out; what a file of features or codes belongs to"},
          o.whole_picture);
    visit(OptionInfo{"views", pictures,
                     "crops of a picture that take turns from epoch to epoch, so that a teacher "
                     "cache holds them all; 0: a new one every epoch"},
          o.views);
    visit(OptionInfo{"normalise", pictures,
                     "colours by the mean and deviation of imagenet, or as measured on these "
                     "pictures"},
          o.normalise);
    visit(OptionInfo{"bad-files", pictures,
                     "a picture that cannot be read: stop, or skip it with a message"},
          o.bad_files);
  }
};

}  // namespace arvit
