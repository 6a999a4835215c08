#!/usr/bin/env bash
# Long runs of what CI runs a slice of.
#   scripts/campaign.sh simulation SEEDS [FIRST]     2,000 in CI
#   scripts/campaign.sh crash KILLS                  100 in CI
#   scripts/campaign.sh fuzz SECONDS                 each decoder and the importer, with clang's libFuzzer
. "$(dirname "$0")/lib.sh"
[ $# -ge 2 ] || { sed -n '2,6p' "$0" >&2; exit 2; }
install_packages "${PACKAGES[@]}"
case $1 in
  simulation)
    build release simulation_test
    FISCAL_SIM_SEEDS=$2 FISCAL_SIM_FIRST=${3:-1} build/release/bin/simulation_test --gtest_filter=SimulationTest.SeedsHold ;;
  crash)
    build release crash_test
    FISCAL_CRASH_CYCLES=$2 build/release/bin/crash_test ;;
  fuzz)
    install_packages clang-14 libclang-rt-14-dev
    build fuzz record_fuzz document_fuzz
    mkdir -p build/corpus/record build/corpus/document
    cp -n tests/data/documents/*.txt build/corpus/document/
    build/fuzz/bin/record_fuzz -max_total_time="$2" build/corpus/record
    build/fuzz/bin/document_fuzz -max_total_time="$2" -max_len=60000 build/corpus/document ;;
  *) sed -n '2,6p' "$0" >&2; exit 2 ;;
esac
