"""riptide-compactd on the directory of a real daemon, and on wrong ones."""

import os
import random
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()

SEED = int(os.environ.get("RTT_SEED", time.time_ns() % 1000000))
KEYS = 1500
# Small enough for every rule to have something to do.
SMALL = {"table_size": "64kb", "level_base_size": "128kb",
         "level_size_multiplier": 4, "expiry_grace": 0}


def small_server(**options):
    merged = {"memtable_size": "64kb", "appendfsync": "no"}
    merged.update(options)
    return rt.Server(**merged)


def load(client, model, rng, count):
    """Random writes, expiries and deletes, kept in model."""
    commands = []
    for _ in range(count):
        key = "key:%d" % rng.randrange(KEYS)
        what = rng.random()
        if what < 0.2:
            commands.append(("DEL", key))
            model.pop(key, None)
        elif what < 0.3:
            # Gone before anybody looks.
            commands.append(("SET", key, "short-lived", "PX", "1"))
            model.pop(key, None)
        else:
            value = "%d-" % rng.randrange(1 << 30) * rng.randrange(1, 30)
            commands.append(("SET", key, value))
            model[key] = value
    for start in range(0, count, 500):
        client.pipeline(commands[start:start + 500])


def wrong_keys(client, model):
    keys = ["key:%d" % i for i in range(KEYS)]
    replies = client.pipeline([("GET", key) for key in keys])
    return [key for key, reply in zip(keys, replies)
            if reply != (model[key].encode() if key in model else None)]


def level0(client):
    return int(client.info("lsm")["l0_files"])


def wait_level0(client, condition, what):
    return rt.wait_until(lambda: condition(level0(client)), what)


def dry_run(directory, *args):
    command = rt.Compactor(directory, **SMALL).command() + ["--dry-run"]
    done = subprocess.run(command + list(args), capture_output=True,
                          text=True, timeout=rt.PATIENCE_S, check=False)
    return done.returncode, done.stdout + done.stderr


def sums(line):
    """The name=value words of a plan's last line."""
    return dict(word.split("=") for word in line.split() if "=" in word)


def test_forecast(tap):
    with small_server() as server:
        costs = {}
        for multiplier in (4, 10):
            status, text = dry_run(server.dir, "--forecast", "64mb",
                                   "--level-size-multiplier", str(multiplier),
                                   "--memtable-size", "256kb")
            costs[multiplier] = sums(text)
            tap.ok(status == 0 and text.startswith("forecast jobs=") and
                   2 < float(costs[multiplier]["write_amplification"]) < 30,
                   "a_forecast_tells_the_write_amplification", text)
        tap.ok(costs[4]["written_bytes"] != costs[10]["written_bytes"],
               "it_depends_on_the_settings_given", costs)
        over = sums(dry_run(server.dir, "--forecast", "64mb",
                            "--forecast-data", "4mb",
                            "--memtable-size", "256kb")[1])
        tap.ok(int(over["disk_after_bytes"]) < 8 << 20,
               "what_is_written_over_takes_no_space", over)
        status, text = dry_run(server.dir, "--forecast", "0")
        tap.ok(status == 64 and "--forecast: 0 is no size" in text,
               "no_size_is_64", text)
        status, text = dry_run(server.dir, "--forecast", "999999gb")
        tap.ok(status == 64 and "flushes" in text, "too_much_is_64", text)


def test_once(tap):
    rng = random.Random(SEED)
    model = {}
    with small_server() as server, server.client() as client:
        load(client, model, rng, 12000)
        wait_level0(client, lambda runs: runs >= 8, "level 0 to fill")
        compactor = rt.Compactor(server.dir, **SMALL)
        status, jobs = dry_run(server.dir)
        lines = jobs.splitlines()
        tap.ok(status == 0 and lines[0].split()[:3] == ["job", "kind", "levels"]
               and lines[1].split()[:5] == ["1", "merge", "L0", "->", "L6"],
               "dry_run_prints_what_is_due", jobs)
        plan = sums(lines[-1])
        tap.ok(int(plan["jobs"]) == len(lines) - 2 and
               int(plan["disk_peak_bytes"]) > int(plan["disk_now_bytes"]) > 0,
               "and_what_it_costs", jobs)
        tap.ok(not os.path.exists(os.path.join(server.dir, "COMPACTOR")),
               "dry_run_leaves_no_trace")
        tap.equal(compactor.once(), 0, "once_ends_well")
        done = client.info("compactor")
        # It cannot know what is written over.
        tap.ok(0 < int(done["compactor_bytes_read"]) <=
               int(plan["read_bytes"]) * 1.2,
               "the_plan_was_not_too_low", (plan, done))
        wait_level0(client, lambda runs: runs < 4,
                    "the daemon to see the new manifest")
        tap.ok(True, "once_brings_level_0_under_its_trigger")
        tap.equal(wrong_keys(client, model), [],
                  "after_a_merge_every_key_is_right")
        tap.equal(client.call("DBSIZE"), len(model),
                  "after_a_merge_no_key_is_more_or_less")
        load(client, model, rng, 12000)
        tap.equal(compactor.once(), 0, "a_second_time_over_merged_levels")
        tap.equal(wrong_keys(client, model), [],
                  "deleted_and_expired_keys_stay_away")
        tap.equal(compactor.once("--full"), 0, "full_ends_well")
        wait_level0(client, lambda runs: runs == 0, "level 0 to be empty")
        tap.equal(wrong_keys(client, model), [],
                  "after_a_full_merge_every_key_is_right")
        server.restart()
        with server.client() as again:
            tap.equal(wrong_keys(again, model), [],
                      "after_a_restart_every_key_is_right")
        tap.equal(server.stop(), 0, "the_daemon_stops_well")
        tap.equal(compactor.once("--full"), 0, "full_without_a_daemon")
        status, jobs = dry_run(server.dir, "--full")
        tap.equal(jobs, "nothing is due\n", "after_full_nothing_is_due")
        server.start()
        with server.client() as again:
            tap.equal(wrong_keys(again, model), [],
                      "merged_without_a_daemon_every_key_is_right")


def test_emptied(tap):
    with small_server() as server, server.client() as client:
        load(client, {}, random.Random(SEED + 1), 12000)
        rt.Compactor(server.dir, **SMALL).once()
        client.call("FLUSHALL")
        # Something to flush, and the drop with it.
        client.pipeline([("SET", "other:%d" % i, "x" * 100)
                         for i in range(2000)])
        server.restart()
        tap.equal(rt.Compactor(server.dir, **SMALL).once("--full"), 0,
                  "an_emptied_database_is_merged")
        with server.client() as again:
            tap.equal(again.call("DBSIZE"), 2000,
                      "after_flushall_only_later_keys_are_left")
            info = again.info("lsm")
            tap.ok(int(info.get("sst_bytes", 0)) < 1 << 19,
                   "what_was_emptied_gives_its_space_back", info)


def stopped_in_a_job(compactor, server):
    """SIGSTOP the compactor when it is at a job, or anywhere if it is too
    quick for us."""
    sst = os.path.join(server.dir, "sst")

    def at_work():
        return any(name.startswith("c") for name in os.listdir(sst)) or \
            compactor.ended() is not None

    rt.wait_until(at_work, "a first output")
    if compactor.ended() is None:
        compactor.signal(signal.SIGSTOP)


def test_frozen(tap):
    rng = random.Random(SEED + 2)
    model = {}
    with small_server() as server, server.client() as client:
        load(client, model, rng, 12000)
        # So slow that it is surely at its job when we look.
        compactor = rt.Compactor(server.dir, compaction_rate_limit="64kb",
                                 **SMALL).start()
        stopped_in_a_job(compactor, server)
        before = int(client.info("lsm")["manifest_generation"])
        load(client, model, rng, 12000)
        rt.wait_until(lambda: int(client.info("lsm")["manifest_generation"]) >
                      before + 3, "flushes to be published")
        tap.ok(True, "a_frozen_compactor_holds_up_no_flush")
        tap.equal(wrong_keys(client, model), [],
                  "beside_a_frozen_compactor_every_key_is_right")
        second = rt.Compactor(server.dir, **SMALL)
        tap.equal(second.once(), 75, "a_second_compactor_ends_with_75")
        tap.ok(str(compactor.pid) in second.stderr(),
               "it_names_the_pid_of_the_first", second.stderr())
        compactor.signal(signal.SIGCONT)
        start = time.monotonic()
        tap.equal(compactor.stop(), 0, "term_in_a_job_ends_with_0")
        tap.ok(time.monotonic() - start < 10, "term_ends_it_soon")
        tap.equal(second.once(), 0, "then_the_second_has_its_turn")
        wait_level0(client, lambda runs: runs < 4, "level 0 to be merged")
        tap.equal(wrong_keys(client, model), [],
                  "after_that_every_key_is_right")


def test_killed(tap):
    rng = random.Random(SEED + 3)
    model = {}
    with small_server() as server, server.client() as client:
        for _ in range(5):
            load(client, model, rng, 6000)
            compactor = rt.Compactor(server.dir,
                                     compaction_rate_limit="256kb",
                                     **SMALL).start()
            stopped_in_a_job(compactor, server)
            compactor.kill()
        tap.equal(wrong_keys(client, model), [],
                  "kills_in_a_merge_lose_nothing")
        tap.equal(rt.Compactor(server.dir, **SMALL).once(), 0,
                  "after_kills_the_next_one_works")
        tap.equal(wrong_keys(client, model), [],
                  "and_brings_nothing_back")
        server.stop()
        # The daemon is away: what is obsolete goes as well.
        tap.equal(rt.Compactor(server.dir, **SMALL).once("--full"), 0,
                  "full_after_kills")
        server.start()
        with server.client() as again:
            tap.equal(wrong_keys(again, model), [],
                      "after_kills_and_a_restart_every_key_is_right")
            files = int(again.info("lsm")["level6_files"]) + level0(again)
        tap.equal(len([name for name in
                       os.listdir(os.path.join(server.dir, "sst"))]), files,
                  "kills_leave_no_file_behind")


def test_beside(tap):
    """The compactor works on while the daemon takes writes."""
    rng = random.Random(SEED + 4)
    model = {}
    with small_server() as server, server.client() as client:
        compactor = rt.Compactor(server.dir, **SMALL).start()
        for _ in range(6):
            load(client, model, rng, 5000)
        wait_level0(client, lambda runs: runs < 4, "level 0 to be merged")
        tap.equal(wrong_keys(client, model), [],
                  "under_load_every_key_is_right")
        info = client.info("compactor")
        tap.ok(int(info["compactor_jobs_done"]) > 0 and
               int(info["compactor_pid"]) == compactor.pid,
               "info_tells_of_the_compactor", info)
        compactor.signal(signal.SIGUSR1)
        rt.wait_until(lambda: "compactor_jobs_done" in compactor.stderr(),
                      "the state in the log")
        tap.ok(True, "usr1_prints_the_state")
        tap.equal(compactor.stop(), 0, "term_when_idle_ends_with_0")


def test_wrong_directories(tap):
    empty = rt.scratch_dir()
    tap.equal(rt.Compactor(empty).once(), 66, "an_empty_directory_is_66")
    tap.equal(os.listdir(empty), [], "nothing_is_created_there")
    foreign = rt.scratch_dir()
    with open(os.path.join(foreign, "letter"), "wb") as file:
        file.write(b"Dear Sir")
    compactor = rt.Compactor(foreign)
    tap.equal(compactor.once(), 66, "a_foreign_directory_is_66")
    tap.equal(os.listdir(foreign), ["letter"], "it_is_left_as_it_was")
    tap.ok(foreign in compactor.stderr(), "the_directory_is_named",
           compactor.stderr())
    tap.equal(rt.Compactor(os.path.join(foreign, "none")).once(), 66,
              "a_missing_directory_is_66")


def newest_manifest(directory):
    manifests = os.path.join(directory, "manifest")
    return os.path.join(manifests, max(
        name for name in os.listdir(manifests)
        if name.startswith("MANIFEST-") and len(name) == 29))


def test_bad_manifests(tap):
    with small_server() as server:
        server.stop()
    path = newest_manifest(server.dir)
    with open(path, "rb") as file:
        good = file.read()
    for offset in (0, 8, len(good) // 2, len(good) - 1):
        bad = bytearray(good)
        bad[offset] ^= 0x40
        with open(path, "wb") as file:
            file.write(bad)
        status = rt.Compactor(server.dir).once()
        tap.ok(status in (65, 78), "a_changed_manifest_is_refused", status)
    with open(path, "wb") as file:
        file.write(good[:len(good) // 2])
    tap.equal(rt.Compactor(server.dir).once(), 65,
              "half_a_manifest_is_65")
    with open(path, "wb") as file:
        file.write(good)
    tap.equal(rt.Compactor(server.dir).once(), 0,
              "with_its_manifest_back_it_works")


def test_command_line(tap):
    def run(*args):
        return subprocess.run([rt.COMPACTD] + list(args), check=False,
                              capture_output=True, text=True,
                              timeout=rt.PATIENCE_S)

    tap.equal(run("--no-such-option", "1").returncode, 64,
              "an_unknown_option_is_64")
    shown = run("--help")
    tap.ok(shown.returncode == 0 and "--compaction-window" in shown.stdout,
           "help_lists_the_options", shown.stdout)
    tap.ok(run("--version").stdout.startswith("riptide-compactd "),
           "version_names_the_program")
    tap.equal(run("--check-config", "--table-size", "1mb").returncode, 0,
              "check_config_of_a_good_one_is_0")
    wrong = run("--check-config", "--table-size", "1")
    tap.ok(wrong.returncode in (64, 78) and "table-size" in wrong.stderr,
           "check_config_names_what_is_wrong", wrong.stderr)


print("# RTT_SEED=%d" % SEED, flush=True)
for test in (test_once, test_forecast, test_emptied, test_frozen, test_killed, test_beside,
             test_wrong_directories, test_bad_manifests, test_command_line):
    tap.run(test)
tap.done()
