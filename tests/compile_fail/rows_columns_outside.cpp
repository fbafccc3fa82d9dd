// SPDX-License-Identifier: BSL-1.0
// expect: Rows::columns<Begin, End>: the range must lie inside the row.
#include <arvit/core/rows.hpp>

int main() { return arvit::Rows<float, 8>().columns<4, 12>().rows() != 0; }
