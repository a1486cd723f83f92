#!/usr/bin/env python3
"""A disk that is really full: both programs on a tmpfs of 64 MiB of their own,
where a user may make one. Writes are refused with -MISCONF, reads go on, what
was answered stays, and when there is space again writes go on by themselves."""

import os
import random
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import riptide_test as rt

MIB = 1 << 20
DISK_BYTES = 64 * MIB
RESERVE_BYTES = 8 * MIB
FILLER_BYTES = 24 * MIB
VALUE_BYTES = 8000
# More than the disk holds, were it never refused.
WRITES_MAX = 3 * DISK_BYTES // VALUE_BYTES

TESTS = ["writes_end_at_the_reserve_and_resume",
         "a_disk_without_a_byte_left_loses_nothing"]


def free_bytes(path):
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def take(path, count):
    """A file of so many bytes; fewer when there are no more."""
    with open(path, "wb", buffering=0) as file:
        try:
            while count > 0:
                count -= file.write(bytes(min(count, MIB // 4)))
        except OSError:
            pass


class Load:
    """Writes in order, and what may be read for it."""

    def __init__(self, server):
        self.server = server
        self.client = server.client()
        self.random = random.Random(1)
        self.acked = {}
        # Of a write whose answer was an error the outcome is unknown.
        self.maybe = {}
        self.refusal = None

    def write(self, number):
        key = b"key%d" % (number % 4000)
        value = self.random.randbytes(VALUE_BYTES)
        try:
            self.refusal = self.client.error("SET", key, value)
        except (rt.Closed, OSError):
            # So the daemon says that it cannot tell what became of it.
            self.refusal = "closed"
            self.client = self.server.client()
        if self.refusal is None:
            self.acked[key] = value
            self.maybe.pop(key, None)
        else:
            self.maybe.setdefault(key, []).append(value)
        return self.refusal is None

    def until_refused(self, start=0):
        """The number of the write that was answered with an error."""
        for number in range(start, start + WRITES_MAX):
            if not self.write(number) and self.refusal != "closed":
                return number
        return None

    def wrong(self):
        """Keys that do not have what they must."""
        return [key for key, value in self.acked.items()
                if self.client.call("GET", key)
                not in [value] + self.maybe.get(key, [])]


def start(disk, name):
    return rt.Server(dir=os.path.join(disk, name), compactor="spawn",
                     memtable_size="1mb", table_size="2mb",
                     level_base_size="8mb", block_cache_size="1mb",
                     l0_compaction_trigger=2,
                     disk_reserve=RESERVE_BYTES).start()


def resumes(load, number):
    rt.wait_until(lambda: load.write(number), "writes to be taken again")


def writes_end_at_the_reserve_and_resume(tap, disk):
    filler = os.path.join(disk, "filler")
    take(filler, FILLER_BYTES)
    server = start(disk, "data")
    load = Load(server)
    number = load.until_refused()
    tap.ok(number is not None and load.refusal.startswith("MISCONF"),
           "a full disk is answered with -MISCONF", load.refusal)
    # The reserve is looked after each second; what came in meanwhile and a
    # merge may have taken some of it, never all.
    tap.ok(free_bytes(disk) > 0 or
           os.path.exists(os.path.join(disk, "data", "BALLAST")),
           "some of the reserve is left", free_bytes(disk))
    tap.equal(load.wrong(), [], "all that was acked is read")
    tap.equal(load.client.call("PING"), "PONG", "the daemon answers")
    os.unlink(filler)
    resumes(load, number)
    tap.equal(load.wrong(), [], "and after the writes resumed")
    tap.equal(server.stop(), 0, "the stop is clean")
    server.start()
    load.client = server.client()
    tap.equal(load.wrong(), [], "and after a restart")
    server.stop()


def a_disk_without_a_byte_left_loses_nothing(tap, disk):
    filler = os.path.join(disk, "filler")
    server = start(disk, "data")
    load = Load(server)
    for number in range(300):
        load.write(number)
    take(filler, DISK_BYTES)
    number = load.until_refused(300)
    tap.ok(number is not None and load.refusal.startswith("MISCONF"),
           "no byte left: -MISCONF", load.refusal)
    tap.equal(load.wrong(), [], "everything acked is read then")
    for extra in range(20):
        load.write(number + extra)
    server.kill()
    os.unlink(filler)
    server.start()
    load.client = server.client()
    tap.equal(load.wrong(), [], "and after kill -9 on a full disk")
    take(filler, DISK_BYTES)
    number = load.until_refused(400)
    os.unlink(filler)
    resumes(load, number)
    tap.equal(load.wrong(), [], "and after a second time")
    tap.equal(server.stop(), 0, "and the stop is clean")


def inside():
    """In a name space of our own: argv[2] is a directory to mount on."""
    disk = sys.argv[2]
    tap = rt.Tap()
    for name in TESTS:
        subprocess.run(["mount", "-t", "tmpfs", "-o",
                        "size=%d" % DISK_BYTES, "none", disk], check=True)
        tap.run(globals()[name], disk)
        rt._clean()
        subprocess.run(["umount", "-l", disk], check=True)
    tap.done()


def main():
    disk = rt.scratch_dir()
    own = ["unshare", "--user", "--map-root-user", "--mount"]
    try:
        probe = subprocess.run(
            own + ["mount", "-t", "tmpfs", "none", disk],
            capture_output=True, text=True, check=False)
        why = probe.stderr.strip() if probe.returncode != 0 else None
    except FileNotFoundError as error:
        why = str(error)
    if why is not None:
        tap = rt.Tap()
        for name in TESTS:
            tap.skip(name, "no tmpfs of our own: %s" % why)
        tap.done()
    sys.exit(subprocess.run(own + [sys.executable, __file__, "inside", disk],
                            check=False).returncode)


if sys.argv[1:2] == ["inside"]:
    inside()
else:
    main()
