"""docs/formats/table.md is enough for a second implementation: this reader was
written after that page alone, and lists the golden tables as the tool does.
What it needs beyond the page: XXH3 for hashes, which it leaves out, and
Zstandard, so that blocks compressed with it are counted and not opened."""

import os
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()

GOLDEN = os.path.join(rt.SRCDIR, "tests", "unit", "libcommon", "table",
                      "golden")
TRAILER_BYTES = 5
FOOTER_BYTES = 96
U32 = struct.Struct("<I")
U64 = struct.Struct("<Q")


class Damaged(Exception):
    """The file is not what the page says."""


class Unopened(Exception):
    """A block in a compression that is left out here."""


def need(condition, what):
    if not condition:
        raise Damaged(what)


# -- notation --

def crc32c_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82f63b78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC32C = crc32c_table()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ CRC32C[(crc ^ byte) & 0xff]
    return crc ^ 0xffffffff


class Cursor:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, count):
        need(count <= len(self.data) - self.at, "ends early")
        self.at += count
        return self.data[self.at - count:self.at]

    def varint(self):
        value = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7f) << shift
            if byte < 0x80:
                return value
        raise Damaged("a varint without end")

    def done(self):
        return self.at == len(self.data)


# -- stored form --

def copy_back(out, offset, length):
    need(0 < offset <= len(out), "a copy from before the start")
    for _ in range(length):
        out.append(out[-offset])


def snappy(data):
    """Snappy's block format."""
    cursor, out = Cursor(data), bytearray()
    size = cursor.varint()
    while not cursor.done():
        tag = cursor.take(1)[0]
        length = tag >> 2
        if tag & 3 == 0:
            if length >= 60:
                length = int.from_bytes(cursor.take(length - 59), "little")
            out += cursor.take(length + 1)
        elif tag & 3 == 1:
            offset = (tag >> 5) << 8 | cursor.take(1)[0]
            copy_back(out, offset, (length & 7) + 4)
        else:
            width = 2 if tag & 3 == 2 else 4
            offset = int.from_bytes(cursor.take(width), "little")
            copy_back(out, offset, length + 1)
    need(len(out) == size, "snappy: wrong size")
    return bytes(out)


def lz4_length(cursor, nibble):
    length = nibble
    while nibble == 15:
        byte = cursor.take(1)[0]
        length += byte
        if byte != 255:
            break
    return length


def lz4(data):
    """LZ4's block format."""
    cursor, out = Cursor(data), bytearray()
    while not cursor.done():
        token = cursor.take(1)[0]
        out += cursor.take(lz4_length(cursor, token >> 4))
        if cursor.done():
            break
        offset = int.from_bytes(cursor.take(2), "little")
        copy_back(out, offset, lz4_length(cursor, token & 15) + 4)
    return bytes(out)


class Table:
    def __init__(self, data):
        self.data = data
        need(len(data) >= FOOTER_BYTES, "no room for a footer")
        footer = data[-FOOTER_BYTES:]
        need(footer[88:] == b"RTsst\r\n\x1a", "magic")
        need(U32.unpack_from(footer, 84)[0] == crc32c(footer[:84]), "crc")
        need(U32.unpack_from(footer, 80)[0] == 1, "a format to come")
        self.incompatible = U32.unpack_from(footer, 64)[0]
        need(self.incompatible & ~1 == 0, "features to come")
        numbers = struct.unpack_from("<8Q", footer)
        (self.data_bytes, _, self.filter_size, index_at, index_size,
         properties_at, properties_size, self.unique_id) = numbers
        self.filter_at = numbers[1]
        self.properties = self.read_properties(
            self.section(properties_at, properties_size))
        self.blocks = self.read_index(self.section(index_at, index_size))

    def stored(self, offset, size):
        """Bytes and compression of what is stored there, checked."""
        end = offset + size + TRAILER_BYTES
        need(end <= len(self.data) - FOOTER_BYTES, "outside the file")
        place = U64.pack(self.unique_id) + U64.pack(offset)
        crc = U32.unpack_from(self.data, end - 4)[0]
        need(crc == crc32c(place + self.data[offset:end - 4]),
             "checksum at %d" % offset)
        return self.data[offset:end - TRAILER_BYTES], self.data[end - 5]

    def section(self, offset, size):
        content, compression = self.stored(offset, size)
        need(compression == 0 and offset >= self.data_bytes, "a section")
        return content

    def content(self, offset, size):
        """What a data block holds."""
        content, compression = self.stored(offset, size)
        if compression == 0:
            return content
        length = U32.unpack_from(content)[0]
        need(length <= self.properties[14], "more than block_bytes_max")
        if compression == 3:
            raise Unopened()
        content = {1: snappy, 2: lz4}[compression](content[4:])
        need(len(content) == length, "length of the content")
        return content

    @staticmethod
    def read_properties(section):
        """Field numbers to values, as protobuf has them."""
        cursor, fields = Cursor(section), {}
        while not cursor.done():
            tag = cursor.varint()
            if tag & 7 == 0:
                value = cursor.varint()
            elif tag & 7 == 1:
                value = U64.unpack(cursor.take(8))[0]
            elif tag & 7 == 2:
                value = cursor.take(cursor.varint())
            else:
                value = U32.unpack(cursor.take(4))[0]
            fields[tag >> 3] = value
        return fields

    @staticmethod
    def index_entries(cursor, is_top):
        key = b""
        for _ in range(cursor.varint()):
            shared, unshared = cursor.varint(), cursor.varint()
            key = key[:shared] + cursor.take(unshared >> 1)
            seq = cursor.varint() if unshared & 1 else 0
            size = cursor.varint()
            yield key, seq, size, cursor.varint() if is_top else None
        need(cursor.done(), "bytes behind an index")

    def read_index(self, section):
        """Of each block: offset, size, separator."""
        cursor, blocks = Cursor(section), []
        offset = 0
        if self.incompatible & 1 == 0:
            for key, seq, size, _ in self.index_entries(cursor, False):
                blocks.append((offset, size, (key, seq)))
                offset += size + TRAILER_BYTES
        else:
            total, per_part = cursor.varint(), cursor.varint()
            part_at = cursor.varint()
            for key, seq, size, data in self.index_entries(cursor, True):
                end = offset + data
                part = Cursor(self.section(part_at, size))
                part_at += size + TRAILER_BYTES
                count = 0
                for block in self.index_entries(part, False):
                    blocks.append((offset, block[2], block[:2]))
                    offset += block[2] + TRAILER_BYTES
                    count += 1
                need(offset == end and blocks[-1][2] == (key, seq) and
                     (count == per_part or len(blocks) == total),
                     "a partition that the top does not tell of")
            need(len(blocks) == total, "number of blocks")
        need(offset == self.data_bytes, "blocks and data bytes")
        return blocks

    def block_entries(self, content):
        base, restarts, buckets = struct.unpack("<QII", content[-16:])
        end = len(content) - 16 - 4 * restarts - buckets
        starts = struct.unpack_from("<%dI" % restarts, content, end + buckets)
        cursor, key, number = Cursor(content[:end]), b"", 0
        while not cursor.done():
            at = cursor.at
            shared, unshared = cursor.varint(), cursor.varint()
            length, meta = cursor.varint(), cursor.varint()
            if number < restarts and starts[number] == at:
                need(shared == 0, "a restart")
                number += 1
            need(number != 0, "no restart at the start")
            key = key[:shared] + cursor.take(unshared)
            zigzag = meta >> 1
            seq = base + (zigzag >> 1 ^ -(zigzag & 1))
            yield key, seq, meta & 1, cursor.take(length)
        need(number == restarts, "restarts in between")

    def entries(self):
        """Every entry, or None for each block that is not opened."""
        last = None
        for offset, size, (key, seq) in self.blocks:
            try:
                content = self.content(offset, size)
            except Unopened:
                yield None
                continue
            for entry in self.block_entries(content):
                order = (entry[0], -entry[1])
                need(last is None or last < order, "order")
                need(order <= (key, -seq), "a separator")
                last = order
                yield entry


# -- as the tool prints --

def text(data):
    return '"%s"' % "".join(
        chr(byte) if 0x20 <= byte < 0x7f and chr(byte) not in "\\\"'"
        else "\\x%02x" % byte for byte in data)


def line(key, seq, kind, stored):
    need(key[4:5] == b"s", "kind of a key")
    words = "%s seq=%d keyspace=%d key=%s" % (
        "put" if kind else "delete", seq, int.from_bytes(key[:4], "big"),
        text(key[5:]))
    if kind:
        if stored[0] == 1:
            words += " expire_ms=%d" % U64.unpack_from(stored, 1)[0]
        words += " value=" + text(stored[9 if stored[0] else 1:])
    return words


def dumped(path):
    done = subprocess.run([rt.RIPTIDE, "dump", "sst", path], check=True,
                          capture_output=True, timeout=rt.PATIENCE_S)
    return done.stdout.decode("ascii").splitlines()[1:]


def load(name):
    with open(os.path.join(GOLDEN, name), "rb") as file:
        return file.read()


def is_read_alike(name):
    table = Table(load(name))
    should = dumped(os.path.join(GOLDEN, name))
    lines = [line(*entry) for entry in table.entries() if entry is not None]
    if None not in table.entries():
        return lines == should and len(lines) == table.properties[7]
    return set(lines) <= set(should)


def damage_is_seen(name):
    data = load(name)
    seen = 0
    for at in range(0, len(data), 97):
        forged = bytearray(data)
        forged[at] ^= 0x10
        try:
            table = Table(bytes(forged))
            for _ in table.entries():
                pass
            if table.filter_size:
                table.section(table.filter_at, table.filter_size)
            if 20 in table.properties:
                table.section(table.properties[19], table.properties[20])
        except Damaged:
            seen += 1
    return seen == len(range(0, len(data), 97))


for golden in sorted(os.listdir(GOLDEN)):
    if golden.endswith(".sst"):
        tap.ok(is_read_alike(golden), "the_page_reads_" +
               golden.replace(".sst", "").replace("-", "_"))
tap.ok(damage_is_seen("v1-lz4-levels.sst"), "the_page_sees_damage")

tap.done()
