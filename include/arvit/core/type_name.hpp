// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>

namespace arvit {

/// A type as its user spells it, equal for all compilers: no namespace, no spaces, no default
/// arguments that the compiler elides.
template <class T> std::string type_name() {
  std::string_view all = __PRETTY_FUNCTION__;
  const auto begin = all.find("T = ") + 4;
  all = all.substr(begin, all.find_first_of(";]", begin) - begin);
  std::string name;
  for (std::size_t i = 0; i < all.size();) {
    const auto skip = [&](std::string_view word) {
      const bool match = all.substr(i, word.size()) == word;
      if (match) i += word.size();
      return match;
    };
    if (skip("arvit::") || skip("std::") || skip(" ")) continue;
    name += all[i++];
  }
  return name;
}

}  // namespace arvit
