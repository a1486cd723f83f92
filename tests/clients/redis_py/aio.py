"""The smoke test of redis.asyncio; test_redis_py.py starts it and tells the
port, that of TLS, and the authority's certificate."""

import asyncio
import sys

import redis.asyncio

TASKS = 50


def tell(name, good, why=""):
    print("%s redis_aio_%s %s" % ("ok" if good else "not ok", name,
                                  "" if good else repr(why)), flush=True)


async def add(client):
    while True:
        async with client.pipeline() as pipe:
            try:
                await pipe.watch("aio:sum")
                old = int(await pipe.get("aio:sum") or 0)
                pipe.multi()
                pipe.set("aio:sum", old + 1)
                await pipe.execute()
                return
            except redis.WatchError:
                await asyncio.sleep(0)


async def listen(client, form):
    async with client.pubsub() as ear:
        await ear.psubscribe("aio:*")
        heard = [await ear.get_message(timeout=30)]
        await client.publish("aio:news", "hello")
        heard.append(await ear.get_message(timeout=30))
    words = [(message["type"], message["channel"], message["data"])
             for message in heard]
    tell(form + "_hears_patterns", words == [
        ("psubscribe", b"aio:*", 1), ("pmessage", b"aio:news", b"hello")],
        words)


async def smoke(client, form):
    await client.flushall()
    tell(form + "_connects", await client.ping())
    await asyncio.gather(*(client.set("aio:%d" % i, i) for i in range(TASKS)))
    got = await client.mget("aio:%d" % i for i in range(TASKS))
    tell(form + "_sets_beside_each_other",
         got == [b"%d" % i for i in range(TASKS)], got)
    async with client.pipeline(transaction=True) as pipe:
        replies = await pipe.set("aio:t", 1).incr("aio:t").execute()
    tell(form + "_executes_transactions", replies == [True, 2], replies)
    await asyncio.gather(*(add(client) for _ in range(10)))
    tell(form + "_loses_no_update", await client.get("aio:sum") == b"10",
         await client.get("aio:sum"))
    found = {key async for key in client.scan_iter("aio:?", count=10)}
    tell(form + "_scans", len(found - {b"aio:t"}) == 10, found)
    await listen(client, form)
    await client.aclose()


async def main():
    port, tls_port, authority = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    await smoke(redis.asyncio.Redis(port=port), "resp3")
    await smoke(redis.asyncio.Redis(port=port, protocol=2), "resp2")
    tls = redis.asyncio.Redis.from_url(
        "rediss://127.0.0.1:%d" % tls_port, ssl_ca_certs=authority)
    tell("works_over_tls", await tls.set("aio:tls", "there") and
         await tls.get("aio:tls") == b"there")
    hello = await tls.execute_command("HELLO")
    tell("speaks_resp3_over_tls", hello[b"proto"] == 3, hello)
    await tls.aclose()


asyncio.run(main())
