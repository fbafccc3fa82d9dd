// SPDX-License-Identifier: BSL-1.0
#include "arvit/teacher/cache.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <fstream>
#include <sstream>
#include <type_traits>

#include "arvit/core/dtype.hpp"
#include "support/made_run.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;

namespace {

constexpr std::int64_t image_width = 6, width = 5, pictures = 7;

/// The crop of a picture in an epoch, and what the teacher below gives for it.
std::vector<float> crop(const Counter& picture) {
  std::vector<float> image(image_width);
  fill_uniform(image, picture);
  return image;
}
struct CountingTeacher {
  std::int64_t asked = 0, calls = 0;
  void operator()(const float* images, std::span<const Counter> of, float* given) {
    asked += static_cast<std::int64_t>(of.size());
    ++calls;
    for (std::size_t i = 0; i < of.size(); ++i, images += image_width)
      for (std::int64_t c = 0; c < width; ++c) *given++ = 1 / (3 + images[c] * images[c + 1]);
  }
};
FrozenTeacher frozen(CountingTeacher& teacher, bool halves = false) {
  return {.tokens = std::ref(teacher), .identity = "a teacher", .halves = halves};
}

TeacherCacheOptions cache_options(const std::filesystem::path& path, std::int64_t views = 2) {
  TeacherCacheOptions options;
  options.path = path.string();
  options.key = {{"pictures", "of a test"}, {"crops", "all alike"}};
  options.pictures = pictures;
  options.views = views;
  options.image_width = image_width;
  options.width = width;
  return options;
}
/// What the cache gives for some pictures of an epoch, whose crops are those of epoch % views.
std::vector<float> given(TeacherCache& cache, std::uint32_t epoch,
                         const std::vector<std::uint32_t>& which, std::uint32_t views = 2) {
  std::vector<float> images, numbers(which.size() * width);
  std::vector<Counter> counters;
  for (const std::uint32_t picture : which) {
    const auto image = crop({4, epoch % views, picture});
    images.insert(images.end(), image.begin(), image.end());
    counters.push_back({4, epoch, picture});
  }
  cache(images.data(), counters, numbers.data());
  return numbers;
}
const std::vector<std::uint32_t> all{3, 1, 0, 6, 5, 2, 4};

void overwrite(const std::filesystem::path& path, std::int64_t at, std::string_view bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(at) << bytes;
}
constexpr std::int64_t text_bytes = 4096, slot_bytes = 8 + width * 4;

}  // namespace

TEST_CASE("teacher cache: a hit has the bits of the computation, in this run and in the next") {
  const test::TemporaryFolder folder;
  for (const bool halves : {false, true}) {
    CAPTURE(halves);
    CountingTeacher teacher;
    const auto path = folder / (halves ? "halves" : "floats");
    std::vector<float> expected[2];
    {
      TeacherCache cache(cache_options(path), frozen(teacher, halves));
      CHECK(cache.describe() == text("teacher cache ", path.string(), ": room for all 14 crops, ",
                                     halves ? 18 : 28, " bytes each"));
      CHECK(std::filesystem::file_size(path) == 4096 + 14 * (halves ? 18 : 28));
      for (const std::uint32_t epoch : {0, 1}) expected[epoch] = given(cache, epoch, all);
      CHECK(cache.computed() == 14);
      CHECK(expected[0] != expected[1]);
      for (const std::uint32_t epoch : {2, 3})
        CHECK(given(cache, epoch, all) == expected[epoch % 2]);
      CHECK(teacher.asked == 14);
    }
    TeacherCache again(cache_options(path), frozen(teacher, halves));
    for (const std::uint32_t epoch : {0, 1, 4})
      CHECK(given(again, epoch, all) == expected[epoch % 2]);
    CHECK(again.computed() == 0);
    CHECK(teacher.asked == 14);
    CountingTeacher alone;
    for (std::size_t i = 0; i < all.size(); ++i) {
      float numbers[width];
      const Counter counter{4, 1, all[i]};
      alone(crop(counter).data(), std::span(&counter, 1), numbers);
      for (std::int64_t c = 0; c < width; ++c)
        CHECK(expected[1][i * width + static_cast<std::size_t>(c)] ==
              (halves ? static_cast<float>(bf16(numbers[c])) : numbers[c]));
    }
  }
}

TEST_CASE("teacher cache: pictures without a hit go to the teacher together, and no other") {
  const test::TemporaryFolder folder;
  CountingTeacher teacher;
  TeacherCache cache(cache_options(folder / "cache"), frozen(teacher));
  const auto some = given(cache, 0, {1, 5});
  CHECK(teacher.calls == 1);
  const auto whole = given(cache, 0, {0, 1, 2, 3, 4, 5, 6});
  CHECK(teacher.calls == 4);  // 0; 2 to 4; 6
  CHECK(teacher.asked == 7);
  CHECK(std::equal(some.begin(), some.begin() + width, whole.begin() + width));
  CHECK(std::equal(some.begin() + width, some.end(), whole.begin() + 5 * width));
  CountingTeacher fresh;
  TeacherCache other(cache_options(folder / "other"), frozen(fresh));
  CHECK(given(other, 0, {0, 1, 2, 3, 4, 5, 6}) == whole);
}

TEST_CASE("teacher cache: what is damaged, half written or of another crop is computed again") {
  const test::TemporaryFolder folder;
  const auto path = folder / "cache";
  CountingTeacher teacher;
  const auto opened = [&] { return TeacherCache(cache_options(path), frozen(teacher)); };
  const auto expected = given(*std::make_unique<TeacherCache>(cache_options(path), frozen(teacher)),
                              0, all);
  for (const std::int64_t byte : {0, 7, 8, 20, 27}) {  // of the checksum, of the numbers
    CAPTURE(byte);
    std::ostringstream contents;
    contents << std::ifstream(path, std::ios::binary).rdbuf();
    const std::int64_t at = text_bytes + 3 * slot_bytes + byte;
    overwrite(path, at,
              std::string(1, static_cast<char>(contents.str()[static_cast<std::size_t>(at)] ^ 16)));
    TeacherCache cache = opened();
    CHECK(given(cache, 0, all) == expected);
    CHECK(cache.computed() == 1);
    CHECK(given(cache, 2, all) == expected);
    CHECK(cache.computed() == 1);
  }
  overwrite(
      path, text_bytes + 2 * slot_bytes + 12,
      std::string(3 * slot_bytes, '\0'));  // what a power cut leaves: pages that were never written
  TeacherCache cache = opened();
  CHECK(given(cache, 0, all) == expected);
  CHECK(cache.computed() == 4);
  // The same slots for other crops, as after pictures were exchanged in their folder.
  std::vector<float> image = crop({9, 9, 9}), numbers(width), right(width);
  const Counter counter{4, 0, 3};
  cache(image.data(), std::span(&counter, 1), numbers.data());
  CountingTeacher()(image.data(), std::span(&counter, 1), right.data());
  CHECK(cache.computed() == 5);
  CHECK(numbers == right);
}

TEST_CASE(
    "teacher cache: crops beyond the limit are computed every time, and the file does not exceed "
    "it") {
  const test::TemporaryFolder folder;
  const auto path = folder / "cache";
  CountingTeacher teacher;
  TeacherCacheOptions options = cache_options(path);
  options.gigabytes = (4096 + 10.5 * slot_bytes) * 1e-9;
  std::vector<float> expected;
  {
    TeacherCache cache(options, frozen(teacher));
    CHECK(cache.describe() ==
          text("teacher cache ", path.string(),
               ": room for 10 of 14 crops, 28 bytes each; the others are computed every time"));
    expected = given(cache, 1, all);
    CHECK(given(cache, 3, all) == expected);
    CHECK(cache.computed() == 7 + 4);
    CHECK(std::filesystem::file_size(path) == 4096 + 10 * slot_bytes);
  }
  TeacherCache again(cache_options(path), frozen(teacher));  // the limit is that of a new file
  CHECK(given(again, 1, all) == expected);
  CHECK(again.computed() == 4);
  options.path = (folder / "none").string();
  options.gigabytes = 4e-6;
  CHECK(test::message_of<OptionError>([&] { TeacherCache(options, frozen(teacher)); }) ==
        options.path +
            ": what the teacher gives for one crop takes 28 bytes, so none fits into 4e-06 * 10^9 "
            "bytes; give the cache more.");
  CHECK_FALSE(std::filesystem::exists(options.path));
}

TEST_CASE("teacher cache: a file that does not fit is one sentence, and stays as it is") {
  const test::TemporaryFolder folder;
  const auto path = folder / "cache";
  CountingTeacher teacher;
  const auto made = [&] {
    std::filesystem::remove(path);
    TeacherCache cache(cache_options(path), frozen(teacher));
    given(cache, 0, all);
  };
  const auto refused = [&](const TeacherCacheOptions& options, const FrozenTeacher& by) {
    return test::message_of<FileError>([&] { TeacherCache(options, by); });
  };
  const auto says = [&](std::string_view part, const std::string& message) {
    INFO(message);
    CHECK(message.starts_with(path.string() + ": "));
    CHECK(message.find(part) != std::string::npos);
  };
  made();
  FrozenTeacher other = frozen(teacher);
  other.identity = "another";
  says(
      "holds other numbers (teacher: a teacher; here: another); give the teacher, pictures and "
      "options that it was made with, or another cache.",
      refused(cache_options(path), other));
  TeacherCacheOptions options = cache_options(path);
  options.key[1].second = "of seed 7";
  says("(crops: all alike; here: of seed 7)", refused(options, frozen(teacher)));
  options = cache_options(path);
  options.key.pop_back();
  says("says nothing of its numbers", refused(options, frozen(teacher)));
  options = cache_options(path);
  options.pictures = 8;
  says("(numbers: 7 pictures, 5 numbers each in fp32; here: 8 pictures, 5 numbers each in fp32)",
       refused(options, frozen(teacher)));
  says("here: 7 pictures, 5 numbers each in bf16)",
       refused(cache_options(path), frozen(teacher, true)));
  {
    TeacherCache open(cache_options(path), frozen(teacher));
    says("is in use by another run; give each its own cache",
         refused(cache_options(path), frozen(teacher)));
  }
  const auto fails = [&](std::string_view part) {
    says(part, refused(cache_options(path), frozen(teacher)));
  };
  std::filesystem::resize_file(path, 4096 + 14 * slot_bytes - 1);
  fails("is cut short: has 4487 of its 4488 bytes; delete it, and it is made anew.");
  std::filesystem::resize_file(path, 60);
  fails("is cut within the text at its beginning; delete it");
  std::filesystem::resize_file(path, 0);
  fails("is no teacher cache");
  made();
  overwrite(path, 40, "9");
  fails("the text at its beginning is damaged; delete it");
  test::write_bytes(path, std::string_view("pictures"));
  fails(
      "is no teacher cache, those begin with 'arvit teacher cache 1'; choose another "
      "file.");
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  fails("is a folder");
  options = cache_options(folder / "no" / "cache");
  CHECK(refused(options, frozen(teacher))
            .find("its folder " + (folder / "no").string() + " does not exist; create it first.") !=
        std::string::npos);
}

TEST_CASE("teacher cache: on a full disk it says so once and goes on without growing") {
  const test::TemporaryFolder folder;
  const auto path = folder / "cache";
  CountingTeacher teacher, alone;
  TeacherCacheOptions options = cache_options(path);
  std::vector<std::string> lines;
  options.report = [&](const std::string& line) { lines.push_back(line); };
  TeacherCache cache(options, frozen(teacher));
  given(cache, 0, {0, 1, 2});
  {
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit limit{4096 + 5 * slot_bytes + 9, before.rlim_max};  // the sixth slot is cut
    const auto handler = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    given(cache, 0, all);
    given(cache, 1, all);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
  }
  REQUIRE(lines.size() == 1);
  CHECK(lines[0] == path.string() +
                        ": cannot be written (File too large); the cache grows no more, and the "
                        "teacher computes what it lacks.");
  TeacherCacheOptions whole = cache_options(folder / "whole");
  TeacherCache other(whole, frozen(alone));
  CHECK(given(other, 0, {0, 1, 2}).size() == 3 * width);
  for (const std::uint32_t epoch : {0, 1})
    CHECK(given(cache, epoch, all) == given(other, epoch, all));
}

namespace {
using TeacherEncoder = ViT<2, 8, 2, Patch<4>, Image<12>>;
using Student = Pretrainer<ViT<3, 12, 3, Patch<4>, Image<12>>, Decoder<Parallel<1>>,
                           OrderPolicy<Stochastic>, Target<Features<TeacherEncoder>>>;

RunOptions run_options(const std::filesystem::path& out) {
  return test::quick_made_run(out, "Student", 4);
}
}  // namespace

TEST_CASE(
    "teacher cache: runs with it have the losses of runs without, in fp32 and bf16, with views, "
    "fresh crops and whole pictures") {
  const test::TemporaryFolder folder;
  test::losses_of<test::SmallModel<>>(run_options(folder / "teacher"));
  const auto check = [&]<class D>(D*, const std::string& precision) {
    for (const int way : {0, 1, 2}) {
      CAPTURE(precision);
      CAPTURE(way);
      RunOptions options = run_options(folder / text(precision, way));
      options.teacher.path = (folder / "teacher").string();
      if (way == 1) options.pictures.views = 2;
      options.pictures.whole_picture = way == 2;
      const auto without = test::losses_of<Student, D>(options);
      options.teacher.cache = (folder / text("cache", precision, way)).string();
      options.files.out += "-first";
      std::ostringstream said;
      CHECK(test::losses_of<Student, D>(options, &said) == without);
      const std::string room = text("room for all ",
                                    12 * (way == 0   ? 4
                                          : way == 1 ? 2
                                                     : 1),
                                    " crops");
      CHECK_MESSAGE(said.str().find(room) != std::string::npos, said.str());
      options.files.out += "-second";
      CHECK(test::losses_of<Student, D>(options) == without);
      options.seed = 1;
      options.files.out += "-seed";
      const std::string seed = test::message_of<FileError>(
          [&] { test::losses_of<Student, D>(options); });
      if (way == 2)
        CHECK(seed == "");  // whole pictures know no seed
      else
        CHECK_MESSAGE(seed.find("seed 0, mean") != std::string::npos, seed);
      options.seed = 0;
      options.files.out += "-bounded";
      options.teacher.cache += "-bounded";
      options.teacher.cache_gigabytes = 1e-5;
      CHECK(test::losses_of<Student, D>(options) == without);
    }
  };
  check(static_cast<Cpu<Fp32>*>(nullptr), "fp32");
  check(static_cast<Cpu<Bf16>*>(nullptr), "bf16");
}

TEST_CASE(
    "teacher cache: a run refuses what another teacher of the same type made, and what was made of "
    "other pictures") {
  const test::TemporaryFolder folder;
  for (const std::uint64_t seed : {0, 1}) {
    RunOptions options = run_options(folder / text("teacher", seed));
    options.seed = seed;
    test::losses_of<test::SmallModel<>>(options);
  }
  RunOptions options = run_options(folder / "first");
  options.teacher.path = (folder / "teacher0").string();
  options.teacher.cache = (folder / "cache").string();
  const auto losses = test::losses_of<Student>(options);
  const auto refused = [&]<class Model>(std::type_identity<Model>) {
    return test::message_of<FileError>([&] { test::losses_of<Model>(options); });
  };
  options.files.out += "-other";
  options.teacher.path = (folder / "teacher1").string();
  const std::string other = refused(std::type_identity<Student>{});
  CHECK_MESSAGE(
      other.starts_with(
          options.teacher.cache +
          ": holds other numbers (teacher: ViT<2,8,2,Patch<4>,Image<12,12>>, parameters "),
      other);
  CHECK_MESSAGE(
      other.find("; here: ViT<2,8,2,Patch<4>,Image<12,12>>, parameters ") != std::string::npos,
      other);
  std::filesystem::rename(folder / "teacher0", folder / "moved");
  options.teacher.path = (folder / "moved").string();
  CHECK(test::losses_of<Student>(options) == losses);

  struct OneChanged : test::MadePictures {
    Picture picture(std::int64_t i) const {
      Picture changed = MadePictures::picture(i);
      if (i == 7) changed.row(11)[35] ^= 1;
      return changed;
    }
  };
  options.files.out += "-pictures";
  const std::string pictures_differ = test::message_of<FileError>([&] {
    test::train<Student>(OneChanged{{12, 12}}, options, {{nullptr, false}, {}});
  });
  CHECK_MESSAGE(pictures_differ.starts_with(options.teacher.cache +
                                            ": holds other numbers (pictures: 12, contents "),
                pictures_differ);

  using OnCodes =
      Pretrainer<TeacherEncoder, Decoder<Causal>, OrderPolicy<Raster>, Target<Codes<4>>>;
  Codebook codebook{4, std::vector<float>(4 * 48), "stripes", 0, 0};
  for (std::size_t i = 0; i < codebook.centroids.size(); ++i)
    codebook.centroids[i] = static_cast<float>(i / 48) / 3;
  save_codebook(folder / "codebook", codebook);
  codebook.centroids[60] = 0.5f;
  save_codebook(folder / "other", codebook);
  options.files.out = (folder / "codes").string();
  options.teacher.path = (folder / "codebook").string();
  options.teacher.cache = (folder / "cached-codes").string();
  test::losses_of<OnCodes>(options);
  options.files.out += "-other";
  options.teacher.path = (folder / "other").string();
  const std::string codes = refused(std::type_identity<OnCodes>{});
  CHECK_MESSAGE(
      codes.starts_with(
          options.teacher.cache +
          ": holds other numbers (teacher: codebook of 4 codes for patches of 4 pixels, "),
      codes);
}

TEST_CASE(
    "teacher cache: a second run asks the teacher for nothing; one that was interrupted only for "
    "what it had not reached") {
  const test::TemporaryFolder folder;
  std::int64_t asked = 0;
  const auto run = [&](const std::string& name, int epochs) {
    const FrozenTeacher teacher{
        .tokens =
            [&](const float* images, std::span<const Counter> of, float* numbers) {
              asked += static_cast<std::int64_t>(of.size());
              constexpr std::int64_t wide = Student::batch_widths.tokens;
              for (std::size_t i = 0; i < of.size() * wide; ++i)
                numbers[i] = images[i / wide * Student::Grid::image_width + i % wide];
            },
        .identity = "pixels"};
    RunOptions options = run_options(folder / name);
    options.schedule.epochs = epochs;
    auto loader = test::made_loader({12, 12}, options.batch.images_per_micro_batch(),
                                    options.batch.accumulation(), options.seed);
    Cpu<Fp32> device({1, {}});
    TeacherCacheOptions cache{(folder / "cache").string(), {}, 12, 4, Student::Grid::image_width,
                              Student::batch_widths.tokens};
    std::vector<double> losses;
    Trainer<Student, Cpu<Fp32>, decltype(loader)> trainer(
        device, loader, options, {.teacher = cached(teacher, cache, nullptr)},
        {{nullptr, false}, [&](const StepRecord& record) { losses.push_back(record.loss); }});
    trainer.run();
    return losses;
  };
  run("part", 2);
  CHECK(asked == 2 * 12);
  const auto first = run("first", 4);
  CHECK(asked == 4 * 12);
  CHECK(run("second", 4) == first);
  CHECK(asked == 4 * 12);
}

TEST_CASE(
    "teacher: the memory plan names what it holds, true within 3 % of what the process needed for "
    "it") {
  const test::TemporaryFolder folder;
  using Large =
      ViT<4, 1024, 2, Patch<4>, Image<48>, MlpRatio<2>>;  // some 130 MB of parameters; 145 tokens
  using Learner = Pretrainer<ViT<1, 12, 3, Patch<4>, Image<48>>, Decoder<Parallel<1>>,
                             OrderPolicy<Stochastic>, Target<Features<Large>>>;
  const std::vector<float> parameters(Large::parameter_count, 0.01f);
  std::vector<StoredTensor> tensors;
  for (const auto& [name, tensor, offset] : Large::parameters())
    tensors.push_back({name, StoredType::F32, detail::stored_shape(tensor),
                       std::as_bytes(std::span(parameters)
                                         .subspan(static_cast<std::size_t>(offset),
                                                  static_cast<std::size_t>(tensor.size())))});
  write_safetensors(folder / "large.safetensors", tensors);
  const auto measure = [&]<class D>(std::type_identity<D>, const std::string& name) {
    const pid_t child = fork();
    if (child == 0) {
      D device({1, {}});
      const Source source{Source::Kind::checkpoint, (folder / "large.safetensors").string()};
      constexpr int micro_batch = 32;
      const std::vector<float> images(micro_batch * Learner::Grid::image_width);
      HostBatch<float> features(Learner::batch_widths.beside_pixels(), micro_batch);
      const std::vector<Counter> counters(micro_batch);
      const auto made = [&] {
        FrozenTeacher teacher = make_teacher<Learner>(device, source, {.micro_batch = micro_batch});
        teacher.fill(images.data(), counters, features.first(micro_batch));
        return teacher;
      };
      const FrozenTeacher first = made();  // the device's own scratch memory has grown
      const std::int64_t before = process_bytes("VmRSS");
      const FrozenTeacher teacher = made();
      std::ofstream file(folder / name);
      file << process_bytes("VmRSS") - before;
      for (const MemoryTable::Line& line : teacher.memory) file << ' ' << line.bytes;
      file.close();
      _exit(0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    REQUIRE(status == 0);
    double held = 0, first = 0, second = 0;
    std::ifstream(folder / name) >> held >> first >> second;
    MESSAGE(name, ": plan ", (first + second) / (1 << 20), " MiB, of which parameters ",
            first / (1 << 20), ", needed ", held / (1 << 20), " MiB");
    CHECK(first >= 4.0 * Large::parameter_count);
    CHECK(second > 32.0 * 145 * 1024 * 4);
    CHECK(std::abs(held - first - second) < 0.03 * held);
  };
  measure(std::type_identity<Cpu<Fp32>>{}, "fp32");
  measure(std::type_identity<Cpu<Bf16>>{}, "bf16");
}
