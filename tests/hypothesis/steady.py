"""steady: a daemon whose wall clock and boot clock stand still until a test
moves them, and what docs/expiry.md lets it say of the time then.

The library steady_clock.so is preloaded into both programs. `Time` holds the
two clocks and bounds of the line, which is not to be seen from outside: the
time by which keys expire, E, is. E is asked for by the time that is left to a
key with a known end.
"""

import mmap
import os
import struct

import redis

import riptide_test as rt

SHIM = os.path.join(rt.BUILDDIR, "tests", "hypothesis", "steady_clock.so")
STEP_MS = 5000
SETTLE_MS = 3600 * 1000
DATABASES = 3


class Time:
    """Wall and boot clock, and the bounds of the line, all in ms."""

    def __init__(self, path):
        with open(path, "wb") as file:
            file.write(bytes(16))
        with open(path, "r+b") as file:
            self.shared = mmap.mmap(file.fileno(), 16)
        self.wall = 1700000000000
        self.boot = 100000000
        self.low = self.high = self.wall
        # When the clock stepped last, as early and as late as the daemon may
        # think; None: never, which is before the machine was started.
        self.early = self.late = self.boot
        self.saved = self.low, self.boot
        self.told = 0
        self._write()

    def _write(self):
        self.shared[:16] = struct.pack("=qq", self.wall, self.boot)

    def _follow(self, line, since):
        """The wall clock is not behind the line: is it believed?"""
        if self.wall - line <= STEP_MS or self.boot - since >= SETTLE_MS:
            return self.wall
        return line

    def move(self, passed, stepped):
        """`passed` ms go by, and the wall clock steps at the end of them."""
        self.boot += passed
        self.wall += passed + stepped
        if abs(stepped) > STEP_MS:
            self.early = self.late = self.boot
            self.told = 0
        # Behind the line the wall clock has it run at half speed; where a
        # step fell into the time, nobody knows since when. What is no more
        # than STEP_MS is no step.
        behind = self.wall < self.low + passed
        self.low += passed // 2 if behind and abs(stepped) <= STEP_MS \
            else passed
        self.high += passed
        if self.wall >= self.low:
            self.low = self._follow(self.low, self.late)
        if self.wall >= self.high:
            self.high = self._follow(self.high, self.early)
        self._write()

    def published(self):
        """What the line is now is in a manifest."""
        self.saved = self.low, self.boot

    def forgotten(self):
        """The daemon was killed. Since its last publish the line may have
        followed the wall clock forward; that it went on with the boot clock
        is known again, and when the clock stepped is not."""
        low, boot = self.saved
        self.low = min(self.low, low + self.boot - boot)
        self.late = self.boot
        self.told = 0

    def check(self, now):
        """The daemon says that it is now."""
        low = max(self.wall, self.low, self.told)
        high = max(self.wall, self.high, self.told)
        assert low <= now <= high, \
            "%d is not in [%d, %d]; wall clock %d" % (now, low, high, self.wall)
        self.told = now


def pipeline(client, commands):
    """All at once on the client's own connection, whose database is chosen;
    a Pipeline would take another one."""
    client.connection.send_packed_command(
        client.connection.pack_commands(commands))
    return [client.connection.read_response() for _ in commands]


class World:
    """A directory, its daemon, two connections, and the time."""

    def __init__(self):
        self.scratch = rt.scratch_dir()
        self.time = Time(os.path.join(self.scratch, "clock"))
        self.env = {"LD_PRELOAD": SHIM,
                    "RTT_CLOCK": os.path.join(self.scratch, "clock")}
        self.server = rt.Server(
            dir=os.path.join(self.scratch, "data"), env=self.env,
            databases=DATABASES, memtable_size="256kb", disk_reserve="0",
            appendfsync="everysec", memory_limit="64mb")
        self.live = self.snap = None
        self.now = 0
        self.start()

    def start(self):
        self.server.start()
        self.live = self._connect()
        self.snap = self._connect()
        self.time.published()
        self.look()

    def _connect(self):
        client = redis.Redis(port=self.server.port,
                             single_connection_client=True,
                             socket_timeout=rt.PATIENCE_S)
        # Replies as they come.
        client.response_callbacks.clear()
        return client

    def _disconnect(self):
        self.live.close()
        self.snap.close()

    def restart(self):
        self._disconnect()
        status = self.server.stop()
        assert status == 0, "it ended with %d: %s" % (status,
                                                      self.server.stderr())
        self.time.told = 0
        self.start()

    def kill(self):
        self.server.kill()
        self._disconnect()
        self.time.forgotten()
        self.start()

    def close(self):
        self._disconnect()
        self.server.kill()

    def flush_memtables(self):
        assert self.live.execute_command("FLUSHMEM") == b"OK"

    def compact(self, full):
        compactor = rt.Compactor(self.server.dir, env=self.env,
                                 l0_compaction_trigger=2, table_size="64kb",
                                 level_base_size="64kb", expiry_grace=0)
        status = compactor.once(*(["--full"] if full else []))
        assert status == 0, "the compactor ended with %d: %s" % (
            status, compactor.stderr())

    def move(self, passed, stepped):
        self.time.move(passed, stepped)
        self.look()

    def look(self):
        """Ask for E. A key with an end is written for it, and deleted. A
        turn of the daemon reads the clock once, at its begin, and may take a
        command that came later: what follows an answer is of a later turn."""
        self.live.ping()
        end = max(self.time.high, self.time.wall) + 10 ** 12
        left = pipeline(self.live, [("SET", b"\0E", b"", "PXAT", end),
                                    ("PTTL", b"\0E"), ("DEL", b"\0E")])[1]
        self.time.check(end - left)
        self.now = end - left
