"""redis-cli and redis-benchmark: not one line of error."""

import subprocess
import sys

sys.dont_write_bytecode = True
import client_setup as cs  # noqa: E402
from client_setup import rt  # noqa: E402

tap = rt.Tap()


def run(words, stdin=b""):
    done = subprocess.run(words, input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=rt.PATIENCE_S,
                          check=False)
    return done.returncode, done.stdout


def test_redis_cli(tap):
    with rt.Server() as server:
        def cli(*words, stdin=b""):
            return run(["redis-cli", "-p", str(server.port)] + list(words),
                       stdin)

        tap.equal(cli("set", "cli", "there"), (0, b"OK\n"), "redis_cli_sets")
        tap.equal(cli("get", "cli"), (0, b"there\n"), "redis_cli_gets")
        tap.equal(cli("-3", "get", "cli"), (0, b"there\n"),
                  "redis_cli_speaks_resp3")
        tap.equal(cli("-n", "3", "get", "cli"), (0, b"\n"),
                  "redis_cli_selects")
        tap.equal(cli(stdin=b"mset a 1 b 2\nmget a none b\nincr a\n"
                      b"expire a 60\ndel a b\n"),
                  (0, b"OK\n1\n\n2\n2\n1\n2\n"), "redis_cli_reads_a_script")
        status, said = cli("--pipe", stdin=b"".join(
            rt.encode("SET", "pipe:%d" % i, i) for i in range(1000)))
        tap.ok(status == 0 and b"errors: 0, replies: 1000" in said,
               "redis_cli_pipes_a_thousand", said)
        status, said = cli("--scan", "--pattern", "pipe:*")
        tap.equal((status, len(set(said.split()))), (0, 1000),
                  "redis_cli_scans")
        server.restart()
        tap.equal(cli("get", "pipe:999"), (0, b"999\n"),
                  "redis_cli_finds_it_after_a_restart")


def test_redis_benchmark(tap):
    with rt.Server() as server:
        for pipeline in (1, 16):
            status, said = run(
                ["redis-benchmark", "-p", str(server.port), "-t", "set,get",
                 "-n", "5000", "-r", "5000", "-d", "100", "-c", "50", "-P",
                 str(pipeline), "-q"])
            tap.ok(status == 0 and b"rror" not in said and
                   said.count(b"requests per second") == 2,
                   "redis_benchmark_runs_at_depth_%d" % pipeline, said)


why = cs.missing("redis-cli", "redis-benchmark")
for test in (test_redis_cli, test_redis_benchmark):
    if why is not None:
        tap.skip(test.__name__, why)
    else:
        tap.run(test)
tap.done()
