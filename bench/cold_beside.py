#!/usr/bin/env python3
"""cold_beside: what clients that read hot keys notice of others that read what
is on the disk alone; and what random reads of more data than the block cache
holds cost, when the page cache has it.

    bench/cold_beside.py [--builddir DIR] [--turns N] [--seconds N] [--keys N]
        [--value-size BYTES] [--rate N] [--json FILE]

hot     GETs of a thousand keys at a fixed rate, with and without eight clients
        that read all keys at random as fast as they can, while the tables are
        dropped from the page cache ten times a second. Turns (A B A B), medians.
        The loop and its load are bound to CPU 0 and 1, the cold load to CPU 1.
eighth  random GETs over all keys with a block cache of an eighth of the tables,
        beside one that holds all, at -P 1 and -P 16; the page cache holds them.

It wants a machine that does nothing else, for about three minutes.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "support"))
import riptide_test as rt

HOT_KEYS = 1000


def bytes_of(args):
    """Of all keys and values in blocks, about."""
    return args.keys * (args.value_size + 28)


class Bench:
    """A merged database of so many keys, and loads on it."""

    def __init__(self, args, cache):
        self.args = args
        self.server = rt.Server(block_cache_size=cache, appendfsync="no",
                                memtable_size="32mb").start()
        os.sched_setaffinity(self.server.pid, {0})
        self.load("--mix", "set", "--distribution", "sequential",
                  "--requests", args.keys, "--pipeline", 64)
        with self.server.client() as client:
            client.call("SAVE")
        if rt.Compactor(self.server.dir).once("--full",
                                              patience_s=600) != 0:
            raise RuntimeError("the merge failed")
        rt.wait_until(lambda: self.info("l0_files") == "0", "the merge")

    def info(self, name):
        with self.server.client() as client:
            return client.info("lsm")[name]

    def words(self, path, *options):
        return [os.path.join(self.args.builddir, "bench", "riptide-bench"),
                "load", "--quiet", "--port", str(self.server.port), "--cpus",
                "1", "--keys", str(self.args.keys), "--value-size",
                str(self.args.value_size), "--server-pid",
                str(self.server.pid), "--json", path] + \
            [str(word) for word in options]

    def load(self, *options):
        path = os.path.join(self.server.dir, "..", "load.json")
        subprocess.run(self.words(path, *options), check=True,
                       stdout=subprocess.DEVNULL)
        with open(path, encoding="utf-8") as file:
            return json.load(file)

    def drop_tables(self):
        """Out of the page cache with them."""
        directory = os.path.join(self.server.dir, "sst")
        for name in os.listdir(directory):
            fd = os.open(os.path.join(directory, name), os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)


class ColdReaders:
    """Eight clients that read at random while tables are dropped."""

    def __init__(self, bench):
        self.bench = bench
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.drop)

    def drop(self):
        while not self.over.wait(0.1):
            self.bench.drop_tables()

    def __enter__(self):
        path = os.path.join(self.bench.server.dir, "..", "cold.json")
        self.thread.start()
        self.process = subprocess.Popen(
            self.bench.words(path, "--mix", "get", "--clients", 8,
                             "--seconds", 600), stdout=subprocess.DEVNULL)
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()
        self.over.set()
        self.thread.join()


def hot(args):
    bench = Bench(args, str(bytes_of(args) // 8))
    found = {"alone": [], "beside cold reads": []}

    def measure(state):
        # The first keys are the hot ones: they stay in the block cache.
        seen = bench.load("--mix", "get", "--keys", HOT_KEYS, "--rate",
                          args.rate, "--seconds", args.seconds)
        found[state].append(seen["times"]["get"]["p99_us"])

    pool_reads = []
    for _ in range(args.turns):
        measure("alone")
        with bench.server.client() as client:
            before = int(client.info("stats")["pool_reads"])
            with ColdReaders(bench):
                measure("beside cold reads")
            pool_reads.append(int(client.info("stats")["pool_reads"]) - before)
    bench.server.stop()
    alone, beside = (statistics.median(times) for times in found.values())
    print("hot: p99 %.1f us alone, %.1f us beside %.0f cold reads a second: "
          "%.2f" % (alone, beside, statistics.median(pool_reads) /
                    (args.seconds + 1), beside / alone))
    return {"p99_us": found, "pool_reads": pool_reads}


def eighth(args):
    found = {}
    for name, part in (("all cached", 4), ("an eighth", 0.125)):
        bench = Bench(args, str(int(bytes_of(args) * part)))
        for pipeline in (1, 16):
            options = ("--mix", "get", "--pipeline", pipeline)
            bench.load(*options, "--requests", args.keys)
            runs = [bench.load(*options, "--seconds", args.seconds)
                    for _ in range(args.turns)]
            found["%s, -P %d" % (name, pipeline)] = {
                "rate": statistics.median(run["times"]["get"]["rate"]
                                          for run in runs),
                "server_cpu_us": statistics.median(run["server_cpu_us"]
                                                   for run in runs)}
        bench.server.stop()
    for pipeline in (1, 16):
        all_cached, an_eighth = (found["%s, -P %d" % (name, pipeline)]
                                 for name in ("all cached", "an eighth"))
        print("eighth, -P %d: %.0f a second all cached (%.2f us), %.0f with an "
              "eighth (%.2f us): %.2f" % (
                  pipeline, all_cached["rate"], all_cached["server_cpu_us"],
                  an_eighth["rate"], an_eighth["server_cpu_us"],
                  all_cached["rate"] / an_eighth["rate"]))
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--builddir", default=rt.BUILDDIR)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--keys", type=int, default=2000000)
    parser.add_argument("--value-size", type=int, default=100)
    parser.add_argument("--rate", type=int, default=20000)
    parser.add_argument("--json")
    args = parser.parse_args()
    rt.RIPTIDED = os.path.join(args.builddir, "riptided", "riptided")
    rt.COMPACTD = os.path.join(args.builddir, "riptide-compactd",
                               "riptide-compactd")
    found = {"hot": hot(args), "eighth": eighth(args)}
    if args.json is not None:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
