// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "arvit/core/option_list.hpp"

namespace arvit {

/// Where a run writes, how often, and what it starts from.
struct FileOptions {
  std::string out = "out/pretrain";             ///< folder of checkpoints and logs
  bool resume = false;                          ///< continue from the newest checkpoint there
  std::string init = {};                        ///< checkpoint whose parameters are the start
  std::optional<std::int64_t> save_every = {};  ///< steps; by default those of an epoch
  int keep = 3;                                 ///< newest checkpoints; 0: all
  std::int64_t log_every = 1;                   ///< steps

  template <class Group, class Visit> static void list(Group& o, Visit&& visit) {
    constexpr std::string_view files = "Files";
    visit(OptionInfo{"out", files, "folder for checkpoints and logs", false}, o.out);
    visit(OptionInfo{"resume", files,
                     "continue from the newest checkpoint in the folder of the run; the other "
                     "options must be those of the run, without init",
                     false},
          o.resume);
    visit(OptionInfo{"init", files,
                     "start from the parameters of this checkpoint, or of the newest in the "
                     "folder of a run",
                     false},
          o.init);
    visit(OptionInfo{"save-every", files, "steps between checkpoints; 0: one after every epoch",
                     false},
          o.save_every);
    visit(OptionInfo{"keep", files, "newest checkpoints to keep; 0: all", false}, o.keep);
    visit(OptionInfo{"log-every", files, "steps between lines of the logs", false}, o.log_every);
  }
};

}  // namespace arvit
