#!/usr/bin/env python3
"""Random commands to redis-server and to riptided: replies equal byte for byte.

Both get the same list of commands, in RESP2 and RESP3: every command that both
have, options in every mix, edge numbers, binary keys and values, and commands
that were spoiled: a word less, a word more, another word. RTT_SEED replays a
run and RTT_COMMANDS lengthens it; `make differential COMMANDS=2000000` is the
long form.

Intended differences, left out of the lists or made alike below:
- SCAN and KEYS come in key order here and in hash order there: SCAN is
  compared as the set of keys of a whole scan, KEYS as a sorted list.
- Times that are left (TTL, PTTL and the absolute forms of a relative time) may
  differ by what passes between the two servers: by 20 s at most.
- proto-max-bulk-len is 64mb here and 512mb there; both are set to 64mb.
- DBSIZE there counts keys that have ended until something looks at them: it
  is compared after a whole scan, which looks at all.
- OBJECT ENCODING after APPEND or SETRANGE is raw there: not asked.
- Bytes outside ASCII in error replies are written as \\xNN here: not sent as
  command names or options.
- Sets and listings of commands have no order there (ACL CAT, COMMAND LIST) and
  are compared as sorted lists, of the commands that both have.
- DBSIZE with too many words is refused when it runs, and within MULTI queued.
- RANDOMKEY: whether there is a key is compared, not which.
- WAIT does not wait here: it is asked for no replicas.
- HELP, LOLWUT and the DOCTORs have texts of their own: not asked.
- What is told of this very server: CLIENT ID, LIST, INFO; INFO; TIME; LASTSAVE;
  MEMORY USAGE and STATS; SLOWLOG GET: not asked.
- CONFIG: names and values are those of two servers; asked where they agree.
- BGSAVE and BGREWRITEAOF may find another one at work there: not asked.
"""

import os
import random
import shutil
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402
from redis_peer import RedisPeer  # noqa: E402

SEED = int(os.environ.get("RTT_SEED", "20240607"))
COMMANDS = int(os.environ.get("RTT_COMMANDS", "120000"))
BATCH = 100

KEYS = [b"k%d" % i for i in range(24)] + [b"", b"\x00", b"a\r\nb", b"\xff\x00",
                                          b"user:1", b"user:2", b"user:10"]
VALUES = [b"", b"0", b"1", b"-1", b"10", b"007", b" 1", b"1 ", b"+1", b"-0",
          b"9223372036854775807", b"-9223372036854775808",
          b"9223372036854775808", b"3.5", b"abc", b"hello world", b"\x00\x01",
          b"x" * 44, b"x" * 45, b"\r\n", bytes(range(256))]
NUMBERS = [b"0", b"1", b"-1", b"2", b"5", b"-5", b"100", b"-100", b"1.5",
           b"abc", b"", b"9223372036854775807", b"-9223372036854775808",
           b"9223372036854775808", b"9223372036854775", b"-9223372036854775",
           b"9223372036854776", b"1000000", b"+3", b"03"]
# Far away, so that nothing ends while the two are compared, which may take a
# quarter of an hour.
SECONDS = [b"100000", b"1000000", b"200000", b"0", b"-1", b"abc", b"1.5",
           b"9223372036854775807", b"9223372036854775", b"-9223372036854775"]
MILLISECONDS = [b"100000000", b"500000000", b"0", b"-1", b"abc",
                b"9223372036854775807", b"-9223372036854775808"]
AT_SECONDS = [b"4102444800", b"4102444801", b"1", b"0", b"-1", b"abc",
              b"9223372036854775807"]
AT_MILLISECONDS = [b"4102444800000", b"4102444800123", b"4102444800501", b"1",
                   b"0", b"-1", b"x"]


# proto-max-bulk-len is 64mb: 536870912 bits.
BITS = [b"0", b"1", b"7", b"8", b"9", b"63", b"64", b"100", b"1000", b"-1",
        b"536870912", b"4294967296", b"abc", b"", b"1.5",
        b"9223372036854775807"]
POSITIONS = [b"0", b"1", b"-1", b"2", b"-2", b"5", b"-5", b"7", b"8", b"9",
             b"17", b"-17", b"100", b"-100", b"1000", b"abc", b"",
             b"9223372036854775807", b"-9223372036854775808"]
UNITS = [[], [], [b"BYTE"], [b"BIT"], [b"bit"], [b"byte"], [b"NOSUCH"],
         [b"BIT", b"BIT"]]
TYPES = [b"u1", b"u2", b"u8", b"u13", b"u32", b"u63", b"i1", b"i2", b"i8",
         b"i13", b"i32", b"i63", b"i64", b"u64", b"i65", b"u0", b"x8", b"i",
         b"", b"I8", b"u 8"]
FLOATS = [b"0", b"1.5", b"-1.5", b"3.0e3", b"-5", b"0.1", b"1e-20", b"1e400",
          b"1e4931", b"-1e4931", b"inf", b"-inf", b"nan", b"abc", b"", b" 1",
          b"1 ", b"0x10", b"+1", b"1e", b"100000000000000000000000000000",
          b"0.00000000000000000001", b"3.141592653589793238462643383279"]


class Maker:
    """Commands at random. Every choice comes from one generator."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, items):
        return self.random.choice(items)

    def key(self):
        return self.one(KEYS)

    def value(self):
        return self.one(VALUES)

    def time_option(self):
        name = self.one([b"EX", b"PX", b"EXAT", b"PXAT", b"ex", b"Px"])
        times = {b"EX": SECONDS, b"PX": MILLISECONDS, b"EXAT": AT_SECONDS,
                 b"PXAT": AT_MILLISECONDS}[name.upper()]
        # Mostly times that are taken.
        amount = times[self.random.randrange(2)] \
            if self.random.random() < 0.7 else self.one(times)
        return [name, amount]

    def set_options(self):
        words = []
        for _ in range(self.one([0, 0, 1, 1, 2, 3])):
            words += self.one([
                [b"NX"], [b"XX"], [b"GET"], [b"KEEPTTL"], [b"nx"], [b"get"],
                self.time_option(), self.time_option(), [b"PERSIST"],
                [b"EX"], [b"NOSUCH"]])
        return words

    def getex_options(self):
        return self.one([[], self.time_option(), self.time_option(),
                         [b"PERSIST"], [b"persist"], [b"EX"], [b"NX"],
                         [b"PERSIST", b"EX", b"10"]])

    def conditions(self):
        return self.one([[], [], [], [b"NX"], [b"XX"], [b"GT"], [b"LT"],
                         [b"xx", b"gt"], [b"NX", b"GT"], [b"GT", b"LT"],
                         [b"NOSUCH"], [b"NX", b"XX"]])

    def relative(self, seconds):
        """EXPIRE and PEXPIRE. What is later or earlier than a time of the same
        length depends on the millisecond: no two are alike."""
        conditions = self.conditions()
        times = SECONDS if seconds else MILLISECONDS
        if {b"GT", b"LT"} & {word.upper() for word in conditions}:
            amount = self.random.randrange(200000, 900000)
            return [b"%d" % (amount if seconds else amount * 1009)] + conditions
        return [self.one(times)] + conditions

    def pairs(self):
        words = []
        for _ in range(self.random.randrange(1, 5)):
            words += [self.key(), self.value()]
        if self.random.random() < 0.1:
            words.pop()
        return words

    def keys(self):
        return [self.key() for _ in range(self.random.randrange(1, 5))]

    def floating(self):
        return self.one(FLOATS)

    def bit_range(self):
        """What may follow BITCOUNT k and BITPOS k 1."""
        return self.one([
            [], [self.one(POSITIONS)],
            [self.one(POSITIONS), self.one(POSITIONS)],
            [self.one(POSITIONS), self.one(POSITIONS)] + self.one(UNITS),
            [self.one(POSITIONS), self.one(POSITIONS)] + self.one(UNITS)])

    def field_offset(self):
        hashed = self.one([b"", b"#"])
        return hashed + self.one([b"0", b"1", b"7", b"8", b"100", b"-1", b"x",
                                  b"", b"536870912", b"100000"])

    def fields(self, writes=True):
        words = []
        for _ in range(self.one([0, 1, 1, 2, 3, 5])):
            place = [self.one(TYPES[:13]) if self.random.random() < 0.9 else
                     self.one(TYPES), self.field_offset()]
            words += self.one([[b"GET"] + place] + (
                [[b"SET"] + place + [self.one(NUMBERS)],
                 [b"INCRBY"] + place + [self.one(NUMBERS)],
                 [b"incrby"] + place + [self.one([b"1", b"-1", b"100"])],
                 [b"OVERFLOW", self.one([b"WRAP", b"SAT", b"FAIL", b"sat"])],
                 [b"OVERFLOW", b"NOSUCH"], [b"OVERFLOW"], [b"SET"] + place,
                 [b"NOSUCH"]] if writes or self.random.random() < 0.1 else []))
        return words

    def lcs_options(self):
        words = []
        for _ in range(self.one([0, 0, 1, 1, 2, 3])):
            words += self.one([[b"IDX"], [b"LEN"], [b"idx"],
                               [b"WITHMATCHLEN"], [b"IDX", b"WITHMATCHLEN"],
                               [b"MINMATCHLEN", number], [b"MINMATCHLEN"],
                               [b"NOSUCH"]])
        return [word(self) if callable(word) else word for word in words]

    def text(self):
        """Strings that have something in common."""
        return bytes(self.random.choice(b"abc")
                     for _ in range(self.one([0, 3, 10, 40, 200])))

    def copy_options(self):
        words = []
        for _ in range(self.one([0, 0, 1, 1, 2])):
            words += self.one([[b"REPLACE"], [b"replace"], [b"DB", database],
                               [b"DB", database], [b"DB"], [b"NOSUCH"]])
        return [word(self) if callable(word) else word for word in words]

    def batch(self, count):
        """Commands; every now and then some of them are a transaction."""
        out = []
        while len(out) < count:
            if self.random.random() >= 0.03:
                out.append(self.command())
                continue
            if self.random.random() < 0.3:
                out.append([b"WATCH"] + self.keys())
            out.append([b"MULTI"])
            out += [self.queued()
                    for _ in range(self.one([0, 1, 2, 3, 5, 10]))]
            out.append([self.one([b"EXEC", b"EXEC", b"exec", b"DISCARD"])])
            if self.random.random() < 0.1:
                out.append([self.one([b"UNWATCH", b"EXEC", b"DISCARD"])])
        return out

    def queued(self):
        """What may stand in a transaction: its reply is in that of EXEC, which
        is compared as a whole."""
        if self.random.random() < 0.03:
            return self.one([self.wrong(), [b"MULTI"], [b"WATCH", b"k1"]])
        words = self.one(MAKERS)(self)
        while words[0].upper() in UNORDERED:
            words = self.one(MAKERS)(self)
        return words

    def command(self):
        chance = self.random.random()
        if chance < 0.02:
            return self.wrong()
        if chance < 0.12:
            return self.one(RARE)(self)
        words = self.one(MAKERS)(self)
        return words if chance < 0.9 else self.spoil(words)

    def spoil(self, words):
        """A word less, a word more, or another word."""
        if words[0].upper() in UNSPOILED:
            return words
        words, at = list(words), self.random.randrange(1, len(words) + 1)
        # No other number where it might be a time that ends meanwhile.
        word = self.one(PLAIN if words[0].upper() in TIMED else
                        self.one([NUMBERS, POSITIONS, PLAIN, TYPES]))
        kind = self.random.randrange(3)
        if at == len(words) or kind == 0:
            words.insert(at, word)
        elif kind == 1:
            words[at] = word
        else:
            del words[at]
        return words

    def wrong(self):
        """Unknown names, wrong numbers of arguments, unknown subcommands."""
        name = self.one(NAMES)
        return self.one([
            [b"NOSUCH", b"k1"], [b"nosuch", b"a" * 200, b"b"],
            [b"nosuch", b"x" * 127, b"y", b"z"], [name],
            [name] + [b"1"] * 9, [b"CLIENT", b"NOSUCH"], [b"CONFIG"],
            [b"config", b"nosuch"], [b"OBJECT", b"NOSUCH", b"k"],
            [b"CLIENT", b"SETNAME"], [b"MEMORY", b"USAGE"],
            [b"n" * 200]])


def m(*words):
    """A maker of [word ...]; functions among the words are called."""
    def make(maker):
        out = []
        for word in words:
            got = word(maker) if callable(word) else word
            out += got if isinstance(got, list) else [got]
        return out
    return make


def number(maker):
    return maker.one(NUMBERS)


def database(maker):
    return maker.one([b"0", b"1", b"15", b"0", b"1", b"16", b"-1", b"x",
                      b"99999999999999999999", b"4294967296", b"2147483648"])


MAKERS = [
    m(b"SET", Maker.key, Maker.value, Maker.set_options),
    m(b"SET", Maker.key, Maker.value),
    m(b"SET", Maker.key, Maker.value, Maker.time_option),
    m(b"SETNX", Maker.key, Maker.value),
    m(b"SETEX", Maker.key, lambda r: r.one(SECONDS), Maker.value),
    m(b"PSETEX", Maker.key, lambda r: r.one(MILLISECONDS), Maker.value),
    m(b"GETSET", Maker.key, Maker.value),
    m(b"GETDEL", Maker.key),
    m(b"GETEX", Maker.key, Maker.getex_options),
    m(b"GET", Maker.key), m(b"get", Maker.key),
    m(b"MGET", Maker.keys), m(b"MSET", Maker.pairs),
    m(b"DEL", Maker.keys), m(b"UNLINK", Maker.keys),
    m(b"EXISTS", Maker.keys), m(b"TYPE", Maker.key),
    m(b"INCR", Maker.key), m(b"DECR", Maker.key),
    m(b"INCRBY", Maker.key, number), m(b"DECRBY", Maker.key, number),
    m(b"APPEND", Maker.key, Maker.value), m(b"STRLEN", Maker.key),
    m(b"GETRANGE", Maker.key, number, number),
    m(b"SETRANGE", Maker.key, lambda r: r.one(
        [b"0", b"1", b"10", b"100", b"-1", b"abc", b"67108864",
         b"9223372036854775807"]), Maker.value),
    m(b"SUBSTR", Maker.key, number, number),
    m(b"MSETNX", Maker.pairs),
    m(b"INCRBYFLOAT", Maker.key, Maker.floating),
    m(b"INCRBYFLOAT", Maker.key, Maker.floating),
    m(b"SETBIT", Maker.key, lambda r: r.one(BITS), lambda r: r.one(
        [b"0", b"1", b"1", b"2", b"-1", b"x"])),
    m(b"GETBIT", Maker.key, lambda r: r.one(BITS)),
    m(b"BITCOUNT", Maker.key, Maker.bit_range),
    m(b"BITPOS", Maker.key, lambda r: r.one([b"0", b"1", b"0", b"1", b"2",
                                             b"x"]), Maker.bit_range),
    m(b"BITOP", lambda r: r.one([b"AND", b"OR", b"XOR", b"xor", b"NOSUCH"]),
      Maker.key, Maker.keys),
    m(b"BITOP", lambda r: r.one([b"NOT", b"not"]), Maker.key, Maker.key),
    m(b"BITOP", b"NOT", Maker.key, Maker.keys),
    m(b"BITFIELD", Maker.key, Maker.fields),
    m(b"BITFIELD", Maker.key, Maker.fields),
    m(b"BITFIELD_RO", Maker.key, lambda r: r.fields(False)),
    m(b"LCS", Maker.key, Maker.key, Maker.lcs_options),
    m(b"LCS", b"t1", b"t2", Maker.lcs_options),
    m(b"LCS", b"t1", b"t2", Maker.lcs_options),
    m(b"SET", lambda r: r.one([b"t1", b"t2"]), Maker.text),
    m(b"RENAME", Maker.key, Maker.key), m(b"RENAMENX", Maker.key, Maker.key),
    m(b"COPY", Maker.key, Maker.key, Maker.copy_options),
    m(b"MOVE", Maker.key, lambda r: database(r)), m(b"TOUCH", Maker.keys),
    m(b"EXPIRE", Maker.key, lambda r: r.relative(True)),
    m(b"PEXPIRE", Maker.key, lambda r: r.relative(False)),
    m(b"EXPIREAT", Maker.key, lambda r: r.one(AT_SECONDS), Maker.conditions),
    m(b"PEXPIREAT", Maker.key, lambda r: r.one(AT_MILLISECONDS),
      Maker.conditions),
    m(b"TTL", Maker.key), m(b"PTTL", Maker.key), m(b"EXPIRETIME", Maker.key),
    m(b"PEXPIRETIME", Maker.key), m(b"PERSIST", Maker.key),
    m(b"SELECT", database), m(b"PING"), m(b"PING", Maker.value),
    m(b"ECHO", Maker.value), m(b"OBJECT", b"FREQ", Maker.key),
    m(b"KEYS", lambda r: r.one([b"*", b"k*", b"user:*", b"k[12]?", b"?"])),
    m(b"CLIENT", b"GETNAME"),
    m(b"CLIENT", b"SETNAME", lambda r: r.one([b"a", b"", b"a b", b"x\n"])),
    m(b"CONFIG", b"GET", b"maxmemory-policy"),
    m(b"CONFIG", b"GET", b"nosuch"), m(b"CONFIG", b"SET", b"nosuch", b"1"),
    m(b"HELLO", lambda r: r.one([b"9", b"x", b"1"])),
    m(b"SCAN", lambda r: r.one([b"x", b"", b"-"]) + b"!"),
    m(b"SCAN", b"0", lambda r: r.one(
        [[b"COUNT", b"0"], [b"COUNT", b"x"], [b"NOSUCH", b"1"], [b"MATCH"]])),
    m(b"CLIENT", b"MAINT_NOTIFICATIONS", b"ON"),
    m(b"COMMAND", b"INFO", b"nosuch"),
    m(b"COMMAND", b"GETKEYS", b"MSET", b"a", b"1", b"b", b"2"),
    m(b"FLUSHDB", lambda r: r.one([[], [b"ASYNC"], [b"SYNC"], [b"NOSUCH"],
                                   [b"NOSUCH"]])),
]
# Without what may not be in an error line.
PLAIN = [b"", b"abc", b"NX", b"XX", b"GET", b"EX", b"PX", b"KEEPTTL", b"BIT",
         b"BYTE", b"SET", b"LEN", b"IDX", b"REPLACE", b"DB", b"MATCH",
         b"COUNT", b"k1", b"k2", b"no such"]
# What would stop a server, or another reply than the one compared.
UNSPOILED = {b"SELECT", b"HELLO", b"SCAN", b"KEYS", b"FLUSHDB", b"FLUSHALL",
             b"COMMAND", b"CONFIG", b"CLIENT", b"OBJECT"}
# Replies that differ in order or by a moment.
UNORDERED = {b"TTL", b"PTTL", b"EXPIRETIME", b"PEXPIRETIME", b"KEYS",
             b"HELLO", b"COMMAND"}
TIMED = {b"SET", b"GETEX", b"SETEX", b"PSETEX", b"EXPIRE", b"PEXPIRE",
         b"EXPIREAT", b"PEXPIREAT"}
# Without those that redis-server has notes on.
COMMON = [b"get", b"setnx", b"mset", b"bitop", b"rename", b"copy",
          b"lcs", b"del", b"expire", b"object|freq", b"memory|usage", b"wait",
          b"client|kill", b"config|get", b"acl|cat", b"select", b"scan"]


def words_of_a_command(maker):
    """A command for COMMAND GETKEYS, whole or not."""
    if maker.random.random() < 0.2:
        return maker.one([[b"nosuch", b"a"], [b"get"], [b"ping", b"a"],
                          [b"memory", b"nosuch", b"a"], [b"memory", b"stats"],
                          [b"memory", b"usage", b"a"], [b"select", b"1"],
                          [b"object", b"encoding", b"a"], [b"client", b"id"]])
    return maker.one(MAKERS)(maker)


# What is seldom asked: the server about itself, and what it does not have.
RARE = [
    m(b"SWAPDB", database, database), m(b"FLUSHALL", lambda r: r.one(
        [[], [b"ASYNC"], [b"SYNC"], [b"NOSUCH"], [b"ASYNC", b"x"]])),
    m(b"RANDOMKEY"), m(b"OBJECT", b"REFCOUNT", b"nosuch"),
    m(b"OBJECT", lambda r: r.one([b"ENCODING", b"IDLETIME"]), b"nosuch"),
    m(b"MEMORY", b"USAGE", b"nosuch", lambda r: r.one(
        [[], [b"SAMPLES", number(r)], [b"SAMPLES"], [b"NOSUCH", b"1"],
         [b"SAMPLES", b"1", b"SAMPLES", b"2"]])),
    m(b"MEMORY", b"PURGE"), m(b"ROLE"), m(b"SAVE"),
    m(b"WAIT", b"0", number), m(b"WAIT", lambda r: r.one([b"x", b"", b"1.5"]),
                                b"0"),
    m(b"REPLICAOF", b"NO", b"ONE"), m(b"SLAVEOF", b"no", b"one"),
    m(b"REPLICAOF", b"x", lambda r: r.one([b"y", b"-1", b"65536"])),
    m(b"CLUSTER", lambda r: r.one([b"INFO", b"NODES", b"SLOTS", b"SHARDS",
                                   b"MYID", b"nosuch"])),
    m(lambda r: r.one([b"READONLY", b"READWRITE", b"ASKING"])),
    m(b"MODULE", lambda r: r.one([b"LIST", b"nosuch"])),
    m(b"FUNCTION", b"FLUSH", lambda r: r.one([[], [b"SYNC"], [b"async"],
                                              [b"NOSUCH"], [b"SYNC", b"x"]])),
    m(b"FUNCTION", b"LIST", lambda r: r.one(
        [[], [b"WITHCODE"], [b"LIBRARYNAME", b"x"], [b"NOSUCH"],
         [b"LIBRARYNAME"], [b"WITHCODE", b"LIBRARYNAME", b"y"]])),
    m(b"FUNCTION", b"KILL"), m(b"SCRIPT", b"KILL"),
    m(b"SCRIPT", b"FLUSH", lambda r: r.one([[], [b"SYNC"], [b"async"],
                                            [b"NOSUCH"], [b"SYNC", b"x"]])),
    m(b"SCRIPT", b"EXISTS", Maker.keys),
    m(b"ACL", lambda r: r.one([[b"WHOAMI"], [b"LIST"], [b"USERS"], [b"CAT"],
                               [b"GETUSER", b"default"],
                               [b"GETUSER", b"nosuch"], [b"GETUSER"],
                               [b"CAT", b"a", b"b"], [b"LOG"],
                               [b"LOG", b"RESET"], [b"LOG", number(r)],
                               [b"GENPASS", b"0"], [b"GENPASS", b"4097"],
                               [b"GENPASS", b"x"], [b"nosuch"]])),
    m(b"ACL", b"CAT", lambda r: r.one([b"bitmap", b"BITMAP", b"nosuch",
                                       b"string", b"list", b""])),
    m(b"ACL", b"DRYRUN", lambda r: r.one([b"default", b"nosuch"]),
      words_of_a_command),
    m(b"LATENCY", lambda r: r.one([[b"LATEST"], [b"HISTORY", b"x"],
                                   [b"GRAPH", b"x"], [b"RESET"],
                                   [b"RESET", b"a", b"b"], [b"nosuch"],
                                   [b"HISTOGRAM", b"nosuch"], [b"HISTORY"]])),
    m(b"SLOWLOG", lambda r: r.one([[b"GET", b"-2"], [b"GET", b"x"],
                                   [b"GET", b"1", b"2"], [b"RESET"],
                                   [b"LEN", b"x"], [b"nosuch"]])),
    m(b"CONFIG", lambda r: r.one([[b"GET"], [b"GET", b"nosuch"],
                                  [b"GET", b"maxmemory"],
                                  [b"GET", b"maxmemory", b"maxmemory"],
                                  [b"SET", b"maxmemory"], [b"REWRITE"],
                                  [b"SET", b"maxmemory-policy", b"noeviction"],
                                  [b"SET", b"maxmemory", b"0", b"maxmemory",
                                   b"0"], [b"RESETSTAT", b"x"],
                                  [b"SET", b"nosuch", b"1"], [b"nosuch"]])),
    m(b"COMMAND", lambda r: r.one([b"INFO", b"info"]), lambda r: r.one(
        [[b"nosuch"], [b"get|x"], [r.one(COMMON)], [r.one(COMMON), b"nosuch",
                                                    r.one(COMMON)]])),
    m(b"COMMAND", b"GETKEYS", words_of_a_command),
    m(b"COMMAND", b"GETKEYSANDFLAGS", words_of_a_command),
    m(b"COMMAND", b"DOCS", b"nosuch"),
    m(b"COMMAND", b"LIST", b"FILTERBY", lambda r: r.one(
        [[b"ACLCAT", b"bitmap"], [b"ACLCAT", b"nosuch"], [b"ACLCAT", b"set"],
         [b"PATTERN", b"bit*"], [b"PATTERN", b"*x*y*z"], [b"MODULE", b"x"],
         [b"NOSUCH", b"x"], [b"PATTERN"], [b"aclcat", b"STRING"]])),
    m(b"COMMAND", lambda r: r.one([[b"nosuch"], [b"COUNT", b"x"],
                                   [b"GETKEYS"], [b"LIST", b"x"]])),
    m(b"SHUTDOWN", lambda r: r.one([[b"ABORT"], [b"NOSUCH"], [b"ABORT", b"NOW"],
                                    [b"SAVE", b"NOSAVE"],
                                    [b"NOSAVE", b"ABORT"]])),
    m(b"DEBUG", lambda r: r.one([[b"SET-ACTIVE-EXPIRE", b"1"], [b"NOSUCH"],
                                 [b"SLEEP", b"0"], [b"SLEEP"],
                                 [b"OBJECT", b"nosuch"]])),
    m(b"DEBUG", b"PROTOCOL", lambda r: r.one(
        [b"string", b"integer", b"double", b"null", b"array", b"set", b"map",
         b"true", b"false", b"verbatim"])),
    m(b"BGSAVE", b"NOSUCH"), m(b"DBSIZE", b"x", b"y"), m(b"TIME", b"x"),
    m(b"AUTH", lambda r: r.one([[b"x"], [b"default", b"x"], [b"a", b"b", b"c"],
                                [b""]])),
    m(b"CLIENT", lambda r: r.one([[b"NO-EVICT", b"on"], [b"NO-EVICT", b"off"],
                                  [b"NO-EVICT", b"x"], [b"ID", b"x"],
                                  [b"KILL", b"ID", b"0"],
                                  [b"KILL", b"1.2.3.4:5"], [b"KILL"],
                                  [b"KILL", b"ID", b"x"],
                                  [b"KILL", b"TYPE", b"nosuch"],
                                  [b"LIST", b"TYPE", b"nosuch"],
                                  [b"LIST", b"ID", b"x"]])),
]
NAMES = [b"GET", b"SET", b"DEL", b"MGET", b"MSET", b"INCR", b"INCRBY",
         b"APPEND", b"STRLEN", b"GETRANGE", b"SETRANGE", b"SETEX", b"TTL",
         b"PERSIST", b"TYPE", b"SELECT", b"ECHO", b"KEYS",
         b"SETNX", b"GETSET", b"GETDEL", b"EXPIRETIME"]
TIMES = {b"TTL": 20, b"PTTL": 20000, b"EXPIRETIME": 20,
         b"PEXPIRETIME": 20000}


class Recorder(rt.RespClient):
    """A client that keeps each reply's bytes."""

    def recv_raw(self, count):
        data = super().recv_raw(count)
        self.record += data
        return data

    def recv_line(self):
        line = super().recv_line()
        self.record += line + b"\r\n"
        return line

    def replies(self, commands):
        out = []
        for _ in commands:
            self.record = bytearray()
            value = self.read()
            out.append((bytes(self.record), value))
        return out


def alike(words, theirs, ours):
    if theirs[0] == ours[0]:
        return True
    name = words[0].upper()
    if name in TIMES and isinstance(theirs[1], int) and \
            isinstance(ours[1], int) and theirs[1] > 0 and ours[1] > 0:
        return abs(theirs[1] - ours[1]) <= TIMES[name]
    if name == b"KEYS" and isinstance(theirs[1], list):
        return sorted(theirs[1]) == sorted(ours[1])
    if name == b"RANDOMKEY":
        return (theirs[1] is None) == (ours[1] is None)
    if name in (b"ACL", b"COMMAND") and isinstance(theirs[1], list) and \
            isinstance(ours[1], list):
        return alike_listings(words, theirs[1], ours[1])
    return False


def alike_listings(words, theirs, ours):
    """Names of commands, of those that both have; and what is told of some,
    where sets have no order."""
    what = words[1].upper()
    if what in (b"CAT", b"LIST"):
        return sorted(set(theirs) - NOT_HERE) == sorted(set(ours) - NOT_THERE)
    return what == b"INFO" and unordered(theirs) == unordered(ours)


def unordered(value):
    if isinstance(value, (list, tuple, set)):
        return sorted((unordered(item) for item in value), key=repr)
    if isinstance(value, dict):
        return sorted((unordered(pair) for pair in value.items()
                       if pair[0] != "notes"), key=repr)
    return value


def whole_scan(client, *options):
    """All keys of a scan; cursors are followed to the end."""
    found, cursor = set(), b"0"
    while True:
        cursor, keys = client.call("SCAN", cursor, *options)
        found.update(keys)
        if cursor == b"0":
            return found


# Names of commands that only one of the two servers has; filled below.
NOT_HERE, NOT_THERE = set(), set()


def note_commands(theirs, ours):
    names = [set(client.call("COMMAND", "LIST", "FILTERBY", "PATTERN", "*"))
             for client in (theirs, ours)]
    NOT_HERE.update(names[0] - names[1])
    NOT_THERE.update(names[1] - names[0])


def compare(tap, protocol, seed, ports, count):
    maker = Maker(seed)
    theirs, ours = (Recorder("127.0.0.1", port) for port in ports)
    for client in (theirs, ours):
        client.record = bytearray()
        client.call("HELLO", protocol)
        client.call("FLUSHALL")
    note_commands(theirs, ours)
    differ, done = [], 0
    while done < count and len(differ) < 10:
        commands = maker.batch(BATCH)
        batch = b"".join(rt.encode(*words) for words in commands)
        for client in (theirs, ours):
            client.send_raw(batch)
        for words, a, b in zip(commands, theirs.replies(commands),
                               ours.replies(commands)):
            done += 1
            if not alike(words, a, b):
                differ.append("%.200r\n  redis    %.300r\n  riptided %.300r" %
                              (words, a[0], b[0]))
    tap.ok(not differ, "resp%d_replies_are_those_of_redis" % protocol,
           "seed %d, %d commands\n%s" % (seed, done, "\n".join(differ)))
    for number_ in (0, 1, 15):
        for client in (theirs, ours):
            client.call("SELECT", number_)
        for options in ((), ("COUNT", 3), ("MATCH", "k*"),
                        ("MATCH", "user:*", "COUNT", 1), ("TYPE", "string"),
                        ("TYPE", "list")):
            tap.equal(whole_scan(ours, *options), whole_scan(theirs, *options),
                      "resp%d_scan_of_%d_%s" % (
                          protocol, number_, "_".join(map(str, options))))
        tap.equal(ours.call("DBSIZE"), theirs.call("DBSIZE"),
                  "resp%d_dbsize_of_%d" % (protocol, number_))
    theirs.close()
    ours.close()


def compare_both(tap, ports):
    compare(tap, 2, SEED, ports, COMMANDS // 2)
    compare(tap, 3, SEED + 1, ports, COMMANDS // 2)


def main():
    tap = rt.Tap()
    if shutil.which("redis-server") is None:
        tap.skip("differential", "redis-server is not installed")
        tap.done()
    print("# seed %d, %d commands" % (SEED, COMMANDS), flush=True)
    began = time.monotonic()
    with RedisPeer("--proto-max-bulk-len", "64mb",
                   "--enable-debug-command", "yes") as peer:
        port = os.environ.get("RTT_PORT")
        if port is not None:	# a server that stands already
            compare_both(tap, (peer.port, int(port)))
        else:
            with rt.Server(appendfsync="everysec",
                           latency_monitor_threshold=0,
                           enable_debug_command="yes") as server:
                compare_both(tap, (peer.port, server.port))
    print("# %.1f s" % (time.monotonic() - began), flush=True)
    tap.done()


main()
