#!/usr/bin/env python3
"""The daemon when the system gives it nothing more: no descriptors, no memory
for what a client announces, a disk that does not answer, no space for the log
file. It says so, goes on with the rest, and with everything when the cause is
gone."""

import os
import resource
import select
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import riptide_test as rt

MIB = 1 << 20
KEYS = 400
VALUE = b"v" * 8000
SLACK_BYTES = 96 * MIB
LARGE_BYTES = 400 * MIB
# What takes longer the log tells of.
SLOW_S = 1.1
SHIM = os.path.join(rt.BUILDDIR, "tests", "support", "sick_disk.so")


def is_sanitized(server):
    """A sanitizer's shadow takes terabytes of address space."""
    with open("/proc/%d/maps" % server.pid) as maps:
        return any("libasan" in line or "libtsan" in line for line in maps)


def limit(server, which, soft):
    """Returns the limit before."""
    before = resource.prlimit(server.pid, which)
    resource.prlimit(server.pid, which, (soft, before[1]))
    return before


def write_all(client, start):
    """Keys in order until an error, which is returned with their number."""
    for number in range(start, start + KEYS):
        error = client.error("SET", "key%d" % number, VALUE + b"%d" % number)
        if error is not None:
            return number - start, error
    return KEYS, None


def writes(server):
    """Whether a write is taken; its connection may be closed instead."""
    try:
        with server.client() as client:
            return client.error("SET", "after", "1") is None
    except (rt.Closed, OSError):
        return False


def no_descriptors(tap):
    server = rt.Server(memtable_size="1mb", block_cache_size=0).start()
    client = server.client()
    write_all(client, 0)
    # Tables that were never opened would need descriptors to be read.
    server.restart()
    # A connection whose write has an unknown outcome is closed.
    client, reader = server.client(), server.client()
    # They are accepted when they are answered.
    client.call("PING")
    reader.call("PING")
    in_use = len(os.listdir("/proc/%d/fd" % server.pid))
    before = limit(server, resource.RLIMIT_NOFILE, in_use)
    acked, error = 0, None
    for _ in range(4):
        try:
            count, error = write_all(client, acked)
            acked += count
        except (rt.Closed, OSError):
            error = "closed"
        if error is not None:
            break
    wrong = []
    for number in range(KEYS):
        try:
            got = reader.call("GET", "key%d" % number)
        except rt.ReplyError:
            continue
        if got != VALUE + b"%d" % number:
            wrong.append((number, got))
    tap.equal(wrong, [], "without descriptors a read is right or an error, "
              "never nil")
    tap.ok(error is not None, "and writes that need one are refused")
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, before)
    rt.wait_until(lambda: writes(server), "writes to be taken again")
    client = server.client()
    tap.ok(True, "with descriptors writes are taken again")
    tap.equal([number for number in range(KEYS)
               if client.call("GET", "key%d" % number)
               != VALUE + b"%d" % number], [], "and everything is read")
    tap.equal(server.stop(), 0, "the stop is clean")


def no_memory(tap):
    server = rt.Server(proto_max_bulk_len="512mb",
                       client_query_buffer_limit="1gb").start()
    if is_sanitized(server):
        tap.skip("no_memory", "a sanitizer has taken the address space")
        return
    client = server.client()
    with open("/proc/%d/statm" % server.pid) as statm:
        used = int(statm.read().split()[0]) * resource.getpagesize()
    before = limit(server, resource.RLIMIT_AS, used + SLACK_BYTES)
    with server.client() as large:
        large.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\nab" %
                       LARGE_BYTES)
        reply = large.recv_all()
        tap.ok(reply.startswith(b"-ERR no memory"), "an argument for which "
               "there is no memory is refused", reply)
    with server.client() as several:
        # Many small ones are no better.
        several.send_raw(b"*%d\r\n$4\r\nMSET\r\n" % (1 + 2 * 4000))
        try:
            for _ in range(4000):
                several.send_raw(b"$1\r\nk\r\n$100000\r\n%s\r\n" %
                                 (b"x" * 100000))
            reply = several.recv_all()
        except (OSError, rt.Closed):
            reply = b"-ERR no memory (reset)"
        tap.ok(reply.startswith(b"-ERR no"), "so is a command of many",
               reply)
    error = client.error("SETRANGE", "k", LARGE_BYTES, "x")
    tap.ok(error is not None and error.startswith("ERR nothing was written"),
           "a value for which there is no memory is not made", error)
    tap.equal(client.call("EXISTS", "k"), 0, "nothing was written")
    tap.equal(client.call("SET", "small", "1"), "OK", "small ones go on")
    resource.prlimit(server.pid, resource.RLIMIT_AS, before)
    tap.equal(client.call("SETRANGE", "k", LARGE_BYTES, "x"),
              LARGE_BYTES + 1, "with memory it is made")
    tap.equal(server.stop(), 0, "the stop is clean")


def slow_disk(tap):
    hold = os.path.join(rt.scratch_dir(), "hold")
    server = rt.Server(appendfsync="always", env={
        "LD_PRELOAD": SHIM, "SLOW_SYNC": hold,
        "ASAN_OPTIONS": "verify_asan_link_order=0"}).start()
    writer, reader = server.client(), server.client()
    tap.equal(writer.call("SET", "before", "1"), "OK", "the disk answers")
    with open(hold, "w"):
        pass
    writer.send_raw(rt.encode("SET", "during", "2"))
    # A loop that waited for the disk would answer none of these.
    began = time.monotonic()
    while time.monotonic() - began < SLOW_S:
        reader.call("PING")
    tap.ok(True, "PING is answered while the disk does not")
    tap.equal(reader.call("GET", "before"), b"1", "so is a read")
    tap.equal(select.select([writer.sock], [], [], 0)[0], [],
              "the write is not acked before it is on the disk")
    os.unlink(hold)
    tap.equal(writer.read(), "OK", "it is acked when the disk is back")
    tap.equal(reader.call("GET", "during"), b"2", "and read")
    rt.wait_until(lambda: "the disk is slow to sync" in server.stderr(),
                  "the log to tell of it")
    tap.ok(True, "the log tells of it")
    tap.equal(server.stop(), 0, "the stop is clean")


def full_log(tap):
    server = rt.Server(logfile="/dev/full").start()
    with server.client() as client:
        tap.equal(client.call("SET", "k", "v"), "OK",
                  "with no space for its log the daemon goes on")
        server.signal(signal.SIGUSR1)
        server.signal(signal.SIGHUP)
        client.call("FLUSHMEM")
        tap.equal(client.call("GET", "k"), b"v", "whatever it has to say")
    compactor = rt.Compactor(server.dir, logfile="/dev/full")
    tap.equal(compactor.once("--full"), 0, "so does the compactor")
    tap.equal(server.stop(), 0, "the stop is clean")


tap = rt.Tap()
tap.run(no_descriptors)
tap.run(no_memory)
tap.run(slow_disk)
tap.run(full_log)
tap.done()
