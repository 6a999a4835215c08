#!/usr/bin/env bash
# Renders each of k8s/overlays and checks it without a cluster: k8s/validate says against what.
#   scripts/k8s.sh
# Manifests are written to build/k8s. Installs Go where there is none; the first run compiles for about a minute.
. "$(dirname "$0")/lib.sh"
[ $# = 0 ] || { sed -n '2,4p' "$0" >&2; exit 2; }

command -v go >/dev/null || install_packages golang-go ca-certificates
# The Go that is there, and the modules that go.sum names.
export GOTOOLCHAIN=local GOFLAGS='-mod=readonly -buildvcs=false'
OUT=$PWD/build/k8s
rm -rf "$OUT/rendered" "$OUT/serve"
mkdir -p "$OUT/bin" "$OUT/rendered" "$OUT/serve"

say "kustomize and the validator, $(go version)"
(
  cd k8s/validate
  unformatted=$(gofmt -l .)
  [ -z "$unformatted" ] || { echo "scripts/k8s.sh: gofmt would change k8s/validate: $unformatted" >&2; exit 1; }
  go build -o "$OUT/bin/kustomize" sigs.k8s.io/kustomize/kustomize/v5
  go build -o "$OUT/bin/validate" .
)

say "rendering and validating"
RENDERED=()
for overlay in k8s/overlays/*/; do
  file=$OUT/rendered/$(basename "$overlay").yaml
  "$OUT/bin/kustomize" build "$overlay" > "$file"
  RENDERED+=("${file#"$PWD/"}")
done
"$OUT/bin/validate" -serve-dir "$OUT/serve" "${RENDERED[@]}"

say "mistakes are named"
(
  cd k8s/validate
  go vet ./...
  # Never from the cache, which does not see that a manifest changed.
  go test -count=1 ./...
)

FISCAL=build/release/bin/fiscal
say "what the process says of each serve.yaml"
if [ ! -x "$FISCAL" ]; then
  echo "not asked: $FISCAL is not built"
elif ! "$FISCAL" serve --help | grep -q -- --print-config; then
  echo "not asked: $FISCAL has no --print-config"
else
  for config in "$OUT"/serve/*.yaml; do
    "$FISCAL" serve --config "$config" --print-config > /dev/null
    echo "$(basename "$config"): loads"
  done
fi
