#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SAVES saves in each of the ways in which programs save, on alternating sides: each arrives, and none makes a
# conflict copy.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
SAVES=${SAVES:-200}

# save WAY FILE TEXT: replaces the first line.
save() {
    local way=$1 file=$2 text=$3
    case $way in
    vim-*)
        local copy=${way#vim-} backup=writebackup
        case $copy in *-without) backup=nowritebackup copy=${copy%-without} ;; esac
        # Without a swap file: both sides' would be two files of one name at the same instant.
        vim -n -u NONE -N -i NONE -es -c "set backupcopy=$copy $backup" -c "call setline(1, '$text')" -c 'wq' "$file" </dev/null
        ;;
    sed) sed -i "1s/.*/$text/" "$file" ;;
    rename)
        # A name that the other side does not take at the same instant.
        local draft=$file.$RANDOM$RANDOM.tmp
        { echo "$text"; tail -n +2 "$file"; } >"$draft"
        mv "$draft" "$file"
        ;;
    in-place) { echo "$text"; seq 50; } >"$file" ;;
    overwrite) printf '%-30s\n' "$text" | dd of="$file" conv=notrunc status=none ;;
    esac
}

# arrives FILE TEXT: waits until its first line is that.
arrives() {
    local deadline=$((SECONDS + 20)) line
    until { IFS= read -r line <"$1"; } 2>/dev/null && [ "${line%%*( )}" = "$2" ]; do
        [ "$SECONDS" -lt "$deadline" ] || fail "$1 has “${line:-}” and not “$2”"
        sleep 0.01
    done
}
shopt -s extglob

start_pair
for way in vim-yes vim-no vim-auto vim-yes-without vim-no-without vim-auto-without sed rename in-place overwrite; do
    { printf '%-30s\n' first; seq 50; } >"$WORK/a/$way"
    settle
    for ((number = 1; number <= SAVES; number++)); do
        if ((number % 2)); then here=a there=b; else here=b there=a; fi
        save "$way" "$WORK/$here/$way" "$way save $number" || fail "$way: save $number in $here"
        arrives "$WORK/$there/$way" "$way save $number"
    done
    settle
    echo "$way: $SAVES saves"
done
check_rest
for way in vim-yes sed rename in-place overwrite; do
    [ "$(ls -A "$WORK/a" | grep -c -F "$way")" -ge 1 ] || fail "$way is gone"
done
[ "$(ls -A "$WORK/a" | wc -l)" -eq 11 ] || { ls -A "$WORK/a" >&2; fail "something is left over"; }
echo "editors: each save arrived, and none made a conflict copy"
