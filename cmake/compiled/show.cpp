// SPDX-License-Identifier: BSL-1.0
#include "arvit/show/impl/fill_in_table.ipp"
#include "arvit/show/impl/report.ipp"
