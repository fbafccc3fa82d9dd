// SPDX-License-Identifier: BSL-1.0
#include "arvit/teacher/impl/teacher.ipp"
#include "arvit/teacher/impl/cache.ipp"
#include "arvit/teacher/impl/codebook.ipp"
#include "arvit/teacher/impl/fit_codebook.ipp"
