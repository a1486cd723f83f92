#!/usr/bin/env python3
"""What COMMAND tells of the commands is what redis-server tells of them.

Every command and subcommand that both servers have is compared: arity, flags,
key positions, ACL categories, tips, key specifications, and of COMMAND DOCS group
and arguments. What differs on purpose stands in INTENDED, with the reason; an entry
there that is not needed fails, too.
"""

import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402
from redis_peer import RedisPeer  # noqa: E402

FIELDS = ["arity", "flags", "first key", "last key", "step", "categories",
          "tips", "key specifications"]
# What our entry has instead of Redis' for fields of a command.
INTENDED = {
    # EXACT counts all keys.
    ("dbsize", "arity"), ("dbsize", "flags"), ("dbsize", "categories"),
    # Health checks want an answer while the data is loaded.
    ("ping", "flags"),
}
# Commands whose arguments are our own.
OWN_DOCS = {"debug"}


def plain(value):
    """Sets are not ordered; keys of maps neither."""
    if isinstance(value, (list, tuple, set)):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, dict):
        return sorted((plain(k), plain(v)) for k, v in value.items()
                      if k not in ("notes", b"notes"))
    return value


def flatten(entries, out):
    for entry in entries:
        out[entry[0].decode()] = entry
        flatten(entry[9], out)
    return out


def compare(tap, ours, theirs):
    needed = set()
    for name in sorted(set(ours) & set(theirs)):
        problems = []
        for i, field in enumerate(FIELDS, 1):
            a, b = plain(theirs[name][i]), plain(ours[name][i])
            if a == b:
                continue
            needed.add((name, field))
            if (name, field) not in INTENDED:
                problems.append("%s: redis %r, here %r" % (field, a, b))
        tap.ok(not problems, "command_info_of_" + name, "\n".join(problems))
    tap.equal(sorted(INTENDED - needed), [], "no_difference_is_named_in_vain")


def flatten_docs(docs, out):
    for name, entry in docs.items():
        out[name] = entry
        flatten_docs(entry.get("subcommands", {}), out)
    return out


def compare_docs(tap, ours, theirs):
    """Summaries and complexities are our own, and so is what replaces a
    command; the history of Redis is not told."""
    for name in sorted(set(ours) & set(theirs)):
        problems = []
        for field in ("group", "since", "doc_flags", "deprecated_since",
                      "arguments"):
            if name in OWN_DOCS:
                continue
            a, b = theirs[name].get(field), ours[name].get(field)
            if a != b:
                problems.append("%s: redis %r, here %r" % (field, a, b))
        tap.ok(not problems, "docs_of_" + name, "\n".join(problems))
        tap.ok(ours[name]["summary"] and ours[name]["complexity"] and
               ("replaced_by" in ours[name]) == ("replaced_by" in theirs[name]),
               "docs_of_%s_are_whole" % name)


def main():
    tap = rt.Tap()
    if shutil.which("redis-server") is None:
        tap.skip("command_table", "redis-server is not installed")
        tap.done()
    with RedisPeer() as peer, rt.Server() as server:
        ours, theirs = server.client(), peer.client()
        for client in (ours, theirs):
            client.call("HELLO", 3)
        compare(tap, flatten(ours.call("COMMAND"), {}),
                flatten(theirs.call("COMMAND"), {}))
        compare_docs(tap, flatten_docs(ours.call("COMMAND", "DOCS"), {}),
                     flatten_docs(theirs.call("COMMAND", "DOCS"), {}))
        tap.equal(ours.call("COMMAND", "COUNT"), len(ours.call("COMMAND")),
                  "count_is_the_length_of_the_table")
    tap.done()


main()
