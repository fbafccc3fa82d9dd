// SPDX-License-Identifier: BSL-1.0
#pragma once

/// All that does not depend on a program's models, for the one file of a program that holds it: see core/linkage.hpp.
#include <arvit/precompiled.hpp>
#include "arvit/core/initialise.hpp"
#include "arvit/core/layout.hpp"
#include "arvit/data/augment.hpp"
#include "arvit/data/decode.hpp"
#include "arvit/data/image.hpp"
#include "arvit/data/loader.hpp"
#include "arvit/data/open_dataset.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/eval/knn.hpp"
#include "arvit/eval/linear_probe.hpp"
#include "arvit/eval/probe_training.hpp"
#include "arvit/eval/protocol.hpp"
#include "arvit/io/report.hpp"
#include "arvit/order/rank.hpp"
#include "arvit/pretrain.hpp"
#include "arvit/train/checkpoint.hpp"
#include "arvit/train/checkpoint_folder.hpp"
#include "arvit/train/log.hpp"
#include "arvit/train/memory.hpp"
#include "arvit/train/options.hpp"
#include "arvit/train/progress.hpp"
#include "arvit/train/trainer.hpp"

template void arvit::initialise<float>(const arvit::Tensor&, std::uint32_t, std::uint64_t, float*);
template class arvit::RankEngine<1>;
template class arvit::RankEngine<2>;
template class arvit::Loader<arvit::AnyDataset, arvit::TrainTransform>;
template class arvit::Loader<arvit::AnyDataset, arvit::EvaluationTransform>;
template class arvit::TrainingPictures<arvit::AnyDataset>;
