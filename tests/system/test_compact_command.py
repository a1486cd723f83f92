"""COMPACT [WAIT]: a client asks the compactor, through the manifest."""

import os
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()

SMALL = {"table_size": "64kb", "level_base_size": "128kb",
         "level_size_multiplier": 4}
# Level 0 is never due by itself, so that what is merged was asked for.
LAZY = dict(SMALL, l0_compaction_trigger=1000)


def server_with(compactor="external", **options):
    return rt.Server(memtable_size="64kb", appendfsync="no",
                     compactor=compactor, **dict(LAZY, **options))


def load(client, begin=0, count=3000, value="v" * 100):
    client.pipeline([("SET", "key:%d" % i, value)
                     for i in range(begin, begin + count)])


def requests(client):
    info = client.info("compactor")
    return (int(info["compact_requests"]), int(info["compact_requests_done"]))


def lsm(client):
    return {name: int(value) for name, value in client.info("lsm").items()
            if name.startswith(("level", "l0_", "flushed"))}


def is_down(client):
    levels = lsm(client)
    return levels["l0_files"] == 0 and levels["level6_files"] > 0 and \
        all(levels["level%d_files" % i] == 0 for i in range(1, 6))


def park(server):
    """A client that waits for its COMPACT."""
    client = server.client()
    client.send_raw(rt.encode("COMPACT", "WAIT"))
    return client


def waiting(client):
    """How many connections there are besides this one."""
    return client.call("CLIENT", "LIST").count(b"cmd=compact")


def test_without_a_compactor(tap):
    with server_with() as server, server.client() as client:
        load(client)
        tap.equal(client.call("COMPACT"), "OK", "compact_answers_at_once")
        rt.wait_until(lambda: requests(client) == (1, 0),
                      "the request in the manifest")
        tap.ok(True, "the_request_is_kept_in_the_manifest")
        tap.equal(client.error("COMPACT", "NOW"), "ERR syntax error",
                  "another_word_is_a_syntax_error")
        waiter = park(server)
        rt.wait_until(lambda: requests(client) == (2, 0),
                      "the second request")
        tap.equal(client.call("GET", "key:1"), b"v" * 100,
                  "others_are_served_while_one_waits")
        tap.equal(waiting(client), 1, "the_waiting_client_is_listed")
        gone = park(server)
        rt.wait_until(lambda: waiting(client) == 2, "another to wait")
        gone.close()
        rt.wait_until(lambda: waiting(client) == 1, "its end to be noticed")
        tap.ok(True, "closing_the_connection_ends_the_wait")
        server.stop()
        reply = waiter.read()
        tap.ok(isinstance(reply, rt.ReplyError) and
               "the server stops" in reply.text,
               "a_server_that_stops_says_so", reply)
    server.start()
    with server.client() as client:
        tap.equal(requests(client), (3, 0), "requests_outlive_the_daemon")
        compactor = rt.Compactor(server.dir, **LAZY).start()
        rt.wait_until(lambda: requests(client) == (3, 3), "an answer")
        tap.ok(is_down(client), "a_compactor_that_comes_serves_them",
               lsm(client))
        compactor.stop()
        server.kill()


def test_in_a_window(tap):
    now = time.localtime()
    hour = (now.tm_hour + 12) % 24
    options = {"compaction_window": "%02d:00-%02d:01" % (hour, hour),
               "compaction_outside_window": "none"}
    with server_with() as server, server.client() as client:
        load(client)
        compactor = rt.Compactor(server.dir, **dict(
            SMALL, l0_compaction_trigger=2, **options)).start()
        rt.wait_until(lambda: int(client.info("compactor")["compactor_pid"]) ==
                      compactor.pid, "the compactor")
        tap.equal(client.call("COMPACT", "WAIT"), "OK",
                  "a_request_is_served_outside_the_window")
        tap.ok(is_down(client), "and_merges_everything_down", lsm(client))
        load(client, 5000)
        client.call("FLUSHMEM")
        rt.wait_until(lambda: lsm(client)["l0_files"] > 2, "flushes")
        for turns in (1, 2):
            compactor.signal(signal.SIGUSR1)
            rt.wait_until(lambda: compactor.stderr().count(
                "compactor_jobs_done") >= turns, "a turn of the compactor")
        tap.ok(lsm(client)["l0_files"] > 2, "then_the_window_holds_again",
               lsm(client))
        compactor.stop()


def test_across_kills(tap):
    with server_with() as server, server.client() as client:
        load(client, count=20000)
        waiter = park(server)
        for number in range(4):
            compactor = rt.Compactor(server.dir, compaction_rate_limit="1mb",
                                     **LAZY).start()
            sst = os.path.join(server.dir, "sst")
            rt.wait_until(lambda: any(
                name.startswith("c") for name in os.listdir(sst)) or
                compactor.ended() is not None, "an output")
            compactor.kill()
        compactor = rt.Compactor(server.dir, **LAZY).start()
        tap.equal(waiter.read(), "OK", "a_request_outlives_the_compactor")
        tap.ok(is_down(client), "everything_is_merged_after_kills",
               lsm(client))
        tap.equal(client.call("DBSIZE"), 20000, "and_nothing_is_lost")
        compactor.stop()


def test_under_writes(tap):
    """What comes after the request does not make it longer."""
    with server_with() as server, server.client() as client:
        load(client, count=10000)
        compactor = rt.Compactor(server.dir, **LAZY).start()
        compactor.signal(signal.SIGSTOP)
        waiter = park(server)
        rt.wait_until(lambda: requests(client)[0] == 1, "the request")
        load(client, begin=50000, count=3000)
        client.call("FLUSHMEM")
        rt.wait_until(lambda: int(client.info("lsm")["immutable_memtables"])
                      == 0 and int(client.info("lsm")["memtable_entries"]) ==
                      0, "the later flushes")
        compactor.signal(signal.SIGCONT)
        tap.equal(waiter.read(), "OK", "a_request_ends_under_writes")
        levels = lsm(client)
        tap.ok(0 < levels["l0_files"] <= 20, "what_came_later_stays", levels)
        tap.equal(client.call("DBSIZE"), 13000, "every_key_is_there")
        compactor.stop()


def test_once(tap):
    """A compactor from a timer serves requests, too."""
    with server_with() as server, server.client() as client:
        load(client)
        client.call("COMPACT")
        rt.wait_until(lambda: requests(client) == (1, 0), "the request")
        plan = subprocess.run(
            rt.Compactor(server.dir, **LAZY).command() + ["--dry-run"],
            capture_output=True, text=True, timeout=rt.PATIENCE_S,
            check=False)
        tap.ok("everything is to be merged down" in plan.stdout,
               "dry_run_knows_of_the_request", plan)
        tap.equal(rt.Compactor(server.dir, **LAZY).once(), 0, "once_ends")
        rt.wait_until(lambda: requests(client) == (1, 1), "an answer")
        tap.ok(is_down(client), "once_serves_a_request", lsm(client))


def test_spawned(tap):
    with server_with(compactor="spawn") as server, server.client() as client:
        load(client)
        tap.equal(client.call("COMPACT", "WAIT"), "OK",
                  "a_spawned_compactor_serves_it")
        tap.ok(is_down(client), "a_lone_daemon_is_merged_down", lsm(client))
        server.stop()


for test in (test_without_a_compactor, test_in_a_window, test_across_kills,
             test_under_writes, test_once, test_spawned):
    tap.run(test)
tap.done()
