// SPDX-License-Identifier: BSL-1.0
#include <iostream>

#include <arvit/core/rows.hpp>
#include <arvit/core/version.hpp>

int main() {
  float pixels[6] = {0, 1, 2, 3, 4, 5};
  const arvit::Rows<float, 3> rows(pixels, 2);
  std::cout << "arvit " << ARVIT_VERSION_MAJOR << '.' << ARVIT_VERSION_MINOR << '.'
            << ARVIT_VERSION_PATCH << '\n';
#if defined(ARVIT_GEMM_ONEDNN)
  std::cout << "gemm onednn\n";
#elif defined(ARVIT_GEMM_CBLAS)
  std::cout << "gemm cblas\n";
#elif defined(ARVIT_GEMM_EIGEN)
  std::cout << "gemm eigen\n";
#else
  std::cout << "gemm own\n";
#endif
  return rows[1][2] == 5 ? 0 : 1;
}
