#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Frames for live/counters, and what tcpdump counts of them.

    frames.py send IFACE CAPTURE…           every frame of the captures that the interface takes
    frames.py long IFACE N SIZE             N frames of UDP, each of SIZE bytes
    frames.py talk tcp|udp ADDRESS BYTES    as a client of…
    frames.py hear tcp|udp ADDRESS          …a server, which ends when nobody talks for 0.3 s
    frames.py draw SEED N FILE              N lines of a file, at random, by the seed
    frames.py compare CAPTURE STATUS        the counters of `weir status -j` against tcpdump's
"""
import contextlib
import json
import random
import socket
import struct
import subprocess
import sys
import time

PORT = 4242
MAGICS = (0xa1b2c3d4, 0xa1b23c4d)  # with microseconds, with nanoseconds


def frames_of(data):
    """(bytes in the file, length on the wire) of each packet of a capture."""
    order = next((o for o in "<>" if struct.unpack(o + "I", data[:4])[0] in MAGICS), None)
    if not order:
        return  # pcapng: the corpus has none
    at = 24
    while at + 16 <= len(data):
        caplen, length = struct.unpack(order + "8xII", data[at:at + 16])
        yield data[at + 16:at + 16 + caplen], length
        at += 16 + caplen


def send_all(iface, frames):
    """How many the interface took. Not too fast: a veth's ring has 256 places."""
    sent = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((iface, 0))
        for i, frame in enumerate(frames):
            with contextlib.suppress(OSError):  # longer than the MTU
                s.send(frame.ljust(14, b"\0"))
                sent += 1
            if i % 32 == 31:
                time.sleep(0.002)
    return sent


def send(iface, *captures):
    frames = [f for name in captures for f, _ in frames_of(open(name, "rb").read())]
    print(send_all(iface, frames))


def long(iface, n, size):
    size = int(size)
    udp = struct.pack(">HHHH", 1000, 53, size - 34, 0)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, size - 14, 1, 0, 64, 17, 0, b"\x0a\1\0\1", b"\x0a\1\0\2")
    ether = bytes.fromhex("020000000102020000000101") + b"\x08\0"
    body = bytes(i * 7 % 251 for i in range(size))
    frames = []
    for i in range(int(n)):
        frame = bytearray((ether + ip + udp + body)[:size])
        frame[-1] = frame[size // 2] = i % 256
        frames.append(bytes(frame))
    print(send_all(iface, frames))


def kinds(protocol, address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM


def hear(protocol, address):
    with socket.socket(*kinds(protocol, address)) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, PORT))
        s.settimeout(30)
        if protocol == "tcp":
            s.listen()
            print("ready", flush=True)
            peer, _ = s.accept()
        else:
            print("ready", flush=True)
            peer = s
        with contextlib.suppress(TimeoutError):
            while peer.recv(65536) or protocol == "udp":
                peer.settimeout(0.3)
        peer.close()


def talk(protocol, address, size):
    with socket.socket(*kinds(protocol, address)) as s:
        s.settimeout(5)
        s.connect((address, PORT))
        if protocol == "tcp":
            s.sendall(bytes(int(size)))
            return
        for length in (0, 1, 100, 1400, int(size)):
            s.send(bytes(length))


def draw(seed, n, name):
    lines = open(name).read().splitlines()
    print("\n".join(random.Random(int(seed)).sample(lines, min(int(n), len(lines)))))


def tcpdump_counts(capture, expression):
    done = subprocess.run(["tcpdump", "-r", capture, "-w", "-", "--", expression], capture_output=True)
    if done.returncode:
        return done.stderr.decode().splitlines()[-1], 0
    frames = list(frames_of(done.stdout))
    return len(frames), sum(len(f) for f, _ in frames)


def compare(capture, status):
    """A line of TAP, and the counters that differ."""
    differing, hit, n = [], 0, 0
    rules = json.load(open(status))["hooks"][0]["rules"]
    for rule in rules:
        expression = rule["rule"].partition(" if ")[2]
        want, got = tcpdump_counts(capture, expression), (rule["packets"], rule["bytes"])
        hit, n = hit + (got[0] > 0), n + 1
        if want != got:
            differing.append(f"{expression}: {got} packets and bytes, tcpdump: {want}")
    total = tcpdump_counts(capture, "")
    print(f"{'not ok' if differing else 'ok'} - {n} counters are tcpdump's, {hit} of them not 0, "
          f"of {total[0]} packets, {total[1]} bytes")
    for line in differing[:20]:
        print("# " + line)
    if hit * 2 < n:
        print(f"not ok - only {hit} of {n} rules matched anything")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
