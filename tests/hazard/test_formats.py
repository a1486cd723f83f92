"""H14, H15: programs of two releases on one directory, and a manifest that a
person put back."""

import os
import re
import signal
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hazard  # noqa: E402
from hazard import rt  # noqa: E402

tap = rt.Tap()


def newest(directory):
    path = os.path.join(directory, "manifest")
    return os.path.join(path, max(name for name in os.listdir(path)
                                  if name.startswith("MANIFEST-")))


def made_database():
    data = hazard.Data()
    with hazard.server() as server, server.client() as client:
        data.write(client, 4)
        hazard.flushed(client)
        server.kill()
    return server, data


# Field 2000 of the message, some text: of a release to come.
UNKNOWN = b"\x82\x7d\x05later"
INCOMPATIBLE, READ_ONLY, COMPATIBLE = 16, 24, 32


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def rewrite(path, bit_at=None, more=b""):
    """Set bit 40 of the features at an offset of the envelope, and add bytes
    to the message (docs/formats/manifest.md)."""
    with open(path, "rb") as file:
        content = bytearray(file.read())
    content += more
    if bit_at is not None:
        bits, = struct.unpack_from("<Q", content, bit_at)
        struct.pack_into("<Q", content, bit_at, bits | 1 << 40)
    struct.pack_into("<Q", content, 48, len(content) - 64)
    struct.pack_into("<I", content, 56, crc32c(content[:56] + content[60:]))
    with open(path, "wb") as file:
        file.write(content)


def test_newer_release(tap):
    """H14: what a newer release must be understood for."""
    for name, bit_at in (("cannot_be_read", INCOMPATIBLE),
                         ("may_only_be_read", READ_ONLY)):
        server, _ = made_database()
        rewrite(newest(server.dir), bit_at)
        before = hazard.generation(server.dir)
        server.spawn()
        status = hazard.wait_ended(server, "the daemon")
        tap.ok(status == 78 and "feature" in server.stderr().splitlines()[-1],
               "a_daemon_refuses_what_%s" % name, server.stderr()[-300:])
        tap.equal(hazard.compactor(server.dir).once("--full"), 78,
                  "a_compactor_refuses_what_%s" % name)
        tap.equal(hazard.generation(server.dir), before,
                  "and_nobody_publishes_over_what_%s" % name)


def publish_as_newer(directory, bit_at):
    """The next generation, as a release to come would publish it."""
    number = hazard.generation(directory) + 1
    with open(newest(directory), "rb") as file:
        content = bytearray(file.read())
    struct.pack_into("<Q", content, 40, number)
    path = os.path.join(directory, "manifest", "MANIFEST-%020d" % number)
    with open(path + ".new", "wb") as file:
        file.write(content)
    # Of a field that is there twice the last one counts.
    rewrite(path + ".new", bit_at, b"\x10" + varint(number))
    os.rename(path + ".new", path)
    return number


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def test_upgrade_beside_us(tap):
    """H14: the daemon is upgraded while an older compactor is at work. It ends,
    so that a newer one can have the role."""
    for name, bit_at in (("cannot_be_read", INCOMPATIBLE),
                         ("may_only_be_read", READ_ONLY)):
        server, _ = made_database()
        older = hazard.compactor(server.dir, hazard.at("job-picked")).start()
        hazard.wait_stopped(older, "the compactor to have picked a job")
        number = publish_as_newer(server.dir, bit_at)
        older.signal(signal.SIGCONT)
        status = hazard.wait_ended(older, "the older compactor")
        tap.ok(status == 78 and "feature" in older.stderr().splitlines()[-1],
               "a_compactor_ends_when_there_comes_what_%s" % name,
               older.stderr()[-600:])
        tap.equal(hazard.generation(server.dir), number,
                  "and_publishes_nothing_over_what_%s" % name)
        tap.equal([table for table in hazard.tables(server.dir)
                   if table.startswith("c")], [],
                  "and_leaves_no_table_beside_what_%s" % name)


def test_carried_along(tap):
    """H14: what a newer release wrote and an older one need not know comes
    through flushes, merges and starts of both programs."""
    server, data = made_database()
    rewrite(newest(server.dir), COMPATIBLE, UNKNOWN)
    server.start()
    with server.client() as client:
        data.write(client, 3)
        hazard.flushed(client)
        tap.equal(hazard.compactor(server.dir).once("--full"), 0,
                  "a_compactor_merges_beside_what_it_does_not_know")
        data.write(client, 2)
        hazard.flushed(client)
        tap.equal(data.wrong(client), [], "and_all_keys_are_right")
    server.restart()
    server.stop()
    with open(newest(server.dir), "rb") as file:
        content = file.read()
    tap.ok(UNKNOWN in content, "an_unknown_field_is_carried_along")
    tap.ok(struct.unpack_from("<Q", content, COMPATIBLE)[0] & 1 << 40,
           "an_unknown_compatible_feature_is_carried_along")


def test_older_manifest(tap):
    """H15: the newest generations are gone, or an older one has come back
    under the newest name."""
    server, _ = made_database()
    highest = hazard.generation(server.dir)
    # The log of the next start is begun under a later manifest.
    server.start()
    server.kill()
    started = hazard.generation(server.dir)
    for number in range(highest, started + 1):
        path = os.path.join(server.dir, "manifest", "MANIFEST-%020d" % number)
        if os.path.exists(path):
            os.rename(path, path + ".gone")
    server.spawn()
    status = hazard.wait_ended(server, "the daemon")
    line = server.stderr().splitlines()[-1]
    numbers = [int(word) for word in re.findall(r"\b\d+\b", line)]
    tap.equal(status, 65, "an_older_manifest_is_refused")
    tap.ok(highest - 1 in numbers and any(
        highest <= number <= started for number in numbers),
        "and_both_generations_are_named", line)
    tap.equal(len([name for name in os.listdir(
        os.path.join(server.dir, "manifest")) if not name.endswith(".gone")
        and int(name[9:]) > highest - 1]), 0, "and_nothing_was_published")


def test_renamed_manifest(tap):
    server, _ = made_database()
    path = newest(server.dir)
    older = os.path.join(server.dir, "manifest", "MANIFEST-%020d" % (
        hazard.generation(server.dir) - 2))
    with open(older, "rb") as file:
        content = file.read()
    with open(path, "wb") as file:
        file.write(content)
    server.spawn()
    tap.ok(hazard.wait_ended(server, "the daemon") == 65 and
           os.path.basename(path) in server.stderr().splitlines()[-1],
           "an_older_manifest_under_the_newest_name_is_refused",
           server.stderr()[-300:])
    tap.ok(hazard.compactor(server.dir).once("--full") == 65,
           "by_the_compactor_too")


def test_zeroed_manifest(tap):
    server, _ = made_database()
    path = newest(server.dir)
    for name, content in (("a_zeroed", bytes(os.path.getsize(path))),
                          ("an_empty", b"")):
        with open(path, "wb") as file:
            file.write(content)
        server.spawn()
        tap.ok(hazard.wait_ended(server, "the daemon") == 65 and
               os.path.basename(path) in server.stderr().splitlines()[-1],
               "%s_manifest_is_refused_by_name" % name,
               server.stderr()[-300:])
        tap.equal(hazard.compactor(server.dir).once("--full"), 65,
                  "%s_manifest_is_refused_by_the_compactor" % name)


tap.run(test_newer_release)
tap.run(test_upgrade_beside_us)
tap.run(test_carried_along)
tap.run(test_older_manifest)
tap.run(test_renamed_manifest)
tap.run(test_zeroed_manifest)
tap.done()
