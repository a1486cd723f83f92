"""riptide-bench load: what it says happened is what the server saw."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()

BENCH = os.path.join(rt.BUILDDIR, "bench", "riptide-bench")


def load(*args):
    return subprocess.run([BENCH, "load", "--quiet"] +
                          [str(arg) for arg in args],
                          capture_output=True, text=True, check=False,
                          timeout=rt.PATIENCE_S * 2)


def measured(port, *args):
    """The JSON of a load, which must end well."""
    path = os.path.join(rt.scratch_dir(), "load.json")
    done = load("--port", port, "--json", path, *args)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def test_every_operation_arrives(tap):
    with rt.Server(appendfsync="no") as server, server.client() as client:
        seen = measured(server.port, "--mix", "set", "--distribution",
                        "sequential", "--requests", 5000, "--keys", 5000,
                        "--pipeline", 7, "--clients", 9, "--threads", 2,
                        "--value-size", 33)
        tap.equal(seen["times"]["set"]["operations"], 5000,
                  "as_many_operations_as_asked_for_are_done")
        tap.equal(client.call("DBSIZE"), 5000,
                  "keys_in_order_are_each_written_once")
        tap.equal(client.call("STRLEN", "0000000000000000"), 33,
                  "values_have_the_size_asked_for")
        before = client.info("commandstats")
        seen = measured(server.port, "--mix", "get=3,change=1,incr=1,del=1",
                        "--requests", 3000, "--keys", 5000, "--pipeline", 4)
        after = client.info("commandstats")

        def calls(name):
            key = "cmdstat_" + name
            count = [int(stats[key].split(",")[0].split("=")[1])
                     if key in stats else 0 for stats in (before, after)]
            return count[1] - count[0]

        times = seen["times"]
        done = {name: times[name]["operations"] for name in times}
        tap.equal(done["all"], 3000, "a_mix_counts_each_operation_once")
        tap.equal([calls("get"), calls("set"), calls("incr"), calls("del")],
                  [done["get"] + done["change"], done["change"],
                   done["incr"], done["del"]],
                  "the_server_has_seen_every_command")
        tap.ok(times["all"]["p50_us"] <= times["all"]["p99_us"] <=
               times["all"]["max_us"], "percentiles_are_in_order", times)


def test_misses_and_servers_time(tap):
    with rt.Server(appendfsync="no") as server:
        seen = measured(server.port, "--mix", "get", "--requests", 500,
                        "--server-pid", server.pid)
        tap.equal([seen["hits"], seen["misses"]], [0, 500],
                  "missing_keys_are_told_from_hits")
        tap.ok(seen["server_cpu_us"] > 0, "the_servers_time_is_told", seen)


def test_rate(tap):
    with rt.Server(appendfsync="no") as server:
        seen = measured(server.port, "--mix", "ping", "--rate", 500,
                        "--seconds", 2, "--warmup", 0)
        rate = seen["times"]["all"]["rate"]
        tap.ok(rate < 510, "a_rate_is_not_exceeded", rate)


def test_late_is_slow(tap):
    """A server that answers nothing for a while: whatever was due then is
    late, though it was not sent."""
    listener = socket.create_server(("127.0.0.1", 0))
    stalled = threading.Event()

    def serve():
        connection = listener.accept()[0]
        connection.recv(4096)
        stalled.wait(1.0)
        try:
            connection.sendall(b"+PONG\r\n")
            while connection.recv(4096):
                connection.sendall(b"+PONG\r\n")
        except OSError:
            pass
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    seen = measured(listener.getsockname()[1], "--mix", "ping", "--rate", 100,
                    "--clients", 1, "--seconds", 3, "--warmup", 0)
    thread.join()
    listener.close()
    times = seen["times"]["all"]
    tap.ok(times["p90_us"] > 100000,
           "what_was_due_during_a_stall_counts_as_late", times)


def test_errors(tap):
    with rt.Server(requirepass="secret") as server:
        done = load("--port", server.port, "--requests", 10)
        tap.equal(done.returncode, 70, "errors_of_the_server_fail_the_load")
        tap.ok("NOAUTH" in done.stdout, "the_last_error_is_told",
               done.stdout)
        seen = measured(server.port, "--password", "secret", "--resp3",
                        "--requests", 10)
        tap.equal(seen["errors"], 0, "a_password_and_hello_are_said")
        done = load("--port", server.port, "--password", "wrong",
                    "--requests", 10)
        tap.ok(done.returncode == 69 and "AUTH" in done.stderr,
               "a_wrong_password_is_told", done.stderr)
    done = load("--port", rt.free_port(), "--requests", 10)
    tap.ok(done.returncode == 69 and "refused" in done.stderr,
           "no_server_is_told", done.stderr)
    done = load("--mix", "everything")
    tap.ok(done.returncode == 64 and "--mix" in done.stderr,
           "a_wrong_mix_is_told", done.stderr)


def test_server_that_goes(tap):
    server = rt.Server(appendfsync="no")
    server.start()
    killer = threading.Timer(0.5, server.kill)
    killer.start()
    done = load("--port", server.port, "--mix", "set", "--seconds", 30)
    killer.join()
    tap.equal(done.returncode, 69, "a_server_that_goes_ends_the_load")


def test_redis(tap):
    """Any server that speaks the protocol will do."""
    if shutil.which("redis-server") is None:
        tap.skip("redis_server_is_measured_too", "redis-server is missing")
        return
    port = rt.free_port()
    redis = subprocess.Popen(
        ["redis-server", "--port", str(port), "--save", "", "--dir",
         rt.scratch_dir()], stdout=subprocess.DEVNULL)
    try:
        def answers():
            try:
                with rt.RespClient(port=port) as client:
                    return client.call("PING") == "PONG"
            except OSError:
                return False
        rt.wait_until(answers, "redis-server to answer")
        counts = [measured(port, "--mix", mix, "--requests", 400, "--keys",
                           100)["times"]["all"]["operations"]
                  for mix in "abcdef"]
        tap.equal(counts, [400] * 6, "redis_server_is_measured_too")
    finally:
        redis.kill()
        redis.wait()


for test in [test_every_operation_arrives, test_misses_and_servers_time,
             test_rate, test_late_is_slow, test_errors,
             test_server_that_goes, test_redis]:
    tap.run(test)
tap.done()
