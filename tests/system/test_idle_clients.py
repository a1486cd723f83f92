#!/usr/bin/env python3
"""Ten thousand clients that say nothing cost little memory and hold up nobody.

Each has said something first, with a value of some size both ways, so that its
buffers have been in use. What the daemon has grown by is counted, not timed; the
processor time that requests of one busy client take among the idle ones is
printed. RTT_CLIENTS takes another number of them."""

import os
import resource
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

CLIENTS = int(os.environ.get("RTT_CLIENTS", "10000"))
# What the project promises for ten thousand.
BYTES_MAX = 64 << 20
DESCRIPTORS_BESIDE = 500
VALUE = b"v" * 2000
SAMPLE = 250
REQUESTS = 20000


def may_open(count):
    """Whether this process, and the daemon that inherits from it, may."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < count:
        return False
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    return True


def is_sanitized():
    """Sanitizers keep memory of their own for all that is touched."""
    with open(rt.RIPTIDED, "rb") as program:
        data = program.read()
    return b"__asan_init" in data or b"__tsan_init" in data


def resident_bytes(pid):
    with open("/proc/%d/status" % pid) as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) << 10
    raise RuntimeError("no VmRSS")


def processor_us(pid):
    with open("/proc/%d/stat" % pid) as stat:
        words = stat.read().rsplit(")", 1)[1].split()
    ticks = int(words[11]) + int(words[12])
    return ticks * 1000000 // os.sysconf("SC_CLK_TCK")


def busy_us(server, client):
    """Of the daemon's processor time for one request."""
    before = processor_us(server.pid)
    for _ in range(REQUESTS // 100):
        client.pipeline([("GET", "idle")] * 100)
    return (processor_us(server.pid) - before) / REQUESTS


def connect_idle(path):
    client = rt.RespClient(path=path)
    client.send_raw(rt.encode("SET", "idle", VALUE) +
                    rt.encode("GET", "idle"))
    assert client.read() == "OK"
    assert client.read() == VALUE
    return client


def test_idle(tap, server, path):
    with server.client() as busy:
        connect_idle(path).close()
        alone_us = busy_us(server, busy)
        before = resident_bytes(server.pid)
        idle = [connect_idle(path) for _ in range(CLIENTS)]
        grown = resident_bytes(server.pid) - before
        tap.equal(int(busy.info("clients")["connected_clients"]),
                  CLIENTS + 1, "so_many_clients_are_connected")
        if is_sanitized():
            tap.skip("idle_clients_take_little_memory",
                     "sanitizers keep memory of their own")
        else:
            tap.ok(grown * 10000 < BYTES_MAX * CLIENTS,
                   "idle_clients_take_little_memory",
                   "%d bytes for each" % (grown // CLIENTS))
        among_us = busy_us(server, busy)
        print("# %d clients: %.1f MiB, %d bytes each; a GET takes %.2f us, "
              "%.2f without them" % (CLIENTS, grown / 1048576,
                                     grown // CLIENTS, among_us, alone_us))
        tap.ok(all(client.call("GET", "idle") == VALUE
                   for client in idle[::SAMPLE]),
               "an_idle_client_is_answered_when_it_speaks")
        for client in idle:
            client.close()
        rt.wait_until(
            lambda: busy.info("clients")["connected_clients"] == "1",
            "the idle clients to be gone")
        tap.ok(True, "they_are_forgotten_when_they_leave")


def main():
    tap = rt.Tap()
    if not may_open(CLIENTS + DESCRIPTORS_BESIDE):
        tap.skip("idle_clients_take_little_memory",
                 "%d descriptors are not allowed here" % CLIENTS)
        tap.done()
    path = os.path.join(rt.scratch_dir(), "socket")
    with rt.Server(unixsocket=path, maxclients=CLIENTS + 10,
                   appendfsync="no", timeout=0) as server:
        tap.run(test_idle, server, path)
    tap.done()


if __name__ == "__main__":
    main()
