"""life: one data directory under the crash loop, from the first start to the
last look at it: rounds of start, verify, load and kill, and at the end all
merged down and looked into."""

import contextlib
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import riptide_test as rt  # noqa: E402
import oracle  # noqa: E402
from load import Load, Swapper, Worker  # noqa: E402
from oracle import Lost  # noqa: E402
from programs import (COMPACTOR_POINTS, DAEMON_POINTS,  # noqa: E402
                      PatientClient, Program, is_stopped, lock_holder,
                      processes_in)

WORKERS = 3
HERE = os.path.join(rt.BUILDDIR, "tests", "crash")
# A load with a point armed goes on until the point was passed, or so long.
POINT_S = 1.0


class Life:
    """One data directory, from the first start to the last look at it."""

    def __init__(self, chance, counts):
        self.random = chance
        self.counts = counts
        self.workers = [Worker(i, chance.randrange(1 << 32))
                        for i in range(WORKERS)]
        self.workers.append(Swapper(WORKERS, chance.randrange(1 << 32)))
        self.scratch = rt.scratch_dir()
        self.dir = os.path.join(self.scratch, "data")
        self.socket = os.path.join(self.scratch, "socket")
        self.server = Program(rt.Server(
            dir=self.dir, port=0, unixsocket=self.socket, disk_reserve="0"),
            DAEMON_POINTS, counts)
        self.compactor = Program(rt.Compactor(self.dir), COMPACTOR_POINTS,
                                 counts)
        self.server.process.program = os.path.join(HERE, "riptided")
        self.compactor.process.program = os.path.join(HERE, "riptide-compactd")
        self.server_alive = False
        self.shared = None
        self.load = None
        self.final_size = None
        self.checkpoints = 0
        self.asker = None

    # -- starting --

    def _options(self, spawns=None):
        pick = self.random.choice
        both = {"block_size": pick(("1kb", "4kb", "16kb")),
                "bloom_bits_per_key": pick((0, 10, 16)),
                "l0_compaction_trigger": pick((2, 4, 8))}
        merging = {"compression": pick(("none", "snappy", "lz4", "zstd")),
                   "compression_bottom": pick(("none", "lz4", "zstd")),
                   "table_size": pick(("64kb", "256kb")),
                   "level_base_size": pick(("64kb", "1mb")),
                   "level_size_multiplier": pick((2, 10)),
                   "expiry_grace": pick((0, 3600)),
                   "tombstone_max_age": pick((0, 1, 604800))}
        self.server.process.options.update(
            both, appendfsync=pick(("always", "always", "everysec", "no")),
            memtable_size=pick(("64kb", "256kb", "1mb")),
            memtable_max_count=pick((2, 4)),
            memory_limit=pick(("0", "0", "64mb", "256mb")),
            block_cache_size=pick(("0", "1mb", "64mb")),
            reader_threads=pick((1, 2)))
        self.compactor.process.options.update(both, **merging)
        self.spawns = self.random.random() < 0.2 if spawns is None else spawns
        self.server.process.options["compactor"] = \
            "spawn" if self.spawns else "external"
        for name, value in merging.items():
            if self.spawns:
                self.server.process.options[name] = value
            else:
                self.server.process.options.pop(name, None)

    def client(self):
        return PatientClient(self.socket, self._thaw_server)

    def _thaw_server(self):
        if self.server.at_point():
            self.counts["stops of the daemon"] += 1
            self.server.thaw()

    def _answers(self):
        try:
            with rt.RespClient(path=self.socket, timeout=0.1) as client:
                # Answered only when the log is replayed.
                client.send_raw(rt.encode("EXISTS", "loaded"))
                reply = client.read()
        except (OSError, rt.Closed):
            return False
        return not isinstance(reply, rt.ReplyError)

    def _starts(self, kill_at):
        """Wait until it answers. False: it was killed before."""
        end = time.monotonic() + rt.PATIENCE_S
        while not self._answers():
            if not self.server.alive():
                self.counts["kills while starting"] += 1
                return False
            if self.server.at_point():
                if self.random.random() < 0.5:
                    self.server.kill()
                    return False
                self.server.thaw()
            now = time.monotonic()
            if now > end:
                raise Lost("it does not start: no answer in %d s: %s" % (
                    rt.PATIENCE_S, self.server.process.stderr()[-2000:]))
            if now > kill_at:
                self.server.kill()
                self.counts["kills while starting"] += 1
                return False
            time.sleep(0.002)
        return True

    def start_server(self, armed=True):
        """Start; often kill it again while it recovers."""
        likely = 0.5 if armed else 0
        while True:
            kill_at = time.monotonic() + (
                self.random.random() * 0.06
                if armed and self.random.random() < 0.1 else rt.PATIENCE_S)
            self._end_spawned()
            try:
                self.server.spawn(self.random, likely)
                started = self._starts(kill_at)
            except Lost:
                self.counts["failed starts"] += 1
                raise
            if started:
                break
            likely /= 2
        self.counts["starts"] += 1
        self.server_alive = True

    def _end_spawned(self):
        """A compactor that a daemon before started ends by itself, unless it
        stands at a point; so does one that has no lock yet, and what was to
        become one."""
        end = time.monotonic() + rt.PATIENCE_S
        while True:
            left = [pid for pid in processes_in(self.dir)
                    if pid != self.compactor.process.pid]
            if not left:
                return
            for pid in left:
                if is_stopped(pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGCONT)
            if time.monotonic() > end:
                raise Lost("the spawned compactor does not end: %s" % left)
            time.sleep(0.005)

    def start_compactor(self):
        if not self.spawns and not self.compactor.alive():
            self.compactor.process.args = \
                ["--full"] if self.random.random() < 0.15 else []
            self.compactor.spawn(self.random, 0.6)

    def _pid_of_spawned(self):
        return lock_holder(self.dir) if self.spawns else None

    # -- a round --

    def round(self):
        if not self.server_alive:
            self._options()
            if self.spawns:
                self.compactor.kill()
            self.start_server()
        if not self._verified() or not self._begin():
            return
        self.start_compactor()
        for _ in range(self.random.randrange(1, 4)):
            if not self._loaded():
                return
            self.disturb_compactor()
        self._end()

    def _died(self):
        """The daemon died at its point; what it still answered counts."""
        if self.load is not None:
            self.load.end()
            self.load = None
        self.server_alive = False
        if self.server.alive():
            raise Lost("the daemon closed a connection: %s" %
                       self.server.process.stderr()[-2000:])
        self.counts["kills of the daemon"] += 1
        return False

    def _wait_dead(self):
        """A connection ended: the daemon is dying, which on a busy machine
        takes its time, or stays and is wrong."""
        end = time.monotonic() + rt.PATIENCE_S
        while self.server.alive() and time.monotonic() < end:
            time.sleep(0.001)
        return self._died()

    def _verified(self):
        try:
            self.verify()
            return True
        except (OSError, rt.Closed):
            return self._wait_dead()

    def _begin(self):
        """Empty the shared keys, and connect."""
        shared = oracle.Shared()
        self.shared = None
        try:
            with self.client() as client:
                client.call("DEL", shared.JOURNAL, shared.COUNTER,
                            *shared.GROUP)
        except (OSError, rt.Closed):
            return self._wait_dead()
        self._ask_for_checkpoint()
        self.load = Load(self.workers, self.socket)
        if not self.load.begin(shared):
            return self._wait_dead()
        self.shared = shared
        return True

    def _ask_for_checkpoint(self):
        """In some loads one is made."""
        if self.random.random() > 0.15:
            return
        self.checkpoints += 1
        try:
            self.asker = rt.RespClient(path=self.socket)
            self.asker.send_raw(rt.encode("CHECKPOINT",
                                          "c%d" % self.checkpoints))
        except OSError:
            return

    def _loaded(self):
        """Load for a while. False: the daemon died."""
        end = time.monotonic() + (POINT_S if self.server.point or
                                  self.compactor.point
                                  else self.random.random() * 0.15)
        goal = self.load.acknowledged() + self.random.choice(
            (10, 300, 1000, 3000))
        while time.monotonic() < end and self.load.acknowledged() < goal:
            if self.load.run(0.02, goal - self.load.acknowledged()):
                continue
            if self.load.open == 0:
                return self._wait_dead()
            if self.server.at_point():
                self._leave_frozen()
                if not self.server_alive:
                    return False
        if self.load.open < len(self.workers):
            return self._wait_dead()
        return True

    def _leave_frozen(self):
        """The daemon is stopped: the others go on for a while."""
        self.counts["stops of the daemon"] += 1
        time.sleep(self.random.random() * 0.05)
        if self.random.random() < 0.5:
            self.kill_server()
        else:
            self.server.thaw()

    def disturb_compactor(self):
        """Freeze, thaw, kill or start the compactor."""
        if self.spawns:
            return
        deed = self.random.choice(("freeze", "thaw", "kill", "start"))
        if deed == "start" or not self.compactor.alive():
            self.start_compactor()
        elif deed == "kill":
            self.compactor.kill()
            self.counts["kills of the compactor"] += 1
        elif deed == "freeze":
            self.compactor.process.signal(signal.SIGSTOP)
            self.counts["stops of the compactor"] += 1
        else:
            self.compactor.at_point()
            self.compactor.thaw()

    def kill_server(self):
        self.server.kill()
        self.counts["kills of the daemon"] += 1
        self.server_alive = False
        if self.load is not None:
            self.load.end()
            self.load = None

    def kill_both(self):
        pid = self._pid_of_spawned()
        self.kill_server()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        self.compactor.kill()
        self.counts["kills of the compactor"] += 1

    def _drain(self):
        """Take all answers. False: the daemon died."""
        end = time.monotonic() + rt.PATIENCE_S
        while not self.load.drained():
            self.load.run(0.01, 1 << 60, draw=False)
            if self.load.open < len(self.workers):
                return self._wait_dead()
            self._thaw_server()
            if time.monotonic() > end:
                raise Lost("commands are not answered: %s" %
                           self.server.process.stderr()[-2000:])
        self.load.end()
        self.load = None
        return True

    def _stop_server(self):
        """SIGTERM. It may die at its point, or stand there."""
        self.server.process.signal(signal.SIGTERM)
        end = time.monotonic() + rt.PATIENCE_S
        while self.server.alive():
            self._thaw_server()
            if time.monotonic() > end:
                raise Lost("SIGTERM does not end it")
            time.sleep(0.002)
        self.server_alive = False
        self.counts["clean stops"] += self.server.process.ended() == 0

    def _end(self):
        """Most rounds end with a kill of the daemon, some of both."""
        dice = self.random.random()
        if dice < 0.5:
            self.kill_server()
        elif dice < 0.7:
            self.kill_both()
        elif dice < 0.8:
            self.server.process.signal(signal.SIGSTOP)
            self.counts["stops of the daemon"] += 1
            time.sleep(self.random.random() * 0.05)
            if self.random.random() < 0.5:
                self.server.thaw()
            self.kill_server()
        elif self._drain() and dice < 0.9:
            self._stop_server()

    # -- looking --

    def verify(self):
        """Read all, then compare: a crash meanwhile makes no half a look."""
        with self.client() as client:
            journal = client.call("GET", oracle.Shared.JOURNAL)
            count = int(client.call("GET", oracle.Shared.COUNTER) or 0)
            group = client.call("MGET", *oracle.Shared.GROUP)
            for worker in self.workers:
                worker.observe(client)
            names, cursor = set(), b"0"
            while True:
                cursor, keys = client.call("SCAN", cursor, "COUNT", 1000)
                names.update(keys)
                if cursor == b"0":
                    break
        if self.shared is None:
            for worker in self.workers:
                worker.verify(None)
        else:
            tokens = self.shared.check_journal(journal)
            counts = [worker.verify([token for token in tokens if
                                     token.startswith(b"%d." % worker.number)])
                      for worker in self.workers]
            self.shared.check_count(count, counts)
            self.shared.looked(group, self.shared.floor)
        self.shared = None
        self._check_names(names)
        self.counts["looks"] += 1

    def _check_names(self, names):
        wanted = {}
        for worker in self.workers[:WORKERS]:
            wanted.update(worker.known)
        names = {name for name in names if not name.startswith(b"shared:")}
        missing = {name for name in wanted.keys() - names if not isinstance(
            wanted[name], oracle.Expiring)}
        if missing or names - wanted.keys():
            raise Lost("SCAN: not found %s, too many %s" % (
                sorted(missing)[:5], sorted(names - wanted.keys())[:5]))

    def size(self):
        """Descriptors of the daemon, and its MiB in memory."""
        pid = self.server.process.pid
        files = len(os.listdir("/proc/%d/fd" % pid))
        with open("/proc/%d/statm" % pid, "rb") as file:
            pages = int(file.read().split()[1])
        return files, pages * os.sysconf("SC_PAGE_SIZE") >> 20

    def check(self):
        """riptide check, beside whatever runs."""
        self._check(self.dir)

    def _check(self, directory):
        self.counts["riptide check"] += 1
        done = subprocess.run([rt.RIPTIDE, "--dir", directory, "check"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=rt.PATIENCE_S, check=False)
        if done.returncode != 0:
            raise Lost("riptide check of %s ended with %d: %s" % (
                directory, done.returncode,
                done.stdout.decode(errors="replace")[-2000:]))

    # -- the last look --

    def settle(self):
        """All merged down, with nothing to wait for; then look inside."""
        if self.server_alive:
            self.kill_server()
        self.compactor.kill()
        self._end_spawned()
        for word in ("--once", "--full"):
            self._options(spawns=False)
            self.start_server(armed=False)
            self.verify()
            self._stop_server()
            self._merge(word)
        self.check()
        # One that has its name is whole.
        for path in glob.glob(os.path.join(self.dir, "checkpoints", "*")):
            self._check(path)
            self.counts["checkpoints"] += 1
        self._look_inside()
        self._options(spawns=False)
        self.start_server(armed=False)
        self.verify()
        self.final_size = self.size()
        self._stop_server()
        self._check_files()

    def _merge(self, word):
        began = time.monotonic()
        self.compactor.process.env = {}
        self.compactor.process.options["l0_compaction_trigger"] = 2
        self.compactor.process.options["expiry_grace"] = 0
        status = self.compactor.process.once(word)
        if status != 0:
            raise Lost("%s ended with %d: %s" % (
                word, status, self.compactor.process.stderr()[-2000:]))
        self.counts["ms of settling"] += int(
            1000 * (time.monotonic() - began))

    def _dump(self, *words):
        return subprocess.run(
            [rt.RIPTIDE, "--dir", self.dir, "dump"] + list(words),
            stdout=subprocess.PIPE, timeout=rt.PATIENCE_S,
            check=True).stdout.decode(errors="replace")

    def _look_inside(self):
        """Merged down with no snapshot held, the tables have one version of
        each live key, and of the deleted nothing."""
        manifest = self._dump("manifest")
        spaces = {int(database): int(space) for database, space in re.findall(
            r"^keyspace database=(\d+) id=(\d+)", manifest, re.M)}
        found = set()
        for name in re.findall(r"^\s+table (\S+\.sst)", manifest, re.M):
            text = self._dump("sst", os.path.join(self.dir, "sst", name))
            for kind, space, key in re.findall(
                    r'^(put|delete) seq=\d+ keyspace=(\d+) key="([^"]*)"',
                    text, re.M):
                entry = (int(space), key.encode())
                if kind == "delete" or entry in found:
                    raise Lost("%s has %s of %r behind the merge" % (
                        name, "a tombstone" if kind == "delete" else
                        "a second version", entry))
                found.add(entry)
        self._compare_inside(spaces, found)

    def _compare_inside(self, spaces, found):
        wanted, may = set(), set()
        for worker in self.workers:
            for key, value in worker.known.items():
                database, name = key if isinstance(key, tuple) else (0, key)
                entry = (spaces.get(database, database), name)
                may.add(entry)
                if not isinstance(value, oracle.Expiring):
                    wanted.add(entry)
        home = spaces.get(0, 0)
        found = {entry for entry in found if entry[0] != home or
                 not entry[1].startswith(b"shared:")}
        # What has expired since the last look may be there still.
        if wanted - found or found - may:
            raise Lost("the tables lack %s, and have %s that are deleted" % (
                sorted(wanted - found)[:5], sorted(found - may)[:5]))

    def _check_files(self):
        """After a clean stop nothing is left over but what the kills left of
        temporary files, which go by their age."""
        live = set(re.findall(r"^\s+table (\S+\.sst)", self._dump("manifest"),
                              re.M))
        tables = set(os.listdir(os.path.join(self.dir, "sst")))
        if tables != live:
            raise Lost("sst/ has %s, the manifest %s" % (
                sorted(tables - live), sorted(live - tables)))
        segments = os.listdir(os.path.join(self.dir, "wal"))
        if len(segments) > 2:
            raise Lost("wal/ has %s" % sorted(segments))

    def close(self):
        for program in (self.server, self.compactor):
            program.process.kill()
        self._end_spawned()
        shutil.rmtree(self.scratch, ignore_errors=True)
