// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/workbench/workbench.hpp"

#include <string>
#include <utility>

#include "arvit/core/version.hpp"

namespace arvit::program {

namespace detail {
/// What `command` answers to --completion words: its options.
ARVIT_DEFINITION std::string options_of(const Command& command) {
  std::string name(command.name), flag = "--completion", shell = "words";
  char* argv[] = {name.data(), flag.data(), shell.data(), nullptr};
  try {
    command.run(3, argv);
  } catch (const Finished& finished) {
    return finished.text;
  }
  return {};
}

ARVIT_DEFINITION std::string commands_text(std::span<const Command> commands,
                                           const std::string& program) {
  std::string lines;
  for (const Command& command : commands)
    lines += text("  ", command.name, std::string(26 - command.name.size(), ' '), command.does,
                  "\n");
  return text("Begin with:  ", program, " pretrain --data PICTURES --out out/run\n\nCommands\n",
              lines, "\n", program,
              " COMMAND --help explains one; --version, --list-models and --completion bash "
              "answer for all.\n");
}
}  // namespace detail

ARVIT_DEFINITION void run_command(std::span<const Command> commands,
                                  const std::vector<VariantInfo>& models, int argc, char** argv) {
  const std::string program = program_name(argv);
  const std::string wanted = argc > 1 ? argv[1] : "--help";
  if (wanted == "--help" || wanted == "-h")
    throw Finished{detail::commands_text(commands, program)};
  if (wanted == "--version") throw Finished{version_text()};
  if (wanted == "--list-models") throw Finished{model_list_text(models)};
  if (wanted.starts_with("--completion")) {
    const std::string shell = wanted.size() > 12 ? wanted.substr(13) : argc > 2 ? argv[2] : "";
    if (shell != "bash") fail<OptionError>("--completion is '", shell, "'; it must be bash.");
    std::vector<std::pair<std::string, std::string>> options;
    for (const Command& command : commands)
      options.emplace_back(command.name, detail::options_of(command));
    throw Finished{bash_completion(program, options)};
  }
  std::vector<std::string> names;
  for (const Command& command : commands) {
    names.emplace_back(command.name);
    if (wanted != command.name) continue;
    std::string name = text(program, " ", command.name);
    argv[1] = name.data();  // what the command calls itself
    return command.run(argc - 1, argv + 1);
  }
  fail_unknown_name("command", wanted, names);
}

}  // namespace arvit::program
