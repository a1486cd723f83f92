"""SIGTERM in the middle of a long job: the compactor ends at once, whatever is
left of the job, and the next one goes on behind every output that was whole.

That it ends at once is shown by what it has not done: the rest of the job would
take longer than the test waits, and the processor time from the signal on is
counted. The time by the clock is printed."""

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
KEYS = 30000
RUNS = 3
VALUE_BYTES = 600
TICKS_S = os.sysconf("SC_CLK_TCK")
# The rest of a job takes so many times our patience, at least.
FACTOR = 2

tap = rt.Tap()


class Database:
    """A daemon, and what it was given."""

    def __init__(self):
        self.server = hazard.server(memtable_size="16mb").start()
        self.client = self.server.client()
        self.dir = self.server.dir
        self.chance = random.Random(SEED)
        self.model = {}

    def write(self):
        for _ in range(RUNS):
            commands = []
            for number in self.chance.sample(range(KEYS), KEYS // 2):
                key = b"key%05d" % number
                value = b"%d." % self.chance.randrange(1 << 30)
                value += b"v" * (VALUE_BYTES - len(value))
                commands.append(("SET", key, value))
                self.model[key] = value
            for start in range(0, len(commands), 500):
                self.client.pipeline(commands[start:start + 500])
            hazard.flushed(self.client)

    def compactor(self, args=(), **options):
        """One job takes all of level 0 down; its outputs are small."""
        return hazard.compactor(self.dir, args=args, compression="none",
                                compression_bottom="none",
                                level_base_size="64mb", **options)

    def outputs(self):
        """Files of a compactor that no manifest names yet, and their sizes."""
        found = {}
        for name in hazard.tables(self.dir) - hazard.live_tables(self.dir):
            if name.startswith("c"):
                path = os.path.join(self.dir, "sst", name)
                try:
                    found[name] = os.stat(path)
                except FileNotFoundError:
                    pass
        return found

    def live_inodes(self):
        return {os.stat(os.path.join(self.dir, "sst", name)).st_ino
                for name in hazard.live_tables(self.dir)}

    def wrong(self):
        replies = self.client.pipeline([("GET", key) for key in self.model])
        return [key for key, reply in zip(self.model, replies)
                if reply != self.model[key]]


def processor_s(pid):
    with open("/proc/%d/stat" % pid, "rb") as file:
        words = file.read().rsplit(b")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / TICKS_S


def end(process):
    """SIGTERM: status, time by the clock, and by the processor."""
    before_s = processor_s(process.pid)
    began = time.monotonic()
    process.process.terminate()
    deadline = began + rt.PATIENCE_S
    while time.monotonic() < deadline:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid != 0:
            process.process.returncode = os.waitstatus_to_exitcode(status)
            return (process.process.returncode, time.monotonic() - began,
                    used.ru_utime + used.ru_stime - before_s)
        time.sleep(0.005)
    raise RuntimeError("it did not end within %d s" % rt.PATIENCE_S)


def test_stop(tap, database, name, args, threads, rate_kb):
    database.write()
    slow = database.compactor(args, compaction_threads=threads,
                              compaction_rate_limit="%dkb" % rate_kb)
    slow.spawn()
    # Each thread may have one that is not whole.
    before = rt.wait_until(
        lambda: len(database.outputs()) >= threads + 2 and database.outputs(),
        "some outputs to be whole")
    status, clock_s, cpu_s = end(slow)
    print("# %s: it ended after %.3f s, %.3f s of them at work" % (
        name, clock_s, cpu_s), flush=True)
    tap.equal(status, 0, "it_ends_well_" + name)
    tap.ok(cpu_s < 1, "with_less_than_a_second_of_work_" + name, cpu_s)
    whole = database.outputs()
    done = sum(stat.st_size for stat in whole.values())
    left_s = (KEYS // 2 * VALUE_BYTES - done) / (rate_kb * 1024)
    tap.ok(left_s > FACTOR * rt.PATIENCE_S,
           "the_rest_of_the_job_was_not_done_" + name,
           "%d bytes done, %d s left" % (done, left_s))
    tap.ok(len(set(before) - set(whole)) <= threads,
           "nothing_whole_is_lost_" + name,
           "%s\n%s" % (sorted(before), sorted(whole)))
    tap.equal(database.compactor().once("--full"), 0,
              "the_next_one_does_the_rest_" + name)
    kept = {stat.st_ino for stat in whole.values()}
    tap.ok(len(kept) >= 2 and kept <= database.live_inodes(),
           "with_each_output_that_was_whole_" + name,
           "%s\n%s" % (kept, database.live_inodes()))
    tap.equal(database.wrong()[:5], [], "all_keys_are_right_" + name)


def main():
    print("# SEED=%d" % SEED, flush=True)
    database = Database()
    tap.run(test_stop, database, "watching", (), 1, 64)
    tap.run(test_stop, database, "with_two_threads", ("--full",), 2, 64)
    hazard.sound(tap, database.dir, "the_files_are_sound")
    tap.equal(database.server.stop(), 0, "the_daemon_stops")
    tap.done()


main()
