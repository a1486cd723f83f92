#!/usr/bin/env python3
"""MONITOR, RESET and the rest of CLIENT: the same bytes as redis-server.

SCRIPTS are played to both servers (tests/support/side_by_side.py).
"""

import os
import re
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402
import side_by_side  # noqa: E402
from redis_peer import RedisPeer  # noqa: E402

SCRIPTS = {
    "reply": """
        a CLIENT REPLY
        a CLIENT REPLY NOSUCH
        a <0 CLIENT REPLY OFF
        a <0 PING
        a <0 NOSUCH
        a <0 GET
        a <0 CLIENT REPLY SKIP
        a CLIENT REPLY ON
        a PING
        a <0 CLIENT REPLY SKIP
        a <0 SET k v
        a GET k
        a <0 CLIENT REPLY SKIP
        a <0 NOSUCH
        a CLIENT REPLY ON
        a <0 CLIENT REPLY OFF
        a <2 SUBSCRIBE x y
        b PUBLISH x 1
        a < 1
        a UNSUBSCRIBE x
        a UNSUBSCRIBE
        a <0 MULTI
        a <0 GET k
        a <0 EXEC
        a <0 DBSIZE
        a <0 KEYS *
        a RESET
        a PING
        a <0 CLIENT REPLY SKIP
        a <0 DBSIZE
        a PING
    """,
    "tracking": """
        a CLIENT TRACKINGINFO
        a CLIENT GETREDIR
        a CLIENT GETREDIR x
        a CLIENT CACHING YES
        a CLIENT CACHING NO
        a CLIENT CACHING
        a CLIENT TRACKING
        a CLIENT TRACKING OFF
        a CLIENT TRACKING off
        a CLIENT TRACKING OFF NOSUCH
        a CLIENT TRACKING NOSUCH
        a ? HELLO 3
        a CLIENT TRACKINGINFO
    """,
    "unblock": """
        a CLIENT UNBLOCK 1234567
        a CLIENT UNBLOCK 1234567 ERROR
        a CLIENT UNBLOCK 1234567 TIMEOUT
        a CLIENT UNBLOCK 1234567 NOSUCH
        a CLIENT UNBLOCK x
        a CLIENT UNBLOCK
        a CLIENT UNBLOCK 1 ERROR x
    """,
    "pause": """
        a CLIENT PAUSE
        a CLIENT PAUSE x
        a CLIENT PAUSE -1
        a CLIENT PAUSE 1.5
        a CLIENT PAUSE 10 NOSUCH
        a CLIENT PAUSE 10 ALL x
        a CLIENT UNPAUSE x
        a CLIENT UNPAUSE
        a CLIENT PAUSE 100000 WRITE
        b GET k
        b PUBSUB CHANNELS
        b <0 SET k v
        c <0 PUBLISH x 1
        d MULTI
        d GET k
        d EXEC
        d MULTI
        d <0 SET k w
        a CLIENT UNPAUSE
        b < 1
        c < 1
        d < 1
        d EXEC
        a CLIENT PAUSE 0
        b SET k v
        a CLIENT PAUSE 200 ALL
        b GET k
        b SET k v
        a CLIENT PAUSE 9223372036854775807 WRITE
        a CLIENT UNPAUSE
    """,
    "kill": """
        a CLIENT KILL
        a CLIENT KILL ID 0
        a CLIENT KILL ID -1
        a CLIENT KILL ID x
        a CLIENT KILL ID
        a CLIENT KILL 1.2.3.4:5
        a CLIENT KILL TYPE nosuch
        a CLIENT KILL TYPE master
        a CLIENT KILL TYPE replica
        a CLIENT KILL TYPE slave
        a CLIENT KILL USER nosuch
        a CLIENT KILL ADDR 1.2.3.4:5
        a CLIENT KILL LADDR 1.2.3.4:5
        a CLIENT KILL ADDR 1.2.3.4:5 SKIPME yes TYPE normal ID 1234567
        a CLIENT KILL SKIPME nosuch
        a CLIENT KILL MAXAGE 5
        b SUBSCRIBE x
        c MULTI
        d PING
        a CLIENT KILL TYPE pubsub
        b .
        a CLIENT KILL USER default
        c .
        d .
        a CLIENT KILL TYPE normal
        a CLIENT KILL TYPE normal SKIPME no
        a .
    """,
    "list": """
        a CLIENT LIST TYPE nosuch
        a CLIENT LIST TYPE master
        a CLIENT LIST TYPE pubsub
        a CLIENT LIST TYPE
        a CLIENT LIST ID
        a CLIENT LIST ID x
        a CLIENT LIST ID 1234567
        a CLIENT LIST ID 1234567 x
        a CLIENT LIST ID 0
        a CLIENT LIST NOSUCH
        a CLIENT INFO x
    """,
    "reset": """
        a SELECT 3
        a CLIENT SETNAME x
        a WATCH k
        b SELECT 3
        b SET k 1
        a MULTI
        a SET k 2
        a RESET
        a CLIENT GETNAME
        a EXEC
        a MULTI
        a SET k 3
        a EXEC
        b GET k
        a SUBSCRIBE x
        a PSUBSCRIBE y
        a RESET
        b PUBLISH x 1
        b PUBLISH y 1
        a MONITOR
        a RESET
        b GET k
        a RESET x
        a ? HELLO 3
        a RESET
        a GET nosuch
    """,
    "a_monitor_does_not_touch_keys": """
        m MONITOR
        m GET k
        m SET k 1
        m PUBLISH x 1
        m RESET
        m GET k
    """,
}

# What a monitor sees: who is a, whose port differs.
MONITORED = [
    ("SET", "k", b"a\"b\\c\r\n\t\x07\x08\x00\xff\x7f"), ("get", "k"),
    ("SELECT", "5"), ("SELECT", "0"), ("NOSUCH",), ("GET",),
    ("AUTH", "secret"), ("AUTH", "user", "secret"), ("HELLO", "2"),
    ("HELLO", "2", "SETNAME", "x"),
    ("HELLO", "2", "AUTH", "default", "secret", "SETNAME", "y"),
    ("CONFIG", "GET", "save"), ("CLIENT", "LIST"), ("CLIENT", "GETNAME"),
    ("CLIENT", "SETNAME", "z"), ("MULTI",), ("SET", "k", "1"), ("GET", "k"),
    ("EXEC",), ("MULTI",), ("DISCARD",), ("EXEC",), ("WATCH", "k"),
    ("UNWATCH",), ("PUBLISH", "x", "y"), ("DBSIZE",), ("KEYS", "nosuch"),
    ("SUBSCRIBE", "c"), ("UNSUBSCRIBE", "c"), ("SET", "", ""), ("RESET",),
    ("ECHO", "the end"),
]
FIELDS = ["flags", "db", "sub", "psub", "ssub", "multi", "redir", "resp",
          "user", "cmd", "name"]


def monitored(port):
    """The lines that MONITOR shows, without times and ports."""
    with rt.RespClient("127.0.0.1", port) as monitor, \
            rt.RespClient("127.0.0.1", port) as client:
        monitor.call("MONITOR")
        client.pipeline(MONITORED)
        lines = []
        while not lines or b"the end" not in lines[-1]:
            line = monitor.recv_line()
            lines.append(re.sub(rb"^\+\d+\.\d{6} \[(\d+) 127\.0\.0\.1:\d+\]",
                                rb"+TIME [\1 PEER]", line))
        return lines


def test_monitor(tap, theirs, ours):
    tap.equal(monitored(ours), monitored(theirs),
              "a_monitor_is_shown_the_same")


def fields(port):
    """What CLIENT LIST tells of clients in each mode."""
    clients = {name: rt.RespClient("127.0.0.1", port)
               for name in ("plain", "sub", "multi", "monitor", "three")}
    try:
        for name, client in clients.items():
            client.call("CLIENT", "SETNAME", name)
        clients["plain"].call("SELECT", "7")
        clients["sub"].pipeline([("SUBSCRIBE", "a"), ("SUBSCRIBE", "b"),
                                 ("PSUBSCRIBE", "c"), ("SSUBSCRIBE", "d")])
        clients["multi"].pipeline([("MULTI",), ("PING",), ("GET", "k")])
        clients["monitor"].call("MONITOR")
        clients["three"].call("HELLO", "3")
        out = {}
        for line in clients["plain"].call("CLIENT", "LIST").decode() \
                .splitlines():
            told = dict(part.split("=", 1) for part in line.split(" "))
            if told["name"] in clients:
                out[told["name"]] = {field: told[field] for field in FIELDS}
        return out
    finally:
        for client in clients.values():
            client.close()


def test_pause_is_told(tap, server):
    with server.client() as a, server.client() as b:
        a.call("CLIENT", "PAUSE", "100000", "WRITE")
        b.send_raw(rt.encode("SET", "paused", "1"))
        rt.wait_until(lambda: a.info("clients")["blocked_clients"] == "1",
                      "the client to be held")
        tap.ok(b"flags=b" in a.call("CLIENT", "LIST"),
               "who_is_held_is_told")
        tap.equal(a.call("EXISTS", "paused"), 0, "and_has_done_nothing")
        a.call("CLIENT", "UNPAUSE")
        tap.equal(b.read(), "OK", "then_it_goes_on")
        tap.equal(a.info("clients")["blocked_clients"], "0",
                  "and_is_told_no_more")


def test_tracking_is_refused(tap, server):
    with server.client() as client:
        tap.ok("not supported" in client.error("CLIENT", "TRACKING", "ON"),
               "tracking_is_refused_with_a_sentence")


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
                tap.run(test_monitor, peer.port, server.port)
                tap.equal(fields(server.port), fields(peer.port),
                          "client_list_tells_the_same")
        tap.run(test_pause_is_told, server)
        tap.run(test_tracking_is_refused, server)
    tap.done()


if __name__ == "__main__":
    main()
