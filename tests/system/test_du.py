#!/usr/bin/env python3
"""RIPTIDE DU explains every byte of the data directory."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt


def usage(client):
    """Item to (bytes, files, exactness)."""
    items = {}
    for reply in client.call("RIPTIDE", "DU"):
        item = dict(zip(reply[::2], reply[1::2]))
        items[item[b"what"].decode()] = (item[b"bytes"], item[b"files"],
                                         item[b"exactness"].decode())
    return items


def on_disk(directory):
    """Bytes of all files, links of one file once."""
    files = {}
    for path, _, names in os.walk(directory):
        for name in names:
            status = os.stat(os.path.join(path, name))
            files[status.st_ino] = status.st_size
    return sum(files.values())


def flush(client):
    client.call("FLUSHMEM")
    rt.wait_until(lambda: client.info("lsm")["immutable_memtables"] == "0",
                  "the flush")


def explained(tap, server, client, when):
    """The total is what lies there; the directory stands still at last."""
    rt.wait_until(lambda: usage(client)["total"][0] == on_disk(server.dir),
                  "every byte %s: %r on disk, %r" % (
                      when, on_disk(server.dir), usage(client)))
    tap.ok(True, "every_byte_is_explained_" + when)


def near(got, wanted):
    return abs(got - wanted) <= 0.15 * wanted


def waste(tap, server, client):
    """Tables whose live, overwritten, deleted and expired parts are known."""
    value = "v" * 500
    client.pipeline([("SET", "k%05d" % i, os.urandom(300))
                     for i in range(4000)])
    flush(client)
    whole = usage(client)["tables"][0]
    tap.ok(near(usage(client)["tables/live"][0], whole) and
           usage(client)["tables/overwritten"][0] < 0.02 * whole,
           "what_was_written_once_is_live", usage(client))
    client.pipeline([("SET", "k%05d" % i, os.urandom(300))
                     for i in range(2000)])
    flush(client)
    items = usage(client)
    tap.ok(near(items["tables/live"][0], whole) and
           near(items["tables/overwritten"][0], whole / 2) and
           items["tables/deleted"][0] == 0,
           "what_was_written_twice_is_half_waste", items)
    client.pipeline([("SET", "t%05d" % i, os.urandom(300), "PX", 1)
                     for i in range(2000)])
    flush(client)
    rt.wait_until(lambda: client.call("EXISTS", "t01999") == 0, "the end")
    items = usage(client)
    tap.ok(near(items["tables/expired"][0], whole / 2) and
           near(items["tables/live"][0], whole),
           "what_has_ended_is_expired", items)
    client.pipeline([("DEL", "k%05d" % i) for i in range(4000)])
    flush(client)
    items = usage(client)
    tap.ok(items["tables/live"][0] < 0.02 * whole and
           items["tables/tombstones"][0] > 0 and
           near(items["tables/deleted"][0], 2 * items["tables/overwritten"][0]),
           "what_was_deleted_is_not_live", items)
    tap.equal(items["tables"][:2], (int(client.info("lsm")["sst_bytes"]), 4),
              "tables_are_those_of_the_tree")
    tap.equal({name for name, item in items.items() if item[2] == "estimate"},
              {"tables/live", "tables/expired", "tables/tombstones",
               "tables/overwritten", "tables/deleted"}, "estimates_say_so")
    tap.equal(sum(item[0] for name, item in items.items()
                  if name.startswith("tables/")) // 8,
              items["tables"][0] // 8, "parts_are_the_whole")
    client.call("SET", "left", value)


def pinned(tap, server, client):
    """By a snapshot and by a checkpoint, and by nobody at last."""
    client.pipeline([("SET", "p%05d" % i, os.urandom(300))
                     for i in range(3000)])
    flush(client)
    client.call("CHECKPOINT", "one")
    items = usage(client)
    tap.ok(items["pinned-by-checkpoint/one"][0] < 20000,
           "a_checkpoint_of_what_is_there_takes_next_to_nothing", items)
    explained(tap, server, client, "with_a_checkpoint")
    number = client.call("SNAPSHOT", "CREATE")
    client.pipeline([("SET", "p%05d" % i, os.urandom(300))
                     for i in range(3000)])
    flush(client)
    rt.Compactor(server.dir).once("--full")
    rt.wait_until(lambda: client.info("lsm")["obsolete_files"] == "0",
                  "what was merged to go")
    items = usage(client)
    name = "tables/pinned-by-snapshot/%s" % (
        number if isinstance(number, int) else number.decode())
    tap.ok(items[name][0] > 500000 and items[name][2] == "estimate",
           "a_snapshot_pins_what_was_overwritten_since", items)
    tap.ok(items["pinned-by-checkpoint/one"][0] > 900000,
           "a_checkpoint_pins_tables_that_were_merged", items)
    explained(tap, server, client, "after_a_merge")


def main():
    tap = rt.Tap()
    with rt.Server(memtable_size="8mb", appendfsync="no",
                   disk_reserve="1mb") as server:
        with server.client() as client:
            explained(tap, server, client, "in_an_empty_database")
            tap.run(waste, server, client)
            tap.run(pinned, server, client)
    tap.done()


main()
