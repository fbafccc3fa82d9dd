// SPDX-License-Identifier: BSL-1.0
#include "arvit/variants/registry.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "arvit/variants.hpp"

using namespace arvit;

namespace {

/// Fails to compile where a model has not as many parameters as its row says; the compiler's note
/// behind the error names both.
template <class Model, std::int64_t Listed> constexpr bool has_as_listed() {
  static_assert(Model::parameter_count == Listed,
                "the model's parameter count is not that of its row in include/arvit/variants/");
  return true;
}
template <const auto& Rows, class... Models> constexpr bool agree(const VariantRows<Models...>&) {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return (has_as_listed<Models, Rows.infos[I].parameters>() && ...);
  }
  (std::index_sequence_for<Models...>{});
}
static_assert(agree<saim_variants>(saim_variants));
static_assert(agree<vit_igpt_variants>(vit_igpt_variants));
static_assert(agree<semaim_variants>(semaim_variants));
static_assert(agree<randsac_variants>(randsac_variants));
static_assert(agree<masked_variants>(masked_variants));
static_assert(agree<gvp_variants>(gvp_variants));
static_assert(agree<igpt_variants>(igpt_variants));
static_assert(agree<digpt_variants>(digpt_variants));

// Bare encoders with their final norm, as timm counts them without positions and head.
static_assert(ViT_B16<>::parameter_count == 85'647'360);
static_assert(ViT_L16<>::parameter_count == 303'099'904);
static_assert(ViT_H14<>::parameter_count == 630'435'840);

const std::string root = ARVIT_SOURCE_DIR;

std::string contents(const std::string& file) {
  std::ifstream stream(root + "/" + file);
  return {std::istreambuf_iterator<char>(stream), {}};
}
std::vector<std::string> lines_of(const std::string& command) {
  std::FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::vector<std::string> lines;
  char line[256];
  while (std::fgets(line, sizeof line, pipe) != nullptr) {
    lines.emplace_back(line);
    lines.back().pop_back();
  }
  CHECK(pclose(pipe) == 0);
  return lines;
}
std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("registry: every alias has one row, and CMake reads the same names as the compiler") {
  const std::vector<std::string> names = variant_names();
  CHECK(names.size() > 100);
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
  CHECK(sorted(lines_of("cmake -P " + root + "/cmake/variants.cmake")) == sorted(names));
  // An alias without template arguments of its own is a model.
  CHECK(sorted(lines_of("awk '!/^template/ && !after && /^using [A-Za-z0-9_]+ =/ { print $2 } "
                        "{ after = /^template/ && !/;$/ || /^ / && !/;$/ }' " +
                        root +
                        "/include/arvit/variants/*.hpp | grep -v -e ExtraModels -e "
                        "HeaderModels -e WithExtraModels")) == sorted(names));
}

TEST_CASE("registry: docs/variants.md has every alias once, with the words of its row") {
  const std::string page = contents("docs/variants.md");
  for (const VariantFamily& family : variant_families()) {
    const auto section = page.find("\n## " + std::string(family.title) + "\n");
    REQUIRE_MESSAGE(section != std::string::npos, family.title);
    const std::string part = page.substr(section, page.find("\n## ", section + 1) - section);
    for (const VariantInfo& variant : family.variants) {
      INFO(variant.name);
      const std::string code = "`" + std::string(variant.name) + "`";
      const auto at = part.find(code);
      REQUIRE(at != std::string::npos);
      CHECK(part.find(code, at + 1) == std::string::npos);
      const auto cell = part.find(" | ", at);
      CHECK(part.substr(cell + 3, part.find(" | ", cell + 3) - cell - 3) == variant.stands_for);
    }
  }
}

TEST_CASE("registry: the list of a program has its models first, then all others") {
  const std::vector<VariantInfo> held{{"Mine", 1234, {}}, {"MAE_B16", 111'655'680, {}}};
  const std::string list = model_list_text(held);
  CHECK(list.find("In this program: name, parameters, what it stands for in the papers\n"
                  "  MAE_B16                         111'655'680  Masked baselines, MAE: GVP Table "
                  "1\n"
                  "  Mine                                  1'234  a model of one's own\n"
                  "\nOthers are built in with: cmake --preset release -DARVIT_MODELS=") == 0);
  CHECK(list.find("\nSAIM\n  SAIM_Nano                         2'476'592  other sizes\n") !=
        std::string::npos);
  CHECK(list.find("MAE_B16 ") == list.rfind("MAE_B16 "));
  CHECK(model_list_text({}).find("In this program: none by name.\n") == 0);
}
