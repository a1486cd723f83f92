"""What the compactor tells of its work: lines of the log, INFO, the history of
jobs, the last line of a run, and the bar on a terminal."""

import fcntl
import os
import pty
import random
import re
import select
import signal
import struct
import subprocess
import sys
import termios

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()

SMALL = {"table_size": "64kb", "level_base_size": "128kb",
         "level_size_multiplier": 4}
CLEAR = "\r\x1b[K"


def small_server(**options):
    return rt.Server(memtable_size="64kb", appendfsync="no", **options)


def load(server, count=6000, at_least=4):
    with server.client() as client:
        rng = random.Random(count)
        client.pipeline([("SET", "key:%d" % (i % 3000), rng.randbytes(200))
                         for i in range(count)])
        client.call("FLUSHMEM")
        rt.wait_until(lambda: int(client.info("lsm")["l0_files"]) >= at_least,
                      "tables")


def fields(line):
    """name=value pairs of a line of the log."""
    return {name: value.strip('"') for name, value in
            re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line)}


def lines(compactor, event):
    return [fields(line) for line in compactor.stderr().splitlines()
            if fields(line).get("event") == event]


def jobs(client, *args):
    return [dict(zip((name.decode() for name in reply[::2]),
                     (value.decode() if isinstance(value, bytes) else value
                      for value in reply[1::2])))
            for reply in client.call("RIPTIDE", "JOBS", *args)]


def ended(compactor):
    """Of the last run."""
    return lines(compactor, "ended")[-1]


def test_history(tap):
    with small_server() as server, server.client() as client:
        tap.equal(client.call("RIPTIDE", "JOBS"), [],
                  "without_a_compactor_there_are_no_jobs")
        load(server)
        compactor = rt.Compactor(server.dir, **SMALL)
        compactor.once("--full")
        info = client.info("compactor")
        done = lines(compactor, "done")
        told = jobs(client, -1)
        tap.equal([(job["number"], job["outcome"]) for job in told],
                  [(number, "done") for number in
                   range(len(done), 0, -1)],
                  "each_job_of_the_log_is_in_the_history_newest_first")
        same = [(int(line["inputs"]), int(line["outputs"]),
                 int(line["bytes_in"]), int(line["bytes_out"]),
                 int(line["tombstones"]),
                 int(line["shadowed"]) + int(line["dropped"]))
                for line in reversed(done)]
        tap.equal([(job["inputs"], job["outputs"], job["bytes-in"],
                    job["bytes-out"], job["tombstones-dropped"],
                    job["versions-dropped"]) for job in told], same,
                  "with_the_same_figures")
        tap.equal([int(info[name]) for name in (
            "compactor_jobs_done", "compactor_bytes_read",
            "compactor_bytes_written", "compactor_versions_dropped")],
            [len(told)] + [sum(job[name] for job in told) for name in (
                "bytes-in", "bytes-out", "versions-dropped")],
            "info_has_their_sums")
        flushed = int(client.info("lsm")["flush_bytes"])
        wanted = (flushed + int(info["compactor_bytes_written"])) / flushed
        tap.ok(abs(float(info["compactor_write_amplification"]) - wanted) <
               0.011 and done[-1]["write_amplification"] ==
               info["compactor_write_amplification"],
               "write_amplification_is_what_was_written_by_what_was_flushed",
               "%s, not %.3f" % (info["compactor_write_amplification"],
                                 wanted))
        tap.equal(len(jobs(client, 1)), 1, "one_can_ask_for_fewer")
        tap.equal(client.error("RIPTIDE", "JOBS", "-2"),
                  "ERR count should be greater than or equal to -1",
                  "a_wrong_count_is_refused")
        load(server)
        compactor.once()
        tap.equal(jobs(client, 1)[0]["number"],
                  len(lines(compactor, "done")),
                  "numbers_go_on_after_a_restart")
        shown = subprocess.run([rt.RIPTIDE, "--dir", server.dir, "jobs"],
                               capture_output=True, text=True, check=False)
        tap.equal(len(shown.stdout.splitlines()),
                  1 + len(jobs(client, -1)), "the_tool_has_a_line_for_each")
        levels = client.call("RIPTIDE", "LEVELS")
        info = client.info("lsm")
        tap.equal([(reply[3], reply[5]) for reply in levels],
                  [(int(info["level%d_files" % i]),
                    int(info["level%d_bytes" % i]))
                   for i in range(int(info["levels"]))],
                  "levels_are_those_of_info")


def test_progress_in_info(tap):
    with small_server() as server, server.client() as client:
        load(server, 12000)
        compactor = rt.Compactor(server.dir, compaction_rate_limit="64kb",
                                 **SMALL).start()

        def moves():
            info = client.info("compactor")
            return info if int(info["compactor_progress_bytes"]) > 0 else None

        info = rt.wait_until(moves, "a job to move")
        tap.equal((info["compactor_state"], info["compactor_phase"],
                   info["compactor_jobs_running"]),
                  ("running", "merging", "1"),
                  "a_job_under_way_is_told_with_its_phase")
        tap.ok(int(info["compactor_progress_bytes"]) <
               int(info["compactor_progress_total_bytes"]) and
               int(info["compaction_debt_bytes"]) > 0,
               "and_how_far_it_is", info)
        rt.wait_until(lambda: int(client.info("compactor")
                                  ["compactor_eta_seconds"]) > 0, "an eta")
        tap.ok(True, "and_when_it_will_be_done")
        compactor.signal(signal.SIGUSR1)
        rt.wait_until(lambda: "compactor_phase=merging" in compactor.stderr(),
                      "the state in the log")
        tap.ok(True, "usr1_prints_it_too")
        compactor.stop()
        tap.equal(jobs(client, 1)[0]["outcome"], "stopped",
                  "a_job_that_was_stopped_is_in_the_history")
        info = client.info("compactor")
        tap.equal((info["compactor_state"], info["compactor_phase"],
                   info["compactor_jobs_running"]), ("absent", "absent", "0"),
                  "of_one_that_is_away_nothing_is_under_way")
        compactor = rt.Compactor(server.dir, **SMALL).start()
        rt.wait_until(lambda: client.info("compactor")["compactor_phase"] ==
                      "idle", "rest")
        tap.ok(True, "with_nothing_due_it_rests")
        compactor.stop()
        compactor = rt.Compactor(server.dir, scrub_interval=1,
                                 **SMALL).start()
        rt.wait_until(lambda: client.info("compactor")["compactor_phase"] ==
                      "scrubbing", "a pass over all tables")
        tap.ok(True, "a_pass_that_looks_for_damage_is_told")


def test_last_line(tap):
    with small_server() as server:
        load(server)
        compactor = rt.Compactor(server.dir, **SMALL)

        def run(*args, **options):
            compactor.options.update(options)
            status = compactor.once(*args)
            line = ended(compactor)
            tap.ok(int(line["exit"]) == status and
                   int(line["jobs"]) >= 0 and "debt_bytes" in line and
                   compactor.stderr().splitlines()[-1 if status == 0 else -2]
                   .count("event=ended") == 1,
                   "the_last_line_has_its_words", line)
            return line["result"], status

        tap.equal(run("--budget", "1s", compaction_rate_limit="64kb"),
                  ("budget-spent", 0), "a_spent_budget_is_told")
        tap.ok(int(ended(compactor)["debt_bytes"]) > 0,
               "and_what_is_left_to_do")
        slow = rt.Compactor(server.dir, args=["--once"],
                            compaction_rate_limit="64kb", **SMALL).start()
        rt.wait_until(lambda: "event=started" in slow.stderr(), "a start")
        slow.stop()
        tap.equal(ended(slow)["result"], "stopped", "a_stop_is_told")
        tap.equal(run(compaction_rate_limit="0"), ("done", 0),
                  "work_done_is_told")
        tap.equal(run(), ("nothing-due", 0), "nothing_due_is_told")
        load(server)
        server.stop()
        table = max((os.path.join(server.dir, "sst", name) for name in
                     os.listdir(os.path.join(server.dir, "sst"))),
                    key=os.path.getmtime)
        with open(table, "r+b") as file:
            file.seek(100)
            file.write(b"damage")
        tap.equal(run("--full"), ("damaged", 65), "damage_is_told")


class Terminal:
    """A compactor whose standard error is a terminal."""

    def __init__(self, compactor, *args, term="xterm", columns=70):
        self.near, far = pty.openpty()
        self.resize(columns)
        env = dict(os.environ, TERM=term)
        self.process = subprocess.Popen(
            compactor.command() + list(args), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=far, env=env)
        os.close(far)
        self.text = ""

    def resize(self, columns):
        fcntl.ioctl(self.near, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 24, columns, 0, 0))

    def read(self):
        """What came meanwhile; False at the end."""
        if not select.select([self.near], [], [], rt.PATIENCE_S)[0]:
            raise TimeoutError("the terminal is silent")
        try:
            data = os.read(self.near, 65536)
        except OSError:
            return False
        self.text += data.decode().replace("\r\n", "\n")
        return True

    def read_until(self, condition):
        while not condition(self.text):
            if not self.read():
                raise RuntimeError("it ended: " + self.text[-1000:])

    def end(self):
        while self.read():
            pass
        os.close(self.near)
        return self.process.wait(rt.PATIENCE_S)

    def drawn(self):
        """What was drawn, each time."""
        return [part.split("\n")[0] for part in self.text.split(CLEAR)[1:]
                if part and not part.startswith("ts=")]


def test_terminal(tap):
    with small_server() as server:
        load(server, 12000)
        compactor = rt.Compactor(server.dir, compaction_rate_limit="512kb",
                                 **SMALL)
        terminal = Terminal(compactor, "--once")
        terminal.read_until(lambda text: " MB/s  eta " in text)
        terminal.resize(40)
        terminal.read_until(lambda text: len(text.split(CLEAR)[-2]) < 40)
        wide = [part for part in terminal.drawn() if len(part) > 40]
        terminal.resize(120)
        terminal.read_until(lambda text: len(text.split(CLEAR)[-1]) > 70)
        tap.equal(terminal.end(), 0, "a_run_on_a_terminal_ends_well")
        tap.ok(wide and all(len(part) <= 69 for part in wide),
               "a_bar_is_drawn_and_never_wraps", wide)
        tap.ok(True, "it_follows_the_size_of_the_window")
        tap.ok(re.search(r"\[#+\.*\] +[0-9]+%  [0-9.]+ of [0-9.]+ MB",
                         terminal.text), "it_shows_share_and_bytes",
               terminal.text[-500:])
        unclean = [line for line in terminal.text.split("\n")
                   if "ts=" in line and not line.split("ts=")[0].endswith(
                       CLEAR) and line.split("ts=")[0] != ""]
        tap.equal(unclean, [], "it_is_taken_away_before_a_line_of_the_log")
        tap.ok("event=ended" in terminal.text.split("\n")[-2],
               "and_at_the_end", terminal.text[-300:])


def test_no_terminal(tap):
    with small_server() as server:
        load(server)
        compactor = rt.Compactor(server.dir, compaction_rate_limit="512kb",
                                 **SMALL)
        dumb = Terminal(compactor, "--once", term="dumb")
        dumb.end()
        tap.ok("\x1b" not in dumb.text and "event=ended" in dumb.text,
               "a_dumb_terminal_gets_no_escape_codes", dumb.text[-300:])
        load(server)
        compactor.once("--full")
        tap.ok("\x1b" not in compactor.stderr() and
               "event=ended" in compactor.stderr(),
               "a_file_gets_none", compactor.stderr()[-300:])


for test in (test_history, test_progress_in_info, test_last_line,
             test_terminal, test_no_terminal):
    tap.run(test)
tap.done()
