// SPDX-License-Identifier: BSL-1.0
#include "arvit/eval/impl/image_quality.ipp"
#include "arvit/eval/impl/knn.ipp"
#include "arvit/eval/impl/linear_probe.ipp"
#include "arvit/eval/impl/linear_solvers.ipp"
#include "arvit/eval/impl/probe_training.ipp"
#include "arvit/eval/impl/protocol.ipp"

#include "arvit/eval/extract.hpp"

template class arvit::Loader<arvit::AnyDataset, arvit::EvaluationTransform>;
