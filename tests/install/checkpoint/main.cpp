// SPDX-License-Identifier: BSL-1.0
#include "arvit/core/initialise.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/variants.hpp"

int main(int, char** argv) {
  using Model = arvit::SAIM_Nano;
  std::vector<float> values(Model::parameter_count);
  std::vector<arvit::StoredTensor> tensors;
  for (const auto& [name, tensor, offset] : Model::parameters()) {
    arvit::initialise(tensor, static_cast<std::uint32_t>(tensors.size()), 1,
                      values.data() + offset);
    tensors.push_back(arvit::stored_tensor(
        name, {tensor.shape.begin(), tensor.shape.begin() + tensor.dimensions()},
        values.data() + offset));
  }
  arvit::write_safetensors(argv[1], tensors);
}
