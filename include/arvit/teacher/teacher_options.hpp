// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>

#include "arvit/core/option_list.hpp"

namespace arvit {

/// What teaches a model, and where what it gives is kept. Paths are as somebody gave them
/// (source.hpp looks at what lies there).
struct TeacherOptions {
  std::string path = {}, condition = {};
  std::string cache = {};
  double cache_gigabytes = 10;  ///< most that a new cache takes, in 10^9 bytes

  template <class Group, class Visit> static void list(Group& o, Visit&& visit) {
    constexpr std::string_view what = "What to train";
    visit(OptionInfo{"teacher", what,
                     "for a model that predicts features or codes: what makes them (a checkpoint, "
                     "the folder of a run, a codebook), or an npy file of them, picture by "
                     "picture"},
          o.path);
    visit(OptionInfo{"teacher-cache", what,
                     "file that keeps what the teacher gives for each crop, so that it computes "
                     "none twice, in this run or another; made if it is not there",
                     false},
          o.cache);
    visit(OptionInfo{"teacher-cache-gb", what,
                     "most that a new teacher cache takes, in 10^9 bytes; crops beyond it are "
                     "computed every time",
                     false},
          o.cache_gigabytes);
    visit(OptionInfo{"condition", what,
                     "for a model with a pooled condition: what makes it (a checkpoint or the "
                     "folder of a run, a codebook), or an npy file of it, picture by picture"},
          o.condition);
  }
};

}  // namespace arvit
