"""A job that is ended in the middle, by a signal or at a named point, goes on
where it was: what it had finished is published by the next compactor, under
another name and as the same file, and nothing is left of what it had not."""

import os
import random
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
for room in ("support", "hazard"):
    sys.path.insert(0, os.path.join(HERE, "..", room))
import hazard  # noqa: E402
import riptide_test as rt  # noqa: E402

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
KEYS = 3000
RUNS = 4
# Where a compactor dies, and the passage: one that made something before the
# other points are passed by its successor.
POINTS = (("progress-written", 2), ("progress-saved", 3),
          ("merge-output-done", 5), ("table-before-sync", 6),
          ("job-before-publish", 1))
SUCCESSOR_POINTS = ("progress-linked", "progress-written", "progress-saved",
                    "compactor-claimed", "sweep-before-unlink")
RECORD = "COMPACTOR.PROGRESS"
LIVES_MAX = 80


class Database:
    """A daemon, its data, and one compactor after the other."""

    def __init__(self):
        self.server = hazard.server(memtable_size="8mb").start()
        self.client = self.server.client()
        self.dir = self.server.dir
        self.chance = random.Random(SEED)
        self.model = {}

    def write(self):
        """Runs of level 0 over all that is merged already."""
        for _ in range(RUNS):
            commands = []
            for number in self.chance.sample(range(KEYS), KEYS // 2):
                key = b"key%05d" % number
                value = b"%d." % self.chance.randrange(1 << 30) + b"v" * 300
                commands.append(("SET", key, value))
                self.model[key] = value
            for start in range(0, len(commands), 200):
                self.client.pipeline(commands[start:start + 200])
            hazard.flushed(self.client)

    def compactor(self, env=None, **options):
        """One job takes all that is in level 0 down."""
        return hazard.compactor(self.dir, env, args=["--full"],
                                compaction_threads=2, compression="none",
                                compression_bottom="none",
                                level_base_size="64mb", **options)

    def has_record(self):
        return os.path.exists(os.path.join(self.dir, RECORD))

    def inodes(self, names):
        return {os.stat(os.path.join(self.dir, "sst", name)).st_ino
                for name in names}

    def left_over(self):
        return {name for name in hazard.tables(self.dir) -
                hazard.live_tables(self.dir) if name.startswith("c")}

    def finish(self, tap, name, kept):
        """A compactor that is left alone does the rest; of the files `kept`
        at least one is in its result."""
        last = self.compactor()
        tap.equal(last.once(), 0, "the_next_one_ends_well_" + name)
        rt.wait_until(
            lambda: self.client.info("lsm")["obsolete_files"] == "0",
            "the daemon to unlink what was merged")
        live = hazard.live_tables(self.dir)
        if kept is not None:
            tap.ok(self.inodes(live) & kept, "it_goes_on_" + name,
                   "%s\n%s" % (live, last.stderr()[-2000:]))
        tap.ok(not self.has_record(), "the_record_is_gone_" + name)
        tap.equal(hazard.tables(self.dir), live, "nothing_is_left_" + name)
        wrong = [key for key, reply in zip(self.model, self.client.pipeline(
            [("GET", key) for key in self.model]))
                 if reply != self.model[key]]
        tap.equal(wrong[:5], [], "all_keys_are_right_" + name)
        hazard.sound(tap, self.dir, "the_files_are_sound_" + name)


def test_signal(tap, database):
    database.write()
    slow = database.compactor(compaction_rate_limit="300kb")
    slow.spawn()
    rt.wait_until(database.has_record, "something of the job to be finished")
    began = time.monotonic()
    status = slow.stop()
    print("# it ended after %.3f s" % (time.monotonic() - began), flush=True)
    tap.equal(status, 0, "a_signal_ends_a_merge_well")
    left = database.left_over()
    tap.ok(left, "what_is_finished_stays")
    tap.ok(database.has_record(), "and_a_record_of_it")
    database.finish(tap, "after_a_signal", database.inodes(left))


def die(database, point, passage):
    env = hazard.at(point, "kill", passage)
    # Slow enough that its threads are not through at once.
    dying = database.compactor(env, compaction_rate_limit="4mb")
    dying.spawn()
    return hazard.wait_ended(dying, "it to die at " + point)


def test_points(tap, database):
    for point, passage in POINTS:
        database.write()
        tap.equal(die(database, point, passage), -9, "it_dies_at_" + point)
        kept = None
        if database.has_record():
            kept = database.inodes(database.left_over())
        database.finish(tap, "after_" + point, kept)


def test_successors(tap, database):
    """Several die, one after the other, each at its beginning."""
    for point in SUCCESSOR_POINTS:
        database.write()
        tap.equal(die(database, "progress-saved", 3), -9,
                  "one_dies_before_" + point)
        before = database.left_over()
        kept = database.inodes(before)
        tap.equal(die(database, point, 1), -9, "its_successor_dies_at_" + point)
        tap.equal(die(database, "job-picked", 1), -9,
                  "the_third_dies_before_it_merges_" + point)
        tap.equal(database.left_over() & before, set(),
                  "names_do_not_outlive_a_whole_start_" + point)
        database.finish(tap, "after_two_and_" + point, kept)


def test_short_lives(tap, database):
    """Each dies when the record has two things more: outputs that it made, or
    read back of those before."""
    database.write()
    status = -9
    lives = 0
    while status == -9 and lives < LIVES_MAX:
        # The first passage is that of its start.
        status = die(database, "progress-saved", 3)
        lives += 1
    print("# %d lives" % lives, flush=True)
    tap.equal(status, 0, "compactors_that_die_after_two_outputs_get_through")
    tap.ok(lives > 4, "none_of_them_did_much", lives)
    database.finish(tap, "after_short_lives", None)


def test_foreign(tap, database):
    for what, text in (("empty", b""), ("foreign", b"not ours" * 100)):
        with open(os.path.join(database.dir, RECORD), "wb") as file:
            file.write(text)
        hazard.sound(tap, database.dir, "a_check_passes_over_a_record_" + what)
        database.write()
        database.finish(tap, "beside_a_record_" + what, None)


def main():
    print("# SEED=%d" % SEED, flush=True)
    tap = rt.Tap()
    database = Database()
    for test in (test_signal, test_points, test_successors, test_short_lives,
                 test_foreign):
        tap.run(test, database)
    tap.equal(database.server.stop(), 0, "the_daemon_stops")
    tap.done()


main()
