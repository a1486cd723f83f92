"""tombstone-max-age: what was deleted leaves the tables in a bounded time, though
nobody writes any more and nothing else asks for a merge."""

import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
sys.path.insert(0, os.path.join(HERE, "..", "hazard"))
import riptide_test as rt  # noqa: E402
import shim  # noqa: E402

tap = rt.Tap()

KEYS = 300
DAY_MS = 86400000
REASON = "tombstones are older than tombstone-max-age"
# Nothing but the age asks for a merge, and values stay readable in the files.
QUIET = {"l0_compaction_trigger": 1000, "compression": "none",
         "compression_bottom": "none"}


def key(number):
    return "k%03d" % number


def value(number):
    return ("secret-%03d " % number) * 9


def is_deleted(number):
    return number % 3 == 0


def flush(client):
    client.call("FLUSHMEM")
    rt.wait_until(lambda: client.info("lsm")["memtable_entries"] == "0" and
                  client.info("lsm")["immutable_memtables"] == "0",
                  "the memtables to be flushed")


def fill(server, client):
    """Values in the last level."""
    client.pipeline([("SET", key(n), value(n)) for n in range(KEYS)])
    flush(client)
    status = compactor(server, tombstone_max_age=0).once("--full")
    if status != 0:
        raise RuntimeError("--full ended with %d" % status)


def delete(client):
    client.pipeline([("DEL", key(n)) for n in range(KEYS) if is_deleted(n)])
    flush(client)


def compactor(server, env=None, **options):
    merged = dict(QUIET)
    merged.update(options)
    return rt.Compactor(server.dir, env=env, **merged)


def tables(server):
    """The newest manifest's tables: their numbers by name."""
    done = subprocess.run(
        [rt.RIPTIDE, "--dir", server.dir, "dump", "manifest"],
        capture_output=True, text=True, check=True, timeout=rt.PATIENCE_S)
    return [dict(word.split("=", 1) for word in line.split() if "=" in word)
            for line in done.stdout.splitlines() if line.startswith("  table ")]


def total(server, name):
    return sum(int(table[name]) for table in tables(server))


def readable(server):
    """The deleted keys whose values are in some file of a table."""
    directory = os.path.join(server.dir, "sst")
    content = b""
    for name in os.listdir(directory):
        try:
            with open(os.path.join(directory, name), "rb") as file:
                content += file.read()
        except FileNotFoundError:
            pass
    return [n for n in range(KEYS)
            if is_deleted(n) and b"secret-%03d" % n in content]


def wait_unreadable(server):
    rt.wait_until(lambda: not readable(server),
                  "the bytes of deleted values to be gone")


def wrong_keys(client):
    replies = client.pipeline([("GET", key(n)) for n in range(KEYS)])
    return [n for n in range(KEYS) if replies[n] !=
            (None if is_deleted(n) else value(n).encode())]


def last_job(client):
    """The newest of RIPTIDE JOBS, as names and values."""
    words = client.call("RIPTIDE", "JOBS", "1")[0]
    return dict(zip([word.decode() for word in words[::2]], words[1::2]))


def test_a_watching_compactor(tap):
    with rt.Server(appendfsync="no") as server, server.client() as client:
        fill(server, client)
        watching = compactor(server, tombstone_max_age=2).start()
        rt.wait_until(lambda: client.info("compactor")["compactor_phase"] ==
                      "idle", "the compactor to have nothing to do")
        began_s = int(time.time())
        delete(client)
        found = tables(server)
        since = [int(table["tombstones_since_s"]) for table in found]
        tap.ok(since[0] >= began_s and since[1:] == [0] * (len(since) - 1),
               "a_flush_tells_since_when_its_tombstones_are", found)
        rt.wait_until(lambda: total(server, "tombstones") == 0,
                      "the tombstones to be merged away")
        tap.equal(total(server, "entries"), KEYS - KEYS // 3,
                  "nothing_that_was_deleted_is_left_in_the_tables")
        wait_unreadable(server)
        tap.ok(True, "their_bytes_are_gone_from_all_files")
        tap.equal(wrong_keys(client), [], "the_other_keys_are_as_they_were")
        job = last_job(client)
        tap.equal(job["reason"].decode(), REASON, "the_job_says_why")
        job_s = int(job["began-ms"]) // 1000
        # The compactor looks at the clock each half minute in any case.
        tap.ok(since[0] + 2 <= job_s < since[0] + 25,
               "it_came_with_the_age_and_not_with_the_next_look",
               "since %d, began %d" % (since[0], job_s))
        tap.equal(watching.stop(), 0, "the_compactor_stops_well")


def dry_run(server, clock, **options):
    process = compactor(server, **options)
    env = dict(os.environ)
    env.update(clock.env())
    done = subprocess.run(process.command() + ["--dry-run"], env=env,
                          capture_output=True, text=True, check=False,
                          timeout=rt.PATIENCE_S)
    return done.stdout + done.stderr


def is_merged(server, clock, **options):
    """Whether a run of the compactor leaves no tombstone; it ends well."""
    status = compactor(server, env=clock.env(), **options).once()
    if status != 0:
        raise RuntimeError("--once ended with %d" % status)
    return total(server, "tombstones") == 0


def test_a_week(tap, library):
    """By the default, a clock that is turned."""
    clock = shim.Clock(library)
    with rt.Server(appendfsync="no", env=clock.env()) as server, \
            server.client() as client:
        fill(server, client)
        delete(client)
        clock.pass_time(6 * DAY_MS)
        tap.ok(not is_merged(server, clock), "six_days_are_no_week")
        tap.equal(dry_run(server, clock), "nothing is due\n",
                  "and_nothing_is_planned")
        text = dry_run(server, clock, tombstone_max_age=5 * 86400)
        tap.ok("L0 -> L6" in text and REASON in text,
               "a_plan_for_a_shorter_age_names_the_reason", text)
        clock.pass_time(2 * DAY_MS)
        tap.ok(not is_merged(server, clock, tombstone_max_age=0),
               "an_age_of_0_is_none")
        hour = time.localtime(time.time() + 2 * 3600).tm_hour
        window = "%02d:00-%02d:00" % (hour, (hour + 1) % 24)
        tap.ok(not is_merged(server, clock, compaction_window=window),
               "outside_the_window_nothing_is_too_old")
        tap.ok(is_merged(server, clock), "eight_days_are")
        wait_unreadable(server)
        tap.equal(wrong_keys(client), [],
                  "the_data_is_gone_and_the_rest_is_there")


def test_a_snapshot(tap, library):
    clock = shim.Clock(library)
    with rt.Server(appendfsync="no", env=clock.env()) as server, \
            server.client() as client:
        fill(server, client)
        snapshot = client.call("SNAPSHOT", "CREATE", "TTL", "31536000")
        delete(client)
        clock.pass_time(8 * DAY_MS)
        before = {table["unique_id"] for table in tables(server)}
        merged = is_merged(server, clock)
        tap.equal((merged, {table["unique_id"] for table in tables(server)}),
                  (False, before),
                  "what_a_snapshot_needs_is_not_rewritten_for_its_age")
        client.call("SNAPSHOT", "RELEASE", snapshot)
        rt.wait_until(lambda: is_merged(server, clock),
                      "the release to be known")
        wait_unreadable(server)
        tap.equal(wrong_keys(client), [],
                  "once_it_is_released_the_data_goes")


def test_steps(tap, library):
    """A clock that is wrong ages nothing, and keeps nothing for ever."""
    clock = shim.Clock(library)
    with rt.Server(appendfsync="no", env=clock.env()) as server, \
            server.client() as client:
        fill(server, client)
        delete(client)
        clock.step(3650 * DAY_MS)
        tap.ok(not is_merged(server, clock), "ten_years_ahead_age_nothing")
        clock.step(-3650 * DAY_MS)
        clock.step(-30 * DAY_MS)
        tap.ok(not is_merged(server, clock), "a_month_back_ages_nothing")
        # The clock of expiry goes on, at half the speed.
        clock.pass_time(15 * DAY_MS)
        tap.ok(is_merged(server, clock), "and_stops_no_time")
        wait_unreadable(server)
        tap.equal(wrong_keys(client), [],
                  "after_steps_the_data_is_gone_and_the_rest_is_there")


LIBRARY = shim.build()
tap.run(test_a_watching_compactor)
if LIBRARY is None:
    tap.skip("clocks_that_are_turned", "no compiler, or a sanitizer")
else:
    tap.run(test_a_week, LIBRARY)
    tap.run(test_a_snapshot, LIBRARY)
    tap.run(test_steps, LIBRARY)
tap.done()
