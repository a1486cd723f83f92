"""The same writes beside a compactor that is left alone, and beside one that is
killed again and again: the same answers, the same data on disk, and no file of
a dead compactor outlives the start of its successor.

KILLS says how many (make compactor-long), SEED replays the writes; where a kill
strikes is the machine's affair, but for those at a named point."""

import collections
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from workload import DAY_MS, Files, Workload, differences, read_all  # noqa
from workload import hazard, rt  # noqa: E402
from programs import COMPACTOR_POINTS  # noqa: E402
import shim  # noqa: E402

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
KILLS = int(os.environ.get("KILLS") or 25)
# Until a kill.
LIFE_S = 0.1
ARMED = 0.3
# Rows of compactors that are left alone for a step, so that level 0 ends.
CALM = 10

tap = rt.Tap()


class Pair:
    """A daemon and its compactor under the workload."""

    def __init__(self, library):
        self.clock = shim.Clock(library) if library else None
        self.env = self.clock.env() if self.clock else {}
        self.server = hazard.server(self.env).start()
        self.client = self.server.client()
        self.workload = Workload(SEED)
        self.compactor = hazard.compactor(self.server.dir, self.env)

    def pass_days(self):
        if self.clock:
            self.clock.pass_time(2 * DAY_MS)

    def settle(self):
        """All is merged down; the entries of the tables."""
        hazard.flushed(self.client)
        self.pass_days()
        self.compactor.env = self.env
        status = self.compactor.once("--full")
        if status != 0:
            raise RuntimeError("--full ended with %d: %s" % (
                status, self.compactor.stderr()[-2000:]))
        rt.wait_until(lambda: self.client.info("lsm")["obsolete_files"] == "0",
                      "the daemon to unlink what was merged")
        return Files(self.server.dir)


class Killer:
    """Kills the compactor of a pair, once for each step."""

    def __init__(self, pair):
        self.pair = pair
        self.chance = random.Random(SEED + 1)
        self.counts = collections.Counter()
        self.before = set()	# left over by the kill before
        self.too_old = set()

    def _status(self):
        """The file that a compactor writes when it has swept."""
        try:
            status = os.stat(os.path.join(self.pair.server.dir, "COMPACTOR"))
            return status.st_ino, status.st_mtime_ns
        except FileNotFoundError:
            return None

    def _spawn(self):
        compactor = self.pair.compactor
        compactor.env = dict(self.pair.env)
        if self.chance.random() < ARMED:
            compactor.env.update(hazard.at(
                self.chance.choice(COMPACTOR_POINTS), "kill",
                self.chance.choice((1, 1, 2, 3))))
        compactor.spawn()

    def round(self):
        compactor = self.pair.compactor
        status = self._status()
        self._spawn()
        end = time.monotonic() + self.chance.random() * LIFE_S

        def strike():
            if time.monotonic() >= end:
                compactor.kill()

        self.pair.workload.step(self.pair.client, strike)
        while time.monotonic() < end and compactor.ended() is None:
            time.sleep(0.001)
        compactor.kill()
        self._look(self._status() != status)

    def _look(self, swept):
        left = Files(self.pair.server.dir).left_over()
        self.counts["kills"] += 1
        self.counts["kills that left tables"] += bool(left)
        if swept:
            self.counts["starts that swept"] += 1
            self.too_old |= self.before & left
            self.before = left
        else:
            self.before |= left


def killed(library):
    """A pair under KILLS kills."""
    pair = Pair(library)
    killer = Killer(pair)
    for number in range(KILLS):
        killer.round()
        if number % CALM == CALM - 1:
            pair.compactor.env = pair.env
            if pair.compactor.once() != 0:
                raise RuntimeError(pair.compactor.stderr()[-2000:])
            killer.before = Files(pair.server.dir).left_over()
            killer.too_old |= killer.before
    for what, count in killer.counts.items():
        print("# %d %s" % (count, what), flush=True)
    tap.equal(killer.too_old, set(),
              "no_left_over_table_outlives_the_next_start")
    return pair


def undisturbed(library):
    """Another pair takes as many steps, in peace."""
    pair = Pair(library)
    pair.compactor.spawn()
    for _ in range(KILLS):
        pair.workload.step(pair.client)
    tap.equal(pair.compactor.stop(), 0, "the_undisturbed_compactor_ends_well")
    return pair


def test_kills(tap):
    library = shim.build()
    pairs = killed(library), undisturbed(library)
    files = [pair.settle() for pair in pairs]
    wanted = pairs[0].workload.wanted(bool(library))
    for pair, name in zip(pairs, ("kills", "peace")):
        tap.equal(differences(read_all(pair.client), wanted), [],
                  "all_keys_are_right_after_%s" % name)
    entries = [one.entries() for one in files]
    only = [sorted(set(a) - set(b))[:3] for a, b in
            (entries, reversed(entries))]
    tap.ok(entries[0] == entries[1], "the_tables_have_the_same_entries",
           "only after kills: %s\nonly in peace: %s" % tuple(only))
    tap.equal(len(entries[0]), len(wanted),
              "one_entry_for_each_key_and_no_tombstone")
    tap.equal([set(one.levels.values()) for one in files][0],
              set(files[1].levels.values()), "in_the_same_level")
    for pair, one, name in zip(pairs, files, ("kills", "peace")):
        hazard.sound(tap, pair.server.dir, "the_files_are_sound_after_" + name)
        tap.equal(hazard.tables(pair.server.dir), set(one.levels),
                  "no_file_is_left_after_" + name)
        tap.equal(pair.server.stop(), 0, "the_daemon_stops_after_" + name)


print("# SEED=%d KILLS=%d" % (SEED, KILLS), flush=True)
tap.run(test_kills)
tap.done()
