// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "arvit/core/name.hpp"
#include "arvit/variants/registry.hpp"

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
  static std::vector<VariantInfo> infos() {
    return {{Variants::name.view(), Variants::Model::parameter_count, {}}...};
  }
};

namespace detail {
template <class... A, class... B> ModelList<A..., B...> joined(ModelList<A...>, ModelList<B...>);
}
/// The models of both lists.
template <class A, class B> using Joined = decltype(detail::joined(A{}, B{}));

/// Calls f.template operator()<Model>() for the model of that name; f returns the same type for
/// all. A name that is not in the list throws OptionError (fail_missing_model), which speaks of
/// `file` where that names the model.
template <class... Variants, class F>
auto select_model(std::string_view name, ModelList<Variants...> list, F&& f,
                  std::string_view file = {}) {
  using Result = decltype((f.template operator()<typename Variants::Model>(), ...));
  Result (*call)(F&) = nullptr;
  const auto consider = [&]<class V>() {
    if (call == nullptr && name == V::name.view())
      call = [](F& g) -> Result { return g.template operator()<typename V::Model>(); };
  };
  (consider.template operator()<Variants>(), ...);
  if (call == nullptr) fail_missing_model(name, file, list.names());
  return call(f);
}

}  // namespace arvit
