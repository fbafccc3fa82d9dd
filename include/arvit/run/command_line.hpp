// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/core/option_list.hpp"
#include "arvit/run/program.hpp"
#include "arvit/run/run_options.hpp"
#include "arvit/variants/registry.hpp"

/// Command lines. The only header that sees CLI11.
namespace arvit {

/// `--name value` options of a program. parse() throws OptionError with one sentence for what it
/// does not understand, and Finished for --help, --version, --list-models and --completion.
class CommandLine {
 public:
  explicit CommandLine(const std::string& description);
  ~CommandLine();
  using Target = std::variant<bool*, int*, std::int64_t*, std::uint64_t*, double*, std::string*>;
  /// The value that `target` holds is the default that --help shows. A bool is a flag without a
  /// value; an enum is given by the names of its enumerators; 0 leaves a std::optional empty.
  template <class T>
  void add(std::string_view name, T& target, std::string_view help,
           std::string_view group = "Options", bool required = false) {
    if constexpr (is_optional<T>) {
      using Value = typename T::value_type;
      const auto given = std::make_shared<Value>(target.value_or(Value{}));
      add_option(name, given.get(), help, group, required);
      after_parsing([given, &target] { target = *given == Value{} ? T() : T(*given); });
    } else if constexpr (NamedEnum<T>) {
      const auto given = std::make_shared<std::string>(name_of(target));
      add_option(name, given.get(), help, group, required);
      const auto names = names_of(T{});
      offer(name, std::vector<std::string>(names.begin(), names.end()));
      after_parsing([given, &target, flag = "--" + std::string(name)] {
        target = enum_from<T>(flag, *given);
      });
    } else {
      add_option(name, &target, help, group, required);
    }
  }
  /// Words that complete the value of an option; others may be legal, too.
  void offer(std::string_view name, std::vector<std::string> values);
  /// The models of the program, for --list-models and as what completes --model.
  void models(std::vector<VariantInfo> models);
  void parse(int argc, const char* const* argv);

 private:
  void add_option(std::string_view name, Target target, std::string_view help,
                  std::string_view group, bool required);
  void after_parsing(std::function<void()> act);
  void answer(int argc, const char* const* argv) const;
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

/// "arvit 0.1.0", with the end of the line.
std::string version_text();

/// The name under which a program was started, without its folder: what argv[0] ends with.
std::string program_name(const char* const* argv);

/// A script for bash that completes the options of `program`, or of its sub-commands. An option is
/// a line as `--completion words` prints it: "--resume" for a flag, "--model = A B" for one with a
/// value. One command without a name: there are no sub-commands.
std::string bash_completion(
    const std::string& program,
    std::span<const std::pair<std::string, std::string>> options_of_command);

/// What a pre-training program says of itself.
struct ProgramText {
  std::string description;  ///< one or two sentences
  std::string example;      ///< a command line to begin with
  std::string default_model = {};
  std::vector<VariantInfo> models = {};
};

/// The options of a pre-training program: those given, else those of the recipe that --preset
/// names, else those of the first recipe.
RunOptions parse_run_options(int argc, const char* const* argv, const ProgramText& program,
                             std::span<const Recipe> recipes);

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/run/impl/command_line.ipp"
#endif
