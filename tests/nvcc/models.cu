// SPDX-License-Identifier: BSL-1.0
// Forward, backward and update of a model of every decoder kind, and every work of for_each as a
// kernel, through nvcc.
#include <cstdint>

#include "arvit/device/planner.hpp"
#include "arvit/model/pretrain_pass.hpp"
#include "arvit/train/step.hpp"
#include "arvit/variants.hpp"

using namespace arvit;

template <class Work> __global__ void each(std::int64_t count, Work work) {
  for (std::int64_t i = 0; i < count; ++i) work(i);
}

/// The planner, with kernels of the works.
template <class P> class Declared : public Planner<P> {
 public:
  template <class Work> void for_each(std::int64_t count, const Work& work) {
    each<<<1, 1>>>(count, work);
  }
};

using D = Declared<Bf16>;
using Small = ViT<2, 32, 2, Patch<4>, Image<16>>;
using Labelled =
    ViT<2, 32, 2, Patch<4>, Image<16>, NoClassToken, Conditions<Pooled<Codes<32>>, Labels<10>>>;
using OfCodes = ViT<2, 32, 2, Patch<4>, Image<16>, Embedding<Codes<32>>>;
using Ordered = OrderPolicy<Stochastic>;

template class arvit::Step<Pretrainer<Small, Decoder<Parallel<2>>, Ordered, Target<Gaussian<3>>>,
                           D>;
template class arvit::Step<
    Pretrainer<Small, Decoder<Causal>, OrderPolicy<Raster>, Target<Pixel, L1>>, D>;
template class arvit::Step<
    Pretrainer<Small, Decoder<TwoStream<>>, OrderPolicy<Semantic<>>, Target<Pixel>>, D>;
template class arvit::Step<
    Pretrainer<Small, Decoder<Joint<2, 32, 2>>, OrderPolicy<RandomMask<>>, Target<Pixel>>, D>;
template class arvit::Step<
    Pretrainer<Small, Decoder<InPlace>, OrderPolicy<RandomMask<>>, Target<Pixel>>, D>;
template class arvit::Step<
    Pretrainer<Small, Decoder<Twin<1, 32>>, OrderPolicy<Cluster<2, 2>>, Target<Features<Small>>>,
    D>;
template class arvit::Step<
    Pretrainer<Small, Decoder<Distil>, OrderPolicy<Cluster<1, 1>>, Target<Features<Small>>>, D>;
template class arvit::Step<Pretrainer<Labelled, Decoder<TwoStream<>>, Ordered, Target<Codes<32>>>,
                           D>;
template class arvit::Step<Pretrainer<OfCodes, Decoder<TwoStream<>>, Ordered, Target<Codes<32>>>,
                           D>;

int main() {
  using Model = Pretrainer<Small, Decoder<Parallel<2>>, Ordered, Target<Gaussian<3>>>;
  return Step<Model, D>::plan(StepOptions{2}).total() > 0 ? 0 : 1;
}
