"""The smoke test of redis-py with its defaults; test_redis_py.py starts it and
tells the port in the first argument."""

import sys
import time

import redis


def tell(name, good, why=""):
    print("%s %s %s" % ("ok" if good else "not ok", name,
                        "" if good else repr(why)), flush=True)


def smoke(client, form):
    def equal(name, got, wanted):
        tell("%s_%s" % (form, name), got == wanted, got)

    equal("connects_with_defaults", client.ping(), True)
    equal("sets_and_gets", (client.set("py", "there"), client.get("py")),
          (True, b"there"))
    equal("misses", client.get("py:none"), None)
    octets = bytes(range(256)) + b"\r\n$-1\r\n"
    equal("keeps_bytes", (client.set(b"py:\x00\xff", octets),
                          client.get(b"py:\x00\xff")), (True, octets))
    equal("reads_many", (client.mset({"py:a": 1, "py:b": 2}),
                         client.mget("py:a", "py:none", "py:b")),
          (True, [b"1", None, b"2"]))
    client.delete("py:n")
    equal("counts", (client.incr("py:n"), client.incrby("py:n", 41)), (1, 42))
    tell(form + "_expires", client.expire("py:n", 60) and
         50 < client.ttl("py:n") <= 60, client.ttl("py:n"))
    equal("sets_with_options",
          (client.set("py:n", "x", nx=True), client.set("py:o", "y", ex=60),
           client.set("py:o", "z", get=True, keepttl=True)),
          (None, True, b"y"))
    equal("deletes", client.delete("py:a", "py:b", "py:none"), 2)
    with client.pipeline(transaction=False) as pipe:
        for i in range(1000):
            pipe.set("py:p%d" % i, i)
        for i in range(1000):
            pipe.get("py:p%d" % i)
        replies = pipe.execute()
    equal("pipelines_a_thousand", replies,
          [True] * 1000 + [b"%d" % i for i in range(1000)])
    equal("scans", len(set(client.scan_iter("py:p*", count=100))), 1000)
    try:
        client.execute_command("NOSUCH")
        tell(form + "_hears_errors", False, "no error")
    except redis.ResponseError as error:
        tell(form + "_hears_errors", "unknown command" in str(error), error)


def main():
    port = int(sys.argv[1])
    client = redis.Redis(port=port)
    smoke(client, "redis_py")
    hello = client.execute_command("HELLO")
    tell("redis_py_speaks_resp3", isinstance(hello, dict) and
         hello[b"proto"] == 3, hello)
    smoke(redis.Redis(port=port, protocol=2), "redis_py_resp2")

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
