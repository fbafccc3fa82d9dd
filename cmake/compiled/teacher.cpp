// SPDX-License-Identifier: BSL-1.0
#include "arvit/teacher/impl/cache.ipp"
#include "arvit/teacher/impl/codebook.ipp"
#include "arvit/teacher/impl/conditions.ipp"
#include "arvit/teacher/impl/encoder.ipp"
#include "arvit/teacher/impl/fit_codebook.ipp"
#include "arvit/teacher/impl/source.ipp"
#include "arvit/teacher/impl/stored.ipp"
#include "arvit/teacher/impl/tokenizer.ipp"
