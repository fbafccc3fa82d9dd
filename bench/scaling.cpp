// SPDX-License-Identifier: BSL-1.0
// How the time of a step grows with the batch, the length of the sequence and the depth: one chart
// of seconds against the products that the step cannot do without. Points on one straight line
// through zero are equally efficient.
//
//   bench_scaling --out scaling.html
#include <cstdio>
#include <iostream>
#include <string>

#include "arvit/run/command_line.hpp"
#include "arvit/show/report.hpp"
#include "arvit/variants.hpp"
#include "rates.hpp"
#include "step_bench.hpp"

using namespace arvit;
using namespace arvit::bench;

template <int Depth, int Side> using Model = SAIM<ViT<Depth, 384, 6, Image<Side>>, Parallel<Depth>>;

struct Measurement {
  LineChart chart{
      "Time of a step: SAIM of width 384, fp32", "multiply-adds of the step, G", "seconds", {}};
  std::vector<std::vector<std::string>> rows;
  int threads = 0, steps = 3;

  template <class M> void add(const std::string& what, int images) {
    StepBench<M, Fp32> step(threads, images, {.micro_batch = 4});
    step.run(0);
    const double products = step.minimum(1);
    std::vector<double> seconds;
    for (int number = 1; number <= steps; ++number)
      seconds.push_back(seconds_of([&] { step.run(number); }));
    chart.series.back().x.push_back(1e-9 * products);
    chart.series.back().y.push_back(median(seconds));
    char text[3][32];
    std::snprintf(text[0], sizeof text[0], "%.1f", 1e-9 * products);
    std::snprintf(text[1], sizeof text[1], "%.3f", median(seconds));
    std::snprintf(text[2], sizeof text[2], "%.0f", 2e-9 * products / median(seconds));
    rows.push_back({what, std::to_string(images), text[0], text[1], text[2]});
    std::printf("%-34s %3d images %8s G %8s s %6s GFLOP/s\n", what.c_str(), images, text[0],
                text[1], text[2]);
    std::fflush(stdout);
  }
  void series(const std::string& name) { chart.series.push_back({name, {}, {}}); }
};

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    std::string out = "scaling.html";
    Measurement m;
    CommandLine line("Time of a step against batch, length of the sequence and depth, as a chart.");
    line.add("out", out, "the report: one HTML file");
    line.add("threads", m.threads, "threads; 0: all cores");
    line.add("steps", m.steps, "measured steps of each point");
    line.parse(argc, argv);
    if (m.steps < 1) fail<OptionError>("--steps is ", m.steps, "; it must be at least 1.");
    const std::string device = Cpu<Fp32>(CpuOptions{m.threads, {}}).describe();
    m.series("batch 1 to 32");
    for (const int batch : {1, 2, 4, 8, 16, 32})
      m.add<Model<4, 224>>("depth 4 + 4, 196 patches", batch);
    m.series("224, 384 and 512 pixels");
    m.add<Model<4, 224>>("depth 4 + 4, 196 patches", 4);
    m.add<Model<4, 384>>("depth 4 + 4, 576 patches", 4);
    m.add<Model<4, 512>>("depth 4 + 4, 1024 patches", 4);
    m.series("depth 2 to 12");
    m.add<Model<2, 224>>("depth 2 + 2, 196 patches", 4);
    m.add<Model<4, 224>>("depth 4 + 4, 196 patches", 4);
    m.add<Model<8, 224>>("depth 8 + 8, 196 patches", 4);
    m.add<Model<12, 224>>("depth 12 + 12, 196 patches", 4);
    Report report("How the step scales");
    report
        .paragraph(text(
            device, ". Median of ", m.steps,
            " steps; micro-batches of 4 images. A straight line through zero is equal efficiency."))
        .chart(m.chart);
    report.table(
        std::vector<std::string>{"model", "images", "multiply-adds, G", "seconds", "GFLOP/s"},
        m.rows);
    report.write(out);
    std::cout << "wrote " << out << "\n";
  });
}
