"""crash_loop: kill or stop the daemon, the compactor or both, at named points
and at random instants, under load; start them again with other options, and
ask for every acknowledged write.

The oracle (oracle.py) and the load (load.py) live outside the data directory.
PAIRS of daemon and compactor run beside each other, each in a process of its
own with directories of its own. A directory is begun anew after some rounds;
before that all is merged down, and the tables themselves are looked into.

SEED replays the choices (not the instants: those are the machine's), ROUNDS
says how many in all. What failed is kept below the build tree.
"""

import collections
import json
import os
import random
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import riptide_test as rt  # noqa: E402
from life import HERE, Life  # noqa: E402
from oracle import Lost  # noqa: E402
from programs import COMPACTOR_POINTS, DAEMON_POINTS  # noqa: E402

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
# About 350 kills. Most of a round is waiting, so that pairs beside each other
# cost little.
ROUNDS = int(os.environ.get("ROUNDS") or 240)
PAIRS = int(os.environ.get("PAIRS") or 4)
# Of one directory.
LIFE_ROUNDS = 60
# Of a daemon whose data, some MiB, are merged down.
FILES_MAX = 64
MIB_MAX = 64


def keep(life, seed):
    """Put the data directory aside for whoever looks into it."""
    kept = os.path.join(HERE, "failed-%d" % seed)
    for program in (life.server, life.compactor):
        program.process.kill()
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(life.dir, kept)
    for program, name in ((life.server, "riptided.log"),
                          (life.compactor, "riptide-compactd.log")):
        with open(os.path.join(kept, name), "w", encoding="utf-8") as file:
            if os.path.exists(program.process.stderr_path):
                file.write(program.process.stderr())
            file.write("%s\n" % (program.process.options,))
    return kept


def run_pair(seed, rounds):
    """One pair's rounds; prints the result as a line of JSON."""
    chance = random.Random(seed)
    counts = collections.Counter()
    why, done, sizes = "", 0, []
    while done < rounds and not why:
        life = Life(chance, counts)
        try:
            for _ in range(min(LIFE_ROUNDS, rounds - done)):
                life.round()
                done += 1
                if chance.random() < 0.1:
                    life.check()
            life.settle()
        except (Lost, rt.ReplyError, TimeoutError,
                subprocess.SubprocessError) as error:
            why = "%s: %s\nround %d of pair seed %d, kept in %s" % (
                type(error).__name__, error, done, seed, keep(life, seed))
        if life.final_size is not None:
            sizes.append(life.final_size)
        counts["commands acknowledged"] += sum(
            worker.acknowledged for worker in life.workers)
        life.close()
    counts["rounds"] += done
    print(json.dumps({"counts": counts, "why": why, "sizes": sizes}),
          flush=True)


def main():
    tap = rt.Tap()
    print("# SEED=%d ROUNDS=%d PAIRS=%d" % (SEED, ROUNDS, PAIRS), flush=True)
    began = time.monotonic()
    pairs = []
    for number in range(PAIRS):
        rounds = ROUNDS // PAIRS + (number < ROUNDS % PAIRS)
        pairs.append(subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), "pair",
             str(SEED + number), str(rounds)], stdout=subprocess.PIPE))
    counts, why, sizes = collections.Counter(), "", []
    for pair in pairs:
        lines = pair.communicate()[0].decode().splitlines()
        if pair.returncode != 0 or not lines:
            why += "a pair ended with %d\n" % pair.returncode
            continue
        result = json.loads(lines[-1])
        counts.update(result["counts"])
        why += result["why"]
        sizes += result["sizes"]
    points = {name[6:]: counts.pop(name) for name in sorted(counts)
              if name.startswith("point ")}
    for what, count in sorted(counts.items()):
        print("# %d %s" % (count, what))
    print("# %d of %d points acted: %s" % (
        len(points), len(set(DAEMON_POINTS + COMPACTOR_POINTS)),
        " ".join("%s=%d" % pair for pair in points.items())))
    print("# %.1f s, %.2f rounds a second" % (
        time.monotonic() - began, ROUNDS / (time.monotonic() - began)))
    tap.ok(counts["failed starts"] == 0, "every_start_succeeds", why)
    tap.ok(not why, "what_was_acknowledged_is_there_after_every_kill", why)
    tap.ok(all(files <= FILES_MAX and mib <= MIB_MAX for files, mib in sizes),
           "the_daemon_is_small_after_many_kills",
           "descriptors and MiB: %s" % sizes)
    print("# at most %s descriptors, %s MiB" % (
        max((files for files, _ in sizes), default="no"),
        max((mib for _, mib in sizes), default="no")))
    tap.done()


if __name__ == "__main__":
    if sys.argv[1:2] == ["pair"]:
        run_pair(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
