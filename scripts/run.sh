#!/usr/bin/env bash
# Installs what is needed, builds, serves on 127.0.0.1:7411 with a fresh data directory, puts a real city office's budget and the
# live examples in through gRPC, shows the totals that come out and rolls them up into a province. Serves until Ctrl-C; with --exit it stops after showing them.
. "$(dirname "$0")/lib.sh"

EXIT=false
case "${1:-}" in
  "") ;;
  --exit) EXIT=true ;;
  *) echo "usage: scripts/run.sh [--exit]" >&2; exit 2 ;;
esac

install_packages "${PACKAGES[@]}"
build release fiscal

ADDRESS=127.0.0.1:7411
ABOVE=127.0.0.1:7412
DATA=build/run-data
FISCAL=(build/release/bin/fiscal --server "$ADDRESS")
for port in 7411 7412; do
  if (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; then
    echo "scripts/run.sh: something listens on 127.0.0.1:$port already; stop it first" >&2
    exit 1
  fi
done
rm -rf "$DATA" "$DATA-province"
build/release/bin/fiscal serve --data-dir "$DATA" --listen "$ADDRESS" &
SERVER=$!
build/release/bin/fiscal serve --data-dir "$DATA-province" --listen "$ABOVE" --upstream "lvliang=$ADDRESS" &
PROVINCE_SERVER=$!
trap 'kill $SERVER $PROVINCE_SERVER 2>/dev/null || true; wait 2>/dev/null || true' EXIT
# The client itself waits for the server to answer.
"${FISCAL[@]}" catalog list --list division --year 2024 >/dev/null

say "catalog: divisions, classifications and agencies of 2024"
catalog() { "${FISCAL[@]}" catalog import --list "$1" --division "$2" --year 2024 "$3"; }
catalog division 140000 domain/data/divisions.csv
catalog functional 140000 domain/data/functional.csv
catalog dept-economic 140000 domain/data/dept_economic.csv
catalog gov-economic 140000 domain/data/gov_economic.csv
catalog revenue 140000 docs/examples/revenue_example.csv
catalog agency 141100 domain/data/agencies_reference.csv
catalog agency 141100 docs/examples/agencies_141100.csv
catalog agency 141121 docs/examples/agencies_141121.csv

say "import: the 2024 disclosure of 吕梁市人民政府金融工作办公室, 13 tables"
"${FISCAL[@]}" import tests/data/documents/lvliang_finance_office_2024.txt

say "the same 13 tables from the ledger, against the document, cell by cell"
"${FISCAL[@]}" tables --division 141100 --year 2024 --department 031 --compare tests/data/documents/lvliang_finance_office_2024.txt
say "what does not add up in the document (exit 3: an ERROR rule fails)"
"${FISCAL[@]}" check tests/data/documents/lvliang_finance_office_2024.txt || [ $? = 3 ]

totals() { "${FISCAL[@]}" totals --year 2024 "$@"; }
say "department 031 of 141100 by functional classification"
totals --division 141100 --department 031 --by functional
say "by category"
totals --division 141100 --department 031 --by category
say "its projects (tables 12 and 13)"
totals --division 141100 --department 031 --by project
say "its basic expenditure by departments' economic classification (table 6)"
totals --division 141100 --department 031 --by dept-economic

say "live examples: full-dimension budgets of five agencies, a PATCH, a withdrawal and a spreadsheet"
"${FISCAL[@]}" submit docs/examples/education_bureau.json
"${FISCAL[@]}" submit docs/examples/city_and_county.ndjson >/dev/null
"${FISCAL[@]}" submit docs/examples/line_items.csv
"${FISCAL[@]}" budgets --division 141100 --children
say "the city with its counties, by division"
totals --division 141100 --by division
say "by department and category"
totals --division 141100 --by department,category --depth 1
say "income by fund"
totals --division 141100 --direction income --by fund

say "what the city spends on 208 (社会保障和就业), down to the lines"
"${FISCAL[@]}" explain --division 141100 --year 2024 --functional 208 --depth lines
say "who must report, and has"
"${FISCAL[@]}" coverage --division 141100 --year 2024
say "a watch: the snapshot, as a system that follows totals gets it"
"${FISCAL[@]}" watch --division 141100 --year 2024 --by functional --depth 1 --once

say "a province above the city, on $ABOVE: its totals, transfers to the county taken out once, and the reconciliation"
PROVINCE=(build/release/bin/fiscal --server "$ABOVE")
"${PROVINCE[@]}" catalog import --list division --division 140000 --year 2024 domain/data/divisions.csv
# What the city has, the province takes over as it comes.
for _ in $(seq 600); do
  "${PROVINCE[@]}" -o json federation status | grep -q '"FOLLOWING".*"lag_count":0' && break
  sleep 0.1
done
"${PROVINCE[@]}" federation status
"${PROVINCE[@]}" totals --division 140000 --year 2024 --by division
"${PROVINCE[@]}" totals --division 140000 --year 2024 --consolidated
"${PROVINCE[@]}" reconcile --upstream lvliang

say "every total recomputed from the log"
"${FISCAL[@]}" admin verify

if $EXIT; then
  say "done"
else
  say "serving on $ADDRESS; try: build/release/bin/fiscal totals --division 141100 --year 2024 --by functional,fund. Ctrl-C ends it"
  trap 'kill $SERVER $PROVINCE_SERVER 2>/dev/null || true' INT TERM
  wait "$SERVER" || true
fi
