# Run inside a root where fiscal is installed, as a user without rights: serves from the packaged configuration, takes lists and a
# budget, answers their total, ends at SIGTERM. For scripts/package.sh and scripts/image_check.sh; any arguments are how to serve.
set -eu

[ $# -gt 0 ] || set -- fiscal serve --config /etc/fiscal/serve.yaml
SHARE=/usr/share/fiscal
if (: >/usr/bin/fiscal.written) 2>/dev/null; then echo "this root can be written to" >&2; exit 1; fi
"$@" &
SERVER=$!
# Each try waits for a few seconds itself.
for try in 1 2 3 4 5 6 7 8 9 10; do
  if fiscal catalog list --list division --year 2024 >/dev/null 2>&1; then break; fi
  kill -0 $SERVER || { wait $SERVER; exit 1; }
done
catalog() { fiscal catalog import --list "$1" --division "$2" --year 2024 "$3"; }
catalog division 140000 $SHARE/lists/divisions.csv
catalog functional 140000 $SHARE/lists/functional.csv
catalog dept-economic 140000 $SHARE/lists/dept_economic.csv
catalog gov-economic 140000 $SHARE/lists/gov_economic.csv
catalog revenue 140000 $SHARE/examples/revenue_example.csv
catalog agency 141100 $SHARE/examples/agencies_141100.csv
fiscal submit $SHARE/examples/education_bureau.json
TOTALS=$(fiscal totals --division 141100 --year 2024 --by functional --depth 1)
echo "$TOTALS"
# What docs/examples/education_bureau.json comes to.
case $TOTALS in *" 1,000.07 "*) ;; *) echo "not the total of the budget" >&2; exit 1 ;; esac
kill -TERM $SERVER
wait $SERVER
echo "served, answered and ended with 0"
