"""The example debian-packages: load, compare, and kill both processes in the
middle of a second load."""

import os
import subprocess
import sys

sys.dont_write_bytecode = True
import client_setup as cs  # noqa: E402
from client_setup import rt  # noqa: E402

PROGRAM = os.path.join(rt.SRCDIR, "examples", "debian-packages",
                       "packages.py")
TRIGGER = 4
# Small, so that the index fills several levels.
TABLES = {"l0_compaction_trigger": TRIGGER, "table_size": "2mb",
          "level_base_size": "8mb"}

tap = rt.Tap()


def acknowledged(path):
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read() or 0)
    except OSError:
        return 0


def test_debian_packages(tap):
    python = cs.python()
    acks = os.path.join(rt.scratch_dir(), "acks")
    server = rt.Server(memtable_size="2mb", **TABLES)
    compactor = rt.Compactor(server.dir, **TABLES)

    def words(*args):
        return [python, PROGRAM, "--port", str(server.port)] + list(args)

    def example(name, *args):
        done = subprocess.run(words(*args), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=300,
                              check=False)
        print("# " + done.stdout.decode().strip().replace("\n", "\n# "))
        tap.ok(done.returncode == 0, name, done.stdout.decode())

    server.start()
    compactor.start()
    example("the_package_index_is_loaded", "load")
    example("every_stanza_is_read_back", "verify")

    with server.client() as client:
        half = client.call("DBSIZE") // 2
    second = subprocess.Popen(words("--mark", "again", "--acks", acks, "load"),
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    rt.wait_until(lambda: acknowledged(acks) >= half or
                  second.poll() is not None, "half of the second load")
    server.kill()
    compactor.kill()
    said = second.communicate(timeout=rt.PATIENCE_S)[0]
    tap.ok(second.returncode != 0, "the_kill_came_in_the_middle", said)

    server.start()
    example("nothing_acknowledged_is_missing_after_the_kill", "--mark",
            "again", "--acks", acks, "verify")
    tap.equal(server.stop(), 0, "the_daemon_stops")
    tap.equal(compactor.once(patience_s=300), 0, "once_ends_well")
    check = subprocess.run([rt.RIPTIDE, "--dir", server.dir, "check"],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           timeout=rt.PATIENCE_S, check=False)
    tap.ok(check.returncode == 0, "riptide_check_finds_nothing",
           check.stdout.decode(errors="replace"))

    server.start()
    with server.client() as client:
        files = int(client.info("lsm")["l0_files"])
    tap.ok(files < TRIGGER, "level_0_is_under_its_trigger", files)
    example("still_nothing_is_missing", "--mark", "again", "--acks", acks,
            "verify")
    example("the_second_load_is_finished", "--mark", "again", "load")
    example("every_stanza_is_that_of_the_second_load", "--mark", "again",
            "verify")
    tap.equal(server.stop(), 0, "the_daemon_stops_again")


tap.run(test_debian_packages)
tap.done()
