#!/usr/bin/env bash
# Watchers for a while: a thousand of them, fifty of which stop reading, and 10,000 changed lines a second.
#   scripts/soak.sh [MINUTES]    10 by default
# Prints a line a minute and a verdict; fails when a position was lost or anything differs.
. "$(dirname "$0")/lib.sh"

MINUTES=${1:-10}
[[ $# -le 1 && $MINUTES =~ ^[1-9][0-9]*$ ]] || { sed -n '2,4p' "$0" >&2; exit 2; }
install_packages "${PACKAGES[@]}"
build release fiscal fiscal-soak
say "soaking for $MINUTES minutes"
build/release/bin/fiscal-soak --minutes "$MINUTES"
