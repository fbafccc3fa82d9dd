// SPDX-License-Identifier: BSL-1.0
#include "arvit/run/impl/command_line.ipp"
#include "arvit/run/impl/own_teacher.ipp"
#include "arvit/run/impl/prepared_run.ipp"
#include "arvit/run/impl/run_options.ipp"
#include "arvit/run/impl/training_pictures.ipp"

template class arvit::Loader<arvit::AnyDataset, arvit::TrainTransform>;
