// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "arvit/core/rows.hpp"

namespace arvit {

/// Owns `size` elements on device D, zeroed at the start.
template <class D, class T> class Buffer {
 public:
  Buffer() = default;
  Buffer(D& device, std::int64_t size)
      : device_(&device),
        data_(size > 0 ? reinterpret_cast<T*>(
                             device.allocate(size * static_cast<std::int64_t>(sizeof(T))))
                       : nullptr),
        size_(size) {}
  Buffer(Buffer&& other) noexcept
      : device_(other.device_),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() {
    if (data_ != nullptr) device_->deallocate(reinterpret_cast<std::byte*>(data_));
  }
  T* data() const { return data_; }
  std::int64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::int64_t bytes() const { return size_ * static_cast<std::int64_t>(sizeof(T)); }
  Span<T, typename D::Space> span() const { return {data_, size_}; }

 private:
  D* device_ = nullptr;
  T* data_ = nullptr;
  std::int64_t size_ = 0;
};

}  // namespace arvit
