"""A compactor that is stopped, at whatever moment, delays no write, no flush,
no stop and no start of the daemon."""

import os
import random
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import riptide_test as rt  # noqa: E402

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
STOPS = 12
FLUSHES = 3
OPTIONS = {"l0_compaction_trigger": 2, "table_size": "256kb",
           "level_base_size": "256kb"}

tap = rt.Tap()


class Load:
    """One connection that writes until it is told to end."""

    def __init__(self, server):
        self.server = server
        self.stop = threading.Event()
        self.written = 0
        self.wrong = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        try:
            with self.server.client() as client:
                while not self.stop.is_set():
                    batch = [("SET", b"k%d" % (self.written % 20000 + i),
                              b"v" * 200) for i in range(50)]
                    for reply in client.pipeline(batch):
                        if reply != "OK":
                            self.wrong = reply
                            return
                    self.written += len(batch)
        except (OSError, rt.Closed) as error:
            self.wrong = error

    def end(self):
        self.stop.set()
        self.thread.join()


def flushes(client):
    return int(client.info("lsm")["flushes"])


def test_stopped_compactor(tap):
    chance = random.Random(SEED)
    with rt.Server(memtable_size="256kb", appendfsync="no",
                   disk_reserve="0", **OPTIONS) as server:
        compactor = rt.Compactor(server.dir, **OPTIONS).start()
        load = Load(server)
        with server.client() as client:
            for number in range(STOPS):
                time.sleep(chance.random() * 0.2)
                compactor.signal(signal.SIGSTOP)
                flushed, written = flushes(client), load.written
                rt.wait_until(
                    lambda: load.wrong is not None or
                    flushes(client) >= flushed + FLUSHES,
                    "flushes beside a stopped compactor")
                tap.ok(load.wrong is None and load.written > written,
                       "writes_and_flushes_go_on_beside_stop_%d" % number,
                       load.wrong)
                compactor.signal(signal.SIGCONT)
        load.end()
        for number in range(STOPS):
            time.sleep(chance.random() * 0.1)
            compactor.signal(signal.SIGSTOP)
            status = server.stop()
            server.start()
            tap.equal(status, 0, "the_daemon_restarts_beside_stop_%d" % number)
            compactor.signal(signal.SIGCONT)
        with server.client() as client:
            rt.wait_until(lambda: int(client.info("lsm")["l0_files"]) <
                          OPTIONS["l0_compaction_trigger"],
                          "the compactor to catch up")
        tap.ok(True, "the_compactor_catches_up")
        tap.equal(compactor.stop(), 0, "the_compactor_ends_well")


print("# SEED=%d" % SEED, flush=True)
tap.run(test_stopped_compactor)
tap.done()
