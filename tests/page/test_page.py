"""The live page in a headless Chromium, while a flush and a merge really happen
and the server goes and comes back. Screenshots are kept in tests/page/shots of
the build tree."""

import json
import os
import random
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "clients"))
import client_setup as cs  # noqa: E402
from client_setup import rt  # noqa: E402

PINS = [os.path.join(HERE, name)
        for name in ("package.json", "package-lock.json", "visitor.js")]
SHOTS = os.path.join(rt.BUILDDIR, "tests", "page", "shots")
FACTS = 30
SMALL = {"table_size": "64kb", "level_base_size": "128kb",
         "level_size_multiplier": 4}

tap = rt.Tap()


def install(directory):
    for pin in PINS:
        shutil.copy(pin, directory)
    cs.command(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
               cwd=directory)


class Stage:
    """What happens to the server while the page is looked at."""

    def __init__(self, server):
        self.server = server
        self.compactor = None

    def write(self):
        rng = random.Random(1)
        with self.server.client() as client:
            for _ in range(3):
                client.pipeline([("SET", "key:%06d" % i, rng.randbytes(100))
                                 for i in range(4000)])
            client.call("FLUSHMEM")

    def delete(self):
        with self.server.client() as client:
            client.pipeline([("DEL", "key:%06d" % i)
                             for i in range(0, 4000, 2)])
            client.call("FLUSHMEM")

    def merge(self):
        self.compactor = rt.Compactor(self.server.dir,
                                      compaction_rate_limit="64kb",
                                      **SMALL).start()

    def finish(self):
        self.compactor.kill()
        rt.Compactor(self.server.dir, **SMALL).once("--full")

    def stop(self):
        self.server.stop()

    def start(self):
        self.server.start()


def test_page(tap, chromium):
    directory = cs.installed("page", PINS, install)
    os.makedirs(SHOTS, exist_ok=True)
    port = rt.free_port()
    with rt.Server(metrics_port=port, live_page_demo="yes",
                   appendfsync="everysec", memtable_size="256kb") as server:
        stage = Stage(server)
        visitor = subprocess.Popen(
            ["node", os.path.join(directory, "visitor.js"),
             "http://127.0.0.1:%d/" % port, SHOTS],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, CHROMIUM=chromium))
        facts = 0
        for line in visitor.stdout:
            word, _, rest = line.strip().partition(" ")
            if word == "do":
                getattr(stage, rest)()
                visitor.stdin.write("\n")
                visitor.stdin.flush()
            elif word == "ok":
                facts += tap.ok(True, rest)
            elif word == "not":
                name, _, why = rest.partition(" ")[2].partition(" ")
                tap.ok(False, name, json.loads(why))
                facts += 1
        tap.equal((visitor.wait(), facts), (0, FACTS), "the_visit_is_whole")


browser = shutil.which("chromium")
reason = cs.missing("node", "npm", at_least=(20, 0)) or \
    (None if browser else "no chromium")
if reason is not None:
    tap.skip("test_page", reason)
else:
    tap.run(test_page, browser)
tap.done()
