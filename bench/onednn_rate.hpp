// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <vector>

#include "arvit/core/error.hpp"
#include "rates.hpp"

#ifndef ARVIT_BENCH_ONEDNN
#define ARVIT_BENCH_ONEDNN 0
#endif
#if ARVIT_BENCH_ONEDNN
#include <dnnl.h>
#include <omp.h>
#endif

/// oneDNN's own rate on whole products, as the yardstick: nothing of the library under test takes
/// part.
namespace arvit::bench {

#if ARVIT_BENCH_ONEDNN
inline constexpr const char* onednn_name = "oneDNN";

/// y = x W^T with weights in the layout that oneDNN prefers, on `threads` threads of OpenMP, in
/// multiply-adds a second.
template <class T> class OneDnnRate {
 public:
  OneDnnRate(int threads, std::int64_t rows, std::int64_t in, std::int64_t out)
      : threads_(threads), rows_(rows), in_(in), out_(out) {
    constexpr dnnl_data_type_t type = sizeof(T) == 4 ? dnnl_f32 : dnnl_bf16;
    const dnnl_dim_t x_dims[] = {rows, in}, w_dims[] = {in, out}, y_dims[] = {rows, out};
    dnnl_memory_desc_t x, w, y;
    check(dnnl_engine_create(&engine_, dnnl_cpu, 0)),
        check(dnnl_stream_create(&stream_, engine_, dnnl_stream_default_flags));
    check(dnnl_memory_desc_init_by_tag(&x, 2, x_dims, type, dnnl_ab));
    check(dnnl_memory_desc_init_by_tag(&y, 2, y_dims, type, dnnl_ab));
    check(dnnl_memory_desc_init_by_tag(&w, 2, w_dims, type, dnnl_format_tag_any));
    dnnl_matmul_desc_t matmul;
    dnnl_primitive_desc_t description;
    omp_set_num_threads(threads_);
    check(dnnl_matmul_desc_init(&matmul, &x, &w, nullptr, &y));
    check(dnnl_primitive_desc_create(&description, &matmul, nullptr, engine_, nullptr));
    check(dnnl_primitive_create(&primitive_, description));
    const dnnl_memory_desc_t* const packed = dnnl_primitive_desc_query_md(description,
                                                                          dnnl_query_weights_md, 0);
    add(DNNL_ARG_SRC, x), add(DNNL_ARG_WEIGHTS, *packed), add(DNNL_ARG_DST, y);
    check(dnnl_primitive_desc_destroy(description));
  }
  OneDnnRate(const OneDnnRate&) = delete;
  OneDnnRate& operator=(const OneDnnRate&) = delete;
  ~OneDnnRate() {
    for (const dnnl_exec_arg_t& argument : arguments_) dnnl_memory_destroy(argument.memory);
    dnnl_primitive_destroy(primitive_), dnnl_stream_destroy(stream_), dnnl_engine_destroy(engine_);
  }
  double operator()() {
    omp_set_num_threads(threads_);
    return static_cast<double>(rows_ * in_ * out_) / seconds_of([&] {
             check(dnnl_primitive_execute(primitive_, stream_, static_cast<int>(arguments_.size()),
                                          arguments_.data()));
             check(dnnl_stream_wait(stream_));
           });
  }

 private:
  static void check(dnnl_status_t status) {
    if (status != dnnl_success) fail("oneDNN returned status ", static_cast<int>(status), ".");
  }
  void add(int argument, const dnnl_memory_desc_t& description) {
    dnnl_memory_t memory;
    check(dnnl_memory_create(&memory, &description, engine_, DNNL_MEMORY_ALLOCATE));
    void* data;
    check(dnnl_memory_get_data_handle(memory, &data));
    __builtin_memset(data, 0, dnnl_memory_desc_get_size(&description));
    arguments_.push_back({argument, memory});
  }
  int threads_;
  std::int64_t rows_, in_, out_;
  dnnl_engine_t engine_;
  dnnl_stream_t stream_;
  dnnl_primitive_t primitive_;
  std::vector<dnnl_exec_arg_t> arguments_;
};
#else
inline constexpr const char* onednn_name = "no oneDNN";
template <class T> struct OneDnnRate {
  OneDnnRate(int, std::int64_t, std::int64_t, std::int64_t) {}
  double operator()() const { return 0; }
};
#endif

}  // namespace arvit::bench
