"""Jedis 4, 5 and the newest, and Lettuce, in JUnit tests: each of them against
riptided and, by the same classes, against redis-server.

LOAD_OPERATIONS (100000) and SEED are knobs of the long load on riptided; that on
redis-server is short.
"""

import glob
import os
import random
import socket
import sys
import threading
import xml.etree.ElementTree

sys.dont_write_bytecode = True
import client_setup as cs  # noqa: E402
from client_setup import rt  # noqa: E402

PROJECT = os.path.join(cs.SOURCES, "java")
# A profile of pom.xml, and how many tests it has at least.
PROFILES = (("jedis4", 38), ("jedis5", 39), ("jedis8", 38), ("lettuce7", 24))
# Servers that Jedis 5 makes one of, by its own hashing.
SHARDS = 3
SEED = int(os.environ.get("SEED", random.randrange(1 << 31)))
OPERATIONS = os.environ.get("LOAD_OPERATIONS", "100000")

tap = rt.Tap()


class Control:
    """Restarts a server when a test asks for it, in a line on a socket."""

    def __init__(self, servers):
        self.servers = servers
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            with connection, connection.makefile("rw") as file:
                _, name = file.readline().split()
                self.servers[name].restart()
                file.write("done\n")


def tell(tap, profile, kind, reports, at_least):
    """Surefire's reports as lines of ours."""
    count = 0
    for path in sorted(glob.glob(os.path.join(reports, "TEST-*.xml"))):
        for case in xml.etree.ElementTree.parse(path).iter("testcase"):
            name = "%s_%s %s.%s" % (profile, kind,
                                    case.get("classname").split(".")[-1],
                                    case.get("name"))
            bad = [child for child in case
                   if child.tag in ("failure", "error")]
            skipped = case.find("skipped")
            count += 1
            if skipped is not None:
                tap.skip(name, skipped.get("message") or "not for this one")
            else:
                tap.ok(not bad, name, "".join(child.text or ""
                                              for child in bad))
    tap.ok(count >= at_least, "%s_%s_ran_its_tests" % (profile, kind),
           "%d of %d" % (count, at_least))


def test_profile(tap, profile, at_least, servers, properties):
    def maven(directory, *words):
        cs.maven(PROJECT, "-P" + profile, "-Doutput.directory=" + directory,
                 *words)

    directory = cs.installed("java-" + profile, cs.sources(PROJECT),
                             lambda place: maven(place, "test-compile"))
    for kind in servers:
        for old in glob.glob(os.path.join(directory, kind, "*")):
            os.remove(old)
    maven(directory, *properties,
          *("surefire:test@" + kind for kind in servers))
    for kind in servers:
        tell(tap, profile, kind, os.path.join(directory, kind), at_least)


def test_java(tap):
    print("# SEED=%d" % SEED, flush=True)
    tls = cs.Tls()
    kinds = {"riptide": rt.Server}
    if cs.missing("redis-server") is None:
        kinds["redis"] = cs.Redis
    servers = {}
    properties = ["-Dload.seed=%d" % SEED, "-Driptide.operations=" + OPERATIONS,
                  "-Dtls.authority=" + tls.authority]
    for name, kind in kinds.items():
        port = rt.free_port()
        servers[name] = kind(**tls.options(port)).start()
        properties += ["-D%s.port=%d" % (name, servers[name].port),
                       "-D%s.tls.port=%d" % (name, port)]
    properties.append("-Dcontrol.port=%d" % Control(servers).port)
    shards = [rt.Server().start() for _ in range(SHARDS)]
    properties.append("-Dshards=" + ",".join(str(shard.port)
                                             for shard in shards))
    for profile, at_least in PROFILES:
        tap.run(test_profile, profile, at_least, servers, properties)
    for shard in shards:
        shard.stop()
    for name, server in servers.items():
        tap.equal(server.stop(), 0, "java_%s_stops" % name)


why = cs.missing("javac", "mvn", "openssl") or cs.missing(
    "javac", at_least=(17, 0))
if why is not None:
    tap.skip("test_java", why)
else:
    tap.run(test_java)
tap.done()
