// SPDX-License-Identifier: BSL-1.0
#include "arvit/variants/variant_names.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

TEST_CASE("variant_names: agrees with the aliases") {
  std::ifstream stream(std::string(ARVIT_SOURCE_DIR) + "/include/arvit/variants/aliases.hpp");
  std::vector<std::string> aliases;
  std::string before;
  for (std::string line; std::getline(stream, line); before = line) {
    const auto end = line.find(" =");
    if (line.starts_with("using ") && end != std::string::npos && !before.starts_with("template"))
      aliases.push_back(line.substr(6, end - 6));
  }
  CHECK(aliases.size() > 100);
  CHECK(aliases ==
        std::vector<std::string>(arvit::variant_names.begin(), arvit::variant_names.end()));
}

TEST_CASE("docs/variants.md: has every alias of variants.hpp once") {
  std::ifstream stream(std::string(ARVIT_SOURCE_DIR) + "/docs/variants.md");
  const std::string page((std::istreambuf_iterator<char>(stream)), {});
  for (const std::string_view name : arvit::variant_names) {
    const std::string code = "`" + std::string(name) + "`";
    const auto at = page.find(code);
    CHECK_MESSAGE(at != std::string::npos, name << " is not in docs/variants.md");
    if (at != std::string::npos)
      CHECK_MESSAGE(page.find(code, at + 1) == std::string::npos,
                    name << " is twice in docs/variants.md");
  }
}
