# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of expressions share: TAP, captures, and weir's engines against each other."""
import glob
import os
import random
import struct
import subprocess
import sys
import tempfile

TOP = os.environ["TOP"]
WEIR = os.environ["WEIR"]
CORPUS = os.environ.get("CORPUS", "")
SEED = int(os.environ.get("SEED") or 1)
FULL, SLOW = bool(os.environ.get("FULL")), bool(os.environ.get("SLOW"))
TMP = os.environ.get("TMP") or tempfile.mkdtemp()

# Engines that run weir's program, and the bytes of a packet that each carries.
CARRIES = {"xdp": (14, 65535), "ingress": (14, 15360), "egress": (14, 15360), "socket": (1, 64016),
           "socket-bpf": (1, 64016)}
SHORTEST = 14

SAMPLE = 60  # expressions

OWN_EXPRESSIONS = f"{TOP}/pcap-tests/expr/expressions.txt"
OWN_CAPTURES = sorted(glob.glob(f"{TOP}/pcap-tests/captures/*.pcap"))


def ok(what):
    print(f"ok - {what}", flush=True)


def nok(what, detail=""):
    print(f"not ok - {what}")
    for line in detail.splitlines():
        print(f"# {line}")
    sys.stdout.flush()


def skip(what, why):
    print(f"ok - {what} # SKIP {why}", flush=True)


def in_sandbox():
    """Begin anew in the sandbox, if this is not it: no packet, and no DNS query, can get out."""
    if not os.path.exists("/run/sandbox"):
        sandbox = f"{TOP}/pcap-tests/sandbox"
        os.execv(sandbox, [sandbox, os.path.abspath(sys.argv[0])] + sys.argv[1:])


def needs_root():
    """End, skipped, where programs cannot be loaded."""
    if os.geteuid():
        skip(os.path.basename(sys.argv[0]), "engine xdp needs root")
        sys.exit(0)


def dice(name):
    """Random numbers that follow from SEED and a name."""
    return random.Random(f"{SEED} {name}")


def samples(number):
    """How many of many: number, or with SLOW=1 a twentieth of it."""
    return -(-number // 20) if SLOW else number


def read_capture(path):
    """Packets of a pcap file (not pcapng): (header, bytes), as they stand there."""
    with open(path, "rb") as file:
        data = file.read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at, packets = 24, []
    while at + 16 <= len(data):
        seconds, fraction, caplen, _ = struct.unpack(order + "IIII", data[at:at + 16])
        packets.append(((seconds, fraction), data[at + 16:at + 16 + caplen]))
        at += 16 + caplen
    return packets


def write_capture(path, packets):
    """The bytes given are the packets: nothing is said to have been on the wire besides."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for (seconds, _), data in packets:
            file.write(struct.pack("<IIII", seconds, 0, len(data), len(data)) + data)


def matches(engine, expressions, captures):
    """The lines of `weir filter --match`; an error is an exception with what it said."""
    command = [WEIR, "filter", "-F", expressions, "--engine", engine, "--match"] + captures
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"engine {engine} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout.splitlines()


def left_out(engine, captures):
    """Packets that the engine cannot carry, as lines end that match them."""
    least, most = CARRIES[engine]
    return {
        f" {path} {number}"
        for path in captures
        for number, (_, data) in enumerate(read_capture(path), 1)
        if not least <= len(data) <= most
    }


def ending(line):
    return line[line.index(" "):]


def sample(engine, name, expressions):
    """Expressions for an engine: all on XDP or with FULL=1, else as many as a test has time for."""
    if FULL or engine == "xdp":
        return expressions
    with open(expressions, encoding="utf-8") as file:
        lines = [line for line in file if line.strip()]
    path = f"{TMP}/{engine}-{name}.txt"
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(dice(f"{engine} {name}").sample(lines, min(len(lines), SAMPLE)))
    return path


def check_same(what, engine, expressions, captures):
    """An engine says what libpcap says, but for packets that it cannot carry."""
    out = left_out(engine, captures)
    try:
        want = [line for line in matches("libpcap", expressions, captures)
                if ending(line) not in out]
        got = matches(engine, expressions, captures)
    except RuntimeError as error:
        nok(what, str(error))
        return
    if not want:
        nok(what, "nothing matches: that proves nothing")
    elif got == want:
        ok(f"{what} ({len(want)} matches)")
    else:
        wanted, found = set(want), set(got)
        nok(what, "\n".join([f"missing: {line}" for line in want if line not in found][:10]
                            + [f"wrong: {line}" for line in got if line not in wanted][:10]))


def check_verified(what, engine, expressions, captures):
    """The same by --verify, for more matches than one would keep."""
    done = subprocess.run([WEIR, "filter", "-F", expressions, "--engine", engine, "--verify", *captures],
                          capture_output=True, text=True)
    if done.returncode:
        nok(what, done.stdout + done.stderr)
    else:
        ok(f"{what}: {done.stdout.strip()}")


def count_packets(captures):
    return sum(len(read_capture(path)) for path in captures)


def count_expressions(path):
    with open(path, encoding="utf-8") as file:
        return sum(1 for line in file if line.strip())


def some_captures(captures):
    return sorted(dice("captures").sample(captures, 5)) if SLOW else captures


def each_list():
    """(name, expressions, captures): ours, and the corpus where it is. SLOW=1: some captures."""
    yield "own", OWN_EXPRESSIONS, some_captures(OWN_CAPTURES)
    if CORPUS:
        captures = some_captures(sorted(glob.glob(f"{CORPUS}/pcaps/*")))
        yield "corpus", f"{CORPUS}/expressions.txt", captures
