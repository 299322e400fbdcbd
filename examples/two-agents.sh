#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A hub and two agents on one machine: a file each way, an edit, a rename, a delete.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

start_hub
start_agent anna
start_agent bert

echo "from anna to bert"
mkdir "$WORK/anna/docs"
head -c 1000000 /dev/urandom >"$WORK/anna/docs/report.bin"
until_same "$WORK/anna/docs/report.bin" "$WORK/bert/docs/report.bin"

echo "from bert to anna"
echo "written by bert" >"$WORK/bert/notes.txt"
until_same "$WORK/bert/notes.txt" "$WORK/anna/notes.txt"

echo "an edit"
echo "and by anna" >>"$WORK/anna/notes.txt"
until_same "$WORK/anna/notes.txt" "$WORK/bert/notes.txt"

echo "a directory with another name"
mv "$WORK/bert/docs" "$WORK/bert/papers"
until_same "$WORK/bert/papers/report.bin" "$WORK/anna/papers/report.bin"

echo "a delete, seen once both are in sync"
ctl anna delete notes.txt
ctl anna wait --timeout 20
ctl bert wait --timeout 20
deadline=$((SECONDS + 20))
while [ -e "$WORK/bert/notes.txt" ]; do
    [ "$SECONDS" -lt "$deadline" ] || { echo "notes.txt is still there" >&2; exit 1; }
    sleep 0.02
done
[ ! -e "$WORK/anna/notes.txt" ]

echo "both folders are the same"
diff -r --exclude .relay "$WORK/anna" "$WORK/bert"
ctl anna status
