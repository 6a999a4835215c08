# Shared by the scripts: what the build needs, and how it is built. Sourced, not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PACKAGES=(build-essential cmake ninja-build ccache mold pkg-config libgrpc++-dev libgrpc-dev protobuf-compiler
  protobuf-compiler-grpc libprotobuf-dev libabsl-dev librocksdb-dev libgtest-dev libgmock-dev libcli11-dev libssl-dev
  libspdlog-dev libjemalloc-dev zlib1g-dev libbz2-dev liblz4-dev libzstd-dev libsnappy-dev libgflags-dev libc-ares-dev libre2-dev
  libutf8proc-dev libpoppler-cpp-dev libxlsxwriter-dev libzip-dev libexpat1-dev prometheus-cpp-dev libboost-dev libsystemd-dev libyaml-cpp-dev
  nlohmann-json3-dev clang-format-14)

say() { printf '\n== %s\n' "$*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
  local missing=() p
  for p in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null || true)" = installed ] || missing+=("$p")
  done
  [ ${#missing[@]} = 0 ] && return 0
  say "installing ${missing[*]}"
  as_root apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# build PRESET [TARGET ...]
build() {
  local preset=$1
  shift
  [ -f "build/$preset/build.ninja" ] || { say "configuring $preset"; cmake --preset "$preset" >/dev/null; }
  say "building $preset ${*:-everything}"
  if [ $# = 0 ]; then cmake --build --preset "$preset"; else cmake --build --preset "$preset" --target "$@"; fi
}
