// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/variants/registry.hpp"

#include <algorithm>

#include "arvit/core/error.hpp"
#include "arvit/variants/digpt.hpp"
#include "arvit/variants/gvp.hpp"
#include "arvit/variants/igpt.hpp"
#include "arvit/variants/masked.hpp"
#include "arvit/variants/randsac.hpp"
#include "arvit/variants/saim.hpp"
#include "arvit/variants/semaim.hpp"
#include "arvit/variants/vit_igpt.hpp"

namespace arvit {

ARVIT_DEFINITION std::span<const VariantFamily> variant_families() {
  static constexpr std::array families{
      VariantFamily{"SAIM", saim_variants.infos},
      VariantFamily{"ViT-iGPT", vit_igpt_variants.infos},
      VariantFamily{"SemAIM", semaim_variants.infos},
      VariantFamily{"RandSAC", randsac_variants.infos},
      VariantFamily{"Masked baselines", masked_variants.infos},
      VariantFamily{"GVP", gvp_variants.infos},
      VariantFamily{"iGPT", igpt_variants.infos},
      VariantFamily{"D-iGPT", digpt_variants.infos},
  };
  return families;
}

ARVIT_DEFINITION std::vector<std::string> variant_names() {
  std::vector<std::string> names;
  for (const VariantFamily& family : variant_families())
    for (const VariantInfo& variant : family.variants) names.emplace_back(variant.name);
  return names;
}

namespace detail {
/// "175'424'256".
ARVIT_DEFINITION std::string grouped_digits(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(at, "'");
  return digits;
}
ARVIT_DEFINITION std::string model_line(const VariantInfo& model, std::string_view of) {
  const std::string digits = grouped_digits(model.parameters);
  const auto column = [](std::string_view cell, std::size_t width) {
    return std::string(width - std::min(width, cell.size()), ' ');
  };
  return text("  ", model.name, column(model.name, 29), column(digits, 14), digits, "  ", of,
              of.empty() ? "" : ", ", model.stands_for, "\n");
}
}  // namespace detail

ARVIT_DEFINITION std::string model_list_text(std::span<const VariantInfo> built_in) {
  const auto held = [&](std::string_view name) {
    return std::any_of(built_in.begin(), built_in.end(),
                       [&](const VariantInfo& model) { return model.name == name; });
  };
  std::string ours, others;
  for (const VariantFamily& family : variant_families()) {
    std::string lines;
    for (const VariantInfo& variant : family.variants)
      if (held(variant.name))
        ours += detail::model_line(variant, family.title);
      else
        lines += detail::model_line(variant, "");
    if (!lines.empty()) others += text("\n", family.title, "\n", lines);
  }
  const std::vector<std::string> known = variant_names();
  for (const VariantInfo& model : built_in)
    if (std::find(known.begin(), known.end(), model.name) == known.end())
      ours += detail::model_line({model.name, model.parameters, "a model of one's own"}, "");
  if (ours.empty())
    ours = "In this program: none by name.\n";
  else
    ours.insert(0, "In this program: name, parameters, what it stands for in the papers\n");
  return text(ours,
              "\nOthers are built in with: cmake --preset release -DARVIT_MODELS=\"NAME;NAME\" && "
              "cmake --build --preset release\n",
              others);
}

ARVIT_DEFINITION void fail_missing_model(std::string_view name, std::string_view file,
                                         std::span<const std::string> built_in) {
  std::string built;
  for (const std::string& other : built_in) built += (built.empty() ? "" : ", ") + other;
  const std::string what = file.empty() ? text("model ") : text(file, ": its model ");
  std::vector<std::string> known = variant_names();
  if (std::find(known.begin(), known.end(), name) != known.end())
    fail<OptionError>(what, name, " is not built into this program, which holds ", built,
                      "; build it in with: cmake --preset release -DARVIT_MODELS=\"", name,
                      "\" && cmake --build --preset release, or in a program of one's own with "
                      "arvit::Variant<arvit::",
                      name, ", \"", name, "\"> in its list.");
  known.insert(known.end(), built_in.begin(), built_in.end());
  const std::string nearest = nearest_name(name, known);
  fail<OptionError>(what, "'", name, "' is not known",
                    nearest.empty() ? std::string(". ") : text("; did you mean ", nearest, "? "),
                    "This program holds ", built,
                    "; --list-models lists all that can be built in, and a model of one's own is "
                    "built in with -DARVIT_MODELS_HEADER=its_header.hpp, or has these programs in "
                    "one of its own (arvit/workbench.hpp).");
}

}  // namespace arvit
