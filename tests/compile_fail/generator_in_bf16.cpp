// SPDX-License-Identifier: BSL-1.0
// expect: Generator<Model, Device>: products read the parameters themselves; use a device whose
// weights are as wide as its statistics.
#include <arvit/models.hpp>

#include <arvit/device/planner.hpp>
#include <arvit/model/generate.hpp>
static_assert(arvit::Generator<arvit::GVP_p2p_Nano, arvit::Planner<arvit::Bf16>>::patches > 0);
int main() {}
