#!/usr/bin/env bash
# Installs what is needed, builds everything and runs the tests; then the core's tests under AddressSanitizer and
# UndefinedBehaviorSanitizer.
. "$(dirname "$0")/lib.sh"

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
