"""oracle: what the crash loop knows of the data, outside the data directory.

A connection has keys of its own. What was answered is in its `known` state;
what was sent and not answered is `pending`, in order. After a crash its keys
must be `known` plus a prefix of `pending`, all of a command or nothing: then
nothing acknowledged is lost, nothing deleted is back, no MSET and no EXEC is
half there, and no write is there without those before it.

Some keys belong to all connections (Shared): a counter, a journal that each
batch adds a token to, and a group of keys that are only ever set together.
They tie the connections to each other: the prefixes that were found must agree
with what the shared keys say about them.

A state is a dict. Its values are bytes, or an Expiring.
"""

import collections

# The daemon looks at the clock once for many commands, before it reads them,
# and may be stopped there.
EARLY_MS = 100
LATE_MS = 1000

Expiring = collections.namedtuple("Expiring", "value deadline_ms")
# A key read with its deadline, None when it has none.
Seen = collections.namedtuple("Seen", "value deadline_ms")
# The wall clock before a command was sent and after its reply was read, ms.
Window = collections.namedtuple("Window", "start_ms end_ms")
NOW = Window(0, 0)

DATABASE_NAMES = [b"s%03d" % i for i in range(60)]


class Lost(Exception):
    """The data contradicts the oracle."""


def matches(entry, found, window):
    """May a key with this entry have been read as `found`: its value, Seen, or
    None?"""
    if isinstance(found, Seen):
        deadline_ms = getattr(entry, "deadline_ms", None)
        if deadline_ms != found.deadline_ms:
            return False
        found = found.value
    if not isinstance(entry, Expiring):
        return entry == found
    if found is not None and found != entry.value:
        return False
    if found is None:
        return entry.deadline_ms <= window.end_ms + EARLY_MS
    return entry.deadline_ms > window.start_ms - LATE_MS


def _set(state, key, value):
    state[key] = value
    return "OK"


def _mset(state, *pairs):
    state.update(zip(pairs[0::2], pairs[1::2]))
    return "OK"


def _msetnx(state, *pairs):
    if any(key in state for key in pairs[0::2]):
        return 0
    _mset(state, *pairs)
    return 1


def _del(state, *keys):
    return sum(state.pop(key, None) is not None for key in keys)


def _incr(state, key):
    value = int(state.get(key, b"0")) + 1
    state[key] = b"%d" % value
    return value


def _append(state, key, more):
    state[key] = state.get(key, b"") + more
    return len(state[key])


def _expire(state, key, deadline_ms):
    """Given only to keys without a deadline, so that it does not matter when
    it is done."""
    if key not in state:
        return 0
    state[key] = Expiring(state[key], deadline_ms)
    return 1


def _flushdb(state, database):
    for key in [key for key in state if key[0] == database]:
        del state[key]
    return "OK"


def _swapdb(state, one, two):
    other = {one: two, two: one}
    swapped = {(other.get(key[0], key[0]), key[1]): value
               for key, value in state.items()}
    state.clear()
    state.update(swapped)
    return "OK"


def _get(state, key):
    return state.get(key)


def _exec(state, *commands):
    """Its commands, each with its own name and words."""
    return [apply(state, command) for command in commands]


_COMMANDS = {"GET": _get, "SET": _set, "MSET": _mset, "MSETNX": _msetnx,
             "DEL": _del, "INCR": _incr, "APPEND": _append,
             "PEXPIREAT": _expire, "FLUSHDB": _flushdb, "SWAPDB": _swapdb,
             "EXEC": _exec}
# On shared keys: nothing of the connection's own changes.
SHARED = ("JOURNAL", "COUNT", "GROUP", "LOOK")


def apply(state, command):
    """Do a command to a state; the reply it must get."""
    if command[0] in SHARED:
        return None
    return _COMMANDS[command[0]](state, *command[1:])


def written_keys(command):
    """The keys that a command may change."""
    name = command[0]
    if name == "GET" or name in SHARED:
        return ()
    if name == "EXEC":
        return [key for inner in command[1:] for key in written_keys(inner)]
    if name in ("FLUSHDB", "SWAPDB"):
        return [(database, key) for database in command[1:]
                for key in DATABASE_NAMES]
    if name in ("MSET", "MSETNX"):
        return command[1::2]
    return command[1:] if name == "DEL" else command[1:2]


def reconcile(known, pending, observed, window=NOW):
    """The numbers of pending commands that may have happened for `observed`
    to have been read of the state, ascending; none when there is none."""
    def is_wrong(key):
        return not matches(state.get(key), observed.get(key), window)

    state = dict(known)
    wrong = {key for key in known.keys() | observed.keys() if is_wrong(key)}
    found = [] if wrong else [0]
    for number, command in enumerate(pending, 1):
        apply(state, command)
        for key in written_keys(command):
            if is_wrong(key):
                wrong.add(key)
            else:
                wrong.discard(key)
        if not wrong:
            found.append(number)
    return found


def accept(known, pending, observed, happened):
    """`happened` of the pending commands did happen: so known becomes the
    state that was observed."""
    for command in list(pending)[:happened]:
        apply(known, command)
    for key in [key for key in known if key not in observed]:
        del known[key]


# -- what all connections share --

class Write:
    """A token that a connection put into the group of keys, by order of
    events: when it was sent, and when acknowledged (None: not yet)."""

    def __init__(self, token, sent):
        self.token = token
        self.sent = sent
        self.acknowledged = None


class Shared:
    """The shared keys of one load, which begins with all of them empty."""

    JOURNAL = b"shared:journal"
    COUNTER = b"shared:counter"
    GROUP = [b"shared:group%d" % i for i in range(5)]

    def __init__(self):
        self.events = 0
        self.counts = {}		# reply of COUNT: connection
        self.places = []		# (length replied, token)
        self.writes = {}		# token: Write
        self.floor = 0		# event before which no token is the newest

    def event(self):
        self.events += 1
        return self.events

    def encode(self, command):
        """A command on the shared keys in the server's words."""
        if command[0] == "JOURNAL":
            return ("APPEND", self.JOURNAL, command[1])
        if command[0] == "COUNT":
            return ("INCR", self.COUNTER)
        if command[0] == "LOOK":
            return ("MGET",) + tuple(self.GROUP)
        words = ["MSET"]
        for key in self.GROUP:
            words += [key, command[1]]
        return tuple(words)

    def sent(self, command):
        if command[0] == "GROUP":
            self.writes[command[1]] = Write(command[1], self.event())

    def answered(self, number, command, reply):
        """A reply of connection `number`."""
        if command[0] == "JOURNAL":
            self.places.append((reply, command[1]))
        elif command[0] == "COUNT":
            if reply in self.counts:
                raise Lost("two INCR were answered %d" % reply)
            self.counts[reply] = number
        elif command[0] == "GROUP":
            if reply != "OK":
                raise Lost("MSET was answered %r" % (reply,))
            write = self.writes[command[1]]
            write.acknowledged = self.event()
            self._outdated(write)
        else:
            self.looked(reply, command[1])

    def _outdated(self, write):
        """What was acknowledged before this one was sent is over."""
        self.floor = max(self.floor, write.sent)

    def looked(self, values, floor):
        """The group was read; what is read must be there from now on. floor:
        ours, when the command was sent."""
        if len(set(values)) != 1:
            raise Lost("an MSET is there by half: %r" % (values,))
        token = values[0]
        if token is None:
            if floor:
                raise Lost("an MSET that was acknowledged is not there")
            return
        if token not in self.writes:
            raise Lost("the group is %r, which was not set" % token)
        write = self.writes[token]
        if write.acknowledged is not None and \
                write.acknowledged < floor:
            raise Lost("the group is %r, which was set before %d others" % (
                token, sum(other.sent > write.acknowledged
                           for other in self.writes.values())))
        self._outdated(write)

    def check_journal(self, journal):
        """The tokens of the journal; each acknowledged one in its place."""
        journal = journal or b""
        for length, token in self.places:
            if journal[:length][-len(token):] != token:
                raise Lost("the journal has not %r at %d" % (token, length))
        tokens = journal.split(b";")[:-1]
        if len(set(tokens)) != len(tokens):
            raise Lost("the journal has a token twice: %r" % journal)
        return [token + b";" for token in tokens]

    def check_count(self, count, possible):
        """`possible`: for each connection, how many of its COUNT may have
        happened."""
        if self.counts and count < max(self.counts):
            raise Lost("the counter is %d, but %d was answered" % (
                count, max(self.counts)))
        sums = {0}
        for numbers in possible:
            sums = {one + other for one in sums for other in numbers}
        if count not in sums:
            raise Lost("the counter is %d, by the connections it is one of %s"
                       % (count, sorted(sums)[:20]))


def narrow(pending, numbers, acknowledged, tokens):
    """Of the numbers of commands that may have happened, those that agree with
    the journal: the connection's tokens in it are `tokens`, of which so many
    were acknowledged."""
    mine = [command[1] for command in pending if command[0] == "JOURNAL"]
    if tokens[acknowledged:] != mine[:len(tokens) - acknowledged]:
        raise Lost("the journal has %r, but not those before" % (
            tokens[acknowledged:],))
    wanted = len(tokens) - acknowledged
    kept = []
    for number in numbers:
        happened = sum(command[0] == "JOURNAL"
                       for command in list(pending)[:number])
        if happened == wanted:
            kept.append(number)
    return kept
