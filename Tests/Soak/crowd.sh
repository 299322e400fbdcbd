#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ENTRIES entries in one directory, then the renaming of all; a file of LARGE_MIB that is edited while it is on
# its way; the agents answer within a second all the while.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
ENTRIES=${ENTRIES:-200000}
LARGE_MIB=${LARGE_MIB:-2048}
export SETTLE_SECONDS=${SETTLE_SECONDS:-1800}

# answers NAME: its agent tells its state within a second, beside what any program takes at the moment.
answers() {
    local start asked answered
    start=$(date +%s%N)
    "$BIN/relay-ctl" --version >/dev/null
    asked=$(date +%s%N)
    ctl "$1" status >/dev/null
    answered=$(date +%s%N)
    [ $((answered - asked - (asked - start))) -lt 1000000000 ] ||
        fail "$1 took $(((answered - asked) / 1000000)) ms to answer"
}

# until_there COMMAND...: looks again and again, and at how fast the agents answer.
until_there() {
    local deadline=$((SECONDS + SETTLE_SECONDS))
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || fail "in vain: $*"
        answers a
        answers b
        sleep 0.5
    done
}

entries() { [ "$(find "$WORK/b/one" -maxdepth 1 -name "$1" 2>/dev/null | wc -l)" -eq "$ENTRIES" ]; }
stored() { find "$WORK/hub" -path '*/segments/*' -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum + 0 }'; }

start_pair
echo "$ENTRIES entries in one directory"
mkdir "$WORK/a/one"
SECONDS=0
seq 1 "$ENTRIES" | awk -v d="$WORK/a/one/n" '{ f = d $1; print $1 > f; close(f) }'
until_there entries 'n*'
settle
echo "there after $SECONDS s"
before=$(stored)
SECONDS=0
(cd "$WORK/a/one" && perl -e 'for (glob("n*")) { my $o = $_; s/^n/m/; rename $o, $_ or die }')
until_there entries 'm*'
settle
echo "renamed after $SECONDS s"
[ "$(stored)" -eq "$before" ] || fail "renames were sent as contents"

echo "a file of $LARGE_MIB MiB that is edited half-way"
head -c "${LARGE_MIB}M" /dev/urandom >"$WORK/a/large"
half() { [ "$(stored)" -gt $((before + LARGE_MIB * 512 * 1024)) ]; }
until_there half
for ((offset = 0; offset < LARGE_MIB; offset += 4)); do
    printf EDIT | dd of="$WORK/a/large" bs=1M seek="$offset" conv=notrunc status=none
done
settle
cmp "$WORK/a/large" "$WORK/b/large" || fail "the large file differs"
check_rest
echo "crowd: nothing lost, nothing sent twice"
