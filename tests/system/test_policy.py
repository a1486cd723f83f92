"""compaction-policy: levels of several runs, made and unmade under a daemon."""

import os
import random
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()

SEED = int(os.environ.get("RTT_SEED", time.time_ns() % 1000000))
KEYS = 4000
SMALL = {"table_size": "64kb", "level_base_size": "64kb",
         "level_size_multiplier": 3, "l0_compaction_trigger": 2,
         "expiry_grace": 0}


def load(client, model, rng, count):
    commands = []
    for _ in range(count):
        key = "key:%d" % rng.randrange(KEYS)
        if rng.random() < 0.2:
            commands.append(("DEL", key))
            model.pop(key, None)
        else:
            # Of what does not compress, or the database stays small.
            model[key] = "%x" % rng.getrandbits(rng.randrange(8, 9600))
            commands.append(("SET", key, model[key]))
    for start in range(0, count, 500):
        client.pipeline(commands[start:start + 500])


def wrong_keys(client, model):
    keys = ["key:%d" % i for i in range(KEYS)]
    replies = client.pipeline([("GET", key) for key in keys])
    return [key for key, reply in zip(keys, replies)
            if reply != (model[key].encode() if key in model else None)]


def runs(directory):
    """Level to runs, by riptide levels."""
    done = subprocess.run([rt.RIPTIDE, "--dir", directory, "levels"],
                          capture_output=True, text=True, check=True,
                          timeout=rt.PATIENCE_S)
    found = {}
    for line in done.stdout.splitlines()[1:]:
        words = line.split()
        if words and words[0].isdigit():
            found[int(words[0])] = found.get(int(words[0]), 0) + 1
    return found


def several(directory):
    return [level for level, count in runs(directory).items()
            if level > 0 and count > 1]


def merge(server, policy, *args):
    return rt.Compactor(server.dir, compaction_policy=policy,
                        **SMALL).once(*args)


def test_back_and_forth(tap):
    rng = random.Random(SEED)
    model = {}
    seen = 0
    with rt.Server(memtable_size="64kb", appendfsync="no") as server, \
            server.client() as client:
        load(client, model, rng, 8000)
        for turn in range(12):
            load(client, model, rng, 600)
            tap.equal(merge(server, "lazy"), 0, "lazy_%d_ends_well" % turn)
            seen += len(several(server.dir))
            tap.equal(wrong_keys(client, model), [],
                      "after_lazy_%d_every_key_is_right" % turn)
            if turn % 4 != 3:
                continue
            tap.equal(client.call("DBSIZE", "EXACT"), len(model),
                      "no_key_is_more_or_less_%d" % turn)
            server.restart()
            client = server.client()
            tap.equal(wrong_keys(client, model), [],
                      "a_restart_reads_them_%d" % turn)
            done = subprocess.run([rt.RIPTIDE, "--dir", server.dir, "check"],
                                  capture_output=True, text=True, check=False,
                                  timeout=rt.PATIENCE_S)
            tap.equal(done.returncode, 0, "the_files_are_sound_%d" % turn)
            load(client, model, rng, 2000)
            tap.equal(merge(server, "leveled"), 0,
                      "leveled_%d_ends_well" % turn)
            tap.equal(several(server.dir), [],
                      "leveled_%d_makes_each_level_one_run" % turn)
            tap.equal(wrong_keys(client, model), [],
                      "after_leveled_%d_every_key_is_right" % turn)
        tap.ok(seen > 0, "some_level_had_several_runs", seen)
        load(client, model, rng, 8000)
        merge(server, "lazy")
        tap.equal(merge(server, "lazy", "--full"), 0, "lazy_full_ends_well")
        rt.wait_until(lambda: client.info("lsm")["l0_files"] == "0",
                      "level 0 to be empty")
        tap.ok(set(runs(server.dir)) == {6} and runs(server.dir)[6] == 1,
               "lazy_full_leaves_one_run", runs(server.dir))
        tap.equal(wrong_keys(client, model), [],
                  "after_lazy_full_every_key_is_right")


def test_beside(tap):
    """A lazy compactor with two threads beside writes, killed now and then."""
    rng = random.Random(SEED + 1)
    model = {}
    with rt.Server(memtable_size="64kb", appendfsync="no") as server, \
            server.client() as client:
        for _ in range(5):
            compactor = rt.Compactor(server.dir, compaction_policy="lazy",
                                     compaction_threads=2, **SMALL).start()
            load(client, model, rng, 5000)
            compactor.kill()
        tap.equal(wrong_keys(client, model), [],
                  "kills_of_a_lazy_compactor_lose_nothing")
        tap.equal(merge(server, "lazy"), 0, "the_next_one_goes_on")
        tap.equal(wrong_keys(client, model), [], "and_brings_nothing_back")
        tap.equal(client.call("CONFIG", "GET", "compaction-policy"),
                  [b"compaction-policy", b"leveled"],
                  "config_get_knows_the_option")


print("# RTT_SEED=%d" % SEED, flush=True)
for test in (test_back_and_forth, test_beside):
    tap.run(test)
tap.done()
