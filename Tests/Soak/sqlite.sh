#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A SQLite database with a write-ahead log that is written for WRITE_SECONDS: afterwards it is equal and whole
# on the other side.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
WRITE_SECONDS=${WRITE_SECONDS:-60}

# write SIDE: one program writes all the while, a second one comes and goes.
write() {
    local database="$WORK/$1/database.sqlite" end=$((SECONDS + WRITE_SECONDS)) number=0
    while [ "$SECONDS" -lt "$end" ]; do
        number=$((number + 1))
        echo "insert into entry (text) values (hex(randomblob(200)));"
        if ((number % 10 == 0)); then echo "update entry set text = hex(randomblob(300)) where id % 50 = $number % 50;"; fi
        if ((number % 50 == 0)); then
            sqlite3 -cmd '.timeout 5000' "$database" "delete from entry where id % 97 = $number % 97;" >&2
        fi
        sleep 0.01
    done | sqlite3 -cmd '.timeout 5000' "$database" >&2
}

# check_database: whole and equal on both sides, looked at without changing anything.
check_database() {
    local side
    check_rest
    for side in a b; do
        ! [ -s "$WORK/$side/database.sqlite-wal" ] || fail "the log of $side was not taken in"
        sqlite3 "file:$WORK/$side/database.sqlite?mode=ro&immutable=1" \
            'pragma integrity_check; select count(*), sum(length(text)), max(id) from entry;' >"$WORK/content.$side"
        [ "$(head -n 1 "$WORK/content.$side")" = ok ] || { cat "$WORK/content.$side" >&2; fail "$side is damaged"; }
    done
    cmp "$WORK/content.a" "$WORK/content.b" || fail "the databases differ"
    tail -n 1 "$WORK/content.a"
}

start_pair
sqlite3 "$WORK/a/database.sqlite" \
    'pragma journal_mode = wal; create table entry (id integer primary key, text text not null);' >/dev/null
settle
echo "writing in a for $WRITE_SECONDS s"
write a
check_database
echo "writing in b for $WRITE_SECONDS s"
write b
check_database
echo "sqlite: whole and equal on both sides"
