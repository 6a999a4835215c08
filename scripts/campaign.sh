#!/usr/bin/env bash
# Long runs of what CI runs a slice of.
#   scripts/campaign.sh simulation SEEDS [FIRST]     2,000 in CI
#   scripts/campaign.sh verify HISTORIES             with projects in unwritten postings; 500 in CI
#   scripts/campaign.sh crash KILLS                  100 in CI
#   scripts/campaign.sh tree KILLS                   of counties, city and province; 12 in CI
#   scripts/campaign.sh watch KILLS                  of a server with watchers; 8 in CI
#   scripts/campaign.sh canary KILLS                 of a server whose tenants look for each other's marks; 6 in CI
#   scripts/campaign.sh denied PAIRS                 a foreign budget that is there against one that is not, in time
#   scripts/campaign.sh authority-cost PAIRS         submits and totals with grants enforced against without
#   scripts/campaign.sh storage-damage FAULTS [SEED] single faults in the files of a data directory; 150 in CI
#   scripts/campaign.sh check DOCUMENTS              made disclosures with planted errors; 60 in CI
#   scripts/campaign.sh explain LINES                explanations over a history of so many; 20,000 in CI
#   scripts/campaign.sh fuzz SECONDS                 each decoder, the importer and spreadsheets, with clang's libFuzzer
. "$(dirname "$0")/lib.sh"
[ $# -ge 2 ] || { sed -n '2,14p' "$0" >&2; exit 2; }
install_packages "${PACKAGES[@]}"
case $1 in
  simulation)
    build release simulation_test
    FISCAL_SIM_SEEDS=$2 FISCAL_SIM_FIRST=${3:-1} build/release/bin/simulation_test --gtest_filter=SimulationTest.SeedsHold ;;
  verify)
    build release simulation_test
    FISCAL_VERIFY_HISTORIES=$2 build/release/bin/simulation_test \
      --gtest_filter='SimulationTest.VerifyAgrees*:SimulationTest.TakingBack*' ;;
  crash)
    build release crash_test
    FISCAL_CRASH_CYCLES=$2 build/release/bin/crash_test ;;
  tree)
    build release tree_crash_test
    FISCAL_TREE_KILLS=$2 build/release/bin/tree_crash_test ;;
  watch)
    build release watch_crash_test
    FISCAL_WATCH_KILLS=$2 build/release/bin/watch_crash_test ;;
  canary)
    build release canary_crash_test
    FISCAL_CANARY_KILLS=$2 build/release/bin/canary_crash_test ;;
  denied)
    build release fiscal-denied-bench
    build/release/bin/fiscal-denied-bench --pairs "$2" ;;
  authority-cost)
    build release fiscal-authority-cost
    build/release/bin/fiscal-authority-cost --pairs "$2" ;;
  storage-damage)
    build release storage_damage_test fiscal
    # Kept, so that a failure can be looked at again by its name (FISCAL_DAMAGE_ONLY).
    rm -rf build/damage
    FISCAL_DAMAGE_BASES=build/damage FISCAL_DAMAGE_FAULTS=$2 FISCAL_DAMAGE_SEED=${3:-1} build/release/bin/storage_damage_test ;;
  explain)
    build release explain_test
    FISCAL_EXPLAIN_LINES=$2 build/release/bin/explain_test ;;
  check)
    build release fiscal-check-bench
    build/release/bin/fiscal-check-bench --documents "$2" ;;
  fuzz)
    install_packages clang-14 libclang-rt-14-dev
    build fuzz record_fuzz document_fuzz descriptions_fuzz pdf_fuzz config_fuzz sheets_fuzz
    mkdir -p build/corpus/{record,document,descriptions,pdf,config,sheets}
    cp -n tests/data/documents/*.txt build/corpus/document/
    cp -n tests/data/documents/*.pdf build/corpus/pdf/
    # The first byte says which kind of description it is.
    for file in domain/data/forms/*.csv; do { printf 0; cat "$file"; } > "build/corpus/descriptions/$(basename "$file")"; done
    { printf 1; cat domain/data/rules.csv; } > build/corpus/descriptions/rules.csv
    build/fuzz/bin/record_fuzz -max_total_time="$2" build/corpus/record
    build/fuzz/bin/document_fuzz -max_total_time="$2" -max_len=100000 build/corpus/document
    build/fuzz/bin/descriptions_fuzz -max_total_time="$2" -max_len=60000 build/corpus/descriptions
    build/fuzz/bin/pdf_fuzz -max_total_time="$2" -max_len=200000 build/corpus/pdf
    build/fuzz/bin/config_fuzz -max_total_time="$2" -max_len=20000 build/corpus/config tests/fuzz/seeds/config
    build/fuzz/bin/sheets_fuzz -max_total_time="$2" -max_len=20000 build/corpus/sheets tests/fuzz/seeds/sheets ;;
  *) sed -n '2,14p' "$0" >&2; exit 2 ;;
esac
