"""riptide repair: a new directory from what can be read of a damaged one. The
damaged one is never changed, every loss is told, the result is a database on
which the daemon starts, and nothing is in it that was not written."""

import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

KEYS = 3000


def tool(directory, *words):
    return subprocess.run(
        [rt.RIPTIDE, "--dir", directory] + [str(word) for word in words],
        stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True,
        errors="replace", timeout=rt.PATIENCE_S)


def fresh(name="data"):
    return os.path.join(rt.scratch_dir(), name)


def copy(directory):
    to = fresh()
    shutil.copytree(directory, to)
    return to


def bytes_of(directory):
    found = {}
    for path, _, names in os.walk(directory):
        for name in names:
            with open(os.path.join(path, name), "rb") as file:
                found[os.path.join(path, name)] = file.read()
    return found


def names(directory, subdir):
    return sorted(os.listdir(os.path.join(directory, subdir)))


def tables(directory):
    return [name for name in names(directory, "sst") if name.endswith(".sst")]


def overwrite(path, at, data=b"damaged!"):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(data)


class Database:
    """A directory left by a killed daemon: tables of two levels, deletions in
    level 0, and a log. `values` is what it holds, `history` all that a key ever
    was."""

    def __init__(self):
        self.values = {}
        self.history = {}
        self.dir = fresh()
        with rt.Server(dir=self.dir, appendfsync="no",
                       compactor="external") as server:
            self.server = server
            self.write(0, KEYS, "old")
            self.flush()
        rt.Compactor(self.dir).once("--full")
        with rt.Server(dir=self.dir, appendfsync="no",
                       compactor="external") as server:
            self.server = server
            self.write(0, KEYS // 2, "new")
            self.delete(KEYS - 100, KEYS)
            self.flush()
            self.write(KEYS, KEYS + 500, "logged")
            self.delete(0, 10)
            server.kill()

    def write(self, start, end, what):
        pairs = [("key:%06d" % i, "%s:%d:%s" % (what, i, "v" * 40))
                 for i in range(start, end)]
        with self.server.client() as client:
            client.pipeline([("SET", key, value) for key, value in pairs])
        for key, value in pairs:
            self.values[key] = value
            self.history.setdefault(key, []).append(value)

    def delete(self, start, end):
        keys = ["key:%06d" % i for i in range(start, end)]
        with self.server.client() as client:
            client.call("DEL", *keys)
        for key in keys:
            del self.values[key]
            self.history[key].append(None)

    def flush(self):
        with self.server.client() as client:
            client.call("FLUSHMEM")
            rt.wait_until(lambda: client.info("lsm")["memtable_bytes"] == "0"
                          or client.info("lsm")["immutable_memtables"] == "0"
                          and int(client.info("lsm")["l0_files"]) > 0,
                          "the flush")


def contents(directory):
    with rt.Server(dir=directory, compactor="external") as server:
        with server.client() as client:
            keys, cursor = [], "0"
            while True:
                cursor, some = client.call("SCAN", cursor, "COUNT", 1000)
                keys += some
                cursor = cursor.decode() if isinstance(cursor, bytes) else cursor
                if cursor == "0":
                    break
            values = client.pipeline([("GET", key) for key in keys])
    text = lambda data: data.decode() if isinstance(data, bytes) else data
    return {text(key): text(value) for key, value in zip(keys, values)}


def repaired(tap, directory, name, *words):
    """The contents and the report of the repaired copy; the damaged one is as
    it was, and the copy is sound."""
    before = bytes_of(directory)
    out = fresh("out")
    done = tool(directory, "repair", "--out", out, *words)
    tap.equal(done.returncode, 0, name + ": a copy is made")
    tap.ok(bytes_of(directory) == before, name + ": the original is untouched")
    if done.returncode != 0:
        print("# " + done.stderr)
        return {}, ""
    with open(os.path.join(out, "REPAIR-REPORT"), encoding="utf-8") as file:
        tap.equal(file.read(), done.stdout, name + ": the report is kept")
    checked = tool(out, "check")
    tap.equal(checked.returncode, 0,
              name + ": riptide check finds the copy sound")
    return contents(out), done.stdout


def only_written(tap, database, found, name):
    """Every value is one that its key had at some time."""
    wrong = [key for key, value in found.items()
             if value not in database.history.get(key, [])]
    tap.equal(wrong[:3], [], name + ": nothing is there that was not written")


def test_whole(tap, database):
    found, report = repaired(tap, database.dir, "whole")
    tap.ok(found == database.values, "whole: everything is there")
    tap.ok("nothing was lost" in report and "lost:" not in report,
           "whole: the report says that nothing was lost")


def test_damaged_block(tap, database):
    damaged = copy(database.dir)
    largest = max(tables(damaged), key=lambda name: os.path.getsize(
        os.path.join(damaged, "sst", name)))
    overwrite(os.path.join(damaged, "sst", largest), 9000)
    found, report = repaired(tap, damaged, "block")
    only_written(tap, database, found, "block")
    told = re.search(r'behind keyspace=0 key="(.*?)" and before keyspace=0 '
                     r'key="(.*?)"', report)
    tap.ok(told is not None, "block: the range that was lost is told")
    differ = [key for key in set(found) | set(database.values)
              if found.get(key) != database.values.get(key)]
    tap.ok(0 < len(differ) < 500, "block: only a block's keys differ",
           "%d keys" % len(differ))
    if told is not None:
        outside = [key for key in differ
                   if not told.group(1) < key < told.group(2)]
        tap.equal(outside, [], "block: no key outside that range differs")


def test_damaged_index(tap, database):
    damaged = copy(database.dir)
    name = tables(damaged)[-1]
    path = os.path.join(damaged, "sst", name)
    overwrite(path, os.path.getsize(path) - 20)
    found, report = repaired(tap, damaged, "footer")
    only_written(tap, database, found, "footer")
    tap.ok("lost: sst/%s cannot be read at all" % name in report,
           "footer: a table that is lost whole is named", report)
    tap.ok(len(found) > 400, "footer: the other tables are there")


def test_missing_table(tap, database):
    damaged = copy(database.dir)
    name = [each for each in tables(damaged) if each.startswith("c")][0]
    os.unlink(os.path.join(damaged, "sst", name))
    found, report = repaired(tap, damaged, "missing")
    only_written(tap, database, found, "missing")
    tap.ok("lost: sst/%s" % name in report,
           "missing: a table that is not there is named", report)
    newer = {key for key, value in database.values.items()
             if not value.startswith("old")}
    tap.ok(newer <= set(found), "missing: newer tables and the log are there")


def test_damaged_log(tap, database):
    damaged = copy(database.dir)
    segment = os.path.join(damaged, "wal", sorted(
        (name for name in names(damaged, "wal") if name.endswith(".wal")),
        key=lambda name: int(name.split(".")[0]))[-1])
    overwrite(segment, 20000)
    found, report = repaired(tap, damaged, "log")
    only_written(tap, database, found, "log")
    logged = [int(key.split(":")[1]) for key, value in found.items()
              if value.startswith("logged")]
    tap.equal(sorted(logged), list(range(KEYS, KEYS + len(logged))),
              "log: what precedes the damage is there, without a hole")
    tap.ok(0 < len(logged) < 500, "log: what lies behind it is not")
    tap.ok("log:" in report, "log: the report tells of it")


def test_no_manifest(tap, database):
    damaged = copy(database.dir)
    shutil.rmtree(os.path.join(damaged, "manifest"))
    refused = tool(damaged, "repair", "--out", fresh("out"))
    tap.equal(refused.returncode, 65, "no manifest: refused unless asked for")
    tap.ok("--without-manifest" in refused.stderr,
           "no manifest: the refusal names the option")
    found, report = repaired(tap, damaged, "no manifest",
                             "--without-manifest")
    only_written(tap, database, found, "no manifest")
    tap.ok(found == database.values,
           "no manifest: with all tables there, everything is as it was",
           "%d keys, %d wanted" % (len(found), len(database.values)))
    tap.ok("may be back as it was" in report,
           "no manifest: the report says what may be wrong")


def test_older_manifest(tap, database):
    damaged = copy(database.dir)
    newest = names(damaged, "manifest")[-1]
    overwrite(os.path.join(damaged, "manifest", newest), 60)
    found, report = repaired(tap, damaged, "older manifest")
    only_written(tap, database, found, "older manifest")
    tap.ok("lost: manifest generation" in report,
           "older manifest: the one that was left out is named")


def test_everything_at_once(tap, database):
    damaged = copy(database.dir)
    for name in tables(damaged):
        overwrite(os.path.join(damaged, "sst", name), 5000)
    for name in names(damaged, "wal"):
        if os.path.getsize(os.path.join(damaged, "wal", name)) > 30000:
            overwrite(os.path.join(damaged, "wal", name), 30000)
    shutil.rmtree(os.path.join(damaged, "manifest"))
    found, report = repaired(tap, damaged, "everything",
                             "--without-manifest")
    only_written(tap, database, found, "everything")
    tap.ok(len(found) > KEYS // 2, "everything: most of it is there",
           "%d keys" % len(found))
    tap.ok(report.count("lost:") > len(tables(damaged)),
           "everything: each loss is a line")


def test_refusals(tap, database):
    out = fresh("out")
    os.makedirs(out)
    with open(os.path.join(out, "mine"), "w", encoding="utf-8"):
        pass
    done = tool(database.dir, "repair", "--out", out)
    tap.equal((done.returncode, os.listdir(out)), (73, ["mine"]),
              "a directory that is not empty is refused")
    tap.equal(tool(database.dir, "repair", "--force", "x").returncode, 64,
              "without --out it is refused")
    done = tool(database.dir, "repair", "--out", fresh("out"),
                "--without-manifest")
    tap.equal(done.returncode, 64,
              "a manifest that can be read is not thrown away")
    tap.equal(tool(fresh(), "repair", "--out", fresh("out")).returncode, 66,
              "a directory that is missing is refused")
    with rt.Server() as server:
        done = tool(server.dir, "repair", "--out", fresh("out"))
        tap.equal(done.returncode, 75, "a directory in use is refused")
        tap.ok(str(server.pid) in done.stderr, "who uses it is named")


def main():
    tap = rt.Tap()
    database = Database()
    for test in (test_whole, test_damaged_block, test_damaged_index,
                 test_missing_table, test_damaged_log, test_no_manifest,
                 test_older_manifest, test_everything_at_once,
                 test_refusals):
        tap.run(test, database)
    tap.done()


main()
