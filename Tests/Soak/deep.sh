#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A path of DEPTH directories, for agents that may open 256 files: synced, watched, and no harm to what is beside.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
DEPTH=${DEPTH:-1000}
ulimit -n 256

# at_bottom NAME STATEMENT: runs it in the last directory of that folder, which may have to be made.
at_bottom() {
    perl -e 'my ($folder, $depth, $statement) = @ARGV; chdir $folder or exit 1;
        for (1 .. $depth) { mkdir "name" if $statement =~ />/; chdir "name" or exit 1 }
        eval $statement or exit 1' "$WORK/$1" "$DEPTH" "$2"
}
write() { at_bottom "$1" "open(F, '>', '$2') && print(F '$2') && close(F)"; }
arrives() { at_bottom "$1" "open(F, '<', '$2') && <F> eq '$2'"; }
wait_for() {
    local deadline=$((SECONDS + SETTLE_SECONDS))
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || fail "in vain: $*"
        sleep 0.2
    done
}
export SETTLE_SECONDS=${SETTLE_SECONDS:-300}

start_pair
echo "$DEPTH directories, each in the one before"
SECONDS=0
write a leaf
echo beside >"$WORK/a/beside"
wait_for cmp -s "$WORK/a/beside" "$WORK/b/beside"
echo "beside them after $SECONDS s"
wait_for arrives b leaf
settle
echo "there after $SECONDS s"
SECONDS=0
write b back
wait_for arrives a back
echo "a change at the bottom after $SECONDS s"
settle
SECONDS=0
mv "$WORK/a/name/name" "$WORK/a/moved"
mv "$WORK/a/moved" "$WORK/a/name/name"
settle
wait_for arrives b back
echo "moved there and back after $SECONDS s"
echo "deep: synced and watched to the bottom"
