#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# Compiles the public headers with nvcc.
#   scripts/check_headers.sh [--alone] [FOLDER...]
# Without --alone the headers that lie directly in one FOLDER of include/arvit ("." for the top) are compiled together, which is
# quicker; with it, one by one. Without a FOLDER, all folders. NVCC, NVCCFLAGS and EIGEN give the compiler, further flags and
# Eigen's include folder.
# shellcheck disable=SC2046,SC2086  # headers and folders are one word each
set -eu
cd "$(dirname "$0")/.."
alone=
if [ "${1:-}" = --alone ]; then alone=yes; shift; fi
[ $# -gt 0 ] || set -- $(cd include/arvit && find . -type d | sed 's|^[.]/||' | sort)

nvcc=${NVCC:-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}
command -v "$nvcc" > /dev/null || { echo "check_headers.sh: nvcc was not found; put it on PATH or set NVCC." >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

compile() {  # name of the unit; its lines come from standard input
  cat > "$work/unit.cu"
  # Eigen's and doctest's annotations make nvcc warn 20012, 20014 and 20015 about code that is not ours.
  if ! "$nvcc" -std=c++20 -c -o "$work/unit.o" -O0 -diag-suppress 20012,20014,20015 -Xcompiler=-Wall,-Wextra ${NVCCFLAGS:-} \
      -Iinclude -isystem "${EIGEN:-/usr/include/eigen3}" "$work/unit.cu" > "$work/log" 2>&1 || [ -s "$work/log" ]; then
    echo "nvcc does not compile $1 cleanly:"
    head -n 60 "$work/log"
    failed=yes
  fi
}

failed=
for folder in "$@"; do
  headers=$(cd include && find "arvit/$folder" -maxdepth 1 -name '*.hpp' | sed 's|/[.]/|/|' | sort)
  [ -n "$headers" ] || continue
  if [ "$alone" ]; then
    for header in $headers; do echo "#include <$header>" | compile "$header"; done
  else
    printf '#include <%s>\n' $headers | compile "the headers of include/arvit/$folder"
  fi
done
[ -z "$failed" ]
