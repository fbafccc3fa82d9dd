// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <optional>

#include "arvit/core/option_list.hpp"
#include "arvit/train/schedule.hpp"

namespace arvit {

/// AdamW, what holds it back, and the average of the parameters beside it.
struct OptimiserOptions {
  double weight_decay = 0.05, beta1 = 0.9, beta2 = 0.95;
  double clip = 3;                     ///< largest L2 norm of the gradient; 0: no clipping
  double drop_path = 0;                ///< rate of the last encoder layer
  double ema = 0;                      ///< decay of an average of the parameters; 0: none is kept
  std::optional<double> ema_end = {};  ///< that decay after ema_ramp epochs; by default as it was
  double ema_ramp = 0;

  bool keeps_average() const { return ema > 0; }
  Ramp average_decay() const { return {ema, ema_end.value_or(ema), ema_end ? ema_ramp : 0}; }

  template <class Group, class Visit> static void list(Group& o, Visit&& visit) {
    constexpr std::string_view how = "Optimiser";
    visit(OptionInfo{"weight-decay", how, "AdamW's weight decay; biases and norms have none"},
          o.weight_decay);
    visit(OptionInfo{"beta1", how, "AdamW's decay of the first moment"}, o.beta1);
    visit(OptionInfo{"beta2", how, "AdamW's decay of the second moment"}, o.beta2);
    visit(OptionInfo{"clip", how, "largest L2 norm of the gradient; 0: no clipping"}, o.clip);
    visit(OptionInfo{"drop-path", how, "rate of stochastic depth in the last encoder layer"},
          o.drop_path);
    visit(OptionInfo{"ema", how, "decay of an average of the parameters, such as 0.999; 0: none"},
          o.ema);
    visit(OptionInfo{"ema-end", how, "decay of the average after ema-ramp epochs; 0: as ema"},
          o.ema_end);
    visit(OptionInfo{"ema-ramp", how, "epochs in which the decay goes from ema to ema-end"},
          o.ema_ramp);
  }
};

}  // namespace arvit
