"""The Debian package, in earnest: `make check-package`, as root, with a network.

The tarball of `make dist` is unpacked, the package built from it and looked at
by lintian. Then a Debian of its own is made (debootstrap; or ROOT=DIRECTORY
names one with systemd, redis-tools and the libraries, which is copied), systemd
is started in it in namespaces of its own, and the package is installed, used,
upgraded under load, removed, installed again and purged. TARBALL=FILE takes
another tarball, DEB=FILE a package that is built."""

import glob
import json
import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()
HERE = os.path.dirname(os.path.abspath(__file__))
MIRROR = os.environ.get("MIRROR", "http://deb.debian.org/debian")
SUITE = "bookworm"
# What the test uses; what the package depends on comes with it.
INCLUDE = ["systemd-sysv", "redis-tools"]
# The address of who packages it is put in by who uploads it.
NO_ADDRESS = "bogus-mail-host,bogus-mail-host-in-debian-changelog"
DATA = "/var/lib/riptidekv"
CONF = "/etc/riptidekv/riptide.conf"
UNITS = ("riptided.service", "riptide-compactd.service")


def run(*command, cwd=None, env=None, patience_s=1800):
    done = subprocess.run(command, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, cwd=cwd, env=env,
                          timeout=patience_s)
    return done.returncode, done.stdout


def clean_environment():
    """A package is not built with the flags of the make that runs us."""
    return {name: value for name, value in os.environ.items()
            if not name.startswith(("MAKE", "MFLAGS", "RTT_"))}


# -- building --

def tarball():
    if "TARBALL" in os.environ:
        return os.environ["TARBALL"]
    status, said = run("make", "-s", "dist", cwd=rt.BUILDDIR,
                       env=clean_environment())
    made = glob.glob(os.path.join(rt.BUILDDIR, "riptidekv-*.tar.xz"))
    if not tap.ok(status == 0 and len(made) == 1, "the_tarball_is_made",
                  said[-2000:]):
        tap.done()
    return made[0]


def check_whole(directory):
    """Whatever the repository has is in the tarball."""
    status, listed = run("git", "-C", rt.SRCDIR, "ls-files")
    if status != 0:
        tap.skip("the_tarball_has_every_file", "not a repository")
        return
    missing = [name for name in listed.splitlines()
               if os.path.basename(name) != ".gitignore" and
               not os.path.exists(os.path.join(directory, name))]
    tap.equal(missing, [], "the_tarball_has_every_file")


def build():
    """The .deb, and the .changes, in a directory of their own."""
    if "DEB" in os.environ:
        return os.environ["DEB"], None
    scratch = rt.scratch_dir()
    status, said = run("tar", "-C", scratch, "-xf", tarball())
    source = glob.glob(os.path.join(scratch, "riptidekv-*"))[0]
    check_whole(source)
    status, said = run("dpkg-buildpackage", "-us", "-uc", "-b",
                       "-j%d" % (os.cpu_count() or 1), cwd=source,
                       env=clean_environment())
    debs = [path for path in glob.glob(os.path.join(scratch, "*.deb"))
            if "dbgsym" not in path]
    if not tap.ok(status == 0 and len(debs) == 1, "the_package_is_built",
                  said[-4000:]):
        tap.done()
    return debs[0], glob.glob(os.path.join(scratch, "*.changes"))[0]


def check_lintian(changes):
    if changes is None or shutil.which("lintian") is None:
        tap.skip("lintian_finds_nothing", "no lintian, or nothing was built")
        return
    status, said = run("lintian", "--allow-root", "--fail-on=error,warning",
                       "--suppress-tags=" + NO_ADDRESS, changes)
    tap.ok(status == 0, "lintian_finds_nothing", said)


def next_version(deb):
    """The same package, and newer."""
    scratch = rt.scratch_dir()
    tree, out = os.path.join(scratch, "tree"), os.path.join(scratch, "new.deb")
    run("dpkg-deb", "-R", deb, tree)
    control = os.path.join(tree, "DEBIAN", "control")
    with open(control, encoding="utf-8") as file:
        text = file.read()
    with open(control, "w", encoding="utf-8") as file:
        file.write(re.sub(r"^Version: .*$", "Version: 99.0", text, flags=re.M))
    status, said = run("dpkg-deb", "--root-owner-group", "-b", tree, out)
    assert status == 0, said
    return out


# -- a Debian of its own --

class Machine:
    """A root with systemd in it, and commands that are run there."""

    def __init__(self):
        self.root = os.path.join(rt.scratch_dir(), "root")
        self.process = None
        self.pid = None

    def make(self, deb):
        if "ROOT" in os.environ:
            return run("cp", "-a", os.environ["ROOT"], self.root)
        depends = run("dpkg-deb", "-f", deb, "Depends")[1]
        names = [re.match(r"[a-z0-9.+-]+", item.strip()).group(0)
                 for item in depends.split(",")]
        return run("debootstrap", "--variant=minbase", "--include=" +
                   ",".join(INCLUDE + names), SUITE, self.root, MIRROR)

    def boot(self):
        log = os.path.join(rt.scratch_dir(), "boot")
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                ["unshare", "--pid", "--mount", "--net", "--cgroup", "--uts",
                 "--ipc", "--fork", "--kill-child",
                 os.path.join(HERE, "boot-root"), self.root],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        rt._cleanups.append(self.halt)

        def is_up():
            if self.process.poll() is not None:
                with open(log, encoding="utf-8", errors="replace") as file:
                    raise RuntimeError(file.read()[-2000:])
            self.pid = self.first()
            return self.pid and self.run("systemctl", "is-system-running")[
                1].strip() in ("running", "degraded")

        rt.wait_until(is_up, "the machine to be up")
        self.run("ip", "link", "set", "lo", "up", everything=False)

    def first(self):
        path = "/proc/%d/task/%d/children" % (self.process.pid,
                                              self.process.pid)
        with open(path, encoding="ascii") as file:
            children = file.read().split()
        return int(children[0]) if children else None

    def enter(self, everything=True):
        """Words that make a command one of the machine's, or of its network
        alone."""
        return ["nsenter", "-t", str(self.pid)] + (
            ["-m", "-p", "-u", "-i", "-n", "-C"] if everything else ["-n"])

    def run(self, *command, everything=True):
        return run(*(self.enter(everything) + list(command)), env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C",
            "DEBIAN_FRONTEND": "noninteractive"}, patience_s=300)

    def put(self, path, name):
        """Into a directory that is not a mount of the machine's own."""
        target = os.path.join(self.root, "root", name)
        shutil.copy(path, target)
        return "/root/" + name

    def redis(self, *command):
        return self.run("redis-cli", *command)[1].strip()

    def halt(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def are_active(machine, *units):
    return machine.run("systemctl", "is-active", *units)[1].split() == \
        ["active"] * len(units)


def check_installed(machine):
    tap.ok(are_active(machine, *UNITS), "both_services_run",
           machine.run("journalctl", "-n", "40", "--no-pager")[1])
    tap.equal(machine.run("systemctl", "is-enabled", *UNITS)[1].split(),
              ["enabled", "enabled"], "and_will_after_a_boot")
    tap.equal(machine.run("systemctl", "is-enabled", "riptided.socket",
                          "riptide-compactd-once.timer")[1].split(),
              ["disabled", "disabled"], "the_rest_is_for_who_wants_it")
    pid = machine.run("systemctl", "show", "-P", "MainPID",
                      "riptided.service")[1].strip()
    # Not dumpable, its own files below /proc are root's.
    users = [line.split()[1:] for line in machine.run(
        "cat", "/proc/%s/status" % pid)[1].splitlines()
             if line.startswith("Uid:")]
    wanted = machine.run("id", "-u", "riptidekv")[1].strip()
    tap.equal(users, [[wanted] * 4], "the_daemon_has_a_user_of_its_own")
    tap.equal(machine.run("stat", "-c", "%U %a", DATA)[1].strip(),
              "riptidekv 700", "the_data_is_its_own")
    for unit in UNITS:
        tap.equal(machine.run("systemctl", "reload", unit), (0, ""),
                  "systemctl_reloads_" + unit.split(".")[0].replace("-", "_"))
    rt.wait_until(lambda: "Serving" in machine.run(
        "systemctl", "show", "-P", "StatusText", "riptided.service")[1],
        "a line of status")
    tap.ok(True, "systemctl_status_says_how_it_fares")
    tap.equal(machine.redis("SET", "greeting", "hello"), "OK", "it_serves")
    rt.wait_until(lambda: "compactor_state:running" in machine.redis(
        "INFO", "compactor") or "compactor_state:idle" in machine.redis(
            "INFO", "compactor"), "the compactor to be seen")
    tap.ok("seccomp" in machine.redis("INFO", "server"),
           "its_own_sandbox_is_inside_the_units")


def check_boot(machine):
    """The machine ends at once, and boots."""
    machine.halt()
    machine.boot()
    rt.wait_until(lambda: are_active(machine, *UNITS), "the services to run")
    tap.equal(machine.redis("GET", "greeting"), "hello",
              "a_boot_brings_both_up_with_the_data")


def check_compacts(machine):
    for number in range(3):
        machine.redis("SET", "key%d" % number, "v" * 1000)
        machine.redis("FLUSHMEM")
    tap.equal(machine.redis("COMPACT", "WAIT"), "OK",
              "the_compactor_works_under_its_unit")
    status, said = machine.run("systemctl", "start",
                               "riptide-compactd-once.service")
    code = machine.run("systemctl", "show", "-P", "ExecMainStatus",
                       "riptide-compactd-once.service")[1].strip()
    tap.equal((status != 0, code), (True, "75"),
              "the_nightly_one_stays_away_while_it_runs")
    machine.run("systemctl", "stop", "riptide-compactd.service")
    status, said = machine.run("systemctl", "start",
                               "riptide-compactd-once.service")
    tap.equal(status, 0, "and_works_under_its_unit_when_it_does_not")
    machine.run("systemctl", "start", "riptide-compactd.service")


def check_watchdog(machine):
    """A daemon that is stopped is killed and started by systemd."""
    override = os.path.join(machine.root,
                            "etc/systemd/system/riptided.service.d")
    os.makedirs(override)
    with open(os.path.join(override, "watchdog.conf"), "w",
              encoding="ascii") as file:
        file.write("[Service]\nWatchdogSec=2\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "riptided.service")
    machine.run("systemctl", "kill", "--signal=STOP", "--kill-whom=main",
                "riptided.service")

    def restarted():
        count = machine.run("systemctl", "show", "-P", "NRestarts",
                            "riptided.service")[1].strip()
        return count == "1" and are_active(machine, "riptided.service")

    rt.wait_until(restarted, "the watchdog to act")
    tap.equal(machine.redis("GET", "greeting"), "hello",
              "a_daemon_that_hangs_is_started_again_with_its_data")
    shutil.rmtree(override)
    machine.run("systemctl", "daemon-reload")


def check_page(machine):
    """The blocks of docs/operations.md that are marked, in their order."""
    with open(os.path.join(rt.SRCDIR, "docs", "operations.md"),
              encoding="utf-8") as file:
        blocks = re.findall(r"<!-- run -->\n```sh\n(.*?)```", file.read(), re.S)
    tap.ok(len(blocks) > 4, "the_page_has_blocks")
    for block in blocks:
        status, said = machine.run("sh", "-exc", block)
        tap.ok(status == 0, "operations_" + re.sub(
            r"[^a-z0-9]+", "_", block.splitlines()[0])[:50], said[-2000:])
    machine.run("systemctl", "disable", "--now", "riptided.socket")
    machine.run("systemctl", "restart", "riptided.service")


def check_container(machine):
    """The container's command without a container: its user, no capability, no
    way to get one, and the health check beside it."""
    with open(os.path.join(rt.SRCDIR, "contrib", "Containerfile"),
              encoding="utf-8") as file:
        text = re.sub(r"\\\n\s*", " ", file.read())
    command = json.loads(re.search(r"^ENTRYPOINT (.*)$", text, re.M).group(1))
    health = json.loads(re.search(r"^HEALTHCHECK .*?CMD (.*)$", text,
                                  re.M).group(1))
    user = re.search(r"^USER (\d+)$", text, re.M).group(1)
    command[command.index("--dir") + 1] = "/srv/container"
    health[2] = health[2].replace("/6379", "/6400")
    machine.run("install", "-d", "-m", "700", "-o", user, "-g", user,
                "/srv/container")
    process = subprocess.Popen(
        machine.enter() + ["setpriv", "--reuid", user, "--regid", user,
                           "--clear-groups", "--no-new-privs",
                           "--bounding-set=-all"] +
        command + ["--port", "6400"], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        rt.wait_until(lambda: machine.run(*health)[0] == 0,
                      "the container's command to be healthy")
        rt.wait_until(lambda: "compactor_state:idle" in machine.run(
            "redis-cli", "-p", "6400", "INFO", "compactor")[1],
            "it to start a compactor")
        tap.ok(True, "the_containers_command_needs_no_privilege")
        machine.run("redis-cli", "-p", "6400", "SHUTDOWN")
        tap.equal(process.wait(rt.PATIENCE_S), 0, "and_ends_in_order")
    finally:
        process.kill()
        process.wait()


def check_upgrade(machine, newer):
    """Behind the socket unit and under load: nobody is refused."""
    machine.run("systemctl", "stop", "riptided.service")
    tap.equal(machine.run("systemctl", "enable", "--now",
                          "riptided.socket")[0], 0, "the_socket_is_enabled")
    tap.equal(machine.redis("GET", "greeting"), "hello",
              "a_client_at_the_socket_starts_the_daemon")
    load = subprocess.Popen(
        machine.enter(False) + [sys.executable,
                                os.path.join(HERE, "connect_always.py"),
                                "6379"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    before = machine.run("systemctl", "show", "-P", "MainPID",
                         "riptided.service")[1]
    rt.wait_until(lambda: int(machine.redis("GET", "counter") or 0) > 100,
                  "the load to begin")
    status, said = machine.run("dpkg", "-i", machine.put(newer, "new.deb"))
    tap.equal(status, 0, "the_upgrade_goes_through")
    after = machine.run("systemctl", "show", "-P", "MainPID",
                        "riptided.service")[1]
    tap.ok(before != after and are_active(machine, *UNITS),
           "it_runs_the_new_program", said)
    reached = int(machine.redis("GET", "counter") or 0)
    rt.wait_until(lambda: int(machine.redis("GET", "counter") or 0) >
                  reached + 100, "the load to go on")
    lines = load.communicate("end\n")[0].splitlines()
    print("# %s connections over the upgrade" % lines[0])
    tap.equal(lines[1:], [], "no_client_was_refused_in_the_upgrade")
    tap.equal((machine.redis("GET", "greeting"),
               machine.redis("GET", "counter")), ("hello", lines[0]),
              "the_data_is_in_place")


def check_removal(machine, deb):
    conf = os.path.join(machine.root, CONF.lstrip("/"))
    with open(conf, "a", encoding="utf-8") as file:
        file.write("loglevel verbose\n")
    status, said = machine.run("dpkg", "-r", "riptidekv")
    tap.equal(status, 0, "it_is_removed")
    tap.equal([machine.run("systemctl", "is-active", unit)[1].strip()
               for unit in UNITS + ("riptided.socket",)],
              ["inactive"] * 3, "nothing_of_it_runs")
    tap.equal(machine.run("sh", "-c", "grep -l riptide /proc/[0-9]*/comm")[1],
              "", "really_nothing")
    tap.ok(os.path.isdir(machine.root + DATA + "/manifest") and
           os.path.exists(conf), "data_and_configuration_stay")
    status, said = machine.run("dpkg", "-i", machine.put(deb, "old.deb"))
    tap.equal((status, machine.redis("GET", "greeting")), (0, "hello"),
              "it_is_installed_again_and_has_the_data")
    with open(conf, encoding="utf-8") as file:
        tap.ok(file.read().endswith("loglevel verbose\n"),
               "and_the_configuration_as_it_was_changed")
    status, said = machine.run("dpkg", "-P", "riptidekv")
    tap.ok(status == 0 and "the data is kept" in said, "a_purge_says_so", said)
    tap.ok(os.path.isdir(machine.root + DATA + "/manifest"),
           "and_keeps_the_data")
    tap.equal([path for path in ("/etc/riptidekv", "/var/log/riptidekv",
                                 "/etc/logrotate.d/riptidekv")
               if os.path.exists(machine.root + path)], [],
              "it_takes_the_rest")


def check_autopkgtests(machine):
    for name in ("smoke", "service"):
        script = machine.put(os.path.join(rt.SRCDIR, "debian", "tests", name),
                             name)
        status, said = machine.run(script)
        tap.ok(status == 0 and name + ": good" in said, "autopkgtest_" + name,
               said[-2000:])


def test_package(tap):
    deb, changes = build()
    check_lintian(changes)
    machine = Machine()
    status, said = machine.make(deb)
    if not tap.ok(status == 0, "a_debian_is_made", said[-2000:]):
        return
    machine.boot()
    status, said = machine.run("dpkg", "-i", machine.put(deb, "riptidekv.deb"))
    if not tap.ok(status == 0, "it_is_installed", said):
        return
    check_installed(machine)
    check_boot(machine)
    check_compacts(machine)
    check_watchdog(machine)
    check_autopkgtests(machine)
    check_page(machine)
    check_container(machine)
    check_upgrade(machine, next_version(deb))
    check_removal(machine, deb)


def lacks():
    if os.geteuid() != 0:
        return "not root"
    for program in ("dpkg-buildpackage", "debootstrap", "nsenter", "ip"):
        if shutil.which(program) is None:
            return "no " + program
    return None


os.environ["PATH"] += ":/usr/sbin:/sbin"
reason = lacks()
if reason is not None:
    tap.skip("package", reason)
else:
    tap.run(test_package)
tap.done()
