"""The smoke test of redis-py with its defaults, RESP2 and TLS; test_redis_py.py
starts it and tells the port, that of TLS, and the authority's certificate."""

import sys
import threading
import time

import redis

COUNT = 1000


def tell(name, good, why=""):
    print("%s %s %s" % ("ok" if good else "not ok", name,
                        "" if good else repr(why)), flush=True)


def smoke(client, form):
    def equal(name, got, wanted):
        tell("%s_%s" % (form, name), got == wanted, got)

    client.flushall()
    equal("connects", client.ping(), True)
    equal("sets_and_gets", (client.set("py", "there"), client.get("py")),
          (True, b"there"))
    equal("misses", client.get("py:none"), None)
    octets = bytes(range(256)) + b"\r\n$-1\r\n"
    equal("keeps_bytes", (client.set(b"py:\x00\xff", octets),
                          client.get(b"py:\x00\xff")), (True, octets))
    equal("reads_many", (client.mset({"py:a": 1, "py:b": 2}),
                         client.mget("py:a", "py:none", "py:b")),
          (True, [b"1", None, b"2"]))
    equal("counts", (client.incr("py:n"), client.incrby("py:n", 41),
                     client.incrbyfloat("py:f", 1.5)), (1, 42, 1.5))
    tell(form + "_expires", client.expire("py:n", 60) and
         50 < client.ttl("py:n") <= 60, client.ttl("py:n"))
    equal("sets_with_options",
          (client.set("py:n", "x", nx=True), client.set("py:o", "y", ex=60),
           client.set("py:o", "z", get=True, keepttl=True)),
          (None, True, b"y"))
    equal("deletes", client.delete("py:a", "py:b", "py:none"), 2)
    equal("works_on_bits",
          (client.setbit("py:bits", 7, 1), client.bitcount("py:bits"),
           client.bitfield("py:bits").incrby("u8", 0, 254).execute()),
          (0, 1, [255]))
    with client.pipeline(transaction=False) as pipe:
        for i in range(COUNT):
            pipe.set("py:p%d" % i, i)
        for i in range(COUNT):
            pipe.get("py:p%d" % i)
        replies = pipe.execute()
    equal("pipelines_a_thousand", replies,
          [True] * COUNT + [b"%d" % i for i in range(COUNT)])
    equal("scans", len(set(client.scan_iter("py:p*", count=100))), COUNT)
    try:
        client.execute_command("NOSUCH")
        tell(form + "_hears_errors", False, "no error")
    except redis.ResponseError as error:
        tell(form + "_hears_errors", "unknown command" in str(error), error)


def add(client, times):
    def one(pipe):
        old = int(pipe.get("py:sum") or 0)
        pipe.multi()
        pipe.set("py:sum", old + 1)

    for _ in range(times):
        client.transaction(one, "py:sum")


def transactions(client, form):
    with client.pipeline() as pipe:
        replies = pipe.set("py:t", 1).incrby("py:t", 4).get("py:t").execute()
    tell(form + "_executes_transactions", replies == [True, 5, b"5"], replies)
    with client.pipeline() as pipe:
        pipe.watch("py:t")
        client.set("py:t", "other")
        pipe.multi()
        pipe.set("py:t", "mine")
        try:
            replies = pipe.execute()
            tell(form + "_hears_of_watched_keys", False, replies)
        except redis.WatchError:
            tell(form + "_hears_of_watched_keys",
                 client.get("py:t") == b"other", client.get("py:t"))
    threads = [threading.Thread(target=add, args=(client, 25))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tell(form + "_loses_no_update", client.get("py:sum") == b"100",
         client.get("py:sum"))


def listening(client, form):
    ear = client.pubsub()
    ear.subscribe("py:a")
    ear.psubscribe("py:news.*")

    def hear(count):
        heard = []
        end = time.monotonic() + 30
        while len(heard) < count and time.monotonic() < end:
            message = ear.get_message(timeout=1)
            if message is not None:
                heard.append((message["type"], message["pattern"],
                              message["channel"], message["data"]))
        return heard

    tell(form + "_subscribes", hear(2) == [
        ("subscribe", None, b"py:a", 1),
        ("psubscribe", None, b"py:news.*", 2)], "other words")
    for i in range(COUNT):
        client.publish("py:a", i)
    tell(form + "_hears_a_thousand_in_order", hear(COUNT) == [
        ("message", None, b"py:a", b"%d" % i) for i in range(COUNT)])
    octets = bytes(range(256))
    told = client.publish("py:news.x", octets)
    heard = hear(1)
    tell(form + "_hears_patterns", told == 1 and heard == [
        ("pmessage", b"py:news.*", b"py:news.x", octets)], heard)
    numbers = (client.pubsub_numpat(), client.pubsub_channels("py:*"),
               client.pubsub_numsub("py:a", "py:b"))
    tell(form + "_counts_listeners", numbers == (
        1, [b"py:a"], [(b"py:a", 1), (b"py:b", 0)]), numbers)
    ear.close()


def main():
    port, tls_port, authority = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    client = redis.Redis(port=port)
    for form, one in (("redis_py", client),
                      ("redis_py_resp2", redis.Redis(port=port, protocol=2))):
        smoke(one, form)
        transactions(one, form)
        listening(one, form)
    hello = client.execute_command("HELLO")
    tell("redis_py_speaks_resp3", isinstance(hello, dict) and
         hello[b"proto"] == 3, hello)
    client.set("py", "there")
    tls = redis.Redis(port=tls_port, host="127.0.0.1", ssl=True,
                      ssl_ca_certs=authority)
    got = tls.set("py:tls", b"x" * (1 << 20)), tls.strlen("py:tls")
    tell("redis_py_works_over_tls", got == (True, 1 << 20), got)
    try:
        redis.Redis(port=tls_port, host="127.0.0.1", ssl=True).ping()
        tell("redis_py_wants_an_authority", False, "it connected")
    except redis.ConnectionError as error:
        tell("redis_py_wants_an_authority", "certificate" in str(error), error)

    print("restart", flush=True)
    sys.stdin.readline()
    got = None
    for _ in range(100):
        try:
            got = client.get("py")
            break
        except redis.ConnectionError:
            time.sleep(0.05)
    tell("redis_py_reconnects", got == b"there", got)


main()
