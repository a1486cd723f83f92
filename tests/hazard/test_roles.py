"""H6, H7, H8, H9: one daemon and one compactor have a directory, whatever
happens to pids, to lock files, to children; and the directory is local."""

import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hazard  # noqa: E402
import shim  # noqa: E402
from hazard import rt  # noqa: E402

tap = rt.Tap()

LOCKED = 75


def second(server):
    """Start another daemon on the directory; its end and its last line."""
    other = hazard.server(dir=server.dir)
    other.spawn()
    return hazard.wait_ended(other, "the second daemon"), \
        other.stderr().splitlines()[-1]


def test_pids(tap):
    """H6: what LOCK says about a process decides nothing."""
    with hazard.server() as server:
        server.kill()
        for name, pid in (("a_living_process", os.getpid()), ("init", 1)):
            with open(os.path.join(server.dir, "LOCK"), "w",
                      encoding="ascii") as file:
                file.write("%d\n" % pid)
            server.start()
            tap.ok(True, "the_pid_of_%s_in_lock_keeps_nobody_out" % name)
            server.kill()


def test_same_pid(tap):
    """H6: two daemons, each the first process of a space of pids."""
    probe = ["unshare", "--pid", "--fork", "--kill-child", "true"]
    if shutil.which("unshare") is None or subprocess.run(
            probe, stderr=subprocess.DEVNULL, check=False).returncode != 0:
        tap.skip("of_two_daemons_with_one_pid_the_second_is_refused",
                 "no right to make a space of pids")
        return
    first = hazard.server()
    first.args = probe[1:4] + [first.program]
    first.program = "unshare"
    first.start()
    other = hazard.server(dir=first.dir)
    other.args = probe[1:4] + [other.program]
    other.program = "unshare"
    other.spawn()
    tap.equal(hazard.wait_ended(other, "the second daemon"), LOCKED,
              "of_two_daemons_with_one_pid_the_second_is_refused")
    first.kill()


def test_removed_lock(tap, name, deed):
    """H8"""
    data = hazard.Data()
    with hazard.server() as server, server.client() as client:
        data.write(client)
        deed(os.path.join(server.dir, "LOCK"))
        status, line = second(server)
        tap.ok(status == LOCKED and "in use" in line,
               "a_second_daemon_is_refused_where_lock_was_%s" % name, line)
        data.write(client)
        hazard.flushed(client)
        tap.equal(data.wrong(client), [],
                  "the_first_goes_on_where_lock_was_%s" % name)
        server.kill()
        server.start()
        with server.client() as again:
            tap.equal(data.wrong(again), [],
                      "and_nothing_is_lost_where_lock_was_%s" % name)


def replace(path):
    os.unlink(path)
    with open(path, "w", encoding="ascii"):
        pass


def test_removed_lock_of_the_compactor(tap):
    """H8: its successor has the role, and it finds out before it publishes."""
    data = hazard.Data()
    with hazard.server() as server, server.client() as client:
        first = hazard.compactor(server.dir).start()
        rt.wait_until(lambda: os.path.exists(
            os.path.join(server.dir, "COMPACTOR")), "a compactor at work")
        os.unlink(os.path.join(server.dir, "COMPACTOR.LOCK"))
        tap.equal(hazard.compactor(server.dir).once(), 0,
                  "where_its_lock_was_removed_another_compactor_starts")
        data.write(client, 6)
        hazard.flushed(client)
        status = hazard.wait_ended(first, "the first compactor")
        tap.ok(status not in (0, -signal.SIGKILL),
               "and_the_first_ends_when_it_wants_to_publish",
               first.stderr()[-300:])
        tap.equal(hazard.compactor(server.dir).once("--full"), 0,
                  "a_third_takes_over")
        tap.equal(data.wrong(client), [], "and_all_is_right")
        hazard.sound(tap, server.dir, "the_files_are_sound_after_three")


def test_moved_directory(tap):
    """H8: another directory under the old name is another database."""
    data = hazard.Data()
    with hazard.server() as server, server.client() as client:
        data.write(client)
        moved = server.dir + ".moved"
        os.rename(server.dir, moved)
        other = hazard.server(dir=server.dir)
        with other, other.client() as stranger:
            stranger.call("SET", "k001", "another")
            data.write(client)
            hazard.flushed(client)
            tap.equal(data.wrong(client), [],
                      "a_directory_in_the_place_of_a_moved_one_is_no_rival")
            tap.equal(stranger.call("DBSIZE"), 1, "nor_is_the_moved_one")
        server.kill()
        server.options["dir"] = moved
        server.start()
        with server.client() as again:
            tap.equal(data.wrong(again), [], "and_nothing_moved_is_lost")


def test_child_of_a_killed_daemon(tap):
    """H7: a process that is not yet a compactor has no socket and no lock of
    its daemon, and nobody waits for it when that is killed."""
    socket = os.path.join(rt.scratch_dir(), "socket")
    server = hazard.server(hazard.at("spawn-forked"), compactor="spawn",
                           port=0, unixsocket=socket)
    # What a child is started with must not be looked for in the log's text.
    server.client = lambda **options: rt.RespClient(path=socket)
    server.start()
    child = rt.wait_until(lambda: stopped_child(server.pid),
                          "the child at its point")
    server.kill()
    server.env = None
    # Sooner or later this one wants a compactor, too.
    server.options["compactor"] = "external"
    server.start()
    tap.ok(stopped_pid(child), "a_start_waits_for_no_child_of_a_killed_daemon")
    os.kill(child, signal.SIGCONT)
    rt.wait_until(lambda: not os.path.exists("/proc/%d" % child),
                  "the child to end")
    tap.ok(True, "which_ends_when_it_goes_on")
    tap.equal(server.stop(), 0, "and_stops_well")


def stopped_child(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid),
              encoding="ascii") as file:
        stopped = [int(word) for word in file.read().split()
                   if stopped_pid(int(word))]
    return stopped[0] if stopped else None


def stopped_pid(pid):
    with open("/proc/%d/stat" % pid, "rb") as file:
        return file.read().rsplit(b")", 1)[1].split()[0] in b"Tt"


def test_network(tap):
    """H9"""
    library = shim.build()
    if library is None:
        tap.skip("a_network_file_system_is_refused", "no compiler")
        return
    with hazard.server() as server, server.client() as client:
        client.call("SET", "a", "1")
        hazard.flushed(client)
        server.stop()
    for name, magic in (("NFS", 0x6969), ("SMB", 0xFF534D42),
                        ("9p", 0x01021997), ("FUSE", 0x65735546)):
        env = {"LD_PRELOAD": library, "SHIM_FS": str(magic)}
        server.env = env
        server.spawn()
        status = hazard.wait_ended(server, "the daemon")
        line = server.stderr().splitlines()[-1]
        tap.ok(status == 78 and name in line and "unsafe-filesystem" in line,
               "the_daemon_refuses_%s" % name, (status, line))
        compactor = hazard.compactor(server.dir, env)
        tap.ok(compactor.once() == 78 and name in compactor.stderr(),
               "the_compactor_refuses_%s" % name, compactor.stderr())
    server.options["unsafe_filesystem"] = "yes"
    server.start()
    with server.client() as client:
        tap.equal(client.call("GET", "a"), b"1",
                  "with_unsafe_filesystem_it_is_served")
    compactor.options["unsafe_filesystem"] = "yes"
    tap.equal(compactor.once(), 0, "and_merged")
    server.kill()


tap.run(test_pids)
tap.run(test_same_pid)
tap.run(test_removed_lock, "removed", os.unlink)
tap.run(test_removed_lock, "replaced", replace)
tap.run(test_removed_lock_of_the_compactor)
tap.run(test_moved_directory)
tap.run(test_child_of_a_killed_daemon)
tap.run(test_network)
tap.done()
