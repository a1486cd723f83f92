#!/usr/bin/env python3
"""Which lines of the tree that call the file system were failed by the faults.

usage: call_sites.py PROGRAM SITES SOURCE-TREE

SITES is what FAULT_SITES made. Prints the lines that were seen and never
failed, and those in the sources that were never seen."""

import re
import subprocess
import sys
from pathlib import Path

ROOMS = ["libcommon/os", "libcommon/manifest", "libcommon/table",
         "riptided/wal", "riptided/engine", "riptided/flush", "riptided/view",
         "riptide-compactd"]
CALL = re.compile(r"\brt_fs_(?!posix)[a-z_]+\(|\bfs->[a-z_]+\((?=.*fs)")
# Between the table of functions and its callers.
PLUMBING = ("libcommon/os/fs.c", "tests/")


def resolve(program, addresses):
    """Address to the list of (function, file, line), inlined ones first."""
    text = "\n".join(addresses)
    out = subprocess.run(["addr2line", "-a", "-i", "-f", "-e", program],
                         input=text, capture_output=True, text=True,
                         check=True).stdout.splitlines()
    frames, current = {}, None
    lines = iter(out)
    for line in lines:
        if line.startswith("0x"):
            current = frames.setdefault(int(line, 16), [])
        else:
            path, _, number = next(lines).rpartition(":")
            current.append((line, path, number.split(" ")[0]))
    return frames


def tree_name(path, tree):
    for room in ("libcommon/", "riptided/", "riptide-compactd/", "tests/"):
        at = path.find("/" + room)
        if at >= 0:
            return path[at + 1:]
    return path


def main():
    program, sites, tree = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    rows = [line.split() for line in Path(sites).read_text().splitlines()]
    frames = resolve(program, sorted({a for row in rows for a in row[3:]}))
    seen = {}
    for row in rows:
        for address in row[3:]:
            inner = [(tree_name(path, tree), line)
                     for _, path, line in frames[int(address, 16)]]
            inner = [at for at in inner if not at[0].startswith(PLUMBING)]
            if inner:
                count = seen.setdefault(inner[0], [0, 0])
                count[0] += int(row[1])
                count[1] += int(row[2])
                break
    for at, (times, failed) in sorted(seen.items()):
        if failed == 0:
            print(f"never failed: {at[0]}:{at[1]}, seen {times} times")
    static = []
    for room in ROOMS:
        for path in sorted((tree / room).glob("*.c")):
            name = str(path.relative_to(tree))
            if name == "libcommon/os/fs.c" or "fs_posix" in name:
                continue
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if CALL.search(line) and not line.startswith(("rt", " *")):
                    static.append((name, number))
    # A call may be attributed to any line of its statement.
    missing = [at for at in static if not any(
        (at[0], str(at[1] + step)) in seen for step in range(-1, 5))]
    for name, number in missing:
        print(f"never seen: {name}:{number}")
    hit = sum(1 for times, failed in seen.values() if failed)
    print(f"{len(seen)} lines seen, {hit} of them failed; "
          f"{len(static)} calls in the sources, {len(missing)} never seen")


main()
