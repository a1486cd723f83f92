"""State machines of Hypothesis over redis-py: commands at random, with flushes,
merges, restarts, kills, snapshots and clocks that step, against dictionaries.

EXAMPLES, STEPS and SEED say how much; without SEED every run is the same one.
`make hypothesis-long` is the long form. What failed first is kept below the
build tree, with all its steps. Nothing is shrunk: that takes minutes, and the
instants of a kill are not to be had again.
"""

import os
import shutil
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support")]
import riptide_test as rt  # noqa: E402

# Debian's packages are Debian's interpreter's.
SYSTEM_PYTHON = "/usr/bin/python3"

try:
    import hypothesis
    import redis
except ImportError as error:
    if os.path.realpath(sys.executable) != os.path.realpath(SYSTEM_PYTHON) \
            and os.access(SYSTEM_PYTHON, os.X_OK):
        os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON] + sys.argv)
    tap = rt.Tap()
    tap.skip("test_state_machine", "python3-hypothesis and python3-redis: %s" %
             error)
    tap.done()

from hypothesis import HealthCheck, Phase, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from hypothesis.stateful import (RuleBasedStateMachine, initialize,  # noqa: E402
                                 precondition, rule,
                                 run_state_machine_as_test)

from model import ERROR, Model  # noqa: E402
from steady import DATABASES, World, pipeline  # noqa: E402

EXAMPLES = int(os.environ.get("EXAMPLES") or 300)
STEPS = int(os.environ.get("STEPS") or 50)
SEED = os.environ.get("SEED") or None
# A directory serves so many examples.
LIFE_EXAMPLES = 20
# Rules that take long come this many steps apart.
REST_STEPS = 8

KEYS = [b"", b"a", b"b", b"c", b"\0", b"a\0", b"a\0b", b"\xff\xfe",
        b"key:1", b"key:10", b"key:2", b"k" * 300]
KEY = st.sampled_from(KEYS)
VALUE = st.one_of(
    st.binary(max_size=12), st.just(b""), st.integers().map(b"%d".__mod__),
    st.sampled_from([b"9223372036854775807", b"-9223372036854775808",
                     b"007", b"-0", b" 1"]),
    st.binary(max_size=12), st.sampled_from([500, 70000]).flatmap(
        lambda size: st.binary(min_size=2, max_size=2).map(
            lambda two: two * (size // 2))))


class Machine(RuleBasedStateMachine):
    """The daemon beside the model."""

    world = None
    used = 0
    sound = False
    told = False
    steps = heavy = examples = 0

    @initialize()
    def begin(self):
        kind = Machine
        kind.examples += 1
        if kind.world is None or not kind.sound or \
                kind.used >= LIFE_EXAMPLES:
            if kind.world is not None:
                kind.world.close()
            kind.world, kind.used = World(), 0
        kind.used += 1
        kind.sound = False
        self.world = kind.world
        self.model = Model(DATABASES, self.world.now)
        self.snapshots = {}
        self.rested = 0
        self.log = []
        self.equal(b"OK", "SELECT", 0)
        self.equal(b"OK", "FLUSHALL")

    def teardown(self):
        """Called while the error of a rule goes up, too."""
        error = sys.exc_info()[1]
        if self.world is None or error is not None and \
                not isinstance(error, Exception):
            return
        try:
            if error is None:
                self.verify()
                for number in list(self.snapshots):
                    self.release(number)
                Machine.sound = True
        except Exception as failed:
            error = failed
            raise
        finally:
            self.tell(error)

    def tell(self, error):
        """The first failure as it was, since no other run need have it: the
        file has all that was done."""
        if error is None or Machine.told or isinstance(self, Mistaken):
            return
        Machine.told = True
        kept = os.path.join(rt.BUILDDIR, "tests", "hypothesis", "failed")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.world.scratch, kept)
        with open(os.path.join(kept, "steps"), "w", encoding="ascii") as file:
            for step in self.log:
                print("%.400r" % (step,), file=file)
            print("%s: %.4000s" % (type(error).__name__, error), file=file)
        print("# failed: %.600s\n# all of it is kept in %s" % (error, kept),
              flush=True)

    # -- what the rules are made of --

    def ask(self, *words):
        Machine.steps += 1
        self.rested += 1
        self.log.append(words)
        try:
            reply = self.world.live.execute_command(*words)
        except redis.ResponseError as error:
            self.log.append(error)
            return ERROR
        self.log.append(reply)
        return reply

    def equal(self, wanted, *words):
        got = self.ask(*words)
        assert got == wanted, "%.300r: got %.300r, wanted %.300r" % (
            words, got, wanted)

    def verify(self):
        """Everything, in every database."""
        was = self.model.db
        for db in range(DATABASES):
            self.model.db = db
            self.equal(b"OK", "SELECT", db)
            self.compare(self.world.live, self.model)
        self.model.db = was
        self.equal(b"OK", "SELECT", was)

    @staticmethod
    def compare(client, model):
        """One database, as a connection sees it."""
        found = client.execute_command("KEYS", "*")
        assert sorted(found) == sorted(model.keys()), \
            "KEYS: got %.300r, wanted %.300r" % (found, model.keys())
        got = pipeline(client, [(word, key) for key in KEYS
                                for word in ("GET", "PEXPIRETIME")])
        wanted = [reply for key in KEYS
                  for reply in (model.get(key), model.left(key, 1, True))]
        for i, reply in enumerate(got):
            assert reply == wanted[i], "%.20r: got %.300r, wanted %.300r" % (
                KEYS[i // 2], reply, wanted[i])

    def rests(self):
        """Has enough gone by since the last rule that takes long?"""
        return self.rested >= REST_STEPS

    def long_rule(self, name):
        self.log.append(name)
        Machine.heavy += 1
        self.rested = 0

    # -- strings --

    @rule(key=KEY)
    def get(self, key):
        self.equal(self.model.get(key), "GET", key)

    @rule(key=KEY, value=VALUE, data=st.data(),
          condition=st.sampled_from([None, None, None, "NX", "XX"]),
          ending=st.sampled_from([None, None, "keep", "EX", "PX", "EXAT",
                                  "PXAT"]),
          get=st.booleans())
    def set(self, key, value, data, condition, ending, get):
        words = ["SET", key, value] + ([condition] if condition else []) + \
            (["GET"] if get else [])
        time = None
        if ending == "keep":
            words.append("KEEPTTL")
        elif ending is not None:
            time = self.a_time(data, ending, 1)
            words += time
        self.equal(self.model.set(key, value, time, condition,
                                  ending == "keep", get), *words)

    def a_time(self, data, word, least):
        """An end around now, as the word wants it."""
        amount = data.draw(st.integers(least, 100))
        if word == "EX":
            return word, amount
        if word == "PX":
            return word, max(least, amount * 1000 - 3)
        amount = data.draw(st.integers(-3, 100))
        return word, self.model.now // 1000 + amount if word == "EXAT" else \
            self.model.now + amount * 1000 - 3

    @rule(keys=st.lists(KEY, min_size=1, max_size=4),
          word=st.sampled_from(["DEL", "UNLINK"]))
    def delete(self, keys, word):
        self.equal(self.model.delete(*keys), word, *keys)

    @rule(pairs=st.lists(st.tuples(KEY, VALUE), min_size=1, max_size=5))
    def mset(self, pairs):
        self.equal(self.model.mset(pairs), "MSET",
                   *[word for pair in pairs for word in pair])

    @rule(keys=st.lists(KEY, min_size=1, max_size=5))
    def mget(self, keys):
        self.equal([self.model.get(key) for key in keys], "MGET", *keys)

    @rule(key=KEY, value=VALUE)
    def setnx(self, key, value):
        wrote = self.model.set(key, value, condition="NX") == b"OK"
        self.equal(int(wrote), "SETNX", key, value)

    @rule(key=KEY, value=VALUE)
    def getset(self, key, value):
        self.equal(self.model.getset(key, value), "GETSET", key, value)

    @rule(key=KEY)
    def getdel(self, key):
        self.equal(self.model.getdel(key), "GETDEL", key)

    @rule(key=KEY, data=st.data(),
          word=st.sampled_from([None, "PERSIST", "EX", "PX", "EXAT", "PXAT"]))
    def getex(self, key, data, word):
        if word in (None, "PERSIST"):
            time, words = None, [word] if word else []
        else:
            time = words = self.a_time(data, word, 1)
        self.equal(self.model.getex(key, time, word == "PERSIST"),
                   "GETEX", key, *words)

    @rule(key=KEY, value=VALUE)
    def append(self, key, value):
        self.equal(self.model.append(key, value), "APPEND", key, value)

    @rule(key=KEY, offset=st.sampled_from([0, 1, 5, 40, 5000]), value=VALUE)
    def setrange(self, key, offset, value):
        self.equal(self.model.setrange(key, offset, value), "SETRANGE", key,
                   offset, value)

    @rule(key=KEY, first=st.integers(-20, 20), last=st.integers(-20, 20))
    def getrange(self, key, first, last):
        value = self.model.get(key) or b""
        size = len(value)
        begin = max(first + size, 0) if first < 0 else first
        end = max(last + size, 0) if last < 0 else last
        # As in Redis: both from the end, and the wrong way round, is nothing.
        wanted = b"" if first < 0 and last < 0 and first > last else \
            value[begin:end + 1]
        self.equal(wanted, "GETRANGE", key, first, last)

    @rule(key=KEY)
    def put_a_number(self, key):
        self.equal(self.model.set(key, b"10"), "SET", key, b"10")

    @rule(key=KEY, amount=st.one_of(
        st.integers(-9, 9), st.integers(-2**63 + 1, 2**63 - 1)),
          word=st.sampled_from(["INCR", "DECR", "INCRBY", "DECRBY"]))
    def count(self, key, amount, word):
        if word in ("INCR", "DECR"):
            amount, words = 1, []
        else:
            words = [amount]
        self.equal(self.model.incrby(key, -amount if word[0] == "D" else
                                     amount), word, key, *words)

    # -- ends --

    @rule(key=KEY, data=st.data(), word=st.sampled_from(["EX", "PX", "EXAT",
                                                        "PXAT"]),
          conditions=st.sampled_from([(), (), ("NX",), ("XX",), ("GT",),
                                      ("LT",), ("XX", "GT"), ("NX", "GT")]))
    def expire(self, key, data, word, conditions):
        time = self.a_time(data, word, -3)
        name = {"EX": "EXPIRE", "PX": "PEXPIRE", "EXAT": "EXPIREAT",
                "PXAT": "PEXPIREAT"}[word]
        self.equal(self.model.expire(key, time, conditions), name, key,
                   time[1], *conditions)

    @rule(key=KEY)
    def persist(self, key):
        self.equal(self.model.persist(key), "PERSIST", key)

    @rule(key=KEY, form=st.sampled_from([
        ("TTL", 1000, False), ("PTTL", 1, False),
        ("EXPIRETIME", 1000, True), ("PEXPIRETIME", 1, True)]))
    def left(self, key, form):
        self.equal(self.model.left(key, form[1], form[2]), form[0], key)

    # -- keys and databases --

    @rule(keys=st.lists(KEY, min_size=1, max_size=4))
    def exists(self, keys):
        self.equal(sum(self.model.get(key) is not None for key in keys),
                   "EXISTS", *keys)

    @rule(key=KEY)
    def type_and_length(self, key):
        value = self.model.get(key)
        self.equal(b"none" if value is None else b"string", "TYPE", key)
        self.equal(len(value or b""), "STRLEN", key)

    @rule(exact=st.booleans())
    def dbsize(self, exact):
        self.equal(len(self.model.keys()), "DBSIZE",
                   *(["EXACT"] if exact else []))

    @rule(count=st.integers(1, 12))
    def scan(self, count):
        found, cursor = [], 0
        while True:
            cursor, keys = self.ask("SCAN", cursor, "COUNT", count)
            found += keys
            if int(cursor) == 0:
                break
        assert sorted(found) == sorted(self.model.keys()), \
            "SCAN: got %.300r, wanted %.300r" % (found, self.model.keys())

    @rule(db=st.integers(0, DATABASES - 1))
    def select(self, db):
        self.model.db = db
        self.equal(b"OK", "SELECT", db)

    @rule(one=st.integers(0, DATABASES - 1), other=st.integers(
        0, DATABASES - 1))
    def swapdb(self, one, other):
        self.equal(self.model.swapdb(one, other), "SWAPDB", one, other)

    @rule(everything=st.sampled_from([False, False, True]))
    def flushdb(self, everything):
        if everything:
            self.equal(self.model.flushall(), "FLUSHALL")
        else:
            self.equal(self.model.flushdb(), "FLUSHDB")

    # -- snapshots --

    @precondition(lambda self: len(self.snapshots) < 3)
    @rule()
    def create(self):
        number = self.ask("SNAPSHOT", "CREATE")
        assert isinstance(number, int) and number not in self.snapshots
        self.snapshots[number] = self.model.frozen()

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data())
    def read_snapshot(self, data):
        number = data.draw(st.sampled_from(sorted(self.snapshots)))
        frozen = self.snapshots[number]
        frozen.db = data.draw(st.integers(0, DATABASES - 1))
        client = self.world.snap
        client.execute_command("SNAPSHOT", "USE", number)
        client.execute_command("SELECT", frozen.db)
        self.compare(client, frozen)
        for key in KEYS:
            got = client.execute_command("PTTL", key)
            assert got == frozen.left(key, 1, False)
        assert client.execute_command("DBSIZE") == len(frozen.keys())
        client.execute_command("SNAPSHOT", "USE", "LIVE")

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data())
    def release_snapshot(self, data):
        self.release(data.draw(st.sampled_from(sorted(self.snapshots))))

    def release(self, number):
        del self.snapshots[number]
        self.equal(b"OK", "SNAPSHOT", "RELEASE", number)

    # -- what must not be seen --

    @rule()
    def flush_memtables(self):
        self.log.append("FLUSHMEM")
        self.world.flush_memtables()

    @precondition(lambda self: self.rests())
    @rule(full=st.booleans())
    def compact(self, full):
        self.long_rule("compact")
        self.world.flush_memtables()
        self.world.compact(full)
        self.verify()

    def started(self):
        """The daemon has begun anew: nothing but snapshots is gone."""
        self.snapshots = {}
        self.model.now = self.world.now
        self.verify()

    @precondition(lambda self: self.rests())
    @rule()
    def restart(self):
        self.long_rule("restart")
        self.world.restart()
        self.started()

    @precondition(lambda self: self.rests())
    @rule()
    def kill(self):
        self.long_rule("kill")
        self.world.kill()
        self.started()

    @precondition(lambda self: self.rests())
    @rule(key=KEY, size=st.sampled_from([2**20, 2**20 + 1]))
    def put_a_mebibyte(self, key, size):
        self.long_rule("put_a_mebibyte")
        self.equal(self.model.set(key, b"m" * size), "SET", key, b"m" * size)

    # -- time --

    @rule(passed=st.sampled_from([10, 999, 1000, 5000, 60000, 3600000]))
    def time_passes(self, passed):
        self.moved(passed, 0)

    @rule(passed=st.sampled_from([0, 100, 5000]),
          stepped=st.sampled_from([-86400000, -60000, -7000, -1000, 1000, 7000,
                                   60000, 86400000, 300000000000]))
    def clock_steps(self, passed, stepped):
        self.moved(passed, stepped)

    def moved(self, passed, stepped):
        self.log.append(("clock", passed, stepped))
        self.world.move(passed, stepped)
        self.model.now = self.world.now


class Forgetful(Model):
    """A model with a mistake: a SET in place of another keeps its end."""

    def set(self, key, value, time=None, condition=None, keep=False,
            get=False):
        return super().set(key, value, time, condition, True, get)


class Mistaken(Machine):
    """The daemon beside the wrong model."""

    @initialize()
    def begin(self):
        super().begin()
        self.model.__class__ = Forgetful


def run(machine, examples, phases):
    if SEED is not None:
        machine = hypothesis.seed(int(SEED))(machine)
    run_state_machine_as_test(machine, settings=settings(
        max_examples=examples, stateful_step_count=STEPS, deadline=None,
        derandomize=SEED is None, database=None, phases=phases,
        suppress_health_check=HealthCheck.all(), print_blob=False))


def witnesses(error):
    """What Hypothesis tells of an error, and of those that it is made of."""
    yield "%s: %.600s" % (type(error).__name__, error)
    for note in getattr(error, "__notes__", []):
        yield note
    for part in getattr(error, "exceptions", []):
        yield from witnesses(part)


def test_dictionary(tap):
    print("# SEED=%s, %d examples of %d steps" % (
        SEED or "none: derandomized", EXAMPLES, STEPS), flush=True)
    try:
        run(Machine, EXAMPLES, [Phase.generate])
        tap.ok(True, "a_database_answers_as_a_dictionary_does")
    except Exception as error:  # any way to fail is a failed test
        tap.ok(False, "a_database_answers_as_a_dictionary_does",
               "\n".join(witnesses(error)))
    print("# %d examples, %d commands, %d restarts, kills and merges" % (
        Machine.examples, Machine.steps, Machine.heavy), flush=True)


def test_mistake(tap):
    try:
        run(Mistaken, 100, [Phase.generate])
        found = False
    except Exception:  # more than one assertion may fail
        found = True
    tap.ok(found, "a_wrong_model_is_found")


def main():
    tap = rt.Tap()
    tap.run(test_dictionary)
    tap.run(test_mistake)
    tap.done()


main()
