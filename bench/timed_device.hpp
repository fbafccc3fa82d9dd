// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/device/concept.hpp"

namespace arvit::bench {

/// Everything that calls of one operation with the same extents cost.
struct Phase {
  std::string_view name;
  std::int64_t rows = 0, in = 0, out = 0;
  std::int64_t calls = 0;
  double seconds = 0;
  double macs = 0;   ///< multiply-adds of its matrix products
  double bytes = 0;  ///< operands read and results written, each once

  std::string label() const {
    return out > 0 ? text(name, " [", rows, ", ", in, " -> ", out, "]")
                   : text(name, " [", rows, ", ", in, "]");
  }
};

/// A host device that keeps the time, the products and the bytes of every call, by operation and
/// extents. Its clock costs some 50 ns a call.
template <class D> class Timed : public D {
 public:
  using D::D;

  const std::vector<Phase>& phases() const { return phases_; }
  void clear() { phases_.clear(); }
  double macs() const {
    double sum = 0;
    for (const Phase& phase : phases_) sum += phase.macs;
    return sum;
  }

  template <class Op> void run(const Op& op) {
    measure(op.cost(), [&] { D::run(op); });
  }
  template <class Work> void for_each(std::int64_t count, const Work& work) {
    measure({"keys of the order", count, 1}, [&] { D::for_each(count, work); });
  }
  template <class U> void upload(const U* host, Span<U> values) {
    const double bytes = 2.0 * sizeof(U) * static_cast<double>(values.size());
    measure({"copies", 1, 0, 0, 0, bytes}, [&] { D::upload(host, values); });
  }

 private:
  template <class Call> void measure(const ops::Cost& cost, const Call& call) {
    auto phase = std::find_if(phases_.begin(), phases_.end(), [&](const Phase& p) {
      return p.name == cost.label && p.rows == cost.rows && p.in == cost.in && p.out == cost.out;
    });
    if (phase == phases_.end())
      phase = phases_.insert(phases_.end(), Phase{cost.label, cost.rows, cost.in, cost.out});
    const auto start = std::chrono::steady_clock::now();
    call();
    phase->seconds +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    phase->calls += 1;
    phase->macs += cost.macs;
    phase->bytes += cost.bytes;
  }
  std::vector<Phase> phases_;
};

}  // namespace arvit::bench
