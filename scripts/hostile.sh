#!/usr/bin/env bash
# Callers who misbehave, and what they cost everybody else; docs/benchmarks-hostile.md explains the figures.
#   scripts/hostile.sh [--quick] [--only SITUATION]
# The full run takes some five minutes and writes docs/benchmarks-hostile.md; --quick does less of each in under two and writes nothing. Ends with 1
# when a goal is missed; with --quick, one that is no matter of time.
. "$(dirname "$0")/lib.sh"

REPORT=(--report docs/benchmarks-hostile.md)
ARGUMENTS=()
while [ $# -gt 0 ]; do
  case $1 in
    --quick) ARGUMENTS+=(--quick); REPORT=() ;;
    --only) ARGUMENTS+=(--only "${2:?--only needs a situation: heavy-reads, great-statements, single-calls, crowd, descriptors, http2-floods or shut-out}"); REPORT=(); shift ;;
    *) sed -n '2,5p' "$0" >&2; exit 2 ;;
  esac
  shift
done

install_packages "${PACKAGES[@]}"
build release fiscal fiscal-hostile-bench
say "measuring"
COMMIT=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
build/release/bin/fiscal-hostile-bench --commit "$COMMIT" --before tests/bench/hostile/before.tsv "${REPORT[@]}" "${ARGUMENTS[@]}"
