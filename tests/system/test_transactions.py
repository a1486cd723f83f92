#!/usr/bin/env python3
"""Transactions: the same bytes as redis-server, and what Redis cannot be asked.

SCRIPTS are played to both servers (tests/support/side_by_side.py). The tests
below them are of our own: atomic for others, and durable as one.
"""

import os
import random
import shutil
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402
import side_by_side  # noqa: E402
from redis_peer import RedisPeer  # noqa: E402

SCRIPTS = {
    "multi_and_exec": """
        a EXEC
        a DISCARD
        a MULTI
        a EXEC
        a MULTI
        a SET k v
        a GET k
        a STRLEN k
        a EXEC
        a GET k
        a MULTI
        a SET k w
        a DISCARD
        a GET k
        a EXEC
    """,
    "wrong_words_around_it": """
        a MULTI x
        a EXEC x
        a DISCARD x
        a MULTI
        a MULTI
        a WATCH k
        a WATCH
        a EXEC
        a MULTI
        a EXEC x
        a EXEC
        a MULTI
        a DISCARD x
        a EXEC
        a WATCH
        a UNWATCH x
    """,
    "errors_when_queued_end_it": """
        a MULTI
        a SET k 1
        a NOSUCH a b
        a EXEC
        a GET k
        a MULTI
        a SET k
        a SET k 1
        a EXEC
        a MULTI
        a CLIENT NOSUCH
        a EXEC
        a MULTI
        a SHUTDOWN
        a EXEC
        a GET k
        a MULTI
        a NOSUCH
        a DISCARD
        a MULTI
        a EXEC
    """,
    "errors_when_run_do_not": """
        a MULTI
        a SET k a
        a INCR k
        a SET k 5
        a INCR k
        a GETRANGE k x y
        a EXEC
        a GET k
    """,
    "commands_see_those_before_them": """
        a SET old 1
        a MULTI
        a INCR n
        a INCR n
        a APPEND n 0
        a GET n
        a MGET n old nosuch
        a DEL old nosuch
        a EXISTS old old n
        a SETNX old 2
        a SETNX old 3
        a GETSET old 4
        a GETDEL old
        a GET old
        a TYPE old
        a SETRANGE r 3 x
        a GETRANGE r 0 -1
        a STRLEN r
        a EXPIRE n 100
        a PERSIST n
        a TTL n
        a SET n x KEEPTTL GET
        a RENAME n m
        a GET n
        a COPY m c
        a MGET m c
        a RENAMENX m c
        a MOVE m 3
        a EXISTS m
        a SELECT 3
        a GET m
        a SELECT 0
        a SETBIT b 7 1
        a BITCOUNT b
        a BITOP NOT b b
        a GET b
        a INCRBYFLOAT f 1.5
        a INCRBYFLOAT f 1.5
        a MSETNX c 1 d 1
        a MSET e 1 e 2
        a GET e
        a EXEC
        a MGET n m c b f e r old
    """,
    "keys_that_end_within_it": """
        a MULTI
        a SET k v PX 1
        a SET l v EXAT 1
        a GET l
        a EXISTS l
        a SET k w EX 100
        a EXPIRE k -1
        a GET k
        a SET g v
        a GETEX g EXAT 1
        a EXISTS g
        a EXEC
        a MGET k l g
    """,
    "walks_see_it": """
        a MSET a 1 b 2 c 3
        a MULTI
        a DEL a b
        a SET z 1
        a DBSIZE
        a KEYS z*
        a KEYS [ab]
        a DEL c
        a KEYS *
        a SCAN 0 COUNT 100
        a DBSIZE
        a RANDOMKEY
        a DEL z
        a RANDOMKEY
        a SET y 1
        a RANDOMKEY
        a WAIT 0 0
        a LCS y y
        a EXEC
        a DBSIZE
        a KEYS *
    """,
    "flushes_within_it": """
        a SET k 1
        a MULTI
        a SET l 1
        a FLUSHDB
        a EXISTS k l
        a SET m 1
        a DBSIZE
        a KEYS *
        a EXEC
        a MGET k l m
        a MULTI
        a SELECT 5
        a SET q 1
        a SELECT 0
        a FLUSHALL
        a SET r 1
        a EXEC
        a KEYS *
        a SELECT 5
        a DBSIZE
    """,
    "databases_within_it": """
        a SET k zero
        a SELECT 1
        a SET k one
        a MULTI
        a GET k
        a SELECT 0
        a GET k
        a SWAPDB 0 1
        a GET k
        a SET k new
        a GET k
        a SELECT 1
        a GET k
        a SELECT 99
        a GET k
        a SWAPDB 0 1
        a GET k
        a EXEC
        a GET k
        a SELECT 0
        a GET k
    """,
    "watch": """
        a SET k 1
        a WATCH k
        a MULTI
        a INCR k
        a EXEC
        a WATCH k
        b INCR k
        a MULTI
        a INCR k
        a EXEC
        a GET k
        a WATCH k
        a SET k 1
        a MULTI
        a EXEC
        a WATCH k k other
        b SET unrelated 1
        a MULTI
        a GET k
        a EXEC
        a WATCH k
        b SET k 1
        a UNWATCH
        a MULTI
        a GET k
        a EXEC
        a WATCH k
        b SET k 1
        a MULTI
        a DISCARD
        a MULTI
        a GET k
        a EXEC
        a WATCH k
        b SET k 1
        a MULTI
        a EXEC
        a MULTI
        a GET k
        a EXEC
    """,
    "what_changes_a_watched_key": """
        a WATCH k
        b DEL k
        b EXPIRE k 10
        b PERSIST k
        b SETRANGE k 0 ""
        a MULTI
        a PING
        a EXEC
        a WATCH k
        b SET k 1
        b DEL k
        a MULTI
        a PING
        a EXEC
        a SET k 1
        a WATCH k
        b EXPIRE k 100
        a MULTI
        a PING
        a EXEC
        a WATCH k
        b PERSIST k
        a MULTI
        a PING
        a EXEC
        a WATCH k
        b PERSIST k
        b GET k
        b TOUCH k
        b SETNX k 2
        b SET k 2 NX
        a MULTI
        a PING
        a EXEC
        a WATCH k
        b APPEND k ""
        a MULTI
        a PING
        a EXEC
        a WATCH k
        b RENAME k l
        a MULTI
        a PING
        a EXEC
        a WATCH k
        b RENAME l k
        a MULTI
        a PING
        a EXEC
        a WATCH k
        b MULTI
        b INCR k
        b EXEC
        a MULTI
        a PING
        a EXEC
    """,
    "flushes_change_watched_keys_that_are_there": """
        a SET k 1
        a WATCH k
        b FLUSHALL
        a MULTI
        a PING
        a EXEC
        a WATCH k
        b FLUSHALL
        a MULTI
        a PING
        a EXEC
        a SET k 1
        a WATCH k
        b SELECT 3
        b FLUSHDB
        a MULTI
        a PING
        a EXEC
        a WATCH k
        b SELECT 0
        b FLUSHDB
        a MULTI
        a PING
        a EXEC
    """,
    "swapped_databases_change_watched_keys_that_are_there": """
        a SET k 1
        a WATCH k
        b SWAPDB 0 1
        a MULTI
        a PING
        a EXEC
        a WATCH k
        b SWAPDB 0 1
        a MULTI
        a PING
        a EXEC
        a FLUSHALL
        a WATCH k
        b SWAPDB 0 1
        a MULTI
        a PING
        a EXEC
        a SET k 1
        a WATCH k
        b SWAPDB 2 3
        a MULTI
        a PING
        a EXEC
    """,
    "watched_databases_are_apart": """
        a SET k 1
        a WATCH k
        b SELECT 1
        b SET k 1
        a MULTI
        a PING
        a EXEC
        a SELECT 1
        a WATCH k
        a SELECT 0
        b SET k 2
        a MULTI
        a PING
        a EXEC
    """,
    "in_resp3": """
        a ? HELLO 3
        a MULTI
        a SET k 1
        a GET k
        a GET nosuch
        a INCR k
        a EXEC
        a WATCH k
        b SET k 1
        a MULTI
        a EXEC
        a MULTI
        a NOSUCH
        a EXEC
    """,
    "clients_in_it": """
        a MULTI
        a SET k 1
        a RESET
        a EXEC
        a GET k
        a MULTI
        a CLIENT GETNAME
        a CLIENT SETNAME x
        a CLIENT GETNAME
        a MONITOR
        a UNWATCH
        a EXEC
        a MULTI
        a QUIT
        a .
    """,
    "binary_words": """
        a MULTI
        a SET \\x00\\r\\n\\xff \\x00\\x01
        a GET \\x00\\r\\n\\xff
        a SET "" ""
        a GET ""
        a ECHO \\r\\n
        a EXEC
    """,
    "publish_within_it": """
        s <1 SUBSCRIBE ch
        a MULTI
        a PUBLISH ch 1
        a SET k v
        a PUBLISH ch 2
        a EXEC
        s < 2
        a MULTI
        a PUBLISH ch 3
        a DISCARD
        a WATCH k
        b SET k 1
        a MULTI
        a PUBLISH ch 4
        a EXEC
    """,
    "subscribe_within_it": """
        a ? HELLO 3
        a MULTI
        a SUBSCRIBE x
        a EXEC
        a UNSUBSCRIBE x
    """,
}


def test_keys_that_end_while_watched(tap, server):
    with server.client() as a:
        a.call("SET", "k", "1", "PX", "30")
        a.call("WATCH", "k")
        rt.wait_until(lambda: server_sees_nothing(server, "k"), "k to end")
        tap.equal(a.pipeline([("MULTI",), ("PING",), ("EXEC",)])[2], None,
                  "a_key_that_ended_has_changed")
        a.call("WATCH", "k")
        tap.equal(a.pipeline([("MULTI",), ("PING",), ("EXEC",)])[2],
                  ["PONG"], "a_key_that_had_ended_before_has_not")


def server_sees_nothing(server, key):
    with server.client() as client:
        return client.call("EXISTS", key) == 0


def test_others_see_all_or_nothing(tap, server):
    """Two keys that every transaction sets to the same number, beside a reader
    who takes both with MGET, and one who takes them in an EXEC of its own."""
    stop = threading.Event()
    torn = []

    def write(seed):
        maker = random.Random(seed)
        with server.client() as client:
            while not stop.is_set():
                number = maker.randrange(10 ** 9)
                client.pipeline([("MULTI",), ("SET", "x", number),
                                 ("SET", "pad", "p" * 1000),
                                 ("SET", "y", number), ("EXEC",)])

    def read():
        with server.client() as client:
            for _ in range(1500):
                x, y = client.call("MGET", "x", "y")
                if x != y:
                    torn.append((x, y))
                x, y = client.pipeline([("MULTI",), ("GET", "x"),
                                        ("GET", "y"), ("EXEC",)])[3]
                if x != y:
                    torn.append((x, y))

    with server.client() as client:
        client.call("MSET", "x", "0", "y", "0")
    writers = [threading.Thread(target=write, args=(i,)) for i in range(3)]
    for thread in writers:
        thread.start()
    read()
    stop.set()
    for thread in writers:
        thread.join()
    tap.equal(torn, [], "others_see_all_or_nothing")


def test_optimistic_increments(tap, server):
    """WATCH, GET, MULTI, SET, EXEC until it works: no increment is lost."""
    rounds, clients = 60, 4

    def add():
        with server.client() as client:
            for _ in range(rounds):
                while True:
                    client.call("WATCH", "n")
                    n = int(client.call("GET", "n") or b"0")
                    if client.pipeline([("MULTI",), ("SET", "n", n + 1),
                                        ("EXEC",)])[2] is not None:
                        break

    with server.client() as client:
        client.call("DEL", "n")
    threads = [threading.Thread(target=add) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with server.client() as client:
        tap.equal(client.call("GET", "n"), b"%d" % (rounds * clients),
                  "optimistic_increments_are_not_lost")


def test_one_record(tap, server):
    """All of an EXEC is one record: the log counts one write more, and a kill
    keeps all of it."""
    with server.client() as client:
        client.call("FLUSHALL")
        client.pipeline([("MULTI",)] +
                        [("SET", "r%d" % i, "v" * 100) for i in range(300)] +
                        [("DEL", "r0"), ("INCR", "n"), ("EXEC",)])
    server.kill()
    server.start()
    with server.client() as client:
        tap.equal(client.call("EXISTS", *["r%d" % i for i in range(300)]),
                  299, "an_exec_survives_a_kill")


def test_large(tap, server):
    """Words that are kept apart, and a limit for the queue."""
    big = b"b" * (1 << 20)
    with server.client() as client:
        got = client.pipeline([("MULTI",), ("SET", "big", big),
                               ("GET", "big"), ("APPEND", "big", b"x"),
                               ("STRLEN", "big"), ("EXPIRE", "big", 100),
                               ("SETRANGE", "big", 2, big),
                               ("GETRANGE", "big", 1 << 20, -1), ("EXEC",)])
        tap.equal([value if not isinstance(value, bytes) else len(value)
                   for value in got[-1]],
                  ["OK", 1 << 20, (1 << 20) + 1, (1 << 20) + 1, 1,
                   (1 << 20) + 2, 2], "large_values_within_it")
        client.call("CONFIG", "SET", "client-query-buffer-limit", "1mb")
        client.call("MULTI")
        errors = client.pipeline([("SET", "k%d" % i, b"v" * 100000)
                                  for i in range(12)])
        tap.equal([isinstance(reply, rt.ReplyError) for reply in errors],
                  [False] * 10 + [True, False],
                  "a_queue_ends_at_the_query_buffer_limit")
        tap.ok(client.error("EXEC").startswith("EXECABORT"),
               "and_is_not_run")
        client.call("CONFIG", "SET", "client-query-buffer-limit", "128mb")


def test_waiting(tap, server):
    """What waits for the disk does not wait within an EXEC: the loop would."""
    with server.client() as client:
        got = client.pipeline([("MULTI",), ("SET", "k", "v"),
                               ("WAITAOF", "1", "0", "0"), ("EXEC",)])[3]
        tap.equal((got[0], got[1][1]), ("OK", 0),
                  "waitaof_does_not_wait_within_it")
        tap.ok(client.error("SAVE") is None, "and_outside_it_does")


def test_refused_here(tap, server):
    with server.client() as client:
        client.call("MULTI")
        tap.equal(client.error("SNAPSHOT", "CREATE"),
                  "ERR Command not allowed inside a transaction",
                  "a_moment_within_it_cannot_be_kept")
        client.error("EXEC")
        number = client.call("SNAPSHOT", "CREATE")
        client.call("SET", "live", "1")
        client.call("SNAPSHOT", "USE", number)
        client.call("MULTI")
        tap.ok(client.error("SET", "live", "2").startswith("READONLY"),
               "writes_on_a_snapshot_are_refused_when_queued")
        client.error("EXEC")
        tap.equal(client.pipeline([("MULTI",), ("GET", "live"), ("EXEC",)])[2],
                  [None], "reads_of_a_snapshot_are_of_the_snapshot")


def main():
    tap = rt.Tap()
    with rt.Server() as server:
        if shutil.which("redis-server") is None:
            tap.skip("side_by_side", "redis-server is not installed")
        else:
            with RedisPeer() as peer:
                for name, script in SCRIPTS.items():
                    for port in (peer.port, server.port):
                        with rt.RespClient("127.0.0.1", port) as client:
                            client.call("FLUSHALL")
                    side_by_side.compare(tap, name, script, peer.port,
                                         server.port)
        tap.run(test_keys_that_end_while_watched, server)
        tap.run(test_others_see_all_or_nothing, server)
        tap.run(test_optimistic_increments, server)
        tap.run(test_one_record, server)
        tap.run(test_large, server)
        tap.run(test_waiting, server)
        tap.run(test_refused_here, server)
    tap.done()


if __name__ == "__main__":
    main()
