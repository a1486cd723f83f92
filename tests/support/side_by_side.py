"""side_by_side: scripts of several connections, played to two servers.

A script is text, a step on each line: who, and a command.

    a SET k 1           a sends it; its reply must be the same on both sides
    a <2 SUBSCRIBE x y  two values come for it; <0: none
    b < 1               b gets another value without having asked
    a ? HELLO 3         whatever comes on either side
    a | SUBSCRIBE x y   as <2, in any order
    a | 2               two more values, in any order
    a .                 the connection is closed by the server

Words are parted as a shell does it; \\xNN stands for a byte. At the end of a
script nothing may be left: each connection that is open says PING. Bytes are
compared, not what they mean.
"""

import shlex

import riptide_test as rt


class Peer:
    """The connections of one script to one server."""

    def __init__(self, port):
        self.port = port
        self.clients = {}

    def client(self, who):
        if who not in self.clients:
            self.clients[who] = rt.RespClient("127.0.0.1", self.port)
        return self.clients[who]

    def close(self):
        for client in self.clients.values():
            client.close()


def raw_value(client):
    """The bytes of one whole value."""
    line = client.recv_line()
    out = line + b"\r\n"
    kind, rest = line[:1], line[1:]
    if kind in b"$=" and rest != b"-1":
        out += client.recv_raw(int(rest) + 2)
    elif kind in b"*~>%" and rest != b"-1":
        for _ in range(int(rest) * (2 if kind == b"%" else 1)):
            out += raw_value(client)
    return out


def words_of(text):
    return [word.encode("latin-1").decode("unicode_escape").encode("latin-1")
            for word in shlex.split(text)]


def step(peer, line):
    """What the step brings, as text to compare; None: it is not compared."""
    who, _, rest = line.partition(" ")
    rest = rest.strip()
    client = peer.client(who)
    count, mark = 1, ""
    if rest[0] in "<?|.":
        mark = rest[0]
        first, _, rest = rest.partition(" ")
        if len(first) > 1:
            count = int(first[1:])
    if mark == ".":
        return [client.recv_all()]
    if mark in ("<", "|") and rest.isdigit():
        count = int(rest)
    else:
        words = words_of(rest)
        client.send_raw(rt.encode(*words))
        if mark == "|":
            count = len(words) - 1
    values = [raw_value(client) for _ in range(count)]
    if mark == "|":
        values.sort()
    return None if mark == "?" else values


def play(script, port):
    """All steps' values, in a list of (line, values)."""
    peer = Peer(port)
    out = []
    try:
        lines = [line.strip() for line in script.strip().splitlines()]
        for line in lines:
            if line and not line.startswith("#"):
                try:
                    out.append((line, step(peer, line)))
                except (OSError, rt.Closed) as error:
                    out.append((line, repr(error)))
                    return out
        gone = {line.split()[0] for line in lines
                if line.split()[1:] == ["."]}
        for who in sorted(set(peer.clients) - gone):
            out.append((who + " PING at the end", step(peer, who + " PING")))
        return out
    finally:
        peer.close()


def compare(tap, name, script, theirs, ours):
    """One test: the script gives the same bytes on both ports."""
    wanted, got = play(script, theirs), play(script, ours)
    problems = []
    for (line, want), (_, have) in zip(wanted, got):
        if want != have:
            problems.append("%s\n  redis: %r\n  here:  %r"
                            % (line, want, have))
    if len(wanted) != len(got):
        problems.append("one side stopped before the end")
    tap.ok(not problems, name, "\n".join(problems))
