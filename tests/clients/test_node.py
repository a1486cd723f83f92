"""ioredis and node-redis, the newest, with their defaults, RESP2 and TLS."""

import os
import shutil
import sys

sys.dont_write_bytecode = True
import client_setup as cs  # noqa: E402
from client_setup import rt  # noqa: E402

PINS = ["node/package.json", "node/package-lock.json", "node/smoke.js",
        "node/redis.js", "node/ioredis.js"]

tap = rt.Tap()


def test_node(tap, program, facts):
    def install(directory):
        for pin in PINS:
            shutil.copy(os.path.join(cs.SOURCES, pin), directory)
        cs.command(["npm", "ci", "--ignore-scripts", "--no-audit",
                    "--no-fund"], cwd=directory)

    directory = cs.installed("node", PINS, install)
    for prefix, server in cs.servers():
        cs.drive(tap, server, ["node", os.path.join(directory, program)],
                 facts, prefix)


why = cs.missing("node", "npm", at_least=(20, 0))
for one_program, one_facts in (("ioredis.js", 37), ("redis.js", 36)):
    if why is not None:
        tap.skip("test_node_" + one_program, why)
    else:
        tap.run(test_node, one_program, one_facts)
tap.done()
