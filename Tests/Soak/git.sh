#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A git repository of COMMITS commits, .git and all, that is checked out CHECKOUTS times between distant
# revisions while it is synced: the other side has a sound repository in the same state.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
COMMITS=${COMMITS:-3000}
CHECKOUTS=${CHECKOUTS:-50}
# Looking at the state changes nothing.
export GIT_OPTIONAL_LOCKS=0

# history: a stream for git fast-import: a first commit of 600 files, then each changes five, and now and then
# a directory gets another name, or goes and comes back.
history() {
    awk -v commits="$COMMITS" 'function put(directory, file, n, most,   lines, text, l) {
        lines = 1 + int(rand() * most); text = ""
        for (l = 0; l < lines; l++) text = text "line " l " of commit " n " " rand() "\n"
        printf "M 100%s inline %s/f%d\ndata %d\n%s\n", file % 7 ? "644" : "755", directory, file, length(text), text
    }
    BEGIN {
        srand(1)
        for (d = 0; d < 15; d++) name[d] = "d" d
        for (n = 1; n <= commits; n++) {
            message = "commit " n
            printf "commit refs/heads/main\ncommitter Soak <soak@example.org> %d +0000\n", 1700000000 + n * 60
            printf "data %d\n%s\n", length(message), message
            if (n == 1) {
                for (d = 0; d < 15; d++) for (f = 0; f < 40; f++) put(name[d], f, n, 30)
            } else if (n % 97 == 0) {
                d = int(rand() * 15)
                printf "R %s d%d-%d/renamed\n", name[d], d, n
                name[d] = "d" d "-" n "/renamed"
            } else {
                for (k = 0; k < 5; k++) put(name[int(rand() * 15)], int(rand() * 40), n, 60)
            }
            print ""
        }
    }'
}

start_pair
echo "a repository of $COMMITS commits"
git init -q -b main "$WORK/a/repository"
history | git -C "$WORK/a/repository" fast-import --quiet
git -C "$WORK/a/repository" checkout -q -f main
settle
mapfile -t revisions < <(git -C "$WORK/a/repository" rev-list --all)
[ "${#revisions[@]}" -eq "$COMMITS" ] || fail "${#revisions[@]} commits"

# check_out SIDE: goes from one end of the history to about the other.
check_out() {
    local side=$1 number from to
    for ((number = 1; number <= CHECKOUTS; number++)); do
        from=$((RANDOM % COMMITS))
        to=$(((from + COMMITS / 2) % COMMITS))
        git -C "$WORK/$side/repository" checkout -q "${revisions[from]}"
        git -C "$WORK/$side/repository" checkout -q "${revisions[to]}"
        if ((number % 20 == 0)); then git -C "$WORK/$side/repository" gc -q; fi
    done
}

# sound: both repositories are whole, and in the same state.
sound() {
    local side
    check_rest
    for side in a b; do
        git -C "$WORK/$side/repository" fsck --full --strict >"$WORK/fsck" 2>&1 || { cat "$WORK/fsck" >&2; fail "fsck in $side"; }
        grep -E '^(error|missing|broken|corrupt)' "$WORK/fsck" && fail "fsck in $side"
        git -C "$WORK/$side/repository" status --porcelain --ignored >"$WORK/status.$side"
        git -C "$WORK/$side/repository" rev-parse HEAD >"$WORK/head.$side"
        git -C "$WORK/$side/repository" for-each-ref >>"$WORK/head.$side"
    done
    cmp "$WORK/status.a" "$WORK/status.b" || { head "$WORK"/status.* >&2; fail "git status differs"; }
    [ ! -s "$WORK/status.a" ] || { head "$WORK/status.a" >&2; fail "git status is not clean"; }
    cmp "$WORK/head.a" "$WORK/head.b" || fail "the revisions differ"
}

echo "$CHECKOUTS check-outs there and back in a, while b follows"
check_out a
sound
echo "and as many in b"
check_out b
sound
echo "git: sound on both sides"
