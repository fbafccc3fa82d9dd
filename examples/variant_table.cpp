// SPDX-License-Identifier: BSL-1.0
// Pre-trains every variant on the same pictures with one small encoder and prints a table: k-NN and
// linear probe after as many images, with --minutes also after as much time; images/s, memory; the
// untrained encoder and raw pixels as floor. Continues where it was stopped, and keeps what is
// finished.
//
//   variant_table --data cifar10 --epochs 10 --minutes 20 --out out/variants
#include "arvit/workbench/variant_table.hpp"

#include "arvit/variants.hpp"

using namespace arvit;

// Any encoder: every variant is a type around it.
using Encoder = ViT<4, 64, 4, Patch<4>, Image<32>>;
using OfCodes = ViT<4, 64, 4, Patch<4>, Image<32>, Embedding<Codes<512>>>;
using Teacher = TeacherModel<Encoder>;
using OwnFeatures = Target<Features<Encoder>>;
using Methods = ModelList<
    Variant<CausalViT<Encoder>, "ViT-iGPT">, Variant<MAE<Encoder, Joint<2, 64, 4>>, "MAE">,
    Variant<SimMIM<Encoder>, "SimMIM">, Variant<RandSAC<Encoder, Parallel<2>>, "RandSAC">,
    Variant<SAIM<Encoder, Parallel<2>>, "SAIM">, Variant<Teacher, "SemAIM">,
    Variant<GVP<Encoder, Grouped<Mixed<5>>>, "GVP p2p">,
    Variant<GVP<Encoder, Grouped<Mixed<5>>, Target<Codes<512>>>, "GVP p2d, own codebook">,
    Variant<GVP<OfCodes, Grouped<Mixed<5>>, Target<Codes<512>>>, "GVP d2d, own codebook">,
    Variant<MAGE<OfCodes, Joint<2, 64, 4>, Target<Codes<512>>>, "MAGE, own codebook">,
    Variant<iGPT<ViT<4, 64, 4, Patch<1>, Image<16>, Embedding<Codes<512>>>>, "iGPT, own palette">,
    Variant<DiGPT<Encoder, OwnFeatures, Twin<2, 64>>, "D-iGPT, taught by SemAIM">>;
using Arms = ModelList<
    Variant<SemAIM<Encoder, Parallel<2>, Raster>, "SemAIM, reading order">,
    Variant<SemAIM<Encoder, Parallel<2>, Semantic<BySimilarity>>, "SemAIM, by similarity">,
    Variant<GVP<Encoder, Grouped<Fixed<5>>>, "GVP p2p, equal groups">,
    Variant<GVP<Encoder, Grouped<Random<5>>>, "GVP p2p, random groups">,
    Variant<GVP<Encoder, Grouped<Mixed<5>, FixedSequence>>, "GVP p2p, reading order">,
    Variant<GVP<ViT<4, 64, 4, Patch<4>, Image<32>, NoClassToken, Conditions<Pooled<Codes<512>>>>,
                Grouped<Mixed<5>>>,
            "GVP p2p, y_extra of own codes">,
    Variant<SimMIM<Encoder, Target<Codes<512>>, RandomMask<std::ratio<3, 5>>>,
            "BEiT, own codebook">,
    Variant<DiGPT<Encoder, OwnFeatures, Twin<2, 64, GenOnly>>, "D-iGPT, Gen alone">,
    Variant<DiGPT<Encoder, OwnFeatures, Twin<2, 64, DisOnly>>, "D-iGPT, Dis alone">,
    Variant<SimMIM<Encoder, OwnFeatures, RandomMask<std::ratio<3, 5>>>, "EVA, taught by SemAIM">,
    Variant<Pretrainer<Encoder, Decoder<Distil>, OrderPolicy<Cluster<1, 1>>, OwnFeatures>,
            "distillation of SemAIM">>;

int main(int argc, char** argv) {
  return run_main(argc, argv, program::variant_table<Methods, Arms, "SemAIM">);
}
