"""The daemon while it replays its log: what it answers, and how it ends.

The replay is held up without a clock: the log is larger than the memory for
it, so that recovery flushes on the way, and a library in front of the program
says that there is no space for tables. It tries again until there is."""

import os
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()

KEYS = 4000
READY = "event=ready "
LOADING = "LOADING Redis is loading the dataset in memory"
SHIM = os.path.join(rt.BUILDDIR, "tests", "support", "sick_disk.so")


def killed():
    """The directory of a daemon that was killed with all of it in its log."""
    server = rt.Server(memtable_size="64mb", appendfsync="no").start()
    with server.client() as client:
        client.pipeline([("SET", "key%d" % i, b"v%d" % i * 100)
                         for i in range(KEYS)])
        client.pipeline([("DEL", "key%d" % i) for i in range(0, KEYS, 5)])
    server.kill()
    return server.dir


def is_whole(server):
    with server.client() as client:
        got = client.pipeline([("GET", "key%d" % i) for i in range(KEYS)])
    return got == [None if i % 5 == 0 else b"v%d" % i * 100
                   for i in range(KEYS)]


def held(directory, **options):
    """A daemon that stays in its replay, and a client of it."""
    full = os.path.join(rt.scratch_dir(), "full")
    with open(full, "w", encoding="ascii"):
        pass
    server = rt.Server(dir=directory, memtable_size="64kb",
                       memtable_max_count=2, env={
                           "LD_PRELOAD": SHIM, "FULL_TABLES": full,
                           "ASAN_OPTIONS": "verify_asan_link_order=0"},
                       **options)
    server.full = full
    server.spawn()

    def answers():
        if server.ended() is not None:
            raise RuntimeError(server.stderr())
        try:
            return server.client()
        except OSError:
            return None

    client = rt.wait_until(answers, "riptided to listen")
    rt.wait_until(lambda: "flush failed" in server.stderr(),
                  "the replay to be held up")
    return server, client


def let_go(server):
    os.unlink(server.full)


def compactors(pid):
    """Children that have become one; the process that makes them is older."""
    found = []
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task),
                  encoding="ascii") as file:
            found += [child for child in file.read().split()
                      if "riptide-compac" in comm(child)]
    return found


def comm(pid):
    try:
        with open("/proc/%s/comm" % pid, encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""


def test_answers(tap):
    server, client = held(killed(), compactor="spawn")
    for command in (("GET", "key1"), ("SET", "key1", "x"), ("MGET", "a", "b"),
                    ("DBSIZE",), ("SCAN", "0"), ("FLUSHALL",), ("TYPE", "a"),
                    ("SNAPSHOT", "CREATE"), ("CHECKPOINT", "now")):
        tap.equal(client.error(*command), LOADING,
                  "%s_is_answered_with_loading" % command[0].lower())
    tap.equal(client.call("PING"), "PONG", "ping_is_answered_while_loading")
    tap.equal(client.call("SELECT", "1"), "OK",
              "select_is_answered_while_loading")
    tap.ok(client.call("CLIENT", "ID") > 0,
           "client_is_answered_while_loading")
    tap.equal(client.call("CONFIG", "GET", "port")[1], b"%d" % server.port,
              "config_get_is_answered_while_loading")
    tap.equal(client.call("CONFIG", "SET", "timeout", "7"), "OK",
              "config_set_is_answered_while_loading")
    tap.equal(client.error("AUTH", "x").split(" ")[0], "ERR",
              "auth_is_answered_while_loading")
    flags = {info[0].decode(): "loading" in info[2]
             for info in client.call("COMMAND", "INFO", "get", "set", "ping",
                                     "info", "shutdown")}
    tap.equal(flags, {"get": False, "set": False, "ping": True, "info": True,
                      "shutdown": True},
              "the_command_table_shows_what_is_answered_while_loading")
    tap.equal(client.call("HELLO", "3")["proto"], 3,
              "hello_is_answered_while_loading")
    info = client.info("persistence")
    tap.ok(info["loading"] == "1" and info["async_loading"] == "0" and
           info["loading_rdb_used_mem"] == "0" and
           0 < int(info["loading_loaded_bytes"]) <
           int(info["loading_total_bytes"]) and
           0 < float(info["loading_loaded_perc"]) < 100 and
           int(info["loading_start_time"]) > 1500000000 and
           int(info["loading_eta_seconds"]) >= 0,
           "info_shows_the_progress_of_loading", info)
    tap.equal(compactors(server.pid), [],
              "no_compactor_is_started_while_loading")
    server.signal(signal.SIGHUP)
    rt.wait_until(lambda: "configuration read again" in server.stderr(),
                  "SIGHUP")
    tap.ok(READY not in server.stderr(),
           "it_is_not_ready_while_loading")
    other = rt.Server(dir=server.dir)
    other.spawn()
    tap.equal(other.wait(), 75, "a_second_daemon_is_refused_while_loading")
    client.send_raw(rt.encode("GET", "key1") * 3 + rt.encode("PING"))
    tap.equal([str(client.read()) for _ in range(4)], [LOADING] * 3 + ["PONG"],
              "a_pipeline_is_answered_in_order_while_loading")
    let_go(server)
    server.wait_until_loaded()
    info = client.info("persistence")
    tap.ok(info["loading"] == "0" and "loading_total_bytes" not in info,
           "nothing_is_shown_of_loading_after_it", info)
    rt.wait_until(lambda: READY in server.stderr(), "ready")
    tap.ok(is_whole(server), "what_was_held_up_is_loaded_when_it_can_be")
    tap.equal(client.call("SELECT", "0"), "OK", "its_connections_go_on")
    tap.equal(client.call("GET", "key1"), b"v1" * 100,
              "its_connections_read_after_loading")
    rt.wait_until(lambda: compactors(server.pid), "the compactor to be started")
    tap.ok(True, "the_compactor_is_started_after_loading")
    tap.equal(server.stop(), 0, "it_stops_as_ever_afterwards")
    client.close()


def test_ends(tap):
    directory = killed()
    for name, end in (
            ("sigterm", lambda server, client: server.signal(signal.SIGTERM)),
            ("shutdown", lambda server, client: client.send_raw(
                rt.encode("SHUTDOWN"))),
            ("sigkill", lambda server, client: server.kill())):
        wal = sorted(os.listdir(os.path.join(directory, "wal")))
        server, client = held(directory)
        end(server, client)
        tap.equal(server.wait(), -9 if name == "sigkill" else 0,
                  name + "_ends_it_while_loading")
        tap.equal(sorted(os.listdir(os.path.join(directory, "wal"))), wal,
                  name + "_while_loading_leaves_the_log")
        client.close()
    server = rt.Server(dir=directory).start()
    tap.ok(is_whole(server), "nothing_is_lost_by_ends_while_loading")
    server.stop()


def test_password(tap):
    directory = killed()
    server, client = held(directory, requirepass="secret")
    tap.equal(client.error("GET", "key1"), "NOAUTH Authentication required.",
              "a_password_is_asked_for_while_loading")
    tap.equal(client.call("AUTH", "secret"), "OK",
              "a_password_is_taken_while_loading")
    tap.equal(client.error("GET", "key1"), LOADING,
              "loading_is_told_to_who_may_know")
    server.kill()
    client.close()


tap.run(test_answers)
tap.run(test_ends)
tap.run(test_password)
tap.done()
