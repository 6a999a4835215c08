#!/usr/bin/env bash
# Checks what watches Fiscal: k8s/monitoring/{prometheus_rule.yaml, alerts_test.yaml, dashboard.json} and docs/operations.md against
# each other and against docs/metrics.md. Leaves the rules file of a plain Prometheus in build/monitoring/fiscal.rules.yaml.
. "$(dirname "$0")/lib.sh"
[ $# = 0 ] || { sed -n '2,3p' "$0" >&2; exit 2; }

RULE=k8s/monitoring/prometheus_rule.yaml
TESTS=k8s/monitoring/alerts_test.yaml
DASHBOARD=k8s/monitoring/dashboard.json
PAGES=(docs/operations.md docs/operations.zh-CN.md)
OUT=build/monitoring
FAILED=0

fail() {
  printf 'scripts/monitoring.sh: %s\n' "$*" >&2
  FAILED=1
}

alerts() { sed -n 's/^ *- alert: *//p' "$RULE" | sort -u; }

# Lines `metric label ...` and `metric` of docs/metrics.md.
documented() {
  sed -n 's/^| `\([a-z0-9_]*\)` | \([a-z]*\) | \([^|]*\)|.*/\1 \3/p' docs/metrics.md | tr -d '`,'
}

# Names of metrics in a text, without what Prometheus adds to those of a histogram.
metrics_in() {
  grep -ohE '\b(fiscal_[a-z0-9_]+|process_[a-z_]+)' "$@" | sed -E 's/_(bucket|sum|count)$//' | sort -u
}

# Every expression of the dashboard, with Grafana's variables filled in.
expressions() {
  jq -r '(.panels[], .annotations.list[]) | (.targets[]?, .) | .expr // empty' "$DASHBOARD" |
    sed -e 's/\$__rate_interval/5m/g' -e 's/\$__range/1h/g' -e 's/\$__interval/1m/g'
}

# promtool alone out of the package prometheus, which would start a server if it were installed.
fetch_promtool() {
  say "fetching promtool"
  as_root apt-get update -q
  (cd "$OUT" && apt-get download -q prometheus && dpkg-deb --fsys-tarfile prometheus_*.deb | tar -xO ./usr/bin/promtool >promtool)
  rm "$OUT"/prometheus_*.deb
  chmod +x "$OUT/promtool"
}

install_packages jq
mkdir -p "$OUT"
PATH=$PATH:$PWD/$OUT
command -v promtool >/dev/null || fetch_promtool

say "rules"
awk -f cmake/package/plain_rules.awk "$RULE" >"$OUT/fiscal.rules.yaml" || fail "$RULE: spec must come last and be indented by two"
promtool check rules "$OUT/fiscal.rules.yaml" || FAILED=1
promtool test rules "$TESTS" || FAILED=1
for alert in $(alerts); do
  anchor=${alert,,}
  grep -q "runbook_url: docs/operations.md#$anchor\$" "$RULE" || fail "$alert: no runbook_url docs/operations.md#$anchor"
  grep -qx "### $alert" docs/operations.md || fail "$alert: no section \"### $alert\" in docs/operations.md"
  for severity in $(awk -v alert="$alert" '/- alert:/ {mine = ($3 == alert)} mine && $1 == "severity:" {print $2}' "$RULE"); do
    grep -A2 -x "### $alert" docs/operations.md | tail -1 | grep -qE "^[^.:]*\b$severity\b" ||
      fail "$alert: its section in docs/operations.md does not begin with $severity"
  done
  grep -q "^| \[$alert\](operations.md#$anchor) |" docs/operations.zh-CN.md || fail "$alert: no row in docs/operations.zh-CN.md"
  # Each is seen firing, and not firing, somewhere.
  awk -v alert="$alert" '/alertname:/ {mine = ($2 == alert)}
    mine && /exp_alerts: \[\]/ {quiet = 1} mine && /exp_labels:/ {fires = 1}
    END {exit !(quiet && fires)}' "$TESTS" || fail "$alert: $TESTS does not show it firing and not firing"
done
for alert in $(sed -n -e 's/^### \(Fiscal[A-Za-z0-9]*\)$/\1/p' -e 's/^| \[\(Fiscal[A-Za-z0-9]*\)\](operations.*/\1/p' "${PAGES[@]}" | sort -u); do
  alerts | grep -qx "$alert" || fail "$alert: in the pages, not in $RULE"
done
# Every alarm has what a person reads: each rule as many times as there are rules.
RULES=$(grep -c '^ *- alert:' "$RULE")
for key in 'severity: \(critical\|warning\|info\)$' 'summary:' 'summary_zh:' 'description:' 'runbook_url:' 'expr:'; do
  [ "$(grep -c "^ *$key" "$RULE")" = "$RULES" ] || fail "$RULE: not every rule has ${key%%:*}"
done

say "dashboard"
if jq -S --indent 2 . "$DASHBOARD" >"$OUT/dashboard.json"; then
  # So that what Grafana exports differs from what is here only where it was changed.
  cmp "$OUT/dashboard.json" "$DASHBOARD" || fail "$DASHBOARD: not as \`jq -S --indent 2 .\` writes it"
  jq -e '([.panels[].id] | length == (unique | length)) and all(.panels[].id; type == "number")' "$DASHBOARD" >/dev/null ||
    fail "$DASHBOARD: panel ids are not unique"
  jq -e '.panels as $p | $p == ($p | sort_by(.gridPos.y, .gridPos.x))' "$DASHBOARD" >/dev/null ||
    fail "$DASHBOARD: panels are not in the order they are seen"
  while read -r title; do fail "$DASHBOARD: panel \"$title\" has no description"; done < <(
    jq -r '.panels[] | select(.type != "row" and ((.description // "") == "")) | .title' "$DASHBOARD")
  while read -r title; do fail "$DASHBOARD: panel \"$title\" does not take its data source from the variable"; done < <(
    jq -r '.panels[] | select(.type != "row") | select(any(.datasource, (.targets[] | .datasource); .uid != "${datasource}")) | .title' "$DASHBOARD")
  while read -r title; do fail "$DASHBOARD: panel \"$title\" has an expression that is not limited to the chosen job"; done < <(
    jq -r '.panels[] | select(any(.targets[]?.expr; contains("$job") | not)) | .title' "$DASHBOARD")
  jq -e '[.templating.list[] | select(.type == "datasource").name] == ["datasource"]' "$DASHBOARD" >/dev/null ||
    fail "$DASHBOARD: no variable for the data source"
  jq -e '.schemaVersion >= 36 and .schemaVersion <= 39' "$DASHBOARD" >/dev/null || fail "$DASHBOARD: schemaVersion is not 36 to 39"
  expressions | jq -Rn '{groups: [{name: "dashboard", rules: [inputs] | to_entries | map({record: "d:\(.key)", expr: .value})}]}' \
    >"$OUT/dashboard.rules.yaml"
  promtool check rules "$OUT/dashboard.rules.yaml" || FAILED=1
else
  fail "$DASHBOARD: no JSON"
fi

say "names"
documented | cut -d' ' -f1 | sort -u >"$OUT/documented"
[ "$(wc -l <"$OUT/documented")" -gt 50 ] || fail "docs/metrics.md: its tables can't be read"
for file in "$RULE" "$TESTS" "$DASHBOARD" "${PAGES[@]}"; do
  for metric in $(metrics_in "$file" | comm -23 - "$OUT/documented"); do fail "$file: $metric is not in docs/metrics.md"; done
done
# The converse, where it costs nothing: a metric that no panel shows is one that nobody looks at.
for metric in $(metrics_in "$DASHBOARD" | comm -13 - "$OUT/documented"); do fail "$metric: in docs/metrics.md, on no panel"; done
# Labels: those of docs/metrics.md and those that scraping adds.
{ documented; expressions | sed 's/^/E /'; sed 's/^/E /' "$OUT/fiscal.rules.yaml" "$TESTS"; } | awk '
  $1 != "E" {known[$1] = " " $0 " "; next}
  {
    text = $0
    while (match(text, /(fiscal|process)_[a-z0-9_]+\{[^}]*\}/)) {
      selector = substr(text, RSTART, RLENGTH); text = substr(text, RSTART + RLENGTH)
      name = selector; sub(/\{.*/, "", name); sub(/_(bucket|sum|count)$/, "", name)
      gsub(/"[^"]*"/, "", selector); sub(/^[^{]*\{/, "", selector); sub(/\}$/, "", selector)
      n = split(selector, parts, ",")
      for (i = 1; i <= n; i++) {
        label = parts[i]; gsub(/[=~! ]/, "", label)
        if (label != "" && (" job namespace instance le " !~ " " label " ") && (known[name] !~ " " label " "))
          print name " has no label " label
      }
    }
  }' | sort -u >"$OUT/labels"
while read -r line; do fail "$line"; done <"$OUT/labels"

[ "$FAILED" = 0 ] || exit 1
say "$RULES rules of $(alerts | wc -l) alarms, $(jq '[.panels[] | select(.type != "row")] | length' "$DASHBOARD") panels, $(wc -l <"$OUT/documented") metrics: all fit"
