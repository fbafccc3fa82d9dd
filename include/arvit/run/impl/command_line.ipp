// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/run/command_line.hpp"

#include <CLI/CLI.hpp>
#include <map>
#include <sstream>
#include <type_traits>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/core/version.hpp"

namespace arvit {

struct CommandLine::Parser {
  CLI::App app;
  std::vector<std::string> names;
  std::vector<std::pair<std::string, CLI::Option*>> required;
  std::vector<std::function<void()>> after;
  std::map<std::string, std::string> values;  ///< words that complete an option that takes a value
  std::vector<VariantInfo> models;
};

ARVIT_DEFINITION CommandLine::CommandLine(const std::string& description)
    : parser_(std::make_unique<Parser>()) {
  parser_->app.description(description);
  parser_->app.set_help_flag("-h,--help", "print this text");
  parser_->app.get_formatter()->column_width(28);
  parser_->app.allow_extras();
  // Answered before the others are parsed; here for --help.
  parser_->app.add_flag("--version")->description("print the version");
  parser_->app.add_flag("--list-models")
      ->description("print the models, their parameters and what they stand for");
  parser_->app.add_option("--completion")
      ->description("print a script that completes the options: bash")
      ->type_name("SHELL");
  parser_->names = {"--help", "--version", "--list-models", "--completion"};
  parser_->values["--completion"] = "bash";
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
  if (!std::holds_alternative<bool*>(target)) parser_->values.emplace(flag, "");
  if (required) parser_->required.push_back({flag, option});
}

ARVIT_DEFINITION void CommandLine::after_parsing(std::function<void()> act) {
  parser_->after.push_back(std::move(act));
}

ARVIT_DEFINITION void CommandLine::offer(std::string_view name, std::vector<std::string> values) {
  std::string& words = parser_->values["--" + std::string(name)];
  for (const std::string& value : values) words += (words.empty() ? "" : " ") + value;
}

ARVIT_DEFINITION void CommandLine::models(std::vector<VariantInfo> models) {
  std::vector<std::string> names;
  for (const VariantInfo& model : models) names.emplace_back(model.name);
  parser_->models = std::move(models);
  if (parser_->values.contains("--model")) offer("model", names);
}

/// Throws what --version, --list-models or --completion ask for, whatever else is there.
ARVIT_DEFINITION void CommandLine::answer(int argc, const char* const* argv) const {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--version") throw Finished{version_text()};
    if (argument == "--list-models") throw Finished{model_list_text(parser_->models)};
    if (!argument.starts_with("--completion")) continue;
    const std::string shell(argument.starts_with("--completion=") ? argument.substr(13)
                            : i + 1 < argc                        ? argv[i + 1]
                                                                  : "");
    std::string options;
    for (const std::string& name : parser_->names) {
      const auto values = parser_->values.find(name);
      options += name + (values == parser_->values.end() ? "" : " = " + values->second) + "\n";
    }
    if (shell == "words") throw Finished{options};
    if (shell == "bash")
      throw Finished{
          bash_completion(program_name(argv), std::array{std::pair{std::string(), options}})};
    fail<OptionError>("--completion is '", shell, "'; it must be bash.");
  }
}

ARVIT_DEFINITION std::string version_text() {
  return text("arvit ", ARVIT_VERSION_MAJOR, ".", ARVIT_VERSION_MINOR, ".", ARVIT_VERSION_PATCH,
              "\n");
}

ARVIT_DEFINITION std::string program_name(const char* const* argv) {
  const std::string path = argv[0];
  return path.substr(path.find_last_of('/') + 1);
}

namespace detail {
/// The branches of a `case` over the word before the one that is completed.
ARVIT_DEFINITION std::string completion_branches(const std::string& options) {
  std::string branches, all;
  std::istringstream lines(options);
  for (std::string line; std::getline(lines, line);) {
    const auto end = line.find(" = ");
    const std::string name = line.substr(0, end);
    all += (all.empty() ? "" : " ") + name;
    if (end != std::string::npos)
      branches += text("      ", name, ") words='", line.substr(end + 3), "' ;;\n");
  }
  return text(branches, "      *) words='", all, "' ;;\n");
}
}  // namespace detail

ARVIT_DEFINITION std::string bash_completion(
    const std::string& program,
    std::span<const std::pair<std::string, std::string>> options_of_command) {
  std::string function = "_arvit_" + program, commands, cases;
  for (char& c : function)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  for (const auto& [command, options] : options_of_command) {
    commands += (commands.empty() ? "" : " ") + command;
    cases += text("    ", command.empty() ? "*" : command, ") case $previous in\n",
                  detail::completion_branches(options), "      esac ;;\n");
  }
  const bool with_commands = !commands.empty();
  return text("# eval \"$(", program, " --completion bash)\"\n", function,
              "() {\n  local words= current=${COMP_WORDS[COMP_CWORD]} "
              "previous=${COMP_WORDS[COMP_CWORD - 1]}\n",
              with_commands ? text("  if [ \"$COMP_CWORD\" -eq 1 ]; then words='", commands,
                                   " --help --version --list-models --completion'; else\n")
                            : std::string(),
              "  case ${COMP_WORDS[1]} in\n", cases, "  esac\n", with_commands ? "  fi\n" : "",
              // An option that takes a file is left to the completion of file names.
              "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n}\n"
              "complete -o default -F ",
              function, " ", program, "\n");
}

ARVIT_DEFINITION void CommandLine::parse(int argc, const char* const* argv) {
  answer(argc, argv);
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
  line.models(program.models);
  line.offer("preset", names);
  line.parse(argc, argv);
  check(options);
  return options;
}

}  // namespace arvit
