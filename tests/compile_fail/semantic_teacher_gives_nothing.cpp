// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: Semantic<FromTeacher> orders by the teacher's features; it needs
// Target<Features<Teacher>> with a teacher that has a class token.
#include <arvit/models.hpp>
constexpr auto count = arvit::SemAIM<arvit::ViT_B16<>, arvit::Parallel<12>,
                                     arvit::Semantic<arvit::FromTeacher>>::parameter_count;
