// SPDX-License-Identifier: BSL-1.0
#include "arvit/train/impl/checkpoint.ipp"
#include "arvit/train/impl/checkpoint_folder.ipp"
#include "arvit/train/impl/log.ipp"
#include "arvit/train/impl/memory.ipp"
#include "arvit/train/impl/progress.ipp"
#include "arvit/train/impl/trainer.ipp"
#include "arvit/train/impl/trainer_options.ipp"

#include "arvit/device/cpu.hpp"

template class arvit::OptimisedParameters<arvit::Cpu<arvit::Fp32>>;
template class arvit::OptimisedParameters<arvit::Cpu<arvit::Bf16>>;
