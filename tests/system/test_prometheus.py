#!/usr/bin/env python3
"""A real Prometheus scrapes the daemon under load, through merges and through a
kill -9, and evaluates the alerts and every expression of the dashboard.

Prometheus scrapes five times a second. What it holds of counters is compared
with what was sent."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt

RULES = os.path.join(rt.SRCDIR, "contrib", "prometheus", "riptidekv.rules.yml")
DASHBOARD = os.path.join(rt.SRCDIR, "contrib", "grafana", "riptidekv.json")

# What such a short life does not have: a disk that is waited for.
MAY_BE_NAN = ("riptide_cold_read_duration_seconds",)

CONFIG = """
global:
  scrape_interval: 200ms
  scrape_timeout: 200ms
  evaluation_interval: 1s
rule_files: ["%s"]
scrape_configs:
  - job_name: riptidekv
    static_configs:
      - targets: ["127.0.0.1:%d"]
"""


class Prometheus:
    """One on a free port, which scrapes this port."""

    def __init__(self, target):
        self.dir = rt.scratch_dir()
        self.port = rt.free_port()
        self.config = os.path.join(self.dir, "prometheus.yml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONFIG % (RULES, target))
        with open(os.path.join(self.dir, "log"), "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", "--config.file=" + self.config,
                 "--storage.tsdb.path=" + os.path.join(self.dir, "data"),
                 "--web.listen-address=127.0.0.1:%d" % self.port],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        rt._cleanups.append(self.kill)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def get(self, path, **query):
        url = "http://127.0.0.1:%d%s?%s" % (
            self.port, path, urllib.parse.urlencode(query))
        try:
            with urllib.request.urlopen(url, timeout=rt.PATIENCE_S) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def query(self, expression):
        """What the expression gives: a list of (labels, text); or None."""
        reply = self.get("/api/v1/query", query=expression)
        if reply["status"] != "success":
            return None
        return [(one["metric"], one["value"][1])
                for one in reply["data"]["result"]]

    def value(self, expression):
        """The one number that it gives; or None."""
        result = self.query(expression)
        return float(result[0][1]) if result else None

    def ready(self):
        try:
            return self.value("up") == 1
        except (OSError, ValueError):
            return False


def scrape(port):
    """Name and labels to number, and the whole text."""
    url = "http://127.0.0.1:%d/metrics" % port
    with urllib.request.urlopen(url, timeout=rt.PATIENCE_S) as reply:
        text = reply.read().decode()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
            for line in text.splitlines() if not line.startswith("#")}, text


class Load:
    """Writes and reads without end, counted."""

    def __init__(self, server):
        self.server = server
        self.sets = self.gets = 0
        self.stop_asked = False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        with self.server.client() as client:
            while not self.stop_asked:
                client.pipeline(
                    [("SET", "key%d" % ((self.sets + i) % 20000), "v" * 300)
                     for i in range(200)])
                self.sets += 200
                client.pipeline([("GET", "key%d" % (7 * i))
                                 for i in range(200)])
                self.gets += 200

    def stop(self):
        self.stop_asked = True
        self.thread.join()


def promtool(tap, port):
    """The format, names and units by Prometheus' own linter."""
    text = scrape(port)[1]
    done = subprocess.run(["promtool", "check", "metrics"], input=text,
                          capture_output=True, text=True, check=False)
    tap.ok(done.returncode == 0 and not done.stderr and not done.stdout,
           "promtool_has_nothing_to_say_of_the_metrics",
           done.stdout + done.stderr)
    done = subprocess.run(["promtool", "check", "rules", RULES],
                          capture_output=True, text=True, check=False)
    tap.ok(done.returncode == 0, "promtool_takes_the_rules", done.stderr)


def counters(tap, server, port):
    """Figures of a quiet server, beside what was sent to it."""
    rt.wait_until(lambda: scrape(port)[0]["riptide_obsolete_files"] == 0 and
                  scrape(port)[0]["riptide_immutable_memtables"] == 0,
                  "what the merges left to be gone")
    before, _ = scrape(port)
    with server.client() as client:
        client.pipeline([("SET", "exact%d" % i, "12345") for i in range(321)])
        client.pipeline([("GET", "exact%d" % i) for i in range(300)])
        client.pipeline([("GET", "nosuch%d" % i) for i in range(123)])
        client.pipeline([("INCR", "exact0x%d" % i) for i in range(3)])
        client.pipeline([("LPUSH", "list", "x")] * 2)
        after, _ = scrape(port)

    def rise(name):
        return after.get(name, 0) - before.get(name, 0)

    tap.equal([rise('riptide_commands_total{command="%s"}' % name)
               for name in ("set", "get", "incr")], [321, 423, 3],
              "commands_are_those_that_were_sent")
    tap.equal([rise("riptide_keyspace_hits_total"),
               rise("riptide_keyspace_misses_total"),
               rise('riptide_lookups_total{answered="memtable"}'),
               rise('riptide_error_replies_total{error="ERR"}')],
              [300, 123, 300, 2], "hits_misses_and_errors_are_those_of_replies")
    tap.equal([rise('riptide_command_duration_seconds_bucket{family="string",'
                    'le="+Inf"}'),
               rise('riptide_command_duration_seconds_count'
                    '{family="string"}')], [747, 747],
              "a_histogram_counts_each_command_once")
    tap.ok(rise("riptide_written_bytes_total") >= 321 * (6 + 5) and
           rise("riptide_network_received_bytes_total") > 321 * 30,
           "bytes_are_counted")
    tap.equal(after["riptide_connected_clients"], 1, "one_client_is_connected")
    with open("/proc/%d/statm" % server.pid, encoding="ascii") as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    told = after["process_resident_memory_bytes"]
    tap.ok(abs(told - resident) < 0.2 * resident,
           "resident_memory_is_that_of_proc", "%r %r" % (told, resident))
    tables = os.path.join(server.dir, "sst")
    tap.equal(sum(count for name, count in after.items()
                  if name.startswith("riptide_level_files")), len(os.listdir(tables)),
              "tables_are_those_in_the_directory")
    tap.equal(sum(size for name, size in after.items()
                  if name.startswith("riptide_level_bytes")),
              sum(os.path.getsize(os.path.join(tables, name))
                  for name in os.listdir(tables)),
              "bytes_of_levels_are_those_of_their_files")


def load_and_merges(tap, server, port, prometheus):
    """Nothing that was scraped is missing or malformed."""
    load = Load(server)
    compactor = rt.Compactor(server.dir, memtable_size="1mb")
    # Every key more than once: tables that overlap have to be merged.
    while load.sets < 45000:
        time.sleep(0.01)
    with server.client() as client:
        client.call("FLUSHMEM")
        client.call("BITCOUNT", "key1")
        client.error("LPUSH", "a", "b")
    rt.wait_until(lambda: scrape(port)[0]["riptide_flushes_total"] > 2,
                  "tables to merge")
    tap.equal(compactor.once("--full"), 0, "everything_is_merged_under_load")
    rt.wait_until(
        lambda: prometheus.value('sum(riptide_compaction_jobs_total)'),
        "Prometheus to have seen the jobs")
    load.stop()
    now, _ = scrape(port)
    tap.equal(now['riptide_commands_total{command="set"}'], load.sets,
              "writes_under_load_are_counted")
    rt.wait_until(lambda: prometheus.value(
        'riptide_commands_total{command="set"}') == load.sets,
        "Prometheus to have what the daemon tells")
    tap.equal(prometheus.value("min_over_time(up[1h])"), 1,
              "every_scrape_under_load_was_good")
    tap.ok(sum(value for name, value in now.items() if name.startswith(
        "riptide_compaction_written_bytes_total")) > 0,
        "merges_are_counted_by_level")


def expressions():
    """(expression, of what) of the dashboard and the rules."""
    with open(DASHBOARD, encoding="utf-8") as file:
        dashboard = json.load(file)
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield (target["expr"].replace("$instance", ".*")
                   .replace("$__rate_interval", "1m"), panel["title"])
    with open(RULES, encoding="utf-8") as file:
        for line in file:
            match = re.match(r"\s+expr: (.*)", line)
            if match:
                yield match.group(1), None


def every_expression(tap, port, prometheus):
    """Each is taken, names what there is, and those of panels give a value."""
    text = scrape(port)[1]
    known = set(re.findall(r"^# TYPE (\S+)", text, re.M)) | {"up"}
    known |= {name + end for name in known
              for end in ("_bucket", "_sum", "_count")}
    refused, unknown, empty, count, panels = [], [], [], 0, 0
    for expression, panel in expressions():
        count += 1
        panels += panel is not None
        unknown += [name for name in
                    re.findall(r"\b(?:riptide|process)_[a-z_0-9]+", expression)
                    if name not in known]
        result = prometheus.query(expression)
        if result is None:
            refused.append(expression)
        elif panel is not None and (not result or (
                all(value == "NaN" for _, value in result) and
                not any(name in expression for name in MAY_BE_NAN))):
            empty.append("%s: %s" % (panel, expression))
    tap.ok(panels > 40 and count - panels > 15,
           "dashboard_and_rules_have_expressions", "%d %d" % (count, panels))
    tap.equal(refused, [], "prometheus_takes_every_expression")
    tap.equal(unknown, [], "every_expression_names_what_the_daemon_tells")
    tap.equal(empty, [], "every_panel_shows_something")
    groups = prometheus.get("/api/v1/rules")["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    tap.equal([rule["name"] for rule in rules if rule["health"] == "err"], [],
              "every_alert_is_evaluated")
    tap.equal([rule["name"] for rule in rules if rule["state"] == "firing" and
               rule["name"] != "RiptideDiskNearlyFull"], [],
              "nothing_fires_without_a_cause")


def restart(tap, server, prometheus):
    """Scrapes while it is down, replays and is up again."""
    started = prometheus.value("process_start_time_seconds")
    server.kill()
    rt.wait_until(lambda: prometheus.value("up") == 0,
                  "Prometheus to miss the daemon")
    server.start()
    rt.wait_until(lambda: prometheus.value("up") == 1,
                  "Prometheus to find it again")
    rt.wait_until(lambda: prometheus.value("riptide_loading") == 0,
                  "the log to be replayed")
    tap.ok(prometheus.value("process_start_time_seconds") > started,
           "a_new_start_has_a_time_of_its_own")
    tap.ok(prometheus.value("resets(riptide_written_bytes_total[1h])") >= 1,
           "counters_begin_again_after_a_restart")
    target = prometheus.get("/api/v1/targets")["data"]["activeTargets"][0]
    tap.equal((target["health"], target["lastError"]), ("up", ""),
              "prometheus_finds_no_fault_with_the_answers")


def refused(tap, server, prometheus):
    """An alert that has to fire does."""
    with server.client() as client:
        client.call("CONFIG", "SET", "disk-reserve", "1024gb")
        rt.wait_until(lambda: client.error("SET", "a", "b"),
                      "writes to be refused")
    rt.wait_until(lambda: prometheus.query(
        'ALERTS{alertname="RiptideWritesRefused",alertstate="firing"}'),
        "the alert of refused writes")
    tap.ok(prometheus.value('riptide_writes_refused_total'
                            '{cause="disk-reserve"}') >= 1 and
           prometheus.value('riptide_write_stall_seconds_total'
                            '{cause="disk-reserve"}') > 0,
           "refused_writes_are_told_with_their_cause_and_fire_an_alert")


def main():
    tap = rt.Tap()
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        tap.skip("prometheus", "prometheus is not installed")
        tap.done()
    port = rt.free_port()
    with rt.Server(metrics_port=port, appendfsync="everysec",
                   memtable_size="1mb", disk_reserve="1mb") as server:
        prometheus = Prometheus(port)
        rt.wait_until(prometheus.ready, "Prometheus to scrape")
        tap.run(load_and_merges, server, port, prometheus)
        tap.run(promtool, port)
        tap.run(counters, server, port)
        tap.run(every_expression, port, prometheus)
        tap.run(restart, server, prometheus)
        tap.run(refused, server, prometheus)
    tap.done()


main()
