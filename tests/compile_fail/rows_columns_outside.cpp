// expect: Rows::columns<Begin, End>: the range must lie inside the row.
// SPDX-License-Identifier: BSL-1.0
#include <arvit/core/rows.hpp>

int main() { return arvit::Rows<float, 8>().columns<4, 12>().rows() != 0; }
