"""The manual pages: each has the sections that a person looks for, their
examples run, and they know each warning that the programs can log.

What is run are the lines of EXAMPLES that begin with "$ ", with the data in a
scratch directory, servers on a free port, and benchmarks made short. A daemon
runs on beside the lines that follow it, until the page ends."""

import glob
import os
import re
import shutil
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()
MAN = os.path.join(rt.SRCDIR, "man")
PROGRAMS = ("riptide.1", "riptide-bench.1", "riptided.8",
            "riptide-compactd.8")
SECTIONS = {
    **{page: {"FILES", "EXIT STATUS", "EXAMPLES", "DIAGNOSTICS"}
       for page in PROGRAMS},
    "riptide.conf.5": {"FILES", "EXIT STATUS", "EXAMPLES", "DIAGNOSTICS"},
    "riptide-format.5": {"FILES", "EXAMPLES", "DIAGNOSTICS"},
    "riptidekv.7": {"FILES", "EXAMPLES"},
}
SIGNALS = ("riptided.8", "riptide-compactd.8")
BUILT = {"riptided": rt.RIPTIDED, "riptide-compactd": rt.COMPACTD,
         "riptide": rt.RIPTIDE, "riptide-bench": os.path.join(
             rt.BUILDDIR, "bench", "riptide-bench")}
RUNS_ON = re.compile(r"(nice -n \d+ )?(riptided|riptide-compactd(?!.*--(once|"
                     r"dry-run|forecast)))\b")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def page(name):
    return read(os.path.join(MAN, name))


def word(name):
    return re.sub(r"[^a-z0-9]", "_", name)


# -- sections --

def test_sections(tap):
    tap.equal({os.path.basename(path) for path in
               glob.glob(os.path.join(MAN, "*.[1-8]"))} -
              {"riptide-commands.7"}, set(SECTIONS), "every_page_is_looked_at")
    for name, wanted in sorted(SECTIONS.items()):
        there = set(re.findall(r"^\.Sh (.*)$", page(name), re.M))
        if name in SIGNALS:
            wanted = wanted | {"SIGNALS"}
        tap.equal(wanted - there, set(), word(name) + "_has_its_sections")


# -- messages --

def warnings(pattern):
    """The events of rt_log() at level warning in these sources."""
    found = set()
    for path in glob.glob(os.path.join(rt.SRCDIR, pattern), recursive=True):
        for call in re.findall(r"rt_log(?:_limited)?\((.*?)\);", read(path),
                               re.S):
            texts = [''.join(re.findall(r'"((?:[^"\\]|\\.)*)"', text))
                     for text in re.findall(r'(?:"(?:[^"\\]|\\.)*"\s*)+',
                                            call)]
            if "RT_LOG_WARNING" in call and len(texts) > 1:
                found.add(texts[1])
    return found


def known(name):
    """The messages of a page, as a person would read them."""
    text = page(name)
    text = text[text.index(".Sh DIAGNOSTICS"):]
    return " ".join(text.split())


def test_messages(tap):
    daemon, compactor = known("riptided.8"), known("riptide-compactd.8")
    said = warnings("riptided/**/*.c") | warnings("libcommon/daemon/*.c")
    tap.ok(len(said) > 20, "warnings_are_found", said)
    tap.equal({event for event in said if event not in daemon}, set(),
              "riptided_8_knows_each_warning")
    said = warnings("riptide-compactd/*.c")
    tap.equal({event for event in said if event not in compactor}, set(),
              "riptide_compactd_8_knows_each_warning")


# -- examples --

def examples(name):
    """The lines to be run, whole."""
    text = page(name)
    text = text[text.index(".Sh EXAMPLES"):]
    text = text[:text.index(".Sh ", 4)]
    text = re.sub(r"\\e?\n\s*", " ", text)
    for quoted, plain in ((r"\(dq", '"'), (r"\e", "\\"), (r"\-", "-"),
                          ("\\&", "")):
        text = text.replace(quoted, plain)
    lines, loop = [], None
    for line in text.splitlines():
        line = re.sub(r"^\.Dl ", "", line)
        if loop is not None:
            loop.append(line)
            if line == "done":
                lines.append("\n".join(loop))
                loop = None
        elif line.startswith("$ for "):
            loop = [line[2:]]
        elif line.startswith("$ "):
            lines.append(line[2:])
    return lines


class Desk:
    """A directory, and programs in PATH, for the lines of one page."""

    def __init__(self):
        self.home = rt.scratch_dir()
        self.port = rt.free_port()
        self.data = os.path.join(self.home, "data")
        self.running = []
        os.makedirs(os.path.join(self.home, "bin"))
        os.makedirs(os.path.join(self.home, "backup"))
        for name, path in BUILT.items():
            os.symlink(os.path.abspath(path),
                       os.path.join(self.home, "bin", name))
        self.env = dict(os.environ, TMPDIR=self.home, TERM="dumb")
        self.env["PATH"] = os.path.join(self.home, "bin") + ":" + \
            self.env["PATH"]
        with open(os.path.join(self.home, "riptide.conf"), "w",
                  encoding="ascii") as file:
            file.write("dir %s\nport %d\n" % (self.data, self.port))

    def fit(self, line):
        """The same line for this desk."""
        line = line.rstrip(" .&")
        line = line.replace("/etc/riptidekv/riptide.conf", os.path.join(
            self.home, "riptide.conf"))
        line = re.sub(r"/var/lib/riptidekv|/tmp/scratch|\./data", self.data,
                      line)
        line = line.replace("/backup/", os.path.join(self.home, "backup/"))
        line = re.sub(r"(?<=\s)(-p|--port) \d+", r"\1 %d" % self.port, line)
        line = re.sub(r"redis-cli (?!-p)", "redis-cli -p %d " % self.port,
                      line)
        line = re.sub(r" --bind \S+ 192\S+| --bind \"[^\"]*\"", "", line)
        line = re.sub(r"(riptided(?: (?!--port)\S+)*)$", r"\1 --port %d" %
                      self.port, line) if "--port" not in line else line
        line = re.sub(r"^riptide-bench engine", "riptide-bench engine "
                      "--runs 1 --keys 20000 --tests fillseq", line)
        line = re.sub(r"(--keys|--requests) \d+", r"\1 20000", line)
        line = re.sub(r"--seconds \d+", "--seconds 1", line)
        line = re.sub(r"riptide-bench load", "riptide-bench load --port %d" %
                      self.port, line)
        line = line.replace("100gb", "1gb").replace("20gb", "200mb")
        segments = sorted(os.listdir(os.path.join(self.data, "wal")))
        return line.replace(" 1.wal", " " + segments[0])

    def begin(self, line):
        """A program that runs on; a daemon of before makes room for it."""
        if "riptided" in line:
            self.end()
        log = os.path.join(self.home, "log")
        with open(log, "ab") as out:
            process = subprocess.Popen(
                ["sh", "-c", "exec " + line], cwd=self.home, env=self.env,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.running.append(process)
        rt._cleanups.append(self.end)

        def is_up():
            if process.poll() is not None:
                raise RuntimeError("%s: %s" % (line, read(log)))
            return read(log).count(
                "event=ready" if "riptided" in line else "event=started") or \
                '"event":"ready"' in read(log)

        rt.wait_until(is_up, line)
        os.unlink(log)
        return 0, ""

    def run(self, line):
        done = subprocess.run(["sh", "-c", line], cwd=self.home, env=self.env,
                              capture_output=True, text=True, check=False,
                              timeout=rt.PATIENCE_S)
        return done.returncode, done.stdout + done.stderr

    def end(self):
        while self.running:
            process = self.running.pop()
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(rt.PATIENCE_S)


def test_examples(tap, name):
    desk = Desk()
    # What an example finds there.
    first = rt.Server(dir=desk.data).start()
    with first.client() as client:
        client.pipeline([("SET", "key%d" % i, "v" * 100) for i in range(100)])
        client.call("FLUSHMEM")
    first.stop()
    # Stores of others may not be there.
    lines = [line for line in examples(name) if "--peer" not in line]
    if name == "riptide-bench.1":
        desk.begin("riptided --dir %s --port %d" % (desk.data, desk.port))
    tap.ok(len(lines) > 0, word(name) + "_has_examples")
    for line in lines:
        fitted = desk.fit(line)
        status, said = desk.begin(fitted) if RUNS_ON.match(fitted) else \
            desk.run(fitted)
        tap.ok(status == 0, "%s_%s" % (word(name), word(line)[:50]),
               "%s\n%d: %s" % (fitted, status, said[-1500:]))
    desk.end()


def test_conf_example(tap):
    """The file of the page is taken as it stands."""
    text = page("riptide.conf.5")
    text = text[text.index(".Sh EXAMPLES"):]
    text = re.search(r"\.Bd.*?\n(.*?)\.Ed", text, re.S).group(1)
    path = os.path.join(rt.scratch_dir(), "riptide.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    done = subprocess.run([rt.RIPTIDED, path, "--check-config"],
                          capture_output=True, text=True, check=False)
    tap.equal((done.returncode, done.stderr), (0, ""),
              "the_file_of_riptide_conf_5_is_good")


tap.run(test_sections)
tap.run(test_messages)
tap.run(test_conf_example)
if shutil.which("redis-cli") is None:
    tap.skip("examples", "no redis-cli")
else:
    for page_name in sorted(SECTIONS):
        tap.run(test_examples, page_name)
tap.done()
