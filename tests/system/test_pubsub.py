#!/usr/bin/env python3
"""Publish and subscribe: the same bytes as redis-server, limits and ends.

SCRIPTS are played to both servers (tests/support/side_by_side.py).
"""

import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402
import side_by_side  # noqa: E402
from redis_peer import RedisPeer  # noqa: E402

SCRIPTS = {
    "channels": """
        s SUBSCRIBE a
        s <2 SUBSCRIBE b a
        p PUBLISH a 1
        s < 1
        p PUBLISH b ""
        s < 1
        p PUBLISH c 3
        p PUBLISH A 4
        s UNSUBSCRIBE a
        p PUBLISH a 5
        s UNSUBSCRIBE a
        s UNSUBSCRIBE
        s UNSUBSCRIBE
        p PUBLISH b 6
        s GET k
    """,
    "patterns": """
        s <3 PSUBSCRIBE n?ws.* n[ae]ws.* x\\\\*
        p PUBLISH news.art 1
        s | 2
        p PUBLISH x* 2
        s < 1
        p PUBLISH xy 3
        s PUNSUBSCRIBE n?ws.*
        p PUBLISH news.art 4
        s < 1
        s | PUNSUBSCRIBE x\\\\* n[ae]ws.*
        p PUBLISH news.art 5
    """,
    "a_channel_and_a_pattern_are_two_messages": """
        s SUBSCRIBE ch
        s PSUBSCRIBE c*
        s SSUBSCRIBE ch
        p PUBLISH ch 1
        s < 2
        p SPUBLISH ch 2
        s < 1
        p PUBSUB NUMSUB ch
        p PUBSUB SHARDNUMSUB ch x
        s SUNSUBSCRIBE
        s UNSUBSCRIBE
        s PUNSUBSCRIBE
    """,
    "shard_channels": """
        s <2 SSUBSCRIBE a b
        p SPUBLISH a 1
        s < 1
        p PUBLISH a 2
        p PUBSUB CHANNELS
        p PUBSUB NUMSUB a
        s SUNSUBSCRIBE nosuch
        s SUNSUBSCRIBE a
        p SPUBLISH a 3
        p PUBSUB SHARDCHANNELS
        p PUBSUB SHARDCHANNELS a*
        s SUNSUBSCRIBE
        s SUNSUBSCRIBE
        s GET k
    """,
    "pubsub": """
        p PUBSUB NUMPAT
        p PUBSUB CHANNELS
        s <2 PSUBSCRIBE x* y*
        t PSUBSCRIBE x*
        p PUBSUB NUMPAT
        s SUBSCRIBE ch
        t SUBSCRIBE ch
        p PUBSUB CHANNELS
        p PUBSUB CHANNELS c?
        p PUBSUB CHANNELS d*
        p PUBSUB NUMSUB
        p PUBSUB NUMSUB nosuch ch
        p PUBSUB CHANNELS a b
        p PUBSUB SHARDCHANNELS a b
        p PUBSUB NUMPAT x
        p PUBSUB HELP x
        p PUBSUB NOSUCH
        p PUBSUB
        s QUIT
        s .
        p PUBSUB NUMSUB ch
    """,
    "wrong_numbers_of_words": """
        a SUBSCRIBE
        a PSUBSCRIBE
        a SSUBSCRIBE
        a PUBLISH a
        a PUBLISH a b c
        a SPUBLISH a
    """,
    "in_resp2_a_subscriber_does_little_else": """
        s SUBSCRIBE a
        s GET k
        s set k v
        s CLIENT ID
        s MULTI
        s EXEC
        s NOSUCH
        s GET
        s PUBLISH a 1
        s PING
        s PING hello
        s PING a b
        s PSUBSCRIBE b
        s SSUBSCRIBE c
        s UNSUBSCRIBE
        s GET k
        s PUNSUBSCRIBE
        s GET k
        s SUNSUBSCRIBE
        s GET k
        s SUBSCRIBE a
        s RESET
        s GET k
        p PUBLISH a 1
    """,
    "in_resp3_it_does_all": """
        s ? HELLO 3
        s SUBSCRIBE a
        s SET k v
        s GET k
        s PING
        s PING hello
        p PUBLISH a 1
        s < 1
        s <2 PUBLISH a 2
        s UNSUBSCRIBE
        s UNSUBSCRIBE
        s PSUBSCRIBE *
        p PUBLISH a 3
        s < 1
        s SSUBSCRIBE b
        p SPUBLISH b 4
        s < 1
    """,
    "protocols_beside_each_other": """
        a ? HELLO 3
        a SUBSCRIBE x
        b SUBSCRIBE x
        c PSUBSCRIBE *
        p PUBLISH x \\x00\\r\\n\\xff
        a < 1
        b < 1
        c < 1
    """,
    "binary_names": """
        s <3 SUBSCRIBE \\x00 "" \\r\\n\\xff
        p PUBLISH \\x00 1
        s < 1
        p PUBLISH "" 2
        s < 1
        p PUBLISH \\r\\n\\xff 3
        s < 1
        p PUBSUB NUMSUB \\x00 "" \\r\\n\\xff
    """,
    "commands_behind_each_other": """
        s SUBSCRIBE a
        s UNSUBSCRIBE a
        s SUBSCRIBE a
        p PUBLISH a 1
        s <2 UNSUBSCRIBE a
    """,
}


def subscriber(server, *channels):
    client = server.client()
    client.send_raw(rt.encode("SUBSCRIBE", *channels))
    for _ in channels:
        client.read()
    return client


def test_many(tap, server):
    """Thousands of channels and patterns, of many clients, and their ends."""
    names = ["c%d" % i for i in range(5000)]
    clients = [subscriber(server, *names[i::10]) for i in range(10)]
    with server.client() as client:
        client.send_raw(b"".join(rt.encode("PSUBSCRIBE", "p%d*" % i)
                                 for i in range(2000)))
        for _ in range(2000):
            client.read()
        with server.client() as publisher:
            tap.equal(len(publisher.call("PUBSUB", "CHANNELS")), 5000,
                      "thousands_of_channels")
            tap.equal(publisher.call("PUBSUB", "NUMPAT"), 2000,
                      "thousands_of_patterns")
            got = publisher.pipeline([("PUBLISH", name, "m")
                                      for name in names])
            tap.equal(got, [1] * 5000, "each_has_its_subscriber")
            tap.equal(publisher.call("PUBLISH", "p1234x", "m"), 4,
                      "patterns_that_fit_get_one_each")
            info = publisher.info("stats")
            tap.equal((info["pubsub_channels"], info["pubsub_patterns"]),
                      ("5000", "2000"), "info_counts_them")
            for i, other in enumerate(clients):
                got = [other.read()[1].decode() for _ in names[i::10]]
                if got != names[i::10]:
                    break
            tap.equal(got, names[i::10], "messages_come_in_their_order")
            for other in clients:
                other.close()
            rt.wait_until(lambda: publisher.call("PUBSUB", "CHANNELS") == [],
                          "their channels to go")
    with server.client() as client:
        rt.wait_until(lambda: client.call("PUBSUB", "NUMPAT") == 0,
                      "the patterns to go")
        tap.ok(True, "who_leaves_leaves_nothing")


def test_slow(tap):
    """A subscriber that does not read is closed at the limit of its class, and
    others go on."""
    with rt.Server(client_output_buffer_limit="normal 64mb 32mb 60 "
                   "pubsub 2mb 1mb 60") as server:
        slow = subscriber(server, "ch")
        quick = subscriber(server, "ch")
        with server.client() as publisher:
            message = b"m" * 100000
            counts = []
            for _ in range(200):
                counts.append(publisher.call("PUBLISH", "ch", message))
                quick.read()
                if counts[-1] == 1:
                    break
            tap.equal((counts[0], counts[-1]), (2, 1),
                      "a_subscriber_that_does_not_read_is_closed")
            # In one turn, too: nobody settles in between.
            late = subscriber(server, "late")
            publisher.pipeline([("PUBLISH", "late", message)] * 300)
            memory = int(publisher.info("memory")["used_memory"])
            tap.ok(memory < 64 << 20, "and_its_messages_with_it",
                   "used_memory %d" % memory)
            rt.wait_until(lambda: publisher.call("PUBSUB", "NUMSUB",
                                                 "late")[1] == 0,
                          "the late one to be closed")
            late.close()
        slow.close()
        quick.close()


def test_large(tap, server):
    """A large message is one piece of memory for all who get it."""
    clients = [subscriber(server, "big") for _ in range(8)]
    message = b"x" * (8 << 20)
    with server.client() as publisher:
        tap.equal(publisher.call("PUBLISH", "big", message), 8,
                  "a_large_message_is_sent")
        got = [client.read() == [b"message", b"big", message]
               for client in clients]
        tap.equal(got, [True] * 8, "and_comes_to_all")
        publisher.pipeline([("MULTI",), ("PUBLISH", "big", message),
                            ("EXEC",)])
        tap.equal([client.read()[2] == message for client in clients],
                  [True] * 8, "from_an_exec_too")
    for client in clients:
        client.close()


def test_killed(tap, server):
    """A subscriber that is killed between messages; one that kills itself."""
    victim = subscriber(server, "ch")
    other = subscriber(server, "ch")
    with server.client() as client:
        got = client.pipeline([("PUBLISH", "ch", "1"),
                               ("CLIENT", "KILL", "TYPE", "pubsub"),
                               ("PUBLISH", "ch", "2"),
                               ("PUBSUB", "NUMSUB", "ch")])
        tap.equal(got[:2], [2, 2], "subscribers_are_killed_by_type")
        for one in (victim, other):
            rest = one.recv_all()
            tap.ok(b"$1\r\n2\r\n" not in rest,
                   "who_is_killed_gets_nothing_more", rest)
        rt.wait_until(lambda: client.call("PUBSUB", "NUMSUB", "ch")[1] == 0,
                      "them to go")
        me = server.client()
        me.call("HELLO", "3")
        me.send_raw(rt.encode("SUBSCRIBE", "ch"))
        me.read()
        number = me.call("CLIENT", "ID")
        me.send_raw(rt.encode("CLIENT", "KILL", "ID", number, "SKIPME", "no") +
                    rt.encode("PUBLISH", "ch", "3"))
        tap.equal(me.recv_all(), b":1\r\n", "one_may_kill_itself")


def main():
    tap = rt.Tap()
    with rt.Server(appendfsync="no") as server:
        if shutil.which("redis-server") is None:
            tap.skip("side_by_side", "redis-server is not installed")
        else:
            with RedisPeer() as peer:
                for name, script in SCRIPTS.items():
                    side_by_side.compare(tap, name, script, peer.port,
                                         server.port)
        tap.run(test_many, server)
        tap.run(test_large, server)
        tap.run(test_killed, server)
    tap.run(test_slow)
    tap.done()


if __name__ == "__main__":
    main()
