"""A second compactor on a directory says who has the role, or waits for it."""

import os
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()

LOCKED = 75


def flush_runs(client, runs):
    """So many runs of level 0: enough to be due."""
    for number in range(runs):
        client.call("SET", "k%d" % number, "v")
        client.call("FLUSHMEM")
        rt.wait_until(lambda: client.info("lsm")["memtable_entries"] == "0" and
                      client.info("lsm")["immutable_memtables"] == "0",
                      "the memtable to be flushed")


def epoch(directory):
    done = subprocess.run([rt.RIPTIDE, "--dir", directory, "dump", "manifest"],
                          capture_output=True, text=True, check=True,
                          timeout=rt.PATIENCE_S)
    return int(re.search(r"epochs daemon=\d+ compactor=(\d+)",
                         done.stdout).group(1))


def start_first(directory):
    first = rt.Compactor(directory).start()
    rt.wait_until(lambda: "event=started" in first.stderr(),
                  "the first compactor to have the role")
    return first


def start_waiting(directory, first, *args):
    """One that waits, and has said so."""
    waiting = rt.Compactor(directory, args=("--wait",) + args).start()
    rt.wait_until(lambda: "waits for the role" in waiting.stderr() or
                  waiting.ended() is not None, "the second one to wait")
    if "by process %d since" % first.pid not in waiting.stderr():
        raise RuntimeError("it did not name the holder: " + waiting.stderr())
    return waiting


def ended(process):
    """Its exit status and the result that its last line tells."""
    status = process.wait()
    found = re.findall(r"event=ended result=([a-z-]+)", process.stderr())
    return status, found[-1] if found else None


def test_without_wait(tap, server):
    first = start_first(server.dir)
    second = rt.Compactor(server.dir)
    status = second.once()
    lock = os.stat(os.path.join(server.dir, "COMPACTOR.LOCK"))
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(lock.st_mtime))
    line = second.stderr().splitlines()[-1]
    tap.ok(status == LOCKED and
           "is held by process %d since %s" % (first.pid, since) in line,
           "a_second_compactor_says_who_has_the_role_and_since_when",
           (status, line))
    tap.equal((first.ended(), first.stop()), (None, 0), "the_first_goes_on")


def test_its_turn(tap, server, client, end, name):
    """The first one ends, the second does what is due."""
    first = start_first(server.dir)
    before = epoch(server.dir)
    waiting = start_waiting(server.dir, first, "--once")
    tap.equal((waiting.ended(), epoch(server.dir)), (None, before),
              "it_waits_and_claims_nothing_until_%s" % name)
    # The first one sleeps, so that all is left to the second.
    first.signal(signal.SIGSTOP)
    flush_runs(client, 5)
    end(first)
    tap.equal(ended(waiting), (0, "done"),
              "it_does_what_is_due_after_%s" % name)
    tap.equal(epoch(server.dir), before + 1, "as_the_next_after_%s" % name)


def kill(process):
    process.kill()


def stop(process):
    """Before it can begin a job."""
    process.signal(signal.SIGTERM)
    process.signal(signal.SIGCONT)
    process.wait()


def test_signal(tap, server):
    first = start_first(server.dir)
    before = epoch(server.dir)
    waiting = start_waiting(server.dir, first)
    waiting.signal(signal.SIGTERM)
    tap.equal(ended(waiting), (0, "stopped"), "a_signal_ends_the_waiting")
    tap.equal((first.ended(), epoch(server.dir)), (None, before),
              "and_the_first_notices_nothing")
    first.stop()


def test_budget(tap, server):
    first = start_first(server.dir)
    waiting = start_waiting(server.dir, first, "--budget", "1s")
    status = waiting.wait()
    line = waiting.stderr().splitlines()[-1]
    tap.ok(status == LOCKED and "budget was spent on waiting" in line and
           "by process %d since" % first.pid in line,
           "a_budget_ends_the_waiting", (status, line))
    first.stop()


def test_several(tap, server, client):
    """One after the other."""
    first = start_first(server.dir)
    before = epoch(server.dir)
    waiting = [start_waiting(server.dir, first, "--once") for _ in range(3)]
    first.signal(signal.SIGSTOP)
    flush_runs(client, 5)
    kill(first)
    results = sorted(ended(each) for each in waiting)
    tap.equal(results, [(0, "done"), (0, "nothing-due"), (0, "nothing-due")],
              "of_three_that_wait_each_has_its_turn")
    tap.equal(epoch(server.dir), before + 3, "and_an_epoch_of_its_own")


with rt.Server() as shared, shared.client() as connection:
    tap.run(test_without_wait, shared)
    tap.run(test_its_turn, shared, connection, stop, "a_stop")
    tap.run(test_its_turn, shared, connection, kill, "a_kill")
    tap.run(test_signal, shared)
    tap.run(test_budget, shared)
    tap.run(test_several, shared, connection)
tap.done()
