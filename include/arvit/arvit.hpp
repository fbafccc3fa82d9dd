// SPDX-License-Identifier: BSL-1.0
#pragma once

/// All that needs no more than Eigen and threads: models, the CPU device, the training step.
#include "arvit/device/cpu.hpp"
#include "arvit/models.hpp"
#include "arvit/train/step.hpp"
