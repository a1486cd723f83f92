"""prometheus-redis-exporter, Debian's: it reads INFO and all else that it asks
for without a line of complaint, and what it tells is so."""

import os
import re
import subprocess
import sys
import urllib.request

sys.dont_write_bytecode = True
import client_setup as cs  # noqa: E402
from client_setup import rt  # noqa: E402

PROGRAM = "prometheus-redis-exporter"
KEYS = 100

tap = rt.Tap()


def scrape(port):
    with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % port,
                                timeout=rt.PATIENCE_S) as answer:
        return answer.read().decode()


def answers(port):
    try:
        scrape(port)
        return True
    except OSError:
        return False


def value(metrics, name):
    """A metric's value, whatever its labels are, or None."""
    found = re.search(r"^%s(?:\{[^}]*\})? (\S+)$" % name, metrics, re.M)
    return float(found.group(1)) if found else None


def test_exporter(tap):
    log_path = os.path.join(rt.scratch_dir(), "log")
    port = rt.free_port()
    with rt.Server() as server, open(log_path, "wb") as log:
        with server.client() as client:
            client.pipeline([("SET", "k:%d" % i, i) for i in range(KEYS)])
            client.call("EXPIRE", "k:1", 10000)
            client.call("CONFIG", "RESETSTAT")
            client.call("GET", "k:1")
            client.call("GET", "none")
        process = subprocess.Popen(
            [PROGRAM, "-redis.addr", "redis://127.0.0.1:%d" % server.port,
             "-web.listen-address", "127.0.0.1:%d" % port,
             "-export-client-list", "-include-config-metrics",
             "-include-system-metrics", "-check-keys", "k:1*", "-count-keys",
             "db0=k:*"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            rt.wait_until(lambda: answers(port), "the exporter to answer")
            metrics = scrape(port)
        finally:
            process.kill()
            process.wait()
    with open(log_path, encoding="utf-8") as file:
        said = file.read()
    tap.ok(not re.search("level=(warn|err|fatal)|panic", said),
           "the_exporter_complains_of_nothing", said)
    facts = {"redis_up": 1, "redis_exporter_last_scrape_error": 0,
             "redis_db_keys": KEYS, "redis_db_keys_expiring": 1,
             "redis_keyspace_misses_total": 1, "redis_connected_clients": 1,
             "redis_key_size": 1, "redis_keys_count": KEYS,
             "redis_loading_dump_file": 0,
             "redis_master_repl_offset": 0}
    for name, wanted in facts.items():
        tap.equal(value(metrics, name), wanted, "it_tells_" + name)
    for name in ("redis_memory_used_bytes", "redis_uptime_in_seconds",
                 "redis_commands_total", "redis_commands_processed_total",
                 "redis_net_input_bytes_total", "redis_cpu_user_seconds_total",
                 "redis_config_maxclients", "redis_process_id",
                 "redis_commands_duration_seconds_total",
                 "redis_slowlog_length", "redis_start_time_seconds",
                 "redis_keyspace_hits_total"):
        tap.ok(value(metrics, name) is not None, "it_tells_" + name,
               "no such metric")


why = cs.missing(PROGRAM)
if why is not None:
    tap.skip("test_exporter", why)
else:
    tap.run(test_exporter)
tap.done()
