// SPDX-License-Identifier: BSL-1.0
// expect: EncoderTeacher<Encoder>: a teacher with conditions would need another teacher; choose one
// without.
#include <arvit/models.hpp>
#include <arvit/teacher/encoder.hpp>

using Bad =
    arvit::ViT<1, 12, 3, arvit::Patch<4>, arvit::Image<12>, arvit::Conditions<arvit::Labels<3>>>;
int main() {
  arvit::Cpu<arvit::Fp32> device;
  arvit::EncoderTeacher<Bad, arvit::Cpu<arvit::Fp32>> teacher(device, "teacher", {});
}
