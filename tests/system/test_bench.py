"""riptide-bench engine: every test on a tiny store, its JSON, its manners."""

import json
import os
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()

BENCH = os.path.join(rt.BUILDDIR, "bench", "riptide-bench")
KEYS = ["test", "peer", "ours", "theirs", "ratio", "unit"]


def bench(*args):
    return subprocess.run([BENCH] + [str(arg) for arg in args],
                          capture_output=True, text=True, check=False,
                          timeout=rt.PATIENCE_S * 5)


def names():
    """Tests by group, peers, as --help tells them."""
    lines = bench("--help").stdout.splitlines()
    tests = [word for line in lines if line.startswith("  ")
             for word in line.split() if not line.startswith("   ")]
    peers = [line.split(":", 1)[1].split() for line in lines
             if line.startswith("Peers in this build:")][0]
    return tests, [peer for peer in peers if peer != "none"]


def rows_of(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def test_every_test(tap):
    tests, peers = names()
    base = rt.scratch_dir()
    out = os.path.join(base, "out.json")
    done = bench("engine", "--keys", 2000, "--runs", 1, "--tests", "all",
                 "--json", out, "--dir", os.path.join(base, "data"))
    tap.equal(done.returncode, 0, "every_test_runs_with_every_peer")
    if done.returncode != 0:
        print("# " + done.stderr.replace("\n", "\n# "))
        return
    rows = rows_of(out)
    tap.ok(all(list(row) == KEYS for row in rows),
           "json_rows_have_the_keys_of_the_contract", rows)
    tap.equal({row["test"] for row in rows}, set(tests),
              "json_has_every_test")
    for test in tests:
        mine = [row for row in rows if row["test"] == test]
        if not tap.ok(all(row["ours"] is not None and row["ours"] > 0
                          for row in mine), "%s_has_a_figure" % test, mine):
            continue
    beside = [row for row in rows if row["peer"] is not None]
    tap.equal({row["peer"] for row in beside}, set(peers),
              "json_has_every_peer")
    tap.ok(all(row["theirs"] > 0 and row["ratio"] > 0 for row in beside),
           "a_peer_comes_with_figure_and_ratio", beside)
    wrong = [row for row in beside if abs(
        (row["ours"] / row["theirs"] if row["unit"] == "ops/s"
         else row["theirs"] / row["ours"]) / row["ratio"] - 1) > 0.001]
    tap.equal(wrong, [], "a_ratio_above_one_means_better")
    tap.ok(all(row["theirs"] is None and row["ratio"] is None
               for row in rows if row["peer"] is None),
           "alone_there_is_no_ratio", rows)
    tap.ok(not os.path.exists(os.path.join(base, "data")),
           "the_scratch_directory_is_gone")
    lines = done.stdout.splitlines()
    tap.equal([line.split()[0] for line in lines[1:]],
              list(dict.fromkeys(row["test"] for row in rows)),
              "the_table_has_a_line_for_each_test")


def test_alone(tap):
    base = rt.scratch_dir()
    out = os.path.join(base, "out.json")
    done = bench("engine", "--keys", 1000, "--runs", 2, "--tests",
                 "readrandom", "--peers", "nobody", "--json", out)
    tap.equal(done.returncode, 0, "without_a_peer_ours_runs_alone")
    rows = rows_of(out)
    tap.ok(len(rows) == 1 and rows[0]["peer"] is None and
           rows[0]["test"] == "readrandom" and rows[0]["theirs"] is None,
           "alone_the_peer_is_null", rows)
    tap.ok("nobody" in done.stderr, "a_peer_that_is_not_there_is_named",
           done.stderr)


def test_refusals(tap):
    base = rt.scratch_dir()
    with open(os.path.join(base, "precious"), "w", encoding="utf-8") as file:
        file.write("x")
    done = bench("engine", "--keys", 100, "--dir", base)
    tap.equal((done.returncode, os.listdir(base)), (73, ["precious"]),
              "a_directory_that_is_not_empty_is_refused_and_left_alone")
    tap.equal(bench("engine", "--tests", "readrandom,nosuch").returncode, 64,
              "an_unknown_test_is_a_usage_error")
    tap.equal(bench("engine", "--keys", "many").returncode, 64,
              "a_bad_number_is_a_usage_error")
    tap.equal(bench().returncode, 64, "no_words_are_a_usage_error")
    tap.equal(bench("swim").returncode, 64,
              "an_unknown_word_is_a_usage_error")
    done = bench("engine", "--keys", 100, "--tests", "compact", "--compactor",
                 "/nonexistent/compactd", "--dir", os.path.join(base, "a"))
    tap.ok(done.returncode != 0 and "/nonexistent/compactd" in done.stderr,
           "a_compactor_that_is_not_there_is_named", done.stderr)
    tap.equal(os.listdir(base), ["precious"],
              "a_turn_that_fails_leaves_nothing")


def children_of(group):
    """Processes that have the directory's path on their command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                if group.encode() in file.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def test_signals(tap):
    for number in (signal.SIGINT, signal.SIGTERM):
        base = rt.scratch_dir()
        data = os.path.join(base, "data")
        process = subprocess.Popen(
            [BENCH, "engine", "--keys", "5000000", "--dir", data],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        rt.wait_until(lambda: os.path.isdir(os.path.join(
            data, "store", "wal")), "the first store to be opened")
        process.send_signal(number)
        name = signal.Signals(number).name.lower()
        tap.equal(process.wait(rt.PATIENCE_S), -number,
                  "%s_ends_it_as_a_signal_does" % name)
        tap.equal(os.listdir(base), [], "%s_leaves_no_directory" % name)
        tap.equal(children_of(data), [], "%s_leaves_no_process" % name)


for test in (test_every_test, test_alone, test_refusals, test_signals):
    tap.run(test)
tap.done()
