#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A tour in half a minute: a hub, two folders, a file crossing each way, and a miss relayed.
# With DEMO_KEEP=1 everything stays running until Ctrl-C, so that you can play with it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

# cross FROM TO NAME: writes a file there, and says after how long it is here.
cross() {
    local from=$WORK/$1/$3 to=$WORK/$2/$3 begin end
    head -c 20000 /dev/urandom >"$WORK/draft"
    begin=$(date +%s%N)
    mv "$WORK/draft" "$from"
    until_same "$from" "$to"
    end=$(date +%s%N)
    echo "  $1/$3 -> $2/$3 in $(((end - begin) / 1000000)) ms"
}

say "A hub that keeps no content of its own, and two machines, anna and bert."
start_hub --store-limit 0
start_agent anna
start_agent bert
ctl anna wait --timeout 20
ctl bert wait --timeout 20

say "A file crosses each way."
cross anna bert first.bin
cross bert anna second.bin
cross anna bert third.bin

say "Bert is away while anna saves something; the hub keeps only its name."
kill "${PIDS[-1]}"
wait "${PIDS[-1]}" || true
unset 'PIDS[-1]'
head -c 5000000 /dev/urandom >"$WORK/anna/film.bin"
ctl anna wait --timeout 20
"$BIN/relay-server" status --data "$WORK/hub"

say "Bert is back: DOWNLOAD@film.bin is a miss, and the hub relays it from anna."
start bert ' serving ' "$BIN/relay-agent" run "$WORK/bert" --state "$WORK/bert.state"
printf 'DOWNLOAD@film.bin\n' | ctl bert shell
cmp "$WORK/anna/film.bin" "$WORK/bert/film.bin" && echo "  the same bytes"

say "What bert has now:"
ctl bert list

if [ -n "${DEMO_KEEP:-}" ]; then
    say "It stays until you press Ctrl-C. Drop files into"
    echo "  $WORK/anna"
    echo "  $WORK/bert"
    echo "and ask, in another terminal,"
    echo "  $BIN/relay-ctl status --state $WORK/anna.state"
    echo "  $BIN/relay-ctl shell --state $WORK/bert.state"
    echo "  $BIN/relay-server status --data $WORK/hub"
    wait
else
    say "Everything is stopped now. DEMO_KEEP=1 keeps it running, to play with."
fi
