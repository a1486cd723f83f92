"""Jedis 5 and the newest, with their defaults."""

import os
import sys

sys.dont_write_bytecode = True
import client_setup as cs  # noqa: E402
from client_setup import rt  # noqa: E402

VERSIONS = (("5.2.0", "v5"), ("8.0.2", "v8"))
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:" \
    "copy-dependencies"

tap = rt.Tap()


def test_jedis(tap, version, door):
    source = os.path.join(cs.SOURCES, "jedis")
    sources = ["jedis/Smoke.java", "jedis/%s/Door.java" % door]

    def install(directory):
        cs.command(["mvn", "-q", "-B", "-f", os.path.join(source, "pom.xml"),
                    "-Djedis.version=" + version,
                    "-DoutputDirectory=" + directory, COPY], cwd=directory)
        cs.command(["javac", "-cp", os.path.join(directory, "*"), "-d",
                    directory] + [os.path.join(cs.SOURCES, name)
                                  for name in sources])

    directory = cs.installed("jedis-" + version, ["jedis/pom.xml"] + sources,
                             install)
    with rt.Server() as server:
        cs.drive(tap, server,
                 ["java", "-cp", directory + ":" + os.path.join(directory,
                                                                "*"),
                  "Smoke"], facts=11, args=["jedis_" + door],
                 stderr=open(os.devnull, "wb"))


why = cs.missing("javac", "mvn")
for one_version, one_door in VERSIONS:
    if why is not None:
        tap.skip("test_jedis_" + one_door, why)
    else:
        tap.run(test_jedis, one_version, one_door)
tap.done()
