"""crash_loop: kill the daemon, the compactor or both at random instants under
load, start them again, and ask for every acknowledged write.

The oracle lives here, outside the data directory. Each worker is a connection
with keys of its own that sends pipelines of writes. What was answered is in
its `known` state; what was sent and not answered is in `pending`, in order.
After a restart the worker's keys must be `known` plus a prefix of `pending`,
all of a command or nothing: then nothing acknowledged is lost, nothing
deleted is back, no MSET is half there, and no write is there without those
before it. What was found is what the next round goes on from. One worker has
databases of its own, which it also swaps and empties.

SEED replays the choices (not the instants: those are the machine's), ROUNDS
says how many. What failed is kept below the build tree.
"""

import collections
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import riptide_test as rt  # noqa: E402

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
ROUNDS = int(os.environ.get("ROUNDS") or 25)
WORKERS = 4
KEYS = 1500
COUNTERS = 20
# Of the worker that swaps: databases 1 to 3, and the keys in each.
DATABASES = (1, 2, 3)
DATABASE_KEYS = 60


DATABASE_NAMES = [b"s%03d" % i for i in range(DATABASE_KEYS)]


class Lost(Exception):
    """The data contradicts the oracle."""


# -- the oracle --

def apply(state, command):
    """Do a command to a dict and return the reply it must get."""
    name, args = command[0], command[1:]
    if name == "GET":
        return state.get(args[0])
    if name == "SET":
        state[args[0]] = args[1]
        return "OK"
    if name == "MSET":
        for i in range(0, len(args), 2):
            state[args[i]] = args[i + 1]
        return "OK"
    if name == "DEL":
        return sum(state.pop(key, None) is not None for key in args)
    if name == "INCR":
        value = int(state.get(args[0], b"0")) + 1
        state[args[0]] = b"%d" % value
        return value
    if name == "APPEND":
        state[args[0]] = state.get(args[0], b"") + args[1]
        return len(state[args[0]])
    if name == "FLUSHDB":
        for key in [key for key in state if key[0] == args[0]]:
            del state[key]
        return "OK"
    if name == "SWAPDB":
        other = {args[0]: args[1], args[1]: args[0]}
        swapped = {(other.get(key[0], key[0]), key[1]): value
                   for key, value in state.items()}
        state.clear()
        state.update(swapped)
        return "OK"
    raise ValueError(name)


def written_keys(command):
    """The keys that a command may change."""
    if command[0] == "GET":
        return ()
    if command[0] in ("FLUSHDB", "SWAPDB"):
        return [(database, name) for database in command[1:]
                for name in DATABASE_NAMES]
    if command[0] == "MSET":
        return command[1::2]
    return command[1:] if command[0] == "DEL" else command[1:2]


def reconcile(known, pending, observed):
    """The number of pending commands that must have happened for `observed`
    to be the state, which `known` becomes; None when there is no such number.
    With several, the highest: those between change nothing."""
    state = dict(known)
    wrong = {key for key in known.keys() | observed.keys()
             if known.get(key) != observed.get(key)}
    found = 0 if not wrong else None
    for number, command in enumerate(pending, 1):
        apply(state, command)
        for key in written_keys(command):
            if state.get(key) == observed.get(key):
                wrong.discard(key)
            else:
                wrong.add(key)
        if not wrong:
            found = number
    if found is not None:
        known.clear()
        known.update(observed)
    return found


class Worker:
    """One connection's load, and what it knows."""

    def __init__(self, number, seed):
        self.number = number
        self.random = random.Random(seed)
        self.keys = [b"w%d:%05d" % (number, i) for i in range(KEYS)]
        self.counters = [b"w%d:n%d" % (number, i) for i in range(COUNTERS)]
        self.known = {}
        self.pending = collections.deque()
        self.acknowledged = 0
        self.writes = 0
        self.wrong = None

    def _value(self):
        """A value that no other write has, mostly short."""
        self.writes += 1
        size = self.random.choice((0, 30, 100, 100, 400, 400, 20000)) \
            if self.random.random() < 0.2 else self.random.randrange(200)
        return b"%d.%d:" % (self.number, self.writes) + b"v" * size

    def _command(self):
        key = self.random.choice(self.keys)
        dice = self.random.random()
        if dice < 0.45:
            return ("SET", key, self._value())
        if dice < 0.65:
            return ("DEL",) + tuple(self.random.sample(
                self.keys, self.random.choice((1, 1, 1, 4))))
        if dice < 0.75:
            pairs = []
            for one in self.random.sample(self.keys,
                                          self.random.randrange(2, 6)):
                pairs += [one, self._value()]
            return ("MSET",) + tuple(pairs)
        if dice < 0.85:
            return ("INCR", self.random.choice(self.counters))
        if dice < 0.88:
            # Short, so that a key does not grow without end.
            return ("APPEND", key, b"+%d" % self.random.randrange(100))
        return ("GET", key)

    def _answered(self, reply):
        command = self.pending[0]
        if isinstance(reply, rt.ReplyError):
            raise Lost("%s %s was answered %s" % (command[0], command[1],
                                                  reply.text))
        wanted = apply(self.known, command)
        self.pending.popleft()
        self.acknowledged += 1
        if reply != wanted:
            raise Lost("%s %s was answered %.60r, not %.60r" % (
                command[0], command[1], reply, wanted))

    def _encode(self, command):
        """The command's bytes, and how many replies come before its own."""
        return rt.encode(*command), 0

    def load(self, port, stop):
        """Run until the connection breaks or stop is set."""
        try:
            with rt.RespClient("127.0.0.1", port) as client:
                while not stop.is_set():
                    batch = [self._command() for _ in range(
                        self.random.choice((1, 1, 2, 8, 32, 64)))]
                    self.pending.extend(batch)
                    coded = [self._encode(command) for command in batch]
                    client.send_raw(b"".join(data for data, _ in coded))
                    for _, before in coded:
                        for _ in range(before):
                            client.read()
                        self._answered(client.read())
        except (OSError, rt.Closed):
            pass
        except Lost as error:
            self.wrong = str(error)

    @staticmethod
    def _read(client, names):
        replies = client.pipeline([("MGET",) + tuple(names[i:i + 100])
                                   for i in range(0, len(names), 100)])
        values = []
        for reply in replies:
            if isinstance(reply, rt.ReplyError):
                raise Lost("MGET was answered " + reply.text)
            values += reply
        return {name: value for name, value in zip(names, values)
                if value is not None}

    def _observe(self, client):
        return self._read(client, self.keys + self.counters)

    def verify(self, client):
        """Read everything and compare."""
        if self.wrong is not None:
            raise Lost(self.wrong)
        observed = self._observe(client)
        if reconcile(self.known, list(self.pending), observed) is None:
            raise Lost(self._differences(observed))
        self.pending.clear()

    def _differences(self, observed):
        touched = {key for command in self.pending
                   for key in written_keys(command)}
        lines = ["worker %d: %d keys may be in doubt" % (self.number,
                                                         len(touched))]
        for key in sorted(self.known.keys() | observed.keys()):
            had, has = self.known.get(key), observed.get(key)
            if had == has:
                continue
            word = "lost" if has is None else "back" if had is None else "other"
            if key in touched:
                word += " (in doubt)"
            lines.append("%r: %s: acknowledged %.50r, found %.50r" % (
                key, word, had, has))
        return "\n".join(lines[:30])


class Swapper(Worker):
    """A worker with databases of its own. Its keys are pairs of a database and
    a name, and each of its writes selects its database first."""

    def _command(self):
        database, other = self.random.sample(DATABASES, 2)
        key = (database, self.random.choice(DATABASE_NAMES))
        dice = self.random.random()
        if dice < 0.1:
            return ("SWAPDB", database, other)
        if dice < 0.13:
            return ("FLUSHDB", database)
        if dice < 0.7:
            return ("SET", key, self._value())
        if dice < 0.85:
            return ("DEL", key)
        return ("GET", key)

    def _encode(self, command):
        name, args = command[0], command[1:]
        if name == "SWAPDB":
            return rt.encode(*command), 0
        if name == "FLUSHDB":
            database, words = args[0], ()
        else:
            database, words = args[0][0], (args[0][1],) + args[1:]
        return (rt.encode("SELECT", database) + rt.encode(name, *words)), 1

    def _observe(self, client):
        observed = {}
        for database in DATABASES:
            client.call("SELECT", database)
            found = self._read(client, DATABASE_NAMES)
            if client.call("DBSIZE") != len(found):
                raise Lost("DBSIZE of %d is not %d" % (database, len(found)))
            observed.update({(database, name): value
                             for name, value in found.items()})
        client.call("SELECT", 0)
        return observed


def test_oracle(tap):
    """What watches must itself see."""
    known = {b"a": b"1", b"b": b"2"}
    pending = [("MSET", b"a", b"3", b"c", b"4"), ("DEL", b"b")]
    cases = (
        ("nothing_in_doubt_happened", {b"a": b"1", b"b": b"2"}, 0),
        ("half_of_what_is_in_doubt_happened",
         {b"a": b"3", b"b": b"2", b"c": b"4"}, 1),
        ("all_that_is_in_doubt_happened", {b"a": b"3", b"c": b"4"}, 2),
        ("a_lost_write", {b"b": b"2"}, None),
        ("a_key_that_is_back", {b"a": b"1", b"b": b"2", b"d": b"0"}, None),
        ("half_an_mset", {b"a": b"3", b"b": b"2"}, None),
        ("a_write_without_those_before_it", {b"a": b"1"}, None),
        ("an_old_value", {b"a": b"0", b"b": b"2"}, None))
    for name, observed, wanted in cases:
        tap.equal(reconcile(dict(known), pending, observed), wanted,
                  "the_oracle_knows_" + name)
    one, two = (1, DATABASE_NAMES[0]), (2, DATABASE_NAMES[0])
    known = {one: b"1"}
    pending = [("SWAPDB", 1, 2), ("SET", one, b"2"), ("FLUSHDB", 2)]
    cases = (("no_swap", {one: b"1"}, 0), ("a_swap", {two: b"1"}, 1),
             ("a_write_behind_a_swap", {one: b"2", two: b"1"}, 2),
             ("a_flushdb", {one: b"2"}, 3), ("half_a_swap", {}, None),
             ("a_swap_done_twice", {one: b"1", two: b"2"}, None))
    for name, observed, wanted in cases:
        tap.equal(reconcile(dict(known), pending, observed), wanted,
                  "the_oracle_knows_" + name)


# -- the rounds --

class Loop:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.workers = [Worker(i, self.random.randrange(1 << 32))
                        for i in range(WORKERS)]
        self.workers.append(Swapper(WORKERS, self.random.randrange(1 << 32)))
        self.server = rt.Server(disk_reserve="0")
        self.compactor = rt.Compactor(self.server.dir)
        self.frozen = False
        self.counts = collections.Counter()

    def _options(self):
        pick = self.random.choice
        both = {"block_size": pick(("1kb", "4kb", "16kb")),
                "bloom_bits_per_key": pick((0, 10, 16)),
                "l0_compaction_trigger": pick((2, 4, 8))}
        self.server.options.update(
            both, appendfsync=pick(("always", "always", "everysec", "no")),
            memtable_size=pick(("256kb", "1mb", "4mb")),
            block_cache_size=pick(("0", "1mb", "64mb")))
        self.compactor.options.update(
            both, compression=pick(("none", "snappy", "lz4", "zstd")),
            table_size=pick(("64kb", "1mb")),
            level_base_size=pick(("64kb", "1mb")),
            level_size_multiplier=pick((2, 10)))

    def start_compactor(self):
        if self.compactor.pid is None or self.compactor.ended() is not None:
            self._compactor_lives()
            self.compactor.start()
            self.frozen = False

    def _compactor_lives(self):
        """Or it ended as it may: asked to, or by our own kill."""
        status = self.compactor.pid and self.compactor.ended()
        if status not in (None, 0, -signal.SIGKILL):
            raise Lost("the compactor ended with %d: %s" % (
                status, self.compactor.stderr()[-2000:]))

    def start_server(self):
        """Start; in some rounds kill it again while it recovers."""
        while self.random.random() < 0.15:
            self.server.spawn()
            time.sleep(self.random.random() * 0.06)
            self._server_lives("died at start")
            self.server.kill()
            self.counts["kills while starting"] += 1
        try:
            self.server.start()
        except (RuntimeError, TimeoutError) as error:
            self.counts["failed starts"] += 1
            raise Lost("it does not start: %s" % str(error)[-1500:]) \
                from error
        self.counts["starts"] += 1

    def _server_lives(self, what):
        if self.server.ended() is not None:
            self.counts["failed starts"] += 1
            raise Lost("%s with %d: %s" % (what, self.server.ended(),
                                           self.server.stderr()[-2000:]))

    def disturb_compactor(self):
        """Freeze, thaw, kill or start the compactor."""
        deed = self.random.choice(("freeze", "thaw", "kill", "start"))
        alive = self.compactor.pid is not None and \
            self.compactor.ended() is None
        if deed == "start" or not alive:
            self.start_compactor()
        elif deed == "kill":
            self._compactor_lives()
            self.compactor.kill()
            self.frozen = False
            self.counts["kills of the compactor"] += 1
        else:
            self.frozen = deed == "freeze"
            self.compactor.signal(signal.SIGSTOP if self.frozen
                                  else signal.SIGCONT)
            self.counts[deed + "s"] += 1

    def round(self):
        self._options()
        self.start_server()
        self.verify()
        if not self.frozen:
            self.start_compactor()
        stop = threading.Event()
        threads = [threading.Thread(target=worker.load,
                                    args=(self.server.port, stop))
                   for worker in self.workers]
        for thread in threads:
            thread.start()
        for _ in range(self.random.randrange(4)):
            time.sleep(self.random.random() * 0.25)
            self.disturb_compactor()
        time.sleep(self.random.random() * 0.4)
        self._server_lives("died under load")
        self._end(stop)
        stop.set()
        for thread in threads:
            thread.join()

    def _end(self, stop):
        """Most rounds end with a kill of the daemon, some of both."""
        dice = self.random.random()
        if dice < 0.1:
            self.counts["clean stops"] += 1
            stop.set()
            if self.server.stop() != 0:
                raise Lost("SIGTERM: exit %d" % self.server.ended())
            return
        self.server.kill()
        self.counts["kills of the daemon"] += 1
        if dice < 0.4:
            self.compactor.kill()
            self.frozen = False
            self.counts["kills of the compactor"] += 1

    def verify(self):
        with self.server.client() as client:
            for worker in self.workers:
                worker.verify(client)
            found, cursor = set(), b"0"
            while True:
                cursor, keys = client.call("SCAN", cursor, "COUNT", 1000)
                found.update(keys)
                if cursor == b"0":
                    break
        wanted = set()
        for worker in self.workers[:WORKERS]:
            wanted.update(worker.known)
        if found != wanted:
            raise Lost("SCAN: not found %s, too many %s" % (
                sorted(wanted - found)[:5], sorted(found - wanted)[:5]))

    def settle(self):
        """All merged down, with nothing to wait for; then once more."""
        self._compactor_lives()
        self.compactor.kill()
        self.compactor.options["l0_compaction_trigger"] = 2
        # Small tables and levels make thousands of jobs, each with syncs.
        status = self.compactor.once(patience_s=10 * rt.PATIENCE_S)
        if status != 0:
            raise Lost("--once ended with %d: %s" % (
                status, self.compactor.stderr()[-2000:]))
        self.start_server()
        self.verify()
        if self.server.stop() != 0:
            raise Lost("SIGTERM: exit %d" % self.server.ended())


def keep(loop):
    """Put the data directory aside for whoever looks into it."""
    kept = os.path.join(rt.BUILDDIR, "tests", "crash", "failed-%d" % SEED)
    for process in (loop.server, loop.compactor):
        process.kill()
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(loop.server.dir, kept)
    for process, name in ((loop.server, "riptided.log"),
                          (loop.compactor, "riptide-compactd.log")):
        with open(os.path.join(kept, name), "w", encoding="utf-8") as file:
            file.write(process.stderr())
    return kept


def main():
    tap = rt.Tap()
    test_oracle(tap)
    print("# SEED=%d ROUNDS=%d" % (SEED, ROUNDS), flush=True)
    loop = Loop(SEED)
    done = 0
    why = ""
    try:
        while done < ROUNDS:
            loop.round()
            done += 1
        loop.start_server()
        loop.verify()
        loop.server.stop()
        loop.settle()
    except Lost as error:
        why = "%s\nround %d, SEED=%d, kept in %s" % (error, done, SEED,
                                                     keep(loop))
    for what, count in sorted(loop.counts.items()):
        print("# %d %s" % (count, what))
    print("# %d commands acknowledged" % sum(worker.acknowledged
                                             for worker in loop.workers))
    tap.ok(loop.counts["failed starts"] == 0, "every_start_succeeds", why)
    tap.ok(not why, "what_was_acknowledged_is_there_after_every_kill", why)
    if not why:
        tap.ok(*check(loop.server.dir))
    tap.done()


def check(directory):
    """riptide check, as arguments of Tap.ok."""
    done = subprocess.run([rt.RIPTIDE, "--dir", directory, "check"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=rt.PATIENCE_S, check=False)
    return (done.returncode == 0, "riptide_check_finds_nothing",
            done.stdout.decode(errors="replace"))


if __name__ == "__main__":
    main()
