// SPDX-License-Identifier: BSL-1.0
// expect: Generator<Model, Device>: the decoder must be TwoStream, Causal or Parallel; the others'
// predictions need more than content of lower ranks.
#include <arvit/models.hpp>

#include <arvit/device/planner.hpp>
#include <arvit/model/generate.hpp>
static_assert(arvit::Generator<arvit::MAE_Nano, arvit::Planner<arvit::Fp32>>::patches > 0);
int main() {}
