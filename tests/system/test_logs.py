#!/usr/bin/env python3
"""The logs of both programs: one schema in two shapes, new files after SIGHUP,
and nothing in them that clients sent."""

import json
import os
import re
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt

COMMON = ["ts", "level", "prog", "pid", "area", "event"]
LEVELS = ("debug", "verbose", "notice", "warning")
MARKS = ("kEyMaRk", "vAlUeMaRk", "pAsSwOrD", "wRoNgPaSs", "nAmEmArK")


def text_fields(line):
    """A line of logfmt, taken apart without leaving a rest."""
    pairs = re.findall(r'([\w.-]+)=("(?:[^"\\]|\\.)*"|[^\s"\\]*)(?: |$)', line)
    rebuilt = " ".join("%s=%s" % pair for pair in pairs)
    return dict(pairs) if rebuilt == line else None


def json_fields(line):
    try:
        return json.loads(line)
    except ValueError:
        return None


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def busy(server):
    """All that may tempt a daemon to log what it was sent."""
    key, value, password, wrong, name = MARKS
    with server.client() as client:
        client.call("AUTH", password)
        client.call("CONFIG", "SET", "slowlog-log-slower-than", "0")
        client.call("CLIENT", "SETNAME", name)
        client.pipeline([("SET", key + "%d" % i, value * 40)
                         for i in range(3000)])
        client.pipeline([("INCR", key + "1"), ("LPUSH", key, value),
                         (key, value), ("EVAL", value, "1", key),
                         ("CONFIG", "SET", "requirepass", password),
                         ("CONFIG", "SET", key, value),
                         ("CONFIG", "SET", "memtable-size", value),
                         ("SET", key * 10000, value)])
        client.call("FLUSHMEM")
        rt.wait_until(lambda: client.info("lsm")["immutable_memtables"] == "0",
                      "the flush")
        client.pipeline([("DEL", key + "%d" % i) for i in range(0, 3000, 2)])
        client.call("FLUSHMEM")
        client.call("COMPACT")
    for junk in (b"*1\r\n$x\r\n" + value.encode(), b"*2\r\n$4\r\nAUTH\r\n$" +
                 b"-7\r\n", b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" %
                 value.encode(), b"POST " + key.encode() + b"\r\n\r\n"):
        with server.client() as client:
            client.send_raw(junk)
            client.recv_all()
    for _ in range(2):
        with server.client() as client:
            client.send_raw(rt.encode("AUTH", wrong) +
                            rt.encode("AUTH", wrong, wrong) +
                            rt.encode("HELLO", "3", "AUTH", wrong, wrong) +
                            rt.encode("GET", key) + rt.encode("QUIT"))
            client.recv_all()


def each_format(tap, name, fields):
    logs = [os.path.join(rt.scratch_dir(), "log") for _ in range(2)]
    with rt.Server(requirepass=MARKS[2], loglevel="debug", logfile=logs[0],
                   log_format=name, memtable_size="64kb") as server:
        compactor = rt.Compactor(server.dir, loglevel="debug",
                                 logfile=logs[1], log_format=name).start()
        busy(server)
        rt.wait_until(lambda: re.search("area.{1,3}job", read(logs[1])),
                      "a merge")
        server.signal(signal.SIGUSR1)
        rt.wait_until(lambda: "durable_seq" in read(logs[0]), "its state")
        for log, process in ((logs[0], server), (logs[1], compactor)):
            os.rename(log, log + ".1")
            process.signal(signal.SIGHUP)
            rt.wait_until(lambda: os.path.exists(log), "a new file")
        server.stop()
        compactor.stop()
    whole = [read(log + ".1") + read(log) for log in logs]
    lines = [line for text in whole for line in text.splitlines()]
    taken = [fields(line) for line in lines]
    tap.equal([line for line, got in zip(lines, taken) if got is None], [],
              name + "_lines_are_well_formed")
    taken = [got for got in taken if got is not None]
    tap.equal([got for got in taken if list(got)[:6] != COMMON or
               got["level"] not in LEVELS or not re.fullmatch(
                   r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", got["ts"])], [],
              name + "_lines_have_the_schema")
    tap.ok({got["prog"] for got in taken} == {"riptided", "riptide-compactd"}
           and {got["level"] for got in taken} >= {"notice", "warning"} and
           len(taken) > 30, name + "_lines_come_from_both_programs")
    tap.ok(all(read(log) for log in logs),
           name + "_logs_go_on_in_new_files_after_sighup")
    tap.equal([line for line in lines if any(mark in line for mark in MARKS)],
              [], name + "_logs_have_nothing_that_clients_sent")


def main():
    tap = rt.Tap()
    tap.run(each_format, "text", text_fields)
    tap.run(each_format, "json", json_fields)
    tap.done()


main()
