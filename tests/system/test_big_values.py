#!/usr/bin/env python3
"""Values up to 512 MiB: they exist once on their way in and once on their way
out, whatever stands around them, and whoever stops half way.

Peak memory is VmHWM, which the kernel keeps for each process. BIG_MIB says how
large "large" is: 128 by default; the greatest is 512, which takes a minute.
"""

import os
import select
import sys
import zlib

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

MIB = 1 << 20
BIG_MIB = int(os.environ.get("BIG_MIB", "128"))
BIG = BIG_MIB * MIB
# What a server holds beside the value: code, memtable, buffers of a flush.
BASE = 48 * MIB
# From here on a value is received into memory of its own (bulk.h).
THRESHOLD = 256 << 10

LIMITS = {"proto_max_bulk_len": "512mb", "client_query_buffer_limit": "1gb",
          "client_output_buffer_limit": "normal 0 0 0"}

_PAGE = bytes(range(256)) * 4096


def _is_sanitized():
    """Sanitizers keep memory of their own for all that is touched."""
    with open(rt.RIPTIDED, "rb") as file:
        program = file.read()
    return b"__asan_init" in program or b"__tsan_init" in program


MEASURES = not _is_sanitized()


def value_of(size, seed=0):
    """Bytes of that size that no other size or seed begins or ends with."""
    mark = b"%d/%d|" % (size, seed)
    if size <= 2 * len(mark):
        return (mark + mark)[:size]
    return mark + (_PAGE * (size // len(_PAGE) + 1))[2 * len(mark):size] + mark


def peak(server):
    with open("/proc/%d/status" % server.pid, encoding="ascii") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    raise RuntimeError("no VmHWM")


def resident(server):
    with open("/proc/%d/statm" % server.pid, encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


def header(*args, last):
    """A command up to the bytes of its last argument, which has `last`."""
    parts = rt.encode(*args)
    count = parts.index(b"\r\n")
    return b"*%d" % (len(args) + 1) + parts[count:] + b"$%d\r\n" % last


def set_big(client, key, size, seed=0):
    client.send_raw(header("SET", key, last=size))
    client.send_raw(value_of(size, seed))
    client.send_raw(b"\r\n")
    return client.read()


def read_sum(client):
    """Length and checksum of a bulk reply that is not kept."""
    line = client.recv_line()
    if line[:1] != b"$":
        return line, None
    left, total = int(line[1:]), 0
    size = left
    while left:
        if not client.unread:
            client._fill()
        part = client.unread[:left]
        total = zlib.crc32(part, total)
        left -= len(part)
        del client.unread[:len(part)]
    client.recv_raw(2)
    return size, total


def get_sum(client, key):
    client.send_raw(rt.encode("GET", key))
    return read_sum(client)


def sum_of(size, seed=0):
    return size, zlib.crc32(value_of(size, seed))


def bounded(tap, server, factor, name):
    if not MEASURES:
        tap.skip(name, "sanitizers keep memory of their own")
        return
    got = peak(server)
    tap.ok(got <= factor * BIG + BASE, name,
           "peak of %d MiB with a value of %d MiB" % (got >> 20, BIG_MIB))


def flush(client):
    """Have the memtable flushed: it is full, and another write turns it."""
    client.call("SET", "turn", "x")
    client.call("SET", "turn", "y")
    rt.wait_until(lambda: client.info("lsm")["immutable_memtables"] == "0",
                  "the flush")


def peak_memory_of_one_value(tap):
    server = rt.Server(**LIMITS).start()
    wanted = sum_of(BIG)
    with server.client() as client:
        tap.equal(set_big(client, "big", BIG), "OK", "a_big_value_is_set")
        bounded(tap, server, 1.3, "setting_it_takes_its_size_once")
        tap.equal(get_sum(client, "big"), wanted, "it_comes_back_from_memory")
        bounded(tap, server, 1.3, "getting_it_takes_nothing_more")
        client.send_raw(rt.encode("GETRANGE", "big", MIB, -MIB))
        tap.equal(read_sum(client)[0], BIG - 2 * MIB + 1,
                  "a_range_of_it_is_sent_from_where_it_is")
        tap.equal(client.call("STRLEN", "big"), BIG, "its_length_is_told")
        flush(client)
        bounded(tap, server, 1.3, "flushing_it_takes_nothing_more")
    server.stop()
    server.start()
    with server.client() as client:
        tap.equal(get_sum(client, "big"), wanted, "it_comes_back_from_a_table")
        bounded(tap, server, 1.3, "reading_it_from_a_table_takes_it_once")
    server.stop()
    if MEASURES:
        status = rt.Compactor(server.dir).once()
        tap.equal(status, 0, "the_compactor_takes_the_table")
    server.start()
    with server.client() as client:
        tap.equal(get_sum(client, "big"), wanted, "it_is_there_after_that")
    server.stop()


def killed_after_the_answer(tap):
    server = rt.Server(appendfsync="always", **LIMITS).start()
    with server.client() as client:
        client.call("SET", "before", "b")
        tap.equal(set_big(client, "big", BIG, 7), "OK",
                  "the_value_is_acknowledged")
    server.kill()
    server.start()
    bounded(tap, server, 1.3, "recovery_takes_its_size_once")
    with server.client() as client:
        tap.equal(get_sum(client, "big"), sum_of(BIG, 7),
                  "an_acknowledged_value_survives_a_kill")
        tap.equal(client.call("GET", "before"), b"b", "what_was_before_too")
    server.stop()


def slow_readers_share_it(tap):
    server = rt.Server(**LIMITS).start()
    size = BIG // 2
    with server.client() as client:
        set_big(client, "big", size)
        readers = []
        for _ in range(20):
            reader = server.client()
            reader.send_raw(rt.encode("GET", "big"))
            reader.recv_raw(1)
            readers.append(reader)
        client.call("PING")
        bounded(tap, server, 1.0, "twenty_that_do_not_read_share_the_memtables")
        for reader in readers:
            reader.close()
    server.restart()
    readers = []
    for _ in range(20):
        reader = server.client()
        reader.send_raw(rt.encode("GET", "big"))
        reader.recv_raw(1)
        readers.append(reader)
    with server.client() as client:
        client.call("PING")
        bounded(tap, server, 1.0, "twenty_that_do_not_read_share_the_tables")
        for reader in readers:
            reader.close()
        if MEASURES:
            rt.wait_until(lambda: resident(server) < size + BASE // 2,
                          "memory of readers that have gone")
        tap.equal(get_sum(client, "big"), sum_of(size),
                  "others_read_it_after_them")
    server.stop()


def unread_replies_are_limited(tap):
    server = rt.Server(proto_max_bulk_len="512mb",
                       client_output_buffer_limit="normal 8mb 0 0").start()
    with server.client() as client:
        set_big(client, "k", 5 * MIB)
        with server.client() as reader:
            reader.send_raw(rt.encode("GET", "k") * 20)
            got = reader.recv_all()
            tap.ok(len(got) < 20 * 5 * MIB,
                   "values_held_for_a_client_count_for_its_limit")
        tap.equal(get_sum(client, "k"), sum_of(5 * MIB),
                  "other_clients_go_on")
    server.stop()


def half_a_value(tap):
    server = rt.Server(**LIMITS).start()
    before = resident(server)
    announced = [server.client() for _ in range(50)]
    for client in announced:
        client.send_raw(header("SET", "k", last=512 * MIB))
    with server.client() as client:
        client.call("PING")
        if MEASURES:
            tap.ok(resident(server) < before + 16 * MIB,
                   "what_is_only_announced_costs_nothing",
                   "%d KiB" % ((resident(server) - before) >> 10))
        else:
            tap.skip("what_is_only_announced_costs_nothing", "sanitizers")
        half = server.client()
        half.send_raw(header("SET", "k", last=BIG))
        half.send_raw(value_of(BIG // 2))
        rt.wait_until(lambda: int(client.info("stats").get(
            "total_net_input_bytes", "0")) >= BIG // 2, "half a value")
        half.close()
        for other in announced:
            other.close()
        if MEASURES:
            rt.wait_until(lambda: resident(server) < before + 16 * MIB,
                          "memory of a client that has gone")
        tap.equal(client.call("EXISTS", "k"), 0, "half_a_value_leaves_nothing")
    server.stop()


def edges(tap):
    server = rt.Server(**LIMITS)
    # A compaction of tables in which small and large values mix.
    server.options["memtable-size"] = "4mb"
    server.start()
    sizes = [0, 1, 16383, 65535, 65536, 65537]
    for edge in (THRESHOLD, MIB, 4 * MIB):
        sizes += [edge - 10, edge - 9, edge - 2, edge - 1, edge, edge + 1]
    with server.client() as client:
        for at, size in enumerate(sizes):
            if set_big(client, "k%d" % at, size, at) != "OK":
                tap.ok(False, "set %d" % size)
            client.call("SET", "t%d" % at, value_of(size, at), "EX", 1000)
        for where in ("memory", "tables"):
            bad = [size for at, size in enumerate(sizes)
                   if client.call("GET", "k%d" % at) != value_of(size, at) or
                   client.call("GET", "t%d" % at) != value_of(size, at) or
                   client.call("STRLEN", "k%d" % at) != size]
            tap.equal(bad, [], "values_around_the_thresholds_in_" + where)
            tap.ok(0 < client.call("TTL", "t3") <= 1000,
                   "their_expiry_stands_in_front_of_them_in_" + where)
            client.close()
            server.kill()
            server.start()
            server.restart()
            client = server.client()
        many = client.call("MGET", *["k%d" % at for at in range(len(sizes))])
        tap.equal([len(v) for v in many], sizes, "many_in_one_reply")
        client.close()
    server.stop()


def pipelines(tap):
    server = rt.Server(**LIMITS).start()
    big = value_of(3 * MIB, 1)
    with server.client() as client:
        commands, wanted = [], []
        for at in range(6):
            commands += [("SET", "s%d" % at, "small"),
                         ("SET", "b%d" % at, big), ("GET", "s%d" % at),
                         ("GET", "b%d" % at), ("STRLEN", "b%d" % at),
                         ("GETRANGE", "b%d" % at, 5, MIB + 5),
                         ("NOSUCH", big), ("GETSET", "b%d" % at, "now small"),
                         ("MSET", "m", big, "n", "x", "o", big),
                         ("MGET", "m", "n", "o", "p")]
            wanted += ["OK", "OK", b"small", big, len(big),
                       big[5:MIB + 6], None, big, "OK",
                       [big, b"x", big, None]]
        raw = b"".join(rt.encode(*command) for command in commands)
        sock = client.sock
        sock.setblocking(False)
        got, at = [], 0
        # Written while it is read, or both sides would wait for each other.
        data = bytearray()
        while at < len(raw):
            readable, writable, _ = select.select([sock], [sock], [], 60)
            if readable:
                data += sock.recv(1 << 20)
            if writable:
                at += sock.send(raw[at:at + (1 << 20)])
        sock.setblocking(True)
        client.unread = data
        got = [client.read() for _ in wanted]
        got = [None if isinstance(reply, rt.ReplyError) else reply
               for reply in got]
        bad = [commands[i][0] for i in range(len(wanted))
               if got[i] != wanted[i]]
        tap.equal(bad, [], "big_and_small_in_one_pipeline")
        tap.equal(client.call("SET", "m", big, "GET"), big,
                  "the_old_value_is_the_reply")
        tap.equal(client.call("GETDEL", "m"), big, "getdel_answers_with_it")
        tap.equal(client.call("GETEX", "o", "EX", 100), big, "so_does_getex")
        tap.equal(client.call("GET", "o"), big, "and_leaves_it")
        client.send_raw(rt.encode("GET", "o") * 8 + rt.encode("DEL", "o") +
                        rt.encode("GET", "o"))
        tap.ok(all(client.read() == big for _ in range(8)) and
               client.read() == 1 and client.read() is None,
               "a_reply_outlives_the_key")
    server.stop()


def growing(tap):
    server = rt.Server(proto_max_bulk_len="2mb").start()
    too_long = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
    with server.client() as client:
        model = b""
        for at in range(14):
            part = value_of(100000 + at, at)
            model += part
            client.call("APPEND", "k", part)
        tap.equal(client.call("GET", "k"), model, "append_past_the_threshold")
        client.call("SETRANGE", "k", 1900000, b"end")
        model = model.ljust(1900000, b"\0") + b"end"
        tap.equal(client.call("GET", "k"), model, "setrange_past_the_end")
        client.call("SETRANGE", "k", 10, b"middle")
        model = model[:10] + b"middle" + model[16:]
        tap.equal(client.call("GET", "k"), model, "setrange_in_the_middle")
        fill = 2 * MIB - len(model)
        tap.equal(client.call("APPEND", "k", b"x" * fill), 2 * MIB,
                  "append_up_to_the_limit")
        tap.equal(client.error("APPEND", "k", "x"), too_long,
                  "append_beyond_it_is_refused")
        tap.equal(client.error("SETRANGE", "k", 2 * MIB, "x"), too_long,
                  "setrange_beyond_it_is_refused")
        tap.equal(client.call("STRLEN", "k"), 2 * MIB, "and_changes_nothing")
    server.stop()


def limits(tap):
    server = rt.Server(**LIMITS).start()
    with server.client() as client:
        client.send_raw(header("SET", "k", last=512 * MIB + 1))
        tap.equal(client.read().text,
                  "ERR Protocol error: invalid bulk length",
                  "one_byte_more_than_the_most_is_refused")
    with server.client() as client:
        client.send_raw(header("SET", "k", last=MIB))
        client.send_raw(value_of(MIB) + b"xy")
        tap.equal(client.read().text,
                  "ERR Protocol error: bulk not followed by CRLF",
                  "a_value_without_its_end_is_refused")
    server.stop()
    server = rt.Server(proto_max_bulk_len="8mb",
                       client_query_buffer_limit="4mb").start()
    with server.client() as client:
        client.send_raw(header("SET", "k", last=5 * MIB))
        client.send_raw(b"x")
        tap.equal(client.read().text, "ERR Protocol error: request is larger "
                  "than client-query-buffer-limit",
                  "the_query_buffer_limit_holds_before_memory_is_taken")
    with server.client() as client:
        client.send_raw(b"*5\r\n$4\r\nMSET\r\n$1\r\na\r\n$%d\r\n" % (3 * MIB) +
                        value_of(3 * MIB) + b"\r\n$1\r\nb\r\n$%d\r\nx" %
                        (2 * MIB))
        tap.equal(client.read().text, "ERR Protocol error: request is larger "
                  "than client-query-buffer-limit",
                  "the_query_buffer_limit_counts_all_arguments")
    server.stop()


def damage_in_the_log(tap):
    server = rt.Server(appendfsync="always", **LIMITS).start()
    with server.client() as client:
        client.call("SET", "before", "b")
        set_big(client, "big", 9 * MIB, 3)
        client.call("SET", "after", "a")
    server.kill()
    wal = os.path.join(server.dir, "wal")
    needle = value_of(9 * MIB, 3)[:64]
    for name in os.listdir(wal):
        with open(os.path.join(wal, name), "r+b") as file:
            at = file.read().find(needle)
            if at >= 0:
                file.seek(at + 5 * MIB)
                byte = file.read(1)[0]
                file.seek(at + 5 * MIB)
                file.write(bytes([byte ^ 1]))
    server.spawn()
    status = server.wait()
    tap.ok(status != 0 and "damaged at offset" in server.stderr(),
           "a_flipped_bit_in_a_big_record_refuses_the_start",
           "status %s\n%s" % (status, server.stderr()[-400:]))


def main():
    tap = rt.Tap()
    for test in (edges, pipelines, growing, limits, half_a_value,
                 unread_replies_are_limited, damage_in_the_log,
                 slow_readers_share_it, killed_after_the_answer,
                 peak_memory_of_one_value):
        tap.run(test)
    tap.done()


main()
