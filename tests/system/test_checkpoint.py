"""CHECKPOINT and `riptide checkpoint`: what is in one, under load and across
crashes, and that a daemon can be started on it while the original runs."""

import ctypes
import glob
import hashlib
import os
import random
import re
import shutil
import stat
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()

BUSY = "ERR another checkpoint is being made"
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
KILLS = int(os.environ.get("KILLS", 12))
ROUNDS = int(os.environ.get("ROUNDS", 8))


def reply(client, *args):
    """A reply, or the text of an error."""
    try:
        return client.call(*args)
    except rt.ReplyError as error:
        return error.text


def checkpoint_dir(server, name):
    return os.path.join(server.dir, "checkpoints", name)


def names(server):
    path = os.path.join(server.dir, "checkpoints")
    return sorted(os.listdir(path)) if os.path.isdir(path) else []


def tool(dir, *args):
    """`riptide --dir DIR ...`: exit status, what it printed."""
    done = subprocess.run([rt.RIPTIDE, "--dir", dir] + list(args),
                          stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=rt.PATIENCE_S, check=False)
    return done.returncode, (done.stdout + done.stderr).decode()


def contents(client, databases=(0,)):
    """All keys with values, by database."""
    out = {}
    for database in databases:
        client.call("SELECT", database)
        keys = sorted(client.call("KEYS", "*"))
        values = client.call("MGET", *keys) if keys else []
        out[database] = dict(zip(keys, values))
    return out


def restored(dir, databases=(0,), **options):
    """What a daemon that is started on the directory has."""
    with rt.Server(dir=dir, **options) as server, server.client() as client:
        found = contents(client, databases)
        server.stop()
    return found


def hashes(dir):
    """Name, inode and content of each table."""
    out = {}
    for path in sorted(glob.glob(os.path.join(dir, "sst", "*"))):
        with open(path, "rb") as file:
            out[os.path.basename(path)] = (
                os.stat(path).st_ino, hashlib.sha256(file.read()).digest())
    return out


# -- CRC-32C by its definition, apart from the program's --

TABLE = []
for n in range(256):
    for _ in range(8):
        n = n >> 1 ^ (0x82f63b78 if n & 1 else 0)
    TABLE.append(n)


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xff]
    return crc ^ 0xffffffff


def sums_agree(dir):
    """Whether CHECKSUMS names exactly the files there with their sums."""
    listed = {}
    with open(os.path.join(dir, "CHECKSUMS"), encoding="ascii") as file:
        for line in file:
            match = re.fullmatch(r"CRC32C \((\S+)\) = ([0-9a-f]{8})\n", line)
            listed[match.group(1)] = int(match.group(2), 16)
    found = {}
    for path in glob.glob(os.path.join(dir, "*", "*")):
        with open(path, "rb") as file:
            found[os.path.relpath(path, dir)] = crc32c(file.read())
    return listed == found


# -- tests --


def test_command(tap):
    with rt.Server() as server, server.client() as client:
        client.call("SET", "a", "1")
        tap.equal(client.call("CHECKPOINT", "one"), "OK",
                  "a_checkpoint_is_made")
        tap.equal(reply(client, "CHECKPOINT", "one"),
                  "ERR checkpoint 'one' already exists",
                  "a_name_is_taken_once")
        bad = [reply(client, "CHECKPOINT", name) for name in
               (".one", "", "..", "a/b", "a b", "x" * 65, b"a\0", "ä")]
        tap.ok(all(text.startswith("ERR invalid checkpoint name")
                   for text in bad), "names_are_checked", bad)
        tap.equal(reply(client, "CHECKPOINT"), "ERR wrong number of arguments "
                  "for 'checkpoint' command", "it_takes_a_name")
        tap.equal(names(server), ["one"], "nothing_else_is_made")
        info = client.info("lsm")
        tap.equal((info["checkpoints_made"], info["checkpoint_in_progress"]),
                  ("1", "0"), "info_counts_them")
        path = checkpoint_dir(server, "one")
        tap.ok(sums_agree(path), "the_checksums_are_those_of_the_files")
        tap.ok(all(stat.S_IMODE(os.stat(entry).st_mode) ==
                   (0o700 if os.path.isdir(entry) else 0o600) for entry in
                   [path] + glob.glob(path + "/**", recursive=True)),
               "nobody_else_may_read_it")
        status, text = tool(path, "check")
        tap.ok(status == 0 and "CHECKSUMS agrees" in text, "check_likes_it",
               text)


def test_damage(tap):
    """check finds what is wrong in a checkpoint."""
    with rt.Server() as server, server.client() as client:
        for i in range(3):
            client.pipeline([("SET", "%d-%d" % (i, n), "v" * 100)
                             for n in range(100)])
            client.call("CHECKPOINT", "c%d" % i)
    path = checkpoint_dir(server, "c2")
    good = os.path.join(rt.scratch_dir(), "good")
    shutil.copytree(path, good)
    wrong = []

    def damage(what, change):
        copy = os.path.join(rt.scratch_dir(), "copy")
        shutil.copytree(good, copy)
        change(copy)
        status, text = tool(copy, "check")
        if status != 65:
            wrong.append("%s: %d %s" % (what, status, text))

    def edit(name, function):
        def change(copy):
            file = glob.glob(os.path.join(copy, name))[0]
            with open(file, "rb") as reading:
                data = reading.read()
            with open(file, "wb") as writing:
                writing.write(function(data))
        return change

    def cut_line(data):
        lines = data.splitlines(keepends=True)
        return b"".join(lines[1:])

    damage("a table", edit("sst/d-2.sst", lambda d: d[:300] +
                           bytes([d[300] ^ 1]) + d[301:]))
    damage("a short table", edit("sst/d-2.sst", lambda d: d[:-1]))
    damage("the manifest", edit("manifest/*", lambda d: d[:-3] + b"xxx"))
    damage("a sum", edit("CHECKSUMS", lambda d: d[:-2] + b"g\n"))
    damage("another sum", edit("CHECKSUMS", lambda d: d.replace(
        b"= ", b"= 0", 1).replace(b"\n", b"\n", 1)))
    damage("a line less", edit("CHECKSUMS", cut_line))
    damage("an end", edit("CHECKSUMS", lambda d: d[:-1]))
    damage("the last line", edit("CHECKSUMS", lambda d:
                                 b"".join(d.splitlines(True)[:-1])))
    damage("an empty list", edit("CHECKSUMS", lambda d: b""))
    damage("a table gone", lambda copy: os.unlink(copy + "/sst/d-1.sst"))
    damage("two tables changed over", lambda copy: (
        os.rename(copy + "/sst/d-1.sst", copy + "/sst/x"),
        os.rename(copy + "/sst/d-2.sst", copy + "/sst/d-1.sst"),
        os.rename(copy + "/sst/x", copy + "/sst/d-2.sst")))
    tap.equal(wrong, [], "check_finds_damage_in_a_checkpoint")


def test_databases(tap):
    """What SWAPDB, FLUSHDB and expiry did comes through."""
    with rt.Server() as server, server.client() as client:
        client.pipeline([
            ("SET", "a", "zero"), ("SELECT", 1), ("SET", "a", "one"),
            ("SELECT", 2), ("SET", "a", "two"), ("SELECT", 3),
            ("SET", "soon", "x", "PX", 300), ("SET", "late", "y", "EX", 9999),
            ("FLUSHMEM",), ("SWAPDB", 0, 1), ("SELECT", 2), ("FLUSHDB",),
            ("SET", "b", "after")])
        client.call("SELECT", 3)
        late = client.call("PEXPIRETIME", "late")
        client.call("CHECKPOINT", "x")
        client.pipeline([("FLUSHALL",), ("SWAPDB", 0, 2)])
        rt.wait_until(lambda: client.call("EXISTS", "soon") == 0, "expiry")
        with rt.Server(dir=checkpoint_dir(server, "x")) as copy, \
                copy.client() as other:
            tap.equal(contents(other, (0, 1, 2)),
                      {0: {b"a": b"one"}, 1: {b"a": b"zero"},
                       2: {b"b": b"after"}}, "swaps_and_drops_come_through")
            other.call("SELECT", 3)
            rt.wait_until(lambda: other.call("EXISTS", "soon") == 0,
                          "expiry in the copy")
            tap.equal((other.call("PEXPIRETIME", "late"),
                       other.call("GET", "late")), (late, b"y"),
                      "expiries_come_through")
            tap.equal(other.call("DBSIZE"), 1, "what_expired_is_gone_there")
            tap.equal(client.call("DBSIZE"), 0, "the_original_went_on")


def test_in_place(tap):
    """Both sides write and merge; neither sees the other."""
    options = {"memtable_size": "64kb"}
    merge = {"expiry_grace": 0, "table_size": "64kb",
             "l0_compaction_trigger": 1}
    with rt.Server(**options) as server, server.client() as client:
        def fill(to, text):
            to.pipeline([("SET", "k%d" % i, text * 30)
                         for i in range(2000)])
        fill(client, "old")
        client.call("CHECKPOINT", "x")
        path = checkpoint_dir(server, "x")
        linked = hashes(path)
        tap.ok(linked and all(
            os.stat(os.path.join(path, "sst", name)).st_nlink == 2
            for name in linked), "tables_are_links")

        # The original merges everything away.
        fill(client, "new")
        client.call("FLUSHMEM")
        tap.equal(rt.Compactor(server.dir, **merge).once("--full"), 0,
                  "the_original_merges")
        rt.wait_until(lambda: client.info("lsm")["obsolete_files"] == "0" and
                      int(client.info("lsm")["l0_files"]) == 0, "the unlinks")
        tap.ok(not set(linked) & set(hashes(server.dir)),
               "and_unlinks_what_the_checkpoint_has")
        tap.equal(hashes(path), linked, "which_stays_there")
        tap.equal(tool(path, "check")[0], 0, "and_is_sound")

        # Another one, whose tables both sides have; the copy merges.
        client.call("CHECKPOINT", "y")
        path = checkpoint_dir(server, "y")
        before = hashes(server.dir)
        tap.equal(hashes(path), before, "a_second_one_has_the_new_tables")
        with rt.Server(dir=path, **options) as copy, copy.client() as other:
            fill(other, "third")
            other.call("FLUSHMEM")
            tap.equal(rt.Compactor(path, **merge).once("--full"), 0,
                      "the_copy_merges")
            rt.wait_until(
                lambda: other.info("lsm")["obsolete_files"] == "0" and
                int(other.info("lsm")["l0_files"]) == 0, "the copy's unlinks")
            tap.ok(not set(before.values()) & set(hashes(path).values()),
                   "and_unlinks_its_links")
            tap.equal(other.call("GET", "k7"), b"third" * 30,
                      "it_has_its_own_writes")
            status, text = tool(path, "check")
            tap.ok(status == 0 and "CHECKSUMS" not in text,
                   "its_old_checksums_are_passed_over", text)
            copy.stop()
        tap.equal(hashes(server.dir), before, "the_original_is_untouched")
        tap.equal(client.call("GET", "k7"), b"new" * 30,
                  "and_has_its_own_values")
        tap.equal(tool(server.dir, "check")[0], 0, "and_is_sound_too")
        shutil.rmtree(path)
        tap.equal(client.call("GET", "k8"), b"new" * 30,
                  "removing_a_checkpoint_takes_nothing_from_it")
        server.stop()
    tap.equal(set(restored(checkpoint_dir(server, "x"))[0].values()),
              {b"old" * 30}, "the_first_one_is_what_it_was")


class Model:
    """The order of writes, and what the databases are after each."""

    DATABASES = (0, 1, 2)

    def __init__(self, rng):
        self.rng = rng
        self.commands = []  # write n is commands[n]

    def add(self):
        """One write more; the commands to send on a connection."""
        rng, n = self.rng, len(self.commands)
        database, key = rng.randrange(3), "k%d" % rng.randrange(40)
        dice = rng.random()
        if dice < 0.01:
            command = ("SWAPDB", rng.randrange(3), rng.randrange(3))
        elif dice < 0.02:
            command = ("FLUSHDB",)
        elif dice < 0.2:
            command = ("DEL", key)
        elif dice < 0.3:
            command = ("MSET", key, n, "k%d" % rng.randrange(40), n)
        else:
            command = ("SET", key, "%d" % n + "." * rng.randrange(400))
        self.commands.append((database, command))
        return [("SELECT", database), command, ("SELECT", 9),
                ("SET", "last", n)]

    @staticmethod
    def apply(state, database, command):
        verb = command[0]
        if verb == "SWAPDB":
            a, b = command[1:]
            state[a], state[b] = state[b], state[a]
        elif verb == "FLUSHDB":
            state[database] = {}
        elif verb == "DEL":
            state[database].pop(command[1].encode(), None)
        else:
            for i in range(1, len(command), 2):
                state[database][command[i].encode()] = \
                    str(command[i + 1]).encode()

    def after(self, count):
        state = {database: {} for database in self.DATABASES}
        for database, command in self.commands[:count]:
            self.apply(state, database, command)
        return state

    def explains(self, found, acked):
        """Whether found, with the mark in database 9, is the state after the
        first of the writes, those acked and perhaps more."""
        mark = found.pop(9).get(b"last")
        count = 0 if mark is None else int(mark) + 1
        if count < acked:
            return "%d writes of %d acked" % (count, acked)
        # The write after the mark may be in, its mark not.
        for candidate in (count, count + 1):
            if candidate <= len(self.commands) and \
                    self.after(candidate) == found:
                return None
        return "not the state after %d writes" % count


def write_for_ever(server, model, progress, stop):
    clients = [server.client() for _ in range(3)]
    turn = 0
    while not stop.is_set():
        batch = []
        for _ in range(20):
            batch += model.add()
        clients[turn % 3].pipeline(batch)
        turn += 1
        progress[0] = len(model.commands)
    for client in clients:
        client.close()


def test_load(tap):
    """Writers and a compactor beside checkpoints: each is a prefix."""
    rng = random.Random(SEED)
    model, progress, stop = Model(rng), [0], threading.Event()
    wrong, made = [], 0
    with rt.Server(memtable_size="64kb", appendfsync=rng.choice(
            ["always", "everysec"])) as server, server.client() as client:
        compactor = rt.Compactor(
            server.dir, l0_compaction_trigger=2, table_size="64kb",
            level_base_size="64kb", expiry_grace=0).start()
        writer = threading.Thread(target=write_for_ever, args=(
            server, model, progress, stop))
        writer.start()
        try:
            for i in range(ROUNDS):
                behind = progress[0] + 300
                rt.wait_until(lambda: progress[0] > behind or
                              not writer.is_alive(), "writes")
                acked = progress[0]
                answer = reply(client, "CHECKPOINT", "c%d" % i)
                made += answer == "OK"
                if answer != "OK":
                    wrong.append(answer)
                    continue
                found = restored(checkpoint_dir(server, "c%d" % i),
                                 (0, 1, 2, 9))
                why = model.explains(found, acked)
                if why is not None:
                    wrong.append("c%d: %s" % (i, why))
        finally:
            stop.set()
            writer.join()
        compactor.stop()
        server.stop()
        tap.ok(made == ROUNDS and not wrong,
               "each_checkpoint_under_load_is_a_prefix",
               "seed %d: %s" % (SEED, wrong))
        tap.ok(model.explains(restored(server.dir, (0, 1, 2, 9)),
                              len(model.commands)) is None,
               "and_the_original_is_whole", "seed %d" % SEED)
        status = [tool(checkpoint_dir(server, "c%d" % i), "check")[0]
                  for i in range(ROUNDS)]
        tap.equal(status, [0] * ROUNDS, "all_of_them_are_sound")


def test_kill(tap):
    """kill -9 while one is made: it is there whole, or not at all."""
    rng = random.Random(SEED + 1)
    wrong, there = [], 0
    server = rt.Server(memtable_size="64kb")
    with server.start().client() as client:
        # How long one takes here: the kills come about then.
        client.pipeline([("SET", "k%d" % n, "." * 300) for n in range(500)])
        began = time.monotonic()
        client.call("CHECKPOINT", "first")
        takes = time.monotonic() - began
        server.stop()
    for i in range(KILLS):
        name = "k%d" % i
        with server.start().client() as client:
            client.pipeline([("SET", "k%d" % n, "%d" % i + "." * 300)
                             for n in range(500)])
            client.send_raw(rt.encode("CHECKPOINT", name))
            time.sleep(rng.random() * takes * 1.5)
            server.kill()
            try:
                answered = client.read() == "OK"
            except rt.Closed:
                answered = False
        with server.start().client() as client:
            if client.call("GET", "k499")[:len(str(i))] != b"%d" % i:
                wrong.append("%s: the original lost a write" % name)
            server.stop()
        left = [other for other in names(server) if other.startswith(".")]
        if left:
            wrong.append("%s: %s is left" % (name, left))
        if name in names(server):
            there += 1
            if tool(checkpoint_dir(server, name), "check")[0] != 0:
                wrong.append("%s is not sound" % name)
            found = restored(checkpoint_dir(server, name))[0]
            if found != {b"k%d" % n: b"%d" % i + b"." * 300
                         for n in range(500)}:
                wrong.append("%s lacks a write" % name)
        elif answered:
            wrong.append("%s is gone after its OK" % name)
    print("# %d kills, %d checkpoints were there" % (KILLS, there))
    tap.ok(not wrong, "a_killed_checkpoint_is_whole_or_nothing",
           "seed %d: %s" % (SEED, wrong))


def test_points(tap):
    """kill -9 at each named point of making one."""
    program = os.path.join(rt.BUILDDIR, "tests", "crash", "riptided")
    if not os.path.exists(program):
        tap.skip("killed_at_a_point", "make check builds the program")
        return
    for point, there in (("checkpoint-linked", False),
                         ("publish-before-link:2", False),
                         ("publish-after-link:2", False),
                         ("checkpoint-before-rename", False),
                         ("checkpoint-after-rename", True)):
        server = rt.Server()
        with server.start().client() as client:
            client.call("SET", "a", "1")
            server.stop()
        # The first publish is that of the start, and an empty memtable needs
        # none: the second is the copy's.
        server.program, ours = program, server.program
        server.env = {"RIPTIDE_CRASHPOINT": point}
        with server.start().client() as client:
            client.send_raw(rt.encode("CHECKPOINT", "x"))
            status = server.wait()
        server.program, server.env = ours, None
        half = [name for name in names(server) if name[0] == "."]
        with server.start().client() as client:
            value = client.call("GET", "a")
            left = names(server)
            again = reply(client, "CHECKPOINT", "x")
            server.stop()
        found = restored(checkpoint_dir(server, "x"))
        tap.equal((status, half, left, value, found),
                  (-9, [] if there else [".tmp-x"], ["x"] if there else [],
                   b"1", {0: {b"a": b"1"}}),
                  "killed_at_" + point.split(":")[0])
        tap.equal(again, "ERR checkpoint 'x' already exists" if there
                  else "OK", "one_is_made_after_" + point.split(":")[0])


def test_two_at_once(tap):
    """The second is refused, not queued; nothing is made of it."""
    with rt.Server() as server:
        replies = {}

        def ask(which):
            with server.client() as client:
                for i in range(10):
                    name = "%s%d" % (which, i)
                    client.call("SET", name, "x" * 10000)
                    replies[name] = reply(client, "CHECKPOINT", name)

        threads = [threading.Thread(target=ask, args=(which,))
                   for which in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tap.ok(len(replies) == 40 and set(replies.values()) <= {"OK", BUSY},
               "at_once_they_are_made_or_refused", replies)
        tap.equal(names(server), sorted(
            name for name in replies if replies[name] == "OK"),
            "those_with_an_ok_are_there")


def test_stop(tap):
    """A daemon that is told to stop while one is made stops."""
    with rt.Server() as server:
        for i in range(5):
            with server.client() as client:
                client.pipeline([("SET", "k%d" % n, "x" * 1000)
                                 for n in range(1000)])
                client.send_raw(rt.encode("CHECKPOINT", "s%d" % i))
                status = server.stop()
            if status != 0:
                break
            server.start()
        tap.equal(status, 0, "it_stops_while_one_is_made")
        tap.ok(not [name for name in names(server) if name[0] == "."],
               "and_leaves_no_half", names(server))


def test_refused_writes(tap):
    with rt.Server() as server, server.client() as client:
        client.pipeline([("SET", "k%d" % n, "v") for n in range(100)])
        client.call("CONFIG", "SET", "disk-reserve", "1024gb")
        rt.wait_until(lambda: reply(client, "SET", "x", "y") != "OK",
                      "writes to be refused")
        tap.equal(reply(client, "CHECKPOINT", "x"), "OK",
                  "below_the_reserve_it_is_made")
        found = restored(checkpoint_dir(server, "x"), disk_reserve=0)[0]
        found.pop(b"x", None)  # by writes before the refusal
        tap.equal(found, {b"k%d" % n: b"v" for n in range(100)},
                  "and_has_what_was_written")


def test_full_disk(tap):
    """On a file system of 16 MiB that is full to the last block."""
    libc = ctypes.CDLL(None, use_errno=True)
    mount = os.path.join(rt.scratch_dir(), "mount")
    os.mkdir(mount)
    if libc.mount(b"tmpfs", mount.encode(), b"tmpfs", 0, b"size=16m") != 0:
        tap.skip("on_a_full_disk_there_is_an_error",
                 "mounting needs a privilege")
        return
    try:
        with rt.Server(dir=os.path.join(mount, "data"), disk_reserve=0,
                       memtable_size="1mb") as server, \
                server.client() as client:
            client.pipeline([("SET", "k%d" % n, "%d" % n * 50)
                             for n in range(2000)])
            client.call("CHECKPOINT", "first")
            client.pipeline([("SET", "k%d" % n, "%d" % n * 40)
                             for n in range(2000)])
            with open(os.path.join(mount, "filler"), "wb",
                      buffering=0) as filler:
                for size in (1 << 20, 1 << 12, 1):
                    try:
                        while filler.write(b"\1" * size) == size:
                            pass
                    except OSError:
                        pass
            answer = reply(client, "CHECKPOINT", "second")
            tap.ok(answer.startswith("ERR checkpoint 'second' not made") and
                   "o space" in answer, "on_a_full_disk_there_is_an_error",
                   answer)
            tap.equal(names(server), ["first"], "and_nothing_is_left_of_it")
            os.unlink(os.path.join(mount, "filler"))
            rt.wait_until(lambda: reply(client, "CHECKPOINT", "second") ==
                          "OK", "a checkpoint with space again")
            server.stop()
            for name, times in ("first", 50), ("second", 40):
                found = restored(checkpoint_dir(server, name), disk_reserve=0,
                                 memtable_size="1mb")[0]
                tap.equal(found, {b"k%d" % n: b"%d" % n * times
                                  for n in range(2000)},
                          "the_%s_one_is_whole" % name)
    finally:
        libc.umount2(mount.encode(), 2)


def test_tool(tap):
    with rt.Server() as server, server.client() as client:
        client.pipeline([("SET", "k%d" % n, "v") for n in range(100)])
        status, text = tool(server.dir, "checkpoint", "t")
        tap.ok(status == 75 and "CHECKPOINT t" in text,
               "the_tool_sends_one_to_a_running_daemon", text)
        server.kill()
    status, text = tool(server.dir, "checkpoint", "t")
    tap.equal((status, text), (0, checkpoint_dir(server, "t") + "\n"),
              "the_tool_makes_one_after_a_crash")
    tap.equal(len(restored(checkpoint_dir(server, "t"))[0]), 100,
              "with_what_was_in_the_log")
    status, text = tool(server.dir, "checkpoint", "t")
    tap.ok(status == 73 and "already exists" in text,
           "the_tool_takes_no_name_twice", text)
    tap.equal([tool(server.dir, "checkpoint", name)[0]
               for name in (".x", "a/b", "")], [64] * 3,
              "the_tool_checks_names")
    tap.equal(tool(rt.scratch_dir(), "checkpoint", "t")[0], 66,
              "the_tool_makes_no_database")
    tap.equal(tool(server.dir, "get", "k1"), (0, "v\n"),
              "the_original_is_what_it_was")


def test_drill(tap):
    """The lines of docs/checkpoints.md, as they are."""
    if shutil.which("redis-cli") is None:
        tap.skip("the_drill_of_the_manual_works", "there is no redis-cli")
        return
    with open(os.path.join(rt.SRCDIR, "docs", "checkpoints.md"),
              encoding="utf-8") as page:
        drill = re.search(r"<!-- drill -->\n```sh\n(.*?)```", page.read(),
                          re.DOTALL).group(1)
    place = rt.scratch_dir()
    with rt.Server() as server, server.client() as client:
        client.pipeline([("SET", "k%d" % n, "v") for n in range(1234)])
        env = dict(os.environ, PORT=str(server.port), DIR=server.dir,
                   NEW_PORT=str(rt.free_port()),
                   BACKUP=os.path.join(place, "backup"),
                   RESTORED=os.path.join(place, "restored"),
                   PATH=os.pathsep.join(
                       [os.path.dirname(rt.RIPTIDED),
                        os.path.dirname(rt.RIPTIDE),
                        os.path.dirname(rt.COMPACTD), os.environ["PATH"]]))
        done = subprocess.run(
            ["bash", "-euc", drill + "kill %1 && wait %1\n"], env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=3 * rt.PATIENCE_S, check=False)
        text = done.stdout.decode()
        tap.ok(done.returncode == 0 and "1234" in text.split() and
               "CHECKSUMS agrees" in text, "the_drill_of_the_manual_works",
               "exit %d: %s" % (done.returncode, text))
        tap.equal(names(server), [], "which_leaves_no_checkpoint_behind")
        tap.equal(client.call("DBSIZE"), 1234, "nor_harms_the_original")


print("# seed %d" % SEED)
for test in (test_command, test_damage, test_databases, test_in_place,
             test_load, test_kill, test_points, test_two_at_once, test_stop,
             test_refused_writes, test_full_disk, test_tool, test_drill):
    tap.run(test)
tap.done()
