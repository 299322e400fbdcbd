# SPDX-License-Identifier: Apache-2.0
# What the examples share: where the programs are, a place to work in, starting and stopping. Sourced, never run.

# The directory of the programs: $RELAY_BIN, else what was built last.
relay_bin() {
    local root candidate
    root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
    for candidate in "${RELAY_BIN:-}" "$root/.build/release" "$root/.build/debug"; do
        if [ -n "$candidate" ] && [ -x "$candidate/relay-server" ] && [ -x "$candidate/relay-watch" ]; then
            (cd "$candidate" && pwd)
            return
        fi
    done
    echo "cannot find the programs: build them with 'swift build', or set RELAY_BIN" >&2
    return 1
}

BIN=$(relay_bin)
WORK=$(mktemp -d "${TMPDIR:-/tmp}/relay-example-XXXXXX")
PIDS=()

# Stops what was started, the last first, and removes the place; shows the logs if something went wrong.
clean_up() {
    local status=$? index pid
    for ((index = ${#PIDS[@]} - 1; index >= 0; index--)); do
        pid=${PIDS[index]}
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    if [ "$status" -ne 0 ] && [ "$status" -lt 128 ]; then
        echo "failed (exit code $status); the logs:" >&2
        tail -n 20 "$WORK"/*.log >&2 || true
    fi
    rm -rf "$WORK"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# start NAME READY COMMAND...: runs it in the background and waits (20 s at most) for a line with READY on its
# standard output, which goes to NAME.out; standard error goes to NAME.log. The process is the last of PIDS.
start() {
    local name=$1 ready=$2 deadline=$((SECONDS + 20))
    shift 2
    : >"$WORK/$name.out"
    "$@" >"$WORK/$name.out" 2>"$WORK/$name.log" &
    PIDS+=($!)
    until grep -q "$ready" "$WORK/$name.out"; do
        if ! kill -0 "${PIDS[-1]}" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
            echo "$name did not start" >&2
            return 1
        fi
        sleep 0.02
    done
}

# start_hub [OPTIONS...]: a hub on a free port of this machine.
start_hub() { start hub ' ready on ' "$BIN/relay-server" run --data "$WORK/hub" --listen 127.0.0.1:0 "$@"; }

# start_agent NAME: an agent with the folder $WORK/NAME, joined to the hub.
start_agent() {
    local link
    link=$("$BIN/relay-server" invite --data "$WORK/hub")
    start "$1" ' serving ' "$BIN/relay-agent" run "$WORK/$1" --join "$link" --state "$WORK/$1.state" --name "$1"
}

# ctl NAME ARGUMENTS...: relay-ctl with that agent.
ctl() {
    local name=$1 verb=$2
    shift 2
    "$BIN/relay-ctl" "$verb" --state "$WORK/$name.state" "$@"
}

# until_same A B: waits (20 s at most) until both files are there and equal.
until_same() {
    local deadline=$((SECONDS + 20))
    until cmp -s "$1" "$2"; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            echo "$2 did not become equal to $1" >&2
            return 1
        fi
        sleep 0.005
    done
}
