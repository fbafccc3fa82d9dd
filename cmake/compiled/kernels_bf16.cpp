// SPDX-License-Identifier: BSL-1.0
#include "arvit/device/cpu/primitives.hpp"
#include "arvit/target/errors/all.hpp"
#include "arvit/train/optimiser/adamw.hpp"

template class arvit::Cpu<arvit::Bf16>;
template void arvit::cpu::update(
    arvit::cpu::Context&, const arvit::ops::UpdateOn<arvit::AdamW, arvit::Bf16, arvit::HostSpace>&);
