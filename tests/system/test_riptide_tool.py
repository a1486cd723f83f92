"""The local tool: its verbs on a directory that is at rest, beside a live
daemon, and on damaged files."""

import os
import shutil
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()


class Result:
    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout
        self.err = done.stderr.decode(errors="replace")


def tool(directory, *words):
    command = [rt.RIPTIDE, "--dir", directory] + [str(word) for word in words]
    return Result(subprocess.run(command, stdin=subprocess.DEVNULL,
                                 capture_output=True, check=False,
                                 timeout=rt.PATIENCE_S))


def fresh():
    return os.path.join(rt.scratch_dir(), "data")


def filled(keys=200):
    """A directory with tables in it, at rest."""
    with rt.Server(appendfsync="no") as server:
        for part in range(2):
            with server.client() as client:
                client.pipeline([("SET", "key:%d:%d" % (part, i), "v" * 50)
                                 for i in range(keys)])
            server.restart()
        server.stop()
        return server.dir


def copy(directory):
    to = fresh()
    shutil.copytree(directory, to)
    return to


def files(directory, subdir):
    return sorted(os.path.join(directory, subdir, name)
                  for name in os.listdir(os.path.join(directory, subdir)))


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x40]))


def state(directory):
    """Names, sizes and times of all files."""
    found = {}
    for path, _, names in os.walk(directory):
        for name in names:
            status = os.stat(os.path.join(path, name))
            found[os.path.join(path, name)] = (status.st_size,
                                               status.st_mtime_ns,
                                               status.st_ino)
    return found


# -- at rest --

def test_round_trip(tap):
    directory = fresh()
    tap.equal(tool(directory, "get", "a").status, 66,
              "get_without_a_database_is_66")
    tap.ok(not os.path.exists(directory), "get_makes_no_database")
    tap.equal(tool(directory, "set", "a", "one").status, 0, "set_is_done")
    tap.equal(tool(directory, "get", "a").out, b"one\n", "get_gives_the_value")
    tool(directory, "set", "ab", "two", "--ttl", "1000")
    tool(directory, "set", "b\n", "three")
    tap.equal(tool(directory, "scan").out, b"a\nab\nb\\x0a\n",
              "scan_gives_keys_in_order")
    tap.equal(tool(directory, "scan", "a").out, b"a\nab\n",
              "scan_takes_a_prefix")
    tap.equal(tool(directory, "scan", "--limit", "1").out, b"a\n",
              "scan_takes_a_limit")
    tap.equal(tool(directory, "scan", "--prefix", "a", "--reverse").out,
              b"ab\na\n", "scan_goes_backward_in_a_prefix")
    tap.equal(tool(directory, "scan", "--from", "ab").out, b"ab\nb\\x0a\n",
              "scan_begins_at_a_key")
    tap.equal(tool(directory, "scan", "--to", "ab").out, b"a\n",
              "scan_ends_before_a_key")
    tap.equal(tool(directory, "scan", "--from", "aa", "--to", "b",
                   "--reverse", "--limit", "9").out, b"ab\n",
              "scan_takes_both_ends_and_a_limit")
    tap.equal(tool(directory, "scan", "--from", "c", "--to", "b").out, b"",
              "scan_of_an_empty_range_is_empty")
    tap.equal(tool(directory, "del", "a", "nothing").out, b"1\n",
              "del_counts_what_was_there")
    gone = tool(directory, "get", "a")
    tap.equal((gone.status, gone.out), (66, b""), "a_deleted_key_is_66")
    stats = tool(directory, "stats")
    tap.ok(b"manifest_generation:" in stats.out, "stats_are_printed",
           stats.err)
    with rt.Server(dir=directory) as server, server.client() as client:
        tap.equal(client.call("GET", "ab"), b"two",
                  "the_daemon_reads_what_the_tool_wrote")
        tap.ok(900 < client.call("TTL", "ab") <= 1000, "ttl_is_kept")
        server.stop()


def test_databases(tap):
    directory = fresh()
    command = [rt.RIPTIDE, "--dir", directory, "--db", "3"]
    subprocess.run(command + ["set", "k", "v"], check=True)
    done = subprocess.run(command + ["get", "k"], check=True,
                          capture_output=True)
    tap.equal(done.stdout, b"v\n", "a_database_has_keys_of_its_own")
    tap.equal(tool(directory, "get", "k").status, 66,
              "another_database_does_not_have_them")


def test_usage(tap):
    for words in ((), ("nonsense",), ("get",), ("get", "a", "b"),
                  ("set", "a"), ("set", "a", "b", "--ttl", "x"),
                  ("scan", "--limit", "0"), ("scan", "--from"),
                  ("scan", "--backward"), ("dump", "table")):
        tap.equal(tool(fresh(), *words).status, 64,
                  "usage_%s" % "_".join(words or ("nothing",)))
    for flag in ("--help", "--version"):
        done = subprocess.run([rt.RIPTIDE, flag], capture_output=True,
                              check=False)
        tap.ok(done.returncode == 0 and b"riptide" in done.stdout,
               "riptide_" + flag)


# -- looking --

def test_look_at_rest(tap, directory):
    before = state(directory)
    check = tool(directory, "check")
    tap.ok(check.status == 0 and check.out.startswith(b"ok: "),
           "check_of_a_good_directory", check.err)
    levels = tool(directory, "levels")
    tap.ok(levels.status == 0 and b"key:1:99" in levels.out,
           "levels_show_key_ranges", levels.err)
    manifest = tool(directory, "dump", "manifest")
    tap.ok(manifest.out.startswith(b"manifest generation="),
           "dump_manifest", manifest.err)
    newest = files(directory, "manifest")[-1]
    tap.equal(tool(directory, "dump", "manifest", newest).out, manifest.out,
              "dump_manifest_takes_a_file")
    entries = b"".join(tool(directory, "dump", "sst", path).out
                       for path in files(directory, "sst"))
    tap.equal(entries.count(b"put seq="), 400, "dump_sst_shows_each_entry")
    tap.equal(state(directory), before, "looking_changes_nothing")


def test_dump_wal(tap):
    with rt.Server() as server:
        with server.client() as client:
            client.call("SET", "in the log", "and no table")
            client.call("DEL", "in the log")
            client.call("FLUSHDB")
            client.call("SWAPDB", 2, 3)
        server.kill()
        dumps = b"".join(tool(server.dir, "dump", "wal",
                              os.path.basename(path)).out
                         for path in files(server.dir, "wal"))
        tap.ok(b'put seq=1 keyspace=0 key="in the log" value="and no table"'
               in dumps and b'delete seq=2' in dumps and b'drop seq=3' in
               dumps and b'swap seq=4 databases=2,3' in dumps, "dump_wal_shows_each_operation", dumps)
        check = tool(server.dir, "check")
        tap.ok(check.status == 0 and b"4 log records" in check.out,
               "check_after_a_kill", check.out + check.err.encode())


def test_beside_a_daemon(tap):
    with rt.Server(appendfsync="no", memtable_size="1mb") as server:
        refused = tool(server.dir, "get", "a")
        tap.equal(refused.status, 75, "get_beside_a_daemon_is_75")
        tap.ok(str(server.pid) in refused.err, "the_owner_is_named",
               refused.err)
        complaints = []
        with server.client() as client:
            for part in range(8):
                client.pipeline([("SET", "k%d" % i, "%d" % part * 400)
                                 for i in range(3000)])
                check = tool(server.dir, "check")
                if check.status != 0:
                    complaints.append((check.out, check.err))
        tap.equal(complaints, [], "check_beside_a_working_daemon")
        tap.equal(tool(server.dir, "levels").status, 0,
                  "levels_beside_a_daemon")
        server.stop()


def test_check_under_load(tap):
    """Tables come and go, by flushes and merges, and segments are recycled
    under the reader's eyes."""
    with rt.Server(appendfsync="no", memtable_size="256kb") as server:
        compactor = rt.Compactor(server.dir, l0_compaction_trigger=2,
                                 table_size="64kb", level_base_size="64kb",
                                 level_size_multiplier=2).start()
        stop, failures = threading.Event(), []

        def write():
            with server.client() as client:
                part = 0
                while not stop.is_set():
                    part += 1
                    client.pipeline([("SET", "k%d" % (i * 7 % 5000),
                                      "%d" % part * 300)
                                     for i in range(500)])

        def is_busy():
            with server.client() as client:
                info = client.info("all")
            return int(info["flushes"]) >= 20 and \
                int(info["compactor_jobs_done"]) >= 10

        writer = threading.Thread(target=write)
        writer.start()
        checks = 0
        end = time.monotonic() + rt.PATIENCE_S
        while not failures and (checks < 20 or not is_busy()) and \
                time.monotonic() < end:
            checks += 1
            check = tool(server.dir, "check")
            if check.status != 0:
                failures.append((check.out, check.err))
        tap.ok(failures or is_busy(), "tables_come_and_go_under_checks")
        stop.set()
        writer.join()
        tap.equal(failures, [], "check_under_load_finds_nothing")
        tap.equal((compactor.stop(), server.stop()), (0, 0),
                  "and_hinders_nobody")


def test_what_lies_around(tap, good):
    directory = copy(good)
    with open(os.path.join(directory, "notes.txt"), "w", encoding="utf-8"):
        pass
    with open(os.path.join(directory, "COMPACTOR"), "wb") as file:
        file.write(b"\xff" * 50)
    older = files(directory, "manifest")[0]
    flip(older, 40)
    check = tool(directory, "check")
    out = check.out.decode()
    tap.equal(check.status, 0, "what_harms_nothing_is_no_damage")
    tap.ok("note: notes.txt is not ours" in out, "foreign_files_are_told", out)
    tap.ok("note: COMPACTOR cannot be read" in out, "so_is_the_status", out)
    tap.ok(os.path.basename(older) + " is no fallback" in out,
           "so_are_older_manifests", out)


# -- damage --

def test_damaged_tables(tap, good):
    size = os.path.getsize(files(good, "sst")[0])
    missed = []
    for at in sorted(set(range(0, size, max(1, size // 25))) | {size - 1}):
        directory = copy(good)
        table = files(directory, "sst")[0]
        flip(table, at)
        check = tool(directory, "check")
        if check.status != 65 or os.path.basename(table).encode() not in \
                check.out:
            missed.append((at, check.status, check.out))
    tap.equal(missed, [], "each_changed_byte_of_a_table_is_found")
    directory = copy(good)
    tables = files(directory, "sst")
    os.unlink(tables[0])
    with open(tables[1], "ab") as file:
        file.write(b"x")
    check = tool(directory, "check")
    tap.equal(check.status, 65, "missing_and_longer_tables_are_65")
    tap.ok(all(os.path.basename(path).encode() in check.out
               for path in tables[:2]), "all_of_them_are_listed", check.out)


def test_damaged_manifest(tap, good):
    size = os.path.getsize(files(good, "manifest")[-1])
    missed = []
    for at in range(0, size, max(1, size // 25)):
        directory = copy(good)
        flip(files(directory, "manifest")[-1], at)
        status = tool(directory, "check").status
        if status not in (65, 78):
            missed.append((at, status))
    tap.equal(missed, [], "each_changed_byte_of_the_manifest_is_found")
    directory = copy(good)
    for path in files(directory, "manifest"):
        os.unlink(path)
    tap.equal(tool(directory, "check").status, 65,
              "a_database_without_manifest_is_65")


def test_damaged_wal(tap):
    with rt.Server() as server:
        with server.client() as client:
            for i in range(20):
                client.call("SET", "key %d" % i, "value")
        server.kill()
        directory = server.dir
    wal = [path for path in files(directory, "wal")
           if path.endswith(".wal")][-1]
    with open(wal, "rb") as file:
        at = file.read().index(b"key 3")
    flip(wal, at)
    check = tool(directory, "check")
    tap.ok(check.status == 65 and b"damaged at offset" in check.out,
           "a_changed_byte_of_the_log_is_found", check.out)
    tap.equal(tool(directory, "get", "key 1").status, 65,
              "a_damaged_log_is_not_opened")


def test_orphans(tap, good):
    directory = copy(good)
    table = files(directory, "sst")[0]
    shutil.copy(table, os.path.join(directory, "sst", "d-999.sst"))
    check = tool(directory, "check")
    tap.ok(check.status == 0 and b"sst/d-999.sst is in no manifest" in
           check.out, "a_table_in_no_manifest_is_noted", check.out)


def main():
    tap.run(test_round_trip)
    tap.run(test_databases)
    tap.run(test_usage)
    good = filled()
    tap.run(test_look_at_rest, good)
    tap.run(test_dump_wal)
    tap.run(test_beside_a_daemon)
    tap.run(test_check_under_load)
    tap.run(test_what_lies_around, good)
    tap.run(test_damaged_tables, good)
    tap.run(test_damaged_manifest, good)
    tap.run(test_damaged_wal)
    tap.run(test_orphans, good)
    tap.done()


main()
