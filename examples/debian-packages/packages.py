#!/usr/bin/env python3
"""Load Debian's package index into RiptideKV with redis-py, and read it back.

    packages.py [--port N] load      write every package of this machine's index
    packages.py [--port N] verify    read all of it back, byte for byte

Keys, for each package NAME:

    pkg:NAME            its stanza of the index, as it is
    deps:COUNT:NAME     its Depends field, COUNT being the number of entries

With --mark TEXT each value ends with a line of TEXT, so that a second load can
be told from the first. With --acks FILE, load notes there how many writes have
been answered, and verify asks for the mark on so many only: the others may be
as either load left them.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys

import redis

BATCH = 500


def index():
    """The package index, or on a machine without one what is installed."""
    if shutil.which("apt-cache"):
        text = subprocess.run(["apt-cache", "dumpavail"],
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, check=True).stdout
        if text.strip():
            return text
    with open("/var/lib/dpkg/status", "rb") as file:
        return file.read()


def items():
    """Keys and values, in the index's order, each key once."""
    found = {}
    for stanza in index().split(b"\n\n"):
        name = re.search(rb"^Package: (\S+)$", stanza, re.M)
        if name is None:
            continue
        depends = re.search(rb"^Depends: (.*)$", stanza, re.M)
        entries = depends.group(1) if depends else b""
        count = entries.count(b",") + 1 if entries else 0
        found[b"pkg:" + name.group(1)] = stanza
        found[b"deps:%d:%s" % (count, name.group(1))] = entries
    return list(found.items())


def marked(value, mark):
    return value + b"\n" + mark.encode() if mark else value


def load(client, pairs, options):
    done = 0
    acks = os.open(options.acks, os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
                   0o644) if options.acks else None
    for start in range(0, len(pairs), BATCH):
        batch = pairs[start:start + BATCH]
        with client.pipeline(transaction=False) as pipe:
            for key, value in batch:
                pipe.set(key, marked(value, options.mark))
            pipe.execute()
        done += len(batch)
        if acks is not None:
            os.pwrite(acks, b"%d\n" % done, 0)
    print("%d written" % done)
    return 0


def verify(client, pairs, options):
    must = len(pairs)
    if options.acks:
        with open(options.acks, encoding="ascii") as file:
            must = int(file.read() or 0)
    wrong = 0
    for start in range(0, len(pairs), BATCH):
        batch = pairs[start:start + BATCH]
        got = client.mget([key for key, _ in batch])
        for number, ((key, value), found) in enumerate(zip(batch, got),
                                                       start):
            allowed = [marked(value, options.mark)]
            if number >= must:
                allowed.append(value)
            if found not in allowed:
                wrong += 1
                if wrong <= 5:
                    print("%s: %.60r instead of %.60r" % (
                        key.decode(), found, allowed[0]))
    print("%d compared, %d differ" % (len(pairs), wrong))
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(
        description="Debian's package index in RiptideKV.")
    parser.add_argument("--port", type=int, default=6379)
    parser.add_argument("--mark", default="")
    parser.add_argument("--acks")
    parser.add_argument("what", choices=("load", "verify"))
    options = parser.parse_args()
    # A lost connection shall be seen, not papered over.
    client = redis.Redis(port=options.port, retry=None)
    try:
        return {"load": load, "verify": verify}[options.what](
            client, items(), options)
    except redis.ConnectionError as error:
        print("packages.py: %s" % error, file=sys.stderr)
        return 75


if __name__ == "__main__":
    sys.exit(main())
