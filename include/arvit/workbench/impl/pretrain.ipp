// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/workbench/pretrain.hpp"

#include <list>
#include <string>
#include <vector>

namespace arvit::program {

ARVIT_DEFINITION std::span<const Recipe> recipes_of_all() {
  static std::list<std::string> names;  // what the recipes below view
  static const std::vector<Recipe> all = [] {
    std::vector<Recipe> recipes{quick_recipe};
    const auto add = [&](const std::string& paper, std::span<const Recipe> of_paper) {
      for (Recipe recipe : of_paper.subspan(1)) {  // the first is the quick one
        recipe.name = names.emplace_back(paper + "-" + std::string(recipe.name));
        recipes.push_back(recipe);
      }
    };
    add("saim", saim_recipes);
    add("semaim", semaim_recipes);
    add("vit_igpt", vit_igpt_recipes);
    add("igpt", igpt_recipes);
    add("randsac", randsac_recipes);
    add("mae", mae_recipes);
    add("gvp", gvp_recipes);
    add("digpt", digpt_recipes);
    return recipes;
  }();
  return all;
}

}  // namespace arvit::program
