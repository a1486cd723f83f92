"""The live page's stream and its demo, without a browser: what is told is held
against INFO."""

import json
import os
import random
import re
import sys
import time
import urllib.parse

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import http_client as web  # noqa: E402
import riptide_test as rt  # noqa: E402

tap = rt.Tap()

WATCHERS = 16               # RTD_WATCHERS_MAX
SMALL = {"table_size": "64kb", "level_base_size": "128kb",
         "level_size_multiplier": 4}


def open_server(**options):
    port = rt.free_port()
    server = rt.Server(metrics_port=port, appendfsync="everysec",
                       memtable_size="256kb", **options)
    server.http = port
    return server


class Watcher:
    """A connection to the stream."""

    def __init__(self, port):
        self.sock = web.connect(port)
        self.sock.sendall(b"GET /events HTTP/1.0\r\n\r\n")
        self.unread = b""
        self.tree = None
        self.tick = None
        self.head = self._until(b"\r\n\r\n")

    def _until(self, mark):
        while mark not in self.unread:
            part = self.sock.recv(65536)
            if not part:
                raise rt.Closed("end of stream")
            self.unread += part
        found, self.unread = self.unread.split(mark, 1)
        return found.decode()

    def next(self):
        """The next event's name."""
        event, data = self._until(b"\n\n").split("\n")
        name = event.split(": ", 1)[1]
        setattr(self, name, json.loads(data.split(": ", 1)[1]))
        return name

    def until(self, condition, what):
        """Read on until it holds; its result."""
        def holds():
            self.next()
            return self.tick is not None and self.tree is not None and \
                condition()
        return rt.wait_until(holds, what)

    def tables(self, level):
        levels = [one for one in self.tree["levels"]
                  if one["level"] == level]
        return levels[0]["tables"] if levels else 0

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def write(server, count=2000, start=0):
    """Values that do not get smaller, so that merges have something to do."""
    rng = random.Random(start)
    with server.client() as client:
        client.pipeline([("SET", "key:%06d" % (start + i), rng.randbytes(100))
                         for i in range(count)])


def test_figures(tap):
    with open_server() as server, server.client() as client:
        write(server, 6000)
        client.pipeline([("GET", "key:%06d" % i) for i in range(50)] +
                        [("GET", "none%d" % i) for i in range(20)])
        rt.wait_until(lambda: client.info("lsm")["immutable_memtables"] ==
                      "0" and client.info("lsm")["visible_seq"] ==
                      client.info("lsm")["durable_seq"], "rest")
        info = client.info()
        stats = client.info("commandstats")
        reads = sum(int(re.search(r"calls=(\d+)", stats["cmdstat_" + name])
                        .group(1)) for name in ("get", "exists"))
        with Watcher(server.http) as watcher:
            tap.ok("text/event-stream" in watcher.head, "there_is_a_stream")
            watcher.until(lambda: True, "a tree and a tick")
            tick, tree = watcher.tick, watcher.tree
        wal = tick["wal"]
        got = (wal["segments"], wal["bytes"], wal["visible"], wal["durable"],
               wal["in_file"], tick["flushes"], tick["flush_bytes"],
               tick["generation"], sum(m[0] for m in tick["memtables"]),
               sum(m[2] for m in tick["memtables"]), tick["clients"],
               tick["hits"], tick["misses"], tick["run"],
               tick["reads"]["calls"], tick["writes"]["calls"])
        names = ("wal_segments", "wal_bytes", "visible_seq", "durable_seq",
                 "written_seq", "flushes", "flush_bytes",
                 "manifest_generation", "memtable_bytes", "memtable_entries",
                 "connected_clients", "keyspace_hits", "keyspace_misses")
        wanted = tuple(int(info[name]) for name in names) + (
            info["run_id"][:8], reads, 6000)
        tap.equal(got, wanted, "a_sample_has_the_figures_of_info")
        tap.equal((tick["writes"]["below"][-1], tick["reads"]["below"][-1]),
                  (6000, reads), "every_command_has_a_time")
        tap.equal([(level["tables"], level["bytes"])
                   for level in tree["levels"]],
                  [(int(info["level0_files"]), int(info["level0_bytes"]))],
                  "the_tree_is_that_of_info")
        cells = [cell for run in tree["levels"][0]["runs"] for cell in run]
        sizes = {name: os.path.getsize(os.path.join(
            server.dir, "sst", name + ".sst"))
                 for name in (cell[0] for cell in cells)}
        tap.equal({cell[0]: cell[2] for cell in cells}, sizes,
                  "its_tables_have_the_sizes_of_their_files")
        tap.equal(sorted(cell[5] for cell in cells)[0], 0,
                  "the_first_key_is_at_the_left_end")


def test_moves(tap):
    with open_server() as server, Watcher(server.http) as watcher:
        watcher.until(lambda: True, "the first")
        tap.equal(watcher.tick["compactor"]["state"], "absent",
                  "no_compactor_is_absent")
        for start in range(0, 20000, 2000):
            write(server, 2000, start)
        watcher.until(lambda: watcher.tables(0) >= 4, "flushes")
        tap.ok(True, "flushes_are_seen")
        inputs = {cell[0] for run in watcher.tree["levels"][0]["runs"]
                  for cell in run}
        with server.client() as client:
            client.pipeline([("DEL", "key:%06d" % i)
                             for i in range(0, 20000, 2)])
            client.call("FLUSHMEM")
        watcher.until(lambda: len(watcher.tick["memtables"]) == 1 and
                      any(cell[4] > 0 for run in
                          watcher.tree["levels"][0]["runs"] for cell in run),
                      "tombstones")
        tap.ok(True, "tables_of_deletions_are_seen")
        compactor = rt.Compactor(server.dir, compaction_rate_limit="128kb",
                                 **SMALL).start()
        job = watcher.until(lambda: watcher.tick["compactor"]["job"],
                            "a merge")
        named = set(re.findall(r"d-\d+", job))
        tap.ok(named and named & inputs, "a_merge_names_its_inputs", job)
        watcher.until(lambda: 0 < watcher.tick["compactor"]["done"],
                      "progress")
        tap.ok(watcher.tick["compactor"]["done"] <=
               watcher.tick["compactor"]["all"], "a_merge_is_seen_to_go_on")
        compactor.kill()
        # Few jobs: the last six are told.
        rt.Compactor(server.dir, table_size="256kb").once("--full")
        watcher.until(lambda: sum(
            one["dropped"][1] for one in watcher.tick["compactor"]["jobs"]) >
                      0, "tombstones to go")
        tap.ok(True, "it_is_told_what_was_dropped")
        watcher.until(lambda: [level["level"] for level in
                               watcher.tree["levels"] if level["tables"]] ==
                      [len(watcher.tree["levels"]) - 1], "the end of it")
        cells = watcher.tree["levels"][-1]["runs"][0]
        tap.ok(all(a[6] <= b[5] for a, b in zip(cells, cells[1:])) and
               (cells[0][5], cells[-1][6]) == (0, 1),
               "tables_below_lie_beside_each_other", cells)


def test_keys(tap):
    with open_server() as server, Watcher(server.http) as watcher:
        write(server, 6000)
        watcher.until(lambda: watcher.tables(0) > 1 and
                      "path" in watcher.tick, "tables")
        tap.ok("key:" not in json.dumps([watcher.tree, watcher.tick]),
               "no_key_is_told_of_its_own_accord")
    with open_server(live_page_keys="yes") as server, \
            Watcher(server.http) as watcher:
        write(server, 6000)
        watcher.until(lambda: watcher.tables(0) > 1, "tables")
        cells = [cell for run in watcher.tree["levels"][0]["runs"]
                 for cell in run]
        tap.ok(all(cell[7].startswith("key:") and cell[7] <= cell[8]
                   for cell in cells), "with_live_page_keys_they_are", cells)
        seen = set()
        with server.client() as client:
            while not {True, False} <= seen:
                path = watcher.until(lambda: watcher.tick.get("path"),
                                     "a path")
                there = client.call("EXISTS", path["key"].encode(
                    "latin-1")) == 1
                last = path["steps"][-1][0] if path["steps"] else "absent"
                if there != (last == "value"):
                    tap.ok(False, "a_path_ends_where_the_key_is", path)
                    return
                seen.add(there)
        tap.ok(True, "a_path_ends_where_the_key_is")


def switches(server):
    """How often the thread of the door has gone to sleep."""
    for task in os.listdir("/proc/%d/task" % server.pid):
        base = "/proc/%d/task/%s/" % (server.pid, task)
        with open(base + "comm", encoding="ascii") as file:
            if file.read().strip() != "http":
                continue
        with open(base + "status", encoding="ascii") as file:
            return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)",
                                 file.read(), re.M).group(1))
    return None


def test_watchers(tap):
    with open_server() as server:
        watchers = [Watcher(server.http) for _ in range(WATCHERS)]
        for watcher in watchers:
            watcher.until(lambda: True, "all to see")
        tap.ok(True, "many_can_watch")
        tap.equal(web.request(server.http, "/events").status, 503,
                  "but_not_too_many")
        tap.equal(web.request(server.http, "/healthz").status, 200,
                  "others_are_answered_beside_them")
        tap.equal(web.request(server.http, "/events", "HEAD").status, 200,
                  "head_of_the_stream_ends")
        for watcher in watchers:
            watcher.close()
        seen = [switches(server)]

        def sleeps():
            time.sleep(1)
            seen.append(switches(server))
            return seen[-1] == seen[-2]

        rt.wait_until(sleeps, "the thread to sleep")
        tap.ok(True, "when_nobody_watches_the_thread_sleeps")
        with Watcher(server.http) as watcher:
            run = watcher.until(lambda: watcher.tick["run"], "a sample")
            server.stop()
            try:
                while True:
                    watcher.next()
            except rt.Closed:
                pass
        server.start()
        with Watcher(server.http) as watcher:
            watcher.until(lambda: True, "a sample")
            tap.ok(watcher.tick["run"] != run,
                   "a_restart_can_be_seen_in_the_stream")


def test_files(tap):
    with open_server() as server:
        page = web.request(server.http, "/")
        tap.equal((page.status, page.headers["content-type"]),
                  (200, "text/html;charset=utf-8"), "there_is_a_page")
        names = re.findall(r'(?:href|src)="([^"#]+)"', page.text)
        tap.ok(len(names) >= 5 and
               all(web.request(server.http, "/" + name).status == 200
                   for name in names), "all_that_it_names_is_there", names)
        tap.ok("://" not in page.text and "style=" not in page.text and
               "<script>" not in page.text,
               "nothing_is_from_elsewhere_or_inline")
        for name in ("page.html", "page.css", "page.js", "tree.js",
                     "charts.js", "icon.svg"):
            path = os.path.join(rt.SRCDIR, "riptided", "http", "page", name)
            with open(path, "rb") as file:
                wanted = file.read()
            got = web.request(server.http, "/" if name == "page.html"
                              else "/" + name).body
            tap.ok(got == wanted, "%s_is_that_of_the_tree" % name)


def deed(server, name, key="k", value="v", host=None, **headers):
    body = urllib.parse.urlencode({"deed": name, "key": key, "value": value})
    sent = {"Host": host or "127.0.0.1:%d" % server.http}
    sent.update({key.replace("_", "-"): value
                 for key, value in headers.items()})
    return web.request(server.http, "/demo", "POST", sent, body)


def test_demo(tap):
    with open_server() as server:
        reply = web.request(server.http, "/demo")
        tap.equal((reply.status, reply.text), (200, ""),
                  "there_is_no_demo_of_its_own_accord")
        tap.equal(deed(server, "set", X_Riptide_Token="").status, 405,
                  "and_nothing_can_be_written")
    with open_server(live_page_demo="yes") as server, \
            server.client() as client:
        token = web.request(server.http, "/demo").text
        again = {"X_Riptide_Token": token}
        tap.ok(re.fullmatch("[0-9a-f]{32}", token), "a_visitor_gets_a_token")
        for name, reply in (
                ("without_it", deed(server, "set")),
                ("with_another", deed(server, "set",
                                      X_Riptide_Token="0" * 32)),
                ("under_another_name", deed(server, "set", host="evil.test",
                                            **again)),
                ("for_another_page", deed(server, "set", **again,
                                          Origin="http://evil.test"))):
            tap.equal(reply.status, 403, "nothing_is_done_" + name)
        tap.equal(web.request(server.http, "/demo", headers={
            "Host": "evil.test"}).text, "",
            "another_name_for_this_machine_gets_no_token")
        tap.equal(client.call("DBSIZE"), 0, "and_nothing_was_written")
        tap.equal(deed(server, "set", "a b\"", "x\r\ny", **again).text,
                  "written\n", "a_key_is_written")
        tap.equal(client.call("GET", "demo:a b\""), b"x\r\ny",
                  "below_demo_as_it_is")
        tap.equal(deed(server, "get", "a b\"", **again).text, "x\r\ny\n",
                  "it_is_read")
        tap.equal(deed(server, "del", "a b\"", **again).text, "deleted\n",
                  "it_is_deleted")
        tap.equal(deed(server, "get", "a b\"", **again).text,
                  "there is no such key\n", "and_not_there_any_more")
        tap.equal((deed(server, "fill", **again).text,
                   client.call("DBSIZE")), ("5,000 keys written\n", 5000),
                  "many_are_written")
        tap.equal((deed(server, "wipe", **again).text,
                   client.call("DBSIZE")), ("2,500 keys deleted\n", 2500),
                  "half_of_them_are_deleted")
        flushes = int(client.info("lsm")["flushes"])
        tap.equal(deed(server, "flush", **again).status, 200,
                  "a_flush_is_asked_for")
        rt.wait_until(lambda: int(client.info("lsm")["flushes"]) > flushes,
                      "a flush")
        tap.equal(deed(server, "compact", **again).status, 200,
                  "a_compaction_is_asked_for")
        rt.wait_until(lambda: client.info("compactor")["compact_requests"] ==
                      "1", "the request")
        tap.ok(True, "and_noted")
        for name in ("nothing", "", "FLUSHALL"):
            tap.equal(deed(server, name, **again).status, 400,
                      "there_is_no_deed_%s" % name.lower())
        tap.ok(deed(server, "set", "k" * 5000, **again).status in (400, 413),
               "what_is_too_much_is_refused")
        with Watcher(server.http) as watcher:
            deed(server, "set", "mine", **again)
            path = watcher.until(lambda: watcher.tick.get("path", {}).get(
                "key") == "demo:mine" and watcher.tick["path"], "my key")
            tap.equal((path["steps"][0][:2]), ["value", True],
                      "the_visitors_key_is_followed_into_the_memtable")
        listed = client.call("CLIENT", "LIST").decode()
        tap.equal(listed.count(" addr=demo:0"), 1, "it_is_one_client")
        client.call("CLIENT", "KILL", "ADDR", "demo:0")
        rt.wait_until(lambda: deed(server, "set", **again).status == 200,
                      "another connection")
        tap.ok(True, "that_comes_again_when_it_was_closed")
        client.call("CONFIG", "SET", "disk-reserve", "1024gb")
        rt.wait_until(lambda: web.request(
            server.http, "/healthz").status == 503, "writes to be refused")
        reply = deed(server, "set", **again)
        tap.equal((reply.status, reply.text.split(" ")[0]),
                  (503, "MISCONF"), "what_the_server_says_no_to_is_told")
    for name, options in (("a_password", {"requirepass": "secret"}),
                          ("other_machines", {"metrics_bind": "0.0.0.0"})):
        server = open_server(live_page_demo="yes", **options)
        server.spawn()
        tap.equal(server.wait(), 78, "there_is_no_demo_with_" + name)


for test in (test_figures, test_moves, test_keys, test_watchers, test_files,
             test_demo):
    tap.run(test)
tap.done()
