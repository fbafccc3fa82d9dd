// SPDX-License-Identifier: BSL-1.0
#include "arvit/run/command_line.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <set>

using namespace arvit;

namespace {
RunOptions parsed(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "pretrain_saim");
  return parse_run_options(static_cast<int>(arguments.size()), arguments.data(),
                           {"Pre-trains SAIM.", "pretrain_saim --data pictures", "SAIM_Nano"},
                           saim_recipes);
}
/// The sentence of the error, or "" when there is none.
std::string message(std::vector<const char*> arguments) {
  try {
    parsed(std::move(arguments));
  } catch (const OptionError& error) {
    return error.what();
  }
  return "";
}
bool says(const std::string& message, std::string_view part) {
  INFO(message);
  return message.find(part) != std::string::npos;
}
}  // namespace

TEST_CASE("options: values given, else those of the preset, else the first recipe's") {
  const RunOptions quick = parsed({"--data", "x"});
  CHECK(quick.preset == "quick");
  CHECK(quick.schedule.epochs == quick_recipe.epochs);
  CHECK(quick.model == "SAIM_Nano");
  const RunOptions paper = parsed(
      {"--data", "x", "--epochs", "7", "--warmup", "1", "--preset", "paper"});
  CHECK(paper.schedule.epochs == 7);
  CHECK(paper.batch.size == 2048);
  CHECK(paper.pictures.crop_min == 0.67);
  CHECK(paper.optimiser.clip == 0);
  CHECK(paper.peak_learning_rate() == doctest::Approx(1.6e-3));
  CHECK(parsed({"--data", "x", "--preset=paper300"}).schedule.epochs == 300);
  CHECK(parsed({"--data", "x", "--lr", "0.5"}).peak_learning_rate() == 0.5);
  CHECK(parsed({"--data=x", "--resume"}).files.resume);
  CHECK(parsed({"--data", "x"}).pictures.crops(20) == 20);
  CHECK(parsed({"--data", "x", "--views", "3"}).pictures.crops(20) == 3);
  CHECK(parsed({"--data", "x", "--views", "30"}).pictures.crops(20) == 20);
  CHECK(parsed({"--data", "x", "--whole-picture"}).pictures.crops(20) == 1);
}

TEST_CASE(
    "options: micro-batches of some 1600 patches that divide the batch; a Trainer of one's own "
    "takes the whole batch") {
  CHECK(default_micro_batch(256, 49) == 32);
  CHECK(default_micro_batch(8, 196) == 8);
  CHECK(default_micro_batch(2048, 196) == 8);
  CHECK(default_micro_batch(9, 196) == 3);
  CHECK(default_micro_batch(7, 576) == 1);
  CHECK(default_micro_batch(4, 3136) == 1);
  CHECK(parsed({"--data", "x", "--batch", "96"}).batch.images_per_micro_batch() == 96);
  CHECK(parsed({"--data", "x", "--batch", "96", "--micro-batch", "8"})
            .batch.images_per_micro_batch() == 8);
}

TEST_CASE("options: absurd values, one sentence each") {
  CHECK(says(message({"--data", "x", "--batch", "0"}),
             "--batch is 0; it must be a number of at least 1."));
  CHECK(says(message({"--data", "x", "--batch", "-4"}), "--batch is -4"));
  CHECK(says(message({"--data", "x", "--lr", "-1e-3"}), "--lr is -0.001"));
  CHECK(says(message({"--data", "x", "--base-lr", "nan"}), "--base-lr is nan"));
  CHECK(says(message({"--data", "x", "--weight-decay", "inf"}), "--weight-decay is inf"));
  CHECK(says(message({"--data", "x", "--base-lr", "0"}), "both 0"));
  CHECK(says(message({"--data", "x", "--warmup", "21"}), "more than the 20 of --epochs"));
  CHECK(says(message({"--data", "x", "--micro-batch", "100"}),
             "does not divide --batch 256; 64 does."));
  CHECK(says(message({"--data", "x", "--micro-batch", "512"}),
             "does not divide --batch 256; 256 does."));
  CHECK(says(message({"--data", "x", "--ema", "1"}),
             "--ema is 1; it must be at least 0 and below 1."));
  CHECK(says(message({"--data", "x", "--ema-end", "0.9"}), "without --ema"));
  CHECK(says(message({"--data", "x", "--crop-min", "0"}), "--crop-min is 0"));
  CHECK(says(message({"--data", "x", "--views", "2", "--whole-picture"}),
             "--views 2 asks for crops, --whole-picture for none; drop one of them."));
  CHECK(says(message({"--data", "x", "--threads", "-1"}), "--threads is -1"));
  CHECK(says(message({"--data", "x", "--resume", "--init", "a"}), "exclude each other"));
  CHECK(says(message({"--data", "x", "--log-every", "0"}), "--log-every is 0"));
}

TEST_CASE("options: names that are not known, with the nearest") {
  CHECK(says(message({"--data", "x", "--epoch", "3"}),
             "option --epoch is not known; did you mean --epochs?"));
  CHECK(says(message({"--data", "x", "--learning-rate", "3"}),
             "option --learning-rate is not known"));
  CHECK(says(message({"--data", "x", "picture"}), "argument picture is not known"));
  CHECK(says(message({"--data", "x", "--preset", "papper"}), "did you mean 'paper'?"));
  CHECK(says(message({"--data", "x", "--precision", "bf61"}), "did you mean 'bf16'?"));
  CHECK(says(message({}), "--data is missing"));
}

TEST_CASE("options: values that are not numbers") {
  CHECK(says(message({"--data", "x", "--batch", "many"}), "--batch"));
  CHECK(says(message({"--data", "x", "--batch", "1.5"}), "--batch"));
  CHECK(says(message({"--data", "x", "--batch", "99999999999"}), "--batch"));
  CHECK(says(message({"--data", "x", "--seed", "-1"}), "--seed"));
  CHECK(says(message({"--data", "x", "--batch"}), "--batch"));
}

TEST_CASE("options: --help shows every option, the defaults and the presets") {
  std::string help;
  try {
    parsed({"--help", "--preset", "paper"});
  } catch (const Finished& finished) {
    help = finished.text;
  }
  const RunOptions defaults;
  RunOptions::list(defaults, [&](const OptionInfo& info, const auto&) {
    CHECK_MESSAGE(says(help, text("--", info.name)), info.name);
  });
  CHECK(says(help, "2048"));
  CHECK(says(help, "paper300"));
  CHECK(says(help, "Begin with:  pretrain_saim --data pictures"));
}

TEST_CASE("options: what a program says of itself, whatever else is asked") {
  const auto answer = [](std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "bin/pretrain_saim");
    try {
      parse_run_options(static_cast<int>(arguments.size()), arguments.data(),
                        {"Pre-trains SAIM.",
                         "pretrain_saim --data x",
                         "SAIM_Nano",
                         {{"SAIM_Nano", 2'476'592, {}}}},
                        saim_recipes);
    } catch (const Finished& finished) {
      return finished.text;
    }
    return std::string();
  };
  CHECK(answer({"--version"}) == version_text());
  CHECK(answer({"--bad", "--version"}) == version_text());
  CHECK(says(version_text(), "arvit 0."));
  CHECK(says(answer({"--list-models"}),
             "  SAIM_Nano                         2'476'592  SAIM, other"));
  CHECK(says(answer({"--completion", "words"}), "--model = SAIM_Nano\n"));
  CHECK(says(answer({"--completion", "words"}), "--data = \n"));
  CHECK(says(answer({"--completion=words"}), "--preset = quick paper paper300 code\n"));
  CHECK(says(answer({"--completion", "words"}), "\n--resume\n"));
  const std::string script = answer({"--completion", "bash"});
  CHECK(says(script, "# eval \"$(pretrain_saim --completion bash)\"\n_arvit_pretrain_saim() {"));
  CHECK(says(script, "complete -o default -F _arvit_pretrain_saim pretrain_saim\n"));
  CHECK(says(message({"--completion", "fish"}), "--completion is 'fish'; it must be bash."));
  CHECK(says(message({"--completion"}), "--completion is ''; it must be bash."));
}

TEST_CASE("options: the list names every option once, and every number is checked") {
  std::set<std::string_view> names;
  const RunOptions defaults;
  RunOptions::list(defaults, [&](const OptionInfo& info, const auto&) {
    CHECK_MESSAGE(names.insert(info.name).second, info.name);
  });
  const RunOptions good = parsed({"--data", "x"});
  for (const std::string_view target : names) {
    RunOptions bad = good;
    bool number = false;
    RunOptions::list(bad, [&]<class T>(const OptionInfo& info, T& value) {
      if constexpr (std::floating_point<T>) {
        if (info.name != target) return;
        value = std::numeric_limits<T>::quiet_NaN();
        number = true;
      } else if constexpr (is_optional<T> || (std::signed_integral<T> && !std::same_as<T, bool>)) {
        if (info.name != target) return;
        value = -1;
        number = true;
      }
    });
    if (number) CHECK_THROWS_AS_MESSAGE(check(bad), OptionError, target);
  }
}

TEST_CASE("options: the recipes are valid") {
  const auto valid = [](const auto& recipes) {
    for (const Recipe& recipe : recipes) {
      RunOptions options;
      apply(recipe, options);
      CHECK_NOTHROW(check(options));
      CHECK(options.preset == recipe.name);
    }
  };
  valid(saim_recipes);
  valid(semaim_recipes);
  valid(vit_igpt_recipes);
  valid(randsac_recipes);
  valid(mae_recipes);
  valid(gvp_recipes);
  valid(digpt_recipes);
}
