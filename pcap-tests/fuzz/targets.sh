# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The targets of libFuzzer, for scripts that know TOP and B: source it.

# shellcheck disable=SC2034 # for who sources this
fuzz_targets=(bytecode capture compiler files grammar netlink policy stage)

# fuzz_seeds TARGET FOLDER: what is committed for it, what broke it once, and what else the tree has.
fuzz_seeds() {
    cp "$TOP/pcap-tests/fuzz/seeds/$1"-* "$2" 2>/dev/null
    case $1 in
    capture) cp "$TOP"/pcap-tests/captures/*.pcap "$2" ;;
    policy) cp "$TOP"/pcap-tests/policy/cases/*.in "$2" ;;
    stage)
        cp "$B"/xdp-progs/*.bpf.o "$B"/docs/examples/*.bpf.o "$2"
        cp "$B"/pcap-tests/stages/*.bpf.o "$2"
        ;;
    esac
}

# fuzz_run TARGET FOLDER SECONDS ARG…: from the seeds there, which grow; artefacts go where ARGs say.
fuzz_run() {
    local target=$1 folder=$2 seconds=$3 options=() timeout=20
    shift 3
    case $target in
    capture) options=(-max_len=3000) ;;
    stage) options=(-max_len=16384) ;;
    netlink) ;;
    compiler) # six programs of an input; any-vlan within any-vlan within any-vlan … takes seconds
        options=("-dict=$TOP/pcap-tests/fuzz/words.dict") timeout=60
        ;;
    *) options=("-dict=$TOP/pcap-tests/fuzz/words.dict") ;;
    esac
    "$B/fuzz/$target" "${options[@]}" -max_total_time="$seconds" -timeout="$timeout" "$@" "$folder"
}
