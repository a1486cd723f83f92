"""redis-py, the newest, with its defaults."""

import os
import sys

sys.dont_write_bytecode = True
import client_setup as cs  # noqa: E402
from client_setup import rt  # noqa: E402

tap = rt.Tap()


def test_redis_py(tap):
    python = cs.python()
    with rt.Server() as server:
        cs.drive(tap, server,
                 [python, os.path.join(cs.SOURCES, "redis_py", "smoke.py")],
                 facts=24)


tap.run(test_redis_py)
tap.done()
