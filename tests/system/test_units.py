"""The service units are well formed, leave little exposed, and let the programs
live: each is run under the filter of system calls that its unit makes."""

import ctypes
import errno
import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()
os.environ["PATH"] += ":/usr/sbin:/sbin"
MADE = os.path.join(rt.BUILDDIR, "contrib", "systemd")
PLAIN = os.path.join(rt.SRCDIR, "contrib", "systemd")
SYSUSERS = os.path.join(PLAIN, "riptidekv.sysusers")
TMPFILES = os.path.join(PLAIN, "riptidekv.tmpfiles")
LOGROTATE = os.path.join(rt.SRCDIR, "contrib", "riptidekv.logrotate")
SERVICE_CONF = os.path.join(rt.BUILDDIR, "contrib", "service.conf")
# Of 100; docs/sandbox.md.
EXPOSURE_MAX = {"riptided.service": 20, "riptide-compactd.service": 10,
                "riptide-compactd-once.service": 10}
PROGRAMS = {"riptided": rt.RIPTIDED, "riptide-compactd": rt.COMPACTD}
SCMP_ACT_ALLOW = 0x7fff0000
SCMP_ACT_ERRNO = 0x00050000


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def units():
    """Names and texts, with the programs where they were built."""
    found = {}
    for directory in (MADE, PLAIN):
        for name in os.listdir(directory):
            if not name.endswith((".service", ".socket", ".timer")):
                continue
            text = read(os.path.join(directory, name))
            for program, path in PROGRAMS.items():
                text = re.sub(r"[^=\s]*/sbin/%s(?=\s)" % program,
                              os.path.abspath(path), text)
            found[name] = text
    return found


def analyze(*args):
    return subprocess.run(["systemd-analyze"] + list(args),
                          capture_output=True, text=True, check=False,
                          timeout=rt.PATIENCE_S)


def word(name):
    return name.replace(".", "_").replace("-", "_")


def test_units(tap):
    directory = rt.scratch_dir()
    texts = units()
    for name, text in texts.items():
        with open(os.path.join(directory, name), "w",
                  encoding="utf-8") as file:
            file.write(text)
    for name in sorted(texts):
        path = os.path.join(directory, name)
        done = analyze("verify", path)
        # The manual is not installed where it is built.
        wrong = [line for line in (done.stdout + done.stderr).splitlines()
                 if name in line and "man" not in line]
        tap.equal(wrong, [], word(name) + "_is_well_formed")
        if not name.endswith(".service"):
            continue
        done = analyze("security", "--offline=true",
                       "--threshold=%d" % EXPOSURE_MAX[name], path)
        tap.ok(done.returncode == 0, word(name) + "_leaves_little_exposed",
               done.stdout[-400:] + done.stderr)
    tap.equal(sorted(set(EXPOSURE_MAX) - set(texts)), [],
              "the_units_are_there")


# -- the filter of system calls --

def filter_of(text):
    """What SystemCallFilter lets through, by systemd's rules for several."""
    sets = syscall_sets()

    def calls(names):
        found = set()
        for name in names:
            found |= calls(sets[name]) if name.startswith("@") else {name}
        return found

    allowed = set()
    for value in re.findall(r"^SystemCallFilter=(.*)$", text, re.M):
        names = value.lstrip("~").split()
        if value.startswith("~"):
            allowed -= calls(names)
        else:
            allowed |= calls(names)
    # Without these systemd itself could not start a program.
    return allowed | calls(["@default"]) | {"execve"}


def syscall_sets():
    sets, name = {}, None
    for line in analyze("syscall-filter").stdout.splitlines():
        if line.startswith("@"):
            name = line.strip()
            sets[name] = []
        elif name and line.startswith("    ") and "#" not in line:
            sets[name].append(line.strip())
    return sets


def filtered(allowed):
    """For preexec_fn: only these from now on."""
    lib = ctypes.CDLL("libseccomp.so.2")
    lib.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(lib.seccomp_init(
        ctypes.c_uint32(SCMP_ACT_ERRNO | errno.EPERM)))
    for name in sorted(allowed):
        number = lib.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            lib.seccomp_rule_add(context, ctypes.c_uint32(SCMP_ACT_ALLOW),
                                 number, 0)

    def enter():
        if lib.seccomp_load(context) != 0:
            os._exit(99)
    return enter


class Filtered(rt.Server):
    def __init__(self, allowed, **options):
        super().__init__(**options)
        self.allowed = allowed

    def spawn(self):
        with open(self.stderr_path, "ab") as stderr:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=stderr,
                stderr=stderr, preexec_fn=filtered(self.allowed))


def test_filters(tap):
    """With the programs' own sandbox, which must live inside the unit's; a
    build with a sanitizer has none."""
    texts = units()
    allowed = filter_of(texts["riptided.service"])
    required = "required" if has_sandbox() else "no"
    server = Filtered(allowed, sandbox=required, memtable_size="64kb")
    server.start()
    with server.client() as client:
        for number in range(400):
            client.call("SET", "key%d" % number, "v" * 1000)
        client.call("CHECKPOINT", "one")
        tap.equal(client.call("GET", "key399"), b"v" * 1000,
                  "riptided_lives_under_the_filter_of_its_unit")
    tap.equal(server.stop(), 0, "and_ends_in_order")
    for name in ("riptide-compactd", "riptide-compactd-once"):
        unit = texts[name + ".service"]
        done = subprocess.run(
            [rt.COMPACTD, "--dir", server.dir, "--once", "--full",
             "--sandbox", required], capture_output=True, text=True,
            check=False, timeout=rt.PATIENCE_S,
            preexec_fn=filtered(filter_of(unit)))
        tap.ok(done.returncode == 0 and "event=ended" in done.stderr,
               word(name) + "_lives_under_the_filter_of_its_unit",
               done.stderr[-2000:])
    tap.ok(not {"mount", "reboot", "ptrace", "setpriority"} & allowed,
           "the_filter_leaves_out_what_it_should", sorted(allowed))


def has_sandbox():
    """A compactor without a database says so, unless it ends before."""
    done = subprocess.run([rt.COMPACTD, "--dir", rt.scratch_dir(), "--once",
                           "--sandbox", "required"], capture_output=True,
                          text=True, check=False, timeout=rt.PATIENCE_S)
    return done.returncode != 78


# -- what stands around the units --

def test_one_place(tap):
    """User, directories and configuration are called alike everywhere."""
    texts = {name: text for name, text in units().items()
             if name.endswith(".service")}
    for key, wanted in (("User", "riptidekv"), ("Group", "riptidekv"),
                        ("StateDirectory", "riptidekv"),
                        ("LogsDirectory", "riptidekv")):
        tap.equal({name: re.findall(r"^%s=(.*)$" % key, text, re.M)
                   for name, text in texts.items()},
                  {name: [wanted] for name in texts},
                  "the_units_agree_on_" + key.lower())
    users = [line.split()[1] for line in read(SYSUSERS).splitlines()
             if line and not line.startswith("#")]
    tap.equal(users, ["riptidekv"], "the_user_of_the_units_is_made")
    made = dict(line.split()[1:3] for line in read(TMPFILES).splitlines()
                if line and not line.startswith("#"))
    tap.equal(made, {"/var/lib/riptidekv": "0700",
                     "/var/log/riptidekv": "0700",
                     "/run/riptidekv": "0755"}, "its_directories_are_made")
    for name, text in sorted(texts.items()):
        tap.ok("/riptidekv/riptide.conf" in
               re.search(r"^ExecStart=(.*)$", text, re.M).group(1),
               word(name) + "_reads_the_services_file", text)


def test_service_conf(tap):
    """The file that is installed for the units, and both programs take it."""
    lines = [line for line in read(SERVICE_CONF).splitlines()
             if line and not line.startswith("#")]
    tap.equal(lines, ["dir /var/lib/riptidekv", "compactor external"],
              "the_services_file_sets_what_the_units_need")
    for name, program in sorted(PROGRAMS.items()):
        done = subprocess.run([program, SERVICE_CONF, "--check-config"],
                              capture_output=True, text=True, check=False,
                              timeout=rt.PATIENCE_S)
        tap.equal((done.returncode, done.stderr), (0, ""),
                  word(name) + "_takes_the_services_file")


def test_made_by_systemd(tap):
    """systemd's own programs take the snippets, in a root of their own."""
    root = rt.scratch_dir()
    os.makedirs(os.path.join(root, "etc"))
    done = subprocess.run(["systemd-sysusers", "--root=" + root, SYSUSERS],
                          capture_output=True, text=True, check=False)
    tap.ok(done.returncode == 0 and "riptidekv:" in
           read(os.path.join(root, "etc", "passwd")),
           "systemd_sysusers_makes_the_user", done.stderr)
    done = subprocess.run(["systemd-tmpfiles", "--root=" + root, "--create",
                           TMPFILES], capture_output=True, text=True,
                          check=False)
    made = os.path.join(root, "var", "lib", "riptidekv")
    tap.ok(os.path.isdir(made) and os.stat(made).st_mode & 0o777 == 0o700,
           "systemd_tmpfiles_makes_the_directories", done.stderr)


def test_logrotate(tap):
    """The file is moved away, and the daemon opens a new one at SIGHUP."""
    server = rt.Server(logfile=os.path.join(rt.scratch_dir(), "riptided.log"))
    server.start()
    log = server.options["logfile"]
    text = read(LOGROTATE)
    config = os.path.join(rt.scratch_dir(), "logrotate")
    # The rest is of the units, which do not run here.
    text = text.replace("/var/log/riptidekv/*.log", log)
    text = re.sub(r"\tsu .*\n", "", text)
    text = re.sub(r"systemctl kill (.*\\\n)*.*", "kill -HUP %d" % server.pid,
                  text)
    with open(config, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(config, 0o644)
    done = subprocess.run(["logrotate", "--force", "--state",
                           os.path.join(rt.scratch_dir(), "state"), config],
                          capture_output=True, text=True, check=False)
    rt.wait_until(lambda: os.path.exists(log) and
                  "configuration read again" in read(log), "a new log")
    tap.ok(done.returncode == 0 and "event=ready" in read(log + ".1"),
           "logrotate_moves_the_log_and_the_daemon_follows", done.stderr)
    server.stop()


def need(program, *tests):
    if shutil.which(program) is None:
        for test in tests:
            tap.skip(test.__name__, "no " + program)
        return
    for test in tests:
        tap.run(test)


need("systemd-analyze", test_units, test_filters)
need("systemd-sysusers", test_made_by_systemd)
need("logrotate", test_logrotate)
tap.run(test_one_place)
tap.run(test_service_conf)
tap.done()
