#!/usr/bin/env python3
"""INFO is true: each field beside a figure that was measured from outside."""

import os
import re
import resource
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt

# What clients and tools parse, by the section that Redis has it in.
PARSED = {
    "server": "redis_version riptide_version redis_mode os run_id process_id "
              "tcp_port uptime_in_seconds uptime_in_days executable "
              "config_file",
    "clients": "connected_clients blocked_clients maxclients",
    "memory": "used_memory used_memory_human used_memory_rss used_memory_peak "
              "mem_fragmentation_ratio maxmemory maxmemory_policy "
              "total_system_memory",
    "persistence": "loading rdb_bgsave_in_progress rdb_last_save_time "
                   "rdb_last_bgsave_status aof_enabled aof_last_write_status "
                   "rdb_changes_since_last_save",
    "stats": "total_connections_received total_commands_processed "
             "instantaneous_ops_per_sec total_net_input_bytes "
             "total_net_output_bytes rejected_connections expired_keys "
             "evicted_keys keyspace_hits keyspace_misses",
    "replication": "role connected_slaves master_repl_offset",
    "cpu": "used_cpu_sys used_cpu_user",
    "lsm": "memtable_bytes immutable_memtables wal_bytes wal_segments l0_files "
           "levels level0_files level0_bytes sst_bytes manifest_generation "
           "visible_seq durable_seq block_cache_bytes block_cache_hits "
           "block_cache_misses bloom_useful write_amplification "
           "space_amplification",
    "compactor": "compactor_state compactor_pid "
                 "compactor_last_publish_age_seconds compactor_jobs_done "
                 "compactor_bytes_read compactor_bytes_written "
                 "compaction_debt_bytes",
}


def titles(client, *sections):
    return re.findall("^# (.*?)\r?$", client.call("INFO", *sections).decode(),
                      re.M)


def sections(tap, server):
    with server.client() as client:
        client.call("SET", "k", "v")
        client.error("LPUSH", "x", "y")
        client.call("FLUSHMEM")
        rt.wait_until(lambda: client.info("lsm")["l0_files"] == "1", "a table")
        tap.equal({name: [field for field in fields.split()
                          if field not in client.info(name)]
                   for name, fields in PARSED.items()},
                  {name: [] for name in PARSED}, "every_field_is_there")
        default = titles(client)
        every = ["Server", "Clients", "Memory", "Persistence", "Stats",
                 "Replication", "CPU", "Modules", "Commandstats",
                 "Errorstats", "Latencystats", "Cluster", "Keyspace", "Lsm",
                 "Compactor"]
        tap.equal(default, [name for name in every if name not in
                            ("Commandstats", "Latencystats")],
                  "by_default_what_grows_with_commands_is_left_out")
        tap.equal([titles(client, word) for word in
                   ("all", "everything", "EVERYTHING", "default")],
                  [every, every, every, default], "all_is_all")
        tap.equal([titles(client, "cpu", "lsm"), titles(client, "lsm", "lsm"),
                   titles(client, "nosuch"),
                   titles(client, "default", "commandstats")],
                  [["CPU", "Lsm"], ["Lsm"], [],
                   [name for name in every if name != "Latencystats"]],
                  "several_sections_are_several")


def of_the_process(tap, server):
    with server.client() as client:
        info = client.info("everything")
        with open("/proc/%d/statm" % server.pid, encoding="ascii") as file:
            resident = int(file.read().split()[1]) * resource.getpagesize()
        with open("/proc/%d/stat" % server.pid, encoding="ascii") as file:
            times = file.read().rpartition(")")[2].split()
        with open("/proc/meminfo", encoding="ascii") as file:
            total = int(file.readline().split()[1]) * 1024
        version = subprocess.run([rt.RIPTIDED, "--version"], check=True,
                                 capture_output=True, text=True).stdout
        cpu_s = (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")
        tap.equal((int(info["process_id"]), int(info["tcp_port"]),
                   int(info["total_system_memory"]),
                   os.path.realpath(info["executable"]), info["config_file"]),
                  (server.pid, server.port, total,
                   os.path.realpath(rt.RIPTIDED), ""),
                  "pid_port_memory_and_program_are_those_of_the_process")
        tap.ok(info["riptide_version"] in version and
               info["os"].split()[1] == os.uname().release,
               "versions_are_those_of_program_and_system", version)
        tap.ok(abs(int(info["used_memory_rss"]) - resident) < 0.1 * resident,
               "resident_memory_is_that_of_proc")
        tap.ok(abs(float(info["used_cpu_user"]) + float(info["used_cpu_sys"])
                   - cpu_s) < 0.3, "processor_time_is_that_of_proc")
        tap.ok(abs(int(info["server_time_usec"]) / 1e6 - time.time()) < 5,
               "the_time_is_that_of_the_clock")
        tap.equal(info["mem_fragmentation_ratio"], "%.2f" % (
            int(info["used_memory_rss"]) / int(info["used_memory"])),
                  "fragmentation_is_resident_by_used")
        files = len(os.listdir("/proc/%d/fd" % server.pid))
        tap.ok(abs(int(info["open_files"]) - files) <= 2,
               "open_files_are_those_of_proc", info["open_files"])
        before = int(info["used_memory"])
        for i in range(8):
            client.call("SET", "memory%d" % i, "v" * 1000000)
        info = client.info("memory")
        grown = int(info["used_memory"]) - before
        tap.ok(7.9e6 <= grown < 14e6 and
               int(info["used_memory_peak"]) >= int(info["used_memory"]),
               "used_memory_grows_by_what_is_written", str(grown))


def of_clients(tap, server):
    with server.client() as client:
        before = client.info("stats")
        others = [server.client() for _ in range(5)]
        for other in others:
            other.call("PING")
        after = client.info("clients")
        stats = client.info("stats")
        tap.equal((int(after["connected_clients"]),
                   int(stats["total_connections_received"]) -
                   int(before["total_connections_received"]),
                   after["maxclients"]), (6, 5, "20"),
                  "connections_are_those_that_were_made")
        client.call("CLIENT", "PAUSE", 60000, "WRITE")
        others[0].send_raw(rt.encode("SET", "a", "b"))
        others[1].send_raw(rt.encode("SET", "a", "b"))
        rt.wait_until(lambda: client.info("clients")["blocked_clients"] == "2",
                      "two clients to wait")
        client.call("CLIENT", "UNPAUSE")
        tap.equal([others[0].read(), others[1].read(),
                   client.info("clients")["blocked_clients"]],
                  ["OK", "OK", "0"], "blocked_clients_are_those_that_wait")
        more = [server.client() for _ in range(15)]
        closed = [one for one in more if one.error("PING") is not None]
        rejected = int(client.info("stats")["rejected_connections"])
        tap.equal((len(closed), rejected), (1, 1),
                  "rejected_connections_are_those_above_maxclients")
        for other in others + more:
            other.close()
        rt.wait_until(
            lambda: client.info("clients")["connected_clients"] == "1",
            "connections to end")


def of_commands(tap, server):
    with server.client() as client:
        client.call("CONFIG", "RESETSTAT")
        client.pipeline([("SET", "n%d" % i, "v") for i in range(50)])
        client.pipeline([("GET", "n%d" % i) for i in range(70)])
        client.pipeline([("LPUSH", "n0", "x")] * 3)
        client.error("GET")
        client.error("INCR", "n0")
        client.call("SET", "brief", "x", "PX", 1)
        rt.wait_until(lambda: client.call("GET", "brief") is None, "its end")
        client.call("COMMAND", "DOCS")
        info = client.info("everything")
        stats = dict(pair.split("=") for pair in
                     info["cmdstat_command|docs"].split(","))
        tap.equal([info["cmdstat_set"].split(",")[0],
                   info["cmdstat_get"].split(",")[-2],
                   info["cmdstat_incr"].split(",")[-1], stats["calls"]],
                  ["calls=51", "rejected_calls=1", "failed_calls=1", "1"],
                  "calls_and_failures_are_counted_by_command")
        gets = int(re.match("calls=([0-9]+),", info["cmdstat_get"]).group(1))
        # The brief one was there each time but the last.
        tap.equal((int(info["keyspace_hits"]), int(info["keyspace_misses"])),
                  (50 + gets - 70 - 1, 20 + 1), "hits_and_misses_are_counted")
        tap.equal([info["errorstat_ERR"], info["total_error_replies"]],
                  ["count=5", "5"], "errors_are_counted_by_their_word")
        percentiles = dict(pair.split("=") for pair in info[
            "latency_percentiles_usec_command|docs"].split(","))
        usec = float(stats["usec"])
        tap.ok(len(set(percentiles.values())) == 1 and
               -1 <= float(percentiles["p50"]) - usec <= usec / 16 + 1,
               "the_percentiles_of_one_call_are_its_time",
               "%r %r" % (percentiles, stats))
        p50, p99, p999 = (float(pair.split("=")[1]) for pair in
                          info["latency_percentiles_usec_get"].split(","))
        tap.ok(0 < p50 <= p99 <= p999, "percentiles_rise")
        before = client.info("stats")
        sent = rt.encode("ECHO", "x" * 1000) * 10
        client.send_raw(sent)
        got = len(client.recv_raw(10 * len("$1000\r\n" + "x" * 1000 + "\r\n")))
        asked = len(rt.encode("INFO", "stats"))
        after = client.info("stats")
        answered = int(after["total_net_output_bytes"]) - \
            int(before["total_net_output_bytes"]) - got
        tap.equal(int(after["total_net_input_bytes"]) -
                  int(before["total_net_input_bytes"]), len(sent) + asked,
                  "bytes_received_are_those_sent")
        # The answer to the first INFO is among them.
        tap.ok(500 < answered < 3000, "bytes_sent_are_those_received",
               str(answered))
        tap.equal(int(after["total_commands_processed"]) -
                  int(before["total_commands_processed"]), 11,
                  "commands_are_those_sent")
        end = time.monotonic() + rt.PATIENCE_S
        while time.monotonic() < end:
            began = time.monotonic()
            for _ in range(20):
                client.pipeline([("GET", "n0")] * 200)
            pace = 4000 / (time.monotonic() - began)
            told = int(client.info("stats")["instantaneous_ops_per_sec"])
            if pace / 3 < told < 3 * pace:
                break
        tap.ok(pace / 3 < told < 3 * pace, "the_pace_is_told",
               "%d %d" % (pace, told))


def of_keys(tap, server):
    with server.client() as client:
        client.call("FLUSHALL")
        client.pipeline([("SET", "k%d" % i, "v") for i in range(77)])
        client.pipeline([("SET", "t%d" % i, "v", "EX", 1000)
                         for i in range(23)])
        client.call("SELECT", 3)
        client.call("SET", "other", "v")
        info = client.info("keyspace")
        counts = dict(pair.split("=") for pair in info["db0"].split(","))
        tap.equal((counts["keys"], counts["expires"], info["db3"]),
                  ("100", "23", "keys=1,expires=0,avg_ttl=0"),
                  "keys_and_expiries_are_those_written")
        tap.ok(900000 < int(counts["avg_ttl"]) <= 1000000,
               "time_to_live_is_the_mean", counts["avg_ttl"])


def sizes(directory, pattern):
    return [os.path.getsize(os.path.join(directory, name))
            for name in os.listdir(directory) if re.fullmatch(pattern, name)]


def of_the_disk(tap, server):
    """And of the compactor, which works on it."""
    with server.client() as client:
        before = client.info("lsm")
        client.pipeline([("SET", "d%05d" % (i % 2500), "w" * 400)
                         for i in range(5000)])
        client.call("FLUSHMEM")
        rt.wait_until(lambda: client.info("lsm")["immutable_memtables"] == "0",
                      "the flush")
        client.call("SAVE")
        info = client.info("lsm")
        sst = os.path.join(server.dir, "sst")
        wal = os.path.join(server.dir, "wal")
        tap.equal((int(info["l0_files"]), int(info["level0_files"]),
                   int(info["sst_bytes"])),
                  (len(sizes(sst, r"d-.*")), len(sizes(sst, r"d-.*")),
                   sum(sizes(sst, r".*\.sst"))),
                  "tables_and_their_bytes_are_those_in_the_directory")
        # Those that are not needed any more wait for their next use.
        tap.ok(1 <= int(info["wal_segments"]) <=
               len(sizes(wal, r"[0-9]+\.wal")) and
               0 < int(info["wal_bytes"]) <= sum(sizes(wal, r".*\.wal")),
               "segments_are_among_those_in_the_directory")
        tap.equal(int(info["manifest_generation"]), max(
            int(name.split("-")[1]) for name in
            os.listdir(os.path.join(server.dir, "manifest"))
            if re.fullmatch(r"MANIFEST-[0-9]+", name)),
                  "the_generation_is_the_newest_file")
        tap.equal((int(info["visible_seq"]) - int(before["visible_seq"]),
                   info["durable_seq"]), (5000, info["visible_seq"]),
                  "a_sequence_is_given_to_each_write_and_saved")
        free = os.statvfs(server.dir)
        free = free.f_bavail * free.f_frsize
        tap.ok(abs(int(info["disk_free_bytes"]) - free) < 0.05 * free,
               "free_space_is_that_of_the_file_system")
        tap.equal(int(client.info("compactor")["compactor_pid"]), 0,
                  "without_a_compactor_there_is_none")
        compactor = rt.Compactor(server.dir)
        tap.equal(compactor.once("--full"), 0, "everything_is_merged")
        rt.wait_until(lambda: client.info("lsm")["l0_files"] == "0" and
                      client.info("lsm")["obsolete_files"] == "0",
                      "the daemon to take it over")
        info = client.info("everything")
        level = next(name for name in info
                     if re.fullmatch("level[1-9]+_bytes", name) and
                     info[name] != "0")
        tap.equal((int(info["sst_bytes"]), int(info[level]),
                   int(info["compactor_jobs_done"]) > 0,
                   info["compactor_state"], info["compaction_debt_bytes"]),
                  (sum(sizes(sst, r".*")), sum(sizes(sst, r".*")), True,
                   "absent", "0"),
                  "what_was_merged_is_in_the_last_level")
        tap.ok(int(info["compactor_bytes_written"]) == sum(sizes(sst, r"c.*"))
               and 0 <= int(info["compactor_last_publish_age_seconds"]) < 60,
               "the_compactor_wrote_what_is_there")
        tap.equal(info["space_amplification"], "1.00",
                  "one_level_has_each_key_once")
        before = info
        client.pipeline([("GET", "d%05dx" % i) for i in range(200)])
        client.pipeline([("GET", "d%05d" % i) for i in range(0, 2500, 50)] * 2)
        info = client.info("lsm")
        tap.ok(int(info["bloom_useful"]) - int(before["bloom_useful"]) > 190,
               "filters_say_no_to_keys_that_are_not_there")
        hits = int(info["block_cache_hits"]) - int(before["block_cache_hits"])
        missed = int(info["block_cache_misses"]) - \
            int(before["block_cache_misses"])
        tap.ok(hits >= 50 and hits + missed >= 100 and 0 <
               int(info["block_cache_bytes"]) <= 256 << 20,
               "blocks_that_were_read_are_found_again",
               "%d %d %s" % (hits, missed, info["block_cache_bytes"]))
        running = compactor.start()
        rt.wait_until(lambda: client.info("compactor")["compactor_state"] ==
                      "idle", "the compactor to have its role")
        tap.equal(int(client.info("compactor")["compactor_pid"]), running.pid,
                  "the_compactor_is_that_process")
        running.stop()


def amplification(tap):
    """A daemon of its own, which has written nothing else."""
    with rt.Server(appendfsync="no") as server, server.client() as client:
        client.pipeline([("SET", "%08d" % i, "x" * 92) for i in range(3000)])
        client.call("FLUSHMEM")
        rt.wait_until(lambda: client.info("lsm")["flushes"] == "1", "a flush")
        info = client.info("lsm")
        table = sum(sizes(os.path.join(server.dir, "sst"), ".*"))
        told = float(info["write_amplification"])
        # Each record of the log has its header; the table is written once.
        tap.ok(1.0 + table / 300000 < told < 2.0 + table / 300000,
               "write_amplification_is_log_and_table_by_what_was_sent",
               "%r %r" % (told, table))


def of_a_restart(tap, server):
    with server.client() as client:
        before = client.info("server")
    time.sleep(1.1)
    server.restart()
    with server.client() as client:
        info = client.info("server")
        tap.ok(re.fullmatch("[0-9a-f]{40}", info["run_id"]) and
               info["run_id"] != before["run_id"] and
               int(info["uptime_in_seconds"]) <
               int(before["uptime_in_seconds"]) + 1,
               "a_restart_has_an_id_and_an_uptime_of_its_own")


def main():
    tap = rt.Tap()
    with rt.Server(maxclients=20, memtable_size="64mb") as server:
        for test in (sections, of_the_process, of_clients, of_commands,
                     of_keys, of_the_disk, of_a_restart):
            tap.run(test, server)
    tap.run(amplification)
    tap.done()


main()
