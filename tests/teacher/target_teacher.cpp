// SPDX-License-Identifier: BSL-1.0
#include "arvit/teacher/target_teacher.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include "arvit/decoder/twin.hpp"
#include "arvit/device/reference.hpp"
#include "arvit/io/npy.hpp"
#include "support/made_run.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;

namespace {
using TeacherEncoder = ViT<2, 8, 2, Patch<4>, Image<12>>;
using Teacher = test::SmallModel<>;
template <class O = Stochastic>
using Student = Pretrainer<ViT<3, 12, 3, Patch<4>, Image<12>>, Decoder<Parallel<1>>, OrderPolicy<O>,
                           Target<Features<TeacherEncoder>>>;
using FromTower = Pretrainer<ViT<1, 32, 1, Patch<16>, Image<224>>, Decoder<Distil>,
                             OrderPolicy<Stochastic>, Target<CLIP<>>>;
constexpr int tokens = 10, pictures = 12;

RunOptions student_options(const std::filesystem::path& out, const std::string& teacher) {
  RunOptions options = test::quick_made_run(out, "Student", 12);
  options.teacher.path = teacher;
  return options;
}
}  // namespace

TEST_CASE(
    "teacher: a run on stored features of whole pictures equals one with the teacher beside it") {
  const test::TemporaryFolder folder;
  const std::string checkpoint = test::made_teacher(folder / "teacher");
  RunOptions options = student_options(folder / "beside", checkpoint);
  options.pictures.whole_picture = true;
  const auto beside = test::losses_of<Student<>>(options);

  Cpu<Fp32> device({1, {}});
  EncoderTeacher<TeacherEncoder, Cpu<Fp32>> teacher(device, checkpoint, {});
  TrainTransformOptions transform;
  transform.height = transform.width = 12;
  transform.crop = Crop::center;
  transform.flip = 0;
  transform.normalisation = Normalisation::imagenet();
  TrainTransform whole(transform);
  xt::xarray<float> features = xt::zeros<float>({pictures, tokens, 8});
  std::vector<float> image(3 * 144);
  for (std::uint32_t i = 0; i < pictures; ++i) {
    const Counter counter{0, 0, i};
    whole(test::MadePictures{pictures, 12}.picture(i), counter, image.data());
    teacher(image.data(), std::span(&counter, 1), features.data() + std::size_t{i} * tokens * 8);
  }
  write_npy(folder / "features.npy", features);
  options.files.out = (folder / "stored").string();
  options.teacher.path = (folder / "features.npy").string();
  const auto stored = test::losses_of<Student<>>(options);
  REQUIRE(stored.size() == beside.size());
  for (std::size_t i = 0; i < stored.size(); ++i) CHECK(std::abs(stored[i] - beside[i]) < 1e-5);
  CHECK(stored.back() < 0.9 * stored.front());
}

TEST_CASE("teacher: an order from the teacher's features, and not from the student's") {
  const test::TemporaryFolder folder;
  const std::string checkpoint = test::made_teacher(folder / "teacher");
  using Model = Student<Semantic<FromTeacher>>;
  const auto losses = test::losses_of<Model>(student_options(folder / "run", checkpoint));
  CHECK(losses.back() < losses.front());

  Reference<double> device;
  PretrainPass<Model, Reference<double>> pass(device, 1, std::int64_t{1} << 24);
  const std::vector<double> zeros(Model::parameter_count);
  const typename PretrainPass<Model, Reference<double>>::Parameters parameters(
      Reading<Reference<double>>(zeros.data(), zeros.data()));
  for (const int best : {0, 4, 8}) {  // only this patch is like the class token
    std::vector<double> features(Model::batch_widths.tokens);
    for (int token = 0; token < tokens; ++token)
      features[token * 8 + (token == 0 || token == 1 + best ? 0 : 1)] = 1;
    pass.order(parameters, {.tokens = features}, std::vector<Counter>{{1, 0, 0}});
    // The 3 x 3 mean decides, so the nearest corner of a corner patch may come first; the first
    // patch is at most one step from it.
    const int first = pass.permutation()[0];
    CHECK(std::abs(first / 3 - best / 3) <= 1);
    CHECK(std::abs(first % 3 - best % 3) <= 1);
    if (best != 4) CHECK(first == best);
  }
}

TEST_CASE("teacher: a decoder that predicts nothing is no error beside one that does") {
  const test::TemporaryFolder folder;
  using Fine = ViT<1, 8, 2, Patch<2>, Image<12>>;  // 6 x 6 patches; the model has 3 x 3
  using Model =
      Pretrainer<TeacherEncoder, Decoder<Twin<1, 32, WholeImage>>, OrderPolicy<Cluster<1, 1>>,
                 Target<Features<Fine>, ResizePrediction<3, 3>>>;
  RunOptions options = student_options(folder / "teacher", "");
  options.schedule.epochs = 1;
  const std::string checkpoint =
      test::train<Pretrainer<Fine, Decoder<Parallel<1>>, OrderPolicy<Stochastic>, Target<Pixel>>>(
          test::MadePictures{pictures, 12}, options, {{nullptr, false}, {}})
          .checkpoint;
  const auto losses = test::losses_of<Model>(student_options(folder / "run", checkpoint));
  CHECK(std::isfinite(losses.front()));
  CHECK(losses.back() < 0.9 * losses.front());
}

TEST_CASE("teacher: a run says whether its codebooks were fitted to its pictures") {
  const test::TemporaryFolder folder;
  using Model = GVP<ViT<1, 8, 2, Patch<4>, Image<12>, NoClassToken, Conditions<Pooled<Codes<4>>>>,
                    Grouped<Random<2>>, Target<Codes<4>>>;
  const test::MadePictures set{pictures, 12};
  Codebook codebook{4, std::vector<float>(4 * 48), "stripes", 0, 0, contents_text(set), 12, 12};
  const std::string own = (folder / "own.safetensors").string(),
                    other = (folder / "other.safetensors").string();
  save_codebook(own, codebook);
  codebook.contents = "5, contents 5";
  save_codebook(other, codebook);
  const auto said = [&](const std::string& teacher, const std::string& condition) {
    RunOptions options = student_options(folder / text("run", teacher == own, condition == own),
                                         teacher);
    options.teacher.condition = condition;
    options.schedule.epochs = 1;
    std::ostringstream output;
    test::train<Model>(set, options, {{&output, false}, {}});
    return output.str();
  };
  CHECK(said(own, own).find("note that") == std::string::npos);
  CHECK(said(other, own).find(other + ": note that it was fitted to other pictures (stripes).") !=
        std::string::npos);
  CHECK(said(own, other).find(other + ": note that it was fitted to other pictures (stripes).") !=
        std::string::npos);
}

TEST_CASE("teacher: what is missing or does not fit is said in one sentence") {
  const test::TemporaryFolder folder;
  const std::string checkpoint = test::made_teacher(folder / "teacher");
  const auto failing = [&]<class Model>(RunOptions options) {
    return test::message_of<Error>([&] { test::losses_of<Model>(options); });
  };
  const auto with = [&](const std::string& teacher) {
    return student_options(folder / "run", teacher);
  };
  CHECK(failing.operator()<Student<>>(with("")) ==
        "Student predicts the features of a teacher; give --teacher, a checkpoint or an npy file "
        "of features.");
  CHECK(failing.operator()<Teacher>(with(checkpoint)) ==
        "--teacher " + checkpoint + ": Student predicts nothing of a teacher; drop --teacher.");
  const std::string none = (folder / "none.npy").string();
  CHECK(failing.operator()<Student<>>(with(none)) ==
        none +
            ": there is no such file; give a checkpoint, the folder of a run, a codebook or an npy "
            "file.");
  write_npy(none, xt::xarray<float>(xt::zeros<float>({1})));
  CHECK(failing.operator()<Student<>>(with(none)) ==
        "--teacher " + none +
            " holds what belongs to whole pictures; give --whole-picture, or one "
            "that looks at each crop.");
  CHECK(failing.operator()<FromTower>(with(checkpoint)) ==
        "--teacher " + checkpoint +
            ": the features of this tower come from an npy file; give one, [pictures, tokens, "
            "width].");
  RunOptions stored = with((folder / "short.npy").string());
  stored.pictures.whole_picture = true;
  xt::xarray<float> features = xt::zeros<float>({pictures - 1, tokens, 8});
  write_npy(folder / "short.npy", features);
  CHECK(failing.operator()<Student<>>(stored) ==
        stored.teacher.path +
            ": its shape is [11, 10, 8], [12, 10, 8] was expected; use what this model's teacher "
            "says of this data set.");
  using OnCodes =
      Pretrainer<TeacherEncoder, Decoder<Causal>, OrderPolicy<Raster>, Target<Codes<4>>>;
  for (const auto& [code, message] :
       {std::pair{2.f, ""},
        {4.f, "code 4 of patch 5 of image 0 of these is none of 0 .. 3"},
        {-1.f, "code -1"},
        {1.5f, "code 1.5"},
        {NAN, "is nan; compute it again."}}) {
    xt::xarray<float> codes = xt::zeros<float>({pictures, tokens - 1});
    for (std::size_t i = 0; i < pictures; ++i) codes(i, 5) = code;
    write_npy(folder / "codes.npy", codes);
    RunOptions options = stored;
    options.teacher.path = (folder / "codes.npy").string();
    options.files.out = (folder / text("codes", code)).string();
    const std::string said = failing.operator()<OnCodes>(options);
    if (*message == '\0')
      CHECK(said.empty());
    else
      CHECK(said.find(message) != std::string::npos);
  }
  CHECK(failing.operator()<OnCodes>(with("")) ==
        "Student works on the codes of a tokenizer; give --teacher, a codebook (fit_codebook makes "
        "one) or an npy file of codes.");
  Codebook codebook{4, std::vector<float>(4 * 48), "stripes", 0, 0, "12, contents 7", 12, 12};
  for (std::size_t i = 0; i < codebook.centroids.size(); ++i)
    codebook.centroids[i] = static_cast<float>(i / 48) / 3;
  save_codebook(folder / "four.safetensors", codebook);
  RunOptions tokenized = with((folder / "four.safetensors").string());
  tokenized.files.out = (folder / "tokenized").string();
  const auto losses = test::losses_of<OnCodes>(tokenized);
  CHECK(losses.front() > 1);  // of four classes
  const ImageShape shape{3, 12, 12, 4}, larger{3, 24, 12, 4};
  CHECK(codebook_note(tokenized.teacher.path, "12, contents 7", shape).empty());
  CHECK(codebook_note(tokenized.teacher.path, "12, contents 8", shape) ==
        tokenized.teacher.path + ": note that it was fitted to other pictures (stripes).");
  CHECK(codebook_note(tokenized.teacher.path, "12, contents 7", larger) ==
        tokenized.teacher.path +
            ": note that it was fitted to these pictures at 12 x 12 pixels, the model sees them at "
            "24 x 12.");
  CHECK(losses.back() < 0.9 * losses.front());
  // What reads the codes: a run, its features from the codebook that the checkpoint names, and from
  // none.
  using Reads = Pretrainer<ViT<2, 8, 2, Patch<4>, Image<12>, Embedding<Codes<4>>>,
                           Decoder<TwoStream<>>, OrderPolicy<Grouped<Random<2>>>, Target<Codes<4>>>;
  RunOptions reading = with(tokenized.teacher.path);
  reading.files.out = (folder / "reads").string();
  const auto reads = test::losses_of<Reads>(reading);
  CHECK(reads.back() < 0.9 * reads.front());
  const std::string run = find_checkpoint(reading.files.out);
  Cpu<Fp32> device({1, {}});
  FeatureExtractor<typename Reads::Encoder, Cpu<Fp32>> extractor(device, {.batch = 2});
  extractor.load(load_encoder<typename Reads::Encoder>(run));
  const std::vector<float> image(3 * 144, 0.4f);
  CHECK(test::message_of<OptionError>([&] {
          extractor.extract(std::span<const float>(image));
        }).find("no tokenizer is given; give the codebook") != std::string::npos);
  CHECK(source_of_run(Safetensors(run), "teacher").path == tokenized.teacher.path);
  extractor.tokenizer(make_tokenizer(tokenized.teacher.path, 4, extractor.shape(),
                                     Normalisation{{0, 0, 0}, {1, 1, 1}}, 1));
  const auto same = extractor.extract(std::span<const float>(image));
  CHECK(same == extractor.extract(std::span<const float>(
                    std::vector<float>(3 * 144, 0.35f))));  // the nearest of 0, 1/3, 2/3 and 1
  CHECK(same != extractor.extract(std::span<const float>(std::vector<float>(3 * 144, 0.9f))));
  CHECK(
      test::message_of<OptionError>([&] { source_of_run(Safetensors(checkpoint), "teacher"); })
          .find(
              "its encoder needs the teacher of its run, and the file names none; give what makes "
              "it of any picture, or choose another checkpoint.") != std::string::npos);
  // The codebook is the one of the run, by its numbers.
  CHECK(codebook_of(Safetensors(run)) == tokenized.teacher.path);
  save_codebook(folder / "moved.safetensors", codebook);
  CHECK(codebook_of(Safetensors(run), (folder / "moved.safetensors").string()) ==
        (folder / "moved.safetensors").string());
  std::swap(codebook.centroids.front(), codebook.centroids.back());
  save_codebook(tokenized.teacher.path, codebook);
  CHECK(test::message_of<OptionError>([&] { codebook_of(Safetensors(run)); })
            .find(tokenized.teacher.path + ": is not what the run of " + run +
                  " had; it is codebook of 4 codes for patches of 4 pixels, ") == 0);
  reading.files.resume = true;
  CHECK(failing.operator()<Reads>(reading).find("its run had codebook of 4 codes") !=
        std::string::npos);
  codebook.centroids.resize(3 * 48);
  save_codebook(folder / "three.safetensors", codebook);
  CHECK(failing.operator()<OnCodes>(with((folder / "three.safetensors").string()))
            .find("is a codebook of 3 codes for patches of 4 pixels, the model needs 4 for patches "
                  "of 4; fit one of these to pictures of 12 pixels.") != std::string::npos);
  save_codebook(folder / "finer.safetensors",
                Codebook{2, std::vector<float>(4 * 12), "stripes", 0, 0});
  CHECK(failing.operator()<OnCodes>(with((folder / "finer.safetensors").string()))
            .find("is a codebook of 4 codes for patches of 2 pixels, the model needs 4 for patches "
                  "of 4; fit one of these") != std::string::npos);
  RunOptions wrong = with(checkpoint);
  using Wider = Pretrainer<TeacherEncoder, Decoder<Distil>, OrderPolicy<Stochastic>,
                           Target<Features<ViT<2, 12, 2, Patch<4>, Image<12>>>>>;
  CHECK(failing.operator()<Wider>(wrong).find(
            ", the model's teacher is ViT<2,12,2,Patch<4>,Image<12,12>>; choose a run with that "
            "encoder.") != std::string::npos);
  // The same tensors: heads and image size are in none.
  using OtherHeads = Pretrainer<TeacherEncoder, Decoder<Distil>, OrderPolicy<Stochastic>,
                                Target<Features<ViT<2, 8, 4, Patch<4>, Image<12>>>>>;
  CHECK(failing.operator()<OtherHeads>(wrong).find("choose a run with that encoder") !=
        std::string::npos);
  RunOptions skipping = stored;
  skipping.pictures.bad_files = OnBadFile::skip;
  CHECK(failing.operator()<Student<>>(skipping).find(
            "none may stand in for another; give --bad-files stop.") != std::string::npos);
  std::string by_columns = detail::npy_header<float>(std::array{pictures, tokens, 8}) +
                           std::string(4 * pictures * tokens * 8, '\0');
  by_columns.replace(by_columns.find("False"), 5, "True ");
  test::write_bytes(folder / "short.npy", std::string_view(by_columns));
  CHECK(failing.operator()<Student<>>(stored) ==
        stored.teacher.path +
            ": its numbers are in Fortran order, so those of a picture do not lie together; save "
            "it with numpy.ascontiguousarray.");
  features = xt::zeros<float>({pictures, 8, tokens});
  write_npy(folder / "short.npy", features);
  CHECK(failing.operator()<Student<>>(stored).find(
            "its shape is [12, 8, 10], [12, 10, 8] was expected") != std::string::npos);
  using OfOneCluster = Pretrainer<TeacherEncoder, Decoder<Twin<1, 32, GenOnly>>,
                                  OrderPolicy<Cluster<1, 1>>, Target<Features<TeacherEncoder>>>;
  RunOptions nothing = with(checkpoint);
  nothing.files.out = (folder / "nothing").string();
  CHECK(failing.operator()<OfOneCluster>(nothing).find("there is nothing to learn") !=
        std::string::npos);
}
