"""H13: the wall clock steps by a day and by ten years, back and forth, between
flushes, merges and starts of both programs. An expired key stays away, and no
live one is lost for good."""

import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hazard  # noqa: E402
import shim  # noqa: E402
from hazard import rt  # noqa: E402

tap = rt.Tap()

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
SECOND, MINUTE, HOUR, DAY = 1000, 60000, 3600000, 86400000
YEARS = 3650 * DAY
ENDS = {"second": 10 * SECOND, "minute": 5 * MINUTE, "hour": HOUR,
        "day": DAY, "year": 365 * DAY, "never": None}
# Looks so near to an end say nothing.
MARGIN = 5 * SECOND


class World:
    """A daemon, a compactor, their clock, and what is true."""

    def __init__(self, library, grace):
        self.clock = shim.Clock(library)
        self.server = hazard.server(self.clock.env())
        self.grace = grace
        self.keys = {}		# key: true time of its end
        self.behind_ms = 0	# time that passed while the clock was behind
        self.server.start()

    def now_ms(self):
        return time.time_ns() // 1000000 + self.clock.passed_ms

    def pass_time(self, ms):
        self.clock.pass_time(ms)
        if self.clock.wall_ms < 0:
            self.behind_ms += ms

    def write(self, tag):
        """Keys of all ends, each over an older value without one."""
        with self.server.client() as client:
            for name, end in ENDS.items():
                key = "%s:%s" % (tag, name)
                client.call("SET", key, "old")
                hazard.flushed(client)
                if end is None:
                    client.call("SET", key, "new")
                else:
                    client.call("SET", key, "new", "PX", end)
                self.keys[key] = None if end is None else self.now_ms() + end

    def flush(self):
        with self.server.client() as client:
            # Something to flush, so that there is a publish.
            client.call("SET", "tick", time.time_ns())
            hazard.flushed(client)

    def merge(self):
        status = hazard.compactor(
            self.server.dir, self.clock.env(),
            expiry_grace=self.grace).once("--full")
        if status != 0:
            raise RuntimeError("the compactor ended with %d" % status)

    def restart(self):
        self.server.restart()

    def kill(self):
        self.server.kill()
        self.server.start()

    def merge_alone(self):
        self.server.stop()
        self.merge()
        self.server.start()

    def wrong(self):
        """The keys that are not as they may be."""
        names = sorted(self.keys)
        with self.server.client() as client:
            values = client.call("MGET", *names)
        now, found = self.now_ms(), []
        for name, value in zip(names, values):
            end = self.keys[name]
            if value not in (b"new", None):
                found.append((name, "uncovered", value))
            elif end is None:
                if value is None:
                    found.append((name, "lost"))
            elif value is None:
                # A time ahead hides it, and no more.
                if self.clock.wall_ms <= 0 and end > now + MARGIN:
                    found.append((name, "lost", end - now))
            # While the clock is behind, expiry goes on at half the speed, and
            # what has not ended by that may be seen again (X1 and X2).
            elif end < now - MARGIN - (self.behind_ms // 2 if
                                       self.clock.wall_ms < 0 else 0):
                found.append((name, "back", end - now))
        return found


def test_years_ahead(tap, library, grace):
    world = World(library, grace)
    world.write("a")
    world.pass_time(MINUTE)
    world.clock.step(YEARS)
    tap.equal(world.wrong(), [], "ten_years_ahead_hide_what_ends_%d" % grace)
    for deed in (world.flush, world.merge, world.restart, world.merge_alone,
                 world.kill, world.merge):
        deed()
        world.pass_time(2 * MINUTE)
    world.clock.step(-YEARS)
    tap.equal(world.wrong(), [],
              "what_ten_years_hid_is_there_when_they_are_undone_%d" % grace)
    world.merge_alone()
    world.restart()
    tap.equal(world.wrong(), [], "and_after_merges_and_starts_%d" % grace)
    world.pass_time(2 * HOUR)
    tap.equal(world.wrong(), [], "and_ends_when_its_time_comes_%d" % grace)
    world.server.kill()


def test_a_day_back(tap, library, grace):
    world = World(library, grace)
    world.write("a")
    world.pass_time(2 * HOUR)
    tap.equal(world.wrong(), [], "what_has_expired_is_away_%d" % grace)
    world.flush()
    world.clock.step(-DAY)
    tap.equal(world.wrong(), [], "a_day_back_brings_nothing_back_%d" % grace)
    for deed in (world.flush, world.restart, world.merge, world.kill,
                 world.merge_alone, world.restart):
        deed()
        wrong = world.wrong()
        tap.equal(wrong, [], "nor_does_%s_%d" % (deed.__name__, grace))
    world.clock.step(DAY)
    tap.equal(world.wrong(), [], "nor_the_day_itself_%d" % grace)
    world.server.kill()


def test_back_and_forth(tap, library, grace):
    """Any order of steps and deeds; no wrong time stands for an hour."""
    chance = random.Random("%d %d" % (SEED, grace))
    world = World(library, grace)
    done = []
    for number in range(30):
        if number % 10 == 0:
            world.clock.step(-world.clock.wall_ms)
            world.write("w%d" % number)
        goal = chance.choice((0, 0, YEARS, -DAY, DAY, -YEARS))
        world.clock.step(goal - world.clock.wall_ms)
        deed = chance.choice((world.flush, world.merge, world.restart,
                              world.kill, world.merge_alone))
        deed()
        done.append((deed.__name__, goal))
        world.pass_time(chance.randrange(
            4 * MINUTE if goal else 30 * MINUTE))
        wrong = world.wrong()
        if wrong:
            break
    world.clock.step(-world.clock.wall_ms)
    tap.equal((wrong, world.wrong()), ([], []),
              "back_and_forth_nothing_rises_and_nothing_is_lost_%d" % grace)
    if wrong:
        print("# SEED=%d: %s" % (SEED, done), flush=True)
    world.server.kill()


LIBRARY = shim.build()
print("# SEED=%d" % SEED, flush=True)
if LIBRARY is None:
    tap.skip("clocks_that_step", "no compiler, or a sanitizer")
else:
    for seconds in (0, 3600):
        tap.run(test_years_ahead, LIBRARY, seconds)
        tap.run(test_a_day_back, LIBRARY, seconds)
        tap.run(test_back_and_forth, LIBRARY, seconds)
tap.done()
