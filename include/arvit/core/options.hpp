// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <type_traits>

/// Options of a type: tags in any order, each naming its category (`using Category = ...`).
namespace arvit {

template <class T>
concept OptionTag = requires {
  typename T::Category;
};

namespace detail {
template <class Category, class Default, class... Tags> struct PickOption { using type = Default; };
template <class Category, class Default, class First, class... Rest>
struct PickOption<Category, Default, First, Rest...>
    : std::conditional_t<std::same_as<typename First::Category, Category>,
                         std::type_identity<First>, PickOption<Category, Default, Rest...>> {};
}  // namespace detail

/// The tag of `Category` among `Tags`, or `Default`.
template <class Category, class Default, class... Tags>
using Option = typename detail::PickOption<Category, Default, Tags...>::type;

template <class Category, class... Tags>
inline constexpr int option_count = (0 + ... +
                                     (std::same_as<typename Tags::Category, Category> ? 1 : 0));

/// Whether every tag belongs to one of `Categories`.
template <class... Categories> struct Accepts {
  template <class Tag>
  static constexpr bool one = (std::same_as<typename Tag::Category, Categories> || ...);
  template <class... Tags> static constexpr bool known = (one<Tags> && ...);
  template <class... Tags>
  static constexpr bool unrepeated = ((option_count<Categories, Tags...> <= 1) && ...);
};

}  // namespace arvit
