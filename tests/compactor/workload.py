"""workload: what is written, the same at every run of a seed, and what must be
there for it; and a look into all tables of a directory."""

import os
import random
import re
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
for room in ("support", "hazard", "crash"):
    sys.path.insert(0, os.path.join(HERE, "..", room))
import hazard  # noqa: E402
import riptide_test as rt  # noqa: E402

DATABASES = (0, 1, 2)
KEYS = 4000
COMMANDS = 400
CHUNK = 50
DAY_MS = 86400000
# Gone when two days have passed, and there still.
SOON_MS = time.time_ns() // 1000000 + DAY_MS
LATER_MS = SOON_MS + 3650 * DAY_MS


class Workload:
    """Steps of overwrites, deletes, expiries, drops and swaps."""

    def __init__(self, seed):
        self.seed = seed
        self.data = {database: {} for database in DATABASES}
        self.done = 0

    def _write(self, chance, database):
        data = self.data[database]
        key = b"key%05d" % min(chance.randrange(KEYS), chance.randrange(KEYS))
        dice = chance.random()
        if dice < 0.2:
            data.pop(key, None)
            return ("DEL", key)
        if dice < 0.3 and key in data:
            end = chance.choice((SOON_MS, LATER_MS))
            data[key] = (data[key][0], end)
            return ("PEXPIREAT", key, end)
        value = b"%d." % self.done + b"v" * chance.randrange(400)
        data[key] = (value, None)
        return ("SET", key, value)

    def _emptied(self, chance):
        """Now and then a database is dropped, or two change places."""
        dice = chance.random()
        if dice < 0.1:
            self.data[2] = {}
            return [("SELECT", 2), ("FLUSHDB",)]
        if dice < 0.12:
            self.data[0] = {}
            return [("SELECT", 0), ("FLUSHDB",)]
        if dice < 0.2:
            self.data[1], self.data[2] = self.data[2], self.data[1]
            return [("SWAPDB", 1, 2)]
        return []

    def step(self, client, between=None):
        """The next step, flushed at its end; between() is called between any
        two chunks of it."""
        chance = random.Random("%d %d" % (self.seed, self.done))
        for reply in client.pipeline(self._emptied(chance) or [("PING",)]):
            if isinstance(reply, rt.ReplyError):
                raise reply
        for _ in range(COMMANDS // CHUNK):
            database = chance.choice((0, 0) + DATABASES)
            commands = [("SELECT", database)] + [
                self._write(chance, database) for _ in range(CHUNK)]
            for reply in client.pipeline(commands):
                if isinstance(reply, rt.ReplyError):
                    raise reply
            if between is not None:
                between()
        client.call("FLUSHMEM")
        self.done += 1

    def wanted(self, days_passed):
        """All keys and values, when two days have passed or none."""
        return {(database, key): value
                for database, data in self.data.items()
                for key, (value, end) in data.items()
                if not days_passed or end != SOON_MS}


def read_all(client):
    """All keys that SCAN finds, with what GET says of them."""
    found = {}
    for database in DATABASES:
        client.call("SELECT", database)
        cursor, names = b"0", []
        while True:
            cursor, keys = client.call("SCAN", cursor, "COUNT", 1000)
            names += keys
            if cursor == b"0":
                break
        values = client.pipeline([("GET", name) for name in names])
        for name, value in zip(names, values):
            found[database, name] = value
    return found


def differences(got, wanted):
    """A few keys that are not the same in both."""
    return sorted(key for key in got.keys() | wanted.keys()
                  if got.get(key) != wanted.get(key))[:5]


class Files:
    """What a manifest says of the tables, and what sst/ has."""

    def __init__(self, directory):
        status, text = hazard.riptide(directory, "dump", "manifest")
        if status != 0:
            raise RuntimeError("dump of %s: %s" % (directory, text))
        self.directory = directory
        self.levels = {}
        self.sizes = {}
        level = None
        for line in text.splitlines():
            if line.startswith("run "):
                level = int(re.search(r"level=(\d+)", line).group(1))
            elif line.startswith("  table "):
                name = line.split()[1]
                self.levels[name] = level
                self.sizes[name] = int(re.search(r" bytes=(\d+)",
                                                 line).group(1))
        self.obsolete = set(re.findall(r"^obsolete (\S+)", text, re.M))

    def entries(self):
        """The entries of all tables: what, keyspace and key, value and end;
        not the sequences."""
        found = []
        for name in self.levels:
            status, text = hazard.riptide(self.directory, "dump", "sst",
                                          os.path.join(self.directory, "sst",
                                                       name))
            if status != 0:
                raise RuntimeError("dump of %s: %s" % (name, text))
            found += re.findall(r"^(put|delete) seq=\d+ (.*)$", text, re.M)
        return sorted(found)

    def left_over(self):
        """Tables of compactors that the manifest does not know."""
        return {name for name in hazard.tables(self.directory)
                if name.startswith("c")} - self.levels.keys() - self.obsolete
