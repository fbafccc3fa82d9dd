// SPDX-License-Identifier: BSL-1.0
// The training step alone (order, forward, backward, AdamW; neither data nor files): images per
// second, memory, and how near it is to what the machine's best matrix product would allow.
//
//   bench_train_step                                          four ViT-B/16 models at 224
//   bench_train_step --models SemAIM_Nano --batches 256       small ones
//   bench_train_step --models SAIM_B16 --batches 8 --profile  where the time goes
//
// efficiency = (minimum multiply-adds of the step / best rate of matrix products, measured between
// the steps) / time of the step. The minimum counts every product of a forward pass over what is
// alive, three times, and those of order and teacher once: 105.1 G an image for SAIM_B16; for GVP's
// groups of random length, the images of the step themselves. DiGPT_B16 learns from given features,
// DiGPT_taught_B16 from a ViT-B/16 of ours in its step.
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "arvit/run/command_line.hpp"
#include "arvit/train/memory.hpp"
#include "arvit/variants.hpp"
#include "arvit/workbench/extra_models.hpp"
#include "onednn_rate.hpp"
#include "rates.hpp"
#include "step_bench.hpp"

using namespace arvit;
using namespace arvit::bench;

using DiGPT_taught_B16 = DiGPT<ViT_B16<ZeroClassToken>, Target<Features<ViT_B16<>>>>;
using Models = WithExtraModels<ModelList<
    Variant<SAIM_B16, "SAIM_B16">, Variant<SemAIM_B16, "SemAIM_B16">, Variant<MAE_B16, "MAE_B16">,
    Variant<ViT_iGPT_B16, "ViT_iGPT_B16">, Variant<DiGPT_B16, "DiGPT_B16">,
    Variant<DiGPT_taught_B16, "DiGPT_taught_B16">, Variant<GVP_p2p_B16, "GVP_p2p_B16">,
    Variant<GVP_p2d_B16, "GVP_p2d_B16">, Variant<GVP_d2d_B16, "GVP_d2d_B16">,
    Variant<iGPT_S, "iGPT_S">, Variant<SemAIM_Nano, "SemAIM_Nano">,
    Variant<DiGPT_Nano, "DiGPT_Nano">, Variant<GVP_p2p_Nano, "GVP_p2p_Nano">,
    Variant<GVP_p2d_Nano, "GVP_p2d_Nano">, Variant<GVP_d2d_Nano, "GVP_d2d_Nano">,
    Variant<iGPT_Nano, "iGPT_Nano">, Variant<SemAIM_Pico, "SemAIM_Pico">>>;

struct Setting {
  int batch = 8, micro_batch = 8, threads = 0, steps = 3;
  bool profile = false, serve = false, recompute = false;
};

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts(1);
  for (const char c : list)
    if (c == ',')
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}
std::vector<int> numbers(std::string_view option, const std::string& list) {
  std::vector<int> values;
  for (const std::string& part : split(list)) {
    char* end = nullptr;
    const long value = std::strtol(part.c_str(), &end, 10);
    if (part.empty() || *end != 0 || value < 1 || value > 1 << 20)
      fail<OptionError>("--", option, " '", list, "': '", part,
                        "' is not a positive number; separate numbers by commas.");
    values.push_back(static_cast<int>(value));
  }
  return values;
}

void print_profile(const std::vector<Phase>& phases, int steps, double step_seconds, double rate,
                   double bandwidth) {
  std::vector<Phase> sorted = phases;
  std::ranges::sort(sorted, std::ranges::greater(), &Phase::seconds);
  std::printf("  %-50s %6s %10s %6s %10s %10s %10s\n", "phase, a step", "calls", "ms", "share",
              "products", "bytes", "left over");
  double all = 0, floors = 0;
  const auto line = [&](const std::string& label, double calls, double ms, double products,
                        double bytes) {
    std::printf("  %-50s %6.0f %10.2f %5.1f%% %10.2f %10.2f %10.2f\n", label.c_str(), calls, ms,
                ms / (10 * step_seconds), products, bytes, ms - std::max(products, bytes));
  };
  for (const Phase& p : sorted) {
    const double products = 1e3 * p.macs / rate / steps, bytes = 1e3 * p.bytes / bandwidth / steps,
                 ms = 1e3 * p.seconds / steps;
    all += ms;
    floors += std::max(products, bytes);
    line(p.label(), static_cast<double>(p.calls) / steps, ms, products, bytes);
  }
  line("outside of primitives", 0, 1e3 * step_seconds - all, 0, 0);
  std::printf("  floors: %.1f ms of %.1f ms; products at %.0f GFLOP/s, bytes at %.1f GB/s\n",
              floors, 1e3 * step_seconds, 2e-9 * rate, 1e-9 * bandwidth);
}

template <class Model, class P> void measure(const std::string& name, const Setting& setting) {
  const auto [batch, micro_batch, threads, steps, profile, serve, recompute] = setting;
  forget_peak();
  const std::int64_t before = process_bytes("VmRSS");
  StepBench<Model, P> step(threads, batch,
                           {.micro_batch = std::min(micro_batch, batch), .recompute = recompute});
  auto& device = step.device;
  using D = typename StepBench<Model, P>::Device;
  if (serve) {
    std::cout << Model::parameter_count << std::endl;
    std::string line;
    for (int number = 0; std::getline(std::cin, line); ++number) {
      const double seconds = seconds_of([&] { step.run(number); });
      std::cout << seconds << " " << process_bytes("VmHWM") << " " << step.loss() << std::endl;
    }
    return;
  }
  step.run(0);  // takes the scratch
  const std::int64_t peak = process_bytes("VmHWM") - before;

  const std::int64_t dim = Model::Encoder::dim,
                     rows = std::min(micro_batch, batch) * std::int64_t{Model::Grid::patches};
  GemmRate<D> panelled(device, rows, dim, 4 * dim), large(device, 1536, 1536, 1536);
  OneDnnRate<Activation<D>> whole(device.threads(), 1536, 768, 3072);
  Bandwidth<D> bandwidth(device);
  std::vector<double> seconds, minima, efficiency, panelled_rates, whole_rates, best_rates,
      bandwidths;
  std::vector<Phase> phases;
  device.clear();
  for (int number = 0; number < steps; ++number) {
    std::vector<double> own, library;
    // As long as a step lasts, in all: a shared machine gives bursts, and they are not its rate.
    const auto sample = [&] {
      double spent = 0;
      do {
        spent += seconds_of([&] {
          own.push_back(std::max(panelled(), large()));
          library.push_back(whole());
        });
      } while (spent < 0.4 * (seconds.empty() ? 0.5 : seconds.back()));
    };
    sample();
    bandwidths.push_back(bandwidth());
    if (number == 0 || !Model::Order::fixed_profile) minima.push_back(step.minimum(number + 2));
    device.clear();
    const double step_seconds = seconds_of([&] { step.run(number + 2); });
    const std::vector<Phase> of_step = device.phases();
    sample();
    seconds.push_back(step_seconds);
    for (const Phase& p : of_step) {
      const auto same = std::ranges::find_if(
          phases, [&](const Phase& q) { return q.label() == p.label(); });
      if (same == phases.end()) {
        phases.push_back(p);
      } else {
        same->calls += p.calls;
        same->seconds += p.seconds;
        same->macs += p.macs;
        same->bytes += p.bytes;
      }
    }
    panelled_rates.push_back(median(own));
    whole_rates.push_back(median(library));
    best_rates.push_back(std::max(panelled_rates.back(), whole_rates.back()));
    efficiency.push_back(minima.back() / best_rates.back() / seconds.back());
  }
  char line[256];
  std::snprintf(line, sizeof line,
                "%-16s %-5s %5d %6d %8d %10.2f %9.2f GiB %8.1f %9.0f %9.0f %11.3f\n", name.c_str(),
                dtype_name<Activation<D>>().data(), batch, std::min(micro_batch, batch),
                device.threads(), batch / median(seconds), static_cast<double>(peak) / (1 << 30),
                1e-9 * median(minima) / batch, 2e-9 * median(panelled_rates),
                2e-9 * median(whole_rates), median(efficiency));
  std::cout << line << std::flush;
  if (profile) {
    double all = 0;
    for (const double s : seconds) all += s;
    print_profile(phases, steps, all / steps, median(best_rates), median(bandwidths));
  }
}

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    std::string models = "SAIM_B16,SemAIM_B16,MAE_B16,ViT_iGPT_B16", batches = "8", threads,
                precisions = "fp32";
    Setting setting;
    CommandLine line(
        "A training step without data: images/s, memory, efficiency.\n\nBegin with:  "
        "bench_train_step --models SAIM_B16 --profile");
    line.add("models", models, "what to train, separated by commas");
    line.add("batches", batches, "images of a step");
    line.add("precisions", precisions, "fp32, bf16 or both");
    line.add("threads", threads, "numbers of threads; empty: all cores");
    line.add("micro-batch", setting.micro_batch, "most images of one forward and backward");
    line.add("steps", setting.steps, "measured steps");
    line.add("serve", setting.serve,
             "one step for each line of standard input; prints seconds, peak bytes and loss (for "
             "peer.py)");
    line.add("recompute", setting.recompute, "keep only the inputs of blocks");
    line.add("profile", setting.profile, "print where the time went");
    line.parse(argc, argv);
    if (setting.micro_batch < 1 || setting.steps < 1)
      fail<OptionError>("--micro-batch and --steps must be at least 1.");
    if (!setting.serve) std::cout << Cpu<Fp32>().describe() << "\n";
    if (!setting.serve)
      std::printf("%-16s %-5s %5s %6s %8s %10s %13s %8s %9s %9s %11s\n", "model", "", "batch",
                  "micro", "threads", "images/s", "peak memory", "G MAC", "own GF/s", onednn_name,
                  "efficiency");
    for (const std::string& model : split(models))
      for (const std::string& precision : split(precisions))
        for (const int batch : numbers("batches", batches))
          for (const int count :
               threads.empty() ? std::vector<int>{0} : numbers("threads", threads)) {
            setting.batch = batch;
            setting.threads = count;
            if (precision != "fp32" && precision != "bf16")
              fail<OptionError>("--precisions '", precision,
                                "' is not known; use fp32, bf16 or fp32,bf16.");
            select_model(model, Models{}, [&]<class Model>() {
              if (precision == "fp32")
                measure<Model, Fp32>(model, setting);
              else
                measure<Model, Bf16>(model, setting);
            });
          }
  });
}
