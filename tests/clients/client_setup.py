"""client_setup: stock clients, installed below the build tree and driven.

A smoke program is written with a client's own library. It gets the port, that
of TLS and the authority that signed the server's certificate, and prints a line
for each fact:

    ok NAME
    not ok NAME what was seen
    restart             the server is to be restarted; then it reads a line

A fact shows something when it is one of Redis, too, so a smoke program runs
against redis-server beside riptided where that is installed.

Versions are pinned beside the programs. A set-up is done again only when its
pins have changed, so that it needs the network once.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import riptide_test as rt  # noqa: E402
import tls_files  # noqa: E402

SOURCES = os.path.dirname(os.path.abspath(__file__))
INSTALLED = os.path.join(rt.BUILDDIR, "tests", "clients", "installed")


class SetupError(Exception):
    """A client could not be installed."""


def missing(*tools, at_least=None):
    """Why the tools will not do, or None: one is not on this machine, or the
    first is older than at_least, a pair of numbers."""
    absent = [tool for tool in tools if shutil.which(tool) is None]
    if absent:
        return "no " + ", ".join(absent)
    if at_least is None:
        return None
    asked = "version" if tools[0] == "go" else "--version"
    said = subprocess.run([tools[0], asked], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, check=False).stdout.decode()
    found = re.search(r"(\d+)\.(\d+)", said)
    if found and tuple(map(int, found.groups())) >= at_least:
        return None
    return "%s is older than %d.%d: %s" % ((tools[0],) + at_least +
                                           (said.strip(),))


def command(words, **options):
    """Run a set-up command; what it printed becomes the error's text."""
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=600,
                              check=False, **options)
    except subprocess.TimeoutExpired as error:
        raise SetupError("%s took too long" % words[0]) from error
    if done.returncode != 0:
        raise SetupError("%s ended with %d:\n%s" % (
            " ".join(words), done.returncode,
            done.stdout.decode(errors="replace")))


@contextlib.contextmanager
def alone(name):
    """One of the scripts that run at the same time at a time."""
    os.makedirs(INSTALLED, exist_ok=True)
    with open(os.path.join(INSTALLED, name + ".lock"), "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def installed(name, pins, install):
    """The directory of a set-up; install(directory) fills it when the pins,
    files below this directory or with a whole path, are not those it was
    filled from."""
    with alone(name):
        return _installed(name, pins, install)


def _installed(name, pins, install):
    directory = os.path.join(INSTALLED, name)
    mark = os.path.join(directory, "pins")
    digest = hashlib.sha256()
    for pin in pins:
        with open(os.path.join(SOURCES, pin), "rb") as file:
            digest.update(file.read())
    try:
        with open(mark, encoding="ascii") as file:
            if file.read() == digest.hexdigest():
                return directory
    except OSError:
        pass
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    install(directory)
    with open(mark, "w", encoding="ascii") as file:
        file.write(digest.hexdigest())
    return directory


def sources(project):
    """All files of a project, as pins."""
    return sorted(os.path.join(directory, name)
                  for directory, _, names in os.walk(project)
                  for name in names)


def python():
    """The interpreter of a virtual environment that has redis-py."""
    pins = "redis_py/requirements.txt"

    def install(directory):
        command([sys.executable, "-m", "venv", directory])
        command([os.path.join(directory, "bin", "python3"), "-m", "pip",
                 "install", "--quiet", "--disable-pip-version-check",
                 "--require-hashes", "--only-binary", ":all:", "-r",
                 os.path.join(SOURCES, pins)])

    return os.path.join(installed("redis_py", [pins], install),
                        "bin", "python3")


def go_redis():
    """The program of go_redis/, built."""
    project = os.path.join(SOURCES, "go_redis")

    def install(directory):
        env = dict(os.environ, GOFLAGS="-mod=readonly -buildvcs=false")
        command(["go", "build", "-o", os.path.join(directory, "smoke"), "."],
                cwd=project, env=env)

    return os.path.join(installed("go_redis", sources(project), install),
                        "smoke")


# For Java programs that end soon: less is spent on making them fast.
BRIEF_JAVA = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"]


def maven(project, *words):
    """Run Maven on a project, with what it downloads below the build tree. Its
    store takes one writer at a time."""
    env = dict(os.environ, MAVEN_OPTS=" ".join(BRIEF_JAVA))
    with alone("maven"):
        command(["mvn", "-q", "-B", "-Dstyle.color=never", "-f",
                 os.path.join(project, "pom.xml"),
                 "-Dmaven.repo.local=" + os.path.join(INSTALLED, "maven")] +
                list(words), cwd=INSTALLED, env=env)


class Redis(rt.Server):
    """redis-server where rt.Server is riptided: on loopback, a free port and a
    scratch directory, and what was written is there after a restart."""

    def __init__(self, **options):
        super().__init__(appendonly="yes", appendfsync="no", save="",
                         **options)
        self.program = "redis-server"
        del self.options["compactor"]
        os.makedirs(self.dir)


def servers():
    """Servers to try facts on, one after the other, with TLS and with a prefix
    for the facts' names."""
    tls = Tls()
    kinds = [("", rt.Server)]
    if missing("redis-server") is None:
        kinds.append(("of_redis_", Redis))
    for prefix, kind in kinds:
        with kind(**tls.options(rt.free_port())) as server:
            yield prefix, server


class Tls:
    """An authority, and a certificate of it for 127.0.0.1 and no other name."""

    def __init__(self):
        authority = tls_files.Authority("ca")
        self.authority = authority.ca
        self.certificate, self.key = authority.issue("server",
                                                     names="IP:127.0.0.1")

    def options(self, port):
        """Those of a server that asks no certificate of its clients."""
        return {"tls_port": port, "tls_cert_file": self.certificate,
                "tls_key_file": self.key, "tls_ca_cert_file": self.authority,
                "tls_auth_clients": "no"}


def drive(tap, server, words, facts, prefix="", **options):
    """Run a smoke program against a server; at least `facts` lines must come,
    so that a program that ends early does not pass. It gets the port, that of
    TLS and the authority's certificate, if the server has them."""
    tls = [str(server.options[name])
           for name in ("tls_port", "tls_ca_cert_file")
           if name in server.options]
    process = subprocess.Popen(words + [str(server.port)] + tls,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True, **options)
    told = 0
    # One that waits for what does not come is ended.
    patience = threading.Timer(2 * rt.PATIENCE_S, process.kill)
    patience.start()
    try:
        for line in process.stdout:
            line = line.strip()
            if line.startswith("ok "):
                tap.ok(True, prefix + line[3:])
                told += 1
            elif line.startswith("not ok "):
                name, _, why = line[7:].partition(" ")
                tap.ok(False, prefix + name, why)
                told += 1
            elif line == "restart":
                server.restart()
                process.stdin.write("\n")
                process.stdin.flush()
            else:
                print("# " + line, flush=True)
        status = process.wait(rt.PATIENCE_S)
    finally:
        patience.cancel()
        process.kill()
        process.wait()
    if status != 0 or told < facts:
        tap.ok(False, prefix + os.path.basename(words[-1]) + "_ends_well",
               "exit %d after %d facts of %d" % (status, told, facts))
