"""H17: the compactor is dead, stopped, or fails at every job. Writes and reads go
on, INFO tells, and the backlog goes when it comes back."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hazard  # noqa: E402
from hazard import rt  # noqa: E402

tap = rt.Tap()

TABLES = 60


def fill(data, client, tables):
    """Write until level 0 has so many tables."""
    while int(client.info("lsm")["l0_files"]) < tables:
        data.write(client, 4)
        hazard.flushed(client)


def test_dead(tap):
    data = hazard.Data()
    with hazard.server() as server, server.client() as client:
        compactor = hazard.compactor(server.dir).start()
        rt.wait_until(lambda: client.info("compactor")["compactor_state"] !=
                      "absent", "the compactor to be seen")
        compactor.kill()
        fill(data, client, TABLES)
        tap.ok(True, "writes_go_on_over_%d_tables_of_level_0" % TABLES)
        tap.equal(data.wrong(client), [], "and_reads_are_right")
        info = client.info("compactor")
        tap.equal(info["compactor_state"], "absent",
                  "info_tells_that_there_is_none")
        tap.ok("compactor_last_publish_age_seconds" in info and
               "compaction_debt_bytes" in info and
               int(client.info("lsm")["l0_files"]) >= TABLES,
               "and_how_much_there_is_to_do", info)
        server.kill()
        server.start()
        with server.client() as again:
            tap.equal(data.wrong(again), [],
                      "a_start_over_the_backlog_reads_everything")
            compactor.start()
            rt.wait_until(lambda: int(again.info("lsm")["l0_files"]) < 2,
                          "the backlog to go")
            tap.equal(data.wrong(again), [],
                      "when_it_comes_back_the_backlog_goes")
        tap.equal(compactor.stop(), 0, "and_it_stops_well")


def test_stopped(tap):
    data = hazard.Data()
    with hazard.server() as server, server.client() as client:
        data.write(client, 4)
        hazard.flushed(client)
        compactor = hazard.compactor(
            server.dir, hazard.at("merge-output-done")).start()
        hazard.wait_stopped(compactor, "the compactor in a merge")
        fill(data, client, TABLES)
        tap.equal(data.wrong(client), [],
                  "beside_a_stopped_one_writes_and_reads_go_on")
        info = client.info("compactor")
        tap.ok(info["compactor_state"] == "running" and
               int(info["compactor_pid"]) == compactor.pid and
               info["compactor_job"] != "",
               "info_tells_at_what_it_stands", info)
        compactor.signal(signal.SIGCONT)
        rt.wait_until(lambda: int(client.info("lsm")["l0_files"]) < 2,
                      "the backlog to go")
        tap.equal(data.wrong(client), [], "woken_it_catches_up")
        tap.equal(compactor.stop(), 0, "woken_it_stops_well")


def test_failing(tap):
    """It can make no table: where its next ones would be are directories."""
    data = hazard.Data()
    with hazard.server() as server, server.client() as client:
        for number in range(1, 200):
            os.mkdir(os.path.join(server.dir, "sst", "c1-%d.sst" % number))
        data.write(client, 4)
        hazard.flushed(client)
        compactor = hazard.compactor(server.dir).start()
        rt.wait_until(lambda: client.info("compactor")["compactor_last_error"],
                      "the compactor to fail")
        tap.ok(True, "info_tells_why_it_fails")
        fill(data, client, 30)
        tap.equal(data.wrong(client), [],
                  "beside_a_failing_one_writes_and_reads_go_on")
        compactor.kill()
        # The next epoch has names of its own.
        tap.equal(hazard.compactor(server.dir).once(), 0,
                  "its_successor_does_the_work")
        rt.wait_until(lambda: int(client.info("lsm")["l0_files"]) < 2,
                      "the backlog to go")
        tap.equal(data.wrong(client), [], "and_all_is_right")


tap.run(test_dead)
tap.run(test_stopped)
tap.run(test_failing)
tap.done()
