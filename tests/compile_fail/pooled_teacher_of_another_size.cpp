// SPDX-License-Identifier: BSL-1.0
// expect: Conditions<Pooled<Teacher>>: the teacher must take the model's pictures; give both the
// same Image<Height, Width>.
#include <arvit/teacher/conditions.hpp>

using Student = arvit::ViT<
    1, 12, 3, arvit::Patch<4>, arvit::Image<12>,
    arvit::Conditions<arvit::Pooled<arvit::ViT<1, 12, 3, arvit::Patch<4>, arvit::Image<24>>>>>;
int main() {
  arvit::Cpu<arvit::Fp32> device;
  arvit::make_conditions<Student>(device, {arvit::Source::Kind::checkpoint, "teacher"}, {});
}
