#!/usr/bin/env bash
# Follows k8s/image/Dockerfile line by line without Docker, as root: each stage is a bare Debian 12 of its own, its RUN and COPY lines
# are done there as they stand, and what ENTRYPOINT and CMD say serves as USER says, with a read-only root. A line this does not
# know is an error. With --ccache the build stage uses this machine's compiler cache.
. "$(dirname "$0")/lib.sh"
. scripts/roots.sh

RUN_OPTIONS=()
case "${1:-}" in
  "") ;;
  --ccache)
    mkdir -p build/ccache
    RUN_OPTIONS=(--bind "${CCACHE_DIR:-$(ccache --get-config cache_dir)}" /root/.cache/ccache) ;;
  *) echo "usage: scripts/image_check.sh [--ccache]" >&2; exit 2 ;;
esac
[ "$(id -u)" = 0 ] || { echo "scripts/image_check.sh: only root can make a root of its own" >&2; exit 1; }
install_packages jq iproute2
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}

FILE=k8s/image/Dockerfile
fail() { echo "$FILE: $*" >&2; exit 1; }

declare -A ARGS STAGES
ROOT='' DIRECTORY=/ USER_ID='' STOP=SIGTERM ENTRYPOINT='' CMD='' PORTS='' STAGE=0

# The build context as the .dockerignore leaves it; its lines are plain paths.
context() {
  local names
  mapfile -t names < <(ls -A)
  tar --anchored --no-wildcards --exclude-from=<(grep -v '^#' .dockerignore) -cf - "${names[@]}"
}

instruction() {
  local word=$1 rest=$2
  case $word in
    ARG)
      # A value handed in goes over the one that is written, as --build-arg does.
      if [ "${rest%%=*}" = SOURCE_DATE_EPOCH ]; then ARGS[SOURCE_DATE_EPOCH]=$SOURCE_DATE_EPOCH; else ARGS[${rest%%=*}]=${rest#*=}; fi ;;
    FROM)
      local base=${rest%% *} name
      if [[ $base =~ ^\$\{(.*)\}$ ]]; then base=${ARGS[${BASH_REMATCH[1]}]}; fi
      [ "$base" = debian:bookworm-slim ] || fail "FROM $base: only debian:bookworm-slim can be made here"
      STAGE=$((STAGE + 1))
      name=stage-$STAGE
      if [[ $rest == *" AS "* ]]; then name=${rest##* AS }; fi
      ROOT=build/roots/image-$name
      STAGES[$name]=$ROOT
      debian_root "$ROOT"
      mkdir -p "$ROOT/root/.cache/ccache"
      DIRECTORY=/ USER_ID='' ;;
    WORKDIR) DIRECTORY=$rest; mkdir -p "$ROOT$rest" ;;
    COPY)
      [[ $rest != --* ]] || fail "COPY $rest: options are not known here"
      local from=${rest% *} to=$DIRECTORY/${rest##* }
      mkdir -p "$ROOT$to"
      if [ "$from" = . ]; then context | tar --no-same-owner -xf - -C "$ROOT$to"; else cp -- $from "$ROOT$to"; fi ;;
    RUN)
      local options=("${RUN_OPTIONS[@]}") environment=() key
      if [[ $rest =~ ^--mount=type=bind,from=([a-z]+),source=([^,]+),target=([^ ]+)\ +(.*)$ ]]; then
        options+=(--bind "${STAGES[${BASH_REMATCH[1]}]}${BASH_REMATCH[2]}" "${BASH_REMATCH[3]}")
        rest=${BASH_REMATCH[4]}
      fi
      [[ $rest != --* ]] || fail "RUN $rest: options are not known here"
      for key in "${!ARGS[@]}"; do environment+=("$key=${ARGS[$key]}"); done
      in_root "${options[@]}" "$ROOT" env -C "$DIRECTORY" "${environment[@]}" /bin/sh -c "$rest" ;;
    LABEL) [[ $rest == *org.opencontainers.image.title=* ]] || fail "LABEL: no title" ;;
    USER) USER_ID=$rest ;;
    EXPOSE) PORTS=$rest ;;
    STOPSIGNAL) STOP=$rest ;;
    ENTRYPOINT) ENTRYPOINT=$rest ;;
    CMD) CMD=$rest ;;
    *) fail "$word is not known here" ;;
  esac
}

LINE=''
while IFS= read -r line || [ -n "$line" ]; do
  [[ $line =~ ^[[:space:]]*(#.*)?$ ]] && continue
  if [[ $line == *\\ ]]; then LINE+="${line%\\} "; continue; fi
  LINE+=$line
  say "$LINE"
  # Nothing of this file's lines is to be read by what runs.
  instruction "${LINE%% *}" "${LINE#* }" </dev/null
  LINE=''
done <"$FILE"
[ -z "$LINE" ] || fail "ends in the middle of a line"

say "what the image would be"
[[ $USER_ID =~ ^[1-9][0-9]*:[1-9][0-9]*$ ]] || fail "USER $USER_ID: not a numeric user other than root, which runAsNonRoot needs"
[ "$PORTS" = "7411 7490" ] || fail "EXPOSE $PORTS"
[ "$STOP" = SIGTERM ] || fail "STOPSIGNAL $STOP: the process drains at SIGTERM"
mapfile -t COMMAND < <(jq -r '.[]' <<<"$ENTRYPOINT"; jq -r '.[]' <<<"$CMD")
[ "$(stat -c %u "$ROOT/var/lib/fiscal")" = "${USER_ID%%:*}" ] || fail "/var/lib/fiscal is not the user's"
for tool in cc cmake git; do
  in_root "$ROOT" sh -c "! command -v $tool" || fail "$tool is in the last stage"
done
du -sh --exclude="$ROOT/proc" "$ROOT" | sed 's/\t.*/ unpacked/'
cp scripts/served_life.sh "$ROOT/tmp/"
as_user=(--offline --user "${USER_ID%%:*}" --read-only --writable /var/lib/fiscal)
in_root "${as_user[@]}" "$ROOT" "${COMMAND[0]}" --version
in_root "${as_user[@]}" "$ROOT" sh /tmp/served_life.sh "${COMMAND[@]}"
say "the image works: ${COMMAND[*]}, as $USER_ID, with a read-only root"
if ls dist/fiscal_*.deb >/dev/null 2>&1; then
  if cmp -s dist/fiscal_*.deb "${STAGES[build]}"/src/dist/fiscal_*.deb; then
    echo "its package is the same, byte for byte, as the one in dist/"
  else
    echo "its package is not the one in dist/, which may be of another commit"
  fi
fi
