// SPDX-License-Identifier: BSL-1.0
// expect: Target<Features<Teacher>>: the teacher must take the model's pictures; give both the same
// Image<Height, Width>.
#include <arvit/models.hpp>
#include <arvit/teacher/target_teacher.hpp>

using Student = arvit::SAIM<
    arvit::ViT<1, 12, 3, arvit::Patch<4>, arvit::Image<12>>, arvit::Parallel<1>,
    arvit::Target<arvit::Features<arvit::ViT<1, 12, 3, arvit::Patch<4>, arvit::Image<24>>>>>;
int main() {
  arvit::Cpu<arvit::Fp32> device;
  arvit::make_teacher<Student>(device, {}, {});
}
