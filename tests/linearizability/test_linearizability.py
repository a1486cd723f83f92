"""Recorded histories of a server that is killed, stopped and restarted are
linearizable, key by key, and of keys that are written together, together.

HISTORIES, OPERATIONS and SEED choose how many, how long and which; a failing one
is kept below KEEP, with its page and the server's directory."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "clients"))
import client_setup as cs  # noqa: E402
from client_setup import rt  # noqa: E402

HISTORIES = int(os.environ.get("HISTORIES", "20"))
OPERATIONS = int(os.environ.get("OPERATIONS", "2000"))
SEED = int(os.environ.get("SEED", str(int(time.time()))))
KEEP = os.environ.get("KEEP", os.path.join(
    rt.BUILDDIR, "tests", "linearizability", "failed"))

tap = rt.Tap()


def build():
    def install(directory):
        env = dict(os.environ, GOFLAGS="-mod=readonly -buildvcs=false")
        cs.command(["go", "build", "-o", os.path.join(directory, "history"),
                    "."], cwd=os.path.join(HERE, "history"), env=env)

    pins = [os.path.join(HERE, "history", name)
            for name in ("go.mod", "go.sum", "main.go")]
    return os.path.join(cs.installed("history", pins, install), "history")


class Life:
    """A server and a compactor, and what befalls them."""

    def __init__(self, choice):
        self.choice = choice
        self.server = self.make(None, None)
        self.dir, self.port = self.server.dir, self.server.port
        self.server.start()
        self.compactor = rt.Compactor(self.dir,
                                      l0_compaction_trigger=2).start()
        self.kills = self.stops = 0

    def make(self, directory, port):
        options = {"appendfsync": self.choice.choice(
            ("always", "always", "everysec", "no")),
            "memtable_size": self.choice.choice(("64kb", "256kb", "64mb"))}
        if port is not None:
            options["port"] = port
        return rt.Server(dir=directory, **options)

    def kill(self):
        """Of the daemon, the compactor, or both."""
        self.kills += 1
        which = self.choice.randrange(3)
        if which != 1:
            self.server.kill()
        if which != 0:
            self.compactor.kill()
            self.compactor.start()
        if which != 1:
            self.server = self.make(self.dir, self.port).start()

    def stop(self):
        self.stops += 1
        process = self.choice.choice((self.server, self.compactor))
        process.signal(signal.SIGSTOP)
        time.sleep(self.choice.uniform(0, 0.05))
        process.signal(signal.SIGCONT)

    def flush(self):
        try:
            with self.server.client() as client:
                client.call("FLUSHMEM")
        except (OSError, rt.Closed):
            pass

    def befall(self):
        self.choice.choice((self.kill, self.stop, self.stop, self.flush,
                            self.flush))()

    def end(self):
        self.server.kill()
        self.compactor.kill()


def one(tap, program, seed):
    choice = random.Random(seed)
    life = Life(choice)
    page = os.path.join(rt.scratch_dir(), "history.html")
    recording = subprocess.Popen(
        [program, str(life.port), str(seed), str(OPERATIONS), page],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        while recording.poll() is None:
            time.sleep(choice.uniform(0, 0.02))
            life.befall()
        told = recording.stdout.read().decode().strip()
    finally:
        if recording.poll() is None:
            recording.kill()
        recording.wait()
        recording.stdout.close()
        life.end()
    print("# seed=%d kills=%d stops=%d %s" % (seed, life.kills, life.stops,
                                              told), flush=True)
    if not tap.ok(recording.returncode == 0,
                  "history_%d_is_linearizable" % (seed - SEED), told):
        kept = os.path.join(KEEP, str(seed))
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(life.dir, os.path.join(kept, "data"))
        if os.path.exists(page):
            shutil.copy(page, kept)
        print("# kept: %s; again: SEED=%d HISTORIES=1 OPERATIONS=%d" %
              (kept, seed, OPERATIONS), flush=True)


def the_judge_judges(tap, program):
    done = subprocess.run([program, "judge"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, check=False)
    for line in done.stdout.decode().splitlines():
        tap.ok(line.startswith("ok "), line.split()[-1])


def main():
    why = cs.missing("go", at_least=(1, 19))
    if why is not None:
        tap.skip("histories_are_linearizable", why)
        tap.done()
    print("# SEED=%d" % SEED, flush=True)
    try:
        program = build()
    except cs.SetupError as error:
        tap.ok(False, "set_up", error)
        tap.done()
    tap.run(the_judge_judges, program)
    for i in range(HISTORIES):
        tap.run(one, program, SEED + i)
    tap.done()


main()
