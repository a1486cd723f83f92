"""go-redis 9: with its defaults, RESP2 and TLS."""

import sys

sys.dont_write_bytecode = True
import client_setup as cs  # noqa: E402
from client_setup import rt  # noqa: E402

tap = rt.Tap()


def test_go_redis(tap):
    program = cs.go_redis()
    for prefix, server in cs.servers():
        cs.drive(tap, server, [program], 34, prefix)


why = cs.missing("go", at_least=(1, 26))
if why is not None:
    tap.skip("test_go_redis", why)
else:
    tap.run(test_go_redis)
tap.done()
