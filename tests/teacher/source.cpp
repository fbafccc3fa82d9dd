// SPDX-License-Identifier: BSL-1.0
#include "arvit/teacher/source.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <vector>

#include "arvit/io/npy.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/teacher/codebook.hpp"
#include "arvit/train/checkpoint_folder.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;

namespace {
/// A safetensors file of one number.
std::string one_tensor(const std::filesystem::path& path, const Metadata& metadata = {}) {
  const float number = 1;
  const StoredTensor tensor{"x", StoredType::F32, {1}, std::as_bytes(std::span(&number, 1))};
  write_safetensors(path, std::span(&tensor, 1), metadata);
  return path.string();
}
}  // namespace

TEST_CASE("source: what a path is follows from what lies there, not from its name") {
  const test::TemporaryFolder folder;
  CHECK(look_at("").is(Source::Kind::none));
  const std::string encoder = one_tensor(folder / "encoder.npy");
  CHECK(look_at(encoder).is(Source::Kind::checkpoint));
  CHECK(look_at(encoder).path == encoder);

  const std::string codebook = (folder / "codebook").string();
  save_codebook(codebook, Codebook{1, {0, 0, 0, 1, 1, 1}, "stripes", 0, 0});
  CHECK(look_at(codebook).is(Source::Kind::codebook));

  const std::string numbers = (folder / "numbers.safetensors").string();
  write_npy(numbers, xt::xarray<float>(xt::zeros<float>({2, 3})));
  CHECK(look_at(numbers).is(Source::Kind::numbers));
  CHECK(look_at(numbers).path == numbers);
}

TEST_CASE("source: the folder of a run is its newest checkpoint") {
  const test::TemporaryFolder folder;
  const CheckpointFolder run(folder.path().string());
  one_tensor(run.path(2));
  one_tensor(run.path(10));
  const Source source = look_at(folder.path().string());
  CHECK(source.is(Source::Kind::checkpoint));
  CHECK(source.path == run.path(10));
}

TEST_CASE("source: what is nothing of these is one sentence") {
  const test::TemporaryFolder folder;
  const auto said = [](const std::filesystem::path& path) {
    return test::message_of<FileError>([&] { look_at(path.string()); });
  };
  CHECK(said(folder / "none") ==
        (folder / "none").string() +
            ": there is no such file; give a checkpoint, the folder of a run, a codebook or an npy "
            "file.");
  CHECK(said(folder.path()).find("the folder holds no checkpoint-*.safetensors") !=
        std::string::npos);
  for (const std::string_view bytes : {"", "pictures", "a longer text than that"}) {
    test::write_bytes(folder / "text", bytes);
    CHECK(said(folder / "text") ==
          (folder / "text").string() +
              ": is neither a checkpoint nor a codebook nor an npy file; give one of these, or the "
              "folder of a run.");
  }
  const std::string cut = one_tensor(folder / "cut");
  std::filesystem::resize_file(cut, 40);
  CHECK(said(cut).find(cut + ": announces a header of") == 0);
}

TEST_CASE("source: of a checkpoint's run") {
  const test::TemporaryFolder folder;
  const std::string codebook = (folder / "codebook").string(), npy = (folder / "numbers").string();
  save_codebook(codebook, Codebook{1, {0, 0, 0, 1, 1, 1}, "stripes", 0, 0});
  write_npy(npy, xt::xarray<float>(xt::zeros<float>({2, 3})));
  const auto of_run = [&](const std::string& teacher) {
    const std::string options = text("{\"teacher\":\"", teacher, "\",\"condition\":\"\"}");
    return source_of_run(Safetensors(one_tensor(folder / "run", {{"options", options}})),
                         "teacher");
  };
  const std::string needs = (folder / "run").string() +
                            ": its encoder needs the teacher of its run, ",
                    remedy = "; give what makes it of any picture, or choose another checkpoint.";
  CHECK(of_run(codebook).is(Source::Kind::codebook));
  CHECK(test::message_of<OptionError>([&] { of_run(""); }) ==
        needs + "and the file names none" + remedy);
  CHECK(test::message_of<OptionError>([&] { of_run(npy); }) ==
        needs + npy + ", which holds that run's pictures only" + remedy);
  CHECK(test::message_of<FileError>([&] { of_run(npy + "-gone"); }).find("there is no such file") !=
        std::string::npos);
}

TEST_CASE("source: what gave numbers to a run is known by its identity") {
  const test::TemporaryFolder folder;
  const Safetensors of_one(one_tensor(folder / "one", {{"given_by", "one; two"}})),
      of_none(one_tensor(folder / "none"));
  CHECK_NOTHROW(check_gave(of_one, "file", "two"));
  CHECK_NOTHROW(check_gave(of_none, "file", "three"));
  CHECK(test::message_of<OptionError>([&] { check_gave(of_one, "file", "three"); }) ==
        "file: is not what the run of " + of_one.path() +
            " had; it is three, the run had one; two; give that.");
}
