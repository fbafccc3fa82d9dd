// SPDX-License-Identifier: BSL-1.0
// One new order, target, error, decoder, optimiser, policy of positions, data set and evaluation,
// and an option for the decoders that there are, each as a user writes it: from public headers, in
// one place, with an alias.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "arvit/core/initialise.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/device/reference.hpp"
#include "arvit/eval/extract.hpp"
#include "arvit/models.hpp"
#include "arvit/train/step.hpp"

namespace mine {

using namespace arvit;

/// Columns from left to right, the patches of a column together: one group per column, and none of
/// rank 0 (order/rank.hpp).
struct ByColumn {
  static constexpr bool fixed_profile = true;
  template <class Grid> static constexpr int profile(Counter, std::span<int> ends) {
    for (int x = 0; x <= Grid::columns; ++x) ends[x] = x * Grid::rows;
    return Grid::columns + 1;
  }
  template <class Grid> static constexpr void keys(Counter, std::span<float> key) {
    for (int i = 0; i < Grid::patches; ++i) key[i] = static_cast<float>(i % Grid::columns);
  }
};

/// The mean colour of a patch: three numbers, through a device functor.
struct MeanColour {
  template <class Grid> static constexpr int width = Grid::channels;
  template <class T> struct Work {
    const T* patches;
    T* target;
    int channels, pixels;
    ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
      T sum = 0;
      for (int p = 0; p < pixels; ++p)
        sum += patches[(i / channels * pixels + p) * channels + i % channels];
      target[i] = sum / static_cast<T>(pixels);
    }
  };
  template <class Grid, Device D>
  static void values(const Context<D>& c, const TargetInput<D>& in,
                     Rows<Statistic<D>, width<Grid>, SpaceOf<D>> target) {
    const ArenaScope scope(c.arena);
    const auto patches = take_statistics<Grid::patch_width>(c, target.rows());
    c.run(ops::TargetPatches<D>{.images = in.batch.pixels,
                                .shape = in.shape,
                                .from = in.from,
                                .standardise = in.standardise,
                                .y = patches});
    c.device.for_each(target.rows() * Grid::channels,
                      Work<Statistic<D>>{patches.data(), target.data(), Grid::channels,
                                         Grid::patch * Grid::patch});
  }
};

/// An error: half the squared difference up to 1, the difference less a half beyond (Huber), with a
/// gradient that is the difference, cut at 1. Any device runs it; none knows it.
struct Huber {
  using Category = ErrorCategory;
  static constexpr std::string_view name = "huber";
  static constexpr bool names_class = false, mean_over_rows = false;
  template <class Row> ARVIT_HOST_DEVICE static double of(const Row& row, double scale) {
    using Entry = typename Row::Entry;
    const Entry half = Row::all(0.5), one = Row::all(1);
    Entry sum = {};
    row.each([&](const auto& e) {
      const Entry d = e.prediction() - e.target();
      const Entry cut = half * (abs(d + one) - abs(d - one));  // -1 .. 1
      sum = sum + cut * (d - half * cut);
      e.gradient(Row::all(scale) * cut);
    });
    return row.total(sum);
  }
};

/// Lion (Chen et al. 2023): the sign of a gradient mixed with what came before it.
///   u = sign(beta1 m + (1 - beta1) g)      m = beta2 m + (1 - beta2) g      p -= rate * u
struct Lion {
  static constexpr std::string_view name = "Lion";
  static constexpr std::array<std::string_view, 1> states{"momentum"};
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.99;
  template <class Part> ARVIT_HOST_DEVICE void apply(const Part& part) const {
    using Entry = typename Part::Entry;
    const Entry old1 = Part::all(beta1), new1 = Part::all(1 - beta1);
    const Entry old2 = Part::all(beta2), new2 = Part::all(1 - beta2);
    const Entry move = Part::all(-learning_rate * part.run().rate);
    part.each([&](const auto& e) {
      const Entry g = e.gradient(), m = e.state(0);
      e.parameter(e.parameter() + move * sign(old1 * m + new1 * g));
      e.state(0, old2 * m + new2 * g);
    });
  }
};

/// Predicts from the mean of nothing but positions: a query is its position through one linear map,
/// added to the output of the last layer's tokens that it may see. A decoder of one attention
/// without weights.
struct Gather {
  using DefaultHead = LinearHead;
  template <class Encoder, class HeadKind, int Width> struct For {
    static constexpr int dim = Encoder::dim;
    using Query = Linear<dim, dim>;
    using Output = NormedHead<HeadKind, typename Encoder::Norm, Width>;
    static constexpr RankRules<1> rules{ClassToken::first, {QueryStream{}}, false};
    static constexpr bool uses_norm = true;
    static constexpr int position_dim = dim;
    static constexpr Reads reads(int point) { return {point == Encoder::depth, false}; }
    template <class C> struct Parameters {
      typename Query::template Parameters<C> query;
      typename Output::template HeadParameters<C> head;
      constexpr explicit Parameters(C& at)
          : query(at.in("gather.query.")), head(at.in("gather.pred.")) {}
    };
    template <class D> class Run {
     public:
      using Context = StepContext<D, 1>;
      Run(Context& context, const Parameters<Reading<D>>& parameters, FinalNorm<D, Encoder> norm)
          : context_(context),
            p_(parameters),
            norm_(norm),
            rows_(context.tables.streams[0].source.size()),
            output_(context, rows_) {
        for (auto* t : {&positions_, &query_, &seen_}) *t = take_tokens<dim>(context, rows_);
        lse_ = take_statistics<Encoder::heads>(context, rows_);
        context.run(ops::Fill<D>{.y = positions_});
        context.positions.add(context, positions_, context.patches_of(0));
      }
      void forward(int point, const LayerIO<D, Encoder>& io) {
        if (point != Encoder::depth) return;
        Query::forward(context_, p_.query, positions_, query_);
        context_.run(ops::Attention<D>{.q = query_,
                                       .k = io.output,
                                       .v = io.output,
                                       .heads = Encoder::heads,
                                       .reach = reach(),
                                       .out = seen_,
                                       .lse = lse_});
      }
      void finish() { Output::forward(context_, {*norm_.weights, p_.head}, seen_, output_); }
      Tokens<D, Width> prediction(std::size_t) const { return output_.prediction; }
      void finish_backward(const std::array<Tokens<D, Width>, 1>& dprediction,
                           const Parameters<Adding<D>>& gradient) {
        dseen_ = take_tokens<dim>(context_, rows_);
        Output::backward(context_, {{*norm_.weights, p_.head}, {*norm_.gradient, gradient.head}},
                         {seen_, output_}, dprediction[0], dseen_);
      }
      void backward(int point, const LayerIO<D, Encoder>& io, const LayerGradient<D, Encoder>& d,
                    const Parameters<Adding<D>>& gradient) {
        if (point != Encoder::depth) return;
        const ArenaScope scope(context_.arena);
        const auto dquery = take_tokens<dim>(context_, rows_);
        const auto dkey = take_tokens<dim>(context_, d.output.rows());
        const auto dvalue = take_tokens<dim>(context_, d.output.rows());
        context_.run(ops::AttentionBackward<D>{.dout = dseen_,
                                               .q = query_,
                                               .k = io.output,
                                               .v = io.output,
                                               .out = seen_,
                                               .lse = lse_,
                                               .heads = Encoder::heads,
                                               .reach = reach(),
                                               .dq = dquery,
                                               .dk = dkey,
                                               .dv = dvalue});
        context_.run(ops::Add<D>{.x = dkey, .y = d.output});
        context_.run(ops::Add<D>{.x = dvalue, .y = d.output});
        Query::backward_weight(context_, positions_, dquery, gradient.query);
      }

     private:
      Reach<SpaceOf<D>> reach() const { return Context::reach(context_.tables.streams[0].content); }
      Context& context_;
      const Parameters<Reading<D>>& p_;
      FinalNorm<D, Encoder> norm_;
      std::int64_t rows_;
      typename Output::template Saved<D> output_;
      Tokens<D, dim> positions_, query_, seen_, dseen_;
      Rows<Statistic<D>, Encoder::heads, SpaceOf<D>> lse_;
    };
  };
};

struct DetachCategory;
/// What the decoder reads before point Point sends no gradient into the encoder.
template <int Point> struct DetachBefore {
  using Category = DetachCategory;
  static constexpr int point = Point;
};

/// An option of one's own for a decoder that there is: a kind that derives from the other, takes
/// the tags, and changes the calls that they are about.
template <class Kind, class... Options> struct Wrapped : Kind {
  static_assert(Accepts<DetachCategory>::known<Options...>,
                "Wrapped<Kind, Options...>: the option is DetachBefore<Point>.");
  static constexpr int first = Option<DetachCategory, DetachBefore<0>, Options...>::point;

  template <class Encoder, class HeadKind, int Width>
  struct For : Kind::template For<Encoder, HeadKind, Width> {
    using Inner = typename Kind::template For<Encoder, HeadKind, Width>;
    template <class C> using Parameters = typename Inner::template Parameters<C>;

    template <class D> class Run : public Inner::template Run<D> {
     public:
      using Base = typename Inner::template Run<D>;
      using Context = typename Base::Context;
      Run(Context& context, const Parameters<Reading<D>>& parameters, FinalNorm<D, Encoder> norm)
          : Base(context, parameters, norm), context_(context) {}
      void backward(int point, const LayerIO<D, Encoder>& io, LayerGradient<D, Encoder> d,
                    const Parameters<Adding<D>>& gradient) {
        const ArenaScope scope(context_.arena);
        if (point < first) {
          d.output = context_.arena.template rows<Activation<D>, Encoder::dim, SpaceOf<D>>(
              d.output.rows());
          context_.run(ops::Fill<D>{.y = d.output, .value = 0});
        }
        Base::backward(point, io, d, gradient);
      }

     private:
      Context& context_;
    };
  };
};

/// Positions: the row and the column of a patch, in the first two channels.
struct Coordinates {
  using Category = PositionCategory;
  template <class Grid, int Dim> struct For : PositionsWithoutParameters {
    static constexpr bool well_formed = Dim >= 2, adds = true, turns = false;
    template <class T> static std::vector<T> added(const T*) {
      std::vector<T> table(Grid::patches * Dim);
      for (int patch = 0; patch < Grid::patches; ++patch) {
        table[patch * Dim] = static_cast<T>(patch / Grid::columns);
        table[patch * Dim + 1] = static_cast<T>(patch % Grid::columns);
      }
      return table;
    }
  };
};

/// Positions that are both: a learned table is added, and queries and keys turn.
struct LearnedAndTurning {
  using Category = PositionCategory;
  template <class Grid, int Dim> struct For : LearnedPositions::template For<Grid, Dim> {
    static constexpr bool turns = true;
  };
};

/// A data set: pictures of one colour, the darker ones of class 0, the brighter ones of class 1.
struct Shades {
  std::int64_t size() const { return 40; }
  int label(std::int64_t i) const { return i % 40 >= 20; }
  Picture picture(std::int64_t i) const {
    Picture picture(16, 12);
    std::fill(picture.data(), picture.data() + 3 * 16 * 12, static_cast<std::uint8_t>(6 * i));
    return picture;
  }
};

/// An evaluation: how many test rows lie nearest to the mean of their own class.
double nearest_mean(const FeatureTable& train, const FeatureTable& test) {
  std::vector<std::vector<double>> means(train.classes(), std::vector<double>(train.width));
  std::vector<double> counts(train.classes());
  for (std::int64_t i = 0; i < train.rows(); ++i) {
    counts[train.labels[i]] += 1;
    for (std::int64_t c = 0; c < train.width; ++c) means[train.labels[i]][c] += train.row(i)[c];
  }
  double right = 0;
  for (std::int64_t i = 0; i < test.rows(); ++i) {
    int nearest = 0;
    double least = INFINITY;
    for (int label = 0; label < train.classes(); ++label) {
      double distance = 0;
      for (std::int64_t c = 0; c < train.width; ++c)
        distance += std::pow(test.row(i)[c] - means[label][c] / counts[label], 2);
      if (distance < least) nearest = label;
      least = std::min(least, distance);
    }
    right += nearest == test.labels[i];
  }
  return right / static_cast<double>(test.rows());
}

using ColumnColours = Pretrainer<ViT<3, 16, 2, Patch<4>, Image<12, 16>>, Decoder<Gather>,
                                 OrderPolicy<ByColumn>, Target<MeanColour, RawPatches, Huber>>;

template <class Positions>
using Placed = Pretrainer<ViT<2, 16, 2, Patch<4>, Image<12, 16>, Positions>, Decoder<Parallel<2>>,
                          OrderPolicy<Raster>, Target<Pixel>>;

template <class Kind>
using RasterPixels = Pretrainer<ViT<2, 16, 2, Patch<4>, Image<12, 16>>, Decoder<Kind>,
                                OrderPolicy<Raster>, Target<Pixel>>;

}  // namespace mine

namespace {
/// Forward and backward of the same two images, whatever the model.
template <class Model, class D, class O> void look_at_two_images(arvit::Step<Model, D, O>& step) {
  std::vector<double> images(2 * Model::Grid::image_width);
  arvit::Stream stream(arvit::Counter{4});
  for (double& pixel : images) pixel = stream.normal();
  const std::vector<arvit::Counter> counters{{1, 0, 0}, {1, 0, 1}};
  step.begin(counters);
  step.accumulate({.pixels = images}, counters);
}
}  // namespace

TEST_CASE("extend: a user's order, target, error and decoder train together") {
  using namespace arvit;
  using Model = mine::ColumnColours;
  using D = Reference<double>;
  static_assert(Model::target_width == 3);
  D device;
  Step<Model, D> step(device, StepOptions{2});
  step.initialise(3);
  std::vector<double> images(2 * Model::Grid::image_width);
  Stream stream(Counter{4});
  for (double& pixel : images) pixel = stream.normal();
  const std::vector<Counter> counters{{1, 0, 0}, {1, 0, 1}};
  const auto loss = [&] {
    step.begin(counters);
    step.accumulate({.pixels = images}, counters);
    return step.loss();
  };
  const double before = loss();
  double worst = 0, largest = 0;
  const std::vector<double> gradient(step.gradients().data(),
                                     step.gradients().data() + Model::parameter_count);
  for (std::int64_t i = 0; i < Model::parameter_count; i += 37) {
    double& weight = step.masters().data()[i];
    const double kept = weight,
                 h = 1e-6;  // the class token starts small, so its norm bends sharply
    weight = kept + h;
    const double up = loss();
    weight = kept - h;
    const double down = loss();
    weight = kept;
    worst = std::max(worst, std::abs((up - down) / (2 * h) - gradient[i]));
    largest = std::max(largest, std::abs(gradient[i]));
  }
  CHECK(worst < 1e-7);
  CHECK(largest > 1e-3);
  AdamW adamw;
  for (adamw.step = 1; adamw.step <= 20; ++adamw.step) {
    loss();
    step.update(adamw);
  }
  CHECK(loss() < 0.8 * before);
}

TEST_CASE("extend: a user's error is compiled where it is used, and the processor agrees") {
  using namespace arvit;
  constexpr std::int64_t rows = 70, columns = 37;
  Stream stream(Counter{5});
  std::vector<double> prediction(rows * columns), target(rows * columns), slope(rows * columns);
  for (double& value : prediction) value = static_cast<float>(2 * stream.normal());
  for (double& value : target) value = static_cast<float>(2 * stream.normal());
  const std::vector<float> p(prediction.begin(), prediction.end());
  const std::vector<float> t(target.begin(), target.end());
  std::vector<float> d(rows * columns);
  double expected = 0, found = 0;
  Reference<double> reference;
  Cpu<Fp32> cpu({2, {}});
  reference.run(
      ops::Loss<mine::Huber, Reference<double>>{.prediction = {prediction.data(), rows, columns},
                                                .target = {target.data(), rows, columns},
                                                .scale = 0.5,
                                                .dprediction = {slope.data(), rows, columns},
                                                .sum = {&expected, 1}});
  cpu.run(ops::Loss<mine::Huber, Cpu<Fp32>>{.prediction = {p.data(), rows, columns},
                                            .target = {t.data(), rows, columns},
                                            .scale = 0.5,
                                            .dprediction = {d.data(), rows, columns},
                                            .sum = {&found, 1}});
  CHECK(std::abs(found - expected) < 1e-5 * expected);
  for (std::size_t i = 0; i < d.size(); ++i) CHECK(std::abs(d[i] - slope[i]) < 1e-6);
}

TEST_CASE("extend: a user's option for a decoder of the library changes what it is about alone") {
  using namespace arvit;
  using D = Reference<double>;
  const auto gradient = []<class Model>(Model) {
    D device;
    Step<Model, D> step(device, StepOptions{2});
    step.initialise(3);
    look_at_two_images(step);
    const double* const from = step.gradients().data();
    return std::vector<double>(from, from + Model::parameter_count);
  };
  using Plain = mine::RasterPixels<Parallel<2>>;
  using Same = mine::RasterPixels<mine::Wrapped<Parallel<2>>>;
  using Detached = mine::RasterPixels<mine::Wrapped<Parallel<2>, mine::DetachBefore<3>>>;
  const std::vector<double> plain = gradient(Plain{}), detached = gradient(Detached{});
  CHECK(gradient(Same{}) == plain);

  const auto body = Plain::Encoder::body_parameter_count;
  const auto none = [](double g) { return g == 0; };
  CHECK(std::all_of(detached.begin(), detached.begin() + body, none));
  CHECK_FALSE(std::all_of(plain.begin(), plain.begin() + body, none));
  CHECK(std::equal(detached.begin() + body, detached.end(), plain.begin() + body));
}

TEST_CASE("extend: a user's optimiser trains through Step, and the processor agrees") {
  using namespace arvit;
  using Model = mine::ColumnColours;
  const auto losses = []<class D>(D device) {
    Step<Model, D, mine::Lion> step(device, {.micro_batch = 2, .average = true});
    step.initialise(3);
    std::vector<Statistic<D>> images(2 * Model::Grid::image_width);
    Stream stream(Counter{4});
    for (auto& pixel : images) pixel = static_cast<float>(stream.normal());
    const std::vector<Counter> counters{{1, 0, 0}, {1, 0, 1}};
    std::vector<double> all;
    for (int number = 0; number < 20; ++number) {
      step.begin(counters);
      step.accumulate({.pixels = images}, counters);
      all.push_back(step.loss());
      step.update({.learning_rate = 2e-3}, 1.0);
    }
    return all;
  };
  const auto exact = losses(Reference<double>{}), fast = losses(Cpu<Fp32>({2, {}}));
  CHECK(exact.back() < 0.8 * exact.front());
  for (std::size_t i = 0; i < 5; ++i) CHECK(std::abs(fast[i] - exact[i]) < 1e-3 * exact[i]);
}

TEST_CASE("extend: a user's positions are what a frozen table of them is") {
  using namespace arvit;
  using D = Reference<double>;
  const auto losses = []<class Model>(Model, const std::vector<double>& table) {
    D device;
    Step<Model, D> step(device, StepOptions{2});
    std::uint32_t number = 0;  // of a tensor, the same in both models
    for (const auto& [name, tensor, offset] : Model::parameters()) {
      double* const values = step.masters().data() + offset;
      if (name == "pos_embed")
        std::copy(table.begin(), table.end(), values);
      else
        initialise(tensor, number++, 3, values);
    }
    look_at_two_images(step);
    return step.loss();
  };
  using Mine = mine::Placed<mine::Coordinates>;
  const auto table = Mine::Encoder::PositionPolicy::added<double>(nullptr);
  CHECK(losses(Mine{}, {}) == losses(mine::Placed<FrozenPositions>{}, table));
  CHECK(losses(Mine{}, {}) != losses(mine::Placed<SinCosPositions>{}, {}));
  using Both = mine::Placed<mine::LearnedAndTurning>;
  CHECK(losses(Both{}, std::vector<double>(table.size())) ==
        losses(mine::Placed<RotaryPositions>{}, {}));
  CHECK(losses(Both{}, table) != losses(mine::Placed<FrozenPositions>{}, table));
}

TEST_CASE("extend: a user's pictures and a user's evaluation meet in the library's loader") {
  using namespace arvit;
  using Encoder = mine::RasterPixels<Causal>::Encoder;
  Cpu<Fp32> device({2, {}});
  FeatureExtractor<Encoder, Cpu<Fp32>> extractor(device,
                                                 {.batch = 8, .features = {{Readout::mean}}});
  extractor.load(untrained(Encoder::parameters(), 3));
  const EvaluationTransform transform({.height = 12, .width = 16});
  const FeatureTable table = extract_features(extractor, mine::Shades{}, transform);
  REQUIRE(table.rows() == 40);
  CHECK(mine::nearest_mean(table, table) > 0.8);
}
