#!/usr/bin/env bash
# Measures the product and its yardsticks in one run; docs/benchmarks.md explains the figures.
#   scripts/bench.sh [--quick] [--peers] [--size 100m] [--json FILE]
#                    [--only bulk|singles|amendments|pages|arrivals|growth|reads|watchers]
# --size 100m: growth goes on to 100 million lines, by hand: 56 bytes of disk each.
# --peers: ClickHouse and DuckDB beside it, from PyPI into build/peers.
# Makes a throw-away PostgreSQL cluster beside it and stops it again. The full run takes some ten minutes and writes
# docs/benchmarks.md with its plot; --quick scales sizes down, says so, and writes nothing but the JSON.
. "$(dirname "$0")/lib.sh"

ARGUMENTS=()
REPORT=(--report docs)
PEERS=0
while [ $# -gt 0 ]; do
  case $1 in
    --quick) ARGUMENTS+=(--quick); REPORT=() ;;
    --peers) PEERS=1 ;;
    --size) ARGUMENTS+=(--size "${2:?--size needs 100m}"); shift ;;
    --only) ARGUMENTS+=(--only "${2:?--only needs a phase}"); REPORT=(); shift ;;
    --json) ARGUMENTS+=(--json "${2:?--json needs a file}"); shift ;;
    *) sed -n '2,8p' "$0" >&2; exit 2 ;;
  esac
  shift
done

install_packages "${PACKAGES[@]}" libpq-dev postgresql-15
# The build looks for libpq when it is configured.
grep -q '^PostgreSQL_LIBRARY_RELEASE:FILEPATH=/' build/release/CMakeCache.txt 2>/dev/null || cmake --preset release >/dev/null
build release fiscal fiscal-bench

if [ $PEERS = 1 ]; then
  install_packages python3-venv
  say "ClickHouse and DuckDB from PyPI"
  [ -x build/peers/bin/python ] || /usr/bin/python3 -m venv build/peers
  build/peers/bin/pip install -q chdb==4.4.0 duckdb==2.0.1
  ARGUMENTS+=(--peers build/peers/bin/python)
fi

say "a throw-away PostgreSQL cluster"
POSTGRES=/usr/lib/postgresql/15/bin
CLUSTER=$(mktemp -d)
# The server refuses to run as root.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}
if [ "$(id -u)" = 0 ]; then chown postgres "$CLUSTER"; fi
stop_cluster() {
  (cd "$CLUSTER" && as_postgres "$POSTGRES/pg_ctl" -D "$CLUSTER/data" -m immediate stop >/dev/null 2>&1) || true
  rm -rf "$CLUSTER"
}
trap stop_cluster EXIT
(
  cd "$CLUSTER"
  as_postgres "$POSTGRES/initdb" -D "$CLUSTER/data" -U postgres -A trust >/dev/null
  # Durable as it comes: fsync and synchronous_commit are on. Memory as a small server would have it.
  as_postgres "$POSTGRES/pg_ctl" -D "$CLUSTER/data" -w -l "$CLUSTER/log" \
    -o "-c listen_addresses='' -c unix_socket_directories=$CLUSTER -c shared_buffers=512MB -c max_wal_size=4GB" start >/dev/null
)

say "measuring"
COMMIT=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
build/release/bin/fiscal-bench --commit "$COMMIT" --postgres "$CLUSTER" "${REPORT[@]}" "${ARGUMENTS[@]}"
