#!/usr/bin/env bash
# A rolling restart under load, round after round: each restarts every process of a writer with two readers, then of a city with its
# province above, while clients submit, stream, read and watch by the retry policy of docs/errors.md. CI runs two rounds.
#   scripts/rolling_restart.sh [ROUNDS]    20 by default
# Prints calls, retries, restarts and the longest pause a client saw; fails when one saw more than a pause.
. "$(dirname "$0")/lib.sh"

ROUNDS=${1:-20}
[[ $# -le 1 && $ROUNDS =~ ^[1-9][0-9]*$ ]] || { sed -n '2,5p' "$0" >&2; exit 2; }
install_packages "${PACKAGES[@]}"
build release rolling_restart_test
say "restarting everything $ROUNDS times under load"
# What the processes say of their neighbours' restarts is no part of the result.
FISCAL_ROLLING_ROUNDS=$ROUNDS build/release/bin/rolling_restart_test --gtest_brief=1 2> >(grep -v '^{"time"' >&2)
