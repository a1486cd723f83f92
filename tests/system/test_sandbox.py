"""What both programs give up when they start, looked at from outside; and that
the compactor is the last to get the processor and the disk."""

import ctypes
import os
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()

SMALL = {"table_size": "64kb", "level_base_size": "128kb",
         "level_size_multiplier": 4}
SYS_LANDLOCK_CREATE_RULESET = 444
ENOSYS = 38
IOPRIO_CLASS_IDLE = 3
SYS_IOPRIO_GET = {"x86_64": 252, "aarch64": 31}


class Filter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte),
                ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]


class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.POINTER(Filter))]


def without(number):
    """For preexec_fn: the system call does not exist from now on."""
    def lose():
        rules = (Filter * 4)(
            Filter(0x20, 0, 0, 0),                  # its number
            Filter(0x15, 0, 1, number),             # this one?
            Filter(0x06, 0, 0, 0x00050000 | ENOSYS),
            Filter(0x06, 0, 0, 0x7fff0000))
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(38, 1, 0, 0, 0)
        if libc.prctl(22, 2, ctypes.byref(Program(4, rules)), 0, 0) != 0:
            os._exit(99)
    return lose


def status(pid, field):
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        for line in file:
            if line.startswith(field + ":"):
                return line.split(":", 1)[1].strip()
    return None


def tasks(pid):
    return [int(name) for name in os.listdir("/proc/%d/task" % pid)]


def names(pid):
    found = set()
    for task in tasks(pid):
        try:
            with open("/proc/%d/task/%d/comm" % (pid, task),
                      encoding="ascii") as file:
                found.add(file.read().strip())
        except OSError:
            continue
    return found


def idle_disk(task):
    number = SYS_IOPRIO_GET.get(os.uname().machine)
    if number is None:
        return True
    return ctypes.CDLL(None).syscall(number, 1, task) >> 13 == \
        IOPRIO_CLASS_IDLE


def is_missing():
    """In a build with a sanitizer or without libseccomp."""
    with rt.Server() as server, server.client() as client:
        return client.info("server")["sandbox"] == "off"


def load(server, count=6000):
    with server.client() as client:
        client.pipeline([("SET", "key:%d" % (i % 1500), "%d" % i * 60)
                         for i in range(count)])
        rt.wait_until(lambda: int(client.info("lsm")["l0_files"]) >= 4,
                      "tables")


def small_server(**options):
    return rt.Server(memtable_size="64kb", appendfsync="no", **options)


def test_daemon(tap):
    with rt.Server(sandbox="required") as server, server.client() as client:
        tap.equal([(status(task, "Seccomp"), status(task, "NoNewPrivs"))
                   for task in tasks(server.pid)],
                  [("2", "1")] * len(tasks(server.pid)),
                  "every_thread_of_the_daemon_is_in_the_sandbox")
        tap.equal(client.info("server")["sandbox"], "seccomp",
                  "info_tells_of_the_daemons_sandbox")
        server.signal(signal.SIGHUP)
        rt.wait_until(lambda: "configuration read again" in server.stderr(),
                      "SIGHUP")
        tap.equal(client.call("PING"), "PONG",
                  "the_daemon_reads_its_configuration_anew_in_it")
    with rt.Server(sandbox="no") as server, server.client() as client:
        tap.equal((status(server.pid, "Seccomp"),
                   status(server.pid, "NoNewPrivs"),
                   client.info("server")["sandbox"]), ("0", "0", "off"),
                  "with_no_there_is_none")


def merging(compactor):
    """Wait for a thread that merges; its number and all others."""
    return rt.wait_until(lambda: tasks(compactor.pid)
                         if "merge" in names(compactor.pid) else None,
                         "a thread that merges")


def test_compactor(tap):
    config = os.path.join(rt.scratch_dir(), "riptide.conf")
    log = os.path.join(rt.scratch_dir(), "log")
    with small_server() as server:
        load(server)
        with open(config, "w", encoding="ascii") as file:
            file.write("compaction-rate-limit 64kb\n")
        compactor = rt.Compactor(server.dir, args=[config], logfile=log,
                                 sandbox="required", **SMALL).start()
        found = merging(compactor)
        tap.equal([(status(task, "Seccomp"), status(task, "NoNewPrivs"))
                   for task in found], [("2", "1")] * len(found),
                  "every_thread_of_the_compactor_is_in_the_sandbox")
        tap.equal([(os.sched_getscheduler(task),
                    os.getpriority(os.PRIO_PROCESS, task), idle_disk(task))
                   for task in found],
                  [(os.SCHED_IDLE, 10, True)] * len(found),
                  "every_thread_of_it_is_idle_for_processor_and_disk")
        os.rename(log, log + ".1")
        with open(config, "w", encoding="ascii") as file:
            file.write("compaction-rate-limit 0\n")
        compactor.signal(signal.SIGHUP)
        rt.wait_until(lambda: os.path.exists(log), "a new log")
        tap.ok(True, "the_compactor_opens_its_log_anew_in_it")
        rt.wait_until(lambda: read(log).count("event=done") > 0,
                      "merges at full speed")
        tap.ok(True, "and_reads_its_configuration_anew")
        tap.equal(clock_of(server.dir), [clock_of(server.dir)[0]] * 2,
                  "and_knows_the_boot_by_the_same_number_as_the_daemon")
        tap.equal(compactor.stop(), 0, "and_ends_as_ever")
        tap.ok("cannot be" not in read(log + ".1") + read(log),
               "it_lacks_nothing", read(log))


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def clock_of(directory):
    """Boot numbers: in the newest manifest, the compactor's, and in that of a
    database that only a daemon has had."""
    with rt.Server() as fresh:
        fresh.stop()
        return [boot_of(fresh.dir), boot_of(directory)]


def boot_of(directory):
    shown = subprocess.run([rt.RIPTIDE, "--dir", directory, "dump",
                            "manifest"], capture_output=True, text=True,
                           check=True).stdout
    return shown.split("boot_id=", 1)[1].split()[0]


def test_awaited(tap):
    with small_server() as server:
        load(server)
        compactor = rt.Compactor(server.dir, args=["--once"],
                                 compaction_rate_limit="64kb",
                                 **SMALL).start()
        found = merging(compactor)
        tap.equal([(os.sched_getscheduler(task),
                    os.getpriority(os.PRIO_PROCESS, task), idle_disk(task))
                   for task in found],
                  [(os.SCHED_OTHER, 10, True)] * len(found),
                  "one_that_is_awaited_is_nice_but_not_idle")
        compactor.kill()


def test_not_to_be_had(tap):
    with rt.Server() as server:
        server.stop()
    for sandbox, wanted in (("required", 78), ("yes", 0)):
        done = subprocess.run(
            [rt.COMPACTD, "--dir", server.dir, "--once", "--sandbox",
             sandbox], capture_output=True, text=True, check=False,
            preexec_fn=without(SYS_LANDLOCK_CREATE_RULESET))
        tap.equal(done.returncode, wanted,
                  "without_landlock_%s_ends_with_%d" % (sandbox, wanted))
        tap.ok("landlock" in done.stderr, "it_says_what_there_is_not",
               done.stderr)


def test_missing(tap):
    with rt.Server() as server:
        server.stop()
    tap.equal(rt.Compactor(server.dir, sandbox="required").once(), 78,
              "in_a_build_without_one_required_ends_with_78")


if is_missing():
    tests = (test_missing,)
else:
    tests = (test_daemon, test_compactor, test_awaited, test_not_to_be_had)
for test in tests:
    tap.run(test)
tap.done()
