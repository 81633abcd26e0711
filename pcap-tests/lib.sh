# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a test script in bash says, and how it asks. Source it: . "$TOP/pcap-tests/lib.sh"
# The runner gives TOP, B, WEIR, WEIR_BENCH, CORPUS, SEED, TMP, and FULL or UPDATE (pcap-tests/run).
# Lines of detail beneath a failure are for a person who has nothing but the log.
set -u

# ok WHAT: a check that held.
ok() {
    printf 'ok - %s\n' "$1"
}

# nok WHAT [DETAIL]: a check that did not.
nok() {
    printf 'not ok - %s\n' "$1"
    [ $# -lt 2 ] || printf '%s\n' "$2" | sed 's/^/# /'
}

# skip WHAT WHY: a check that could not be made.
skip() {
    printf 'ok - %s # SKIP %s\n' "$1" "$2"
}

# check WHAT CMD…: CMD succeeds. What it prints is shown if it does not.
check() {
    local what=$1 said
    shift
    if said=$("$@" 2>&1); then ok "$what"; else nok "$what" "$* failed ($?): $said"; fi
}

# is GOT WANT WHAT: two texts are the same; else their difference is shown.
is() {
    if [ "$1" = "$2" ]; then
        ok "$3"
    else
        nok "$3" "$(diff -u --label want --label got <(printf '%s\n' "$2") <(printf '%s\n' "$1"))"
    fi
}

# contains TEXT PART WHAT: PART stands somewhere in TEXT, as it is.
contains() {
    if [[ $1 == *"$2"* ]]; then ok "$3"; else nok "$3" "'$2' is not in:"$'\n'"$1"; fi
}

# lacks TEXT PART WHAT: it does not.
lacks() {
    if [[ $1 != *"$2"* ]]; then ok "$3"; else nok "$3" "'$2' is in:"$'\n'"$1"; fi
}

# runs STATUS WHAT CMD…: CMD ends with STATUS. Its output is left in $out, its errors in $err.
# shellcheck disable=SC2034 # out and err are for the caller
runs() {
    local want=$1 what=$2 got=0
    shift 2
    "$@" >"$TMP/runs.out" 2>"$TMP/runs.err" || got=$?
    out=$(<"$TMP/runs.out") err=$(<"$TMP/runs.err")
    if [ "$got" = "$want" ]; then
        ok "$what"
    else
        nok "$what" "$* ended with $got, not $want"$'\n'"stdout: $out"$'\n'"stderr: $err"
    fi
}

# tries CMD…: CMD, which measures time, succeeds. Somebody else may have the CPU for a while: it has five
# tries. What it prints in the last of them is printed.
tries() {
    local pause status
    for pause in 0 1 2 4 8; do
        sleep $pause
        status=0
        "$@" >"$TMP/tries.out" 2>"$TMP/tries.err" || status=$?
        [ $status != 0 ] || break
    done
    cat "$TMP/tries.out"
    cat "$TMP/tries.err" >&2
    return $status
}

# measured WHAT CMD…: a check of that kind.
measured() {
    local what=$1
    shift
    if tries "$@" >"$TMP/measured" 2>&1; then
        ok "$what"
    else
        nok "$what" "$* failed five times, at last: $(<"$TMP/measured")"
    fi
}

# golden FILE TEXT WHAT: TEXT is what FILE holds; with UPDATE=1 FILE is written anew.
golden() {
    if [ -n "${UPDATE:-}" ]; then
        printf '%s\n' "$2" >"$1"
        ok "$3 (written anew)"
    else
        is "$2" "$(cat "$1" 2>&1)" "$3"
    fi
}

# kernel_since VERSION: the kernel is at least that.
kernel_since() {
    [ "$(printf '%s\n' "$1" "$(uname -r)" | sort -V | head -n 1)" = "$1" ]
}

# samples N ALL: how many cases to try: N; ALL with FULL=1; a twentieth of N with SLOW=1.
samples() {
    if [ -n "${FULL:-}" ]; then
        echo "$2"
    elif [ -n "${SLOW:-}" ]; then
        echo $((($1 + 19) / 20))
    else
        echo "$1"
    fi
}

# wait_for SECONDS CMD…: until CMD succeeds; fails when it has not by then. SLOW=1: ten times as long.
wait_for() {
    local end=$((SECONDS + $1${SLOW:+0}))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -le "$end" ] || return 1
        sleep 0.05
    done
}

# needs TOOL…: end here, skipped, where one is not installed.
needs() {
    local tool
    for tool; do
        command -v "$tool" >/dev/null && continue
        skip "${0##*/}" "$tool is not installed"
        exit 0
    done
}

# A misspelt name must not pass in silence.
command_not_found_handle() {
    nok "${0##*/} calls '$1'" "no such command or function"
    return 127
}
