# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh disable=SC2034
# Sourced from the root of the repository: finds g++ 12 or newer (arvit_cxx), CMake 3.25 or newer (arvit_cmake) and clang-format
# 14 (arvit_format: other versions format differently); each is empty when there is none. CXX, when set, is taken as it is.
PATH=$PWD/.cache/tools/bin:$PATH

arvit_cxx=${CXX:-}
for candidate in g++ g++-14 g++-13 g++-12; do
  [ -z "$arvit_cxx" ] || break
  major=$("$candidate" -dumpversion 2> /dev/null | cut -d. -f1)
  if [ "${major:-0}" -ge 12 ]; then arvit_cxx=$candidate; fi
done

arvit_cmake=
version=$(cmake --version 2> /dev/null | sed -n 's/^cmake version \([0-9]*\)[.]\([0-9]*\).*/\1 \2/p')
if [ "$version" ] && [ $((${version% *} * 1000 + ${version#* })) -ge 3025 ]; then arvit_cmake=cmake; fi

arvit_format=
for candidate in clang-format clang-format-14; do
  case $("$candidate" --version 2> /dev/null) in *"version 14."*) arvit_format=$candidate ;; esac
done
