"""SNAPSHOT and SWAPDB as a client sees them, beside a compactor and across
restarts."""

import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()

REFUSED = ("READONLY this connection reads from a snapshot: SNAPSHOT USE LIVE "
           "first")
GONE = "ERR the snapshot in use was released"


def flush(client):
    client.call("FLUSHMEM")
    rt.wait_until(lambda: client.info("lsm")["immutable_memtables"] == "0",
                  "the flush")


def lsm(client, name):
    return int(client.info("lsm")[name])


def merge_all(server, client):
    """Everything to the bottom level, and the daemon reads from there."""
    flush(client)
    compactor = rt.Compactor(server.dir, expiry_grace=0)
    assert compactor.once("--full") == 0, compactor.stderr()
    rt.wait_until(lambda: lsm(client, "l0_files") == 0 and
                  lsm(client, "obsolete_files") == 0, "the merged tables")


def listed(client):
    """SNAPSHOT LIST as dicts, whatever the protocol."""
    out = []
    for entry in client.call("SNAPSHOT", "LIST"):
        if isinstance(entry, list):
            entry = {entry[i].decode(): entry[i + 1]
                     for i in range(0, len(entry), 2)}
        out.append(entry)
    return out


def test_reads(tap):
    with rt.Server() as server, server.client() as live, \
            server.client() as past:
        live.pipeline([("SET", "a", "1"), ("SET", "b", "22"),
                       ("SET", "gone", "x"), ("SET", "ttl", "v", "EX", 1000)])
        snapshot = live.call("SNAPSHOT", "CREATE")
        tap.ok(isinstance(snapshot, int), "create_answers_an_id", snapshot)
        live.pipeline([("SET", "a", "2"), ("SET", "new", "1"),
                       ("DEL", "gone"), ("PERSIST", "ttl")])
        tap.equal(past.call("SNAPSHOT", "USE", snapshot), "OK",
                  "a_connection_takes_a_snapshot")
        for when in ("in_the_memtable", "in_tables"):
            got = past.pipeline([
                ("GET", "a"), ("MGET", "a", "b", "new", "gone"),
                ("EXISTS", "a", "new", "gone"), ("STRLEN", "b"),
                ("GETRANGE", "b", 0, 0), ("TYPE", "new"), ("DBSIZE",)])
            tap.equal(got, [b"1", [b"1", b"22", None, b"x"], 2, 2, b"2",
                            "none", 4], "all_reads_see_the_snapshot_" + when)
            tap.equal(sorted(past.call("KEYS", "*")),
                      [b"a", b"b", b"gone", b"ttl"],
                      "keys_see_the_snapshot_" + when)
            tap.equal(live.pipeline([("GET", "a"), ("EXISTS", "gone"),
                                     ("DBSIZE",), ("TTL", "ttl")]),
                      [b"2", 0, 4, -1], "others_see_what_is_live_" + when)
            tap.ok(990 < past.call("TTL", "ttl") <= 1000,
                   "a_ttl_is_that_of_the_snapshot_" + when)
            flush(live)
        tap.equal(past.call("SNAPSHOT", "USE", "live"), "OK", "use_live")
        tap.equal(past.call("GET", "a"), b"2", "what_is_live_is_read_again")


def test_writes_are_refused(tap):
    with rt.Server() as server, server.client() as client:
        client.call("SET", "a", "1")
        client.call("SNAPSHOT", "USE", client.call("SNAPSHOT", "CREATE"))
        for command in (("SET", "a", "2"), ("DEL", "a"), ("INCR", "n"),
                        ("EXPIRE", "a", 1), ("FLUSHDB",), ("FLUSHALL",),
                        ("SWAPDB", 0, 1), ("GETDEL", "a")):
            tap.equal(client.error(*command), REFUSED,
                      command[0].lower() + "_is_refused_at_a_snapshot")
        tap.equal(client.call("RESET"), "RESET", "reset_is_not")
        tap.equal(client.call("SET", "a", "2"), "OK", "reset_ends_the_use")
        tap.equal(listed(client)[0]["users"], 0, "and_is_counted")


def test_release(tap):
    with rt.Server() as server, server.client() as client, \
            server.client() as other:
        client.call("SET", "a", "1")
        snapshot = client.call("SNAPSHOT", "CREATE", "TTL", 0)
        client.call("SNAPSHOT", "USE", snapshot)
        entry = listed(other)[0]
        tap.equal((entry["id"], entry["ttl"], entry["users"]),
                  (snapshot, -1, 1), "the_list_tells_of_it")
        tap.equal(sorted(entry), ["age", "bytes-held", "id", "sequence", "ttl",
                                  "users"], "and_has_these_fields")
        tap.equal(other.call("SNAPSHOT", "RELEASE", snapshot), "OK",
                  "another_connection_may_release_it")
        tap.equal(other.error("SNAPSHOT", "RELEASE", snapshot),
                  "ERR no such snapshot", "but_once")
        for command in (("GET", "a"), ("MGET", "a"), ("KEYS", "*"),
                        ("SCAN", 0), ("DBSIZE",), ("EXISTS", "a")):
            tap.equal(client.error(*command), GONE,
                      command[0].lower() + "_at_a_released_one_is_an_error")
        tap.equal(client.call("PING"), "PONG", "other_commands_go_on")
        client.call("SNAPSHOT", "USE", "LIVE")
        tap.equal(client.call("GET", "a"), b"1", "live_reads_go_on")
        tap.equal(client.error("SNAPSHOT", "USE", snapshot),
                  "ERR no such snapshot", "a_released_one_is_not_taken")
        # A connection that goes lets go of it.
        snapshot = client.call("SNAPSHOT", "CREATE")
        client.call("SNAPSHOT", "USE", snapshot)
        tap.equal(listed(other)[0]["users"], 1, "a_user_is_counted")
        client.close()
        rt.wait_until(lambda: listed(other)[0]["users"] == 0,
                      "the connection to be gone")


def test_end(tap):
    with rt.Server() as server, server.client() as client:
        client.call("SET", "a", "1")
        default = client.call("SNAPSHOT", "CREATE")
        short = client.call("SNAPSHOT", "CREATE", "TTL", 1)
        left = {entry["id"]: entry["ttl"] for entry in listed(client)}
        tap.ok(3590 < left[default] <= 3600, "an_hour_when_nothing_is_said",
               left)
        tap.ok(left[short] <= 1, "a_ttl_is_taken", left)
        rt.wait_until(lambda: len(listed(client)) == 1, "the end of the short")
        tap.equal(listed(client)[0]["id"], default, "the_short_one_has_ended")
        for words in (("CREATE", "TTL", "-1"), ("CREATE", "TTL", "x"),
                      ("CREATE", "TTL"), ("CREATE", "FOR", "1"), ("USE", "x"),
                      ("USE", "-1"), ("RELEASE", "LIVE"), ("USE",),
                      ("NOTHING",)):
            tap.ok(client.error("SNAPSHOT", *words) is not None,
                   "refused_snapshot_" + "_".join(words).lower())
        tap.ok(len(client.call("SNAPSHOT", "HELP")) > 5, "there_is_help")
        server.restart()
        with server.client() as again:
            tap.equal(again.call("SNAPSHOT", "LIST"), [],
                      "a_restart_forgets_them")
            tap.equal(again.error("SNAPSHOT", "USE", default),
                      "ERR no such snapshot", "and_gives_no_id_twice")
            tap.ok(again.call("SNAPSHOT", "CREATE") > default,
                   "ids_rise_over_restarts")


def test_resp3(tap):
    with rt.Server() as server, server.client() as client:
        client.call("HELLO", 3)
        client.call("SNAPSHOT", "CREATE")
        entry = client.call("SNAPSHOT", "LIST")[0]
        tap.ok(isinstance(entry, dict) and entry["users"] == 0,
               "the_list_is_of_maps_in_resp3", entry)


def test_compaction(tap):
    keys = ["key:%d" % i for i in range(400)]
    with rt.Server(appendfsync="no", expiry_grace=0) as server, \
            server.client() as client, server.client() as past:
        client.pipeline([("SET", key, "old" * 20) for key in keys])
        client.pipeline([("SET", "short:%d" % i, "v", "PX", 1500)
                         for i in range(50)])
        snapshot = client.call("SNAPSHOT", "CREATE")
        for round_number in range(3):
            client.pipeline([("SET", key, "new%d" % round_number * 15)
                             for key in keys])
            flush(client)
        rt.wait_until(lambda: client.call("EXISTS", "short:0") == 0,
                      "values to expire")
        merge_all(server, client)
        past.call("SNAPSHOT", "USE", snapshot)
        tap.equal(past.pipeline([("GET", key) for key in keys]),
                  [b"old" * 20] * len(keys),
                  "old_values_survive_a_full_compaction")
        tap.equal(past.call("DBSIZE"), 450, "expired_ones_too")
        tap.equal(lsm(client, "snapshots"), 1, "info_counts_them")
        tap.ok(0 < lsm(client, "snapshot_bytes_held") <=
               lsm(client, "sst_bytes"), "info_tells_what_they_hold")
        held = lsm(client, "sst_entries")
        client.call("FLUSHALL")
        merge_all(server, client)
        tap.equal(past.call("GET", "key:0"), b"old" * 20,
                  "flushall_does_not_reach_it")
        tap.equal(client.call("DBSIZE"), 0, "but_what_is_live")
        client.call("SNAPSHOT", "RELEASE", snapshot)
        client.call("SET", "a", "1")
        rt.wait_until(lambda: lsm(client, "snapshots") == 0, "the release")
        flush(client)
        merge_all(server, client)
        tap.ok(held > 800 and lsm(client, "sst_entries") == 1,
               "a_release_gives_the_space_back",
               "%d, then %d" % (held, lsm(client, "sst_entries")))


def test_scan(tap):
    with rt.Server() as server, server.client() as client, \
            server.client() as past:
        client.pipeline([("SET", "k%d" % i, "v") for i in range(300)])
        past.call("SNAPSHOT", "USE", client.call("SNAPSHOT", "CREATE"))
        found, cursor = [], b"0"
        while True:
            cursor, keys = past.call("SCAN", cursor, "COUNT", 17)
            found += keys
            # What is going on beside it does not show.
            client.call("FLUSHALL")
            client.call("SET", "other", "v")
            if cursor == b"0":
                break
        tap.equal(sorted(found), sorted(b"k%d" % i for i in range(300)),
                  "a_scan_goes_through_the_snapshot")


def test_swapdb(tap):
    with rt.Server() as server, server.client() as zero, \
            server.client() as one, server.client() as past:
        one.call("SELECT", 1)
        zero.call("SET", "a", "zero")
        one.call("SET", "a", "one")
        past.call("SNAPSHOT", "USE", zero.call("SNAPSHOT", "CREATE"))
        tap.equal(zero.call("SWAPDB", 0, 1), "OK", "swapdb_answers_ok")
        tap.equal((zero.call("GET", "a"), one.call("GET", "a")),
                  (b"one", b"zero"), "selected_databases_swap_at_once")
        tap.equal(past.call("GET", "a"), b"zero", "a_snapshot_does_not_swap")
        past.call("SELECT", 1)
        tap.equal(past.call("GET", "a"), b"one",
                  "nor_does_another_database_of_it")
        zero.call("FLUSHDB")
        tap.equal((zero.call("DBSIZE"), one.call("DBSIZE")), (0, 1),
                  "a_flushdb_behind_it_hits_what_was_swapped_in")
        zero.call("SET", "b", "after")
        one.call("SWAPDB", 1, 5)
        zero.call("SWAPDB", 3, 3)
        for how in ("kill", "stop"):
            if how == "kill":
                server.kill()
                server.start()
            else:
                server.restart()
            with server.client() as client:
                got = client.pipeline([("GET", "b"), ("SELECT", 1),
                                       ("DBSIZE",), ("SELECT", 5),
                                       ("GET", "a")])
                tap.equal(got, [b"after", "OK", 0, "OK", b"zero"],
                          "swaps_are_there_after_a_" + how)
                client.call("FLUSHMEM")
        with server.client() as client:
            for words, error in (
                    (("x", "1"), "ERR invalid first DB index"),
                    (("0", "1x"), "ERR invalid second DB index"),
                    (("0", "16"), "ERR DB index is out of range"),
                    (("-1", "0"), "ERR DB index is out of range"),
                    (("99999999999", "0"), "ERR invalid first DB index"),
                    (("99", "x"), "ERR invalid second DB index")):
                tap.equal(client.error("SWAPDB", *words), error,
                          "swapdb_%s_%s_is_refused" % words)
        server.stop()
        done = subprocess.run([rt.RIPTIDE, "--dir", server.dir, "--db", "5",
                               "get", "a"], capture_output=True, check=False,
                              timeout=rt.PATIENCE_S)
        tap.equal(done.stdout.strip(), b"zero",
                  "the_local_tool_goes_by_the_map")


def test_redis_cli(tap):
    cli = shutil.which("redis-cli")
    if cli is None:
        tap.skip("redis_cli_reads_at_a_snapshot", "redis-cli is not here")
        return
    with rt.Server() as server, server.client() as client:
        client.call("SET", "a", "1")
        snapshot = client.call("SNAPSHOT", "CREATE")
        client.call("SET", "a", "2")
        done = subprocess.run(
            [cli, "-p", str(server.port)], check=False, capture_output=True,
            input=b"SNAPSHOT USE %d\nGET a\nSNAPSHOT USE LIVE\nGET a\n" %
            snapshot, timeout=rt.PATIENCE_S)
        tap.equal(done.stdout.split(), [b"OK", b"1", b"OK", b"2"],
                  "redis_cli_reads_at_a_snapshot")


for test in (test_reads, test_writes_are_refused, test_release, test_end,
             test_resp3, test_compaction, test_scan, test_swapdb,
             test_redis_cli):
    tap.run(test)
tap.done()
