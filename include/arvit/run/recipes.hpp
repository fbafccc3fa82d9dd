// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <string_view>

/// The papers' pre-training recipes as data; each says where it comes from.
namespace arvit {

struct Recipe {
  std::string_view name;  ///< what --preset takes
  int epochs, batch;
  double base_lr;  ///< of 256 images
  double warmup;   ///< in epochs
  double weight_decay;
  double clip;      ///< 0: none
  double crop_min;  ///< smallest area
  std::string_view source;
};

/// For a first look on one machine: small batches and few epochs.
inline constexpr Recipe quick_recipe{
    "quick", 20,  256,
    1e-3,    2,   0.05,
    3.0,     0.2, "20 epochs in batches of 256, for a first look on one machine"};

inline constexpr std::array saim_recipes{
    quick_recipe,
    Recipe{"paper", 800, 2048, 2e-4, 30, 0.05, 0, 0.67,
           "SAIM, Training configurations: 800 epochs"},
    Recipe{"paper300", 300, 2048, 2e-4, 30, 0.05, 0, 0.67,
           "SAIM, Training configurations: the ablations' 300 epochs"},
    Recipe{"code", 800, 2048, 2e-4, 30, 0.05, 0, 0.2,
           "SAIM, released code: crops down to a fifth of the picture"},
};
inline constexpr std::array semaim_recipes{
    quick_recipe,
    Recipe{"paper", 800, 2048, 2e-4, 30, 0.05, 3.0, 0.2,
           "SemAIM, Table S1 and released code: 800 epochs"},
    Recipe{"paper400", 400, 2048, 2e-4, 30, 0.05, 3.0, 0.2, "SemAIM, Table S1: 400 epochs"},
    Recipe{"paper200", 200, 2048, 2e-4, 30, 0.05, 3.0, 0.2,
           "SemAIM, Table S1: the ablations' 200 epochs"},
};
inline constexpr std::array vit_igpt_recipes{
    quick_recipe,
    Recipe{"paper", 300, 2048, 2e-4, 30, 0.05, 0, 0.67,
           "SAIM, Table 3, decoder depth 0: SAIM's recipe, 300 epochs"},
};
inline constexpr std::array igpt_recipes{
    quick_recipe,
    Recipe{"paper", 100, 128, 6e-3, 1, 0, 0, 0.67,
           "Chen et al. 2020, section 3.3: iGPT-S, 100 epochs in batches of 128, peak rate 3e-3, "
           "no decay; crops as SAIM's"},
};
inline constexpr std::array randsac_recipes{
    quick_recipe,
    Recipe{"paper", 1600, 2048, 2e-4, 30, 0.05, 0, 0.67,
           "SAIM's recipe for the 1600 epochs that the papers give RandSAC"},
};
inline constexpr std::array mae_recipes{
    quick_recipe,
    Recipe{"paper", 800, 4096, 1.5e-4, 40, 0.05, 0, 0.2, "MAE, released recipe: 800 epochs"},
    Recipe{"paper1600", 1600, 4096, 1.5e-4, 40, 0.05, 0, 0.2, "MAE, released recipe: 1600 epochs"},
};
inline constexpr std::array gvp_recipes{
    quick_recipe,
    Recipe{"paper", 200, 4096, 1.5e-4, 10, 0.05, 0, 0.2,
           "GVP, section 5: 200 epochs; the decay, which it does not name, is MAE's"},
    Recipe{"paper800", 800, 4096, 1.5e-4, 40, 0.05, 0, 0.2, "GVP, appendix C: 800 epochs"},
};
inline constexpr std::array digpt_recipes{
    quick_recipe,
    Recipe{"paper", 300, 4096, 1.5e-4, 40, 0.05, 0, 0.2,
           "D-iGPT, section 4 and released code: 300 epochs on ImageNet-1K"},
    Recipe{"paper21k", 150, 4096, 9.375e-5, 5, 0.05, 0, 0.2,
           "D-iGPT, section 4: 150 epochs on ImageNet-21K, peak 1.5e-3"},
};

}  // namespace arvit
