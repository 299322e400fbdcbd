#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A hub that keeps no content at all: what one machine wants is relayed from the other one (a miss).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

start_hub --store-limit 0
start_agent anna

echo "anna has a file that the hub does not keep"
head -c 3000000 /dev/urandom >"$WORK/anna/film.bin"
ctl anna wait --timeout 20

echo "bert comes later, and asks for it in the classic way"
start_agent bert
printf 'DOWNLOAD@film.bin\n' | ctl bert shell
cmp "$WORK/anna/film.bin" "$WORK/bert/film.bin"

echo "a copy beside the folder comes from anna, too"
ctl bert download film.bin -o "$WORK/copy.bin" --timeout 20
cmp "$WORK/anna/film.bin" "$WORK/copy.bin"

echo "the hub has stored nothing"
"$BIN/relay-server" status --data "$WORK/hub" --json | grep '"storedBytes" : 0'

echo "and the classic way up, and out again"
echo "classic" >"$WORK/classic.txt"
(cd "$WORK" && printf 'UPLOAD@classic.txt\nwait --timeout 20\n' | ctl bert shell)
until_same "$WORK/classic.txt" "$WORK/anna/classic.txt"
printf 'DELETE@classic.txt\n' | ctl bert shell
