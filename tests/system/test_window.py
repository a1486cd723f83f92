"""compaction-window beside a daemon that starts its own compactor, by a clock that
is turned: outside the window level 0 is merged into itself and nothing else is
touched, and work begins when the window opens."""

import os
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
sys.path.insert(0, os.path.join(HERE, "..", "hazard"))
import riptide_test as rt  # noqa: E402
import shim  # noqa: E402

tap = rt.Tap()

HOUR_MS = 3600000
RUNS = 9	# more than are merged in level 0 at once
KEYS = 200


class World:
    """A lone daemon; it is three hours to the window, which is open for two."""

    def __init__(self, library, **options):
        self.clock = shim.Clock(library)
        hour = time.gmtime().tm_hour
        env = dict(self.clock.env(), TZ="UTC")
        self.window = "%02d:00-%02d:00" % ((hour + 3) % 24, (hour + 5) % 24)
        # Halfway into the hour, or the test might end in the next.
        self.clock.pass_time(HOUR_MS // 2 - int(time.time() * 1000) % HOUR_MS)
        self.server = rt.Server(
            env=env, compactor="spawn", compaction_window=self.window,
            l0_compaction_trigger=2, appendfsync="no", expiry_grace=0,
            **options).start()
        self.client = self.server.client()
        self.model = {}
        rt.wait_until(lambda: self.info()["compactor_spawn_state"] ==
                      "running", "a compactor to be started")

    def info(self):
        return self.client.info("compactor")

    def write(self, runs=RUNS):
        """Runs of level 0, each over all keys; every third is deleted in the
        last one."""
        for _ in range(runs):
            for number in range(KEYS):
                self.model["k%d" % number] = os.urandom(20).hex().encode()
            self.client.pipeline([("SET", key, value)
                                  for key, value in self.model.items()])
            self.flush()
        gone = list(self.model)[::3]
        self.client.pipeline([("DEL", key) for key in gone])
        for key in gone:
            del self.model[key]
        self.flush()

    def flush(self):
        self.client.call("FLUSHMEM")
        rt.wait_until(lambda: self.client.info("lsm")["memtable_entries"] ==
                      "0" and self.client.info("lsm")
                      ["immutable_memtables"] == "0", "a flush")

    def jobs(self):
        """(from, to) of each job that was done, oldest first."""
        found = []
        for words in self.client.call("RIPTIDE", "JOBS", "100"):
            job = dict(zip(words[::2], words[1::2]))
            found.append((job[b"from-level"], job[b"to-level"]))
        return found[::-1]

    def deep_tables(self):
        """Tables below level 0."""
        info = self.client.info("lsm")
        return sum(int(count) for name, count in info.items()
                   if name.startswith("level") and name.endswith("_files")
                   and name != "level0_files")

    def is_right(self):
        keys = ["k%d" % number for number in range(KEYS)]
        return self.client.pipeline([("GET", key) for key in keys]) == \
            [self.model.get(key) for key in keys]


def test_level_0(tap, library):
    world = World(library)
    world.write()
    rt.wait_until(world.jobs, "level 0 to be merged into itself")
    world.write()
    rt.wait_until(lambda: len(world.jobs()) > 1, "and once more")
    tap.equal(set(world.jobs()), {(0, 0)},
              "outside_the_window_level_0_alone_is_merged")
    tap.equal(world.deep_tables(), 0, "and_nothing_comes_below")
    tap.ok(world.is_right(), "all_keys_are_right_outside")
    before = len(world.jobs())
    generation = world.client.info("lsm")["manifest_generation"]
    # Nobody writes, so the clock alone can tell it.
    world.clock.pass_time(3 * HOUR_MS)
    rt.wait_until(lambda: world.client.info("lsm")["l0_files"] == "0",
                  "level 0 to go down")
    tap.ok(world.deep_tables() > 0 and
           (0, 6) in world.jobs()[before:],
           "when_the_window_opens_it_goes_down",
           (generation, world.jobs()))
    tap.ok(world.is_right(), "all_keys_are_right_inside")
    world.clock.pass_time(2 * HOUR_MS)
    before = len(world.jobs())
    world.write()
    rt.wait_until(lambda: len(world.jobs()) > before, "a job")
    tap.equal(set(world.jobs()[before:]), {(0, 0)},
              "when_it_has_closed_level_0_alone_is_merged_again")
    tap.ok(world.is_right(), "all_keys_are_right_after_it")
    tap.equal(world.server.stop(), 0, "the_daemon_stops_well")


def test_nothing(tap, library):
    world = World(library, compaction_outside_window="none")
    world.write(3)
    rt.wait_until(lambda: world.info()["compactor_phase"] == "outside-window",
                  "the compactor to know the hour")
    tap.equal((world.jobs(), world.deep_tables()), ([], 0),
              "with_none_nothing_is_merged_outside")
    world.clock.pass_time(3 * HOUR_MS)
    rt.wait_until(world.deep_tables, "level 0 to go down")
    tap.ok(world.is_right(), "when_the_window_opens_it_is")
    tap.equal(world.server.stop(), 0, "the_daemon_stops_well_with_none")


LIBRARY = shim.build()
if LIBRARY is None:
    tap.skip("clocks_that_are_turned", "no compiler, or a sanitizer")
else:
    tap.run(test_level_0, LIBRARY)
    tap.run(test_nothing, LIBRARY)
tap.done()
