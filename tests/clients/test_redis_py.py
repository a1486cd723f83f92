"""redis-py, the newest: with its defaults, RESP2, TLS, and asyncio."""

import os
import sys

sys.dont_write_bytecode = True
import client_setup as cs  # noqa: E402
from client_setup import rt  # noqa: E402

tap = rt.Tap()


def test_redis_py(tap):
    python = cs.python()
    for prefix, server in cs.servers():
        for program, facts in (("smoke.py", 44), ("aio.py", 14)):
            cs.drive(tap, server,
                     [python, os.path.join(cs.SOURCES, "redis_py", program)],
                     facts, prefix)


tap.run(test_redis_py)
tap.done()
