#!/usr/bin/env bash
# Builds Debian's RocksDB without its assertions, by hand: some 25 minutes of two cores and 1 GB, into build/rocksdb.
#   scripts/rocksdb.sh
#   cmake --preset release -DFISCAL_ROCKSDB=$PWD/build/rocksdb && cmake --build --preset release
# Debian compiles RocksDB without NDEBUG: its assertions and its tests' hooks are in every look-up and every write. The
# package's own build stays with that one (docs/adr/0016); this is for who measures, or runs one machine to its limit.
. "$(dirname "$0")/lib.sh"

[ $# = 0 ] || { sed -n 2,4p "$0" >&2; exit 2; }
install_packages "${PACKAGES[@]}" dpkg-dev ca-certificates
SOURCE=build/rocksdb-source
TO=$PWD/build/rocksdb
mkdir -p "$SOURCE/lists/partial"
VERSION=$(dpkg-query -W -f='${source:Version}' librocksdb-dev)
if ! ls -d "$SOURCE"/rocksdb-*/ >/dev/null 2>&1; then
  say "Debian's source of RocksDB $VERSION"
  # Of the archives that this machine installs from, their sources, in lists of their own.
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | sed -n 's/^deb /deb-src /p' >"$SOURCE/sources.list"
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] && sed 's/^Types:.*/Types: deb-src/' "$file" >"$SOURCE/$(basename "$file")"
  done
  APT=(-q -o "Dir::Etc::SourceList=$PWD/$SOURCE/sources.list" -o "Dir::Etc::SourceParts=$PWD/$SOURCE"
    -o "Dir::State::Lists=$PWD/$SOURCE/lists" -o APT::Sandbox::User=root)
  as_root apt-get "${APT[@]}" update
  (cd "$SOURCE" && as_root apt-get "${APT[@]}" source "rocksdb=$VERSION")
fi
say "compiling"
cmake -S "$(ls -d "$SOURCE"/rocksdb-*/)" -B "$SOURCE/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_INSTALL_PREFIX="$TO" -DCMAKE_INSTALL_LIBDIR=lib -DPORTABLE=ON -DUSE_RTTI=ON -DROCKSDB_BUILD_SHARED=ON \
  -DWITH_LZ4=ON -DWITH_ZSTD=ON -DWITH_SNAPPY=ON -DWITH_ZLIB=ON -DWITH_BZ2=ON -DWITH_GFLAGS=OFF -DWITH_TESTS=OFF \
  -DWITH_BENCHMARK_TOOLS=OFF -DWITH_CORE_TOOLS=OFF -DWITH_TOOLS=OFF -DWITH_ALL_TESTS=OFF -DFAIL_ON_WARNINGS=OFF \
  -DCMAKE_CXX_COMPILER_LAUNCHER=ccache >/dev/null
cmake --build "$SOURCE/build"
cmake --install "$SOURCE/build" >/dev/null
say "it has $(objdump -d "$TO"/lib/librocksdb.so | grep -c '<__assert_fail@plt>$') assertions left; to use it:"
echo "  cmake --preset release -DFISCAL_ROCKSDB=$TO && cmake --build --preset release"
