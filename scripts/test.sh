#!/usr/bin/env bash
# Installs what is needed, builds everything and runs the tests; then the core's tests under AddressSanitizer and
# UndefinedBehaviorSanitizer.
#   scripts/test.sh             once
#   scripts/test.sh --stress N  the suite N times, a test on each core beside two busy loops: none waits on luck. Slices
#                               of campaigns are a fourth of CI's or less: more kills and seeds wait in no other places.
. "$(dirname "$0")/lib.sh"

if [ "${1:-}" = --stress ]; then
  runs=${2:-}
  [[ $runs =~ ^[1-9][0-9]*$ ]] || { echo "scripts/test.sh: --stress needs a number of runs, not '$runs'" >&2; exit 2; }
  install_packages "${PACKAGES[@]}"
  build release
  for _ in $(seq $((2 * $(nproc)))); do (while :; do :; done) & done
  # The loops end with the script, however it ends.
  trap 'kill $(jobs -p) 2>/dev/null' EXIT
  export FISCAL_CRASH_CYCLES=20 FISCAL_TREE_KILLS=2 FISCAL_WATCH_KILLS=2 FISCAL_CANARY_KILLS=2 FISCAL_DAMAGE_FAULTS=30 FISCAL_SIM_SEEDS=200
  failed=0
  for run in $(seq "$runs"); do
    say "run $run of $runs beside $((2 * $(nproc))) busy loops"
    ctest --preset release -j "$(nproc)" || failed=$((failed + 1))
  done
  say "$((runs - failed)) of $runs runs green"
  exit $((failed > 0))
fi
[ $# = 0 ] || { sed -n '2,6p' "$0" >&2; exit 2; }

install_packages "${PACKAGES[@]}"
build release
say "tests"
ctest --preset release
say "core tests with address and undefined-behaviour sanitizers"
mapfile -t CORE < <(grep -v '^#' scripts/asan_targets.txt)
build asan "${CORE[@]}"
for target in "${CORE[@]}"; do
  say "$target"
  FISCAL_SIM_SEEDS=200 "build/asan/bin/$target" --gtest_brief=1
done
