#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# Installs, on Debian and Ubuntu, what is missing of what arvit needs; says nothing when nothing is missing.
#   scripts/install_dependencies.sh [demo | check | all]
# demo: to build everything with g++; check (default): and to run the tests; all: and clang, and clang-format 14 where it is
# packaged.
# ARVIT_NO_INSTALL=1 leaves the machine as it is: for other systems, where the packages were installed in another way.
set -eu
cd "$(dirname "$0")/.."
what=${1:-check}
case $what in
  demo | check | all) ;;
  *) echo "install_dependencies.sh: '$what' is not known; say demo, check or all." >&2; exit 2 ;;
esac
[ "${ARVIT_NO_INSTALL:-}" != 1 ] || exit 0
. scripts/toolchain.sh

packages="libeigen3-dev libdnnl-dev libxtensor-dev zlib1g-dev libjpeg-dev libpng-dev libcli11-dev"
packages="$packages doctest-dev nlohmann-json3-dev ninja-build dataset-fashion-mnist"
[ "$what" = demo ] || packages="$packages pkg-config"
[ "$what" != all ] || packages="$packages clang"

has_candidate() { apt-cache policy "$1" 2> /dev/null | grep -q 'Candidate: [^(]'; }
is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2> /dev/null)" = installed ]; }

missing=
for package in $packages; do
  case $package in
    ninja-build) command -v ninja > /dev/null && continue ;;
    pkg-config) command -v pkg-config > /dev/null && continue ;;
    clang) command -v clang++ > /dev/null && continue ;;
  esac
  is_installed "$package" || missing="$missing $package"
done
[ "$arvit_cxx" ] || missing="$missing g++"
[ "$arvit_cmake" ] || missing="$missing cmake"
# Only ./check --all wants it, and can do without.
add_formatter() {
  if [ "$what" = all ] && [ -z "$arvit_format" ] && has_candidate clang-format-14; then
    missing="$missing clang-format-14"
  fi
}
add_formatter
[ "$missing" ] || exit 0

stop() { echo "install_dependencies.sh: $1" >&2; exit 1; }

command -v apt-get > /dev/null || stop "apt-get is not here to install:$missing; install them yourself and set ARVIT_NO_INSTALL=1."
as_root=
if [ "$(id -u)" != 0 ]; then
  command -v sudo > /dev/null || stop "neither root nor sudo is here to install:$missing; ask an administrator to."
  as_root="sudo"
fi

mkdir -p build/logs
log=$PWD/build/logs/install.log
: > "$log"
apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" < /dev/null >> "$log" 2>&1; }

echo "Installing:$missing"
# apt-get update succeeds even when no server answers; without any server the lists are only as good as the last ones.
apt update -o APT::Update::Error-Mode=any || updated=no
case $missing in *clang-format-14*) ;; *) add_formatter ;; esac
for package in $missing; do
  if [ "$package" = libdnnl-dev ] && ! has_candidate "$package"; then
    echo "oneDNN (libdnnl-dev) is not packaged for this system; Eigen will multiply the matrices, more slowly."
    missing=$(echo "$missing" | sed 's/ libdnnl-dev//')
  elif ! has_candidate "$package"; then
    if [ "${updated:-}" = no ]; then stop "the package servers cannot be reached to install:$missing; see $log."; fi
    stop "no package server offers $package; on Ubuntu, enable the repository 'universe'."
  fi
done
if [ "$missing" ]; then
  # shellcheck disable=SC2086  # one word per package
  if ! apt install --no-install-recommends $missing; then
    [ "${updated:-}" != no ] || stop "the package servers cannot be reached to install:$missing; see $log."
    stop "apt-get could not install:$missing; see $log."
  fi
fi

# Older releases: a second compiler package, and CMake from PyPI in a folder of our own.
. scripts/toolchain.sh
if [ -z "$arvit_cxx" ]; then
  apt install --no-install-recommends g++-12 || stop "g++ 12 or newer is needed and apt-get could not install g++-12; see $log."
fi
if [ -z "$arvit_cmake" ]; then
  apt install --no-install-recommends python3-venv || stop "apt-get could not install python3-venv; see $log."
  { python3 -m venv .cache/tools && .cache/tools/bin/pip install -q 'cmake>=3.25,<4'; } < /dev/null >> "$log" 2>&1 ||
    stop "CMake 3.25 or newer is needed and pip could not install it; see $log."
fi
