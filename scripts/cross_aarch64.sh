#!/usr/bin/env bash
# Builds `fiscal` for 64-bit ARM, unchanged, against Debian's arm64 packages, and runs it under an emulator: --version, then a server
# that takes lists and a budget and answers their total.
. "$(dirname "$0")/lib.sh"
[ $# = 0 ] || { sed -n '2,3p' "$0" >&2; exit 2; }
. scripts/roots.sh

install_packages "${PACKAGES[@]}" crossbuild-essential-arm64 qemu-user-static
APT=$PWD/build/aarch64-apt
SYSROOT=$PWD/build/aarch64-sysroot
BUILD=build/aarch64

# The libraries the build needs, with all they need, from an apt that knows nothing but arm64; nothing of it is installed here.
# Programs (cmake, protoc) are this machine's; that some packages bring theirs does no harm.
LIBRARIES=(libstdc++-12-dev libc6-dev protobuf-compiler-grpc protobuf-compiler)
for p in "${PACKAGES[@]}"; do
  case $p in *-dev) LIBRARIES+=("$p") ;; esac
done
WANTED="${LIBRARIES[*]}"
if [ "$(cat "$SYSROOT.of" 2>/dev/null)" != "$WANTED" ]; then
  say "a tree of arm64 packages"
  rm -rf "$SYSROOT" "$SYSROOT.of"
  mkdir -p "$APT"/{state/lists/partial,cache/archives/partial,parts} "$SYSROOT/usr/"{bin,lib,sbin}
  debian_sources >"$APT/sources.list"
  debian_fetching >"$APT/parts/90machine"
  : >"$APT/status"
  apt=(apt-get -q -y -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o "Dir::State=$APT/state" -o "Dir::State::status=$APT/status"
    -o "Dir::Cache=$APT/cache" -o "Dir::Etc::sourcelist=$APT/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::Etc::parts=$APT/parts" -o APT::Sandbox::User= -o APT::Install-Recommends=false)
  "${apt[@]}" update >"$APT/log"
  "${apt[@]}" install --download-only "${LIBRARIES[@]}" >>"$APT/log" || { tail -n 20 "$APT/log" >&2; exit 1; }
  # As on an installed Debian 12, where /lib is /usr/lib.
  for d in bin lib sbin; do ln -s "usr/$d" "$SYSROOT/$d"; done
  for deb in "$APT"/cache/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$SYSROOT"
  done
  # Absolute links would lead out of the tree, into this machine's libraries.
  find "$SYSROOT" -type l -lname '/*' -print0 | while IFS= read -r -d '' link; do
    ln -snf -r "$SYSROOT$(readlink "$link")" "$link"
  done
  # Some packages' CMake files say where they are installed in so many words.
  find "$SYSROOT/usr/lib" -name '*.cmake' -exec sed -i -E "s#([\"; ])/usr/(lib|include)#\\1$SYSROOT/usr/\\2#g" {} +
  # The one program the build finds through a library's CMake files: this machine's, of the same release.
  ln -sf "$(command -v grpc_cpp_plugin)" "$SYSROOT/usr/bin/grpc_cpp_plugin"
  echo "$WANTED" >"$SYSROOT.of"
fi

say "building"
cmake -S . -B "$BUILD" -G Ninja --toolchain cmake/aarch64.cmake -DCMAKE_BUILD_TYPE=Release -DFISCAL_SYSROOT="$SYSROOT" >"build/aarch64.log" ||
  { tail -n 40 build/aarch64.log >&2; exit 1; }
cmake --build "$BUILD" --target fiscal
PROGRAM=$BUILD/bin/fiscal
readelf -h "$PROGRAM" | grep -E 'Machine: +AArch64'

say "running it under qemu-aarch64-static"
fiscal() { qemu-aarch64-static -L "$SYSROOT" "$PROGRAM" "$@"; }
[ "$(fiscal --version)" = "fiscal $(sed -n 's/^project(fiscal VERSION \([^ ]*\).*/\1/p' CMakeLists.txt)" ]
fiscal --version
DATA=$(mktemp -d)
PORT=$((20000 + RANDOM % 10000))
# Not by the function, whose process would be a shell.
qemu-aarch64-static -L "$SYSROOT" "$PROGRAM" serve --data-dir "$DATA" --listen 127.0.0.1:$PORT &
SERVER=$!
trap 'kill $SERVER 2>/dev/null || true; wait; rm -rf "$DATA"' EXIT
# Each try waits for a few seconds itself.
for _ in $(seq 20); do
  if fiscal --server 127.0.0.1:$PORT catalog list --list division --year 2024 >/dev/null 2>&1; then break; fi
  kill -0 $SERVER
done
catalog() { fiscal --server 127.0.0.1:$PORT --timeout 120 catalog import --list "$1" --division "$2" --year 2024 "$3"; }
catalog division 140000 domain/data/divisions.csv
catalog functional 140000 domain/data/functional.csv
catalog dept-economic 140000 domain/data/dept_economic.csv
catalog gov-economic 140000 domain/data/gov_economic.csv
catalog revenue 140000 docs/examples/revenue_example.csv
catalog agency 141100 docs/examples/agencies_141100.csv
fiscal --server 127.0.0.1:$PORT --timeout 120 submit docs/examples/education_bureau.json
fiscal --server 127.0.0.1:$PORT --timeout 120 totals --division 141100 --year 2024 --by functional --depth 1
kill -TERM $SERVER
wait $SERVER
say "the ARM program serves, answers and ends with 0"
