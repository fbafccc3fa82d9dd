// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/run/command_line.hpp"

#include <CLI/CLI.hpp>
#include <type_traits>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"

namespace arvit {

struct CommandLine::Parser {
  CLI::App app;
  std::vector<std::string> names;
  std::vector<std::pair<std::string, CLI::Option*>> required;
  std::vector<std::function<void()>> after;
};

ARVIT_DEFINITION CommandLine::CommandLine(const std::string& description)
    : parser_(std::make_unique<Parser>()) {
  parser_->app.description(description);
  parser_->app.set_help_flag("-h,--help", "print this text");
  parser_->app.get_formatter()->column_width(28);
  parser_->app.allow_extras();
}
ARVIT_DEFINITION CommandLine::~CommandLine() = default;

ARVIT_DEFINITION void CommandLine::add_option(std::string_view name, Target target,
                                              std::string_view help, std::string_view group,
                                              bool required) {
  const std::string flag = "--" + std::string(name);
  CLI::Option* option = nullptr;
  std::visit(
      [&]<class T>(T* value) {
        if constexpr (std::is_same_v<T, bool>)
          option = parser_->app.add_flag(flag, *value, std::string(help));
        else
          option = parser_->app.add_option(flag, *value, std::string(help));
        if constexpr (std::is_same_v<T, std::string>) {
          if (!value->empty()) option->capture_default_str();
          option->type_name("TEXT");
        } else if constexpr (!std::is_same_v<T, bool>) {
          option->capture_default_str()->type_name("NUMBER");
        }
        // strtoull would wrap a negative number around.
        if constexpr (std::is_same_v<T, std::uint64_t>)
          option->check([](const std::string& given) {
            return given.starts_with("-") ? given + " is negative; it must be 0 or more"
                                          : std::string();
          });
      },
      target);
  option->group(std::string(group));
  parser_->names.push_back(flag);
  if (required) parser_->required.push_back({flag, option});
}

ARVIT_DEFINITION void CommandLine::after_parsing(std::function<void()> act) {
  parser_->after.push_back(std::move(act));
}

ARVIT_DEFINITION void CommandLine::parse(int argc, const char* const* argv) {
  try {
    parser_->app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    throw Finished{parser_->app.help()};
  } catch (const CLI::ParseError& error) {
    std::string what = error.what();
    while (!what.empty() && (what.back() == '\n' || what.back() == '.')) what.pop_back();
    fail<OptionError>("command line: ", what, "; --help explains the options.");
  }
  for (const std::string& extra : parser_->app.remaining()) {
    const std::string name = extra.substr(0, extra.find('='));
    const std::string nearest = nearest_name(name, parser_->names);
    fail<OptionError>(extra.starts_with("-") ? "option " : "argument ", name, " is not known",
                      nearest.empty() ? std::string("") : text("; did you mean ", nearest, "?"),
                      nearest.empty() ? "; " : " ", "--help lists all options.");
  }
  for (const auto& [name, option] : parser_->required)
    if (option->count() == 0) fail<OptionError>(name, " is missing; --help explains it.");
  for (const std::function<void()>& act : parser_->after) act();
}

ARVIT_DEFINITION RunOptions parse_run_options(int argc, const char* const* argv,
                                              const ProgramText& program,
                                              std::span<const Recipe> recipes) {
  RunOptions options;
  options.model = program.default_model;
  std::string preset(recipes.front().name);
  // The preset is looked for first: its values are the defaults of the others, also in --help.
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--preset" && i + 1 < argc)
      preset = argv[i + 1];
    else if (argument.starts_with("--preset="))
      preset = argument.substr(9);
  }
  std::vector<std::string> names;
  const Recipe* chosen = nullptr;
  std::string presets = "\nPresets\n";
  for (const Recipe& recipe : recipes) {
    names.emplace_back(recipe.name);
    if (recipe.name == preset) chosen = &recipe;
    presets += text("  ", recipe.name,
                    std::string(12 - std::min<std::size_t>(11, recipe.name.size()), ' '),
                    recipe.source, "\n");
  }
  if (chosen == nullptr) fail_unknown_name("--preset", preset, names);
  apply(*chosen, options);

  CommandLine line(program.description + "\n\nBegin with:  " + program.example + "\n" + presets);
  RunOptions::list(options, [&](const OptionInfo& info, auto& value) {
    line.add(info.name, value, info.help, info.group, info.name == "data");
  });
  line.parse(argc, argv);
  check(options);
  return options;
}

}  // namespace arvit
