#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# What a translation unit costs: seconds of the compiler (best of three; all variants once) and its
# largest memory, with and without arvit::compiled.
#
#   bench/compile_cost.sh [COMPILER]        g++ when none is named
set -euo pipefail
cd "$(dirname "$0")/.."
compiler=${1:-g++}
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT

includes=(-std=c++20 -Iinclude -isystem /usr/include/eigen3 -DNDEBUG)
apart=(-DARVIT_COMPILED=1 -Og --param=ggc-min-expand=50)  # as the examples are compiled
whole=(-O2)

# name, source, options
unit() {
  local name=$1 source=$2 best=1000000 memory=0
  shift 2
  for _ in ${repeats:-1 2 3}; do
    /usr/bin/time -o "$folder/time" -f "%U %M" "$compiler" "${includes[@]}" "$@" -c "$source" -o /dev/null
    read -r seconds kilobytes <"$folder/time"
    best=$(awk "BEGIN { print ($seconds < $best) ? $seconds : $best }")
    memory=$kilobytes
  done
  printf '%-66s %7.1f s %6.0f MiB\n' "$name" "$best" "$(awk "BEGIN { print $memory / 1024 }")"
}
# A program that pre-trains the models that are named.
trainer() {
  {
    echo '#include "arvit/run/pretrain.hpp"'
    echo '#include "arvit/variants.hpp"'
    for model in "$@"; do
      echo "void train_$model(const arvit::RunOptions& options) {"
      echo "  arvit::pretrain<arvit::$model>(options);"
      echo "}"
    done
  } >"$folder/trainer.cpp"
}
including() { echo "#include \"arvit/$1\"" >"$folder/include.cpp"; }

"$compiler" --version | head -1
including models.hpp && unit "models.hpp alone" "$folder/include.cpp" "${whole[@]}"
including variants.hpp && unit "variants.hpp alone" "$folder/include.cpp" "${whole[@]}"
echo "with arvit::compiled, -Og"
including run/pretrain.hpp && unit "run/pretrain.hpp alone" "$folder/include.cpp" "${apart[@]}"
trainer SemAIM_Nano && unit "a trainer of one model" "$folder/trainer.cpp" "${apart[@]}"
trainer SemAIM_Nano SemAIM_B16 && unit "a trainer of two models" "$folder/trainer.cpp" "${apart[@]}"
trainer SemAIM_Nano SemAIM_B16 SAIM_B16 && unit "a trainer of three models" "$folder/trainer.cpp" "${apart[@]}"
unit "examples/pretrain_semaim.cpp (two models)" examples/pretrain_semaim.cpp "${apart[@]}"
unit "examples/own_model.cpp (all programs of one model)" examples/own_model.cpp "${apart[@]}"
unit "examples/knn.cpp (22 models)" examples/knn.cpp "${apart[@]}"
unit "cmake/compiled/workbench.cpp, -O2" cmake/compiled/workbench.cpp -DARVIT_COMPILED=1 -O2
unit "examples/demo.cpp" examples/demo.cpp "${apart[@]}"
trainer $(cmake -P cmake/variants.cmake) && repeats=1 unit "a trainer of every model of variants.hpp" "$folder/trainer.cpp" "${apart[@]}"
echo "header-only, -O2"
trainer SemAIM_Nano && unit "a trainer of one model, kernels included" "$folder/trainer.cpp" "${whole[@]}"
torch=$(python3 -c 'import torch; print(torch.__path__[0])' 2>/dev/null || true)
if [ -n "$torch" ]; then
  echo "libtorch $(python3 -c 'import torch; print(torch.__version__)'), -O1"
  echo '#include <torch/torch.h>' >"$folder/include.cpp"
  unit "torch/torch.h alone" "$folder/include.cpp" -O1 -isystem "$torch/include" -isystem "$torch/include/torch/csrc/api/include"
fi
