"""Several loops: who serves whom, and that they look like one."""

import collections
import os
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

LOOPS = 4
CLIENTS = 40

tap = rt.Tap()


def loops_of(client):
    """How many of all clients each loop serves."""
    lines = client.call("CLIENT", "LIST").decode().splitlines()
    return collections.Counter(
        field[len("io-thread="):] for line in lines
        for field in line.split() if field.startswith("io-thread="))


def test_spread(tap, server, clients):
    for client in clients:
        client.call("PING")
    tap.equal(sorted(loops_of(clients[0]).values()),
              [CLIENTS // LOOPS] * LOOPS, "connections_are_spread_evenly")
    tap.equal(clients[0].info("server")["io_threads_active"], "1",
              "info_tells_that_there_are_several")
    tap.equal(clients[0].info("clients")["connected_clients"], str(CLIENTS),
              "all_of_them_are_counted")


def test_acknowledged(tap, clients):
    """What one was told is done every other sees."""
    late = []
    for i in range(400):
        writer, reader = clients[i % CLIENTS], clients[(i * 7 + 1) % CLIENTS]
        writer.call("SET", "seen", i)
        if reader.call("GET", "seen") != b"%d" % i:
            late.append(i)
    tap.equal(late, [], "what_is_acknowledged_is_seen_on_every_loop")


def test_whole(tap, server):
    """MSET and EXEC beside reads that take no lock."""
    stop = threading.Event()
    torn = []
    between = [word for i in range(100) for word in ("pad%d" % i, "p" * 500)]

    def write(seed):
        with server.client() as client:
            n = seed
            while not stop.is_set():
                n += 2
                client.call("MSET", "x", n, *between, "y", n)
                client.pipeline([("MULTI",), ("SET", "x", n),
                                 ("MSET", *between), ("SET", "y", n),
                                 ("EXEC",)])

    def read():
        with server.client() as client:
            while not stop.is_set():
                x, y = client.call("MGET", "x", "y")
                if x != y:
                    torn.append((x, y))

    with server.client() as client:
        client.call("MSET", "x", 0, "y", 0)
        threads = [threading.Thread(target=write, args=(i,)) for i in (1, 2)]
        threads += [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(1500):
            x, y = client.call("MGET", "x", "y")
            if x != y:
                torn.append((x, y))
        stop.set()
        for thread in threads:
            thread.join()
    tap.equal(torn, [], "a_batch_is_seen_whole_on_every_loop")


def test_others(tap, clients):
    """A client of one loop is reached from all."""
    ears = clients[:LOOPS * 2]
    for ear in ears:
        ear.call("SUBSCRIBE", "news")
    heard = clients[-1].call("PUBLISH", "news", "hello")
    tap.equal((heard, [ear.read() for ear in ears]),
              (len(ears), [[b"message", b"news", b"hello"]] * len(ears)),
              "messages_reach_clients_of_every_loop")
    killed = clients[-1].call("CLIENT", "KILL", "TYPE", "pubsub")
    tap.equal(killed, len(ears), "clients_of_every_loop_are_killed")
    ends = []
    for ear in ears:
        try:
            ends.append(ear.read())
        except rt.Closed:
            ends.append(None)
    tap.equal(ends, [None] * len(ears), "and_are_gone")


with rt.Server(io_threads=LOOPS) as daemon:
    them = [daemon.client() for _ in range(CLIENTS)]
    tap.run(test_spread, daemon, them)
    tap.run(test_acknowledged, them)
    tap.run(test_whole, daemon)
    tap.run(test_others, them)
    tap.equal(daemon.stop(), 0, "all_loops_end")
tap.done()
