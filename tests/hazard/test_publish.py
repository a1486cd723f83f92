"""H2, H10: whoever sleeps in the middle of a publish, at whatever step, wakes up
to a world that went on: what he publishes is right in it, or nothing."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hazard  # noqa: E402
from hazard import rt  # noqa: E402

tap = rt.Tap()

STEPS = ("publish-applied", "publish-before-link", "publish-after-link",
         "publish-looked", "publish-after-sync", "publish-done")


def obsolete_tables(directory):
    _, text = hazard.riptide(directory, "dump", "manifest")
    return {word for line in text.splitlines()
            if line.startswith("obsolete") for word in line.split()[1:]}


def test_sleeping_compactor(tap, step):
    """The daemon flushes and collects more generations than are kept, and the
    one that the compactor read is gone when it wakes up."""
    data = hazard.Data()
    with hazard.server() as server, server.client() as client:
        data.write(client, 4)
        hazard.flushed(client)
        # Its claim is the first passage.
        sleeper = hazard.compactor(server.dir, hazard.at(step, passage=2),
                                   args=["--full"]).start()
        hazard.wait_stopped(sleeper, "the compactor at " + step)
        before = hazard.generation(server.dir)
        while hazard.generation(server.dir) < before + 20:
            data.write(client, 1)
            hazard.flushed(client)
        rt.wait_until(lambda: not os.path.exists(os.path.join(
            server.dir, "manifest", "MANIFEST-%020d" % before)),
            "the old generations to be collected")
        sleeper.signal(signal.SIGCONT)
        tap.equal(hazard.wait_ended(sleeper, "the compactor"), 0,
                  "a_compactor_that_slept_at_%s_ends_well" % step)
        tap.equal(data.wrong(client), [],
                  "no_key_is_wrong_after_its_sleep_at_%s" % step)
        # The daemon may take one off the list between two of these looks.
        rt.wait_until(lambda: not (
            {name for name in hazard.tables(server.dir)
             if name.startswith("c")} - hazard.live_tables(server.dir) -
            obsolete_tables(server.dir)), "its tables to be known or gone")
        tap.ok(True, "what_it_made_is_published_or_gone_at_%s" % step)
        hazard.sound(tap, server.dir, "the_files_are_sound_after_%s" % step)


def test_sleeping_daemon(tap, step):
    """The compactor merges meanwhile."""
    data = hazard.Data()
    # Its claim is the first passage, and flushes follow.
    with hazard.server(hazard.at(step, passage=4)) as server:
        with server.client() as client:
            while not hazard.is_stopped(server):
                client.sock.settimeout(0.5)
                try:
                    data.write(client, 1)
                    hazard.flushed(client)
                except TimeoutError:
                    break
        hazard.wait_stopped(server, "the daemon at " + step)
        before = hazard.generation(server.dir)
        tap.equal(hazard.compactor(server.dir).once("--full"), 0,
                  "a_daemon_that_sleeps_at_%s_delays_no_merge" % step)
        tap.ok(hazard.generation(server.dir) > before,
               "and_generations_go_on_at_%s" % step)
        server.signal(signal.SIGCONT)
        with server.client() as client:
            data.write(client, 3)
            hazard.flushed(client)
            tap.equal(data.wrong(client), [],
                      "no_key_is_wrong_after_the_daemons_sleep_at_%s" % step)
        tap.equal(server.stop(), 0,
                  "the_daemon_that_slept_at_%s_stops_well" % step)
        hazard.sound(tap, server.dir,
                     "the_files_are_sound_after_the_daemons_%s" % step)


def test_stale_merge(tap):
    """H2: a compactor stands before its publish, has lost the role, and its
    inputs have been merged by its successor. Keys were deleted since."""
    data = hazard.Data()
    with hazard.server() as server, server.client() as client:
        data.write(client, 3)
        hazard.flushed(client)
        stale = hazard.compactor(server.dir, hazard.at("job-before-publish"),
                                 args=["--full"]).start()
        hazard.wait_stopped(stale, "the compactor before its publish")
        client.call("DEL", *[b"k%03d" % number for number in range(300)])
        data.model.clear()
        hazard.flushed(client)
        # The role is free for another only if the lock is gone.
        os.unlink(os.path.join(server.dir, "COMPACTOR.LOCK"))
        tap.equal(hazard.compactor(server.dir).once("--full"), 0,
                  "a_successor_merges_the_same_tables")
        merged = hazard.live_tables(server.dir)
        stale.signal(signal.SIGCONT)
        status = hazard.wait_ended(stale, "the former compactor")
        tap.ok(status not in (0, -signal.SIGKILL),
               "a_stale_merge_is_not_published", stale.stderr()[-500:])
        tap.equal(hazard.live_tables(server.dir), merged,
                  "the_manifest_stays_as_the_successor_left_it")
        tap.equal(data.wrong(client), [], "deleted_keys_stay_away")
        server.restart()
        with server.client() as again:
            tap.equal(again.call("DBSIZE"), 0,
                      "and_after_a_restart_there_is_none")
        hazard.sound(tap, server.dir, "the_files_are_sound_after_a_stale_merge")


def test_flush_meanwhile(tap):
    """H2: a flush, deletes and a FLUSHDB come in before the merge's publish."""
    data = hazard.Data()
    with hazard.server() as server, server.client() as client:
        data.write(client, 3)
        hazard.flushed(client)
        merger = hazard.compactor(server.dir, hazard.at("job-before-publish"),
                                  args=["--full"]).start()
        hazard.wait_stopped(merger, "the compactor before its publish")
        client.call("FLUSHDB")
        data.model.clear()
        data.write(client, 1, keys=20)
        hazard.flushed(client)
        merger.signal(signal.SIGCONT)
        tap.equal(hazard.wait_ended(merger, "the compactor"), 0,
                  "a_merge_carries_along_what_was_flushed_meanwhile")
        tap.equal(data.wrong(client), [], "what_flushdb_took_stays_away")
        server.restart()
        with server.client() as again:
            tap.equal(data.wrong(again), [],
                      "and_after_a_restart_it_is_away_still")
            tap.equal(again.call("DBSIZE"), len(data.model),
                      "and_none_is_counted")


for one in STEPS:
    tap.run(test_sleeping_compactor, one)
for one in STEPS:
    tap.run(test_sleeping_daemon, one)
tap.run(test_stale_merge)
tap.run(test_flush_meanwhile)
tap.done()
