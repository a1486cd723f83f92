#!/usr/bin/env python3
"""Commands that take long do not keep other clients waiting.

While one client's command runs, another one sends PING after PING; several must
be answered before the first byte of the slow reply comes. Nothing is measured
against a clock, but the worst PING is printed. The slow client's own commands
keep their order: a PING that was sent behind the slow one is answered behind
it. (What writes wait for is the log, too; that the loop copies nothing for them
is shown by tests/unit/riptided/cmd/test_made.c.) RTT_KEYS makes the database
larger than for `make check`; RTT_KEYS=5000000 is the size that the project
promises something for."""

import os
import select
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

KEYS = int(os.environ.get("RTT_KEYS", "200000"))
LARGE = 64 << 20
PINGS_WANTED = 3


def fill(client):
    for start in range(0, KEYS, 1000):
        words = ["MSET"]
        for i in range(start, min(start + 1000, KEYS)):
            words += ["key:%012d" % i, "v"]
        client.call(*words)
    client.call("SETRANGE", "large", LARGE - 1, "x")
    client.call("SETRANGE", "other", LARGE - 1, "y")
    client.call("SET", "text:a", "ab" * 1900)
    client.call("SET", "text:b", "ba" * 1900)


def pings_while(slow, other, words):
    """Send a slow command and a PING behind it; return how many PINGs of the
    other client were answered before the slow reply began, the worst of them
    in ms, and both replies."""
    slow.send_raw(rt.encode(*words) + rt.encode("PING", "behind"))
    count, worst = 0, 0
    while not select.select([slow.sock], [], [], 0)[0]:
        began = time.monotonic()
        other.call("PING")
        worst = max(worst, time.monotonic() - began)
        count += 1
    return count, worst * 1000, slow.read(), slow.read()


SLOW = [
    ("keys", ["KEYS", "*"], lambda reply: len(reply) == KEYS + 4),
    ("keys_of_nothing", ["KEYS", "*nosuch*"], lambda reply: reply == []),
    ("scan_of_all", ["SCAN", 0, "COUNT", 2 * KEYS, "MATCH", "*nosuch*"],
     lambda reply: reply == [b"0", []]),
    ("dbsize_exact", ["DBSIZE", "EXACT"], lambda reply: reply == KEYS + 4),
    ("lcs", ["LCS", "text:a", "text:b", "LEN"], lambda reply: reply == 3799),
    ("bitcount_of_a_large_value", ["BITCOUNT", "large"],
     lambda reply: reply == 4),
    ("bitpos_of_a_large_value", ["BITPOS", "large", 1],
     lambda reply: reply == 8 * LARGE - 7),
    ("bitop_of_large_values", ["BITOP", "XOR", "both", "large", "other"],
     lambda reply: reply == LARGE),
    ("copy_of_a_large_value", ["COPY", "large", "copy"],
     lambda reply: reply == 1),
    ("rename_of_a_large_value", ["RENAME", "copy", "name"],
     lambda reply: reply == "OK"),
    ("expire_of_a_large_value", ["EXPIRE", "name", 1000],
     lambda reply: reply == 1),
    ("debug_sleep", ["DEBUG", "SLEEP", "0.05"], lambda reply: reply == "OK"),
]
AGAIN = {"keys", "keys_of_nothing", "scan_of_all", "dbsize_exact", "lcs",
         "bitcount_of_a_large_value", "bitpos_of_a_large_value", "debug_sleep"}


def main():
    tap = rt.Tap()
    with rt.Server(appendfsync="everysec", enable_debug_command="local",
                   memtable_size="256mb") as server:
        slow, other = server.client(), server.client()
        fill(slow)
        for name, words, fits in SLOW:
            # One that changes nothing may be over before the others have had
            # a turn on a busy machine: it is tried again.
            for _ in range(10 if name in AGAIN else 1):
                count, worst, reply, behind = pings_while(slow, other, words)
                if count >= PINGS_WANTED:
                    break
            print("# %s: %d PINGs, the worst took %.2f ms" %
                  (name, count, worst), flush=True)
            tap.ok(count >= PINGS_WANTED, "pings_are_answered_during_" + name,
                   "%d of %d" % (count, PINGS_WANTED))
            tap.ok(fits(reply) and behind == b"behind",
                   "reply_and_order_of_" + name, "%.100r" % (reply,))
    tap.done()


main()
