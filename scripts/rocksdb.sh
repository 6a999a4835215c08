#!/usr/bin/env bash
# Builds Debian's own RocksDB source without its assertions, for a faster build of Fiscal. By hand; some twelve
# minutes of one core.
#   scripts/rocksdb.sh [DIRECTORY]          default: build/rocksdb
#   cmake --preset release -DFISCAL_ROCKSDB=DIRECTORY
# Debian compiles the library without NDEBUG: every assertion and test hook is on. The source, its patches and its
# compression libraries are the package's, so the stores are the same. ADR 0017 has both rows.
. "$(dirname "$0")/lib.sh"

case "$#:${1:-}" in
  0:*) ;;
  1:-*) sed -n '2,7p' "$0" >&2; exit 2 ;;
  1:?*) ;;
  *) sed -n '2,7p' "$0" >&2; exit 2 ;;
esac
DIRECTORY=$(realpath -m "${1:-build/rocksdb}")
WORK=$(realpath -m build/rocksdb-source)

install_packages build-essential cmake ninja-build ccache dpkg-dev libsnappy-dev liblz4-dev libzstd-dev zlib1g-dev \
  libbz2-dev librocksdb-dev

VERSION=$(dpkg-query -W -f='${source:Version}' librocksdb-dev)
[ "$(cat "$DIRECTORY/version" 2>/dev/null || true)" != "$VERSION" ] || { say "$DIRECTORY has $VERSION"; exit 0; }

say "the source of rocksdb $VERSION"
mkdir -p "$WORK/lists/partial" "$WORK/cache/archives/partial"
# The machine's own sources with deb-src, in a list of their own: its settings stay as they are.
SOURCES=()
for file in /etc/apt/sources.list.d/*.sources; do
  [ -e "$file" ] || continue
  sed 's/^Types:.*/Types: deb-src/' "$file" >"$WORK/$(basename "$file")"
  SOURCES+=("$(basename "$file")")
done
if [ -e /etc/apt/sources.list ]; then
  sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$WORK/debian.list"
  SOURCES+=(debian.list)
fi
mkdir -p "$WORK/parts"
for file in "${SOURCES[@]}"; do mv "$WORK/$file" "$WORK/parts/"; done
APT=(-o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$WORK/parts" -o "Dir::State::lists=$WORK/lists"
  -o "Dir::Cache=$WORK/cache"
  -o APT::Sandbox::User=root -o Debug::NoLocking=1)
apt-get "${APT[@]}" update -q
(cd "$WORK" && apt-get "${APT[@]}" source -q --download-only "rocksdb=$VERSION")
rm -rf "$WORK/tree"
dpkg-source -x "$WORK"/rocksdb_*.dsc "$WORK/tree"

say "building it without assertions into $DIRECTORY"
cmake -S "$WORK/tree" -B "$WORK/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$DIRECTORY" \
  -DCMAKE_INSTALL_LIBDIR=lib \
  -DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DPORTABLE=ON -DUSE_RTTI=ON -DFAIL_ON_WARNINGS=OFF \
  -DROCKSDB_BUILD_SHARED=OFF -DWITH_SNAPPY=ON -DWITH_LZ4=ON -DWITH_ZSTD=ON -DWITH_ZLIB=ON -DWITH_BZ2=ON \
  -DWITH_GFLAGS=OFF \
  -DWITH_TESTS=OFF -DWITH_TOOLS=OFF -DWITH_CORE_TOOLS=OFF -DWITH_BENCHMARK_TOOLS=OFF >/dev/null
cmake --build "$WORK/build" --target rocksdb
DESTDIR='' cmake --install "$WORK/build" >/dev/null
if nm "$DIRECTORY/lib/librocksdb.a" 2>/dev/null | grep __assert_fail >/dev/null; then
  echo "$DIRECTORY/lib/librocksdb.a still has its assertions" >&2
  exit 1
fi
echo "$VERSION" >"$DIRECTORY/version"
say "done: cmake --preset release -DFISCAL_ROCKSDB=$DIRECTORY"
