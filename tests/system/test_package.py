"""What is installed, and whether the package's and the container's papers agree
with the tree. `make check-package` builds and uses the package in earnest."""

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
os.environ["PATH"] += ":/usr/sbin:/sbin"
DEBIAN = os.path.join(rt.SRCDIR, "debian")
CONTAINERFILE = os.path.join(rt.SRCDIR, "contrib", "Containerfile")
# Every Debian that builds packages has them, or debhelper brings them.
IMPLIED = {"build-essential", "autoconf", "automake", "libtool", "check"}
DEBHELPER = {"debhelper-compat", "dh-sequence-installsysusers", "python3",
             "procps"}
INSTALLED = """
bin/riptide
bin/riptide-bench
etc/riptidekv/riptide.conf
lib/systemd/system/riptide-compactd-once.service
lib/systemd/system/riptide-compactd-once.timer
lib/systemd/system/riptide-compactd.service
lib/systemd/system/riptided.service
lib/systemd/system/riptided.socket
lib/sysusers.d/riptidekv.conf
lib/tmpfiles.d/riptidekv.conf
sbin/riptide-compactd
sbin/riptided
""".split()
EXAMPLES = "share/doc/riptidekv/examples/"


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=False,
                          timeout=rt.PATIENCE_S, **more)


def make(*arguments, text_in=None):
    """A make of its own: the flags of the one that runs us are not its."""
    env = {name: value for name, value in os.environ.items()
           if not name.startswith(("MAKE", "MFLAGS"))}
    return run("make", "-s", *arguments, cwd=rt.BUILDDIR, env=env,
               input=text_in)


# -- make install --

def below(directory):
    return sorted(os.path.relpath(os.path.join(path, name), directory)
                  for path, _, names in os.walk(directory) for name in names)


def test_install(tap):
    root = rt.scratch_dir()
    prefix = re.search(r"^prefix = (.*)$", read(rt.BUILDDIR, "Makefile"),
                       re.M).group(1)
    home = root + prefix
    done = make("install", "DESTDIR=" + root)
    manuals = sorted(name for name in os.listdir(os.path.join(
        rt.SRCDIR, "man")) if name[-1].isdigit())
    wanted = sorted(INSTALLED + ["share/man/man%s/%s" % (name[-1], name)
                                 for name in manuals])
    there = below(home)
    tap.equal((done.returncode, [name for name in there
                                 if not name.startswith(EXAMPLES)]),
              (0, wanted), "everything_is_installed_where_it_belongs")
    tap.ok(EXAMPLES + "riptide.conf" in there, "and_examples_are", there)
    conf = os.path.join(home, "etc/riptidekv/riptide.conf")
    with open(conf, "a", encoding="utf-8") as file:
        file.write("loglevel verbose\n")
    make("install", "DESTDIR=" + root)
    tap.ok(read(conf).endswith("loglevel verbose\n"),
           "a_changed_configuration_is_not_written_over")
    make("uninstall", "DESTDIR=" + root)
    tap.equal(below(home), ["etc/riptidekv/riptide.conf"],
              "and_is_what_an_uninstall_leaves")
    os.unlink(conf)
    make("install", "DESTDIR=" + root)
    make("uninstall", "DESTDIR=" + root)
    tap.equal(below(home), [], "an_unchanged_one_goes_too")


# -- the package --

def names_of(field):
    """The packages of a field of debian/control."""
    text = re.search(r"^%s:(.*?)(?=^\S)" % field, read(DEBIAN, "control"),
                     re.M | re.S).group(1)
    return {re.match(r"[a-z0-9.+-]+", item.strip()).group(0)
            for item in text.split(",") if item.strip()}


def build_packages():
    return set(re.search(r'BUILD_PACKAGES="(.*?)"', read(
        rt.SRCDIR, "bootstrap"), re.S).group(1).split())


def test_papers(tap):
    version = re.search(r"AC_INIT\(\[riptidekv\], \[(.*?)\]\)",
                        read(rt.SRCDIR, "configure.ac")).group(1)
    tap.equal(re.match(r"riptidekv \((.*?)\)",
                       read(DEBIAN, "changelog")).group(1), version,
              "the_package_has_the_version_of_the_tree")
    tap.equal(names_of("Build-Depends") - DEBHELPER,
              build_packages() - IMPLIED,
              "it_builds_with_what_bootstrap_installs")
    listed = set(re.findall(r"debian/\S+(?=\s|$)", read(
        rt.SRCDIR, "contrib", "module.mk")))
    there = {os.path.relpath(os.path.join(DEBIAN, name), rt.SRCDIR)
             for name in below(DEBIAN)}
    tap.equal(there - listed, set(), "the_tarball_has_all_of_debian")


def test_tarball(tap):
    """The lists of what is distributed leave out nothing of the repository."""
    listed = run("git", "-C", rt.SRCDIR, "ls-files")
    if listed.returncode != 0:
        tap.skip("the_tarball_has_every_file", "not a repository")
        return
    rule = ("print-dist:\n\t@printf '%s\\n' $(DISTFILES) "
            "$(am__configure_deps)\n")
    names = make("-f", "Makefile", "-f", "-", "print-dist",
                 "srcdir=" + rt.SRCDIR, "top_srcdir=" + rt.SRCDIR,
                 text_in=rule).stdout.split()
    names = {os.path.normpath(name.replace(rt.SRCDIR + "/", ""))
             for name in names}

    def is_in(name):
        """It is named, or a directory that it is in."""
        while name:
            if name in names:
                return True
            name = os.path.dirname(name)
        return False

    tap.equal([name for name in listed.stdout.split()
               if not is_in(name) and
               os.path.basename(name) != ".gitignore"], [],
              "the_tarball_has_every_file")


def test_rules(tap):
    """What would be done, told by dh itself."""
    if shutil.which("dh") is None:
        tap.skip("dh_takes_the_rules", "no debhelper")
        return
    done = run("dh", "binary", "--no-act", cwd=rt.SRCDIR)
    steps = done.stdout.split()
    tap.ok(done.returncode == 0 and "dh_installsysusers" in steps and
           "override_dh_installsystemd" in steps, "dh_takes_the_rules",
           done.stdout + done.stderr)


def test_smoke(tap):
    """The package's own test, with the programs that were built."""
    if shutil.which("redis-cli") is None:
        tap.skip("the_packages_own_test_passes", "no redis-cli")
        return
    path = ":".join(os.path.join(rt.BUILDDIR, name) for name in
                    ("riptided", "riptide-compactd", "riptide"))
    done = run(os.path.join(DEBIAN, "tests", "smoke"), env=dict(
        os.environ, PATH=path + ":" + os.environ["PATH"],
        AUTOPKGTEST_TMP=rt.scratch_dir(), RIPTIDE_PORT=str(rt.free_port())))
    tap.ok(done.returncode == 0 and "smoke: good" in done.stdout,
           "the_packages_own_test_passes", done.stdout + done.stderr)


def test_page(tap):
    """The page on operations names units and files that are there; what it says
    is run by check_package.py."""
    page = read(rt.SRCDIR, "docs", "operations.md")
    named = set(re.findall(r"ript[a-z-]+\.(?:service|socket|timer)", page))
    there = {os.path.basename(path) for path in INSTALLED
             if "systemd/system" in path}
    tap.equal(named, there, "the_page_names_the_units_that_are_there")
    wrong = [block for block in re.findall(
        r"<!-- run -->\n```sh\n(.*?)```", page, re.S)
             if run("sh", "-nc", block).returncode != 0]
    tap.equal(wrong, [], "its_blocks_are_shell")


# -- the container --

def instructions():
    """(word, rest) of each, of both stages."""
    text = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", read(CONTAINERFILE),
                                          flags=re.M))
    return [line.split(" ", 1) for line in text.splitlines() if line.strip()]


def installed_by(stage):
    rests = [rest for word, rest in stage if word == "RUN"]
    words = re.search(r"--no-install-recommends\s+(.*?)(&&|$)",
                      rests[0]).group(1)
    return set(words.split())


def stages():
    both = [[], []]
    for word, rest in instructions():
        if word == "FROM":
            both.append([])
        both[-1].append((word, rest))
    return both[2:]


def test_container(tap):
    build, final = stages()
    tap.equal(installed_by(build),
              build_packages() - {"libsystemd-dev", "check"},
              "the_image_is_built_with_what_bootstrap_installs")
    words = [word for word, _ in final]
    users = [rest for word, rest in final if word == "USER"]
    tap.ok(users == ["65532"] and
           words.index("USER") < words.index("ENTRYPOINT"),
           "the_container_has_no_privilege")
    tap.ok(("VOLUME", "/var/lib/riptidekv") in final and
           ("EXPOSE", "6379") in final, "it_has_a_volume_and_a_port")


def test_container_libraries(tap):
    """The image has what the programs are linked with, by dpkg's word."""
    if shutil.which("dpkg-query") is None:
        tap.skip("the_image_has_the_libraries", "no dpkg")
        return
    packages = set()
    for program in (rt.RIPTIDED, rt.COMPACTD, rt.RIPTIDE):
        for name in re.findall(r"NEEDED\s+(\S+)",
                               run("objdump", "-p", program).stdout):
            done = run("dpkg-query", "-S", "*/" + name)
            packages |= set(re.findall(r"^([^:,\s]+)", done.stdout, re.M))
    # libc's are in any image; the container has no service manager.
    base = {"libc6", "libgcc-s1", "libsystemd0"}
    flavours = {name for name in packages
                if re.match(r"lib(a|t|ub)san|libc6-|lib32|libx32|gcc-", name)}
    tap.equal(packages - base - flavours - installed_by(stages()[1]), set(),
              "the_image_has_the_libraries")


def test_health(tap):
    """The command of HEALTHCHECK, beside a daemon and beside none."""
    rest = [rest for word, rest in stages()[1] if word == "HEALTHCHECK"][0]
    command = re.search(r"CMD (\[.*\])$", rest).group(1)
    port = rt.free_port()
    shell = json.loads(command)[2].replace("/6379", "/%d" % port)
    server = rt.Server(port=port).start()
    tap.equal(run("bash", "-c", shell).returncode, 0,
              "a_daemon_that_answers_is_healthy")
    server.signal(19)
    tap.ok(run("bash", "-c", shell).returncode != 0,
           "one_that_does_not_is_not")
    server.kill()
    tap.ok(run("bash", "-c", shell).returncode != 0, "nor_is_a_dead_one")


for test in (test_install, test_papers, test_tarball, test_rules, test_smoke,
             test_page, test_container, test_container_libraries, test_health):
    tap.run(test)
tap.done()
