"""hazard: what the tests of the hazards share: both programs with a point at
which they stop or die (docs/hazards.md), and a small database to see whether
all is there."""

import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import riptide_test as rt  # noqa: E402

CRASH = os.path.join(rt.BUILDDIR, "tests", "crash")
SMALL = {"table_size": "64kb", "level_base_size": "64kb",
         "level_size_multiplier": 2, "l0_compaction_trigger": 2,
         "expiry_grace": 0}


def at(point, deed="stop", passage=1):
    """An environment that stops or kills at a point."""
    return {"RIPTIDE_CRASHPOINT": "%s:%d:%s" % (point, passage, deed)}


def server(env=None, **options):
    merged = {"memtable_size": "64kb", "appendfsync": "no",
              "disk_reserve": "0"}
    merged.update(options)
    made = rt.Server(env=env, **merged)
    made.program = os.path.join(CRASH, "riptided")
    return made


def compactor(directory, env=None, args=(), **options):
    merged = dict(SMALL)
    merged.update(options)
    made = rt.Compactor(directory, env=env, args=args, **merged)
    made.program = os.path.join(CRASH, "riptide-compactd")
    return made


def is_stopped(process):
    try:
        with open("/proc/%d/stat" % process.pid, "rb") as file:
            return file.read().rsplit(b")", 1)[1].split()[0] in b"Tt"
    except OSError:
        return False


def wait_stopped(process, what):
    """Wait until it stands at its point; an end instead is an error."""
    def stands():
        if process.ended() is not None:
            raise RuntimeError("it ended with %d instead: %s" % (
                process.ended(), process.stderr()[-2000:]))
        return is_stopped(process)
    rt.wait_until(stands, what)


def wait_ended(process, what):
    rt.wait_until(lambda: process.ended() is not None, what)
    return process.ended()


def riptide(directory, *words):
    """The tool: its exit status and what it printed."""
    done = subprocess.run([rt.RIPTIDE, "--dir", directory] + list(words),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=rt.PATIENCE_S, check=False)
    return done.returncode, done.stdout.decode(errors="replace")


def tables(directory):
    """The tables on disk."""
    return {name for name in os.listdir(os.path.join(directory, "sst"))
            if name.endswith(".sst")}


def live_tables(directory):
    """Those that the newest manifest names."""
    _, text = riptide(directory, "dump", "manifest")
    return {line.split()[1] for line in text.splitlines()
            if line.startswith("  table ")}


def generation(directory):
    return max(int(name[9:]) for name in
               os.listdir(os.path.join(directory, "manifest"))
               if name.startswith("MANIFEST-"))


class Data:
    """A few hundred keys in known states."""

    def __init__(self):
        self.model = {}
        self.writes = 0

    def write(self, client, rounds=1, keys=300):
        """Every key anew, a third of them deleted again; flushed."""
        for _ in range(rounds):
            commands = []
            for number in range(keys):
                key = b"k%03d" % number
                self.writes += 1
                value = b"%d:" % self.writes + b"v" * 150
                commands.append(("SET", key, value))
                self.model[key] = value
                if (number + self.writes) % 3 == 0:
                    commands.append(("DEL", key))
                    del self.model[key]
            for start in range(0, len(commands), 100):
                for reply in client.pipeline(commands[start:start + 100]):
                    if isinstance(reply, rt.ReplyError):
                        raise reply
            client.call("FLUSHMEM")

    def wrong(self, client, keys=300):
        """The keys that are not as they should be."""
        names = [b"k%03d" % number for number in range(keys)]
        replies = client.pipeline([("GET", name) for name in names])
        return [name for name, reply in zip(names, replies)
                if reply != self.model.get(name)]


def flushed(client):
    """All that was written is in tables."""
    client.call("FLUSHMEM")
    rt.wait_until(lambda: client.info("lsm")["memtable_entries"] == "0" and
                  client.info("lsm")["immutable_memtables"] == "0",
                  "the memtables to be flushed")


def sound(tap, directory, name):
    status, text = riptide(directory, "check")
    return tap.ok(status == 0, name, text)
