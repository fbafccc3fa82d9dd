// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/train/memory.hpp"

#include <cstdio>
#include <fstream>
#include <ostream>
#include <utility>

#include "arvit/core/error.hpp"
#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace arvit {

ARVIT_DEFINITION std::int64_t process_bytes(std::string_view field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field) && line.size() > field.size() && line[field.size()] == ':')
      return std::stoll(line.substr(field.size() + 1)) * 1024;
  return 0;
}

ARVIT_DEFINITION bool forget_peak() {
  return static_cast<bool>(std::ofstream("/proc/self/clear_refs") << "5" << std::flush);
}

ARVIT_DEFINITION void return_freed_memory() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

ARVIT_DEFINITION void MemoryTable::add(std::string what, std::int64_t bytes) {
  if (bytes > 0) lines.push_back({std::move(what), bytes});
}

ARVIT_DEFINITION void MemoryTable::add(const MemoryPlan& plan, int micro_batch) {
  add("parameters", plan.masters);
  add("parameters in the precision of the products", plan.weights);
  add("gradients", plan.gradients);
  add("optimiser's moments", plan.states);
  add("average of the parameters", plan.average);
  add(text("activations of ", micro_batch, " images"), plan.activations);
  add("images on the device", plan.images);
}

ARVIT_DEFINITION std::int64_t MemoryTable::total() const {
  std::int64_t sum = 0;
  for (const Line& line : lines) sum += line.bytes;
  return sum;
}

ARVIT_DEFINITION void MemoryTable::print(std::ostream& stream) const {
  const auto print_line = [&](const std::string& what, std::int64_t bytes) {
    char text[128];
    std::snprintf(text, sizeof text, "  %-46s %10.1f MiB\n", what.c_str(),
                  static_cast<double>(bytes) / (1 << 20));
    stream << text;
  };
  stream << "memory plan\n";
  for (const Line& line : lines) print_line(line.what, line.bytes);
  print_line("together", total());
  stream << std::flush;
}

}  // namespace arvit
