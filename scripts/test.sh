#!/usr/bin/env bash
# Installs what is needed, builds everything and runs the tests; then the core's tests under AddressSanitizer and
# UndefinedBehaviorSanitizer.
#   scripts/test.sh             once
#   scripts/test.sh --stress N  the suite N times, beside two busy loops for each core: no test waits on luck
. "$(dirname "$0")/lib.sh"

if [ "${1:-}" = --stress ]; then
  runs=${2:-}
  [[ $runs =~ ^[1-9][0-9]*$ ]] || { echo "scripts/test.sh: --stress needs a number of runs, not '$runs'" >&2; exit 2; }
  install_packages "${PACKAGES[@]}"
  build release
  for _ in $(seq $((2 * $(nproc)))); do (while :; do :; done) & done
  # The loops end with the script, however it ends.
  trap 'kill $(jobs -p) 2>/dev/null' EXIT
  failed=0
  for run in $(seq "$runs"); do
    say "run $run of $runs beside $((2 * $(nproc))) busy loops"
    ctest --preset release || failed=$((failed + 1))
  done
  say "$((runs - failed)) of $runs runs green"
  exit $((failed > 0))
fi
[ $# = 0 ] || { sed -n '2,5p' "$0" >&2; exit 2; }

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
