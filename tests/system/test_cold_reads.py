"""Reads of tables that are in no memory: the pool reads them, and every reply is
what it would be otherwise, in its order."""

import glob
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()

KEYS = 3000
ROUNDS = 20


def value(n):
    return b"%d-" % n + b"x" * 200


def cool(server):
    """Ask the kernel to forget the tables; it may keep some."""
    for name in glob.glob(os.path.join(server.dir, "sst", "*.sst")):
        fd = os.open(name, os.O_RDONLY)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def fill(client):
    for start in range(3):
        client.pipeline([("SET", "k%d" % n, value(n))
                         for n in range(start, KEYS, 3)])
        client.call("FLUSHMEM")
        rt.wait_until(lambda: client.info("lsm")["immutable_memtables"] == "0",
                      "the flush")


def pool_reads(client):
    return int(client.info("stats")["pool_reads"])


def read_cold(server, clients):
    """GETs of several connections at once until the pool had to read; whether
    all was right, and whether it had to."""
    right = True
    for round_ in range(ROUNDS):
        cool(server)
        asked = []
        for i, client in enumerate(clients):
            numbers = [(n * 37 + i * 11 + round_) % (KEYS + 5)
                       for n in range(200)]
            client.send_raw(b"".join(rt.encode("GET", "k%d" % n)
                                     for n in numbers) +
                            rt.encode("MGET", "k1", "none", "k2"))
            asked.append((client, numbers))
        for client, numbers in asked:
            for n in numbers:
                expected = value(n) if n < KEYS else None
                right = client.read() == expected and right
            right = client.read() == [value(1), None, value(2)] and right
        if pool_reads(clients[0]) > 0:
            break
    return right, pool_reads(clients[0]) > 0


def test_cold(tap, **options):
    name = "_".join(["with"] + sorted(options.values()) + ["bytes_of_cache"])
    with rt.Server(**options) as server, server.client() as client:
        fill(client)
        others = [server.client() for _ in range(4)]
        right, pooled = read_cold(server, others)
        tap.ok(right, "cold_reads_are_right_" + name)
        if pooled:
            tap.ok(True, "the_pool_read_" + name)
        else:
            tap.skip("the_pool_read_" + name,
                     "the file system keeps all in memory")
        before = int(client.info("stats")["total_commands_processed"])
        cool(server)
        tap.equal(client.call("EXISTS", "k5", "none", "k6"), 2,
                  "exists_counts_cold_keys_" + name)
        after = int(client.info("stats")["total_commands_processed"])
        tap.equal(after - before, 2, "a_command_counts_once_" + name)
        cool(server)
        tap.equal(client.call("DEL", "k5", "none", "k6"), 2,
                  "del_finds_cold_keys_" + name)
        cool(server)
        tap.equal(client.call("APPEND", "k7", "y"), len(value(7)) + 1,
                  "append_finds_a_cold_value_" + name)
        for other in others:
            other.close()


test_cold(tap, block_cache_size="0")
test_cold(tap, block_cache_size="1mb")
tap.done()
