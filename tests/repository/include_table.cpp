// SPDX-License-Identifier: BSL-1.0
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

/// Who may include whom in include/arvit. The table is here and nowhere else; the test reads every
/// #include line against it.
namespace {

using Names = std::vector<std::string>;

/// One line of the table. A folder may always include itself and std.
struct Rule {
  /// A folder, or one header, relative to include/arvit; the longest that fits a header decides.
  std::string who;
  Names arvit;         ///< folders ("core/"; "" is all) and files ("order/rank.hpp")
  Names outside = {};  ///< groups of `outside_headers`
};

const std::vector<Rule> table = {
    {"core/", {}},
    {"device/", {"core/"}},
    {"device/host_memory.hpp", {"core/"}, {"system"}},
    {"device/cpu/",
     {"core/", "device/"},
     {"system", "intrinsics", "eigen", "cblas", "onednn", "openmp"}},
    {"device/cuda/", {"core/", "device/"}, {"system", "cuda"}},
    {"nn/", {"core/", "device/concept.hpp"}},
    {"order/", {"nn/readout.hpp", "core/"}},
    {"target/", {"nn/", "order/rank.hpp", "core/", "device/concept.hpp"}},
    {"decoder/", {"nn/", "order/rank.hpp", "core/", "device/concept.hpp"}},
    {"model/", {"decoder/", "target/", "order/", "nn/", "core/", "device/"}},
    {"variants/",
     {"model/", "decoder/", "target/", "order/", "nn/", "core/", "device/concept.hpp"}},
    {"io/", {"core/"}, {"system", "xtensor", "zlib"}},
    {"data/", {"io/", "core/"}, {"system"}},
    {"data/decode.hpp", {"io/", "core/", "data/"}, {"system", "jpeg", "png"}},
    {"parallel/", {"device/concept.hpp", "core/"}, {"system"}},
    {"train/", {"parallel/", "device/", "io/", "core/"}, {"system"}},
    {"tower/", {"nn/", "device/", "core/"}},
    {"text/", {"io/", "core/"}},
    {"weights/", {"train/", "data/", "io/", "tower/", "model/", "nn/", "core/"}},
    {"teacher/",
     {"weights/", "tower/", "text/", "train/", "data/", "io/", "model/", "device/", "core/"},
     {"eigen"}},
    {"run/",
     {"teacher/", "weights/", "train/", "data/", "io/", "variants/", "model/", "device/", "core/"}},
    {"run/command_line.hpp", {"train/", "run/", "variants/", "core/"}, {"cli11"}},
    {"eval/",
     {"teacher/", "weights/", "tower/", "train/", "data/", "io/", "variants/", "model/", "nn/",
      "device/", "core/"},
     {"eigen"}},
    {"show/",
     {"eval/", "teacher/", "weights/", "tower/", "train/", "data/", "io/", "variants/", "model/",
      "order/", "device/", "core/"}},
    {"sweep/", {""}},
    {"workbench/", {""}},
    {"arvit.hpp", {""}},
    {"models.hpp", {"variants.hpp", "model/", "decoder/", "target/", "order/"}},
    {"variants.hpp", {"variants/"}},
    {"workbench.hpp", {"workbench/"}},
};

/// Where included files come from, by name or by folder. A name with neither a dot nor a folder is
/// std.
const std::vector<std::pair<std::string, Names>> outside_headers = {
    {"xtensor", {"xtensor/", "xtl/"}},
    {"zlib", {"zlib.h"}},
    {"jpeg", {"jpeglib.h", "jerror.h"}},
    {"png", {"png.h"}},
    {"cli11", {"CLI/"}},
    {"eigen", {"Eigen/", "unsupported/Eigen/"}},
    {"cblas", {"cblas.h"}},
    {"onednn", {"dnnl.h", "oneapi/dnnl/dnnl.h"}},
    {"openmp", {"omp.h"}},
    {"cuda",
     {"cuda.h", "cuda_runtime.h", "cuda_runtime_api.h", "cuda_bf16.h", "cublasLt.h", "nccl.h",
      "mma.h", "cuda/", "cub/", "nvtx3/"}},
    {"intrinsics", {"immintrin.h", "cpuid.h", "arm_neon.h"}},
    {"system",
     {"unistd.h", "fcntl.h", "signal.h", "time.h", "sched.h", "malloc.h", "pthread.h", "dirent.h",
      "sys/"}},
};

/// Whether `name` is one of `places`, or lies in one of them that is a folder.
bool lies_in(const std::string& name, const Names& places) {
  return std::any_of(places.begin(), places.end(), [&](const std::string& place) {
    return name == place || ((place.empty() || place.ends_with('/')) && name.starts_with(place));
  });
}

std::string origin(const std::string& included) {
  for (const auto& [group, places] : outside_headers)
    if (lies_in(included, places)) return group;
  return included.find_first_of("./") == std::string::npos ? "std" : "unknown";
}

/// The definitions of x.hpp, impl/x.ipp, may include what x.hpp may.
std::string declaring(std::string header) {
  if (const auto at = header.find("/impl/"); at != std::string::npos && header.ends_with(".ipp")) {
    header.replace(header.size() - 4, 4, ".hpp");
    header.erase(at, 5);
  }
  return header;
}

const Rule* rule_of(const std::string& of) {
  const std::string header = declaring(of);
  const Rule* found = nullptr;
  for (const Rule& rule : table)
    if (lies_in(header, {rule.who}) && (found == nullptr || rule.who.size() > found->who.size()))
      found = &rule;
  return found;
}

/// What is wrong with `header` including `line`'s file, or "".
std::string complaint(const std::string& header, const std::string& line) {
  const auto begin = line.find_first_of("<\""), end = line.find_first_of(">\"", begin + 1);
  if (line == "#include ARVIT_MODELS_HEADER") return "";  // the user's
  if (begin == std::string::npos || end == std::string::npos)
    return header + ": '" + line + "' names no file.";
  const std::string included = line.substr(begin + 1, end - begin - 1);
  const Rule* rule = rule_of(header);
  if (rule == nullptr) return header + " has no line in the include table; add one for its folder.";
  if (included.starts_with("arvit/")) {
    const std::string target = included.substr(6);
    if (lies_in(target, {rule->who}) || lies_in(target, rule->arvit)) return "";
    return header + " includes " + included + ", which the line '" + rule->who +
           "' of the include table does not allow.";
  }
  const std::string group = origin(included);
  if (group == "unknown")
    return header + " includes " + included +
           ": write arvit's files as arvit/..., and give others a group.";
  if (group == "std" ||
      std::find(rule->outside.begin(), rule->outside.end(), group) != rule->outside.end())
    return "";
  return header + " includes " + included + " (" + group + "), which the line '" + rule->who +
         "' of the include table does not allow.";
}

/// The #include lines of a header. Lines of #if branches count like all others.
Names include_lines(const std::filesystem::path& file) {
  std::ifstream stream(file);
  Names lines;
  for (std::string line; std::getline(stream, line);) {
    const auto hash = line.find_first_not_of(" \t");
    if (hash == std::string::npos || line[hash] != '#') continue;
    const auto word = line.find_first_not_of(" \t", hash + 1);
    if (word != std::string::npos && line.compare(word, 7, "include") == 0) lines.push_back(line);
  }
  return lines;
}

/// The header whose definitions a file holds: data/impl/decode.ipp is of data/decode.hpp.
std::string header_of(const std::string& file) {
  const auto impl = file.find("/impl/");
  if (impl == std::string::npos || !file.ends_with(".ipp")) return file;
  return file.substr(0, impl + 1) + file.substr(impl + 6, file.size() - impl - 10) + ".hpp";
}

}  // namespace

TEST_CASE("include table: every #include of the library is allowed") {
  const std::filesystem::path root = std::filesystem::path(ARVIT_SOURCE_DIR) / "include" / "arvit";
  int lines = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    const std::string header = header_of(
        std::filesystem::relative(entry.path(), root).generic_string());
    for (const std::string& line : include_lines(entry.path())) {
      CHECK_MESSAGE(complaint(header, line) == "", complaint(header, line));
      ++lines;
    }
  }
  CHECK(lines > 20);  // the headers were found and read
}

TEST_CASE("include table: what it forbids is found") {
  const auto forbidden = [](const std::string& header, const std::string& line) {
    return complaint(header, line) != "";
  };
  CHECK(forbidden("core/rows.hpp", "#include <Eigen/Dense>"));
  CHECK(forbidden("core/rows.hpp", "#include <arvit/io/npy.hpp>"));
  CHECK(forbidden("core/rows.hpp", "#include <unistd.h>"));
  CHECK(forbidden("core/rows.hpp", "#include \"random.hpp\""));
  CHECK(forbidden("io/json_reader.hpp", "#include <nlohmann/json.hpp>"));
  CHECK(forbidden("device/concept.hpp", "#  include \"Eigen/Core\""));
  CHECK(forbidden("device/reference.hpp", "#include <arvit/nn/linear.hpp>"));
  CHECK(forbidden("nn/linear.hpp", "#include <arvit/device/reference.hpp>"));
  CHECK(forbidden("decoder/parallel.hpp", "#include <arvit/order/raster.hpp>"));
  CHECK(forbidden("models.hpp", "#include <arvit/device/cpu/gemm.hpp>"));
  CHECK(forbidden("data/loader.hpp", "#include <jpeglib.h>"));
  CHECK(forbidden("data/impl/image.ipp", "#include <jpeglib.h>"));
  CHECK(forbidden("data/loader.hpp", "#include <arvit/model/vit.hpp>"));
  CHECK(forbidden("train/trainer.hpp", "#include <CLI/CLI.hpp>"));
  CHECK(forbidden("train/trainer.hpp", "#include <arvit/model/vit.hpp>"));
  CHECK(forbidden("device/cpu/gemm.hpp", "#include <dnnl.hpp>"));  // its C++ header stops nvcc
  CHECK(forbidden("eval/knn.hpp", "#include <spdlog/spdlog.h>"));
  CHECK(forbidden("data/impl/image.ipp", "#include <jpeglib.h>"));
  CHECK(forbidden("weights/timm.hpp", "#include \"arvit/teacher/teacher.hpp\""));
  CHECK(forbidden("somewhere/else.hpp", "#include <vector>"));

  CHECK_FALSE(forbidden("core/rows.hpp", "#include <vector>"));
  CHECK_FALSE(forbidden("core/layout.hpp", "#include \"arvit/core/rows.hpp\""));
  CHECK_FALSE(forbidden("io/npy.hpp", "#include <xtensor/xnpy.hpp>"));
  CHECK_FALSE(forbidden("device/cpu/gemm.hpp", "#include <dnnl.h>"));
  CHECK_FALSE(forbidden("device/cpu/gemm.hpp", "#include <arvit/device/concept.hpp>"));
  CHECK_FALSE(forbidden("nn/linear.hpp", "#include <arvit/device/concept.hpp>"));
  CHECK_FALSE(forbidden("data/decode.hpp", "#include <jpeglib.h>"));
  CHECK_FALSE(forbidden("data/impl/decode.ipp", "#include <jpeglib.h>"));
  CHECK_FALSE(forbidden("models.hpp", "#include <arvit/variants.hpp>"));
  CHECK_FALSE(forbidden("run/command_line.hpp", "#include <CLI/CLI.hpp>"));
  CHECK_FALSE(forbidden("eval/knn.hpp", "#include <arvit/data/loader.hpp>"));
  CHECK(header_of("data/impl/decode.ipp") == "data/decode.hpp");
  CHECK(header_of("data/decode.hpp") == "data/decode.hpp");
}
