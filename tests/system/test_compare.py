"""riptide-bench compare: servers in turns, peers that are not there, its
manners."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()

BENCH = os.path.join(rt.BUILDDIR, "bench", "riptide-bench")
KEYS = ["test", "peer", "ours", "theirs", "ratio", "unit"]
# Any processor, so that the test may run beside others.
SMALL = ["--runs", "1", "--seconds", "1", "--keys", "1000", "--rate", "200",
         "--server-cpus", "", "--load-cpus", ""]


def command(*args):
    return [BENCH, "compare"] + SMALL + [str(arg) for arg in args]


def compare(*args):
    return subprocess.run(command(*args), capture_output=True, text=True,
                          check=False, timeout=rt.PATIENCE_S * 5)


def rows_of(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def test_beside_redis(tap):
    if shutil.which("redis-server") is None:
        tap.skip("ours_and_redis_have_figures", "redis-server is missing")
        return
    base = rt.scratch_dir()
    out = os.path.join(base, "out.json")
    svg = os.path.join(base, "out.svg")
    done = compare("--tests", "always", "--json", out, "--svg", svg, "--dir",
                   os.path.join(base, "data"), "--peer",
                   "redis=" + shutil.which("redis-server"))
    if not tap.equal(done.returncode, 0, "two_servers_take_turns"):
        print("# " + done.stderr.replace("\n", "\n# "))
        return
    rows = rows_of(out)
    tap.ok(all(list(row) == KEYS for row in rows),
           "json_rows_have_the_keys_of_the_contract", rows)
    tap.equal({(row["test"], row["peer"]) for row in rows},
              {("set-always-p1", "redis"), ("set-always-p16", "redis")},
              "each_test_stands_beside_the_peer")
    tap.ok(all(row["ours"] > 0 and row["theirs"] > 0 and row["ratio"] > 0
               for row in rows), "ours_and_redis_have_figures", rows)
    with open(svg, encoding="utf-8") as file:
        chart = file.read()
    tap.ok(chart.startswith("<svg") and "set-always-p16" in chart and
           "redis" in chart, "the_chart_has_both", chart)
    tap.ok("set-always-p1" in done.stdout and "ratio" in done.stdout,
           "the_table_is_printed", done.stdout)
    tap.ok(not os.path.exists(os.path.join(base, "data")),
           "nothing_is_left_on_the_disk")


def test_beside_compactor(tap):
    base = rt.scratch_dir()
    out = os.path.join(base, "out.json")
    done = compare("--tests", "compacting", "--json", out, "--peer",
                   "kvrocks=/nowhere/kvrocks")
    tap.equal(done.returncode, 0, "a_peer_that_is_missing_is_done_without")
    tap.ok("/nowhere/kvrocks does not answer" in done.stderr,
           "and_it_is_told", done.stderr)
    rows = {row["test"]: row for row in rows_of(out)}
    tap.ok(all(rows[op + "-p99.9-" + what]["ours"] > 0
               for op in ("get", "set")
               for what in ("alone", "compacting", "factor")),
           "slow_operations_are_measured_beside_the_compactor", rows)


def processes_below(path):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                if path.encode() in file.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def test_signal(tap):
    base = rt.scratch_dir()
    data = os.path.join(base, "data")
    process = subprocess.Popen(
        command("--tests", "everysec", "--peer", "redis=/nowhere", "--dir",
                data), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    rt.wait_until(lambda: os.path.isdir(
        os.path.join(data, "riptided", "data", "manifest")),
        "riptided to have its directory")
    process.send_signal(signal.SIGINT)
    tap.equal(process.wait(rt.PATIENCE_S), -signal.SIGINT,
              "a_signal_ends_it_as_that_signal_does")
    tap.ok(not os.path.exists(data), "a_signal_leaves_no_directory")
    deadline = time.monotonic() + rt.PATIENCE_S
    while processes_below(data) and time.monotonic() < deadline:
        time.sleep(0.05)
    tap.equal(processes_below(data), [], "a_signal_leaves_no_process")


def test_refusals(tap):
    done = compare("--peer", "oracle=/x")
    tap.ok(done.returncode == 64 and "oracle=/x" in done.stderr,
           "an_unknown_peer_is_refused", done.stderr)
    done = compare("--load-cpus", "99999")
    tap.ok(done.returncode == 64 and "99999" in done.stderr,
           "processors_that_are_not_there_are_refused", done.stderr)
    done = compare("--daemon", "/nowhere/riptided")
    tap.ok(done.returncode == 69 and "/nowhere/riptided" in done.stderr,
           "without_ours_there_is_nothing_to_compare", done.stderr)


for test in (test_beside_redis, test_beside_compactor, test_signal,
             test_refusals):
    tap.run(test)
tap.done()
