"""The compactor's service units are well formed, and leave little exposed."""

import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()
UNITS = os.path.join(rt.SRCDIR, "contrib", "systemd")
# Of 100; docs/sandbox.md.
EXPOSURE_MAX = 10


def installed():
    """The units with the program where it was built."""
    directory = rt.scratch_dir()
    for name in os.listdir(UNITS):
        with open(os.path.join(UNITS, name), encoding="utf-8") as file:
            text = file.read()
        with open(os.path.join(directory, name), "w",
                  encoding="utf-8") as file:
            file.write(text.replace("/usr/sbin/riptide-compactd",
                                    os.path.abspath(rt.COMPACTD)))
    return directory


def analyze(*args):
    return subprocess.run(["systemd-analyze"] + list(args),
                          capture_output=True, text=True, check=False,
                          timeout=rt.PATIENCE_S)


def test_units(tap):
    directory = installed()
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        done = analyze("verify", path)
        # The manual is not installed where it is built.
        wrong = [line for line in (done.stdout + done.stderr).splitlines()
                 if name in line and "man" not in line]
        tap.equal(wrong, [], name.replace(".", "_") + "_is_well_formed")
        if not name.endswith(".service"):
            continue
        done = analyze("security", "--offline=true",
                       "--threshold=%d" % EXPOSURE_MAX, path)
        tap.equal(done.returncode, 0,
                  name.replace(".", "_") + "_leaves_little_exposed")


if shutil.which("systemd-analyze") is None:
    tap.skip("units_are_well_formed", "no systemd-analyze")
else:
    tap.run(test_units)
tap.done()
