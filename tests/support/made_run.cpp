// SPDX-License-Identifier: BSL-1.0
#include "support/made_run.hpp"

template arvit::TrainingResult arvit::test::train<arvit::test::SmallModel<>>(AnyDataset, RunOptions,
                                                                             TrainerHooks);
