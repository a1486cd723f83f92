"""Several riptided as one database, by the recipes of docs/scaling.md: through
twemproxy (Debian's nutcracker) with the file of contrib/, and by go-redis' Ring.
Each key lies on one shard, a shard that is killed refuses and comes back with
all that was acknowledged, the others do not notice, and one moves to another
directory and port without a key in another place."""

import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
import client_setup as cs  # noqa: E402
from client_setup import rt  # noqa: E402

SHARDS = 3
KEYS = 3000
CONFIG = os.path.join(rt.SRCDIR, "contrib", "twemproxy", "nutcracker.yml")

tap = rt.Tap()


class Proxy:
    """twemproxy with the configuration that people get, but for its ports."""

    def __init__(self, servers):
        self.port = rt.free_port()
        self.directory = rt.scratch_dir()
        with open(CONFIG, encoding="ascii") as file:
            text = file.read()
        text = text.replace("127.0.0.1:6400", "127.0.0.1:%d" % self.port)
        for number, server in enumerate(servers, 1):
            text = re.sub(r"127\.0\.0\.1:\d+:1 shard-%02d" % number,
                          "127.0.0.1:%d:1 shard-%02d" % (server.port, number),
                          text)
        self.config = os.path.join(self.directory, "nutcracker.yml")
        with open(self.config, "w", encoding="ascii") as file:
            file.write(text)

    def __enter__(self):
        self.process = subprocess.Popen(
            ["nutcracker", "--conf-file", self.config, "--stats-addr",
             "127.0.0.1", "--stats-port", str(rt.free_port()), "--output",
             os.path.join(self.directory, "log"), "--pid-file",
             os.path.join(self.directory, "pid")], stdin=subprocess.DEVNULL)
        rt.wait_until(self.answers, "twemproxy to answer")
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait()

    def client(self):
        return rt.RespClient(port=self.port)

    def answers(self):
        try:
            with self.client() as client:
                return not isinstance(client.error("GET", "x"), str)
        except (OSError, rt.Closed):
            return False


def key(number):
    return "key:%d" % number


def start_shards():
    return [rt.Server().start() for _ in range(SHARDS)]


def keys_of(server):
    with server.client() as client:
        return {name.decode() if isinstance(name, bytes) else name
                for name in client.call("KEYS", "*")}


def check_places(tap, name, servers, keys):
    """Each key on one shard, and each shard with a fair part of them."""
    parts = [keys_of(server) for server in servers]
    tap.equal(sum(map(len, parts)), len(keys), name + "_has_each_key_once")
    tap.equal(set().union(*parts), set(keys), name + "_has_every_key")
    tap.ok(min(map(len, parts)) > len(keys) / SHARDS / 3,
           name + "_spreads_keys", [len(part) for part in parts])
    return parts


def is_refused(client, name):
    """Whether a command on that key gets an error and not a value."""
    client.send_raw(rt.encode("GET", name))
    return isinstance(client.read(), rt.ReplyError)


def test_twemproxy(tap):
    servers = start_shards()
    tap.equal(subprocess.run(
        ["nutcracker", "--test-conf", "--conf-file", CONFIG],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, check=False).returncode, 0,
        "twemproxy_accepts_the_file")
    with Proxy(servers) as proxy:
        with proxy.client() as client:
            client.pipeline([("SET", key(i), i) for i in range(KEYS)])
            names = [key(i) for i in range(KEYS)]
            parts = check_places(tap, "twemproxy", servers, names)
            tap.equal([int(value) for value in
                       client.call("MGET", *names[:100])], list(range(100)),
                      "twemproxy_reads_many_keys_of_all_shards")
            tap.equal(client.call("DEL", *names[:10]), 10,
                      "twemproxy_deletes_on_all_shards")
            client.call("SET", "user:{7}:name", "ada")
            client.call("SET", "user:{7}:mail", "a@b")
            tap.equal(sorted(len(keys_of(server) &
                                 {"user:{7}:name", "user:{7}:mail"})
                             for server in servers), [0, 0, 2],
                      "twemproxy_keeps_tagged_keys_together")

        dead = 0
        its = sorted(parts[dead] - set(names[:10]))[0]
        other = sorted(parts[1] - set(names[:10]))[0]
        servers[dead].kill()
        with proxy.client() as client:
            tap.ok(is_refused(client, its), "twemproxy_refuses_keys_of_a_dead_"
                   "shard")
            tap.equal(int(client.call("GET", other)), int(other[4:]),
                      "twemproxy_serves_the_others_meanwhile")
        servers[dead].restart()
        with proxy.client() as client:
            rt.wait_until(lambda: not is_refused(client, its),
                          "twemproxy to come back to the shard")
            values = client.pipeline([("GET", name) for name in names[10:]])
            tap.equal([int(value) for value in values],
                      list(range(10, KEYS)),
                      "twemproxy_finds_everything_after_a_kill")

    # A shard moves: stopped, its directory copied, started elsewhere.
    moved = servers[dead]
    tap.equal(moved.stop(), 0, "twemproxy_shard_stops")
    place = os.path.join(rt.scratch_dir(), "moved")
    shutil.copytree(moved.dir, place)
    servers[dead] = rt.Server(dir=place).start()
    with Proxy(servers) as proxy, proxy.client() as client:
        values = client.pipeline([("GET", name) for name in names[10:]])
        tap.equal([int(value) for value in values], list(range(10, KEYS)),
                  "twemproxy_finds_everything_after_a_move")
    for server in servers:
        server.stop()


def test_ring(tap):
    """go-redis hashes by itself; what it wrote lies on the shards."""
    servers = start_shards()
    words = [cs.go_redis(), "ring", str(KEYS)] + [
        "shard-%02d=127.0.0.1:%d" % (number, server.port)
        for number, server in enumerate(servers, 1)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        line = line.strip()
        if line == "written":
            parts = check_places(tap, "ring", servers,
                                 [key(i) for i in range(KEYS)])
            servers[1].kill()
            process.stdin.write(sorted(parts[1])[0] + "\n")
            process.stdin.flush()
        elif line == "refused":
            servers[1].restart()
            process.stdin.write("\n")
            process.stdin.flush()
        else:
            good, _, name = line.partition(" ")
            tap.ok(good == "ok", name)
    tap.equal(process.wait(rt.PATIENCE_S), 0, "ring_ends_well")
    for server in servers:
        server.stop()


why = cs.missing("nutcracker")
if why is not None:
    tap.skip("test_twemproxy", why)
else:
    tap.run(test_twemproxy)
why = cs.missing("go", at_least=(1, 26))
if why is not None:
    tap.skip("test_ring", why)
else:
    tap.run(test_ring)
tap.done()
