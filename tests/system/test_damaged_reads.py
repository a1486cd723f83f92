"""Damage in a table under a daemon that serves it: what lies in a damaged block
is answered with an error, never with nil, all else as ever; log and INFO tell
of it. A damaged filter costs nobody an answer."""

import glob
import os
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import riptide_test as rt  # noqa: E402

KEYS = 2000
FOOTER_BYTES = 96

tap = rt.Tap()


def key(i):
    return b"key%05d" % i


def value(i):
    return b"value%05d" % i * 20


def stopped():
    """A database of one table, whose daemon was stopped; the table."""
    server = rt.Server(block_size="4kb").start()
    with server.client() as client:
        client.pipeline([("SET", key(i), value(i)) for i in range(KEYS)])
        client.call("FLUSHMEM")
    server.stop()
    return server, glob.glob(os.path.join(server.dir, "sst", "*.sst"))[0]


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 16]))


def filter_place(path):
    with open(path, "rb") as file:
        footer = file.read()[-FOOTER_BYTES:]
    return struct.unpack_from("<QQ", footer, 8)


def read_errors(client):
    return int(client.info("stats")["read_errors"])


def test_block(tap):
    server, table = stopped()
    flip(table, filter_place(table)[0] // 2)
    server.start()
    client = server.client()
    got = client.pipeline([("GET", key(i)) for i in range(KEYS)])
    lost = [i for i in range(KEYS) if isinstance(got[i], rt.ReplyError)]
    tap.ok(0 < len(lost) < 100, "a_damaged_block_costs_its_own_keys_alone",
           len(lost))
    tap.equal([i for i in range(KEYS) if i not in lost and
               got[i] != value(i)], [], "all_others_are_read")
    tap.ok(all(os.path.basename(table) in got[i].text and
               got[i].text.startswith("ERR") for i in lost),
           "the_error_names_the_table", got[lost[0]])
    tap.equal(read_errors(client), len(lost), "each_error_is_counted")
    line = next((line for line in server.stderr().splitlines()
                 if "a read failed" in line), "")
    tap.ok("level=warning" in line and os.path.basename(table) in line,
           "and_logged", server.stderr())
    one = key(lost[0])
    wrong = [words for words in (
        ("EXISTS", one), ("MGET", key(0), one), ("STRLEN", one),
        ("APPEND", one, "x"), ("SETNX", one, "x"), ("DEL", one),
        ("GETDEL", one), ("EXPIRE", one, "9"), ("KEYS", "*"),
        ("DBSIZE", "EXACT")) if client.error(*words) is None]
    tap.equal(wrong, [], "whoever_needs_it_gets_the_error")
    tap.equal(client.call("SET", one, "new"), "OK", "it_can_be_written_anew")
    tap.equal(client.call("GET", one), b"new", "and_is_read_then")
    tap.equal(server.stop(), 0, "the_stop_is_clean")


def test_filter(tap):
    server, table = stopped()
    at, size = filter_place(table)
    flip(table, at + size // 2)
    server.start()
    with server.client() as client:
        got = client.pipeline([("GET", key(i)) for i in range(KEYS)])
        tap.equal(got, [value(i) for i in range(KEYS)],
                  "a_damaged_filter_hides_no_key")
        tap.equal(client.info("lsm")["filters_damaged"], "1", "it_is_counted")
    tap.ok("a filter is damaged, reads go without it" in server.stderr(),
           "it_is_logged", server.stderr())
    server.stop()


tap.run(test_block)
tap.run(test_filter)
tap.done()
