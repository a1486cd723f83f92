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


def first_lines(words, count):
    """The first lines of a program that goes on until it is stopped."""
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    try:
        return [process.stdout.readline() for _ in range(count)]
    finally:
        process.kill()
        process.wait()


def test_redis_cli_looks_around(tap):
    with rt.Server() as server:
        def cli(*words, stdin=b""):
            return run(["redis-cli", "-p", str(server.port)] + list(words),
                       stdin)

        cli("--pipe", stdin=b"".join(
            rt.encode("SET", "look:%d" % i, "x" * i) for i in range(500)))
        status, said = cli("--bigkeys")
        tap.ok(status == 0 and b"Sampled 500 keys" in said and
               b"Biggest string found '\"look:499\"' has 499 bytes" in said
               and b"rror" not in said,
               "redis_cli_finds_big_keys", said)
        status, said = cli("--memkeys")
        tap.ok(status == 0 and b"Sampled 500 keys" in said and
               b"rror" not in said, "redis_cli_finds_keys_of_much_memory",
               said)
        status, said = cli("-i", "0.2", "--latency")
        tap.ok(status == 0 and len(said.split()) == 4,
               "redis_cli_measures_latency", said)
        base = ["redis-cli", "-p", str(server.port), "-i", "0.1"]
        lines = first_lines(base + ["--stat"], 5)
        tap.ok(b"keys" in lines[1] and lines[2].split()[0] == b"500" and
               lines[4].split()[0] == b"500", "redis_cli_shows_statistics",
               lines)
        lines = first_lines(base + ["--latency-history"], 1)
        tap.ok(b"min:" in lines[0] or len(lines[0].split()) == 4,
               "redis_cli_shows_a_history_of_latency", lines)


def test_redis_cli_transactions(tap):
    with rt.Server() as server:
        def cli(*words, stdin=b""):
            return run(["redis-cli", "-p", str(server.port)] + list(words),
                       stdin)

        tap.equal(cli(stdin=b"multi\nset a 1\nincrby a 4\nexec\nget a\n"),
                  (0, b"OK\nQUEUED\nQUEUED\nOK\n5\n5\n"),
                  "redis_cli_executes_transactions")
        ear = subprocess.Popen(
            ["redis-cli", "-p", str(server.port), "psubscribe", "news.*"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        try:
            heard = [ear.stdout.readline() for _ in range(3)]
            tap.equal(cli("publish", "news.art", "hello"), (0, b"1\n"),
                      "redis_cli_publishes")
            heard += [ear.stdout.readline() for _ in range(4)]
        finally:
            ear.kill()
            ear.wait()
        tap.equal(b"".join(heard), b"psubscribe\nnews.*\n1\n"
                  b"pmessage\nnews.*\nnews.art\nhello\n",
                  "redis_cli_listens")


def test_redis_cli_tls(tap):
    tls = cs.Tls()
    port = rt.free_port()
    with rt.Server(**tls.options(port)):
        words = ["redis-cli", "-p", str(port), "--tls", "--cacert",
                 tls.authority]
        tap.equal(run(words + ["set", "over", "tls"]), (0, b"OK\n"),
                  "redis_cli_works_over_tls")
        status, said = run(words + ["--pipe"], b"".join(
            rt.encode("SET", "pipe:%d" % i, i) for i in range(1000)))
        tap.ok(status == 0 and b"errors: 0, replies: 1000" in said,
               "redis_cli_pipes_over_tls", said)
        status, said = run(words[:-2] + ["ping"])
        tap.ok(status != 0 and b"certificate verify failed" in said,
               "redis_cli_wants_an_authority", said)
        status, said = run(
            ["redis-benchmark", "-p", str(port), "--tls", "--cacert",
             tls.authority, "-t", "set,get", "-n", "2000", "-c", "20", "-P",
             "4", "-q"])
        tap.ok(status == 0 and b"rror" not in said and
               said.count(b"requests per second") == 2,
               "redis_benchmark_works_over_tls", said)


# What it does by default with strings, and its names for that.
BENCHMARKS = "ping_inline,ping_mbulk,set,get,incr,mset"


def test_redis_benchmark(tap):
    with rt.Server() as server:
        for depth, words in ((1, []), (16, []), (1, ["-3"]), (16, ["-3"])):
            status, said = run(
                ["redis-benchmark", "-p", str(server.port), "-t", BENCHMARKS,
                 "-n", "2000", "-r", "5000", "-d", "100", "-c", "50", "-P",
                 str(depth), "-q"] + words)
            tap.ok(status == 0 and b"rror" not in said and
                   said.count(b"requests per second") == 6,
                   "redis_benchmark%s_runs_at_depth_%d" % (
                       "_resp3" if words else "", depth), said)


why = cs.missing("redis-cli", "redis-benchmark")
for test in (test_redis_cli, test_redis_cli_looks_around,
             test_redis_cli_transactions, test_redis_cli_tls,
             test_redis_benchmark):
    if why is not None:
        tap.skip(test.__name__, why)
    else:
        tap.run(test)
tap.done()
