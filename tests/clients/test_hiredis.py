"""hiredis, Debian's: what programs in C speak with."""

import os
import subprocess
import sys

sys.dont_write_bytecode = True
import client_setup as cs  # noqa: E402
from client_setup import rt  # noqa: E402

SOURCE = "hiredis/smoke.c"

tap = rt.Tap()


def flags():
    """What pkg-config says of the library, or None when it is not here."""
    done = subprocess.run(["pkg-config", "--cflags", "--libs", "hiredis"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=False)
    return done.stdout.decode().split() if done.returncode == 0 else None


def test_hiredis(tap, library):
    def install(directory):
        cs.command(["cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o",
                    os.path.join(directory, "smoke"),
                    os.path.join(cs.SOURCES, SOURCE)] + library)

    directory = cs.installed("hiredis", [SOURCE], install)
    for prefix, server in cs.servers():
        cs.drive(tap, server, [os.path.join(directory, "smoke")], 18, prefix)


why = cs.missing("cc", "pkg-config", "openssl")
found = flags() if why is None else None
if why is not None or found is None:
    tap.skip("test_hiredis", why or "no libhiredis-dev")
else:
    tap.run(test_hiredis, found)
tap.done()
