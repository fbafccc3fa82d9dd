// SPDX-License-Identifier: BSL-1.0
// The program of README's "A model of your own", as it stands there, run on a few pictures.
#define main own_model_main
#include "../../examples/own_model.cpp"
#undef main

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "arvit/io/png.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;
using namespace arvit::test;

namespace {

const std::string root = ARVIT_SOURCE_DIR;

std::string contents(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

struct Said {
  int code;
  std::string out, error;
};

/// Runs the program with these words after its name.
Said run(const std::string& command_line) {
  std::istringstream words("own_model " + command_line);
  std::vector<std::string> arguments{std::istream_iterator<std::string>(words), {}};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::ostringstream out, error;
  auto* const real_out = std::cout.rdbuf(out.rdbuf());
  auto* const real_error = std::cerr.rdbuf(error.rdbuf());
  const int code = own_model_main(static_cast<int>(arguments.size()), argv.data());
  std::cout.rdbuf(real_out);
  std::cerr.rdbuf(real_error);
  return {code, out.str(), error.str()};
}
bool has(const std::string& text, std::string_view part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE(text);
  return found;
}

/// Two classes of stripes in a training and a test split.
void write_pictures(const std::filesystem::path& folder) {
  for (const char* split : {"train", "test"})
    for (int number = 0; number < 32; ++number) {
      const bool upright = number % 2 == 0;
      std::vector<std::uint8_t> rgb;
      for (int y = 0; y < 32; ++y)
        for (int x = 0; x < 32; ++x)
          for (int c = 0; c < 3; ++c) {
            const int along = upright ? x : y;
            rgb.push_back(static_cast<std::uint8_t>(40 * c + 9 * number + 8 * (along % 8)));
          }
      const std::filesystem::path of_class = folder / split / (upright ? "upright" : "level");
      std::filesystem::create_directories(of_class);
      write_png(of_class / (std::to_string(number) + ".png"), Pixels{rgb.data(), 32, 32, 3, 96});
    }
}

/// The words after "SAYS" to which bash would complete `line`, whose last word is begun.
std::string completed(const std::string& script, const std::string& line) {
  const TemporaryFolder folder;
  std::ofstream(folder / "script") << script << "COMP_WORDS=(" << line
                                   << ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
                                      "_arvit_own_model\necho \"${COMPREPLY[*]}\"\n";
  std::FILE* pipe = popen(("bash " + (folder / "script").string()).c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string words;
  char part[256];
  while (std::fgets(part, sizeof part, pipe) != nullptr) words += part;
  CHECK(pclose(pipe) == 0);
  return words;
}

}  // namespace

TEST_CASE("README: the program and the commands of \"A model of your own\" are those tested here") {
  const std::string page = contents(root + "/README.md");
  const auto begin = page.find("## A model of your own");
  REQUIRE(begin != std::string::npos);
  const std::string section = page.substr(begin, page.find("\n## ", begin + 1) - begin);
  for (const char* file : {"own_model.hpp", "own_model.cpp"}) {
    std::istringstream lines(contents(root + "/examples/" + file));
    std::string indented;
    for (std::string line; std::getline(lines, line);)
      if (!line.starts_with("// SPDX")) indented += (line.empty() ? "" : "    ") + line + "\n";
    CHECK_MESSAGE(has(section, indented), file);
  }
  for (const char* command : {"inspect", "pretrain", "knn", "linear_probe", "maps", "convert"})
    CHECK_MESSAGE(has(section, std::string("own_model ") + command + " "), command);
}

TEST_CASE("workbench: a model of one's own is pre-trained, measured, drawn and exported") {
  const TemporaryFolder folder;
  write_pictures(folder / "pictures");
  const std::string pictures = " --data " + (folder / "pictures").string();
  const std::string out = (folder / "run").string();
  const std::string checkpoint = " --checkpoint " + out;

  const Said trained = run("pretrain" + pictures + " --out " + out +
                           " --epochs 1 --warmup 0 --batch 6 --threads 1");
  CHECK(trained.code == 0);
  CHECK(has(trained.out, "Mine: "));

  CHECK(has(run("knn" + pictures + checkpoint + " --threads 1").out, "k = 10  accuracy "));
  const Said probed = run("linear_probe" + pictures + checkpoint + " --method ridge --threads 1");
  INFO(probed.error);
  CHECK(has(probed.out, "untrained"));

  const std::string png = (folder / "maps.png").string();
  CHECK(has(run("maps" + pictures + checkpoint + " --out " + png).out, png + ": Mine, 6 pictures"));
  CHECK(has(run("reconstruct" + pictures + checkpoint + " --out " + png).out, png + ": Mine"));
  CHECK(std::filesystem::file_size(png) > 1000);
  CHECK(has(run("compare_reconstructions" + pictures + " --checkpoints " + out +
                " --images 4 --out " + png)
                .out,
            "4 of 4 pictures."));
  CHECK(has(run("sample" + pictures + checkpoint + " --keep 0.5 --count 2 --out " + png).out,
            "2 pictures"));

  const std::string timm = (folder / "timm.safetensors").string();
  CHECK(run("convert --to timm" + checkpoint + " --out " + timm).out == timm + ": Mine\n");
  const std::string features = (folder / "features.npy").string();
  CHECK(has(run("extract_features" + pictures + checkpoint + " --out " + features).out,
            features + ": [32, 64]"));
  CHECK(has(run("inspect --model Mine").out, "Mine = Pretrainer<"));
  CHECK(has(run("inspect" + checkpoint).out, "Mine"));
  CHECK(has(run("inspect --mask Mine").out, "Mine = Pretrainer<"));
  CHECK(has(run("fit_codebook" + pictures + " --codes 4 --patch 4 --images 2 --out " +
                (folder / "codebook.safetensors").string())
                .out,
            "\"codes\":4,"));
}

TEST_CASE("workbench: a run that is asked to stop says so in its exit code, and goes on later") {
  const TemporaryFolder folder;
  write_pictures(folder / "pictures");
  const std::string command = "pretrain --data " + (folder / "pictures").string() + " --out " +
                              (folder / "run").string() + " --warmup 0 --batch 6 --threads 1";
  std::thread batch_system([&] {
    while (!std::filesystem::exists(folder / "run/log.csv"))
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    kill(getpid(), SIGUSR1);
  });
  const Said stopped = run(command + " --epochs 100000 --keep 1");
  batch_system.join();
  CHECK(stopped.code == 75);
  CHECK(has(stopped.out, "stopped by SIGUSR1 after step "));
  CHECK(has(stopped.out, "--resume continues it."));
  const Said again = run(command + " --epochs 100000");
  CHECK(again.code == 2);
}

TEST_CASE("workbench: a model that the program does not hold") {
  const Said known = run("inspect --model SAIM_B16");
  CHECK(known.code == 2);
  CHECK(known.error ==
        "error: model SAIM_B16 is not built into this program, which holds Mine; build it in "
        "with: cmake --preset release -DARVIT_MODELS=\"SAIM_B16\" && cmake --build --preset "
        "release, or in a program of one's own with arvit::Variant<arvit::SAIM_B16, "
        "\"SAIM_B16\"> in its list.\n");
  CHECK(has(run("convert --from untrained --model Mind --out x").error,
            "error: model 'Mind' is not known; did you mean Mine? This program holds Mine; "));
}

TEST_CASE("workbench: what it says of itself") {
  const Said help = run("--help");
  CHECK(help.code == 0);
  CHECK(help.out == run("").out);
  for (const char* command :
       {"pretrain", "knn", "linear_probe", "extract_features", "reconstruct", "maps", "sample",
        "compare_reconstructions", "inspect", "convert", "fit_codebook"}) {
    CHECK_MESSAGE(has(help.out, std::string("\n  ") + command + " "), command);
    const Said of_command = run(std::string(command) + " --help");
    CHECK(of_command.code == 0);
    CHECK_MESSAGE(has(of_command.out, std::string("Begin with:  own_model ") + command + " --"),
                  command);
    CHECK(run(std::string(command) + " --version").out == "arvit 0.1.0\n");
    CHECK(has(run(std::string(command) + " --list-models").out, "SAIM_B16_raster"));
  }
  CHECK(run("--version").out == "arvit 0.1.0\n");
  CHECK(has(run("--list-models").out, "\n  Mine  "));
  CHECK(run("--list-models").out == run("knn --list-models").out);
  const Said wrong = run("kn --data x");
  CHECK(wrong.code == 2);
  CHECK(has(wrong.error, "command 'kn' is not known; did you mean 'knn'?"));
}

TEST_CASE("workbench: bash completes commands, options and the values that are known") {
  const std::string script = run("--completion bash").out;
  CHECK(has(completed(script, "own_model pre"), "pretrain"));
  CHECK(completed(script, "own_model linear_probe --me") == "--method\n");
  CHECK(completed(script, "own_model linear_probe --method ''") == "ridge logistic\n");
  CHECK(completed(script, "own_model pretrain --model ''") == "Mine\n");
  CHECK(completed(script, "own_model pretrain --preset semaim-paper2") == "semaim-paper200\n");
  CHECK(completed(script, "own_model pretrain --resu") == "--resume\n");
  CHECK(completed(script, "own_model pretrain --data x") == "\n");  // left to the file names
  CHECK(run("--completion fish").error == "error: --completion is 'fish'; it must be bash.\n");
  // A command alone offers its own.
  const std::string of_knn = run("knn --completion words").out;
  CHECK(has(of_knn, "--pooling = class mean\n"));
  CHECK(has(of_knn, "--data = \n"));
}
