#!/usr/bin/env python3
"""read_shapes: GET over the network from trees of different shapes, with any
builds side by side in turns, and Redis where it is asked for.

    bench/read_shapes.py [--keys N] [--tables N] [--requests N] [--pipeline N]
        [--clients N] [--rounds N] [--redis] [BUILDDIR ...]

Every server gets the same keys, 100 bytes each, and is asked for random ones of
them by redis-benchmark, which must be installed. The shapes are:

    memtable   nothing was flushed
    level0     so many tables of level 0, each with keys from the whole range,
               and no compactor
    compacted  the same after riptide-compactd --full

Server and client are bound to CPUs 0 and 1. Printed are medians over the
rounds: requests a second, the median latency in microseconds (with what it is
beside that of the compacted tree) and the server's CPU time for a request.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "support"))
import riptide_test as rt

VALUE = b"v" * 100
SHAPES = ("memtable", "level0", "compacted")


def sets(numbers):
    return b"".join(
        b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$100\r\n%s\r\n" % (n, VALUE)
        for n in numbers)


def load(client, numbers):
    """SET them, some thousand at a time."""
    for at in range(0, len(numbers), 5000):
        part = numbers[at:at + 5000]
        client.sock.sendall(sets(part))
        for _ in part:
            client.read()


class Riptide:
    def __init__(self, builddir, shape, args):
        self.name = builddir
        rt.RIPTIDED = os.path.join(builddir, "riptided", "riptided")
        tables = 1 if shape == "memtable" else args.tables
        self.server = rt.Server(**{
            "memtable-size": "1gb", "block-cache-size": "1gb"}).start()
        client = self.server.client()
        for i in range(tables):
            load(client, range(i, args.keys, tables))
            if shape != "memtable":
                client.call("FLUSHMEM")
                rt.wait_until(
                    lambda: self.level0(client) == i + 1, "a flush")
        if shape == "compacted":
            compactd = os.path.join(builddir, "riptide-compactd",
                                    "riptide-compactd")
            subprocess.run([compactd, "--dir", self.server.dir, "--full"],
                           check=True, stderr=subprocess.DEVNULL)
            rt.wait_until(lambda: self.level0(client) == 0, "a merge")
        self.port, self.pid = self.server.port, self.server.pid

    @staticmethod
    def level0(client):
        return int(client.info("lsm")["l0_files"])

    def stop(self):
        self.server.stop()


class Redis:
    def __init__(self, args):
        self.name = "redis"
        self.port = rt.free_port()
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--save", "",
             "--appendonly", "no", "--dir", rt.scratch_dir()],
            stdout=subprocess.DEVNULL)
        self.pid = self.process.pid
        client = rt.wait_until(self.client, "redis-server")
        load(client, range(args.keys))

    def client(self):
        try:
            return rt.RespClient(port=self.port)
        except OSError:
            return None

    def stop(self):
        self.process.terminate()
        self.process.wait()


def cpu_s(pid):
    with open("/proc/%d/stat" % pid) as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(server, args):
    before = cpu_s(server.pid)
    out = subprocess.run(
        ["taskset", "-c", "1", "redis-benchmark", "-p", str(server.port),
         "-t", "get", "-n", str(args.requests), "-r", str(args.keys),
         "-c", str(args.clients), "-P", str(args.pipeline), "--csv"],
        check=True, stdout=subprocess.PIPE, text=True).stdout
    cells = re.findall(r'"([^"]*)"', out.splitlines()[-1])
    used = cpu_s(server.pid) - before
    return float(cells[1]), float(cells[4]) * 1000, used / args.requests * 1e6


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("builds", nargs="*", default=[rt.BUILDDIR])
    parser.add_argument("--keys", type=int, default=1000000)
    parser.add_argument("--tables", type=int, default=10)
    parser.add_argument("--requests", type=int, default=1000000)
    parser.add_argument("--pipeline", type=int, default=16)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--redis", action="store_true")
    args = parser.parse_args()
    if shutil.which("redis-benchmark") is None:
        sys.exit("read_shapes: redis-benchmark is not installed")
    median = {}
    for shape in reversed(args.shapes.split(",")):
        servers = [Riptide(build, shape, args) for build in args.builds]
        if args.redis:
            servers.append(Redis(args))
        for server in servers:
            subprocess.run(["taskset", "-a", "-cp", "0", str(server.pid)],
                           check=True, stdout=subprocess.DEVNULL)
        found = {server.name: [] for server in servers}
        for server in servers:
            measure(server, args)  # warms
        for _ in range(args.rounds):
            for server in servers:
                found[server.name].append(measure(server, args))
        for server in servers:
            rps, p50, cpu = (statistics.median(column)
                             for column in zip(*found[server.name]))
            median.setdefault(server.name, p50)
            print("%-10s %8.0f/s  p50 %6.0f us (%.2fx)  cpu %5.2f us  %s" %
                  (shape, rps, p50, p50 / median[server.name], cpu,
                   server.name), flush=True)
            server.stop()


main()
