// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/core/layout.hpp"
#include "arvit/variants/variant_names.hpp"
#ifdef ARVIT_EXTRA_MODELS
#include "arvit/variants/aliases.hpp"  // whose aliases it names
#endif

/// The models that a program holds, chosen by name at run time. Each costs compile time and code,
/// so a program lists the few it wants.
namespace arvit {

/// A model and its name: Variant<SAIM_B16, "SAIM_B16">.
template <class M, Name N> struct Variant {
  using Model = M;
  static constexpr Name name = N;
};

template <class... Variants> struct ModelList {
  static std::vector<std::string> names() { return {std::string(Variants::name.view())...}; }
};

/// The list and what the build adds to it: ARVIT_EXTRA_MODELS is a comma-separated list of
/// Variant<...> (CMake: -DARVIT_MODELS="SAIM_L16;MAE_L16").
template <class List> struct WithExtraModels;
template <class... Variants> struct WithExtraModels<ModelList<Variants...>> {
#ifdef ARVIT_EXTRA_MODELS
  using type = decltype([]<class... Extra>(ModelList<Extra...>) {
    return ModelList<Variants..., Extra...>{};
  }(ModelList<ARVIT_EXTRA_MODELS>{}));
#else
  using type = ModelList<Variants...>;
#endif
};

/// Calls f.template operator()<Model>() for the model of that name; f returns the same type for
/// all. A name that is not in the list throws OptionError: for one of the library's models it says
/// how to build it in, else which names exist.
template <class... Variants, class F>
auto select_model(std::string_view name, ModelList<Variants...> list, F&& f) {
  const std::vector<std::string> names = list.names();
  using Result = decltype((f.template operator()<typename Variants::Model>(), ...));
  Result (*call)(F&) = nullptr;
  ((call == nullptr && name == Variants::name.view() ? void(call = [](F& g) -> Result {
     return g.template operator()<typename Variants::Model>();
   })
                                                     : void()),
   ...);
  if (call != nullptr) return call(f);
  for (const std::string_view known : variant_names)
    if (known == name) {
      std::string built;
      for (const std::string& other : names) built += (built.empty() ? "" : ", ") + other;
      fail<OptionError>("model ", name, " is not built into this program, which holds ", built,
                        "; build it in with: cmake --preset release -DARVIT_MODELS=\"", name,
                        "\" && cmake --build --preset release");
    }
  std::vector<std::string> all(variant_names.begin(), variant_names.end());
  all.insert(all.end(), names.begin(), names.end());
  const std::string nearest = nearest_name(name, all);
  std::string built;
  for (const std::string& other : names) built += (built.empty() ? "" : ", ") + other;
  fail<OptionError>(
      "model '", name, "' is not known",
      nearest.empty() ? std::string(". ") : text("; did you mean ", nearest, "? "),
      "This program holds ", built,
      "; include/arvit/variants/variant_names.hpp lists all models that can be built in.");
}

}  // namespace arvit
