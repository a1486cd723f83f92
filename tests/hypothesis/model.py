"""model: what the commands mean, over dictionaries of (value, end) by key.

An entry whose end has come stays where it is, unseen: a wrong time may be set
right again. Replies are those of RESP2; an error is ERROR, whatever its words.
"""

import re

ERROR = "an error"
UNITS = {"EX": (1000, True), "PX": (1, True),
         "EXAT": (1000, False), "PXAT": (1, False)}
NUMBER = re.compile(rb"0|-?[1-9][0-9]*")


class Model:
    """The databases at a moment."""

    def __init__(self, databases, now=0):
        self.dbs = [{} for _ in range(databases)]
        self.db = 0
        self.now = now

    def frozen(self):
        """A copy of what is seen now; its time stands."""
        copy = Model(len(self.dbs), self.now)
        copy.dbs = [{key: db[key] for key in db if self.seen(db, key)}
                    for db in self.dbs]
        return copy

    def seen(self, db, key):
        entry = db.get(key)
        if entry is None or entry[1] is not None and entry[1] <= self.now:
            return None
        return entry

    def find(self, key):
        return self.seen(self.dbs[self.db], key) or (None, None)

    def keys(self):
        db = self.dbs[self.db]
        return {key for key in db if self.seen(db, key)}

    def put(self, key, value, end=None):
        """An end that has come deletes."""
        if end is not None and end <= self.now:
            self.dbs[self.db].pop(key, None)
        else:
            self.dbs[self.db][key] = value, end

    def end_of(self, option):
        """Of (word, amount); None: none."""
        if option is None:
            return None
        unit, relative = UNITS[option[0]]
        return option[1] * unit + (self.now if relative else 0)

    # -- commands --

    def get(self, key):
        return self.find(key)[0]

    def set(self, key, value, time=None, condition=None, keep=False,
            get=False):
        old, end = self.find(key)
        there = old is not None
        refused = condition == ("NX" if there else "XX")
        if not refused:
            self.put(key, value, end if keep and there else
                     self.end_of(time))
        if get:
            return old
        return None if refused else b"OK"

    def delete(self, *keys):
        found = {key for key in keys if self.get(key) is not None}
        for key in found:
            del self.dbs[self.db][key]
        return len(found)

    def mset(self, pairs):
        for key, value in pairs:
            self.put(key, value)
        return b"OK"

    def getset(self, key, value):
        old = self.get(key)
        self.put(key, value)
        return old

    def getdel(self, key):
        old = self.get(key)
        self.delete(key)
        return old

    def getex(self, key, time, persist):
        old, end = self.find(key)
        if old is not None and (time or persist):
            self.put(key, old, self.end_of(time))
        return old

    def append(self, key, value):
        old, end = self.find(key)
        value = (old or b"") + value
        self.put(key, value, end)
        return len(value)

    def setrange(self, key, offset, value):
        old, end = self.find(key)
        if not value:
            return len(old or b"")
        old = (old or b"").ljust(offset, b"\0")
        new = old[:offset] + value + old[offset + len(value):]
        self.put(key, new, end)
        return len(new)

    def incrby(self, key, amount):
        old, end = self.find(key)
        if old is not None and (not NUMBER.fullmatch(old) or
                                not -1 << 63 <= int(old) < 1 << 63):
            return ERROR
        number = int(old or 0) + amount
        if not -1 << 63 <= number < 1 << 63:
            return ERROR
        self.put(key, b"%d" % number, end)
        return number

    def expire(self, key, time, conditions):
        old, was = self.find(key)
        if "NX" in conditions and len(conditions) > 1:
            return ERROR
        if old is None:
            return 0
        end = self.end_of(time)
        later = was is not None and end > was
        earlier = was is None or end < was
        if "NX" in conditions and was is not None or \
                "XX" in conditions and was is None or \
                "GT" in conditions and not later or \
                "LT" in conditions and not earlier:
            return 0
        self.put(key, old, end)
        return 1

    def persist(self, key):
        old, end = self.find(key)
        if end is None:
            return 0
        self.put(key, old)
        return 1

    def left(self, key, unit, absolute):
        old, end = self.find(key)
        if old is None:
            return -2
        if end is None:
            return -1
        left = end - (0 if absolute else self.now)
        return left // unit + (unit > 1 and left % unit >= unit // 2)

    def swapdb(self, one, other):
        self.dbs[one], self.dbs[other] = self.dbs[other], self.dbs[one]
        return b"OK"

    def flushdb(self):
        self.dbs[self.db] = {}
        return b"OK"

    def flushall(self):
        self.dbs = [{} for _ in self.dbs]
        return b"OK"
