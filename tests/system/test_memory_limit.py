"""memory-limit holds: peak resident memory under a load several times larger.

A hundred clients with pipelines write, read and scan at random, some of the
values are of 1 MiB, and the compactor runs. What the limit does not cover is
bounded by MARGIN: the program and its libraries (about 6 MiB, shared with
other processes for the most part), stacks and arenas of its threads, and what
malloc keeps between blocks.

With RTT_LONG set each size gets more data and more rounds.
"""

import os
import random
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()

MIB = 1 << 20
MARGIN = 24 * MIB
SEED = int(os.environ.get("RTT_SEED", time.time_ns() % 1000000))
LONG = "RTT_LONG" in os.environ
CLIENTS = 100
NOISE = random.Random(SEED).randbytes(MIB)  # does not compress
THREADS = 4


def peak_bytes(pid):
    with open("/proc/%d/status" % pid) as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("no VmHWM")


def is_instrumented():
    """Such a program's allocator keeps what was freed."""
    with open(rt.RIPTIDED, "rb") as program:
        data = program.read()
    return b"__asan_init" in data or b"__tsan_init" in data


class Load:
    """What one thread does with its share of the clients."""

    def __init__(self, server, seed, keys, until_bytes):
        self.rng = random.Random(seed)
        self.clients = [server.client() for _ in range(CLIENTS // THREADS)]
        self.keys = keys
        self.left = until_bytes
        self.wrong = []
        self.error = None

    def batch(self):
        rng = self.rng
        commands, checks = [], []
        if rng.random() < 0.04:
            key = "big:%d" % rng.randrange(40)
            commands.append(("SET", key, NOISE))
            commands.append(("STRLEN", key))
            checks += ["OK", MIB]
            self.left -= MIB
        for _ in range(100):
            number = rng.randrange(self.keys)
            key = "key:%08d" % number
            what = rng.random()
            if what < 0.55:
                start = rng.randrange(MIB // 2)
                value = b"%08d" % number + NOISE[
                    start:start + rng.randrange(200, 6000)]
                commands.append(("SET", key, value))
                checks.append("OK")
                self.left -= len(value)
            elif what < 0.95:
                commands.append(("GET", key))
                checks.append(number)
            elif what < 0.99:
                commands.append(("SCAN", rng.randrange(1 << 20), "COUNT", 20))
                checks.append(list)
            else:
                commands.append(("GET", "big:%d" % rng.randrange(40)))
                checks.append(None)
        return commands, checks

    def check(self, wanted, reply):
        if isinstance(reply, rt.ReplyError):
            return False
        if isinstance(wanted, str) or wanted is MIB:
            return reply == wanted
        if isinstance(wanted, int):
            return reply is None or reply[:8] == b"%08d" % wanted
        return True

    def run(self):
        try:
            while self.left > 0:
                # All of them have sent before the first reply is read.
                sent = []
                for client in self.clients[:8 if not LONG else None]:
                    commands, checks = self.batch()
                    sent.append((client, checks))
                    thread_send(client, commands)
                for client, checks in sent:
                    for wanted in checks:
                        reply = client.read()
                        if not self.check(wanted, reply):
                            self.wrong.append((wanted, repr(reply)[:80]))
                self.rng.shuffle(self.clients)
        except Exception as error:  # the test tells it
            self.error = error


def thread_send(client, commands):
    """Send without waiting for ever when the server has stopped reading."""
    data = b"".join(rt.encode(*command) for command in commands)
    at = 0
    while at < len(data):
        client.sock.setblocking(False)
        try:
            at += client.sock.send(data[at:at + (1 << 18)])
        except BlockingIOError:
            client.sock.setblocking(True)
            client.sock.settimeout(0.05)
            try:
                client._fill()
            except TimeoutError:
                pass
    client.sock.setblocking(True)
    client.sock.settimeout(rt.PATIENCE_S)


def limit_holds(tap, limit, written):
    with rt.Server(memory_limit=limit, appendfsync="no", maxclients=500,
                   compactor="spawn", disk_reserve=0) as server:
        loads = [Load(server, SEED + i, written // 3000, written // THREADS)
                 for i in range(THREADS)]
        threads = [threading.Thread(target=load.run) for load in loads]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        errors = [load.error for load in loads if load.error]
        wrong = [row for load in loads for row in load.wrong]
        with server.client() as client:
            info = client.info("all")
        peak = peak_bytes(server.pid)
        name = "%d MiB" % (limit // MIB)
        tap.ok(not errors, "load_is_served_within_" + name.replace(" ", "_"),
               errors)
        tap.ok(not wrong, "replies_are_right_within_" + name.replace(" ", "_"),
               wrong[:5])
        print("# limit %s: peak %.1f MiB, data %.0f MiB, tables %s of %s open,"
              " cache %s, memtables %s" %
              (name, peak / MIB, int(info["sst_bytes"]) / MIB,
               info["open_tables"], info["level0_files"],
               info["block_cache_bytes"], info["memtable_held_bytes"]))
        tap.ok(is_instrumented() or peak <= limit + MARGIN,
               "peak_stays_within_" + name.replace(" ", "_"),
               "peak %.1f MiB\n%s" % (peak / MIB, "\n".join(
                   "%s %s" % row for row in info.items()
                   if "memor" in row[0] or "bytes" in row[0])))


def main():
    print("# seed %d" % SEED)
    factor = 4 if LONG else 2
    for limit in (64 * MIB, 96 * MIB, 256 * MIB):
        tap.run(limit_holds, limit, min(factor * limit, (600 if LONG else 260)
                                        * MIB))
    tap.done()


main()
