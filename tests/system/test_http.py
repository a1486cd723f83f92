"""The door for operators: who it answers, when, and whom it does not let hold
anything."""

import os
import random
import re
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import http_client as web  # noqa: E402
import riptide_test as rt  # noqa: E402

tap = rt.Tap()

SHIM = os.path.join(rt.BUILDDIR, "tests", "support", "sick_disk.so")
CONNECTIONS = 64            # RTD_HTTP_CONNECTIONS_MAX
REQUEST_S = 10              # RTD_HTTP_REQUEST_MS


def open_server(**options):
    port = rt.free_port()
    server = rt.Server(metrics_port=port, **options)
    server.http = port
    return server


def status_line(data):
    return data.split(b"\r\n", 1)[0].decode(errors="replace")


def test_health(tap):
    with open_server(sandbox="yes") as server:
        reply = web.request(server.http, "/healthz")
        tap.equal((reply.status, reply.text), (200, "ready\n"),
                  "a_daemon_that_takes_writes_is_ready")
        tap.equal([reply.headers.get(name) for name in
                   ("content-type", "cache-control", "connection",
                    "x-content-type-options")],
                  ["text/plain; charset=utf-8", "no-store", "close",
                   "nosniff"], "it_says_what_it_sends_and_that_it_ends")
        tap.ok("default-src 'none'" in
               reply.headers["content-security-policy"],
               "nothing_from_elsewhere_is_allowed_on_its_pages")
        head = web.request(server.http, "/healthz", "HEAD")
        tap.equal((head.status, head.body, head.headers["content-length"]),
                  (200, b"", "6"), "head_is_get_without_the_text")
        raw = web.send(server.http,
                       b"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        tap.ok(raw.endswith(b"\r\n\r\n"), "and_sends_no_byte_of_it", raw)
        raw = web.send(server.http, b"GET /healthz HTTP/1.0\r\n\r\n")
        tap.ok(raw.endswith(b"\r\n\r\nready\n"),
               "http_1_0_without_a_host_is_answered", raw)


def test_methods(tap):
    with open_server() as server:
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            for path in ("/healthz", "/nowhere"):
                reply = web.request(server.http, path, method)
                tap.equal((reply.status, reply.headers.get("allow")),
                          (405, "GET, HEAD"),
                          "%s_of_%s_is_not_allowed" % (method.lower(),
                                                       path[1:]))
        tap.equal({web.request(server.http, "/healthz", "POST",
                               body="a=b").status for _ in range(400)},
                  {405}, "a_connection_is_not_that_of_one_before")
        for path in ("/nowhere", "/healthz/", "/../healthz", "/%2e%2e/x",
                     "/" + "a" * 4000):
            tap.equal(web.request(server.http, path).status, 404,
                      "there_is_no_%.12s" % path[1:].replace("/", "_"))
        tap.equal(web.request(server.http, "/healthz?x=1").status, 200,
                  "a_query_changes_nothing")
        tap.equal(status_line(web.send(
            server.http, b"BREW / HTTP/1.1\r\n\r\n")).split(" ")[1], "405",
            "a_method_that_nobody_knows_is_not_allowed")


def still_fine(server):
    with server.client() as client:
        return (client.call("PING") == "PONG" and
                web.request(server.http, "/healthz").status == 200)


def test_garbage(tap):
    seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
    print("# SEED=%d" % seed)
    rng = random.Random(seed)
    with open_server() as server:
        for name, data in (
                ("a_huge_header", b"GET / HTTP/1.1\r\nX: " + b"a" * 100000 +
                 b"\r\n\r\n"),
                ("many_headers", b"GET / HTTP/1.1\r\n" +
                 b"X: a\r\n" * 20000 + b"\r\n"),
                ("a_huge_line", b"GET /" + b"a" * 100000 +
                 b" HTTP/1.1\r\n\r\n"),
                ("a_huge_body", b"POST / HTTP/1.1\r\nContent-Length: "
                 b"99999999999\r\n\r\n" + b"a" * 100000),
                ("a_body_of_no_length", b"POST / HTTP/1.1\r\n"
                 b"Content-Length: -1\r\n\r\n"),
                ("endless_chunks", b"POST / HTTP/1.1\r\nTransfer-Encoding: "
                 b"chunked\r\n\r\n" + b"1000\r\n" + b"a" * 0x1000 +
                 b"\r\n7fffffff\r\n"),
                ("no_http", b"*1\r\n$4\r\nPING\r\n"),
                ("a_hello_of_tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" +
                 bytes(500)),
                ("zeros", bytes(20000))):
            line = status_line(web.send(server.http, data))
            tap.ok(line == "" or line.split(" ")[1][0] in "45",
                   name + "_is_refused", line)
        for i in range(200):
            size = rng.choice((1, 10, 100, 5000))
            data = bytes(rng.randrange(256) for _ in range(size))
            if i % 2:
                data = b"GET /" + data
            with web.connect(server.http) as sock:
                try:
                    sock.sendall(data)
                except ConnectionError:
                    pass
        tap.ok(still_fine(server), "garbage_changes_nothing")
        tap.ok(server.ended() is None, "and_ends_nothing")


def test_slow(tap):
    """Half requests, in all places that there are."""
    with open_server() as server:
        began = time.monotonic()
        held = [web.connect(server.http) for _ in range(CONNECTIONS)]
        for sock in held:
            sock.sendall(b"GET /healthz HTT")
        # One more waits until another's time is over, though a byte comes now
        # and then.
        more = web.connect(server.http)
        more.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        more.setblocking(False)
        said = b""

        def has_answer():
            nonlocal said
            for sock in held:
                try:
                    sock.sendall(b"P")
                except OSError:
                    pass
            time.sleep(0.2)
            try:
                said += more.recv(65536)
            except BlockingIOError:
                pass
            return said.endswith(b"ready\n")

        with server.client() as client:
            tap.equal(client.call("SET", "a", "b"), "OK",
                      "clients_notice_nothing_of_it")
        rt.wait_until(has_answer, "a place")
        took = time.monotonic() - began
        tap.ok(REQUEST_S - 3 < took, "no_more_connections_than_there_may_be",
               took)
        tap.ok(True, "who_dawdles_loses_its_place")
        for sock in held + [more]:
            sock.close()
        tap.ok(still_fine(server), "all_places_are_free_again")


def test_many(tap):
    with open_server() as server:
        for _ in range(500):
            with web.connect(server.http) as sock:
                sock.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        socks = [web.connect(server.http) for _ in range(60)]
        for sock in socks:
            sock.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        answers = [web.read_all(sock) for sock in socks]
        for sock in socks:
            sock.close()
        tap.equal({answer.rsplit(b"\r\n\r\n", 1)[-1] for answer in answers},
                  {b"ready\n"}, "all_who_ask_at_once_are_answered")
        tap.ok(still_fine(server), "thousands_who_do_not_listen_are_let_go")
        rt.wait_until(lambda: len(os.listdir("/proc/%d/fd" % server.pid)) <
                      60, "their descriptors to be closed")
        tap.ok(True, "and_nothing_of_them_is_kept")


LINE = re.compile(
    r"# HELP [a-zA-Z_:][a-zA-Z0-9_:]* .+|"
    r"# TYPE [a-zA-Z_:][a-zA-Z0-9_:]* (counter|gauge|histogram)|"
    r"[a-zA-Z_:][a-zA-Z0-9_:]*"
    r"(\{[a-z_]+=\"[^\"\n]*\"(,[a-z_]+=\"[^\"\n]*\")*\})? "
    r"(-?[0-9.e+-]+|[+-]Inf|NaN)")


def wrong_lines(text, series_min=50):
    """Those that are not of Prometheus' format; all of them if the end is
    missing or a series is there twice."""
    lines = text.splitlines()
    series = [line.rsplit(" ", 1)[0] for line in lines if line[:1] != "#"]
    if not text.endswith("\n") or len(set(series)) < len(series) or \
            len(series) < series_min:
        return lines
    return [line for line in lines if not LINE.fullmatch(line)]


def test_metrics(tap):
    """During a full compaction, scrape for scrape."""
    small = {"table_size": "64kb", "level_base_size": "128kb"}
    with open_server(memtable_size="64kb", appendfsync="no") as server, \
            server.client() as client:
        reply = web.request(server.http, "/metrics")
        tap.equal((reply.status, reply.headers["content-type"]),
                  (200, "text/plain; version=0.0.4; charset=utf-8"),
                  "metrics_are_there")
        client.pipeline([("SET", "key:%d" % (i % 1500), "%d" % i * 60)
                         for i in range(6000)])
        compactor = rt.Compactor(server.dir, compaction_rate_limit="1mb",
                                 **small).start()
        scrapes, merging = 0, 0
        client.send_raw(rt.encode("COMPACT", "WAIT"))
        while not client.unread:
            text = web.request(server.http, "/metrics").text
            if wrong_lines(text):
                tap.equal(wrong_lines(text), [], "a_scrape_is_whole")
                return
            scrapes += 1
            merging += "riptide_compactor_jobs_running 1" in text
            client.sock.setblocking(False)
            try:
                client.unread += client.sock.recv(4096)
            except BlockingIOError:
                pass
            client.sock.settimeout(rt.PATIENCE_S)
        tap.ok(scrapes > 0, "each_scrape_of_a_full_compaction_is_whole")
        print("# %d scrapes, %d while merging" % (scrapes, merging))
        tap.equal(client.read(), "OK", "and_it_ends_well")
        compactor.kill()


def killed():
    server = rt.Server(memtable_size="64mb", appendfsync="no").start()
    with server.client() as client:
        client.pipeline([("SET", "key%d" % i, b"v%d" % i * 100)
                         for i in range(3000)])
    server.kill()
    return server.dir


def test_loading(tap):
    full = os.path.join(rt.scratch_dir(), "full")
    with open(full, "w", encoding="ascii"):
        pass
    server = open_server(dir=killed(), memtable_size="64kb",
                         memtable_max_count=2, env={
                             "LD_PRELOAD": SHIM, "FULL_TABLES": full,
                             "ASAN_OPTIONS": "verify_asan_link_order=0"})
    server.spawn()
    rt.wait_until(lambda: "flush failed" in server.stderr(),
                  "the replay to be held up")
    reply = web.request(server.http, "/healthz")
    tap.equal(reply.status, 503, "a_daemon_that_loads_is_not_ready")
    tap.ok(reply.text.startswith("loading ") and
           0 < float(reply.text.split()[1]) < 100,
           "it_says_how_far_it_is", reply.text)
    text = web.request(server.http, "/metrics").text
    tap.equal(wrong_lines(text, 10), [],
              "metrics_are_whole_while_it_loads")
    with web.connect(server.http) as sock:
        sock.sendall(b"GET /events HTTP/1.0\r\n\r\n")
        said = b""
        while b"\n\n" not in said.split(b"\r\n\r\n", 1)[-1]:
            said += sock.recv(65536)
    tap.ok(b'"state":"loading","loaded":[' in said,
           "the_live_page_sees_it_load", said)
    os.unlink(full)
    server.wait_until_loaded()
    tap.equal(web.request(server.http, "/healthz").text, "ready\n",
              "it_is_ready_when_it_has_loaded")
    tap.equal(server.stop(), 0, "and_ends_as_ever")


def test_readonly(tap):
    with open_server() as server, server.client() as client:
        client.call("CONFIG", "SET", "disk-reserve", "1024gb")
        rt.wait_until(lambda: web.request(
            server.http, "/healthz").status == 503, "writes to be refused")
        text = web.request(server.http, "/healthz").text
        tap.ok(text.startswith("read-only: ") and "space" in text,
               "a_daemon_that_refuses_writes_says_why", text)
        client.call("CONFIG", "SET", "disk-reserve", "1mb")
        rt.wait_until(lambda: web.request(
            server.http, "/healthz").status == 200, "writes to be taken")
        tap.ok(True, "and_is_ready_when_it_takes_them_again")


def test_life(tap):
    with open_server() as server:
        idle = [web.connect(server.http) for _ in range(5)]
        idle[0].sendall(b"GET /hea")
        other = open_server()
        other.options["metrics-port"] = server.http
        other.options.pop("metrics_port")
        other.spawn()
        tap.equal(other.wait(), 69, "a_port_in_use_is_an_address_error")
        tap.equal(server.stop(), 0, "open_connections_do_not_keep_it_from_"
                  "stopping")
        for _ in range(3):
            server.start()
            tap.equal(web.request(server.http, "/healthz").status, 200,
                      "the_port_is_there_again_after_a_restart")
            server.kill()
        for sock in idle:
            sock.close()
        server.start()
        server.signal(signal.SIGTERM)
        tap.equal(server.wait(), 0, "it_stops_while_it_is_asked")
    server = rt.Server(metrics_port=rt.free_port(), metrics_bind="nowhere.")
    server.spawn()
    tap.equal(server.wait(), 78, "an_address_that_is_none_is_a_mistake")
    with rt.Server() as server:
        names = set()
        for task in os.listdir("/proc/%d/task" % server.pid):
            with open("/proc/%d/task/%s/comm" % (server.pid, task),
                      encoding="ascii") as file:
                names.add(file.read().strip())
        tap.ok("http" not in names, "without_a_port_there_is_no_thread",
               names)


for test in (test_health, test_methods, test_garbage, test_slow, test_many,
             test_metrics, test_loading, test_readonly, test_life):
    tap.run(test)
tap.done()
