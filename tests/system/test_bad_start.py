"""A start that cannot be: its exit status, one sentence, nothing touched."""

import glob
import os
import shutil
import socket
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def contents(path):
    """Every file below path with its bytes; None when path is not there. The
    lock files of a database name who held them last and are left out."""
    if not os.path.isdir(path):
        return None
    found = {}
    locks = ["LOCK", "COMPACTOR.LOCK", "BALLAST"] if os.path.isdir(
        os.path.join(path, "manifest")) else []
    for base, dirs, files in os.walk(path):
        for name in dirs:
            found[os.path.join(base, name)] = None
        for name in set(files) - set(locks):
            with open(os.path.join(base, name), "rb") as file:
                found[os.path.join(base, name)] = file.read()
    return found


def start(program, directory, *args, config=None):
    command = [program] + ([config] if config else []) + ["--dir", directory]
    if program == rt.RIPTIDED:
        command += ["--bind", "127.0.0.1", "--compactor", "external"]
        if "--port" not in args:
            command += ["--port", str(rt.free_port())]
    else:
        command.append("--once")
    return subprocess.run(command + list(args), stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          timeout=rt.PATIENCE_S, check=False)


def refused(name, program, status, directory, *args, config=None, says=()):
    """It ends with status and one sentence that has every word of says."""
    before = contents(directory)
    name = "%s_%s" % (os.path.basename(program).replace("-", "_"), name)
    result = start(program, directory, *args, config=config)
    text = result.stderr.decode(errors="replace")
    tap.ok(result.returncode == status and len(text.splitlines()) == 1 and
           all(word in text for word in says), name,
           "status %d for %d: %s" % (result.returncode, status, text))
    after = contents(directory)
    changed = "" if before == after else sorted(
        path for path in set(before or {}) | set(after or {})
        if (before or {}).get(path, 0) != (after or {}).get(path, 0))
    tap.ok(before == after, name + "_and_touches_nothing", changed)


def database(kill=False):
    """A stopped database with a little in it."""
    server = rt.Server().start()
    with server.client() as client:
        for i in range(200):
            client.call("SET", "key%d" % i, "v" * 100)
    if kill:
        server.kill()
    else:
        server.stop()
    return server.dir


def highest(directory):
    names = glob.glob(os.path.join(directory, "manifest", "MANIFEST-*"))
    return max(names, key=lambda name: (len(name), name))


def rewrite(path, change):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    data = change(data)
    os.chmod(path, 0o600)
    with open(path, "wb") as file:
        file.write(data)


def seal(data):
    """The envelope's checksum over all but itself."""
    struct.pack_into("<I", data, 56, crc32c(bytes(data[:56] + data[60:])))
    return data


def flip(data):
    data[len(data) // 2] ^= 1
    return data


def newer_format(data):
    struct.pack_into("<I", data, 8, 2)
    return seal(data)


def incompatible(data):
    struct.pack_into("<Q", data, 16, 1 << 40)
    return seal(data)


def test_command_lines(tap):
    directory = os.path.join(rt.scratch_dir(), "none")
    config = os.path.join(rt.scratch_dir(), "bad.conf")
    with open(config, "w", encoding="ascii") as file:
        file.write("# fine\nno-such-thing 1\n")
    for program in (rt.RIPTIDED, rt.COMPACTD):
        refused("refuses_an_unknown_option", program, 64, directory,
                "--no-such-option", says=["no-such-option"])
        refused("refuses_a_bad_value", program, 64, directory, "--loglevel",
                "shouting", says=["loglevel"])
        refused("refuses_a_bad_config_file", program, 78, directory,
                config=config, says=["bad.conf", "2"])


def test_config_files(tap):
    """One sentence, "FILE:LINE: OPTION: what is wrong, allowed: ...", whatever
    the file is."""
    directory = os.path.join(rt.scratch_dir(), "none")
    rows = [
        ("a_near_name", b"# fine\nmemtable-sise 64mb\n",
         [":2: memtable-sise: ", "did you mean memtable-size"]),
        ("a_missing_value", b"port\n", [":1: port: value missing, allowed: "]),
        ("an_option_given_twice", b"port 1\ndir x\nport 2\n",
         [":3: port: given before in line 1"]),
        ("a_value_out_of_range", b"\nport 70000\n",
         [":2: port: 70000 is out of range, allowed: 0 to 65535"]),
        ("a_size_without_a_unit", b"memtable-size 64\n",
         [":1: memtable-size: 64 has no unit, allowed: "]),
        ("what_is_not_utf_8", b"dir \xff\xfe\n", [":1: ", "not UTF-8"]),
        ("a_nul_byte", b"port 1\ndir a\0b\n", [":2: ", "NUL"]),
        ("a_line_of_a_megabyte", b"dir " + b"x" * 1000000 + b"\n",
         [":1: the line has 1000004 bytes, allowed: at most "]),
        ("a_file_of_two_megabytes", b"# " + b"x" * (2 << 20),
         ["too large, allowed: at most "]),
        ("an_include", b"include /etc/passwd\n",
         [":1: include: unknown option"]),
        ("quotes_that_do_not_pair", b"dir \"x\n", [":1: ", "quotes"]),
    ]
    path = os.path.join(rt.scratch_dir(), "riptide.conf")
    for name, text, says in rows:
        with open(path, "wb") as file:
            file.write(text)
        for program in (rt.RIPTIDED, rt.COMPACTD):
            for args in ([], ["--check-config"]):
                refused("refuses_%s%s" % (name, "_when_asked" if args else ""),
                        program, 78, directory, *args, config=path,
                        says=["riptide.conf"] + says)
    for program in (rt.RIPTIDED, rt.COMPACTD):
        refused("refuses_a_directory_for_a_config_file", program, 78,
                directory, config=rt.scratch_dir(), says=["is a directory"])
        refused("refuses_a_config_file_that_is_not_there", program, 78,
                directory, config=path + ".no", says=["No such file"])
        refused("refuses_a_flag_without_its_value", program, 64, directory,
                "--loglevel", says=["--loglevel: value missing, allowed: "])
        refused("refuses_a_second_config_file", program, 64, directory,
                "other.conf", config=path, says=["other.conf"])
    if os.geteuid() == 0:
        tap.skip("refuses_a_config_file_that_cannot_be_read",
                 "root can read everything")
        return
    os.chmod(path, 0)
    refused("refuses_a_config_file_that_cannot_be_read", rt.RIPTIDED, 78,
            directory, config=path, says=["Permission denied"])


def test_directories(tap):
    foreign = rt.scratch_dir()
    with open(os.path.join(foreign, "thesis.txt"), "w",
              encoding="ascii") as file:
        file.write("mine")
    refused("refuses_a_foreign_directory", rt.RIPTIDED, 73, foreign)
    refused("refuses_a_foreign_directory", rt.COMPACTD, 66, foreign)
    with rt.Server() as server:
        refused("refuses_a_directory_in_use", rt.RIPTIDED, 75, server.dir,
                says=[str(server.pid)])
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        refused("refuses_a_port_in_use", rt.RIPTIDED, 69, database(),
                "--port", str(sock.getsockname()[1]))


def test_manifests(tap):
    good = database()
    for name, status, change in (
            ("a_damaged_manifest", 65, flip),
            ("an_empty_manifest", 65, lambda data: b""),
            ("a_newer_manifest_format", 78, newer_format),
            ("an_unknown_incompatible_feature", 78, incompatible)):
        for program in (rt.RIPTIDED, rt.COMPACTD):
            copy = os.path.join(rt.scratch_dir(), "data")
            shutil.copytree(good, copy)
            rewrite(highest(copy), change)
            refused("refuses_" + name, program, status, copy,
                    says=["MANIFEST-"])


def test_lost_manifest(tap):
    # The compactor, which makes no database, only knows that there is none.
    for program, status in ((rt.RIPTIDED, 65), (rt.COMPACTD, 66)):
        directory = database()
        with open(os.path.join(directory, "sst", "d-77.sst"), "wb") as file:
            file.write(b"once a table")
        for name in glob.glob(os.path.join(directory, "manifest", "*")):
            os.unlink(name)
        refused("refuses_tables_without_a_manifest", program, status,
                directory)


def test_wal(tap):
    directory = database(kill=True)
    segment = max(glob.glob(os.path.join(directory, "wal", "*")),
                  key=os.path.getsize)

    def damage(data):
        # Records that are whole follow, so this is no torn tail.
        data[len(data.rstrip(b"\0")) // 3] ^= 1
        return data

    rewrite(segment, damage)
    refused("refuses_damage_in_the_middle_of_a_segment", rt.RIPTIDED, 65,
            directory, says=[os.path.basename(segment)])


test_command_lines(tap)
test_config_files(tap)
test_directories(tap)
test_manifests(tap)
test_lost_manifest(tap)
test_wal(tap)
tap.done()
