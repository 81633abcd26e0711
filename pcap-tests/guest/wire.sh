# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Two network cards of a guest on one wire, which QEMU models: $near, whose driver is tested, and
# $far, which sends. Neither has an address: the only frames are those of send.
[ -n "$(sed -n '/weir_guest=/p' /proc/cmdline)" ] || { echo "only for guests" >&2 && exit 1; }

# of_driver NAME: the interface.
of_driver() {
    local path
    for path in /sys/class/net/*/device/driver; do
        [ "$(basename "$(readlink -f "$path")")" != "$1" ] || basename "${path%/device/driver}"
    done
}

# wire NEAR FAR: these drivers' interfaces, up, with room for long frames at the far end.
wire() {
    local name
    modprobe -a virtio_net e1000 vmxnet3 af_packet
    sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1
    for name in $1 $2; do
        wait_for 5 there "$name" || nok "an interface of $name"
    done
    near=$(of_driver "${1/virtio_pci/virtio_net}") far=$(of_driver "$2")
    ip link set "$far" mtu 9000 promisc on
    ip link set "$far" up
    ip link set "$near" up
    wait_for 5 carrier || nok "the wire has a carrier"
}

there() {
    [ -n "$(of_driver "$1")" ]
}

carrier() {
    [ "$(cat "/sys/class/net/$near/carrier" "/sys/class/net/$far/carrier")" = $'1\n1' ]
}

# settings: of $near, as ethtool shows them.
settings() {
    local option
    for option in -k -l -c -g; do ethtool $option "$near"; done 2>&1
}

# apply [--fix-nic] MODE RULE…: on $near.
apply() {
    local mode=$1 fix=()
    [ "$mode" != --fix-nic ] || { fix=("$1") mode=$2 && shift; }
    shift
    {
        echo "interface $near { xdp $mode {"
        printf '%s\n' "$@"
        echo '} }'
    } >"$TMP/policy"
    "$WEIR" apply "${fix[@]}" "$TMP/policy"
}

mode() {
    "$WEIR" status -j | jq -r '.hooks[0].mode'
}

# packets RULE: how many it has met.
packets() {
    "$WEIR" status -j | jq -r --arg rule "$1" '.hooks[0].rules[] | select(.rule == $rule).packets'
}

cat >"$TMP/send.py" <<'PY'
import socket, struct, sys, time

def frame(port, size, tag):
    vlan = struct.pack("!HH", 0x8100, tag) if tag else b""
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size - 14, 0, 0, 64, 17, 0, bytes([198, 18, 0, 1]), bytes([198, 19, 0, 1]))
    udp = struct.pack("!HHHH", 1024, port, size - 34, 0)
    return (bytes.fromhex("020000000001" "020000000002") + vlan + b"\x08\x00" + ip + udp).ljust(size, b"\0")

def packet_socket(interface):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.setsockopt(263, 23, 1)  # SOL_PACKET, PACKET_IGNORE_OUTGOING
    s.bind((interface, 0x0800))
    s.setblocking(False)
    return s

out_of, into, count, port, size, tag = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
sender, receiver = packet_socket(out_of), into and packet_socket(into)
for _ in range(count):
    sender.send(frame(port, size, tag))
    time.sleep(0.002)
came, end = 0, time.monotonic() + (10 if into else 0.5)
while time.monotonic() < end and came < count:
    try:
        came += bool(into) and receiver.recv(65536)[36:38] == struct.pack("!H", port)
    except BlockingIOError:
        time.sleep(0.01)
print(came)
PY

# send FRAMES PORT [BYTES [VLAN]]: UDP, from the far end.
send() {
    python3 "$TMP/send.py" "$far" "" "$1" "$2" "${3:-60}" "${4:-0}" >/dev/null
}

# arrive FRAMES PORT BYTES: how many a packet socket sees at the near end.
arrive() {
    python3 "$TMP/send.py" "$far" "$near" "$1" "$2" "$3" 0
}

# come_back FRAMES PORT: how many of them arrive at the far end again.
come_back() {
    python3 "$TMP/send.py" "$far" "$far" "$1" "$2" 60 0
}

# redirected FRAMES PORT: how many that s1 sends arrive at the far end.
redirected() {
    python3 "$TMP/send.py" s1 "$far" "$1" "$2" 60 0
}
