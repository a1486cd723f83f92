#!/usr/bin/env python3
"""compactor_beside: what clients of riptided notice of riptide-compactd.

    bench/compactor_beside.py [--builddir DIR] [--parts f10,f13] [--turns N]
        [--seconds N] [--rate N] [--keys N] [--appendfsync MODE] [--json FILE]

A load of riptide-bench, half GET and half SET of random keys that are all
there, runs at a fixed rate, so that times count from when an operation was due.
States of the compactor take turns (A B A B), and medians over the turns are
told with their ratios:

    f10  the compactor flat out, beside the same compactor stopped (SIGSTOP):
         p99.9 of GET and SET. Flat out means that each flush, of 2 MB, is
         merged with all of the data at once, without a limit; the share of a
         processor that it took is told, and is near 1 on a machine that has
         one to spare.
    f13  a compactor at work as in service, beside one that is stopped, one that
         is killed and started anew each second, and none for the last 200
         flushes: p99 of GET and SET, and the daemon's processor time for an
         operation.

The daemon's loop is bound to CPU 0, the load to CPU 1; everything else runs
where it finds room. With the defaults it takes about five minutes, and wants a
machine that does nothing else.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "support"))
import riptide_test as rt

FLUSHES = 200
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Bench:
    """A daemon with its keys, a compactor, and the load."""

    def __init__(self, args, memtable, **options):
        self.args = args
        self.server = rt.Server(memtable_size=memtable, sandbox="yes",
                                appendfsync=args.appendfsync,
                                block_cache_size="1gb").start()
        os.sched_setaffinity(self.server.pid, {0})
        self.client = self.server.client()
        self.compactor = rt.Compactor(self.server.dir, **options)
        self.load("--mix", "set", "--distribution", "sequential",
                  "--requests", args.keys, "--pipeline", 64)
        if self.compactor.once("--full") != 0:
            raise RuntimeError(self.compactor.stderr())
        self.wait_level0(lambda runs: runs == 0)

    def load(self, *options):
        path = os.path.join(self.server.dir, "..", "load.json")
        subprocess.run(
            [os.path.join(self.args.builddir, "bench", "riptide-bench"),
             "load", "--quiet", "--port", str(self.server.port), "--cpus",
             "1", "--keys", str(self.args.keys), "--server-pid",
             str(self.server.pid), "--json", path] +
            [str(word) for word in options], check=True,
            stdout=subprocess.DEVNULL)
        with open(path, encoding="utf-8") as file:
            return json.load(file)

    def measure(self):
        """Under the load: microseconds."""
        seen = self.load("--mix", "get=50,set=50", "--rate", self.args.rate,
                         "--seconds", self.args.seconds)
        figures = {"cpu": seen["server_cpu_us"]}
        for name in ("get", "set"):
            for percent in ("p99", "p99.9"):
                figures["%s %s" % (name, percent)] = \
                    seen["times"][name][percent + "_us"]
        return figures

    def info(self, name, section="lsm"):
        return int(self.client.info(section)[name])

    def wait_level0(self, condition):
        rt.wait_until(lambda: condition(self.info("l0_files")), "level 0")

    def stop(self):
        self.compactor.kill()
        self.server.stop()


def flat_out(args, say):
    """F10."""
    bench = Bench(args, "2mb", l0_compaction_trigger=1, level_base_size="1gb",
                  compaction_rate_limit="1024gb")
    compactor = bench.compactor.start()
    turns = {"beside": [], "stopped": []}
    shares = []
    for turn in range(args.turns):
        compactor.signal(signal.SIGCONT)
        begin = cpu_s(compactor.pid)
        turns["beside"].append(bench.measure())
        shares.append((cpu_s(compactor.pid) - begin) / (args.seconds + 1))
        compactor.signal(signal.SIGSTOP)
        turns["stopped"].append(bench.measure())
        say("f10 turn %d: compactor %.2f of a processor, %d runs in level 0" %
            (turn + 1, shares[-1], bench.info("l0_files")))
    compactor.signal(signal.SIGCONT)
    bench.stop()
    print("compactor: %.2f of a processor while flat out" %
          statistics.median(shares))
    return compare("F10", turns, "stopped", ("get p99.9", "set p99.9"))


class Killer:
    """Kills a compactor and starts it anew, each second."""

    def __init__(self, compactor):
        self.compactor = compactor
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.wait(1):
            self.compactor.kill()
            self.compactor.start()

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *unused):
        self.over.set()
        self.thread.join()


def away(args, say):
    """F13."""
    bench = Bench(args, "256kb", level_base_size="16mb", table_size="8mb")
    compactor = bench.compactor
    turns = {"at work": [], "stopped": [], "killed": [], "absent": []}
    for turn in range(args.turns):
        compactor.start()
        bench.wait_level0(lambda runs: runs < 8)
        turns["at work"].append(bench.measure())
        compactor.signal(signal.SIGSTOP)
        turns["stopped"].append(bench.measure())
        compactor.signal(signal.SIGCONT)
        bench.wait_level0(lambda runs: runs < 8)
        with Killer(compactor):
            turns["killed"].append(bench.measure())
        compactor.kill()
        flushes = bench.info("flushes")
        while bench.info("flushes") < flushes + FLUSHES:
            bench.load("--mix", "set", "--requests", 100000, "--pipeline", 64)
        turns["absent"].append(bench.measure())
        say("f13 turn %d: %d runs in level 0 at its end" % (
            turn + 1, bench.info("l0_files")))
    bench.stop()
    return compare("F13", turns, "at work", ("get p99", "set p99", "cpu"))


def compare(figure, turns, base, names):
    """Medians of each state, and what they are beside those of `base`."""
    found = []
    for state in turns:
        for name in names:
            ours = statistics.median(turn[name] for turn in turns[state])
            its = statistics.median(turn[name] for turn in turns[base])
            found.append({"figure": figure, "state": state, "what": name,
                          "us": ours, "beside": base, "us_beside": its,
                          "ratio": ours / its,
                          "turns": [turn[name] for turn in turns[state]]})
    for row in found:
        if row["state"] != base:
            print("%s  %-8s %-10s %10.1f us, %s %10.1f us: %.2f" % (
                figure, row["state"], row["what"], row["us"], base,
                row["us_beside"], row["ratio"]))
    return found


PARTS = {"f10": flat_out, "f13": away}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--builddir", default=rt.BUILDDIR)
    parser.add_argument("--parts", default="f10,f13")
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--rate", type=int, default=40000)
    parser.add_argument("--keys", type=int, default=1000000)
    parser.add_argument("--appendfsync", default="everysec")
    parser.add_argument("--json")
    args = parser.parse_args()
    rt.RIPTIDED = os.path.join(args.builddir, "riptided", "riptided")
    rt.COMPACTD = os.path.join(args.builddir, "riptide-compactd",
                               "riptide-compactd")
    found = []
    for part in args.parts.split(","):
        found += PARTS[part](args, lambda text: print("# " + text, flush=True))
    if args.json is not None:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
