"""load: connections that write, and know what they wrote.

One thread drives all connections of a daemon with select, so that what is sent
is known at every moment, and a kill can come between any two answers.
"""

import collections
import os
import random
import selectors
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import riptide_test as rt  # noqa: E402
import oracle  # noqa: E402
from oracle import Lost  # noqa: E402

KEYS = 400
COUNTERS = 10
DATED = 30
# Of the worker that swaps.
DATABASES = (1, 2, 3)


def now_ms():
    return time.time_ns() // 1000000


def parse(data, at):
    """The reply that begins at `at`, and where it ends: None when it is not
    whole yet."""
    end = data.find(b"\r\n", at)
    if end < 0:
        return None, None
    kind, rest, end = data[at:at + 1], data[at + 1:end], end + 2
    if kind == b"+":
        return rest.decode(), end
    if kind == b"-":
        return rt.ReplyError(rest.decode()), end
    if kind == b":":
        return int(rest), end
    if kind == b"$":
        if rest == b"-1":
            return None, end
        size = int(rest)
        if len(data) < end + size + 2:
            return None, None
        return bytes(data[end:end + size]), end + size + 2
    if kind != b"*":
        raise Lost("not a reply: %r" % data[at:at + 50])
    values = []
    for _ in range(int(rest)):
        value, end = parse(data, end)
        if end is None:
            return None, None
        values.append(value)
    return values, end


class Worker:
    """One connection's load, and what it knows."""

    def __init__(self, number, seed):
        self.number = number
        self.random = random.Random(seed)
        self.keys = [b"w%d:%04d" % (number, i) for i in range(KEYS)]
        self.counters = [b"w%d:n%d" % (number, i) for i in range(COUNTERS)]
        self.dated = [b"w%d:e%d" % (number, i) for i in range(DATED)]
        self.has_date = set()	# of those, once all that was sent is done
        self.known = {}
        self.pending = collections.deque()
        self.acknowledged = 0
        self.written = 0
        self.has_msetnx = False
        self.observed = {}
        self.window = oracle.NOW
        self.begin(None)

    def begin(self, shared):
        """A new load begins, with an empty journal."""
        self.shared = shared
        self.client = None
        self.expected = collections.deque()	# replies, and times of sending
        self.unsent = b""
        self.received = bytearray()
        self.journalled = 0
        self.counted = 0

    # -- what to do --

    def _token(self):
        self.written += 1
        return b"%d.%d;" % (self.number, self.written)

    def _value(self):
        """A value that no other write has, mostly short."""
        size = self.random.choice((0, 30, 100, 100, 400, 400, 20000)) \
            if self.random.random() < 0.2 else self.random.randrange(200)
        return self._token() + b"v" * size

    def _dated_command(self):
        key = self.random.choice(self.dated)
        dice = self.random.random()
        if dice < 0.3:
            return ("GET", key)
        if dice < 0.4:
            self.has_date.discard(key)
            return ("DEL", key)
        if dice < 0.7 or key in self.has_date:
            self.has_date.discard(key)
            return ("SET", key, self._value())
        self.has_date.add(key)
        ahead = self.random.choice((20, 100, 300, 1000, 10 ** 9))
        return ("PEXPIREAT", key, now_ms() + self.random.randrange(ahead))

    def _pairs(self):
        pairs = []
        for key in self.random.sample(self.keys, self.random.randrange(2, 6)):
            pairs += [key, self._value()]
        return tuple(pairs)

    def _transaction(self):
        """Commands of an EXEC: they see each other's writes."""
        commands = []
        for _ in range(self.random.choice((2, 3, 5, 20))):
            key = self.random.choice(self.keys)
            commands.append(self.random.choice((
                ("SET", key, self._value()), ("DEL", key), ("GET", key),
                ("MSET",) + self._pairs(),
                ("INCR", self.random.choice(self.counters)))))
        return ("EXEC",) + tuple(commands)

    def _shared_command(self):
        dice = self.random.random()
        if dice < 0.4:
            return ("COUNT",)
        if dice < 0.8:
            return ("GROUP", self._token())
        return ("LOOK", self.shared.floor)

    def _command(self):
        key = self.random.choice(self.keys)
        dice = self.random.random()
        if dice < 0.4:
            return ("SET", key, self._value())
        if dice < 0.55:
            return ("DEL",) + tuple(self.random.sample(
                self.keys, self.random.choice((1, 1, 1, 4))))
        if dice < 0.62:
            return ("MSET",) + self._pairs()
        if dice < 0.65:
            return ("MSETNX" if self.has_msetnx else "MSET",) + self._pairs()
        if dice < 0.70:
            return ("INCR", self.random.choice(self.counters))
        if dice < 0.72:
            return self._transaction()
        if dice < 0.75:
            # Short, so that a key does not grow without end.
            return ("APPEND", key, b"+%d" % self.random.randrange(100))
        if dice < 0.83:
            return self._dated_command()
        if dice < 0.9:
            return self._shared_command()
        return ("GET", key)

    def _encode(self, command):
        """The command's bytes, and how many replies come before its own."""
        if command[0] in oracle.SHARED:
            return rt.encode(*self.shared.encode(command)), 0
        if command[0] == "EXEC":
            words = [("MULTI",)] + list(command[1:]) + [("EXEC",)]
            return b"".join(rt.encode(*inner) for inner in words), len(command)
        return rt.encode(*command), 0

    # -- the connection --

    def connect(self, path):
        self.client = rt.RespClient(path=path)
        self.client.sock.setblocking(False)

    def close(self):
        if self.client is not None:
            self.client.close()
        self.client = None

    def next_batch(self):
        """Draw a batch, and send what the socket takes."""
        batch = [("JOURNAL", self._token())]
        batch += [self._command() for _ in range(
            self.random.choice((1, 1, 2, 8, 32, 64)))]
        data = bytearray()
        sent_ms = now_ms()
        for command in batch:
            self.pending.append(command)
            self.shared.sent(command)
            words, before = self._encode(command)
            data += words
            self.expected.append((before, sent_ms))
        self.unsent = bytes(data)
        self.send()

    def send(self):
        try:
            sent = self.client.sock.send(self.unsent)
        except OSError:
            # Full, or over: then the next receive says so.
            return
        self.unsent = self.unsent[sent:]

    def receive(self):
        """Take the replies that are there. False: the connection ended."""
        try:
            data = self.client.sock.recv(1 << 18)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        self.received += data
        received_ms = now_ms()
        at = 0
        while self.expected:
            before, sent_ms = self.expected[0]
            reply, end = None, at
            for _ in range(before + 1):
                reply, end = parse(self.received, end)
                if end is None:
                    break
            if end is None:
                break
            at = end
            self.expected.popleft()
            self._answered(reply, oracle.Window(sent_ms, received_ms))
        del self.received[:at]
        return True

    # -- what the replies say --

    def _answered(self, reply, window):
        command = self.pending.popleft()
        if isinstance(reply, rt.ReplyError):
            raise Lost("%s %r was answered %s" % (command[0], command[1:2],
                                                  reply.text))
        self.acknowledged += 1
        if command[0] in oracle.SHARED:
            self.journalled += command[0] == "JOURNAL"
            self.counted += command[0] == "COUNT"
            self.shared.answered(self.number, command, reply)
            return
        before = self.known.get(command[1])
        wanted = oracle.apply(self.known, command)
        if isinstance(before, oracle.Expiring) and command[0] == "DEL":
            wanted, reply = before, before.value if reply else None
        if not oracle.matches(wanted, reply, window):
            raise Lost("%s %r was answered %.60r, not %.60r" % (
                command[0], command[1], reply, wanted))

    # -- after a restart --

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
        observed = self._read(client, self.keys + self.counters)
        # The deadline first: a key that is there then, and has a value, had
        # both.
        ends = client.pipeline([("PEXPIRETIME", key) for key in self.dated])
        found = self._read(client, self.dated)
        for key, end in zip(self.dated, ends):
            if end != -2 and key in found:
                observed[key] = oracle.Seen(found[key],
                                            end if end >= 0 else None)
        return observed

    def observe(self, client):
        """Read everything, for verify()."""
        self.has_msetnx = client.call("COMMAND", "INFO", "MSETNX") != [None]
        start_ms = now_ms()
        self.observed = self._observe(client)
        self.window = oracle.Window(start_ms, now_ms())

    def verify(self, tokens):
        """Compare. tokens: those of the journal that are ours, None without a
        journal. Returns how many COUNT may have happened, as a set."""
        observed = self.observed
        numbers = oracle.reconcile(self.known, self.pending, observed,
                                   self.window)
        if not numbers:
            raise Lost(self._differences())
        kept = numbers if tokens is None else oracle.narrow(
            self.pending, numbers, self.journalled, tokens)
        if not kept:
            raise Lost("worker %d: %s of the %d commands in doubt happened, "
                       "but the journal has %d batches, %d acknowledged" % (
                           self.number, numbers, len(self.pending),
                           len(tokens), self.journalled))
        counts = {self.counted + sum(command[0] == "COUNT" for command in
                                     list(self.pending)[:number])
                  for number in kept}
        oracle.accept(self.known, self.pending, observed, kept[-1])
        self.pending.clear()
        self.has_date = {key for key in self.dated if isinstance(
            self.known.get(key), oracle.Expiring)}
        return counts

    def _differences(self):
        observed = self.observed
        touched = {key for command in self.pending
                   for key in oracle.written_keys(command)}
        lines = ["worker %d: %d keys may be in doubt" % (self.number,
                                                         len(touched))]
        for key in sorted(self.known.keys() | observed.keys()):
            had, has = self.known.get(key), observed.get(key)
            if oracle.matches(had, has, self.window):
                continue
            word = "lost" if has is None else "back" if had is None else "other"
            if key in touched:
                word += " (in doubt)"
            lines.append("%r: %s: acknowledged %.50r, found %.50r" % (
                key, word, had, has))
        return "\n".join(lines[:30])


class Swapper(Worker):
    """A worker with databases of its own. Its keys are pairs of a database and
    a name, and each of its commands selects its database first."""

    def _command(self):
        database, other = self.random.sample(DATABASES, 2)
        key = (database, self.random.choice(oracle.DATABASE_NAMES))
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
        if name in oracle.SHARED:
            database, words = 0, self.shared.encode(command)
        elif name == "SWAPDB":
            return rt.encode(*command), 0
        elif name == "FLUSHDB":
            database, words = args[0], (name,)
        else:
            database, words = args[0][0], (name, args[0][1]) + args[1:]
        return rt.encode("SELECT", database) + rt.encode(*words), 1

    def _observe(self, client):
        observed = {}
        for database in DATABASES:
            client.call("SELECT", database)
            found = self._read(client, oracle.DATABASE_NAMES)
            if client.call("DBSIZE") != len(found):
                raise Lost("DBSIZE of %d is not %d" % (database, len(found)))
            observed.update({(database, name): value
                             for name, value in found.items()})
        client.call("SELECT", 0)
        return observed


class Load:
    """All connections of one daemon."""

    def __init__(self, workers, path):
        self.workers = workers
        self.path = path
        self.selector = selectors.DefaultSelector()
        self.open = 0

    def begin(self, shared):
        """Connect; the shared keys are empty before anything else is sent.
        False: the daemon went away meanwhile, and nothing was sent."""
        for worker in self.workers:
            worker.begin(shared)
        try:
            for worker in self.workers:
                worker.connect(self.path)
        except OSError:
            return False
        for worker in self.workers:
            self.selector.register(worker.client.sock, selectors.EVENT_READ,
                                   worker)
        self.open = len(self.workers)
        return True

    def acknowledged(self):
        return sum(worker.acknowledged for worker in self.workers)

    def _serve(self, worker, draw):
        if not worker.receive():
            self.selector.unregister(worker.client.sock)
            worker.close()
            self.open -= 1
            return
        if worker.unsent:
            worker.send()
        elif not worker.expected and draw:
            worker.next_batch()
        wanted = selectors.EVENT_READ
        if worker.unsent:
            wanted |= selectors.EVENT_WRITE
        self.selector.modify(worker.client.sock, wanted, worker)

    def run(self, seconds, acknowledged, draw=True):
        """Serve the connections until so much time is over, so many commands
        were answered, or none is left. True: something happened meanwhile."""
        end = time.monotonic() + seconds
        goal = self.acknowledged() + acknowledged
        moved = False
        if draw:
            for key in list(self.selector.get_map().values()):
                if not key.data.expected and not key.data.unsent:
                    self._serve(key.data, True)
        while self.open > 0 and self.acknowledged() < goal:
            left = end - time.monotonic()
            if left <= 0:
                break
            for key, _ in self.selector.select(left):
                moved = True
                self._serve(key.data, draw)
        return moved

    def drained(self):
        """Nothing is owed to any connection."""
        return all(not worker.expected for worker in self.workers)

    def end(self):
        """Take what was answered before the end, and close."""
        while self.open > 0 and self.run(0.001, 1 << 60, draw=False):
            pass
        for worker in self.workers:
            worker.close()
        self.selector.close()
