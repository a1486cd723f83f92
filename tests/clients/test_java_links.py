"""The example java-links: the same answers over Redis and over RiptideKV, and
nothing that was confirmed is lost when riptided is killed under load.

LINKS_KILLS (2) is a knob: how often riptided is killed.
"""

import http.client
import json
import os
import re
import subprocess
import sys
import threading
import urllib.parse

sys.dont_write_bytecode = True
import client_setup as cs  # noqa: E402
from client_setup import rt  # noqa: E402

PROJECT = os.path.join(rt.SRCDIR, "examples", "java-links")
KILLS = int(os.environ.get("LINKS_KILLS", "2"))
THREADS = 8
# A kill comes when so many links have been confirmed since the start.
LINKS_BEFORE_KILL = 300

tap = rt.Tap()


class Application:
    """The example on a free port, over the server at a port."""

    def __init__(self, jar, server, rate):
        self.port = rt.free_port()
        self.process = subprocess.Popen(
            ["java"] + cs.BRIEF_JAVA +
            ["-jar", jar, "--redis", "redis://127.0.0.1:%d" % server.port,
             "--listen", "127.0.0.1:%d" % self.port, "--rate", str(rate)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        rt.wait_until(self.answers, "the application to answer")

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError("the application ended")
        try:
            return Browser(self.port).ask("GET", "/api/statistics")[0] == 200
        except OSError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()


class Browser:
    """Somebody with a network address and a cookie."""

    def __init__(self, port, address="127.0.0.1"):
        self.port = port
        self.address = address
        self.cookie = None

    def ask(self, method, path, **fields):
        """Status, the headers that matter, and body of an answer."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=rt.PATIENCE_S,
            source_address=(self.address, 0))
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self.cookie is not None:
            headers["Cookie"] = self.cookie
        try:
            connection.request(method, path, urllib.parse.urlencode(fields)
                               if fields else None, headers)
            answer = connection.getresponse()
            body = answer.read().decode()
        finally:
            connection.close()
        cookie = answer.headers.get("Set-Cookie")
        if cookie is not None:
            self.cookie = cookie.split(";")[0]
        shown = {name: answer.headers.get(name) for name in (
            "Location", "Content-Type", "X-Cache", "Retry-After")}
        shown["Set-Cookie"] = cookie and re.sub("=[^;]*", "=...", cookie, 1)
        return answer.status, shown, body


def told(answer):
    """An answer without what depends on the day and the second."""
    status, headers, body = answer
    headers = dict(headers)
    if headers["Retry-After"] is not None:
        headers["Retry-After"] = 0 < int(headers["Retry-After"]) <= 60
    return status, headers, re.sub(r"\d{4}-\d\d-\d\d", "DAY", body)


def play(port, rate):
    """What three people at two addresses do; all that they are answered."""
    ada, bob = Browser(port), Browser(port, "127.0.0.2")
    nobody = Browser(port, "127.0.0.3")
    answers = []

    def does(who, *words, **fields):
        answer = who.ask(*words, **fields)
        answers.append((words, fields, told(answer)))
        return answer

    does(nobody, "GET", "/")
    does(nobody, "GET", "/api/links")
    does(nobody, "POST", "/api/links", url="https://example.org/")
    does(ada, "POST", "/api/login", name="a:b")
    does(ada, "POST", "/api/login", name="ada")
    does(bob, "POST", "/api/login", name="bob")
    does(ada, "GET", "/api/me")
    codes = []
    for i in range(4):
        body = does(ada, "POST", "/api/links",
                    url="https://example.org/%d?x=<y>&z=\"é\"" % i)[2]
        body = does(ada, "POST", "/api/links",
                    url="https://example.org/%d" % i)[2]
        codes.append(json.loads(body)["code"])
    does(ada, "POST", "/api/links", url="https://example.org/1")
    does(ada, "POST", "/api/links", url="javascript:alert(1)")
    does(ada, "POST", "/api/links", url="https://example.org/" + "x" * 9000)
    body = does(bob, "POST", "/api/links", url="https://example.org/1")[2]
    codes.append(json.loads(body)["code"])
    for i, code in enumerate(codes):
        for _ in range(i):
            does(nobody, "GET", "/" + code)
    does(nobody, "GET", "/" + codes[1] + "+")
    does(nobody, "GET", "/" + codes[1])
    does(nobody, "GET", "/" + codes[1] + "+")
    does(nobody, "GET", "/zzzzzz")
    does(nobody, "GET", "/zzzzzz+")
    does(nobody, "GET", "/zz")
    does(nobody, "POST", "/" + codes[1])
    does(ada, "GET", "/api/links")
    does(bob, "DELETE", "/api/links/" + codes[1])
    does(ada, "DELETE", "/api/links/" + codes[1])
    does(ada, "DELETE", "/api/links/" + codes[1])
    does(nobody, "GET", "/" + codes[1])
    does(nobody, "GET", "/" + codes[1] + "+")
    does(ada, "POST", "/api/links", url="https://example.org/1")
    does(ada, "GET", "/api/links")
    for i in range(rate):
        does(bob, "POST", "/api/links", url="https://example.com/%d" % i)
    does(ada, "GET", "/api/links")
    does(bob, "GET", "/api/links")
    does(nobody, "GET", "/api/statistics")
    does(ada, "POST", "/api/logout")
    does(ada, "GET", "/api/me")
    does(bob, "GET", "/api/me")
    return answers


def feed(port, code):
    """What the stream of visits says when a link is followed once."""
    connection = http.client.HTTPConnection("127.0.0.1", port,
                                            timeout=rt.PATIENCE_S)
    connection.request("GET", "/api/visits")
    answer = connection.getresponse()
    lines = [answer.readline().decode()]
    Browser(port).ask("GET", "/" + code)
    while not lines[-1].startswith("data:"):
        lines.append(answer.readline().decode())
    connection.close()
    return lines[0], lines[-1]


def test_answers(tap, jar):
    rate = 12
    heard = {}
    for kind in (cs.Redis, rt.Server):
        with kind() as server, Application(jar, server, rate) as application:
            answers = play(application.port, rate)
            code = json.loads(answers[-6][2][2])[0]["code"]
            heard[kind] = answers + [feed(application.port, code)]
    redis, ours = heard[cs.Redis], heard[rt.Server]
    tap.equal(len(ours), len(redis), "both_were_asked_the_same")
    different = [(a, b) for a, b in zip(redis, ours) if a != b]
    tap.ok(not different, "every_answer_is_that_of_redis",
           "\n".join("%.500r\n%.500r" % pair for pair in different[:3]))
    statuses = {answer[2][0] for answer in redis[:-1]}
    tap.equal(statuses, {200, 201, 204, 302, 400, 401, 403, 404, 405, 413,
                         429}, "all_kinds_of_answers_came")
    tap.equal({answer[2][1]["X-Cache"] for answer in redis[:-1]},
              {None, "hit", "miss"}, "the_page_cache_is_used")
    tap.equal(redis[-1][1], "data: %s\n" % code, "a_visit_comes_by_the_feed")


class Load:
    """Threads that make links and follow them, and what was confirmed."""

    def __init__(self, port):
        self.port = port
        self.lock = threading.Lock()
        self.links = {}
        self.visits = {}
        self.asked = {}
        self.forgotten = []
        self.refused = 0
        self.stopped = False
        self.threads = [threading.Thread(target=self.work, args=(i,))
                        for i in range(THREADS)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopped = True
        for thread in self.threads:
            thread.join()

    def confirmed(self):
        with self.lock:
            return len(self.links)

    def work(self, number):
        browser = Browser(self.port)
        turn = 0
        while not self.stopped:
            turn += 1
            if browser.cookie is None:
                browser.ask("POST", "/api/login", name="user%d" % number)
                continue
            url = "https://example.org/%d/%d" % (number, turn)
            status, _, body = browser.ask("POST", "/api/links", url=url)
            if status == 401:
                self.forgotten.append("user%d is not known any more" % number)
                browser.cookie = None
                continue
            if status != 201:
                with self.lock:
                    self.refused += 1
                continue
            code = json.loads(body)["code"]
            with self.lock:
                self.links[code] = (number, url)
                self.asked[code] = self.visits[code] = 0
            for _ in range(2):
                with self.lock:
                    self.asked[code] += 1
                status, headers, _ = browser.ask("GET", "/" + code)
                if status == 302 and headers["Location"] == url:
                    with self.lock:
                        self.visits[code] += 1


def lost(load, port):
    """Confirmed links, visits and sessions that are not there any more, and
    anything that is half there."""
    wrong = list(load.forgotten)
    total = 0
    for number in range(THREADS):
        browser = Browser(port)
        browser.ask("POST", "/api/login", name="user%d" % number)
        kept = {link["code"]: link for link in
                json.loads(browser.ask("GET", "/api/links")[2])}
        total += len(kept)
        for code, (owner, url) in load.links.items():
            if owner != number:
                continue
            link = kept.get(code)
            if link is None or link["url"] != url:
                wrong.append("%s: %s instead of %s" % (code, link, url))
            elif not load.visits[code] <= link["visits"] <= load.asked[code]:
                wrong.append("%s: %d visits, %d confirmed of %d" % (
                    code, link["visits"], load.visits[code],
                    load.asked[code]))
    counted = json.loads(Browser(port).ask("GET", "/api/statistics")[2])
    if counted["links"] != total:
        wrong.append("%d links counted, %d listed" % (counted["links"],
                                                      total))
    return wrong


def test_kills(tap, jar):
    server = rt.Server(memtable_size="1mb")
    compactor = rt.Compactor(server.dir)
    server.start()
    compactor.start()
    with Application(jar, server, 1000000) as application:
        load = Load(application.port)
        try:
            for _ in range(KILLS):
                goal = load.confirmed() + LINKS_BEFORE_KILL
                refused = load.refused
                rt.wait_until(lambda: load.confirmed() >= goal,
                              "links to be confirmed")
                server.kill()
                rt.wait_until(lambda: load.refused > refused,
                              "a refusal while riptided is away")
                server.start()
            goal = load.confirmed() + LINKS_BEFORE_KILL
            rt.wait_until(lambda: load.confirmed() >= goal,
                          "links to be confirmed after the last start")
            server.kill()
        finally:
            load.stop()
        server.start()
        rt.wait_until(application.answers, "the application to be back")
        print("# %d links, %d visits confirmed, %d refused" % (
            load.confirmed(), sum(load.visits.values()), load.refused),
              flush=True)
        wrong = lost(load, application.port)
        tap.ok(not wrong, "nothing_confirmed_is_lost_by_%d_kills" %
               (KILLS + 1), "\n".join(wrong[:10]))
        tap.ok(load.refused > 0, "the_kills_came_under_load")
        compactor.stop()
        server.restart()
        rt.wait_until(application.answers, "the application to be back")
        wrong = lost(load, application.port)
        tap.ok(not wrong, "all_is_there_after_an_orderly_restart",
               "\n".join(wrong[:10]))


def test_java_links(tap):
    directory = cs.installed(
        "java-links", cs.sources(PROJECT),
        lambda place: cs.maven(PROJECT, "-Doutput.directory=" + place,
                               "package"))
    tap.ok(True, "the_example_builds_and_passes_its_own_tests")
    jar = os.path.join(directory, "links.jar")
    if cs.missing("redis-server") is None:
        tap.run(test_answers, jar)
    else:
        tap.skip("test_answers", "no redis-server")
    tap.run(test_kills, jar)


why = cs.missing("javac", "mvn") or cs.missing("javac", at_least=(17, 0))
if why is not None:
    tap.skip("test_java_links", why)
else:
    tap.run(test_java_links)
tap.done()
