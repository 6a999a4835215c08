#!/usr/bin/env bash
# Checks the API as other languages meet it: buf lints the protos and compares them with those that callers were built with
# (tests/golden/api.binpb), then a Go and a Python client are built from them (tests/stubs) beside the packages that bring
# google.rpc. Everything that is installed or made is in build/contract.
#   scripts/contract.sh            checks
#   scripts/contract.sh --renew    also writes tests/golden/api.binpb anew, once callers of the old one are known to be served
. "$(dirname "$0")/lib.sh"

RENEW=false
case "$#:${1:-}" in
  0:) ;;
  1:--renew) RENEW=true ;;
  *) sed -n '2,6p' "$0" >&2; exit 2 ;;
esac

BUF_VERSION=1.57.2
GO_MIN=1.23
NODE_MIN=18
IMAGE=tests/golden/api.binpb
OUT=$PWD/build/contract
FISCAL=build/release/bin/fiscal
PROTOS=()
while read -r proto; do PROTOS+=("${proto#proto/}"); done < <(find proto -name '*.proto' | sort)
OURS=()
for proto in "${PROTOS[@]}"; do [[ $proto != fiscal/* ]] || OURS+=("$proto"); done

# stop_unless NAME HAVE WANTED: versions as numbers with dots; none is empty.
stop_unless() {
  [ -n "$2" ] || { echo "scripts/contract.sh: needs $1 $3 or newer, and finds none" >&2; exit 1; }
  [ "$(printf '%s\n' "$3" "$2" | sort -V | head -n 1)" = "$3" ] ||
    { echo "scripts/contract.sh: needs $1 $3 or newer, and finds $2" >&2; exit 1; }
}

# The Go that is there, and the modules that go.sum names.
export GOTOOLCHAIN=local GOFLAGS='-mod=readonly -buildvcs=false'
stop_unless Go "$(go env GOVERSION 2>/dev/null | sed 's/^go\([0-9.]*\).*/\1/' || true)" "$GO_MIN"
stop_unless Node "$(node --version 2>/dev/null | sed 's/^v//' || true)" "$NODE_MIN"
stop_unless npm "$(npm --version 2>/dev/null || true)" 8
install_packages protobuf-compiler libprotobuf-dev ca-certificates
python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages python3 python3-venv
mkdir -p "$OUT"

BUF=$OUT/buf/node_modules/.bin/buf
export BUF_CACHE_DIR=$OUT/buf/cache
if [ "$("$BUF" --version 2>/dev/null || true)" != "$BUF_VERSION" ]; then
  say "installing buf $BUF_VERSION"
  rm -rf "$OUT/buf"
  mkdir -p "$OUT/buf"
  npm install --prefix "$OUT/buf" --no-package-lock --no-audit --no-fund --no-update-notifier --ignore-scripts "@bufbuild/buf@$BUF_VERSION" >&2
fi
say "buf lint"
"$BUF" lint
NOW=$OUT/api.binpb
"$BUF" build --exclude-source-info -o "$NOW"
if [ -f "$IMAGE" ]; then
  say "buf breaking, against $IMAGE"
  "$BUF" breaking --against "$IMAGE"
else
  "$RENEW" || { echo "scripts/contract.sh: there is no $IMAGE; --renew writes it" >&2; exit 1; }
fi
if "$RENEW"; then
  cp "$NOW" "$IMAGE"
elif ! cmp -s "$NOW" "$IMAGE"; then
  # What is not in the image could be broken without anyone noticing.
  echo "scripts/contract.sh: the protos are not what $IMAGE has, though its callers are served: --renew writes it anew" >&2
  exit 1
fi

say "stubs for Go, $(go version)"
protoc -I proto --include_imports --descriptor_set_out="$OUT/api.desc" "${PROTOS[@]}"
rm -rf "$OUT/go"
mkdir -p "$OUT/go/fiscal"
# The module that tests/stubs/go/go.mod replaces `fiscal` by.
printf 'module fiscal\n\n%s\n' "$(grep '^go ' tests/stubs/go/go.mod)" >"$OUT/go/fiscal/go.mod"
(
  cd tests/stubs/go
  unformatted=$(gofmt -l .)
  [ -z "$unformatted" ] || { echo "scripts/contract.sh: gofmt would change tests/stubs/go: $unformatted" >&2; exit 1; }
  GOBIN=$OUT/bin go install google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc
)
PATH=$OUT/bin:$PATH protoc -I proto --go_out="$OUT/go" --go-grpc_out="$OUT/go" "${OURS[@]}"
(
  cd tests/stubs/go
  go vet .
  go build -o "$OUT/bin/stubs" .
)

say "stubs for Python, $(python3 --version)"
REQUIREMENTS=tests/stubs/python/requirements.txt
if ! cmp -s "$REQUIREMENTS" "$OUT/venv/requirements.txt"; then
  rm -rf "$OUT/venv"
  python3 -m venv "$OUT/venv"
  "$OUT/venv/bin/python" -m pip install -q --disable-pip-version-check -r "$REQUIREMENTS"
  cp "$REQUIREMENTS" "$OUT/venv/requirements.txt"
fi
rm -rf "$OUT/python"
mkdir -p "$OUT/python"
"$OUT/venv/bin/python" -m grpc_tools.protoc -I proto --python_out="$OUT/python" --grpc_python_out="$OUT/python" "${OURS[@]}"

ADDRESS=()
if [ -x "$FISCAL" ]; then
  rm -rf "$OUT/data"
  : >"$OUT/serve.log"
  "$FISCAL" serve --data-dir "$OUT/data" --listen 127.0.0.1:0 2>"$OUT/serve.log" &
  SERVER=$!
  trap 'kill $SERVER 2>/dev/null || true; wait $SERVER 2>/dev/null || true' EXIT
  until PORT=$(grep -m 1 -oE '"port":[0-9]+' "$OUT/serve.log"); do
    kill -0 "$SERVER" 2>/dev/null || { cat "$OUT/serve.log" >&2; exit 1; }
    sleep 0.1
  done
  ADDRESS=("127.0.0.1:${PORT#*:}")
fi
say "clients ${ADDRESS[*]:-without a server: $FISCAL is not built}"
"$OUT/bin/stubs" "$OUT/api.desc" "${ADDRESS[@]}"
PYTHONPATH=$OUT/python "$OUT/venv/bin/python" tests/stubs/python/main.py "$OUT/api.desc" "${ADDRESS[@]}"
say "the contract holds: ${#OURS[@]} files, in Go and in Python"
