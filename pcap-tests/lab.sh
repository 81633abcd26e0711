# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A lab: network namespaces joined by veth pairs, for live tests and the demo. It exists only inside
# pcap-tests/sandbox, so names are free, nothing can reach the machine's own interfaces, and nothing
# has to be cleaned up. A script that is started by hand is put into a sandbox here.
#
# Commands enter by nsenter, not by `ip netns exec`, which would give each a private /sys without
# the bpffs.
[ -e /run/sandbox ] || exec "$TOP/pcap-tests/sandbox" "$0" "$@"

lab_pairs=0

# lab_ns NAME…: make network namespaces (for `--netns NAME`), their lo up.
lab_ns() {
    local ns
    for ns; do
        ip netns add "$ns" && ip -n "$ns" link set lo up || return
    done
}

# lab_exec NAME CMD…: run CMD in that namespace. In the background, $! is not CMD's id but a shell's.
lab_exec() {
    local ns=$1
    shift
    nsenter --net="/run/netns/$ns" -- "$@"
}

# lab_veth NS1 IF1 NS2 IF2 [OPTION…]: a veth pair between two namespaces, up, IPv6 without duplicate
# address detection or router solicitation. The N-th pair has the addresses 10.N.0.1/24, fd00:N::1/64
# and 02:00:00:00:0N:01 at its first end, and .2, ::2 and :02 at the other. Options:
#   mtu BYTES
#   novlan      no VLAN offload: tags stand in the frames, where XDP sees them
#   quiet       not a frame but yours: no IPv6, neighbours known from the start
lab_veth() {
    local ns1=$1 if1=$2 ns2=$3 if2=$4 n=$((++lab_pairs)) mtu=1500 novlan='' quiet=''
    shift 4
    while [ $# -gt 0 ]; do
        case $1 in
        mtu) mtu=$2 && shift ;;
        novlan | quiet) printf -v "$1" yes ;;
        *) echo "lab_veth: no option '$1'" >&2 && return 2 ;;
        esac
        shift
    done
    ip -n "$ns1" link add "$if1" mtu "$mtu" address "$(lab_mac $n 1)" type veth \
        peer name "$if2" netns "$ns2" mtu "$mtu" address "$(lab_mac $n 2)" &&
        lab_end "$ns1" "$if1" "$n" 1 "$novlan" "$quiet" &&
        lab_end "$ns2" "$if2" "$n" 2 "$novlan" "$quiet" &&
        lab_wait_carrier "$ns1" "$if1" && lab_wait_carrier "$ns2" "$if2"
}

# lab_mac PAIR END: the MAC address there.
lab_mac() {
    printf '02:00:00:00:%02x:%02x' "$1" "$2"
}

# lab_end NS IF PAIR END NOVLAN QUIET: set up one end.
lab_end() {
    local ns=$1 if=$2 n=$3 end=$4 other=$((3 - $4)) no_ipv6=0
    [ -z "$6" ] || no_ipv6=1
    lab_exec "$ns" sysctl -qw "net.ipv6.conf.$if.accept_dad=0" \
        "net.ipv6.conf.$if.router_solicitations=0" "net.ipv6.conf.$if.disable_ipv6=$no_ipv6"
    [ -z "$5" ] || lab_exec "$ns" ethtool -K "$if" txvlan off rxvlan off \
        tx-vlan-stag-hw-insert off
    ip -n "$ns" addr add "10.$n.0.$end/24" dev "$if"
    [ -n "$6" ] || ip -n "$ns" addr add "fd00:$n::$end/64" dev "$if" nodad
    ip -n "$ns" link set "$if" up
    [ -z "$6" ] || ip -n "$ns" neigh replace "10.$n.0.$other" lladdr "$(lab_mac "$n" "$other")" \
        dev "$if" nud permanent
}

# lab_wait_carrier NS IF: until frames can go out (at most half a minute).
lab_wait_carrier() {
    local try
    for ((try = 0; try < 600; try++)); do
        [[ $(ip -n "$1" -br link show dev "$2") == *" UP "* ]] && return
        sleep 0.05
    done
    echo "lab: $2 in $1 has no carrier" >&2
    return 1
}

# lab_record NS IF FILE [ARG…]: record frames by tcpdump in the background; ready when it returns.
lab_record() {
    local ns=$1 if=$2 file=$3
    shift 3
    # No lab_exec: the id must be tcpdump's own.
    nsenter --net="/run/netns/$ns" -- \
        tcpdump -i "$if" -w "$file" --immediate-mode -U -Z root "$@" 2>"$file.log" &
    lab_recorder=$! lab_record_file=$file
    local try
    for ((try = 0; try < 600; try++)); do
        grep -q 'listening on' "$file.log" && return
        sleep 0.05
    done
    cat "$file.log" >&2
    return 1
}

# lab_record_end: end that recording; what has arrived by now is in the file, and tcpdump's last words
# are in FILE.log. On SIGTERM tcpdump leaves what it has not read yet: first it has to have come to
# rest, which on a busy machine takes its time.
lab_record_end() {
    local before='' now='' quiet=0 try
    for ((try = 0; try < 200 && quiet < 8; try++)); do
        sleep 0.1
        now=$(stat -c %s "$lab_record_file")
        [ "$now" = "$before" ] && quiet=$((quiet + 1)) || quiet=0
        before=$now
    done
    kill -TERM "$lab_recorder" && wait "$lab_recorder"
}

# lab_listening NS PORT…: wait until somebody listens on each, by TCP or UDP (at most half a minute).
lab_listening() {
    local ns=$1 port try
    shift
    for port; do
        for ((try = 0; try < 600; try++)); do
            lab_exec "$ns" ss -Hlntu "sport = :$port" | grep -q . && continue 2
            sleep 0.05
        done
        echo "lab: nobody listens on port $port in $ns" >&2
        return 1
    done
}
