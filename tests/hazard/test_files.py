"""H3, H4, H5, H12, H16: which files are read, which are unlinked, and which are
never taken for ours."""

import os
import random
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hazard  # noqa: E402
from hazard import rt  # noqa: E402

tap = rt.Tap()

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
MERGES = 100


def merged(compactor):
    if not os.path.exists(compactor.stderr_path):
        return 0
    return compactor.stderr().count("area=job event=done")


def test_snapshot_over_merges(tap):
    """H3: what a snapshot sees stays readable, and the daemon's descriptors do
    not pile up."""
    data = hazard.Data()
    with hazard.server() as server, server.client() as client, \
            server.client() as past:
        data.write(client, 3)
        hazard.flushed(client)
        then = dict(data.model)
        past.call("SNAPSHOT", "USE", client.call("SNAPSHOT", "CREATE"))
        compactor = hazard.compactor(server.dir)
        cursor, seen = b"0", set()
        most_files = 0
        while merged(compactor) < MERGES:
            data.write(client, 2)
            hazard.flushed(client)
            if compactor.once() != 0:
                raise RuntimeError(compactor.stderr()[-1000:])
            most_files = max(most_files, len(os.listdir(
                "/proc/%d/fd" % server.pid)))
            # A scan under way goes on, a piece between two merges.
            if cursor is not None:
                cursor, keys = past.call("SCAN", cursor, "COUNT", 10)
                seen.update(keys)
                cursor = None if cursor == b"0" else cursor
        while cursor is not None:
            cursor, keys = past.call("SCAN", cursor, "COUNT", 10)
            seen.update(keys)
            cursor = None if cursor == b"0" else cursor
        tap.equal(seen, set(then), "a_scan_over_%d_merges_sees_its_moment" %
                  MERGES)
        tap.equal(past.call("MGET", *sorted(then)),
                  [then[key] for key in sorted(then)],
                  "a_snapshot_over_%d_merges_reads_its_moment" % MERGES)
        tap.equal(data.wrong(client), [], "and_the_present_is_right")
        tap.ok(most_files < 100, "descriptors_stay_few_over_%d_merges" %
               MERGES, most_files)
        past.call("SNAPSHOT", "USE", "LIVE")
        for entry in client.call("SNAPSHOT", "LIST"):
            client.call("SNAPSHOT", "RELEASE", entry[1])
        compactor.once("--full")
        rt.wait_until(lambda: hazard.tables(server.dir) ==
                      hazard.live_tables(server.dir),
                      "the daemon to unlink what nobody has")
        tap.ok(True, "when_nobody_has_them_obsolete_tables_go")


def test_stopped_daemon(tap):
    """H3: the daemon sleeps through merges, and reads everything after."""
    data = hazard.Data()
    with hazard.server(memory_limit="64mb", block_cache_size="0") as server, \
            server.client() as client:
        data.write(client, 6)
        hazard.flushed(client)
        server.signal(signal.SIGSTOP)
        for word in ("--once", "--full"):
            tap.equal(hazard.compactor(server.dir).once(word), 0,
                      "a_stopped_daemon_is_merged_under_%s" % word.strip("-"))
        server.signal(signal.SIGCONT)
        tap.equal(data.wrong(client), [],
                  "a_daemon_that_slept_through_merges_reads_everything")


def test_removed_lock(tap):
    """H3, H8: a compactor that does not see the daemon's lock file leaves the
    daemon's tables alone."""
    data = hazard.Data()
    with hazard.server() as server, server.client() as client:
        data.write(client, 4)
        hazard.flushed(client)
        os.unlink(os.path.join(server.dir, "LOCK"))
        before = hazard.tables(server.dir)
        # It cannot look at the manifest, so it unlinks nothing itself.
        server.signal(signal.SIGSTOP)
        hazard.compactor(server.dir).once("--full")
        tap.ok(before <= hazard.tables(server.dir),
               "without_the_lock_file_a_living_daemons_tables_stay",
               before - hazard.tables(server.dir))
        server.signal(signal.SIGCONT)
        tap.equal(data.wrong(client), [], "and_it_reads_everything")


def test_unpublished_output(tap, point):
    """H4: the daemon is killed and swept while the compactor writes."""
    data = hazard.Data()
    with hazard.server() as server, server.client() as client:
        data.write(client, 3)
        hazard.flushed(client)
        writer = hazard.compactor(server.dir, hazard.at(point),
                                  args=["--full"]).start()
        hazard.wait_stopped(writer, "the compactor at " + point)
        for _ in range(3):
            server.kill()
            server.start()
        writer.signal(signal.SIGCONT)
        tap.equal(hazard.wait_ended(writer, "the compactor"), 0,
                  "the_daemons_sweep_spares_the_output_at_%s" % point)
        with server.client() as again:
            tap.equal(data.wrong(again), [],
                      "no_key_is_wrong_with_the_output_of_%s" % point)
        rt.wait_until(lambda: hazard.tables(server.dir) ==
                      hazard.live_tables(server.dir),
                      "the daemon to unlink what is obsolete")
        tap.ok(True, "no_table_is_missing_or_left_of_%s" % point)


def test_orphans(tap, point):
    """H5: what a killed compactor leaves is never adopted."""
    data = hazard.Data()
    with hazard.server() as server, server.client() as client:
        data.write(client, 3)
        hazard.flushed(client)
        killed = hazard.compactor(server.dir, hazard.at(point, "kill"),
                                  args=["--full"]).start()
        hazard.wait_ended(killed, "the compactor at " + point)
        left = hazard.tables(server.dir) - hazard.live_tables(server.dir)
        tap.ok(left, "a_compactor_killed_at_%s_leaves_an_output" % point)
        client.call("DEL", *[b"k%03d" % number for number in range(300)])
        data.model.clear()
        hazard.flushed(client)
        server.kill()
        server.start()
        tap.equal(hazard.compactor(server.dir).once("--full"), 0,
                  "its_successor_ends_well_after_%s" % point)
        tap.ok(not left & hazard.tables(server.dir),
               "the_orphan_of_%s_is_swept" % point, left)
        with server.client() as again:
            tap.equal((data.wrong(again), again.call("DBSIZE")), ([], 0),
                      "what_was_deleted_since_%s_stays_away" % point)


def test_orphan_of_the_daemon(tap):
    """H5: the same of a table that the daemon wrote and did not publish."""
    with hazard.server(hazard.at("flush-table-written", "kill")) as server:
        with server.client() as client:
            client.call("SET", "a", "1")
            client.call("FLUSHMEM")
        hazard.wait_ended(server, "the daemon")
        left = hazard.tables(server.dir)
        tap.ok(left, "a_daemon_killed_before_its_publish_leaves_a_table")
        server.env = None
        server.start()
        with server.client() as client:
            tap.equal(client.call("GET", "a"), b"1",
                      "and_the_log_has_what_was_in_it")
            hazard.flushed(client)
        tap.ok(not left & hazard.tables(server.dir),
               "an_unpublished_table_is_swept_and_its_name_not_used_again")


def test_tombstones(tap):
    """H12: a few keys, tiny tables, any order of writes, flushes, merges and
    snapshots; whatever the levels, nothing deleted comes back, and in the end
    the tables have one version of each key and of the deleted nothing."""
    chance = random.Random(SEED)
    names = [b"t%d" % number for number in range(8)]
    data = {}
    with hazard.server() as server, server.client() as client:
        compactor = hazard.compactor(server.dir)
        held = []
        for _ in range(60):
            for _ in range(chance.randrange(1, 12)):
                name = chance.choice(names)
                if chance.random() < 0.5:
                    client.call("DEL", name)
                    data.pop(name, None)
                else:
                    data[name] = b"%d" % chance.randrange(1 << 30)
                    client.call("SET", name, data[name])
            dice = chance.random()
            if dice < 0.6:
                hazard.flushed(client)
            if dice < 0.3:
                compactor.options["l0_compaction_trigger"] = \
                    chance.choice((1, 2, 3))
                compactor.once(*(["--full"] if dice < 0.05 else []))
            if 0.3 < dice < 0.4 and len(held) < 3:
                held.append(client.call("SNAPSHOT", "CREATE"))
            elif dice > 0.9 and held:
                client.call("SNAPSHOT", "RELEASE", held.pop(0))
            found = client.call("MGET", *names)
            if found != [data.get(name) for name in names]:
                tap.ok(False, "no_tombstone_goes_too_early", "SEED=%d: %s, %s"
                       % (SEED, found, data))
                return
        tap.ok(True, "no_tombstone_goes_too_early")
        server.stop()
        tap.equal(compactor.once("--full"), 0, "all_is_merged_down")
        inside = []
        for name in hazard.live_tables(server.dir):
            _, text = hazard.riptide(server.dir, "dump", "sst", os.path.join(
                server.dir, "sst", name))
            inside += [line for line in text.splitlines()
                       if line.startswith(("put", "delete"))]
        tap.equal(sorted(line.split('key="')[1].split('"')[0]
                         for line in inside if line.startswith("put")),
                  sorted(name.decode() for name in data),
                  "the_tables_have_each_live_key_once")
        tap.equal([line for line in inside if line.startswith("delete")], [],
                  "and_no_tombstone")


def database_with(value):
    with hazard.server() as server, server.client() as client:
        client.pipeline([("SET", "k%03d" % number, value)
                         for number in range(100)])
        hazard.flushed(client)
        server.stop()
    return server


def test_mixed_databases(tap):
    """H16: a table of the same name and size out of another database."""
    one, other = database_with("1" * 50), database_with("2" * 50)
    names = hazard.live_tables(one.dir)
    tap.equal(names, hazard.live_tables(other.dir),
              "two_databases_have_tables_of_one_name")
    name = min(names)
    shutil.copy(os.path.join(other.dir, "sst", name),
                os.path.join(one.dir, "sst", name))
    one.spawn()
    tap.ok(hazard.wait_ended(one, "the daemon") == 65 and
           name in one.stderr().splitlines()[-1],
           "a_table_of_another_database_is_refused_by_name",
           one.stderr()[-500:])
    status, text = hazard.riptide(one.dir, "check")
    tap.ok(status == 65 and name in text, "riptide_check_names_it", text)
    compactor = hazard.compactor(one.dir)
    compactor.once("--full")
    tap.ok(name in compactor.stderr() and name in hazard.live_tables(one.dir),
           "a_compactor_does_not_merge_it", compactor.stderr()[-500:])


def test_foreign_log(tap):
    """H16: a log segment out of another database."""
    servers = []
    for value in ("1", "2"):
        with hazard.server() as server, server.client() as client:
            client.call("SET", "a", value)
            server.kill()
        servers.append(server)
    one, other = servers
    wal = os.path.join(one.dir, "wal")
    shutil.rmtree(wal)
    shutil.copytree(os.path.join(other.dir, "wal"), wal)
    one.spawn()
    tap.ok(hazard.wait_ended(one, "the daemon") == 65 and
           "another database" in one.stderr(),
           "a_log_of_another_database_is_refused", one.stderr()[-500:])


began = time.monotonic()
print("# SEED=%d" % SEED, flush=True)
tap.run(test_snapshot_over_merges)
tap.run(test_stopped_daemon)
tap.run(test_removed_lock)
for one_point in ("table-created", "merge-output-done", "job-before-publish",
                  "publish-before-link"):
    # Its claim passes this one first.
    tap.run(test_unpublished_output, one_point)
for one_point in ("merge-output-done", "job-before-publish"):
    tap.run(test_orphans, one_point)
tap.run(test_orphan_of_the_daemon)
tap.run(test_tombstones)
tap.run(test_mixed_databases)
tap.run(test_foreign_log)
print("# %.1f s" % (time.monotonic() - began))
tap.done()
