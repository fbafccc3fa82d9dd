// SPDX-License-Identifier: BSL-1.0
#include "arvit/run/impl/command_line.ipp"

#include "arvit/run/pretrain.hpp"

template class arvit::Loader<arvit::AnyDataset, arvit::TrainTransform>;
template class arvit::TrainingPictures<arvit::AnyDataset>;
