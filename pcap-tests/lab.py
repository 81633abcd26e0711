# SPDX-License-Identifier: GPL-2.0-only
"""What a live test in Python says, and how it asks: lib.sh and lab.sh for tests that are too much
for a shell. Import it first: a script that is started by hand goes into a sandbox here.

    sys.path.insert(0, os.environ["TOP"] + "/pcap-tests"); from lab import *
"""
import contextlib
import ctypes
import errno
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

TOP, WEIR, TMP = (os.environ[name] for name in ("TOP", "WEIR", "TMP"))
WEIR_BENCH, B = os.environ["WEIR_BENCH"], os.environ["B"]
SEED, FULL = int(os.environ["SEED"]), bool(os.environ.get("FULL"))
SLOW = bool(os.environ.get("SLOW"))
KERNEL = tuple(int(n) for n in os.uname().release.split("-")[0].split(".")[:2])

if not os.path.exists("/run/sandbox"):
    os.execv(f"{TOP}/pcap-tests/sandbox", ["sandbox", *sys.argv])
sys.stdout.reconfigure(line_buffering=True)

TCX, NO_TCX = KERNEL >= (6, 6), "this kernel has no tcx, which Linux 6.6 brought"

libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNET = 0x40000000
ETH_P_ALL, ETH_P_IP = 3, 0x0800
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23  # Linux 4.20
SO_ATTACH_FILTER = 26
FLOOD_PORT = 9  # where weir-bench sends


def check(holds, what, detail=""):
    """A test line; the detail is for a person who has nothing but the log."""
    print(("ok" if holds else "not ok") + f" - {what}")
    if not holds:
        print("\n".join("# " + line for line in str(detail).splitlines()))
    return holds


def equal(got, want, what):
    return check(got == want, what, f"got:  {got}\nwant: {want}")


def skip(what, why):
    print(f"ok - {what} # SKIP {why}")


def samples(number, everything):
    """How many cases to try: number; everything with FULL=1; a twentieth of it with SLOW=1."""
    return everything if FULL else -(-number // 20) if SLOW else number


def patience(seconds):
    """How long to wait for what should have happened: SLOW=1 takes ten times as long."""
    return 10 * seconds if SLOW else seconds


def paced(rate):
    """Packets a second that a test floods with; SLOW=1 manages a twentieth."""
    return rate // 20 if SLOW else rate


def lab(script):
    """Run lines of bash with lab.sh's functions."""
    subprocess.run(["bash", "-c", f'. "$TOP/pcap-tests/lab.sh"\nset -e\n{script}'], check=True)


@contextlib.contextmanager
def netns(name):
    """Be in a network namespace: for sockets, which stay in it."""
    with open("/proc/self/ns/net") as home, open(f"/run/netns/{name}") as there:
        if libc.setns(there.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {name}")
        try:
            yield
        finally:
            libc.setns(home.fileno(), CLONE_NEWNET)


class Ended:
    """A command that has ended."""
    def __init__(self, args, status, out, err):
        self.args, self.status, self.out, self.err = args, status, out, err

    def __str__(self):
        return f"{' '.join(self.args)} ended with {self.status}\n{self.out}{self.err}"


def run(*args):
    ended = subprocess.run(args, capture_output=True, text=True, check=False)
    return Ended(args, ended.returncode, ended.stdout, ended.stderr)


def weir(ns, command, *args):
    return run(WEIR, command, "--netns", ns, *args)


def status(ns):
    """{interface: its hook in `weir status -j`}"""
    ended = weir(ns, "status", "-j")
    if ended.status:
        raise RuntimeError(str(ended))
    return {hook["interface"]: hook for hook in json.loads(ended.out)["hooks"]}


def packets(hook, rule):
    """The rule's packets; None: there is no such rule."""
    return next((r["packets"] for r in hook["rules"] if r["rule"] == rule), None)


def share(ns, interface):
    """weir's words on why the interface cannot be shared; "": it can."""
    text = f"interface {interface} {{ xdp native shared {{ }} }}\n"
    ended = weir(ns, "apply", write("share", text))
    if not ended.status:
        weir(ns, "detach", interface)
    return ended.err


def newer_dispatcher():
    """From now on weir's libxdp takes that of pcap-tests/progs; Debian's xdp-loader has its own."""
    folder = Path(TMP, "objects")
    folder.mkdir()
    for path in Path("/usr/lib/x86_64-linux-gnu/bpf").glob("*.o"):
        (folder / path.name).symlink_to(path)
    (folder / "xdp-dispatcher.o").unlink(missing_ok=True)
    (folder / "xdp-dispatcher.o").symlink_to(f"{B}/pcap-tests/progs/xdp-dispatcher.bpf.o")
    os.environ["LIBXDP_OBJECT_PATH"] = str(folder)


def shared_refusal(ns, interface):
    """As share(); where the kernel wants a newer dispatcher than libxdp's, it gets one."""
    refusal = share(ns, interface)
    if "Failed to attach program weir_root to dispatcher" in refusal:
        newer_dispatcher()
        refusal = share(ns, interface)
    return refusal


def write(name, text):
    path = f"{TMP}/{name}"
    Path(path).write_text(text)
    return path


def pins():
    """Every pin below weir's folder, folders too."""
    return sorted(str(path) for path in Path("/sys/fs/bpf/weir").rglob("*"))


def bpftool(*args):
    ended = run("bpftool", "-j", *args)
    return json.loads(ended.out) if ended.status == 0 and ended.out else []


def listed():
    """{(kind, id): ids of its maps} of everything in the kernel, everybody's."""
    found = {}
    for line in run(f"{B}/tools/bpfids").out.splitlines():
        kind, *ids = line.split()
        found[kind, int(ids[0])] = {int(n) for n in ids[1:]}
    return found


def objects():
    """{(kind, id)} of all that is pinned and all programs that use it. Other people may load
    programs meanwhile: this is what is ours."""
    found = set()
    for path in pins():
        for kind in "map", "prog", "link":
            shown = bpftool(kind, "show", "pinned", path)
            if isinstance(shown, dict) and "id" in shown:
                found.add((kind, shown["id"]))
    return alive(found)


def alive(found):
    """Those that the kernel still has, and programs that use one of their maps."""
    now = listed()
    maps = {number for kind, number in found if kind == "map"}
    return {one for one, its_maps in now.items() if one in found or maps & its_maps}


def gone(found, seconds=30):
    """What of these is still there after so long: the kernel frees late."""
    end = time.monotonic() + patience(seconds)
    while (left := alive(found)) and time.monotonic() < end:
        time.sleep(0.05)
    return left


def frame(port, number, source=1, dest=2, pair=1, ttl=64, size=60):
    """A UDP frame from one end of a lab_veth pair to the other, to a port, with a number. Its IP
    address is nobody's, so no stack answers."""
    payload = struct.pack("!I", number).ljust(size - 42, b"\0")
    mac = (bytes([2, 0, 0, 0, pair, dest]), bytes([2, 0, 0, 0, pair, source]))
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, ttl, 17, 0,
                     bytes([198, 18, 0, 1]), bytes([198, 19, 0, 1]))
    total = sum(struct.unpack("!10H", ip))
    total = (total & 0xffff) + (total >> 16)
    ip = ip[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + ip[12:]
    udp = struct.pack("!HHHH", 1024, port, 8 + len(payload), 0)
    return mac[0] + mac[1] + struct.pack("!H", ETH_P_IP) + ip + udp + payload


def ignore_flood(s):
    """tcpdump -ddd 'not udp dst port 9', for frames as frame() makes them."""
    code = b"".join(struct.pack("HBBI", *insn) for insn in (
        (0x28, 0, 0, 36), (0x15, 0, 1, FLOOD_PORT), (0x06, 0, 0, 0), (0x06, 0, 0, 0xffffffff)))
    buffer = ctypes.create_string_buffer(code, len(code))
    s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                 struct.pack("HP", len(code) // 8, ctypes.addressof(buffer)))


class Flood:
    """weir-bench rate: frames to the discard port until stop(), or so many."""
    def __init__(self, ns, interface, *options):
        self.process = subprocess.Popen(
            [WEIR_BENCH, "rate", "-j", "--netns", ns, interface, *options], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while self.running() and not self.expects_signal():
            time.sleep(0.01)

    def expects_signal(self):
        """It has blocked SIGINT, of which it would die before that, and then made its threads."""
        return len(os.listdir(f"/proc/{self.process.pid}/task")) > 1

    def running(self):
        return self.process.poll() is None

    def stop(self):
        """End it; how many frames went out."""
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self):
        out, err = self.process.communicate()
        try:
            said = json.loads(out)
            return said["sent"] - said["counters"]["dropped"]
        except ValueError:
            raise RuntimeError(f"weir-bench rate: {out}{err}") from None


def send(s, data):
    """Send a frame by a packet socket. A veth whose peer lags refuses: try again."""
    end = time.monotonic() + patience(2)
    while True:
        try:
            return s.send(data)
        except OSError as error:
            if error.errno != errno.ENOBUFS or time.monotonic() > end:
                raise
        time.sleep(0.001)


class Probe:
    """Frames of our own over a veth pair, and where each ends: reflected to the near end, or
    passed to the far end's stack."""
    def __init__(self, near, near_if, far, far_if, pair):
        self.pair, self.number = pair, 0
        self.near = self.socket(near, near_if)
        self.far = self.socket(far, far_if, ETH_P_IP)  # what tc ingress has let through

    @staticmethod
    def socket(ns, interface, protocol=ETH_P_ALL):
        with netns(ns):
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        ignore_flood(s)
        with netns(ns):
            s.bind((interface, protocol))
        s.setblocking(False)
        return s

    def seen(self, s):
        """The ports of this probe's frames at a socket."""
        ports = set()
        with contextlib.suppress(BlockingIOError):
            while True:
                data = s.recv(2048)
                if len(data) >= 46 and data[12:14] == b"\x08\x00" and \
                        struct.unpack("!I", data[42:46])[0] == self.number:
                    ports.add(struct.unpack("!H", data[36:38])[0])
        return ports

    def send(self, ports, seconds=10, lost=()):
        """Send a frame to each port: (reflected, passed, those that came nowhere). Those expected
        to be lost are not waited for: what is sent behind them comes behind them."""
        self.number += 1
        reflected, passed, left = set(), set(), set(ports)
        for port in ports:
            send(self.near, frame(port, self.number, pair=self.pair))
        end = time.monotonic() + patience(seconds)
        while left - set(lost) and (wait := end - time.monotonic()) > 0:
            select.select([self.near, self.far], [], [], wait)
            reflected |= self.seen(self.near)
            passed |= self.seen(self.far)
            left -= reflected | passed
        return reflected, passed, left
