"""A lone riptided starts a compactor, starts it again, and ends it."""

import os
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()


def compactors(pid):
    """The compactors among the children of a process."""
    with open("/proc/%d/task/%d/children" % (pid, pid),
              encoding="ascii") as file:
        children = [int(word) for word in file.read().split()]
    found = []
    for child in children:
        try:
            with open("/proc/%d/comm" % child, encoding="ascii") as file:
                # The kernel keeps 15 bytes of a name.
                if file.read().startswith("riptide-compac"):
                    found.append(child)
        except OSError:
            continue
    return found


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_lone_daemon(tap):
    with rt.Server(compactor="spawn") as server:
        first = rt.wait_until(lambda: compactors(server.pid),
                              "a compactor to be started")[0]
        tap.ok(True, "a_lone_daemon_starts_a_compactor")
        with open("/proc/%d/cmdline" % first, "rb") as file:
            words = file.read().split(b"\0")
        tap.ok(server.dir.encode() in words,
               "the_compactor_gets_our_directory", words)
        os.kill(first, signal.SIGKILL)
        again = rt.wait_until(
            lambda: [pid for pid in compactors(server.pid) if pid != first],
            "another compactor to be started")[0]
        tap.ok(True, "a_compactor_that_died_is_started_again")
        with server.client() as client:
            info = rt.wait_until(
                lambda: (lambda found: found if
                         found["compactor_spawn_state"] == "running" else None)
                (client.info("compactor")), "INFO to know of it")
            tap.ok(info["compactor_spawn_restarts"] == "1" and
                   info["compactor_spawn_last_end"] == "signal 9",
                   "info_tells_how_the_last_one_ended", info)
        tap.equal(server.stop(), 0, "a_daemon_with_a_compactor_stops")
        rt.wait_until(lambda: not alive(again), "the compactor to end")
        tap.ok(True, "the_compactor_ends_with_its_daemon")


def test_killed_daemon(tap):
    with rt.Server(compactor="spawn") as server:
        child = rt.wait_until(lambda: compactors(server.pid),
                              "a compactor to be started")[0]
        server.kill()
        rt.wait_until(lambda: not alive(child), "the compactor to end")
        tap.ok(True, "the_compactor_ends_when_its_daemon_is_killed")


def test_others_are_left_in_peace(tap):
    with rt.Server(compactor="external") as server:
        other = rt.Compactor(server.dir)
        other.start()
        rt.wait_until(lambda: os.path.exists(
            os.path.join(server.dir, "COMPACTOR")), "a compactor at work")
        tap.equal(compactors(server.pid), [],
                  "external_starts_no_compactor")
        with server.client() as client:
            tap.equal(client.info("compactor")["compactor_spawn_state"],
                      "off", "and_info_says_so")
        server.options["compactor"] = "spawn"
        server.restart()
        with server.client() as client:
            # The daemon looks at once and then every second.
            end = int(client.info("server")["uptime_in_seconds"]) + 3
            rt.wait_until(lambda: int(client.info("server")
                                      ["uptime_in_seconds"]) >= end,
                          "three seconds to pass")
        tap.equal(compactors(server.pid), [],
                  "while_another_compactor_works_none_is_started")
        tap.ok(other.ended() is None, "the_other_compactor_goes_on",
               other.stderr())
        other.stop()


for test in (test_lone_daemon, test_killed_daemon,
             test_others_are_left_in_peace):
    tap.run(test)
tap.done()
