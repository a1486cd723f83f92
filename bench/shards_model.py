#!/usr/bin/env python3
"""shards_model: what several machines give and cost, by arithmetic and a small
simulation; the tables of docs/scaling.md.

    bench/shards_model.py [--shards-per-machine N] [--keys N] [--seed N]
        [--machine-years N] [--repair-minutes N]

Simulated: where a hash ring with 160 points a shard puts keys, how even that
is, and how many keys lie elsewhere once there is one shard more. Reckoned: how
often a machine fails, and what part of the keys is away how long.
"""

import argparse
import bisect
import hashlib
import random

POINTS = 160
MINUTES_A_YEAR = 365 * 24 * 60


def points(name):
    """The places of a shard on the ring."""
    for number in range(POINTS // 4):
        digest = hashlib.md5(b"%s-%d" % (name.encode(), number),
                             usedforsecurity=False).digest()
        for at in range(0, 16, 4):
            yield int.from_bytes(digest[at:at + 4], "little")


class Ring:
    def __init__(self, count):
        ring = sorted((place, shard) for shard in range(count)
                      for place in points("shard-%03d" % shard))
        self.places = [place for place, _ in ring]
        self.shards = [shard for _, shard in ring]

    def shard_of(self, place):
        at = bisect.bisect_left(self.places, place)
        return self.shards[at % len(self.shards)]


def spread(ring, count, keys):
    """The fullest shard, beside the mean."""
    sizes = [0] * count
    for key in keys:
        sizes[ring.shard_of(key)] += 1
    return max(sizes) * count / len(keys)


def moved(before, after, keys):
    return sum(before.shard_of(key) != after.shard_of(key)
               for key in keys) / len(keys)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--shards-per-machine", type=int, default=4)
    parser.add_argument("--keys", type=int, default=200000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--machine-years", type=float, default=3,
                        help="between two failures of one machine")
    parser.add_argument("--repair-minutes", type=float, default=60)
    args = parser.parse_args()
    draw = random.Random(args.seed)
    keys = [draw.getrandbits(32) for _ in range(args.keys)]
    print("machines shards  fullest shard  keys moved by    failures  "
          "a key is away")
    print("                 beside mean    one shard more   a year    "
          "minutes a year")
    for machines in (1, 10, 100):
        count = machines * args.shards_per_machine
        ring = Ring(count)
        failures = machines / args.machine_years
        # Each failure takes 1/machines of the keys away.
        away = failures * args.repair_minutes / machines
        print("%8d %6d %14.2f %15.1f%% %11.1f %15.0f" % (
            machines, count, spread(ring, count, keys),
            100 * moved(ring, Ring(count + 1), keys), failures, away))
    nines = 1 - args.repair_minutes / args.machine_years / MINUTES_A_YEAR
    print("any one key is there %.4f%% of the time, however many machines" %
          (100 * nines))


if __name__ == "__main__":
    main()
