"""riptide_test: what the Python tests share; the standard library only.

A script begins with

    import os, sys
    sys.dont_write_bytecode = True
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
    import riptide_test as rt

and ends with `tap.done()`. The programs are looked for below RTT_BUILDDIR, or
below build/ of the source tree when that is not set. Servers listen on
loopback, on free ports, in scratch directories below TMPDIR; what a test
started is stopped, and its directories are removed, when the script ends,
however it ends.
"""

import atexit
import collections
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
SRCDIR = os.environ.get("RTT_SRCDIR", os.path.join(_HERE, "..", ".."))
BUILDDIR = os.environ.get("RTT_BUILDDIR", os.path.join(SRCDIR, "build"))
RIPTIDED = os.path.join(BUILDDIR, "riptided", "riptided")
COMPACTD = os.path.join(BUILDDIR, "riptide-compactd", "riptide-compactd")
RIPTIDE = os.path.join(BUILDDIR, "riptide", "riptide")

# Generous: the machines are shared, and sanitizers and valgrind are slow.
PATIENCE_S = 60

_cleanups = []


def _clean():
    while _cleanups:
        _cleanups.pop()()


atexit.register(_clean)
# A script that its harness ends early still stops what it started.
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


def scratch_dir():
    """A fresh directory, removed when the script ends."""
    path = tempfile.mkdtemp(prefix="riptide-test-")
    _cleanups.append(lambda: shutil.rmtree(path, ignore_errors=True))
    return path


def free_port():
    """A TCP port that was free on loopback a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_until(condition, what, patience_s=PATIENCE_S):
    """Wait for condition() to be true and return what it returned."""
    end = time.monotonic() + patience_s
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise TimeoutError("waited %d s in vain: %s" % (patience_s, what))
        time.sleep(0.01)


class ReplyError(Exception):
    """An error reply; text is what followed the "-"."""

    def __init__(self, text):
        super().__init__(text)
        self.text = text

    def __eq__(self, other):
        return isinstance(other, ReplyError) and self.text == other.text

    __hash__ = Exception.__hash__


class Closed(Exception):
    """The server closed the connection."""


def encode(*args):
    """A command as RESP. Text is sent as UTF-8, numbers as decimals."""
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        if not isinstance(arg, (bytes, bytearray)):
            arg = str(arg).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(arg), arg))
    return b"".join(parts)


class RespClient:
    """One connection: commands with replies, and the bytes underneath."""

    def __init__(self, host="127.0.0.1", port=6379, path=None,
                 timeout=PATIENCE_S):
        if path is not None:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(timeout)
            self.sock.connect(path)
        else:
            self.sock = socket.create_connection((host, port), timeout)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = bytearray()

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    # -- bytes --

    def send_raw(self, data):
        self.sock.sendall(data)

    def _fill(self):
        try:
            data = self.sock.recv(1 << 18)
        except ConnectionError as error:
            raise Closed(str(error)) from error
        if not data:
            raise Closed("end of stream")
        self.unread += data

    def recv_raw(self, count):
        """Exactly count bytes."""
        while len(self.unread) < count:
            self._fill()
        data = bytes(self.unread[:count])
        del self.unread[:count]
        return data

    def recv_line(self):
        """A line without its CRLF."""
        start = 0
        while True:
            at = self.unread.find(b"\r\n", start)
            if at >= 0:
                line = bytes(self.unread[:at])
                del self.unread[:at + 2]
                return line
            start = max(0, len(self.unread) - 1)
            self._fill()

    def recv_all(self):
        """Everything up to the server's close."""
        try:
            while True:
                self._fill()
        except Closed:
            data = bytes(self.unread)
            self.unread.clear()
            return data

    # -- replies --

    def read(self):
        """One reply. An error reply is returned as a ReplyError."""
        line = self.recv_line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return ReplyError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"_":
            return None
        if kind == b"#":
            return rest == b"t"
        if kind == b",":
            return float(rest)
        if kind in b"$=":
            if rest == b"-1":
                return None
            data = self.recv_raw(int(rest) + 2)[:-2]
            return data[4:] if kind == b"=" else data
        if kind in b"*~>":
            if rest == b"-1":
                return None
            return [self.read() for _ in range(int(rest))]
        if kind == b"%":
            return {_plain(self.read()): self.read()
                    for _ in range(int(rest))}
        raise ValueError("not a reply: %r" % line)

    def call(self, *args):
        """Send a command and return its reply; raise on an error reply."""
        self.send_raw(encode(*args))
        reply = self.read()
        if isinstance(reply, ReplyError):
            raise reply
        return reply

    def error(self, *args):
        """The text of the error that a command is answered with, or None."""
        self.send_raw(encode(*args))
        reply = self.read()
        return reply.text if isinstance(reply, ReplyError) else None

    def pipeline(self, commands):
        """Send all commands, then read all replies; errors stay in place."""
        self.send_raw(b"".join(encode(*command) for command in commands))
        return [self.read() for _ in commands]

    def info(self, section=None):
        """INFO as a dict of text."""
        args = ("INFO",) if section is None else ("INFO", section)
        text = self.call(*args).decode()
        return dict(line.split(":", 1) for line in text.splitlines()
                    if ":" in line and not line.startswith("#"))


def _plain(key):
    return key.decode() if isinstance(key, bytes) else key


class _Process:
    """A program of ours with options, run in a scratch directory."""

    def __init__(self, program, options, args=(), env=None):
        self.program = program
        self.options = collections.OrderedDict(options)
        self.args = list(args)
        self.env = env
        self.process = None
        self.stderr_path = os.path.join(scratch_dir(), "stderr")
        _cleanups.append(self.kill)

    def command(self):
        words = [self.program] + self.args
        for name, value in self.options.items():
            words += ["--" + name.replace("_", "-"), str(value)]
        return words

    def spawn(self):
        env = dict(os.environ)
        env.update(self.env or {})
        with open(self.stderr_path, "ab") as stderr:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=stderr,
                stderr=stderr, env=env)

    @property
    def pid(self):
        return self.process.pid if self.process is not None else None

    def stderr(self):
        """What it has printed so far, over all its starts."""
        with open(self.stderr_path, "rb") as file:
            return file.read().decode(errors="replace")

    def ended(self):
        """The exit status, or None while it runs."""
        return self.process.poll()

    def wait(self, patience_s=PATIENCE_S):
        return self.process.wait(patience_s)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, patience_s=PATIENCE_S):
        """SIGTERM; the exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(patience_s)

    def kill(self):
        """SIGKILL, at any moment."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Server(_Process):
    """riptided on a free port, --compactor external unless told otherwise.

    Options are the program's, with _ for -: Server(appendfsync="no"). The
    directory is a fresh one unless `dir` is given. IO_THREADS in the
    environment is how many loops every daemon has.
    """

    def __init__(self, dir=None, args=(), env=None, **options):
        self.dir = dir if dir is not None else os.path.join(
            scratch_dir(), "data")
        self.port = options.pop("port", None)
        if self.port is None:
            self.port = free_port()
        merged = {"dir": self.dir, "port": self.port, "bind": "127.0.0.1",
                  "compactor": "external"}
        if os.environ.get("IO_THREADS"):
            merged["io-threads"] = os.environ["IO_THREADS"]
        merged.update(options)
        super().__init__(RIPTIDED, merged, args, env)

    def start(self):
        """Start and wait until it serves: the log is replayed. Raises with
        what it printed when it ends before."""
        self.spawn()
        self.wait_until_loaded()
        return self

    def wait_until_loaded(self):
        """Wait until commands are answered with something but -LOADING."""

        def answers():
            if self.process.poll() is not None:
                raise RuntimeError("riptided ended with %d: %s" %
                                   (self.process.returncode, self.stderr()))
            password = self.options.get("requirepass")
            try:
                with self.client() as client:
                    if password is not None:
                        client.send_raw(encode("AUTH", password))
                        client.read()
                    # PING is answered while loading, too.
                    client.send_raw(encode("EXISTS", "loaded"))
                    reply = client.read()
            except (OSError, Closed):
                return False
            return not (isinstance(reply, ReplyError) and
                        reply.text.startswith("LOADING"))

        wait_until(answers, "riptided to have loaded")

    def client(self, **options):
        return RespClient("127.0.0.1", self.port, **options)

    def restart(self):
        self.stop()
        return self.start()

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.kill()


class Compactor(_Process):
    """riptide-compactd on a directory: start() and stop(), or once()."""

    def __init__(self, dir, args=(), env=None, **options):
        merged = {"dir": dir}
        merged.update(options)
        super().__init__(COMPACTD, merged, args, env)

    def start(self):
        self.spawn()
        return self

    def once(self, *args, patience_s=PATIENCE_S):
        """Do everything that is due; the exit status."""
        command = self.command() + ["--once"] + list(args)
        env = dict(os.environ)
        env.update(self.env or {})
        with open(self.stderr_path, "ab") as stderr:
            return subprocess.run(command, stdin=subprocess.DEVNULL,
                                  stdout=stderr, stderr=stderr, env=env,
                                  timeout=patience_s, check=False).returncode


class Tap:
    """Results of single tests as TAP on standard output."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def ok(self, condition, name, why=""):
        """One test; `why` is printed when it failed."""
        self.count += 1
        if condition:
            print("ok %d - %s" % (self.count, name), flush=True)
        else:
            self.failed += 1
            print("not ok %d - %s" % (self.count, name), flush=True)
            for line in str(why).splitlines():
                print("# " + line, flush=True)
        return bool(condition)

    def equal(self, got, wanted, name):
        return self.ok(got == wanted, name,
                       "got    %.2000r\nwanted %.2000r" % (got, wanted))

    def skip(self, name, why):
        self.count += 1
        print("ok %d - %s # SKIP %s" % (self.count, name, why), flush=True)

    def run(self, test, *args):
        """Call a test function; an exception is a failure under its name."""
        try:
            test(self, *args)
        except Exception as error:  # any way to fail is a failed test
            self.ok(False, test.__name__,
                    "%s: %s" % (type(error).__name__, error))

    def done(self):
        """Print the plan and end the script."""
        print("1..%d" % self.count, flush=True)
        sys.exit(1 if self.failed else 0)
