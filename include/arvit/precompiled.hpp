// SPDX-License-Identifier: BSL-1.0
#pragma once

/// All headers that take part in core/linkage.hpp, for the one file of a program that holds their
/// definitions. Needs arvit::io, arvit::image, arvit::options.
#include "arvit/core/linkage.hpp"
#if !ARVIT_DEFINITIONS
#error \
    "arvit/precompiled.hpp belongs into the one file that begins with: #undef ARVIT_PRECOMPILED, #define ARVIT_PRECOMPILED 2."
#endif
#include "arvit/core/initialise.hpp"
#include "arvit/core/layout.hpp"
#include "arvit/data/augment.hpp"
#include "arvit/data/decode.hpp"
#include "arvit/data/image.hpp"
#include "arvit/data/loader.hpp"
#include "arvit/data/open_dataset.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/eval/codebook.hpp"
#include "arvit/eval/extract.hpp"
#include "arvit/eval/fill_in_table.hpp"
#include "arvit/eval/fit_codebook.hpp"
#include "arvit/eval/image_quality.hpp"
#include "arvit/eval/knn.hpp"
#include "arvit/eval/linear_probe.hpp"
#include "arvit/eval/probe_training.hpp"
#include "arvit/eval/protocol.hpp"
#include "arvit/io/report.hpp"
#include "arvit/order/rank.hpp"
#include "arvit/pretrain.hpp"
#include "arvit/target/errors/all.hpp"
#include "arvit/teacher.hpp"
#include "arvit/train/checkpoint.hpp"
#include "arvit/train/checkpoint_folder.hpp"
#include "arvit/train/log.hpp"
#include "arvit/train/memory.hpp"
#include "arvit/train/options.hpp"
#include "arvit/train/progress.hpp"
#include "arvit/train/teacher_cache.hpp"
#include "arvit/train/trainer.hpp"
