// SPDX-License-Identifier: BSL-1.0
// The kernels by themselves: multiply-adds in registers, the register block of a product, whole
// products beside oneDNN, attention, and passes over memory beside the bandwidth. Kernels of one
// table take turns, and a figure is the median over the rounds.
//
//   bench_kernels                      fp32, one thread and all cores
//   bench_kernels --precision bf16     the same in bf16 storage
//   ARVIT_ISA=avx2 bench_kernels       as on a processor without AVX-512
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <deque>
#include <functional>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "arvit/core/random.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/device/cpu/elementwise.hpp"
#include "arvit/device/cpu/gemm.hpp"
#include "arvit/run/command_line.hpp"
#include "arvit/train/optimiser/adamw.hpp"
#include "onednn_rate.hpp"
#include "rates.hpp"
#include "timed_device.hpp"

using namespace arvit;
using namespace arvit::bench;

struct Kernel {
  std::string name;
  double work;                      // of one call: operations, bytes or tasks
  std::function<double()> seconds;  // makes one call
  std::vector<double> samples = {};

  // Short calls many times: what one leaves in the caches is there for the next, as within a step.
  void sample() {
    double spent = 0;
    int calls = 0;
    do {
      spent += seconds();
      ++calls;
    } while (spent < 5e-3);
    samples.push_back(spent / calls);
  }
};

double giga_per_second(double work, double seconds) { return 1e-9 * work / seconds; }
double microseconds_each(double work, double seconds) { return 1e6 * seconds / work; }

/// Kernels that take turns, column by column: those of another library come last.
struct Table {
  std::string title;
  double (*figure)(double work, double seconds);
  std::vector<std::string> columns;
  std::vector<std::vector<Kernel>> rows = {};

  void print(int rounds) {
    for (int round = 0; round <= rounds; ++round) {
      for (std::size_t column = 0; column < columns.size(); ++column)
        for (auto& row : rows) {
          if (column < row.size()) row[column].sample();
          if (column < row.size() && round == 0)
            row[column].samples.clear();  // it took scratch and pages
        }
      // Threads of OpenMP spin on after a product, at the cost of the next kernel.
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    std::printf("\n%-46s", title.c_str());
    for (const std::string& column : columns) std::printf(" %13s", column.c_str());
    for (const auto& row : rows) {
      std::printf("\n%-46s", row.front().name.c_str());
      for (const Kernel& kernel : row)
        std::printf(" %13.1f", figure(kernel.work, median(kernel.samples)));
    }
    std::printf("\n"), std::fflush(stdout);
  }
};

/// Matrices of random numbers in 0..1, which live as long as this.
class Store {
 public:
  template <class T> Matrix<T> matrix(std::int64_t rows, std::int64_t columns) {
    cpu::Scratch& memory = memory_.emplace_back();
    memory.reserve(cpu::blocks_of(rows * columns * std::int64_t{sizeof(T)}, sizeof(float)));
    const Matrix<T> numbers(reinterpret_cast<T*>(memory.data()), rows, columns);
    Stream random(Counter{.seed = memory_.size()});
    std::generate_n(numbers.data(), rows * columns,
                    [&] { return static_cast<T>(random.uniform()); });
    return numbers;
  }
  template <class T = float> Span<T> row(std::int64_t size) {
    return {matrix<T>(1, size).data(), size};
  }

 private:
  std::deque<cpu::Scratch> memory_;
};

/// A primitive of the device, with the name and the work that Timed knows.
template <class D, class Call> Kernel primitive(D& device, const Call& call) {
  const auto once = [&device, call] {
    device.clear();
    call(device);
    return device.phases().front();
  };
  const Phase phase = once();
  return {phase.label(), phase.macs > 0 ? 2 * phase.macs : phase.bytes,
          [once] { return once().seconds; }};
}
/// A kernel below the primitives.
template <class Body, class... Args>
Kernel body(cpu::Context& context, std::int64_t tasks, Args... args) {
  context.reserve_own(Body::scratch);
  return {std::string(cpu::isa_name(context.isa)), 2.0 * Body::macs * static_cast<double>(tasks),
          [&context, tasks, args...] {
            return seconds_of([&] { context.each<Body>(tasks, args...); });
          }};
}

/// As many sums as the register block of a product keeps, and no memory.
template <class Words> struct Chains {
  static constexpr bool wide_only = Words::numbers > 1;
  static constexpr std::int64_t macs = 384 << 14,
                                scratch = 16;  // 384 is a multiple of every instruction set's sums
  template <class Isa> static ARVIT_INLINE void run(std::int64_t, float* result) {
    using V = cpu::Floats<Isa::width>;
    constexpr int chains = Isa::rows * Isa::vectors;
    const V factor = V::splat(0.5f), offset = V::splat(0.25f);
    V sum[chains], total = {};
    ARVIT_UNROLL
    for (int i = 0; i < chains; ++i)
      sum[i] = V::splat(static_cast<float>(i));  // were they equal, the compiler would keep one
    for (std::int64_t step = 0; step < macs / (chains * V::width * Words::numbers); ++step) {
      ARVIT_UNROLL
      for (int i = 0; i < chains; ++i) sum[i] = Words::multiply_add(sum[i], factor, offset);
    }
    ARVIT_UNROLL
    for (int i = 0; i < chains; ++i) total = total + sum[i];
    total.store(result);
  }
};

/// The register blocks of one task of a product in one block of its depth: the operands stay in the
/// second cache.
template <class Words> struct Blocks {
  static constexpr bool wide_only = Words::numbers > 1;
  static constexpr std::int64_t rows = 96, columns = cpu::gemm_detail::column_block,
                                depth = cpu::gemm_detail::depth_block,
                                pitch = cpu::gemm_detail::pitch;
  static constexpr std::int64_t macs = rows * columns * depth * Words::numbers,
                                scratch = rows * columns;
  template <class Isa>
  static ARVIT_INLINE void run(const float* a, const float* b, std::int64_t, float* c) {
    constexpr std::int64_t width = Isa::width * Isa::vectors;
    for (std::int64_t r = 0; r < rows; r += Isa::rows)
      for (std::int64_t j = 0; j < columns; j += width)
        cpu::block_product<Isa, Isa::vectors, static_cast<int>(pitch), false, Words>(
            depth, a + r * pitch, 1, b + j * depth, width, c + r * columns + j, columns, true);
  }
};

void registers(int threads, int rounds) {
  Store store;
  using Whole = Blocks<cpu::Singles>;
  const float *const a = store.matrix<float>(Whole::rows, Whole::pitch).data(),
                     *const b = store.matrix<float>(Whole::depth, Whole::columns).data();
  std::deque<cpu::Context> contexts;
  Table table{"multiply-adds, GFLOP/s",
              giga_per_second,
              {"threads: 1", text("threads: ", threads), "block, 1"}};
  const auto add = [&]<class Words>(cpu::Isa isa, Words) {
    cpu::Context& one = contexts.emplace_back(1, isa);
    cpu::Context& all = contexts.emplace_back(threads, isa);
    table.rows.push_back({body<Chains<Words>>(one, 64), body<Chains<Words>>(all, 64 * threads),
                          body<Blocks<Words>>(one, 1, a, b)});
  };
  for (const cpu::Isa isa : cpu::all_isas)
    if (isa <= std::min(cpu::choose_isa(), cpu::Isa::avx512)) add(isa, cpu::Singles{});
  if constexpr (cpu::multiplies_pairs<bf16>)
    if (cpu::choose_isa() == cpu::Isa::avx512_bf16) add(cpu::Isa::avx512_bf16, cpu::Pairs{});
  table.print(rounds);
}

template <class D> void products(D& one, D& all, int rounds) {
  using T = Activation<D>;
  Store store;
  std::deque<OneDnnRate<T>> libraries;
  Table table{
      "products, GFLOP/s", giga_per_second, {"threads: 1", text("threads: ", all.threads())}};
  if (ARVIT_BENCH_ONEDNN)
    table.columns.insert(table.columns.end(),
                         {text(onednn_name, ", 1"), text(onednn_name, ", ", all.threads())});
  // Eight images of ViT-B/16, and 32 of the demo's SemAIM_Pico: 8 * 196 and 32 * 49 tokens.
  constexpr std::int64_t rows = 1568, shapes[][2] = {{768, 768}, {768, 3072}, {3072, 768},
                                                     {64, 64},   {64, 256},   {256, 64}};
  for (const auto& [in, out] : shapes) {
    const auto x = store.matrix<T>(rows, in), dx = store.matrix<T>(rows, in),
               y = store.matrix<T>(rows, out), dy = store.matrix<T>(rows, out);
    const auto w = store.matrix<T>(out, in);
    const auto dw = store.matrix<float>(out, in);
    const auto both = [&](const auto& call) {
      return std::vector{primitive(one, call), primitive(all, call)};
    };
    std::vector<Kernel> forward = both(
        [=](D& d) { d.run(ops::Linear<D>{.x = x, .w = w, .y = y}); });
    if (ARVIT_BENCH_ONEDNN)
      for (const int threads : {1, all.threads()}) {
        OneDnnRate<T>& rate = libraries.emplace_back(threads, rows, in, out);
        const double macs = static_cast<double>(rows * in * out);
        forward.push_back({onednn_name, 2 * macs, [&rate, macs] { return macs / rate(); }});
      }
    table.rows.push_back(forward);
    table.rows.push_back(
        both([=](D& d) { d.run(ops::LinearBackwardInput<D>{.dy = dy, .w = w, .dx = dx}); }));
    table.rows.push_back(
        both([=](D& d) { d.run(ops::LinearBackwardWeight<D>{.dy = dy, .x = x, .dw = dw}); }));
  }
  table.print(rounds);
}

template <class D> void attentions(D& one, int rounds) {
  using T = Activation<D>;
  Store store;
  Table table{"attention, us an image and head, one thread",
              microseconds_each,
              {"forward", "causal", "backward", "causal"}};
  struct Shape {
    int tokens, heads, width;
  };
  constexpr int rows = 1568;
  for (const Shape shape : {Shape{196, 12, 64}, Shape{49, 4, 16}}) {
    const int tokens = shape.tokens, heads = shape.heads, images = rows / tokens,
              dim = heads * shape.width;
    const auto out = store.matrix<T>(rows, dim), dout = store.matrix<T>(rows, dim);
    const auto side_by_side = [&] {  // as the product writes them
      const auto all = store.matrix<T>(rows, 3 * dim);
      return std::array{Matrix<T>(all.data(), rows, dim, 3 * dim),
                        Matrix<T>(all.data() + dim, rows, dim, 3 * dim),
                        Matrix<T>(all.data() + 2 * dim, rows, dim, 3 * dim)};
    };
    const std::array<Matrix<T>, 3> x = side_by_side(), dx = side_by_side();
    std::vector<Kernel> kernels(4);
    for (const int causal : {0, 1}) {
      const auto lse = store.matrix<float>(rows, heads);
      std::vector<Segment> segments;
      std::vector<std::int32_t> limit;
      ReachExtents extents;
      for (int begin = 0; begin < rows; begin += tokens) {
        segments.push_back({begin, begin + tokens, begin, begin + tokens});
        for (int i = 1; i <= tokens; ++i) limit.push_back(causal ? i : tokens);
        extents.add(segments.back(), limit.data());
      }
      kernels[causal] = primitive(one, [=](D& d) {
        d.run(ops::Attention<D>{.q = x[0],
                                .k = x[1],
                                .v = x[2],
                                .heads = heads,
                                .reach = {{segments.data(), images}, {limit.data(), rows}, extents},
                                .out = out,
                                .lse = lse});
      });
      kernels[2 + causal] = primitive(one, [=](D& d) {
        d.run(ops::AttentionBackward<D>{
            .dout = dout,
            .q = x[0],
            .k = x[1],
            .v = x[2],
            .out = out,
            .lse = lse,
            .heads = heads,
            .reach = {{segments.data(), images}, {limit.data(), rows}, extents},
            .dq = dx[0],
            .dk = dx[1],
            .dv = dx[2]});
      });
    }
    for (Kernel& kernel : kernels) {
      kernel.name = text(tokens, " tokens, ", shape.width, " channels");
      kernel.work = images * heads;
    }
    table.rows.push_back(kernels);
  }
  table.print(rounds);
}

template <class D> void passes(D& all, int rounds) {
  using T = Activation<D>;
  constexpr std::int64_t dim = 768, rows = 21504, size = rows * dim;  // no cache holds them
  Store store;
  Bandwidth<D> bandwidth(all);
  const auto x = store.matrix<T>(rows, dim), y = store.matrix<T>(rows, dim);
  const auto moments = store.matrix<float>(rows, 2);
  const auto gamma = store.row(dim), gradient = store.row(size), master = store.row(size),
             moment1 = store.row(size), moment2 = store.row(size);
  const Span<T> weights = std::is_same_v<T, float>
                              ? Span<T>()
                              : store.row<T>(size);  // in fp32 the masters are the weights
  const Matrix<T> hidden(x.data(), rows / 4, 4 * dim), activated(y.data(), rows / 4, 4 * dim);
  const ParameterRun run{0, size};
  // Every operand counts once. A result that replaces nothing read before (not so of add and AdamW)
  // costs its lines one more reading.
  Table table{"passes over memory, GB/s", giga_per_second, {text("threads: ", all.threads())}};
  table.rows.push_back({primitive(all, [&](D&) { bandwidth(); })});
  table.rows.push_back({primitive(all, [=](D& d) {
    d.run(ops::LayerNorm<D>{
        .x = x, .gamma = gamma, .beta = gamma, .epsilon = 1e-6, .y = y, .moments = moments});
  })});
  cpu::Context context(all.threads(), all.isa());  // the GELU before a backward product
  table.rows.push_back({Kernel{text("gelu [", hidden.rows(), ", ", hidden.columns(), "]"),
                               3.0 * sizeof(T) * size, [&context, hidden, activated] {
                                 return seconds_of([&] {
                                   cpu::gelu(context, Matrix<const T>(hidden), hidden, activated);
                                 });
                               }}});
  table.rows.push_back({primitive(all, [=](D& d) {
    d.run(ops::Update<AdamW, D>{.rule = {},
                                .runs = {&run, 1},
                                .gradient = gradient,
                                .master = master,
                                .states = {moment1, moment2},
                                .weights = weights});
  })});
  table.print(rounds);
}

template <class P> void measure(int threads, int rounds) {
  Timed<Cpu<P>> one(CpuOptions{1, {}}), all(CpuOptions{threads, {}});
  std::cout << all.describe() << std::endl;
  registers(all.threads(), rounds);
  products(one, all, rounds);
  attentions(one, rounds);
  passes(all, rounds);
}

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    int threads = 0, repeat = 5;
    std::string precision = "fp32";
    CommandLine line(
        "Rates of the kernels by themselves. The environment variable ARVIT_ISA chooses their "
        "instruction set.");
    line.add("precision", precision, "storage of weights and activations: fp32 or bf16");
    line.add("threads", threads, "threads where several are named; 0: all cores");
    line.add("repeat", repeat, "rounds; every figure is the median over them");
    line.parse(argc, argv);
    if (precision != "fp32" && precision != "bf16")
      fail<OptionError>("--precision '", precision, "' is not known; use fp32 or bf16.");
    if (repeat < 1) fail<OptionError>("--repeat is ", repeat, "; it must be at least 1.");
    if (precision == "fp32")
      measure<Fp32>(threads, repeat);
    else
      measure<Bf16>(threads, repeat);
  });
}
