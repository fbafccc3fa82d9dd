#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Exports untrained encoders under the names of timm, Hugging Face and MAE, loads them there, and compares the features with ours;
# then takes them back. Needs the examples convert and extract_features, and Python 3.10 or newer.
#   scripts/check_export.sh [BUILD [MODEL...]]
# BUILD: build folder (default build/release); MODEL: SAIM_Nano MAE_Nano SAIM_B16 MAE_B16 by default. PYTHON gives a Python that has
# torch, timm, transformers, safetensors and numpy already; else they are installed into .cache/export_venv (6 GB).
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/release}
if [ $# -gt 1 ]; then models=("${@:2}"); else models=(SAIM_Nano MAE_Nano SAIM_B16 MAE_B16); fi
for program in convert extract_features; do
  if [ ! -x "$build/examples/$program" ]; then
    echo "check_export.sh: $build/examples/$program is missing; build it with: cmake --preset release && cmake --build --preset release --target $program" >&2
    exit 2
  fi
done
python=${PYTHON:-.cache/export_venv/bin/python}
if [ -z "${PYTHON:-}" ] && ! "$python" -c 'import torch, timm, transformers, safetensors, numpy' 2> /dev/null; then
  python3 -m venv .cache/export_venv
  .cache/export_venv/bin/pip install -q torch timm transformers safetensors numpy
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" - "$work" << 'END'
import sys, numpy
random = numpy.random.default_rng(0)
for count, side in ((4, 28), (2, 40), (2, 224), (1, 384)):
    numpy.save(f"{sys.argv[1]}/images{side}.npy", random.standard_normal((count, 3, side, side)).astype(numpy.float32))
END
failed=0
compare() {  # naming, folder, images, heads, interpolation of positions
  "$build/examples/extract_features" --checkpoint "$work/ours.safetensors" --images "$3" --pooling tokens --positions "$5" --out "$work/ours.npy" > /dev/null
  "$python" tests/reference/export_check.py "$1" "$2/model.safetensors" "$3" "$work/ours.npy" --heads "$4" 2> "$work/log" || { tail -n 3 "$work/log"; failed=1; }
}
for model in "${models[@]}"; do
  side=224 larger=384 heads=12
  if [[ $model = *_Nano ]]; then side=28 larger=40 heads=4; fi
  "$build/examples/convert" --from untrained --model "$model" --out "$work/ours.safetensors" > /dev/null
  for naming in timm hf mae; do
    folder=$work/$model-$naming
    mkdir -p "$folder"
    "$build/examples/convert" --to "$naming" --checkpoint "$work/ours.safetensors" --out "$folder/model.safetensors" > /dev/null
    echo "$model to $naming, $side pixels"
    compare "$naming" "$folder" "$work/images$side.npy" "$heads" bicubic
    cp "$work/ours.npy" "$work/before.npy"
    if [ "$naming" != mae ]; then
      interpolation=bicubic
      if [ "$naming" = timm ]; then interpolation=antialiased; fi
      echo "$model to $naming, $larger pixels"
      compare "$naming" "$folder" "$work/images$larger.npy" "$heads" "$interpolation"
    fi
    "$build/examples/convert" --from "$naming" --model "$model" --checkpoint "$folder/model.safetensors" --out "$work/back.safetensors" > /dev/null
    "$build/examples/extract_features" --checkpoint "$work/back.safetensors" --images "$work/images$side.npy" --pooling tokens --out "$work/back.npy" > /dev/null
    if cmp -s "$work/before.npy" "$work/back.npy"; then echo "and back: the same bits"; else echo "and back: features differ"; failed=1; fi
  done
done
[ "$failed" = 0 ] && echo "All features agree."
