#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests that FILTER names REPEATS times, and tells which of them did not always pass.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
REPEATS=${REPEATS:-20}
FILTER=${FILTER:-EndToEndTests}
log=$(mktemp "${TMPDIR:-/tmp}/relay-repeat-XXXXXX")
trap 'rm -f "$log"' EXIT

failed=0
for ((run = 1; run <= REPEATS; run++)); do
    if swift test --skip-build --filter "$FILTER" >"$log.run" 2>&1; then
        echo "run $run: passed"
    else
        failed=$((failed + 1))
        echo "run $run: FAILED"
        grep -E '^✘ Test ' "$log.run" | grep -v ' run with ' | sed 's/ after .*//' | tee -a "$log" || true
        cp "$log.run" "${TMPDIR:-/tmp}/relay-repeat-failed-$run.log"
    fi
done
rm -f "$log.run"
echo "$failed of $REPEATS runs failed"
[ "$failed" -eq 0 ] || { sort "$log" | uniq -c | sort -rn; exit 1; }
