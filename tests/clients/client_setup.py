"""client_setup: stock clients, installed below the build tree and driven.

A smoke program is written with a client's own library. It gets the port, and
prints a line for each fact:

    ok NAME
    not ok NAME what was seen
    restart             the server is to be restarted; then it reads a line

Versions are pinned beside the programs. A set-up is done again only when its
pins have changed, so that it needs the network once.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import riptide_test as rt  # noqa: E402

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


def installed(name, pins, install):
    """The directory of a set-up; install(directory) fills it when the pins,
    files of the source tree, are not those it was filled from."""
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


def drive(tap, server, words, facts, **options):
    """Run a smoke program against a server; at least `facts` lines must come,
    so that a program that ends early does not pass."""
    process = subprocess.Popen(words + [str(server.port)] +
                               options.pop("args", []),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True, **options)
    told = 0
    try:
        for line in process.stdout:
            line = line.strip()
            if line.startswith("ok "):
                tap.ok(True, line[3:])
                told += 1
            elif line.startswith("not ok "):
                name, _, why = line[7:].partition(" ")
                tap.ok(False, name, why)
                told += 1
            elif line == "restart":
                server.restart()
                process.stdin.write("\n")
                process.stdin.flush()
            else:
                print("# " + line, flush=True)
        status = process.wait(rt.PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    if status != 0 or told < facts:
        tap.ok(False, os.path.basename(words[-1]) + "_ends_well",
               "exit %d after %d facts of %d" % (status, told, facts))
