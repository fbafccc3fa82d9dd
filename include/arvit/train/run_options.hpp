// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "arvit/core/linkage.hpp"
#include "arvit/train/recipes.hpp"
#include "arvit/train/schedule.hpp"

namespace arvit {

/// All run-time options of a pre-training run; for_each_option below names and explains them.
struct RunOptions {
  std::string model, data, out = "out/pretrain", preset = "quick";
  double epochs = 20;
  int batch = 256;
  int micro_batch = 0;  ///< 0: default_micro_batch() in a run of pretrain(), the whole batch in a
                        ///< Trainer of one's own
  bool recompute = false;
  double base_lr = 1e-3, lr = 0, min_lr = 0, warmup = 2, weight_decay = 0.05, beta1 = 0.9,
         beta2 = 0.95, clip = 3, drop_path = 0;
  double ema = 0, ema_end = 0, ema_ramp = 0;
  double crop_min = 0.2, flip = 0.5;
  bool whole_picture = false;
  int views = 0;
  std::string normalise = "imagenet", bad_files = "stop", precision = "fp32";
  int threads = 0, loader_threads = 0;
  std::uint64_t seed = 0;
  std::int64_t save_every = 0, log_every = 1;
  int keep = 3;
  bool resume = false;
  std::string init, teacher, condition, teacher_cache;
  double teacher_cache_gb = 10;

  double peak_learning_rate() const { return lr > 0 ? lr : scaled_learning_rate(base_lr, batch); }
  Schedule schedule() const { return {peak_learning_rate(), min_lr, warmup, epochs}; }
  Ramp average_decay() const {
    return {ema, ema_end > 0 ? ema_end : ema, ema_end > 0 ? ema_ramp : 0};
  }
  int images_per_micro_batch() const { return micro_batch > 0 ? micro_batch : batch; }
  int accumulation() const { return batch / images_per_micro_batch(); }
  /// Crops of a picture that the run will see; epoch e sees number e % crops().
  int crops() const {
    const int passes = static_cast<int>(std::ceil(epochs));
    return whole_picture ? 1 : views > 0 ? std::min(views, passes) : passes;
  }
};

/// One option: its name, its sentence in --help, the heading it stands under, and whether another
/// value gives other parameters.
struct OptionInfo {
  std::string_view name, group, help;
  bool changes_result = true;
};

/// The one list of the options: command line, checkpoint and comparison all walk it.
/// visit(OptionInfo, value).
template <class O, class Visit> void for_each_option(O&& o, Visit&& visit) {
  constexpr std::string_view what = "What to train", how = "Optimiser", pictures = "Pictures",
                             machine = "Machine", files = "Files";
  visit(OptionInfo{"model", what, "model to train; an unknown name lists those of this program"},
        o.model);
  visit(OptionInfo{"data", what,
                   "pictures: a folder of JPEG and PNG files (by class or flat), or of "
                   "Fashion-MNIST, MNIST or CIFAR files",
                   false},
        o.data);
  visit(OptionInfo{"preset", what, "recipe that sets the defaults of the options below", false},
        o.preset);
  visit(OptionInfo{"teacher", what,
                   "for a model that predicts features or codes: what makes them (a checkpoint or "
                   "the folder of a run), or an npy file of them, picture by picture"},
        o.teacher);
  visit(OptionInfo{"teacher-cache", what,
                   "file that keeps what --teacher gives for each crop, so that it computes none "
                   "twice, in this run or another; made if it is not there",
                   false},
        o.teacher_cache);
  visit(OptionInfo{"teacher-cache-gb", what,
                   "most that a new teacher cache takes, in 10^9 bytes; crops beyond it are "
                   "computed every time",
                   false},
        o.teacher_cache_gb);
  visit(OptionInfo{"condition", what,
                   "for a model with a pooled condition: what makes it (a checkpoint or the folder "
                   "of a run, a codebook), or an npy file of it, picture by picture"},
        o.condition);
  visit(OptionInfo{"epochs", what, "passes over the pictures, whole or not"}, o.epochs);
  visit(
      OptionInfo{
          "seed", what,
          "seed of parameters, data order, crops and orders; the same seed gives the same bits"},
      o.seed);

  visit(OptionInfo{"batch", how, "images per optimiser step"}, o.batch);
  visit(OptionInfo{"micro-batch", how,
                   "images per forward and backward; less needs less memory, the gradients stay "
                   "the same up to rounding; must divide "
                   "the batch; 0: about 1600 patches' worth",
                   false},
        o.micro_batch);
  visit(OptionInfo{"recompute", how,
                   "keep only the inputs of blocks and compute the rest again: the same bits from "
                   "less memory, in about a fifth more time",
                   false},
        o.recompute);
  visit(
      OptionInfo{"base-lr", how, "learning rate of 256 images: the peak is base-lr * batch / 256"},
      o.base_lr);
  visit(OptionInfo{"lr", how, "peak learning rate itself; 0: from base-lr"}, o.lr);
  visit(OptionInfo{"min-lr", how, "learning rate at the end of the cosine"}, o.min_lr);
  visit(OptionInfo{"warmup", how, "epochs of linear warm-up"}, o.warmup);
  visit(OptionInfo{"weight-decay", how, "AdamW's weight decay; biases and norms have none"},
        o.weight_decay);
  visit(OptionInfo{"beta1", how, "AdamW's decay of the first moment"}, o.beta1);
  visit(OptionInfo{"beta2", how, "AdamW's decay of the second moment"}, o.beta2);
  visit(OptionInfo{"clip", how, "largest L2 norm of the gradient; 0: no clipping"}, o.clip);
  visit(OptionInfo{"drop-path", how, "rate of stochastic depth in the last encoder layer"},
        o.drop_path);
  visit(OptionInfo{"ema", how, "decay of an average of the parameters, such as 0.999; 0: none"},
        o.ema);
  visit(OptionInfo{"ema-end", how, "decay of the average after --ema-ramp epochs; 0: as --ema"},
        o.ema_end);
  visit(OptionInfo{"ema-ramp", how, "epochs in which the decay goes from --ema to --ema-end"},
        o.ema_ramp);

  visit(OptionInfo{"crop-min", pictures,
                   "smallest area of the random crop, as a share of the picture"},
        o.crop_min);
  visit(OptionInfo{"flip", pictures, "probability of mirroring"}, o.flip);
  visit(OptionInfo{"whole-picture", pictures,
                   "no random crop and no mirroring: the picture's shorter side resized to the "
                   "model's, the centre cut out; what a file of features or codes "
                   "belongs to"},
        o.whole_picture);
  visit(OptionInfo{"views", pictures,
                   "crops of a picture that take turns from epoch to epoch, so that "
                   "--teacher-cache holds them all; 0: a new one every epoch"},
        o.views);
  visit(
      OptionInfo{"normalise", pictures,
                 "colours by the mean and deviation of imagenet, or as measured on these pictures"},
      o.normalise);
  visit(OptionInfo{"bad-files", pictures,
                   "a picture that cannot be read: stop, or skip it with a message"},
        o.bad_files);

  visit(OptionInfo{"precision", machine,
                   "of the products: fp32 or bf16 (parameters, norms and losses stay fp32)"},
        o.precision);
  visit(OptionInfo{"threads", machine,
                   "threads of the arithmetic; 0: all cores; the result does not depend on it",
                   false},
        o.threads);
  visit(OptionInfo{"loader-threads", machine,
                   "threads that decode pictures; 0: as many as cores, at most 4; the result does "
                   "not depend on it",
                   false},
        o.loader_threads);

  visit(OptionInfo{"out", files, "folder for checkpoints and logs", false}, o.out);
  visit(OptionInfo{"resume", files,
                   "continue from the newest checkpoint in --out; the other options must be those "
                   "of the run, without --init",
                   false},
        o.resume);
  visit(OptionInfo{"init", files, "start from the parameters of this checkpoint", false}, o.init);
  visit(
      OptionInfo{"save-every", files, "steps between checkpoints; 0: one after every epoch", false},
      o.save_every);
  visit(OptionInfo{"keep", files, "newest checkpoints to keep; 0: all", false}, o.keep);
  visit(OptionInfo{"log-every", files, "steps between lines of the logs", false}, o.log_every);
}

/// The largest divisor of `batch` up to `most`.
constexpr int largest_divisor(int batch, int most) {
  for (int size = std::min(batch, most); size > 1; --size)
    if (batch % size == 0) return size;
  return 1;
}
/// Images of one forward and backward where nobody says: about 1600 patches repay each pass over
/// the parameters, and more only needs memory.
constexpr int default_micro_batch(int batch, int patches) {
  return largest_divisor(batch, std::max(1, 1600 / patches));
}

/// Throws OptionError for the first option out of its range, with what is allowed.
void check(const RunOptions& o);

/// Makes the recipe's values the options'.
void apply(const Recipe& recipe, RunOptions& o);

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/train/impl/run_options.ipp"
#endif
