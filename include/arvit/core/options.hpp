// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <type_traits>

/// Options of a type: tags in any order, each naming its category (`using Category = ...`). A type
/// without one is an option of nothing: `known` is false, and whoever asks says which options are.
namespace arvit {

template <class T>
concept OptionTag = requires {
  typename T::Category;
};

namespace detail {
template <class Tag> struct CategoryOf { using type = void; };
template <OptionTag Tag> struct CategoryOf<Tag> { using type = typename Tag::Category; };
template <class Tag, class Category>
inline constexpr bool is_of = std::same_as<typename CategoryOf<Tag>::type, Category>;

template <class Category, class Default, class... Tags> struct PickOption { using type = Default; };
template <class Category, class Default, class First, class... Rest>
struct PickOption<Category, Default, First, Rest...>
    : std::conditional_t<is_of<First, Category>, std::type_identity<First>,
                         PickOption<Category, Default, Rest...>> {};
}  // namespace detail

/// The tag of `Category` among `Tags`, or `Default`.
template <class Category, class Default, class... Tags>
using Option = typename detail::PickOption<Category, Default, Tags...>::type;

template <class Category, class... Tags>
inline constexpr int option_count = (0 + ... + (detail::is_of<Tags, Category> ? 1 : 0));

/// Whether every tag belongs to one of `Categories`.
template <class... Categories> struct Accepts {
  template <class Tag> static constexpr bool one = (detail::is_of<Tag, Categories> || ...);
  template <class... Tags> static constexpr bool known = (one<Tags> && ...);
  template <class... Tags>
  static constexpr bool unrepeated = ((option_count<Categories, Tags...> <= 1) && ...);
};

/// Whether a type keeps its own rules, which its body asserts; it says so with `static constexpr
/// bool well_formed`. What is made of one that breaks them looks no further: one mistake, one
/// error.
template <class T>
inline constexpr bool is_well_formed = [] {
  if constexpr (requires { T::well_formed; })
    return T::well_formed;
  else
    return true;
}();

}  // namespace arvit
