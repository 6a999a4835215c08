#!/usr/bin/env bash
# Installs what is needed, builds, serves on 127.0.0.1:7411 with a fresh data directory, puts a real city office's budget and the
# live examples in through gRPC, shows the totals that come out and rolls them up into a province. Serves until Ctrl-C; with --exit it stops after showing them.
# With --authority log or enforce all of it is done with certificates and grants: docs/authority.md. Nothing may be denied then.
. "$(dirname "$0")/lib.sh"

EXIT=false
AUTHORITY=
while [ $# -gt 0 ]; do
  case $1 in
    --exit) EXIT=true ;;
    --authority) AUTHORITY=${2:-}; shift ;;
    *) AUTHORITY=usage ;;
  esac
  shift || true
  case $AUTHORITY in
    ""|log|enforce) ;;
    *) echo "usage: scripts/run.sh [--exit] [--authority log|enforce]" >&2; exit 2 ;;
  esac
done

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
rm -rf "$DATA" "$DATA-province" "$DATA-pki"
PROVINCE=(build/release/bin/fiscal --server "$ABOVE")
SERVE=(build/release/bin/fiscal serve)
SERVE_ABOVE=(build/release/bin/fiscal serve)

# Certificates, and servers that ask for them. `as NAME` are the flags of a caller.
as() { echo --tls-ca "$DATA-pki/ca.pem" --tls-certificate "$DATA-pki/$1.pem" --tls-key "$DATA-pki/$1-key.pem"; }
tls_file() { # SERVER: its configuration, on stdout
  cat <<END
role: all
server:
  data_dir: $DATA
  tls:
    certificate_file: $DATA-pki/server-$1.pem
    key_file: $DATA-pki/server-$1-key.pem
    client_ca_file: $DATA-pki/ca.pem
    client_crl_file: $DATA-pki/crl.pem
  peer_tls:
    ca_file: $DATA-pki/ca.pem
    certificate_file: $DATA-pki/server-$1.pem
    key_file: $DATA-pki/server-$1-key.pem
  authority:
    mode: $AUTHORITY
    admins:
      - principal: spiffe://run.example/admin/one
      - principal: spiffe://run.example/admin/two
END
}
if [ -n "$AUTHORITY" ]; then
  PKI=(build/release/bin/fiscal admin pki)
  "${PKI[@]}" init --dir "$DATA-pki" --trust-domain run.example >/dev/null
  for name in admin/one admin/two bureau; do "${PKI[@]}" issue --dir "$DATA-pki" "$name" >/dev/null; done
  for name in server/city server/province; do
    "${PKI[@]}" issue --dir "$DATA-pki" "$name" --server --host 127.0.0.1 >/dev/null
  done
  tls_file city > "$DATA-pki/city.yaml"
  tls_file province > "$DATA-pki/province.yaml"
  SERVE+=(--config "$DATA-pki/city.yaml")
  SERVE_ABOVE+=(--config "$DATA-pki/province.yaml")
  read -ra bureau <<< "$(as bureau)"
  FISCAL+=("${bureau[@]}")
  PROVINCE+=("${bureau[@]}")
fi
# grant SERVER NAME ROLE [DIVISION]: by one administrator, approved by the other where it takes two.
grant() {
  local one two answer
  read -ra one <<< "$(as admin-one)"
  read -ra two <<< "$(as admin-two)"
  answer=$(build/release/bin/fiscal --server "$1" "${one[@]}" -o json authority grant \
    --to "spiffe://run.example/$2" --role "$3" ${4:+--division "$4"})
  case $answer in
    *PENDING*)
      build/release/bin/fiscal --server "$1" "${two[@]}" authority approve \
        "$(sed -n 's/.*"grant_id":"\{0,1\}\([0-9]*\).*/\1/p' <<< "$answer")" ;;
    *) echo "$answer" ;;
  esac
}
"${SERVE[@]}" --data-dir "$DATA" --listen "$ADDRESS" &
SERVER=$!
PROVINCE_SERVER=
trap 'kill $SERVER $PROVINCE_SERVER 2>/dev/null || true; wait 2>/dev/null || true' EXIT
# What they may: the bureau at both, and the province at the city, before it asks.
if [ -n "$AUTHORITY" ]; then
  say "grants at the city"
  grant "$ADDRESS" bureau catalog-owner 140000
  grant "$ADDRESS" bureau reviewer 141100
  grant "$ADDRESS" bureau operator
  grant "$ADDRESS" bureau audit-admin
  grant "$ADDRESS" server/province consumer 141100
fi
"${SERVE_ABOVE[@]}" --data-dir "$DATA-province" --listen "$ABOVE" --upstream "lvliang=$ADDRESS" &
PROVINCE_SERVER=$!
if [ -n "$AUTHORITY" ]; then
  say "grants at the province"
  grant "$ABOVE" bureau catalog-owner 140000
  grant "$ABOVE" bureau reader 140000
  grant "$ABOVE" bureau operator
  grant "$ABOVE" bureau audit-admin
fi
# The client itself waits for the server to answer.
"${FISCAL[@]}" authority whoami >/dev/null

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
"${PROVINCE[@]}" catalog import --list division --division 140000 --year 2024 domain/data/divisions.csv
# What the city has, the province takes over as it comes.
for _ in $(seq 600); do
  "${PROVINCE[@]}" -o json federation status | grep -q '_FOLLOWING".*"lag_count":"0"' && break
  sleep 0.1
done
"${PROVINCE[@]}" federation status
"${PROVINCE[@]}" totals --division 140000 --year 2024 --by division
"${PROVINCE[@]}" totals --division 140000 --year 2024 --consolidated
"${PROVINCE[@]}" reconcile --upstream lvliang

say "every total recomputed from the log"
"${FISCAL[@]}" admin verify

if [ -n "$AUTHORITY" ]; then
  say "what was denied, or would have been: nothing"
  for server in FISCAL PROVINCE; do
    declare -n command=$server
    for outcome in denied would_deny; do
      [ -z "$("${command[@]}" -o json audit list --outcome $outcome)" ] || {
        "${command[@]}" audit list --outcome $outcome
        echo "scripts/run.sh: the grants do not cover what was done" >&2
        exit 1
      }
    done
  done
fi

if $EXIT; then
  say "done"
else
  say "serving on $ADDRESS; try: build/release/bin/fiscal totals --division 141100 --year 2024 --by functional,fund. Ctrl-C ends it"
  trap 'kill $SERVER $PROVINCE_SERVER 2>/dev/null || true' INT TERM
  wait "$SERVER" || true
fi
