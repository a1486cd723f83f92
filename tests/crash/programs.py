"""programs: the two programs of a pair as the crash loop has them: started with
a point armed, found dead or stopped at it, killed and woken."""

import fcntl
import glob
import os
import re
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import riptide_test as rt  # noqa: E402
from oracle import Lost  # noqa: E402


def crash_points(*rooms):
    """The names of RT_CRASHPOINT in the sources below these directories. What
    a forked child passes is not ours to look after."""
    names = set()
    for room in rooms:
        for path in glob.glob(os.path.join(rt.SRCDIR, room, "**", "*.c"),
                              recursive=True):
            with open(path, encoding="utf-8") as file:
                names.update(re.findall(r'RT_CRASHPOINT\("([a-z0-9-]+)"\)',
                                        file.read()))
    return sorted(name for name in names if not name.startswith("spawn-"))


DAEMON_POINTS = crash_points("riptided", "libcommon")
COMPACTOR_POINTS = crash_points("riptide-compactd", "libcommon")


def is_stopped(pid):
    """Is the process stopped by a signal?"""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            return file.read().rsplit(b")", 1)[1].split()[0] in b"Tt"
    except (OSError, IndexError):
        return False


def lock_holder(directory):
    """The pid in COMPACTOR.LOCK while somebody holds it, else None."""
    try:
        with open(os.path.join(directory, "COMPACTOR.LOCK"), "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
            except BlockingIOError:
                return int(file.read().strip(b"\0\n ") or 0)
    except OSError:
        return None


def is_becoming_another(pid):
    """Between two programs a process has no command line for a moment. Neither
    has one that has ended, or a thread of the kernel."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            state, parent = file.read().rsplit(b")", 1)[1].split()[:2]
    except (OSError, ValueError, IndexError):
        return False
    return state not in b"ZX" and parent not in (b"0", b"2")


def processes_in(directory):
    """Pids of those that have the directory on their command line, and of
    those that may have it in a moment."""
    pids = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        pid = int(path.split("/")[2])
        try:
            with open(path, "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if directory.encode() in words or (
                words == [b""] and is_becoming_another(pid)):
            pids.append(pid)
    return pids


class PatientClient(rt.RespClient):
    """A client that looks after its daemon while an answer takes its time."""

    def __init__(self, path, look):
        super().__init__(path=path, timeout=0.02)
        self.look = look

    def _fill(self):
        end = time.monotonic() + rt.PATIENCE_S
        while True:
            try:
                return super()._fill()
            except TimeoutError:
                self.look()
                if time.monotonic() > end:
                    raise


class Program:
    """One of the two: a process of riptide_test with a point armed or not."""

    def __init__(self, process, points, counts):
        self.process = process
        self.points = points
        self.counts = counts
        self.point = None

    def spawn(self, chance, likely):
        """Start it, mostly with a point armed."""
        self.point = None
        self.process.env = {}
        if self.points and chance.random() < likely:
            self.point = chance.choice(self.points)
            self.process.env["RIPTIDE_CRASHPOINT"] = "%s:%d:%s" % (
                self.point, chance.choice((1, 1, 1, 2, 3, 5, 10)),
                chance.choice(("kill", "kill", "stop")))
        self.process.spawn()

    def alive(self):
        """False: it is dead, in a way that it may be: by a kill, or because it
        was asked to end."""
        if self.process.pid is None:
            return False
        status = self.process.ended()
        if status is None:
            return True
        if status not in (0, -signal.SIGKILL):
            raise Lost("%s ended with %d: %s" % (
                os.path.basename(self.process.program), status,
                self.process.stderr()[-2000:]))
        if status != 0 and self.point is not None:
            self.counts["point " + self.point] += 1
            self.point = None
        return False

    def at_point(self):
        """Does it stand at its point?"""
        if self.process.pid is None or self.process.ended() is not None or \
                not is_stopped(self.process.pid):
            return False
        if self.point is not None:
            self.counts["point " + self.point] += 1
            self.point = None
        return True

    def kill(self):
        # What died before did so at its point.
        self.alive()
        self.point = None
        self.process.kill()

    def thaw(self):
        self.process.signal(signal.SIGCONT)
