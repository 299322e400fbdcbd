# SPDX-License-Identifier: Apache-2.0
# What the soaks share: a hub, two agents, waiting for rest, and looking for what must not be there. Sourced,
# never run.
source "$(dirname "${BASH_SOURCE[0]}")/../../examples/lib.sh"
export LC_ALL=C

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# Starts the hub and the agents a and b, and remembers what they hold when at rest.
start_pair() {
    start_hub "$@"
    start_agent a
    AGENT_A=${PIDS[-1]}
    start_agent b
    AGENT_B=${PIDS[-1]}
    settle
    HELD=$(held)
}

# Waits until both are in sync; the second round sees what the other one sent meanwhile.
settle() {
    local name
    for name in a b a b; do
        ctl "$name" wait --timeout "${SETTLE_SECONDS:-300}" || { ctl "$name" status | head -n 20 >&2; fail "$name is not in sync"; }
    done
}

# Names, kinds, modes, times of files, targets and contents of a folder.
listing() {
    (
        cd "$WORK/$1"
        find . -mindepth 1 -path ./.relay -prune -o -type f -printf 'f %m %s %T@ %p\0' \
            -o -type d -printf 'd %m %p\0' -o -type l -printf 'l %l %p\0' | sort -z
        find . -path ./.relay -prune -o -type f -print0 | sort -z | xargs -0 -r sha256sum -z
    ) | tr '\n\0' '\001\n'
}

# How many descriptors and watches the agents have.
held() {
    local pid descriptors=0 watches=0
    for pid in "$AGENT_A" "$AGENT_B" "${PIDS[0]}"; do
        descriptors=$((descriptors + $(ls "/proc/$pid/fd" | wc -l)))
    done
    for pid in "$AGENT_A" "$AGENT_B" $(pgrep -P "$AGENT_A") $(pgrep -P "$AGENT_B"); do
        watches=$((watches + $(cat /proc/"$pid"/fdinfo/* 2>/dev/null | grep -c '^inotify' || true)))
    done
    echo "$descriptors $watches"
}

# directories NAME: how many there are in that folder, itself among them.
directories() { find "$WORK/$1" -path "$WORK/$1/.relay" -prune -o -type d -print | wc -l; }

# After the work: equal folders, no conflict copies, nothing left, and no more held than a folder needs.
check_rest() {
    local name descriptors watches held_descriptors held_watches
    settle
    listing a >"$WORK/a.listing"
    listing b >"$WORK/b.listing"
    cmp "$WORK/a.listing" "$WORK/b.listing" || {
        diff "$WORK/a.listing" "$WORK/b.listing" | head -n 10 >&2
        fail "the folders differ"
    }
    grep -q '(conflict ' "$WORK/a.listing" && { grep '(conflict ' "$WORK/a.listing" | head >&2; fail "conflict copies"; }
    for name in a b; do
        # What was displaced is kept until nobody can write into it any more.
        local deadline=$((SECONDS + 70))
        while [ -n "$(ls -A "$WORK/$name/.relay/stage" "$WORK/$name/.relay/park" | grep -v '^/' | grep -v '^$')" ]; do
            [ "$SECONDS" -lt "$deadline" ] || fail "left over in $name: $(ls -A "$WORK/$name/.relay/"{stage,park} | head)"
            sleep 0.5
        done
    done
    read -r held_descriptors held_watches <<<"$HELD"
    read -r descriptors watches <<<"$(held)"
    echo "descriptors: $held_descriptors at first, $descriptors now; watches: $held_watches at first, $watches now"
    # A few contents stay open for whoever asks next; databases and connections come and go.
    [ "$descriptors" -le $((held_descriptors + 40)) ] || fail "descriptors are not given back"
    # One for each directory of the two folders.
    local expected=$((held_watches + $(directories a) + $(directories b) - 2))
    [ "$watches" -le "$expected" ] || fail "watches are not given back: $watches of at most $expected"
}
