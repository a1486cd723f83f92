"""ThreadSanitizer watches both programs under load: pipelines, big values,
snapshots, scans, flushes, merges, checkpoints, transactions, messages, CONFIG
SET, killed clients, all signals, starts and clean stops; the daemon with one
loop, then with four (IO_THREADS: with so many). The programs are those of a build with
--enable-tsan, or of the one in tsan/ of the build tree, which `make check` and
`make tsan-daemon` make.

SECONDS_EACH says how long each of the three rounds of either lasts.
"""

import glob
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import riptide_test as rt  # noqa: E402

SECONDS = float(os.environ.get("SECONDS_EACH") or 2)
LOOPS = [int(os.environ["IO_THREADS"])] if os.environ.get("IO_THREADS") else \
    [1, 4]
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
SMALL = {"table_size": "64kb", "level_base_size": "64kb",
         "level_size_multiplier": 2, "l0_compaction_trigger": 2}
CONFIG = (("appendfsync", ("always", "everysec", "no")),
          ("block-cache-size", ("0", "1mb", "64mb")),
          ("memory-limit", ("0", "64mb", "128mb")),
          ("slowlog-log-slower-than", ("-1", "0", "10000")),
          ("maxclients", ("1000", "2000")),
          ("notify-keyspace-events", ("", "", "KEA")),
          ("timeout", ("0", "100")))

tap = rt.Tap()


class Client(threading.Thread):
    """A connection in a thread that does one deed over and over."""

    def __init__(self, server, deed, stop):
        super().__init__()
        self.server = server
        self.deed = deed
        self.stop = stop
        self.wrong = None

    def run(self):
        chance = random.Random("%d %s" % (SEED, self.deed.__name__))
        while not self.stop.is_set():
            try:
                with self.server.client() as client:
                    while not self.stop.is_set():
                        self.deed(client, chance)
            except (OSError, rt.Closed):
                continue
            except Exception as error:  # any other end is a failed test
                self.wrong = "%s: %s" % (self.deed.__name__, error)
                return


def key(chance):
    return b"k%d" % chance.randrange(3000)


def write(client, chance):
    commands = []
    for _ in range(chance.choice((1, 10, 100))):
        dice = chance.random()
        if dice < 0.6:
            size = chance.choice((0, 100, 100, 1000, 200000))
            commands.append(("SET", key(chance), b"v" * size))
        elif dice < 0.7:
            commands.append(("SET", key(chance), b"x", "PX",
                             chance.randrange(1, 2000)))
        elif dice < 0.8:
            commands.append(("DEL", key(chance), key(chance)))
        elif dice < 0.9:
            commands.append(("MSET", key(chance), b"1", key(chance), b"2"))
        else:
            commands.append(("APPEND", b"a%d" % chance.randrange(50), b"y"))
    client.pipeline(commands)


def read(client, chance):
    client.pipeline([("GET", key(chance)) for _ in range(50)])
    client.call("MGET", *[key(chance) for _ in range(50)])
    cursor = b"0"
    for _ in range(20):
        cursor, _ = client.call("SCAN", cursor, "COUNT", 100)


def look(client, chance):
    snapshot = client.call("SNAPSHOT", "CREATE")
    client.call("SNAPSHOT", "USE", snapshot)
    client.call("DBSIZE")
    for _ in range(5):
        read(client, chance)
    client.call("SNAPSHOT", "USE", "LIVE")
    client.call("SNAPSHOT", "RELEASE", snapshot)


def one(client, chance):
    """Reads of every kind that need nobody's leave, one by one."""
    for _ in range(20):
        for command in ("GET", "STRLEN", "TTL", "PTTL", "TYPE", "EXISTS",
                        "EXPIRETIME", "PEXPIRETIME"):
            client.call(command, key(chance))
        client.call("GETRANGE", key(chance), 0, 10)
        client.call("GETBIT", key(chance), 3)
        client.call("MGET", key(chance), key(chance))
    client.error("GETRANGE", "a", "b", "c")


def transact(client, chance):
    watched = key(chance)
    client.call("WATCH", watched)
    client.call("GET", watched)
    client.pipeline([("MULTI",), ("SET", watched, "t"), ("INCR", "sum"),
                     ("GET", watched), ("PUBLISH", "news", "exec"),
                     ("EXEC",)])
    if chance.random() < 0.02:
        client.pipeline([("MULTI",), ("FLUSHDB",), ("SET", "sum", "0"),
                         ("CLIENT", "LIST"), ("EXEC",)])
    if chance.random() < 0.02:
        client.call("CLIENT", "PAUSE", 20, chance.choice(("WRITE", "ALL")))
        client.call("CLIENT", "UNPAUSE")


def reset(client):
    client.send_raw(rt.encode("RESET"))
    while client.read() != "RESET":
        pass


def listen(client, chance):
    """Messages to itself and to others, or all that others do."""
    if chance.random() < 0.2:
        client.call("MONITOR")
        for _ in range(50):
            client.read()
        reset(client)
        return
    channel = b"c%d" % chance.randrange(4)
    client.call("HELLO", 3)
    client.send_raw(rt.encode("SUBSCRIBE", channel, "news") +
                    rt.encode("PSUBSCRIBE", "__key*"))
    for _ in range(20):
        client.send_raw(rt.encode("PUBLISH", channel, b"m" * 100))
        client.read()
    reset(client)


def manage(client, chance):
    name, values = chance.choice(CONFIG)
    client.call("CONFIG", "SET", name, chance.choice(values))
    client.call("FLUSHMEM")
    for command in (("INFO", "all"), ("CLIENT", "LIST"), ("DBSIZE",),
                    ("CONFIG", "GET", "*"), ("SLOWLOG", "GET")):
        client.call(*command)
    # What may be unknown, or refused by its state.
    client.error("CHECKPOINT", "c%d" % chance.randrange(1 << 30))
    client.error("BGSAVE")
    client.error("SWAPDB", 1, 2)
    if chance.random() < 0.1:
        client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    if chance.random() < 0.1:
        client.call("FLUSHDB")


def environment(directory):
    supp = os.path.join(rt.SRCDIR, "tests", "crash", "tsan.supp")
    return {"TSAN_OPTIONS": "halt_on_error=0 exitcode=66 history_size=4 "
            "suppressions=%s log_path=%s/tsan" % (supp, directory)}


def reports(directory):
    texts = []
    for path in sorted(glob.glob(os.path.join(directory, "tsan.*"))):
        with open(path, encoding="utf-8", errors="replace") as file:
            texts.append(file.read())
    return texts


def benchmark(server):
    if shutil.which("redis-benchmark") is None:
        return
    subprocess.run(["redis-benchmark", "-p", str(server.port), "-q", "-n",
                    "5000", "-c", "20", "-P", "4", "-t", "set,get,incr,mset"],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   timeout=rt.PATIENCE_S, check=False)


def run(server, number):
    """One life of the daemon, under load. What went wrong, or None."""
    stop = threading.Event()
    clients = [Client(server, deed, stop)
               for deed in (write, write, read, one, one, look, transact,
                            listen, listen, manage)]
    for client in clients:
        client.start()
    benchmark(server)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and server.ended() is None:
        server.signal(random.Random(SEED).choice(
            (signal.SIGHUP, signal.SIGUSR1)))
        time.sleep(0.5)
    # In one round the stop comes while clients write.
    if number != 1:
        stop.set()
    status = server.stop()
    stop.set()
    for client in clients:
        client.join()
    wrong = [client.wrong for client in clients if client.wrong is not None]
    return wrong, status


def test_races(tap, loops):
    logs = rt.scratch_dir()
    env = environment(logs)
    server = rt.Server(env=env, memtable_size="256kb", reader_threads=4,
                       disk_reserve="1mb", io_threads=loops, **{
                           name: value for name, value in SMALL.items()
                           if name == "l0_compaction_trigger"})
    compactor = None
    for number in range(3):
        server.start()
        if compactor is None:
            compactor = rt.Compactor(server.dir, env=env, expiry_grace=0,
                                     **SMALL).start()
        wrong, status = run(server, number)
        tap.equal((wrong, status), ([], 0), "a_loaded_daemon_stops_%d_%d" %
                  (loops, number))
    tap.equal(compactor.stop(), 0, "its_compactor_stops_%d" % loops)
    texts = reports(logs)
    tap.ok(not texts, "no_race_is_reported_%d" % loops,
           "\n".join(texts)[:20000])


def is_instrumented(program):
    try:
        with open(program, "rb") as file:
            return b"__tsan_init" in file.read()
    except FileNotFoundError:
        return False


def why_not():
    """Take the instrumented programs; why there are none, or None."""
    if not is_instrumented(rt.RIPTIDED):
        rt.RIPTIDED, rt.COMPACTD = (
            os.path.join(rt.BUILDDIR, "tsan", os.path.relpath(
                program, rt.BUILDDIR)) for program in (rt.RIPTIDED,
                                                       rt.COMPACTD))
    if not is_instrumented(rt.RIPTIDED):
        return "not built with --enable-tsan"
    # Some kernels lay memory out in a way that older sanitizers cannot have.
    done = subprocess.run([rt.RIPTIDED, "--version"], capture_output=True,
                          text=True, check=False)
    return done.stderr.strip() if done.returncode != 0 else None


print("# SEED=%d" % SEED, flush=True)
reason = why_not()
if reason is None:
    for loops in LOOPS:
        tap.run(test_races, loops)
else:
    tap.skip("no_race_is_reported", reason)
tap.done()
