#!/usr/bin/env python3
"""server_charts: the charts of docs/performance.md, measured and drawn.

    bench/server_charts.py measure [--builddir DIR] [--parts a,b] [--turns N]
        [--seconds N] [--peer NAME=PATH ...] --json FILE
    bench/server_charts.py draw --json FILE --into DIR

Measuring needs redis-server, and what speaks its protocol and options may stand
beside it (--peer valkey=/path/to/valkey-server). Drawing needs matplotlib
(Debian: python3-matplotlib). The parts:

    depth      operations a second of GET and SET (appendfsync everysec) by the
               number of commands that a client sends together
    latency    percentiles of GET and SET at one fixed rate
    compactor  p99.9 of GET and SET, second by second, while the compactor is
               at work and while it is stopped
    growth     random GETs a second by the size of the data, from a quarter of
               the block cache to four times as much

Every server is bound to CPU 0, the load (riptide-bench) to CPU 1; the
compactor runs where it finds room. Servers take turns, and figures are medians
of the turns. It wants a machine that does nothing else, for about ten minutes.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "support"))
import redis_peer
import riptide_test as rt

KEYS = 1000000
DEPTHS = (1, 2, 4, 8, 16, 32, 64, 128)
# Operations a second, of 50 clients: well below what any of the servers does.
RATE = 40000
PERCENTS = ("p50", "p90", "p99", "p99.9", "p99.99")
CACHE_MB = 64
GROWTH = (0.25, 0.5, 1, 2, 4)
VALUE_BYTES = 100
# What a key, its value and what the table keeps beside them come to.
ENTRY_BYTES = 128


class Load:
    """Puts loads on one server."""

    def __init__(self, args, pid, port):
        self.args = args
        self.pid = pid
        self.port = port
        self.path = os.path.join(rt.scratch_dir(), "load.json")

    def run(self, *options):
        subprocess.run(
            [os.path.join(self.args.builddir, "bench", "riptide-bench"),
             "load", "--quiet", "--port", str(self.port), "--cpus", "1",
             "--server-pid", str(self.pid), "--value-size", str(VALUE_BYTES),
             "--json", self.path] + [str(word) for word in options],
            check=True, stdout=subprocess.DEVNULL)
        with open(self.path, encoding="utf-8") as file:
            return json.load(file)

    def fill(self, keys):
        self.run("--mix", "set", "--distribution", "sequential", "--keys",
                 keys, "--requests", keys, "--pipeline", 64)


class Riptide:
    name = "riptided"

    def __init__(self, args, keys=KEYS, **options):
        settings = {"appendfsync": "everysec", "block_cache_size": "1gb"}
        settings.update(options)
        self.server = rt.Server(**settings).start()
        os.sched_setaffinity(self.server.pid, {0})
        self.compactor = rt.Compactor(self.server.dir)
        self.load = Load(args, self.server.pid, self.server.port)
        self.load.fill(keys)
        # The state that a tree is in most of the time: merged, with some
        # tables in level 0.
        self.compactor.start()
        rt.wait_until(self.is_merged, "merging to end", 600)

    def is_merged(self):
        return int(self.server.client().info("lsm")["l0_files"]) < 4

    def stop(self):
        self.compactor.kill()
        self.server.stop()


class Peer:
    def __init__(self, args, name, program):
        self.name = name
        self.peer = redis_peer.RedisPeer(
            "--appendonly", "yes", "--appendfsync", "everysec",
            "--auto-aof-rewrite-percentage", "0", program=program)
        self.peer.__enter__()
        os.sched_setaffinity(self.peer.process.pid, {0})
        self.load = Load(args, self.peer.process.pid, self.peer.port)
        self.load.fill(KEYS)

    def stop(self):
        self.peer.__exit__()


def servers(args):
    yield Riptide(args)
    for name, program in args.peers:
        yield Peer(args, name, program)


def in_turns(args, loads):
    """Run each of `loads` (name, options) on every server, in turns: what came
    back, by server and load, a list over the turns."""
    running = list(servers(args))
    found = {server.name: {name: [] for name, _ in loads}
             for server in running}
    for turn in range(args.turns):
        for name, options in loads:
            for server in running:
                found[server.name][name].append(server.load.run(*options))
        print("# turn %d of %d" % (turn + 1, args.turns), flush=True)
    for server in running:
        server.stop()
    return found


def depth(args):
    loads = [("%s %d" % (mix, count),
              ("--mix", mix, "--pipeline", count, "--keys", KEYS,
               "--seconds", args.seconds))
             for mix in ("get", "set") for count in DEPTHS]
    return {server: {name: statistics.median(
        run["times"]["all"]["rate"] for run in runs)
        for name, runs in seen.items()}
        for server, seen in in_turns(args, loads).items()}


def latency(args):
    loads = [(mix, ("--mix", mix, "--rate", RATE, "--keys", KEYS,
                    "--seconds", args.seconds)) for mix in ("get", "set")]
    return {server: {name: {percent: statistics.median(
        run["times"]["all"][percent + "_us"] for run in runs)
        for percent in PERCENTS}
        for name, runs in seen.items()}
        for server, seen in in_turns(args, loads).items()}


def compactor(args):
    """Seconds of the same load, a compactor at work in the first half."""
    ours = Riptide(args, memtable_size="8mb")
    found = {"at work": [], "stopped": []}
    for state, number in (("at work", signal.SIGCONT),
                          ("stopped", signal.SIGSTOP)) * args.turns:
        ours.compactor.signal(number)
        for _ in range(10):
            seen = ours.load.run("--mix", "get=50,set=50", "--rate", RATE,
                                 "--keys", KEYS, "--seconds", 1,
                                 "--warmup", 0)["times"]
            found[state].append([seen["get"]["p99.9_us"],
                                 seen["set"]["p99.9_us"]])
    ours.compactor.signal(signal.SIGCONT)
    ours.stop()
    return found


def growth(args):
    found = {}
    for size in GROWTH:
        keys = int(size * CACHE_MB * 2**20 / ENTRY_BYTES)
        ours = Riptide(args, keys, block_cache_size="%dmb" % CACHE_MB,
                       memtable_size="4mb")
        runs = [ours.load.run("--mix", "get", "--pipeline", 16, "--keys", keys,
                              "--seconds", args.seconds)
                for _ in range(args.turns)]
        found[str(size)] = {
            "rate": statistics.median(run["times"]["all"]["rate"]
                                      for run in runs),
            "server_cpu_us": statistics.median(run["server_cpu_us"]
                                               for run in runs)}
        ours.stop()
        print("# %g of the cache: %.0f a second" %
              (size, found[str(size)]["rate"]), flush=True)
    return found


PARTS = {"depth": depth, "latency": latency, "compactor": compactor,
         "growth": growth}


def measure(args):
    args.peers = [("Redis", "redis-server")] + \
        [tuple(peer.split("=", 1)) for peer in args.peer]
    rt.RIPTIDED = os.path.join(args.builddir, "riptided", "riptided")
    rt.COMPACTD = os.path.join(args.builddir, "riptide-compactd",
                               "riptide-compactd")
    found = {}
    for part in args.parts.split(","):
        print("# " + part, flush=True)
        found[part] = PARTS[part](args)
    with open(args.json, "w", encoding="utf-8") as file:
        json.dump(found, file, indent=1)
        file.write("\n")


# Told apart on light and dark ground, in grey, and by those who see no red.
COLOURS = ("#1b6ca8", "#e08e45", "#7a9e3f", "#a3577f")
MARKS = ("o", "s", "^", "D")


class Sheet:
    """Charts side by side in one SVG, readable on light and dark ground."""

    def __init__(self, count):
        import matplotlib
        matplotlib.use("svg")
        # The same input gives the same bytes, and text stays text.
        matplotlib.rcParams.update({
            "svg.hashsalt": "riptidekv", "svg.fonttype": "none",
            "font.size": 9, "axes.spines.top": False,
            "axes.spines.right": False, "axes.grid": True,
            "grid.alpha": 0.3, "legend.frameon": False})
        from matplotlib import pyplot
        self.figure, axes = pyplot.subplots(1, count, figsize=(4.2 * count, 3),
                                            squeeze=False)
        self.axes = axes[0]

    def line(self, at, number, xs, ys, label):
        self.axes[at].plot(xs, ys, color=COLOURS[number], label=label,
                           marker=MARKS[number], markersize=4)

    def titles(self, at, title, across, up):
        axes = self.axes[at]
        axes.set_title(title)
        axes.set_xlabel(across)
        axes.set_ylabel(up)

    def save(self, path):
        self.axes[0].legend()
        self.figure.tight_layout()
        self.figure.savefig(path, metadata={"Date": None, "Creator": None},
                            facecolor="white")


def draw_depth(seen):
    sheet = Sheet(2)
    for at, mix in enumerate(("get", "set")):
        for number, (server, rates) in enumerate(seen.items()):
            sheet.line(at, number, [str(count) for count in DEPTHS],
                       [rates["%s %d" % (mix, count)] / 1e3
                        for count in DEPTHS], server)
        sheet.titles(at, mix.upper(), "commands sent together",
                     "thousand a second")
        sheet.axes[at].set_ylim(bottom=0)
    return sheet


def draw_latency(seen):
    sheet = Sheet(2)
    for at, mix in enumerate(("get", "set")):
        for number, (server, times) in enumerate(seen.items()):
            sheet.line(at, number, PERCENTS,
                       [times[mix][percent] for percent in PERCENTS], server)
        sheet.titles(at, "%s, %d thousand a second" % (
            mix.upper(), RATE // 1000), "percentile", "microseconds")
        sheet.axes[at].set_yscale("log")
    return sheet


def draw_compactor(seen):
    sheet = Sheet(2)
    for at, mix in enumerate(("GET", "SET")):
        for number, (state, seconds) in enumerate(seen.items()):
            sheet.line(at, number, range(1, len(seconds) + 1),
                       [pair[at] for pair in seconds], "compactor " + state)
        sheet.titles(at, "p99.9 of " + mix, "seconds in that state",
                     "microseconds")
        sheet.axes[at].set_yscale("log")
    return sheet


def draw_growth(seen):
    sheet = Sheet(1)
    sheet.line(0, 0, [size for size in seen],
               [figures["rate"] / 1e3 for figures in seen.values()],
               "GET, 16 together")
    sheet.titles(0, "random GETs, data larger than the block cache",
                 "size of the data, in block caches", "thousand a second")
    sheet.axes[0].set_ylim(bottom=0)
    return sheet


DRAWERS = {"depth": draw_depth, "latency": draw_latency,
           "compactor": draw_compactor, "growth": draw_growth}


def draw(args):
    with open(args.json, encoding="utf-8") as file:
        found = json.load(file)
    for part, seen in found.items():
        DRAWERS[part](seen).save(os.path.join(args.into,
                                              "server-%s.svg" % part))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    jobs = parser.add_subparsers(required=True)
    job = jobs.add_parser("measure")
    job.add_argument("--builddir", default=rt.BUILDDIR)
    job.add_argument("--parts", default=",".join(PARTS))
    job.add_argument("--turns", type=int, default=3)
    job.add_argument("--seconds", type=int, default=2)
    job.add_argument("--peer", action="append", default=[])
    job.add_argument("--json", required=True)
    job.set_defaults(do=measure)
    job = jobs.add_parser("draw")
    job.add_argument("--json", required=True)
    job.add_argument("--into", required=True)
    job.set_defaults(do=draw)
    args = parser.parse_args()
    args.do(args)


if __name__ == "__main__":
    main()
