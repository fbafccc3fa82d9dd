// SPDX-License-Identifier: BSL-1.0
#include "arvit/variant_names.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

TEST_CASE("variant_names: agrees with the aliases of variants.hpp") {
  std::ifstream stream(std::string(ARVIT_SOURCE_DIR) + "/include/arvit/variants.hpp");
  std::vector<std::string> aliases;
  std::string before;
  for (std::string line; std::getline(stream, line); before = line) {
    const auto end = line.find(" = ");
    if (line.starts_with("using ") && end != std::string::npos && !before.starts_with("template")) aliases.push_back(line.substr(6, end - 6));
  }
  CHECK(aliases.size() > 100);
  CHECK(aliases == std::vector<std::string>(arvit::variant_names.begin(), arvit::variant_names.end()));
}
