#!/usr/bin/env python3
"""Every metric beside a figure that comes from elsewhere: from what the test has
done, from the file system or /proc, or from the field of INFO which
test_info.py holds beside such a figure. A metric without one fails the test."""

import os
import re
import sys
import time
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt

KEYS = 3000
GONE = 500

# Metrics that are a field of INFO, seen when nobody asks for anything.
SAME = {
    "riptide_loading": "loading",
    "riptide_max_clients": "maxclients",
    "riptide_connections_rejected_total": "rejected_connections",
    "riptide_protocol_errors_total": "protocol_errors",
    "riptide_denied_commands_total": "acl_access_denied_cmd",
    "riptide_slowlog_entries": "slowlog_entries",
    "riptide_keyspace_hits_total": "keyspace_hits",
    "riptide_keyspace_misses_total": "keyspace_misses",
    "riptide_cold_read_keys_total": "pool_reads",
    "riptide_read_errors_total": "read_errors",
    "riptide_filter_negatives_total": "bloom_useful",
    "riptide_filters_damaged": "filters_damaged",
    "riptide_block_cache_hits_total": "block_cache_hits",
    "riptide_block_cache_misses_total": "block_cache_misses",
    "riptide_block_cache_bytes": "block_cache_bytes",
    "riptide_block_cache_max_bytes": "block_cache_max_bytes",
    "riptide_open_tables": "open_tables",
    "riptide_tables_opened_total": "tables_opened",
    "riptide_table_memory_bytes": "table_memory_bytes",
    "riptide_memtable_bytes": "memtable_bytes",
    "riptide_memtable_entries": "memtable_entries",
    "riptide_memtable_held_bytes": "memtable_held_bytes",
    "riptide_immutable_memtables": "immutable_memtables",
    "riptide_wal_bytes": "wal_bytes",
    "riptide_wal_segments": "wal_segments",
    "riptide_wal_failures_total": "wal_failures",
    "riptide_visible_sequence": "visible_seq",
    "riptide_durable_sequence": "durable_seq",
    "riptide_flushes_total": "flushes",
    "riptide_flush_bytes_total": "flush_bytes",
    "riptide_expired_keys_total": "expired_keys",
    "riptide_table_entries": "sst_entries",
    "riptide_table_tombstones": "sst_tombstones",
    "riptide_obsolete_files": "obsolete_files",
    "riptide_manifest_generation": "manifest_generation",
    "riptide_manifest_reloads_total": "reloads",
    "riptide_snapshot_held_bytes": "snapshot_bytes_held",
    "riptide_compactor_jobs_running": "compactor_jobs_running",
    "riptide_compactor_jobs_failed_total": "compactor_jobs_failed",
    "riptide_compactor_jobs_total": "compactor_jobs_done",
    "riptide_compactor_read_bytes_total": "compactor_bytes_read",
    "riptide_compactor_written_bytes_total": "compactor_bytes_written",
    "riptide_compaction_debt_bytes": "compaction_debt_bytes",
    "riptide_compactor_damaged_tables": "compactor_damaged_tables",
    'riptide_compactor_dropped_total{kind="overwritten"}':
        "compactor_versions_dropped",
    'riptide_compactor_dropped_total{kind="tombstone"}':
        "compactor_tombstones_dropped",
    'riptide_compactor_dropped_total{kind="expired"}':
        "compactor_expired_dropped",
}
# What INFO raises itself: it counts keys.
RAISED = {"block_cache_hits", "block_cache_misses"}


class Metrics:
    """One scrape: samples by name and labels as they are printed."""

    def __init__(self, port):
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % port,
                                    timeout=rt.PATIENCE_S) as answer:
            text = answer.read().decode()
        self.samples = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                self.samples[name] = float(value)
        self.seen = set()

    def value(self, name):
        self.seen.add(name)
        return self.samples[name]

    def total(self, family):
        """Of all labels."""
        names = [name for name in self.samples
                 if name == family or name.startswith(family + "{")]
        self.seen.update(names)
        return sum(self.samples[name] for name in names)

    def histogram(self, name, labels=""):
        """(count, sum); buckets must rise to the count."""
        count = self.value(name + "_count" + labels)
        inner = labels.strip("{}")
        buckets = [(sample, value) for sample, value in self.samples.items()
                   if sample.startswith(name + "_bucket{") and inner in sample]
        self.seen.update(sample for sample, _ in buckets)
        values = [value for _, value in buckets]
        good = values == sorted(values) and values[-1] == count
        return count if good else None, self.value(name + "_sum" + labels)

    def unseen(self):
        return sorted(set(self.samples) - self.seen)


def do_things(server, compactor):
    """What the figures are about; nothing goes on afterwards."""
    with server.client() as client:
        client.pipeline([("SET", "k%04d" % i, "v" * 100) for i in range(KEYS)])
        client.call("FLUSHMEM")
        client.pipeline([("SET", "k%04d" % i, "w" * 100) for i in range(KEYS)])
        client.pipeline([("DEL", "k%04d" % i) for i in range(GONE)])
        client.call("SET", "short", "lived", "PX", 1)
        client.call("FLUSHMEM")
        rt.wait_until(lambda: client.info("lsm")["l0_files"] == "2",
                      "the flushes")
        client.call("SNAPSHOT", "CREATE")
        client.call("CHECKPOINT", "one")
        compactor.once("--full")
        rt.wait_until(lambda: client.info("lsm")["l0_files"] == "0",
                      "the merge")
        client.pipeline([("GET", "k%04d" % i) for i in range(KEYS)])
        # Between those that are there: filters say no.
        client.pipeline([("GET", "k%04dx" % i) for i in range(KEYS)])
        rt.wait_until(lambda: client.call("EXISTS", "short") == 0, "its end")
        client.error("INCR", "k2999")
        client.error("GET")
        client.error("AUTH", "nobody", "wrong")
    with rt.RespClient(port=server.port) as client:
        client.send_raw(b"*1\r\n$-5\r\n")
        try:
            client.read()
        except (rt.Closed, rt.ReplyError):
            pass


def settled(server, port):
    """A scrape and INFO of one state: reading either changes little that the
    other tells, but the block cache and the log's thread may be at work yet."""
    state = {}

    def same():
        state["metrics"] = Metrics(port)
        with server.client() as client:
            state["info"] = client.info("everything")
        return all(state["metrics"].samples.get(name) ==
                   float(state["info"][field])
                   for name, field in SAME.items() if field not in RAISED)

    try:
        rt.wait_until(same, "metrics and INFO to agree", 20)
    except Exception:  # each that differs is told below
        pass
    return state["metrics"], state["info"]


def test_same(tap, metrics, info):
    for name, field in SAME.items():
        got = metrics.value(name)
        wanted = float(info[field])
        good = got <= wanted if field in RAISED else got == wanted
        tap.ok(good, "%s is %s" % (re.sub(r"\W+", "_", name), field),
               "%s against %s" % (got, wanted))


def test_outside(tap, server, metrics, info):
    def near(name, got, wanted, part=0.2):
        tap.ok(abs(got - wanted) <= part * wanted + 1e-9, name,
               "%s against %s" % (got, wanted))

    status = os.statvfs(server.dir)
    near("disk_free", metrics.value("riptide_disk_free_bytes"),
         status.f_bavail * status.f_frsize, 0.05)
    with open("/proc/%d/stat" % server.pid, encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    ticks = os.sysconf("SC_CLK_TCK")
    # The kernel tells ticks of 10 ms for user and system.
    tap.ok(abs(metrics.value("process_cpu_seconds_total") - (
        int(fields[11]) + int(fields[12])) / ticks) < 0.1, "cpu_seconds")
    near("resident_memory", metrics.value("process_resident_memory_bytes"),
         int(fields[21]) * os.sysconf("SC_PAGE_SIZE"))
    near("virtual_memory", metrics.value("process_virtual_memory_bytes"),
         int(fields[20]))
    near("start_time", metrics.value("process_start_time_seconds"),
         time.time() - int(info["uptime_in_seconds"]), 1e-8 * 10)
    tap.equal(metrics.value('riptide_build_info{version="%s"}' %
                            info["riptide_version"]), 1, "build_info")

    get, sets, deletes = (metrics.value(
        'riptide_commands_total{command="%s"}' % word)
        for word in ("get", "set", "del"))
    tap.equal((get, sets, deletes), (2 * KEYS, 2 * KEYS + 1, GONE),
              "commands_are_counted")
    tap.equal(metrics.value('riptide_commands_failed_total{command="incr"}'),
              1, "failed_commands_are_counted")
    tap.equal(metrics.value('riptide_commands_rejected_total{command="get"}'),
              1, "rejected_commands_are_counted")
    tap.equal(metrics.value("riptide_auth_failures_total"), 1,
              "failed_logins_are_counted")
    tap.equal((metrics.total("riptide_commands_total") > 0,
               metrics.total("riptide_commands_failed_total") > 0,
               metrics.total("riptide_commands_rejected_total") > 0),
              (True,) * 3, "commands_have_names")
    tap.ok(metrics.total("riptide_lookups_total") >= KEYS,
           "look_ups_are_counted_by_their_answer")
    tap.ok(metrics.value("riptide_snapshots") == 1 and
           metrics.value("riptide_oldest_snapshot_age_seconds") <
           int(info["uptime_in_seconds"]) + 1, "the_snapshot_is_told")
    tap.equal((metrics.value("riptide_checkpoints_total"),
               int(info["checkpoints_made"])), (1, 1), "the_checkpoint_is")
    near("written", metrics.value("riptide_written_bytes_total"),
         2 * KEYS * 105 + GONE * 5, 0.2)
    tap.ok(metrics.value("riptide_wal_written_bytes_total") >
           2 * KEYS * 105, "the_log_has_what_was_written")
    tap.ok(metrics.value("riptide_connections_total") >= 3 and
           metrics.value("riptide_connected_clients") <= 1,
           "connections_are_counted")
    tap.ok(metrics.value("riptide_network_received_bytes_total") >
           2 * KEYS * 130 and
           metrics.value("riptide_network_sent_bytes_total") >
           (KEYS - GONE) * 100, "bytes_of_the_network_are_counted")
    for name in list(metrics.samples):
        error = re.fullmatch(r'riptide_error_replies_total\{error="(\w+)"\}',
                             name)
        if error:
            tap.equal("count=%d" % metrics.value(name),
                      info["errorstat_" + error[1]],
                      "errors_are_counted_" + error[1])
    tap.equal(metrics.total("riptide_error_replies_total"),
              int(info["total_error_replies"]), "errors_are_counted")
    tap.ok(metrics.value("riptide_client_buffer_bytes") < 1024,
           "no_client_has_buffers_when_none_is_there")
    tap.equal(metrics.value("riptide_disk_reserve_bytes"), 64 << 20,
              "the_reserve_is_the_option")
    tap.ok(time.time() - rt.PATIENCE_S < metrics.value(
        "riptide_compactor_last_publish_timestamp_seconds") <= time.time(),
           "the_publish_was_just_now")
    tap.equal(metrics.value("riptide_compactor_up"), 0,
              "the_compactor_is_not_there")


def test_counts(tap, server, port, metrics):
    """Those that follow from what was done."""
    for name, wanted in (
            ("riptide_protocol_errors_total", 1),
            ("riptide_denied_commands_total", 0),
            ("riptide_wal_failures_total", 0),
            ("riptide_read_errors_total", 0),
            ("riptide_filters_damaged", 0),
            ("riptide_compactor_damaged_tables", 0),
            ("riptide_compactor_jobs_failed_total", 0),
            ("riptide_compactor_jobs_running", 0),
            ("riptide_block_cache_max_bytes", 256 << 20),
            ("riptide_table_entries", KEYS - GONE + 1),
            ("riptide_table_tombstones", 0),
            ('riptide_compactor_dropped_total{kind="overwritten"}', KEYS),
            ('riptide_compactor_dropped_total{kind="tombstone"}', GONE),
            ('riptide_compactor_dropped_total{kind="expired"}', 0)):
        tap.equal(metrics.samples[name], wanted,
                  "%s is %d" % (re.sub(r"\W+", "_", name), wanted))
    # How many were slow is the machine's to say.
    with server.client() as client:
        tap.equal(Metrics(port).value("riptide_slowlog_entries"),
                  client.call("SLOWLOG", "LEN"), "slow_commands_are_counted")
    tap.ok(1 <= metrics.samples["riptide_manifest_reloads_total"] <=
           metrics.samples["riptide_manifest_generation"],
           "the_merge_was_taken_over")
    tap.ok(metrics.samples["riptide_tables_opened_total"] >= 3,
           "two_tables_of_flushes_and_one_of_the_merge_were_opened")
    tap.ok((KEYS - GONE) * 10 / 8 < metrics.samples[
        "riptide_table_memory_bytes"] < 64 << 10, "filters_are_in_memory")


def test_tables(tap, server, port, metrics):
    """By level, and what the compactor did to each."""

    def on_disk():
        files = [os.path.join(server.dir, "sst", name)
                 for name in os.listdir(os.path.join(server.dir, "sst"))]
        return len(files), sum(map(os.path.getsize, files))

    def told():
        scrape = Metrics(port)
        return (scrape.total("riptide_level_files"),
                scrape.total("riptide_level_bytes"))

    rt.wait_until(lambda: on_disk() == told(),
                  "levels to be what lies in the directory: %r, %r" % (
                      on_disk(), told()))
    tap.ok(metrics.total("riptide_level_files") == on_disk()[0] and
           metrics.total("riptide_level_bytes") == on_disk()[1],
           "levels_are_what_lies_in_the_directory")
    for family in ("riptide_compaction_read_bytes_total",
                   "riptide_compaction_written_bytes_total"):
        whole = family.replace("compaction_", "compactor_")
        tap.ok(0 < metrics.total(family) <= metrics.value(whole),
               family + "_is_of_levels")
    tap.ok(metrics.total("riptide_compaction_seconds_total") < 60 and
           metrics.total("riptide_compaction_jobs_total") >= 1,
           "merges_by_level_took_time")


def test_histograms(tap, metrics):
    count, seconds = metrics.histogram("riptide_command_duration_seconds",
                                       '{family="string"}')
    tap.ok(count is not None and count >= 3 * KEYS and 0 < seconds < 60,
           "times_of_commands", (count, seconds))
    families = {name for name in metrics.samples if name.startswith(
        "riptide_command_duration_seconds_count{")}
    for name in sorted(families):
        labels = name[name.index("{"):]
        count, _ = metrics.histogram("riptide_command_duration_seconds",
                                     labels)
        tap.ok(count is not None, "buckets_rise_%s" % re.sub(
            r"\W+", "_", labels))
    for name, least in (("wal_write", 1), ("wal_sync", 1), ("flush", 2),
                        ("cold_read", 0)):
        count, seconds = metrics.histogram(
            "riptide_%s_duration_seconds" % name)
        tap.ok(count is not None and count >= least and 0 <= seconds < 60,
               "times_of_" + name, (count, seconds))


def test_nothing_happened(tap, metrics):
    """What must be 0 in a life without trouble."""
    for family in ("riptide_wal_failed", "riptide_flush_failing",
                   "riptide_writes_refused", "riptide_writes_refused_total",
                   "riptide_write_stalls_total", "riptide_pubsub_channels",
                   "riptide_write_stall_seconds_total",
                   "riptide_compactor_restarts_total",
                   "riptide_block_cache_evictions_total",
                   "riptide_loading_bytes", "riptide_loading_done_bytes"):
        tap.equal(metrics.total(family), 0, family + "_is_0")


def test_metrics(tap):
    port = rt.free_port()
    with rt.Server(metrics_port=port, l0_compaction_trigger=4) as server:
        do_things(server, rt.Compactor(server.dir))
        metrics, info = settled(server, port)
        test_same(tap, metrics, info)
        test_outside(tap, server, metrics, info)
        test_counts(tap, server, port, metrics)
        test_tables(tap, server, port, metrics)
        test_histograms(tap, metrics)
        test_nothing_happened(tap, metrics)
        tap.equal(metrics.unseen(), [], "no_metric_is_without_a_figure")


tap = rt.Tap()
tap.run(test_metrics)
tap.done()
