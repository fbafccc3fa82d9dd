// SPDX-License-Identifier: BSL-1.0
#include "arvit/order/rank.hpp"

template class arvit::RankEngine<1>;
template class arvit::RankEngine<2>;
