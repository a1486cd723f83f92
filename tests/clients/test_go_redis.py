"""go-redis 9: with its defaults, RESP2 and TLS."""

import os
import sys

sys.dont_write_bytecode = True
import client_setup as cs  # noqa: E402
from client_setup import rt  # noqa: E402

tap = rt.Tap()


def test_go_redis(tap):
    def install(directory):
        env = dict(os.environ, GOFLAGS="-mod=readonly -buildvcs=false")
        cs.command(["go", "build", "-o", os.path.join(directory, "smoke"),
                    "."], cwd=os.path.join(cs.SOURCES, "go_redis"), env=env)

    directory = cs.installed("go_redis", ["go_redis/go.mod", "go_redis/go.sum",
                                          "go_redis/main.go",
                                          "go_redis/more.go"], install)
    for prefix, server in cs.servers():
        cs.drive(tap, server, [os.path.join(directory, "smoke")], 34, prefix)


why = cs.missing("go", at_least=(1, 26))
if why is not None:
    tap.skip("test_go_redis", why)
else:
    tap.run(test_go_redis)
tap.done()
