// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <thread>

#include "arvit/core/option_list.hpp"

namespace arvit {

/// In which numbers products are computed.
enum class PrecisionName : char { fp32, bf16 };
constexpr std::array<std::string_view, 2> names_of(PrecisionName) { return {"fp32", "bf16"}; }

/// What a run computes in and with.
struct MachineOptions {
  PrecisionName precision = PrecisionName::fp32;
  std::optional<int> threads = {};         ///< of the arithmetic; by default one per core
  std::optional<int> loader_threads = {};  ///< by default as many as cores, at most 4

  int loaders() const {
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    return loader_threads.value_or(std::clamp(cores, 1, 4));
  }

  template <class Group, class Visit> static void list(Group& o, Visit&& visit) {
    constexpr std::string_view machine = "Machine";
    visit(OptionInfo{"precision", machine,
                     "of the products: fp32 or bf16 (parameters, norms and losses stay fp32)"},
          o.precision);
    visit(OptionInfo{"threads", machine,
                     "threads of the arithmetic; 0: all cores; the result does not depend on it",
                     false},
          o.threads);
    visit(OptionInfo{"loader-threads", machine,
                     "threads that decode pictures; 0: as many as cores, at most 4; the result "
                     "does not depend on it",
                     false},
          o.loader_threads);
  }
};

}  // namespace arvit
