#!/usr/bin/env python3
"""Keyspace notifications: the same messages as redis-server, and ends of keys.

SCRIPTS are played to both servers (tests/support/side_by_side.py); EVENTS are
commands whose messages are counted by the script that is made of them.
"""

import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402
import side_by_side  # noqa: E402
from redis_peer import RedisPeer  # noqa: E402

# A command, and how many messages come of it with KEA.
EVENTS = [
    ("SET k v", 2), ("SET k v EX 100", 4), ("SET k v XX KEEPTTL", 2),
    ("SET k v NX", 0), ("SET nosuch v XX", 0), ("SET k v EX 100 GET", 4),
    ("GET k", 0), ("GET nosuch", 0), ("PERSIST k", 2), ("PERSIST k", 0),
    ("SETEX k 10 v", 4), ("PSETEX k 10000 v", 4), ("GETSET k v", 2),
    ("SETNX k v", 0), ("SETNX n v", 2), ("MSET a 1 b 2", 4),
    ("MSETNX a 1 c 2", 0), ("MSETNX e 1 f 2", 4), ("INCR a", 2),
    ("INCRBY a 3", 2), ("DECR a", 2), ("DECRBY a 2", 2),
    ("INCRBYFLOAT a 1.5", 2), ("INCR k", 0), ("APPEND a x", 2),
    ('APPEND a ""', 2), ("SETRANGE a 1 yy", 2), ('SETRANGE a 1 ""', 0),
    ("GETDEL a", 2), ("GETDEL a", 0), ("GETEX b", 0), ("GETEX b EX 100", 2),
    ("GETEX b PERSIST", 2), ("GETEX b PERSIST", 0), ("GETEX b EXAT 1", 2),
    ("EXPIRE k 100", 2), ("EXPIRE k 200 NX", 0), ("PEXPIREAT k 4102444800000",
                                                  2),
    ("EXPIRE k -1", 2), ("EXPIRE k 100", 0), ("SET k v", 2), ("DEL k", 2),
    ("DEL k", 0), ("UNLINK e", 2), ("SET r 1", 2), ("RENAME r s", 4),
    ("RENAME s s", 0), ("SET t 1", 2), ("RENAMENX s t", 0),
    ("RENAMENX s u", 4), ("COPY u w", 2), ("COPY u w", 0),
    ("COPY u w DB 3", 2), ("MOVE w 5", 4), ("MOVE nosuch 5", 0),
    ("SETBIT bits 1 1", 2), ("SETBIT bits 1 1", 0),
    ("BITOP AND bb bits bits", 2), ("BITOP AND bb nosuch", 2),
    ("BITOP AND bb nosuch", 0), ("BITFIELD bits SET u8 0 255", 2),
    ("BITFIELD bits GET u8 0", 0), ("FLUSHDB", 0), ("SWAPDB 0 1", 0),
    ("SELECT 7", 0), ("SET \\x00\\r\\n v", 2), ("SELECT 0", 0),
]
SCRIPTS = {
    "classes": """
        a CONFIG SET notify-keyspace-events ""
        p PSUBSCRIBE *
        a SET k v
        a CONFIG SET notify-keyspace-events KA
        a SET k v
        p < 1
        a CONFIG SET notify-keyspace-events EA
        a SET k v
        p < 1
        a CONFIG SET notify-keyspace-events A
        a SET k v
        a CONFIG SET notify-keyspace-events KE$
        a SET k v EX 100
        p < 2
        a DEL k
        a CONFIG SET notify-keyspace-events KEg
        a SET k v EX 100
        p < 2
        a DEL k
        p < 2
        a CONFIG SET notify-keyspace-events KElshzxetd
        a SET k v
        a DEL k
        a CONFIG SET notify-keyspace-events Km
        a GET nosuch
        p < 1
        a MGET nosuch other
        p < 2
        a EXISTS nosuch
        p < 1
        a SET nosuch v XX GET
        p < 1
        a CONFIG SET notify-keyspace-events Kn$
        a SET new v
        p < 2
        a SET new v
        p < 1
        a RENAME new newer
        p < 1
        a MULTI
        a SET x 1
        a SET x 2
        a DEL x
        a SET x 3
        a EXEC
        p < 5
    """,
    "how_it_is_told": """
        a CONFIG SET notify-keyspace-events KEA
        a CONFIG GET notify-keyspace-events
        a CONFIG SET notify-keyspace-events mnxEg
        a CONFIG GET notify-keyspace-events
        a CONFIG SET notify-keyspace-events $g
        a CONFIG GET notify-keyspace-events
        a CONFIG SET notify-keyspace-events AKEm
        a CONFIG GET notify-keyspace-events
        a CONFIG SET notify-keyspace-events ""
        a CONFIG GET notify-keyspace-events
    """,
    "by_name": """
        a CONFIG SET notify-keyspace-events KEA
        p SUBSCRIBE __keyevent@0__:del
        p SUBSCRIBE __keyspace@3__:k
        a SET k v
        a DEL k
        p < 1
        a SELECT 3
        a SET k v
        p < 1
        a DEL k
        p < 1
    """,
    "with_a_transaction": """
        a CONFIG SET notify-keyspace-events KEA
        p PSUBSCRIBE *
        a MULTI
        a SET k v
        a PUBLISH ch m
        a INCR n
        a DEL k
        a EXEC
        p < 7
        a MULTI
        a SET k v
        a DISCARD
        a WATCH k
        b SET k w
        p < 2
        a MULTI
        a DEL k
        a EXEC
    """,
    "an_end_in_the_past": """
        a CONFIG SET notify-keyspace-events KEA
        p PSUBSCRIBE *
        a SET k v EXAT 1
        p < 4
        a GET k
        p < 2
    """,
}


def events_script():
    lines = ["a CONFIG SET notify-keyspace-events KEA", "p PSUBSCRIBE __*"]
    for command, count in EVENTS:
        lines.append("a " + command)
        if count:
            lines.append("p < %d" % count)
    return "\n".join(lines)


def listener(server, *patterns):
    client = server.client()
    for pattern in patterns:
        client.call("PSUBSCRIBE", pattern)
    return client


def ended(client):
    """The key that the next message tells to have ended."""
    message = client.read()
    assert message[2].endswith(b":expired"), message
    return message[3]


def test_ends(tap, server):
    with server.client() as client, \
            listener(server, "__keyevent@*:expired") as p:
        client.call("CONFIG", "SET", "notify-keyspace-events", "Ex")
        before = int(client.info("stats")["expired_keys"])
        for i in range(20):
            client.call("SET", "e%d" % i, "v", "PX", 30 + 10 * i)
        tap.equal([ended(p) for _ in range(20)],
                  [b"e%d" % i for i in range(20)],
                  "ends_are_told_in_their_order")
        tap.equal(client.call("EXISTS", "e0"), 0, "and_the_keys_are_gone")
        tap.equal(int(client.info("stats")["expired_keys"]) - before, 20,
                  "and_counted")
        client.call("SET", "k", "v", "PX", "30")
        client.call("SET", "k", "v", "PX", "60")
        client.call("SET", "gone", "v", "PX", "30")
        client.call("DEL", "gone")
        client.call("SET", "stays", "v", "PX", "30")
        client.call("PERSIST", "stays")
        client.pipeline([("MULTI",), ("SET", "m", "v", "PX", "80"),
                         ("EXEC",)])
        client.call("SELECT", "3")
        client.call("SET", "other", "v", "PX", "100")
        client.call("RENAME", "other", "name")
        client.call("SELECT", "0")
        tap.equal([ended(p) for _ in range(3)], [b"k", b"m", b"name"],
                  "what_was_written_since_does_not_end")


def test_end_before_next_value(tap, server):
    """Whoever sets a key that has ended comes after its end."""
    with server.client() as client, listener(server, "__keyspace@0__:k") as p:
        client.call("CONFIG", "SET", "notify-keyspace-events", "KA")
        for _ in range(10):
            client.call("SET", "k", "v", "PX", "1")
            rt.wait_until(lambda: client.call("EXISTS", "k") == 0, "the end")
            client.call("SET", "k", "w")
            got = [p.read()[3] for _ in range(4)]
            if got != [b"set", b"expire", b"expired", b"set"]:
                break
        tap.equal(got, [b"set", b"expire", b"expired", b"set"],
                  "an_end_is_told_before_the_next_value")


def test_keys_that_were_there(tap):
    """Keys from before the events were asked for, and from before a restart,
    in memory and in tables."""
    with rt.Server(notify_keyspace_events="Ex") as server:
        with server.client() as client:
            client.call("CONFIG", "SET", "notify-keyspace-events", "")
            client.call("SET", "old", "v", "PX", "2500")
            client.call("FLUSHMEM")
            client.call("SET", "older", "v", "PX", "2000")
            client.call("SET", "endless", "v")
        server.restart()
        with server.client() as client, \
                listener(server, "__keyevent@0__:expired") as p:
            tap.equal([ended(p), ended(p)], [b"older", b"old"],
                      "keys_from_before_a_restart_end_too")
            client.call("CONFIG", "SET", "notify-keyspace-events", "")
            client.call("SET", "k", "v", "PX", "1500")
            client.call("CONFIG", "SET", "notify-keyspace-events", "Ex")
            tap.equal(ended(p), b"k",
                      "keys_from_before_they_were_asked_for_end_too")


def main():
    tap = rt.Tap()
    with rt.Server(appendfsync="no") as server:
        if shutil.which("redis-server") is None:
            tap.skip("side_by_side", "redis-server is not installed")
        else:
            scripts = dict(SCRIPTS, events=events_script())
            with RedisPeer() as peer:
                for name, script in scripts.items():
                    for port in (peer.port, server.port):
                        with rt.RespClient("127.0.0.1", port) as client:
                            client.call("FLUSHALL")
                    side_by_side.compare(tap, name, script, peer.port,
                                         server.port)
        tap.run(test_ends, server)
        tap.run(test_end_before_next_value, server)
    tap.run(test_keys_that_were_there)
    tap.done()


if __name__ == "__main__":
    main()
