// SPDX-License-Identifier: BSL-1.0
// What is left out because nobody reads it: every model once as it is and once with all content in
// all layers, double precision.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "arvit/device/reference.hpp"
#include "arvit/models.hpp"
#include "support/model_case.hpp"

namespace arvit::test {
namespace {

using Fp64 = Reference<double>;
template <class... O> using Small = ViT<4, 12, 3, Patch<4>, Image<16, 24>, O...>;  // 4 x 6 patches

/// The same decoder without elimination: content of all ranks, and every layer computes all of it.
template <class Kind> struct Kept {
  using DefaultHead = typename Kind::DefaultHead;
  template <class Encoder, class HeadKind, int Width>
  struct For : Kind::template For<Encoder, HeadKind, Width> {
    using Base = typename Kind::template For<Encoder, HeadKind, Width>;
    static constexpr auto rules = [] {
      auto all = Base::rules;
      all.keep_dead = true;
      return all;
    }();
    static constexpr Reads reads(int point) {
      return {Base::reads(point).output || point == Encoder::depth, Base::reads(point).keys_values};
    }
  };
};

/// ... for decoders some of whose rows are those of the content: they get the rows that they would
/// have had, taken from all.
template <class Kind> struct Picked {
  using DefaultHead = typename Kind::DefaultHead;
  template <class Encoder, class HeadKind, int Width>
  struct For : Kept<Kind>::template For<Encoder, HeadKind, Width> {
    using Base = typename Kind::template For<Encoder, HeadKind, Width>;
    static constexpr std::size_t streams = Base::rules.streams.size();

    template <class D> class Run {
     public:
      using Context = StepContext<D, streams>;
      Run(Context& all, const typename Base::template Parameters<Reading<D>>& parameters,
          FinalNorm<D, Encoder> norm)
          : all_(all), picked_(all), inner_(pick(), parameters, norm) {
        for (int p = 0; p <= Encoder::depth; ++p)
          if (Base::reads(p).output) content_[p] = taken();
      }
      void forward(int point, const LayerIO<D, Encoder>& io) {
        if (Base::reads(point).output)
          all_.run(ops::GatherRows<D>{.x = io.output, .index = rows(), .y = content_[point]});
        inner_.forward(point, at(point, io));
      }
      void finish() { inner_.finish(); }
      auto prediction(std::size_t s) const { return inner_.prediction(s); }
      void finish_backward(const std::array<Tokens<D, Width>, streams>& dprediction,
                           const typename Base::template Parameters<Adding<D>>& gradient) {
        dcontent_ = taken();
        inner_.finish_backward(dprediction, gradient);
      }
      void backward(int point, const LayerIO<D, Encoder>& io, const LayerGradient<D, Encoder>& d,
                    const typename Base::template Parameters<Adding<D>>& gradient) {
        all_.run(ops::Fill<D>{.y = dcontent_});
        inner_.backward(point, at(point, io), {dcontent_, d.qkv, d.weights}, gradient);
        if (Base::reads(point).output)
          all_.run(ops::ScatterAddRows<D>{.x = dcontent_, .index = rows(), .y = d.output});
      }

     private:
      /// The first rows of every image: as many as a stream of content rows has, as there are
      /// queries (Causal), or as a joint sequence has latents.
      Context& pick() {
        const auto& joint = all_.tables.joint;
        const auto& last = all_.tables.streams[streams - 1].source;
        for (std::int64_t image = 0; image < all_.tables.content.segments.size(); ++image) {
          const Segment& content = all_.tables.content.segments[image];
          std::int64_t count = std::count_if(last.begin(), last.end(), [&](std::int32_t s) {
            return (s < 0 ? -1 - s : s / Encoder::Grid::patches) == image;
          });
          if (Base::rules.joint)
            count = joint.self.segments[image].q_end - joint.self.segments[image].q_begin - count;
          const auto begin = static_cast<std::int32_t>(rows_.size());
          for (int i = 0; i < count; ++i) {
            rows_.push_back(content.q_begin + i);
            source_.push_back(all_.tables.source[rows_.back()]);
          }
          for (std::size_t s = 0; s < streams; ++s)
            if (!all_.tables.streams[s].content.segments.empty()) {
              Segment read = all_.tables.streams[s].content.segments[image];
              read.k_begin = begin;
              read.k_end = begin + static_cast<std::int32_t>(count);
              segments_[s].push_back(read);
            }
        }
        const auto span = []<class T>(const std::vector<T>& list) {
          return Span<const T, HostSpace>(list.data(), static_cast<std::int64_t>(list.size()));
        };
        picked_.tables.source = span(source_);
        for (std::size_t s = 0; s < streams; ++s)
          picked_.tables.streams[s].content.segments = span(segments_[s]);
        return picked_;
      }
      Span<const std::int32_t, HostSpace> rows() const {
        return {rows_.data(), static_cast<std::int64_t>(rows_.size())};
      }
      Tokens<D, Encoder::dim> taken() { return take_tokens<Encoder::dim>(all_, rows().size()); }
      LayerIO<D, Encoder> at(int point, const LayerIO<D, Encoder>& io) const {
        return {content_[point], io.qkv, io.weights, io.embedding};
      }

      Context &all_, picked_;
      std::vector<std::int32_t> rows_, source_;
      std::array<std::vector<Segment>, streams> segments_;
      typename Base::template Run<D> inner_;
      std::array<Tokens<D, Encoder::dim>, Encoder::depth + 1> content_;
      Tokens<D, Encoder::dim> dcontent_;
    };
  };
};

/// Loss and every gradient of a model, with elimination and without; `dead`: whether there is
/// content to leave out.
template <class E, class Kind, class O, class T = Target<Pixel>, template <class> class Off = Kept>
void compare(bool dead) {
  using On = Pretrainer<E, Decoder<Kind>, OrderPolicy<O>, T>;
  using All = Pretrainer<E, Decoder<Off<Kind>>, OrderPolicy<O>, T>;
  static_assert(E::template work<typename All::Decoder>(E::depth) ==
                E::Work::all);  // and so are all layers before it
  constexpr int images = 3;
  const std::array<Counter, images> counters{Counter{5, 1, 0}, Counter{5, 1, 1}, Counter{5, 1, 2}};
  Fp64 device;
  const auto run = [&]<class Model>(ModelCase<Model, Fp64>& model) {
    model.pass.order(model.reading(), model.batch, counters);
    return model.run();
  };
  ModelCase<On, Fp64> on(device, images);
  ModelCase<All, Fp64> all(device, images);
  const double loss = run(on), loss_of_all = run(all);
  const auto rows = [](const auto& model) { return model.pass.tables().source.size(); };
  CHECK(rows(all) == std::size_t(images * (E::Grid::patches + E::has_class_token)));
  CHECK((rows(on) < rows(all)) == dead);
  CHECK(on.pass.loss_rows() == all.pass.loss_rows());
  CHECK(On::loss_rows(counters) == All::loss_rows(counters));
  CHECK(std::abs(loss - loss_of_all) <= 1e-12 * loss);
  const auto of_all = all.named(all.gradients);
  double of_model = 0;
  for (const auto& entry : on.named(on.gradients)) {
    CAPTURE(entry.first);
    const auto other = of_all.at(entry.first);
    double difference = 0, largest = 0;
    for (std::size_t i = 0; i < other.size(); ++i) {
      difference = std::max(difference, std::abs(entry.second[i] - other[i]));
      largest = std::max(largest, std::abs(other[i]));
    }
    CHECK(difference <= 1e-12 * largest);
    of_model = std::max(of_model, largest);
  }
  CHECK(of_model > 1e-3);
}

/// Multiply-adds of a forward pass of GVP B/16: of everything, over those of what the engine's
/// tables ask for (only matrix products; 197 tokens).
template <class Kind> double gvp_ratio(int images) {
  using Order = Grouped<Kind>;
  using Grid = GVP_p2p_B16::Grid;
  constexpr double d = 768, tokens = 197, pairs = tokens * tokens;
  const double dense = 196 * d * d + 12 * (12 * tokens * d * d + 2 * pairs * d) +
                       12 * (10 * tokens * d * d + 2 * pairs * d) + tokens * d * d;
  RankEngine<1> engine(GVP_p2p_B16::Decoder::rules, 196, 1);
  const auto sum = [](const std::vector<std::int32_t>& limits) {
    return static_cast<double>(std::accumulate(limits.begin(), limits.end(), std::int64_t{0}));
  };
  double least = 0;
  std::vector<int> ends(197);
  for (int i = 0; i < images; ++i) {
    engine.clear();
    engine.append(std::span<const int>(ends).first(static_cast<std::size_t>(
        Order::template profile<Grid>(Counter{3, 0, static_cast<std::uint32_t>(i)}, ends))));
    const auto& tables = engine.tables();
    const double content = static_cast<double>(tables.source.size()),
                 queries = static_cast<double>(tables.streams[0].source.size());
    least += (content - 1) * d * d +
             11 * (12 * content * d * d + 2 * sum(tables.content.limit) * d) +
             2 * content * d * d +  // the last layer: keys and values
             12 * (10 * queries * d * d + 2 * sum(tables.streams[0].content.limit) * d) +
             queries * d * d;
  }
  return dense * images / least;
}

using Bare = Small<NoClassToken>;
using Given = Target<Features<Small<>>>;

}  // namespace

TEST_CASE("elimination: SAIM and RandSAC, every order") {
  compare<Small<>, Parallel<4>, Stochastic, Target<Gaussian<9>>>(true);
  compare<Bare, Parallel<4>, Stochastic>(true);
  compare<Small<>, Parallel<3>, Raster>(true);
  compare<Small<>, Parallel<2, ReadsPrevious>, Serpentine>(
      true);  // the last layer is never computed
  compare<Small<>, Parallel<4, SharedWeights>, CenterOut>(true);
  compare<Small<>, Parallel<1>, StochasticCenter>(true);
  compare<Small<>, Parallel<2>, Segments<2>>(true);
  compare<Small<>, Parallel<2>, Segments<2, 1>>(true);
  compare<Small<>, Parallel<2>, Cluster<2, 3>>(true);
}
TEST_CASE("elimination: SemAIM") {
  compare<Small<>, Parallel<4>, Semantic<>>(true);
  compare<Small<>, Parallel<4>, Semantic<SelfAttention, Centers<2>>>(true);
  compare<Small<>, Parallel<2>, Semantic<MeanSimilarity, ByBoxes, NoFilter>>(true);
  compare<Small<>, Parallel<2>, Semantic<FromTeacher>, Given>(true);
}
TEST_CASE("elimination: GVP, groups of fixed, random and mixed length, pixels and codes") {
  compare<Small<>, TwoStream<>, Grouped<Fixed<3>>, Target<Pixel, RawPatches>>(true);
  compare<Small<>, TwoStream<>, Grouped<Fixed<24>>, Target<Pixel, RawPatches>>(true);
  compare<Small<>, TwoStream<>, Grouped<Random<5>, FixedSequence>, Target<Pixel, RawPatches>>(true);
  compare<Bare, TwoStream<>, Grouped<Random<1>>, Target<Pixel, RawPatches>>(true);
  compare<Small<>, TwoStream<>, Grouped<Mixed<5>>, Target<Pixel, RawPatches>>(true);
  compare<Small<>, TwoStream<TokenOnly>, Grouped<Mixed<3>>, Target<Pixel, MlpHead>>(true);
  compare<Small<>, TwoStream<>, Grouped<Mixed<5>>, Target<Codes<7>>>(true);
  compare<Small<>, Parallel<4>, Grouped<Mixed<5>>>(true);
}
TEST_CASE("elimination: what GVP is spared") {
  CHECK(std::abs(gvp_ratio<Fixed<1>>(1) - 2.125) < 0.0005);
  CHECK(std::abs(gvp_ratio<Fixed<5>>(1) - 1.277) < 0.0005);
  CHECK(std::abs(gvp_ratio<Fixed<20>>(1) - 1.119) < 0.0005);
  CHECK(std::abs(gvp_ratio<Fixed<40>>(1) - 1.090) < 0.0005);
  CHECK(std::abs(gvp_ratio<Fixed<196>>(1) - 1.068) < 0.0005);
  CHECK(std::abs(gvp_ratio<Mixed<20>>(4000) - 1.479) <
        0.004);  // 4000 draws are within 0.0015 of the expectation, one deviation
}
TEST_CASE("elimination: ViT-iGPT") {
  compare<Small<>, Causal, Raster, Target<Pixel>, Picked>(true);
  compare<Small<>, Causal, Stochastic, Target<Codes<7>, LinearHead>, Picked>(true);
}
TEST_CASE(
    "elimination: MAE leaves out masked patches, SimMIM all of its last layer but keys and "
    "values") {
  compare<Small<>, Joint<2, 16, 4>, RandomMask<>, Target<Pixel>, Picked>(true);
  compare<Bare, Joint<1, 16, 4>, RandomMask<std::ratio<1, 2>>, Target<Codes<7>>, Picked>(true);
  compare<Small<>, InPlace, RandomMask<>>(false);
  compare<Bare, InPlace, RandomMask<std::ratio<3, 5>>, Target<Pixel, RawPatches, L1>>(false);
}
TEST_CASE("elimination: D-iGPT with each of its options, and distillation") {
  using Narrow = HeadWidth<4>;
  compare<Small<>, Twin<2, 8, Narrow>, Cluster<2, 2>, Given>(true);
  compare<Small<>, Twin<2, 8, Narrow>, Stochastic, Given>(true);
  compare<Small<>, Twin<2, 8, Narrow, GenOnly>, Cluster<2, 2>, Given>(true);
  compare<Small<>, Twin<2, 8, Narrow, DisOnly>, Cluster<2, 2>, Given>(true);
  compare<Small<>, Twin<2, 8, Narrow, EveryPrefix>, Cluster<2, 2>, Given>(true);
  compare<Small<>, Twin<1, 8, Narrow, LastLayer>, Cluster<2, 2>, Given>(true);
  compare<Small<>, Twin<2, 8, Narrow, SeparateNorms>, Cluster<2, 3>, Given>(true);
  compare<Small<>, Twin<2, 8, Narrow, ClassFirst>, Cluster<2, 2>, Target<Pixel>>(true);
  compare<Small<>, Twin<2, 8, Narrow, ClassFirst, EveryPrefix>, Grouped<Random<3>>, Target<Pixel>>(
      true);
  compare<Small<>, Twin<2, 8, Narrow, WholeImage>, Cluster<2, 2>, Given>(false);
  compare<Bare, Twin<2, 8, Narrow>, Cluster<2, 2>, Target<Pixel>>(true);
  compare<Small<>, Twin<2, 8, Narrow, GenAndDistil>, Cluster<2, 2>, Given, Picked>(true);
  compare<Small<>, Distil, Stochastic, Given>(false);
  compare<Bare, Distil, Cluster<1, 1>, Given>(false);
}

}  // namespace arvit::test
