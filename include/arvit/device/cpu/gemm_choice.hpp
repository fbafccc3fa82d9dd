// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Which matrix product the CPU device uses: oneDNN (ARVIT_GEMM_ONEDNN=1), CBLAS
/// (ARVIT_GEMM_CBLAS=1), Eigen (ARVIT_GEMM_EIGEN=1), else ours. The inline namespace keeps files of
/// one program that chose differently apart.
#if defined(ARVIT_GEMM_ONEDNN) && ARVIT_GEMM_ONEDNN
#define ARVIT_GEMM_NAMESPACE gemm_onednn
#define ARVIT_GEMM_LIBRARY 1
#elif defined(ARVIT_GEMM_CBLAS) && ARVIT_GEMM_CBLAS
#define ARVIT_GEMM_NAMESPACE gemm_cblas
#define ARVIT_GEMM_LIBRARY 1
#elif defined(ARVIT_GEMM_EIGEN) && ARVIT_GEMM_EIGEN
#define ARVIT_GEMM_NAMESPACE gemm_eigen
#define ARVIT_GEMM_LIBRARY 1
#else
#define ARVIT_GEMM_NAMESPACE gemm_own
#define ARVIT_GEMM_LIBRARY 0
#endif
