"""Recovery from files that are not as they were: each row of what can happen
to a data directory, what the user is told, and what is left alone."""

import glob
import itertools
import os
import pwd
import re
import shutil
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()

RECORDS_AT = 4096
KEYS = 300
_originals = {}


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def value(i):
    return b"value %d " % i * 8


def killed():
    """A copy of the directory of a daemon that was killed: two tables, and
    KEYS keys in its log alone, all of them synced before the last few."""
    if "killed" not in _originals:
        server = rt.Server().start()
        with server.client() as client:
            for part in range(2):
                client.pipeline([("SET", "table%d-%d" % (part, i), "x" * 50)
                                 for i in range(KEYS)])
                client.call("FLUSHMEM")
                rt.wait_until(lambda: len(tables(server.dir)) > part, "flush")
            for i in range(KEYS):
                client.call("SET", "key%d" % i, value(i))
        server.kill()
        _originals["killed"] = server.dir
    return copy_of(_originals["killed"])


def copy_of(directory):
    copy = os.path.join(rt.scratch_dir(), "data")
    shutil.copytree(directory, copy)
    return copy


def names(directory, subdir, suffix=""):
    return sorted(glob.glob(os.path.join(directory, subdir, "*" + suffix)),
                  key=lambda name: (len(name), name))


def tables(directory):
    return names(directory, "sst", ".sst")


def segments(directory):
    """The segments with a whole header, lowest first."""
    return [name for name in names(directory, "wal", ".wal")
            if read(name)[:8] == b"RIPTWAL\n"]


def manifests(directory):
    return names(directory, "manifest")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    if os.path.exists(path):
        os.chmod(path, 0o600)
    with open(path, "wb") as file:
        file.write(data)


def number_of(segment):
    return int(os.path.basename(segment).split(".")[0])


def records(segment):
    """(offset, end) of each record of the segment's file."""
    data, at, found = read(segment), RECORDS_AT, []
    while data[at + 9:at + 12] == b"RWL":
        length = struct.unpack_from("<I", data, at + 4)[0]
        found.append((at, at + 32 + length))
        at += 32 + length
    return found


def reseal(data, change):
    """Change both copies of a segment's header and their checksums."""
    for at in (0, 2048):
        header = bytearray(data[at:at + 96])
        change(header)
        struct.pack_into("<I", header, 92, crc32c(bytes(header[:92])))
        data[at:at + 96] = header
    return data


def contents(directory):
    found = {}
    for base, _, files in os.walk(directory):
        for name in files:
            path = os.path.join(base, name)
            if name not in ("LOCK", "COMPACTOR.LOCK", "BALLAST"):
                found[path] = os.lstat(path).st_mode if os.path.islink(path) \
                    or not os.path.isfile(path) else read(path)
    return found


def run(directory, *args, user=None):
    command = [rt.RIPTIDED, "--dir", directory, "--bind", "127.0.0.1",
               "--port", str(rt.free_port()), "--compactor", "external"]
    return subprocess.run(command + list(args), stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          timeout=rt.PATIENCE_S, check=False, user=user)


def refused(name, directory, status, *says, untouched=True, args=()):
    """The last line it prints has every word of says."""
    before = contents(directory)
    result = run(directory, *args)
    text = result.stderr.decode(errors="replace")
    last = text.splitlines()[-1] if text else ""
    tap.ok(result.returncode == status and
           all(str(word) in last for word in says), name,
           "status %d: %s" % (result.returncode, text))
    if untouched:
        tap.ok(contents(directory) == before, name + "_and_touches_nothing")


def started(directory, **options):
    server = rt.Server(dir=directory, **options).start()
    with server.client() as client:
        got = client.pipeline([("GET", "key%d" % i) for i in range(KEYS)])
    return server, got


def is_prefix(got):
    count = next((i for i, one in enumerate(got) if one is None), len(got))
    return got == [value(i) for i in range(count)] + [None] * (KEYS - count)


def log_line(server, event):
    return next((line for line in server.stderr().splitlines()
                 if event in line), "")


# -- the log --

def test_tails(tap):
    directory = killed()
    segment = segments(directory)[-1]
    found = records(segment)
    last = found[-2] if len(found) > 1 else found[-1]
    for name, cut in (("in_its_payload", last[1] - 3),
                      ("in_its_header", last[0] + 7),
                      ("behind_a_record", last[0])):
        copy = copy_of(directory)
        path = os.path.join(copy, "wal", os.path.basename(segment))
        write(path, read(path)[:cut])
        server, got = started(copy)
        tap.ok(is_prefix(got) and got[0] is not None,
               "a_tail_cut_%s_leaves_a_prefix" % name)
        line = log_line(server, "wal tail dropped")
        if name == "behind_a_record":
            tap.ok(line == "", "a_tail_cut_behind_a_record_is_none", line)
        else:
            tap.ok("segment=%d" % number_of(segment) in line and
                   "offset=%d" % last[0] in line and "bytes=" in line and
                   "last_seq=" in line,
                   "a_tail_cut_%s_is_logged_with_its_place" % name,
                   server.stderr())
        server.kill()
        tap.ok(os.path.getsize(path) <= cut or not os.path.exists(path),
               "a_tail_cut_%s_is_cut_for_good" % name)
    copy = copy_of(directory)
    path = os.path.join(copy, "wal", os.path.basename(segment))
    data = read(path)
    write(path, data[:last[0]] + bytes(1 << 16))
    server, got = started(copy)
    tap.ok(is_prefix(got) and got[0] is not None,
           "a_tail_of_zeros_leaves_a_prefix")
    server.kill()


def test_flips(tap):
    directory = killed()
    segment = segments(directory)[-1]
    found = records(segment)
    at = found[len(found) // 3][0] + 40
    data = bytearray(read(segment))
    data[at] ^= 4
    write(segment, data)
    refused("a_flip_in_the_middle_is_refused", directory, 65,
            os.path.join("wal", os.path.basename(segment)),
            "offset %d" % found[len(found) // 3][0], "sequence",
            "riptide check", "riptide repair --out", "wal-recovery tolerant")
    server, got = started(directory, wal_recovery="tolerant")
    tap.ok(is_prefix(got) and got[0] is not None and got[-1] is None,
           "tolerant_keeps_what_precedes_a_flip")
    line = log_line(server, "damaged wal kept up to the damage")
    tap.ok("level=warning" in line and "offset" in line and
           "sequence" in line, "tolerant_is_logged", server.stderr())
    with server.client() as client:
        client.call("SET", "after", "damage")
    dump = subprocess.run([rt.RIPTIDE, "--dir", directory, "dump",
                           "manifest"], capture_output=True, text=True,
                          check=True).stdout
    # Behind those of the tables.
    kept = 2 * KEYS + sum(one is not None for one in got)
    tap.ok(re.search(r"^tolerated kept_seq=%d wall_ms=\d{13}$" % kept, dump,
                     re.M), "and_in_the_manifest", dump)
    server.kill()
    server, got = started(directory)
    with server.client() as client:
        tap.equal(client.call("GET", "after"), b"damage",
                  "after_tolerant_strict_starts_again")
    tap.ok(is_prefix(got), "after_tolerant_the_prefix_stays")
    server.stop()


def test_newer_format(tap):
    directory = killed()
    segment = segments(directory)[-1]

    def newer(header):
        struct.pack_into("<I", header, 8, 2)

    write(segment, reseal(bytearray(read(segment)), newer))
    refused("a_segment_of_a_newer_format_is_refused", directory, 78,
            os.path.basename(segment), "format")


def test_foreign_segment(tap):
    directory = killed()
    other = rt.Server().start()
    with other.client() as client:
        client.call("SET", "other", "database")
    other.kill()
    theirs = segments(other.dir)[-1]
    ours = segments(directory)[-1]
    data = reseal(bytearray(read(theirs)), lambda header: struct.pack_into(
        "<Q", header, 32, number_of(ours)))
    write(ours, data)
    refused("a_segment_of_another_database_is_refused", directory, 65,
            os.path.basename(ours), "another database")
    refused("tolerant_refuses_another_database_too", directory, 65,
            "another database", args=["--wal-recovery", "tolerant"])


def test_renamed_segments(tap):
    directory = killed()
    segment = segments(directory)[-1]
    shutil.copy(segment, os.path.join(directory, "wal", "%d.wal" %
                                      (number_of(segment) + 5)))
    refused("a_duplicated_segment_is_refused", directory, 65, "renamed",
            "%d.wal" % (number_of(segment) + 5))


def test_missing_segment(tap):
    directory = killed()
    segment = segments(directory)[-1]
    number = number_of(segment)

    def says_it_follows(header):
        struct.pack_into("<Q", header, 32, number + 2)
        struct.pack_into("<Q", header, 48, number + 1)

    write(os.path.join(directory, "wal", "%d.wal" % (number + 2)),
          reseal(bytearray(read(segment)), says_it_follows))
    refused("a_missing_segment_is_refused", directory, 65,
            "%d.wal is missing" % (number + 1), "segment %d" % (number + 2),
            "sequence")


# -- the manifest --

def test_older_manifest(tap):
    directory = killed()
    newest = manifests(directory)
    header = read(segments(directory)[-1])
    named = struct.unpack_from("<Q", header, 72)[0]
    for path in newest:
        if int(path.rsplit("-", 1)[1]) >= named:
            os.unlink(path)
    left = int(manifests(directory)[-1].rsplit("-", 1)[1])
    refused("an_older_manifest_put_back_is_refused", directory, 65,
            "generation %d" % named, "generation %d" % left)


def test_manifest_files(tap):
    good = killed()

    def replaced(data):
        copy = copy_of(good)
        write(manifests(copy)[-1], data)
        return copy

    data = read(manifests(good)[-1])
    name = os.path.basename(manifests(good)[-1])
    refused("a_manifest_of_zeros_is_refused", replaced(bytes(len(data))), 65,
            name, "riptide repair --out")
    refused("a_cut_manifest_is_refused", replaced(data[:-9]), 65, name)
    huge = replaced(data)
    with open(manifests(huge)[-1], "r+b") as file:
        file.truncate(1 << 40)
    result = run(huge)
    tap.ok(result.returncode == 65 and name.encode() in result.stderr,
           "a_huge_manifest_is_refused", result.stderr)
    link = copy_of(good)
    path = manifests(link)[-1]
    os.rename(path, path + ".real")
    os.symlink(path + ".real", path)
    refused("a_manifest_that_is_a_symbolic_link_is_refused", link, 65, name,
            "symbolic link")


# -- tables --

def test_tables(tap):
    directory = killed()
    first, second = tables(directory)[:2]
    data = read(first)
    copy = copy_of(directory)
    write(os.path.join(copy, "sst", os.path.basename(first)), data[:-1])
    os.unlink(os.path.join(copy, "sst", os.path.basename(second)))
    refused("all_missing_and_cut_tables_are_named_at_once", copy, 65,
            os.path.basename(first), os.path.basename(second), "2 of",
            "riptide check", untouched=False)
    if os.path.getsize(first) == os.path.getsize(second):
        copy = copy_of(directory)
        write(os.path.join(copy, "sst", os.path.basename(second)), data)
        refused("a_table_replaced_by_one_of_equal_size_is_refused", copy, 65,
                os.path.basename(second), untouched=False)
    else:
        tap.ok(False, "tables_of_equal_size", "the data is not what it was")
    for name, make in (("symbolic_link", lambda path: os.symlink(first, path)),
                       ("fifo", os.mkfifo), ("directory", os.mkdir)):
        copy = copy_of(directory)
        path = os.path.join(copy, "sst", os.path.basename(second))
        os.unlink(path)
        make(path)
        refused("a_table_that_is_a_%s_is_refused" % name, copy, 65,
                os.path.basename(second), untouched=False)


def test_tables_that_stay_closed(tap):
    """With few descriptors most tables are not opened at the start."""
    server = rt.Server(maxclients=10).start()
    with server.client() as client:
        for part in range(32):
            client.pipeline([("SET", "part%03d-%d" % (part, i), "x" * 40)
                             for i in range(20)])
            client.call("FLUSHMEM")
            rt.wait_until(lambda: len(tables(server.dir)) > part, "flush")
    server.stop()
    # Of the oldest, which are opened last, one of another's size.
    oldest, other = next(
        pair for pair in itertools.combinations(tables(server.dir)[:8], 2)
        if os.path.getsize(pair[0]) == os.path.getsize(pair[1]))
    write(oldest, read(other))
    command = ["/bin/sh", "-c", "ulimit -n 160; exec \"$@\"", "sh",
               rt.RIPTIDED, "--dir", server.dir, "--port",
               str(rt.free_port()), "--maxclients", "10", "--compactor",
               "external"]
    result = subprocess.run(command, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            timeout=rt.PATIENCE_S, check=False)
    tap.ok(result.returncode == 65 and
           os.path.basename(oldest).encode() in result.stderr,
           "a_replaced_table_is_refused_though_it_stays_closed",
           result.stderr.decode())


# -- what is not ours --

def test_foreign_files(tap):
    directory = killed()
    target = os.path.join(rt.scratch_dir(), "target")
    write(target, b"somebody's")
    for subdir in ("", "wal", "sst", "manifest"):
        base = os.path.join(directory, subdir)
        write(os.path.join(base, "notes.txt~"), b"mine")
        write(os.path.join(base, "7.wal.tmp"), b"mine")
        os.symlink(target, os.path.join(base, "link"))
        os.mkfifo(os.path.join(base, "fifo"))
        os.mkdir(os.path.join(base, "backup"))
        write(os.path.join(base, "backup", "d-1.sst"), b"mine")
    before = {path: data for path, data in contents(directory).items()
              if os.path.basename(path) in ("notes.txt~", "7.wal.tmp", "link",
                                            "fifo", "d-1.sst") and
              ("backup" in path or "d-1" not in path)}
    server, got = started(directory)
    tap.equal(got[-1], value(KEYS - 1), "foreign_files_hinder_no_start")
    told = [line for line in server.stderr().splitlines()
            if "not ours and left alone" in line]
    tap.ok(len(told) == 20 and all("level=notice" in line for line in told) and
           any(line.endswith("path=wal/fifo") for line in told) and
           any(line.endswith("path=backup") for line in told), "foreign_files_are_told_of",
           server.stderr())
    server.stop()
    after = contents(directory)
    tap.ok(all(after.get(path) == data for path, data in before.items()) and
           len(before) == 20 and read(target) == b"somebody's",
           "foreign_files_are_left_alone")


def test_fifo_segment(tap):
    directory = killed()
    segment = segments(directory)[-1]
    os.mkfifo(os.path.join(directory, "wal", "%d.wal" %
                           (number_of(segment) + 1)))
    refused("a_fifo_with_the_name_of_a_segment_is_refused", directory, 65,
            "%d.wal" % (number_of(segment) + 1), "regular file")


def test_read_only(tap):
    if os.getuid() != 0:
        user = None
    else:
        user = pwd.getpwnam("nobody").pw_uid
    base = rt.scratch_dir()
    directory = os.path.join(base, "data")
    shutil.copytree(killed(), directory)
    os.chmod(base, 0o755)
    if user is not None:
        for path, _, files in os.walk(directory):
            for name in [""] + files:
                os.chown(os.path.join(path, name), user, -1)
    for path, _, _ in os.walk(directory):
        os.chmod(path, 0o555)
    try:
        result = run(directory, user=user)
    except PermissionError as error:
        tap.skip("a_read_only_directory_is_refused", str(error))
        return
    text = result.stderr.decode(errors="replace")
    for path, _, _ in os.walk(directory):
        os.chmod(path, 0o755)
    tap.ok(result.returncode == 73 and len(text) > 0,
           "a_read_only_directory_is_refused",
           "%d: %s" % (result.returncode, text))


for test in (test_tails, test_flips, test_newer_format, test_foreign_segment,
             test_renamed_segments, test_missing_segment, test_older_manifest,
             test_manifest_files, test_tables, test_tables_that_stay_closed,
             test_foreign_files, test_fifo_segment, test_read_only):
    tap.run(test)
tap.done()
