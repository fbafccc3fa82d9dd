// SPDX-License-Identifier: BSL-1.0
// expect: A view of device memory has no element access; use a primitive of the device, or
// for_each.
#include <arvit/models.hpp>

#include <arvit/device/planner.hpp>
float first(arvit::Tokens<arvit::Planner<arvit::Fp32>, 8> tokens) { return tokens[0][0]; }
int main() {}
