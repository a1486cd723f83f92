#!/usr/bin/env python3
"""Every command over a real server: what it does, its edges, both protocols,
any bytes, and what a restart keeps. Wrong numbers of arguments and Redis' own
words are compared with Redis itself in test_differential.py."""

import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

ANY = bytes(range(256)) + b"\r\n$-1\r\n\x00"


def table(tap, client, name, rows):
    """rows: a command as a tuple of words, and its reply; all under a name."""
    client.call("FLUSHALL")
    bad = []
    for words, wanted in rows:
        client.send_raw(rt.encode(*words))
        got = client.read()
        if isinstance(got, rt.ReplyError):
            got = "-" + got.text
        if got != wanted:
            bad.append("%r: got %r, wanted %r" % (words, got, wanted))
    tap.ok(not bad, name, "\n".join(bad))


STRINGS = [
    (("SET", "a", "1"), "OK"), (("GET", "a"), b"1"), (("get", "x"), None),
    (("SET", "a", "2", "NX"), None), (("SET", "b", "2", "XX"), None),
    (("SET", "a", "3", "XX", "GET"), b"1"), (("SET", "n", "1", "GET"), None),
    (("SET", "a", "1", "NX", "XX"), "-ERR syntax error"),
    (("SET", "a", "1", "EX", "0"), "-ERR invalid expire time in 'set' command"),
    (("SET", "a", "1", "EX", "9223372036854775807"),
     "-ERR invalid expire time in 'set' command"),
    (("GET", "a"), b"3"),
    (("SETNX", "a", "9"), 0), (("SETNX", "new", "9"), 1),
    (("GETSET", "new", "10"), b"9"), (("GETDEL", "new"), b"10"),
    (("GET", "new"), None), (("MSET", "a", "1", "b", "2", "a", "3"), "OK"),
    (("MGET", "a", "b", "x"), [b"3", b"2", None]),
    (("MSET", "a"), "-ERR wrong number of arguments for 'mset' command"),
    (("APPEND", "s", "Hello"), 5), (("APPEND", "s", " World"), 11),
    (("STRLEN", "s"), 11), (("GETRANGE", "s", 0, 4), b"Hello"),
    (("GETRANGE", "s", -5, -1), b"World"), (("GETRANGE", "s", 5, 2), b""),
    (("SETRANGE", "s", 6, "Redis"), 11), (("GET", "s"), b"Hello Redis"),
    (("SETRANGE", "z", 3, "x"), 4), (("GET", "z"), b"\0\0\0x"),
    (("SETRANGE", "s", -1, "x"), "-ERR offset is out of range"),
    (("SETRANGE", "s", 1 << 40, "x"), "-ERR string exceeds maximum allowed "
     "size (proto-max-bulk-len)"),
    (("SET", ANY, ANY), "OK"), (("GET", ANY), ANY),
    (("SET", "", ""), "OK"), (("GET", ""), b""), (("STRLEN", ""), 0),
    (("SET", "k" * 65536, "v"), "OK"), (("GET", "k" * 65536), b"v"),
    (("GET", "k" * 65537), "-ERR key is too long (limit 65536)"),
]

NUMBERS = [
    (("INCR", "n"), 1), (("INCRBY", "n", 41), 42), (("DECR", "n"), 41),
    (("DECRBY", "n", 42), -1), (("GET", "n"), b"-1"),
    (("SET", "n", "9223372036854775807"), "OK"),
    (("INCR", "n"), "-ERR increment or decrement would overflow"),
    (("GET", "n"), b"9223372036854775807"),
    (("DECRBY", "n", "-9223372036854775808"), "-ERR decrement would overflow"),
    (("SET", "n", "abc"), "OK"),
    (("INCR", "n"), "-ERR value is not an integer or out of range"),
    (("INCRBY", "n", "1.5"), "-ERR value is not an integer or out of range"),
]

KEYS = [
    (("MSET", "a", 1, "b", 2), "OK"), (("EXISTS", "a", "a", "b", "x"), 3),
    (("TYPE", "a"), "string"), (("TYPE", "x"), "none"),
    (("DEL", "a", "a", "x"), 1), (("UNLINK", "b"), 1), (("DBSIZE",), 0),
    (("SET", "e", 1, "EX", 100), "OK"), (("TTL", "e"), 100),
    (("EXPIRE", "e", 50, "GT"), 0), (("EXPIRE", "e", 50, "LT"), 1),
    (("PERSIST", "e"), 1), (("PERSIST", "e"), 0), (("TTL", "e"), -1),
    (("EXPIRE", "e", 1, "XX"), 0),
    (("EXPIREAT", "e", 4102444800), 1), (("EXPIRETIME", "e"), 4102444800),
    (("PEXPIREAT", "e", 4102444800123), 1),
    (("PEXPIRETIME", "e"), 4102444800123), (("INCR", "e"), 2),
    (("PEXPIRETIME", "e"), 4102444800123), (("SET", "e", 1), "OK"),
    (("TTL", "e"), -1), (("GETEX", "e", "PXAT", 4102444800123), b"1"),
    (("SET", "e", 2, "KEEPTTL"), "OK"), (("PEXPIRETIME", "e"), 4102444800123),
    (("EXPIRE", "e", 0), 1), (("EXISTS", "e"), 0), (("TTL", "e"), -2),
    (("SET", "e", 1, "PXAT", 1), "OK"), (("EXISTS", "e"), 0),
    (("SETEX", "e", 0, 1), "-ERR invalid expire time in 'setex' command"),
    (("OBJECT", "ENCODING", "x"), None), (("SET", "o", "12"), "OK"),
    (("OBJECT", "ENCODING", "o"), b"int"), (("OBJECT", "REFCOUNT", "o"), 1),
]

CONNECTION = [
    (("PING",), "PONG"), (("PING", ANY), ANY), (("ECHO", ANY), ANY),
    (("SELECT", 16), "-ERR DB index is out of range"), (("SELECT", 3), "OK"),
    (("SET", "a", 3), "OK"), (("SELECT", 0), "OK"), (("GET", "a"), None),
    (("CLIENT", "SETNAME", "me"), "OK"), (("CLIENT", "GETNAME"), b"me"),
    (("CLIENT", "SETNAME", "a b"), "-ERR Client names cannot contain spaces, "
     "newlines or special characters."),
    (("CLIENT", "SETINFO", "LIB-NAME", "x"), "OK"),
    (("CLIENT", "NO-EVICT", "on"), "OK"), (("CLIENT", "NO-TOUCH", "off"), "OK"),
    (("CLIENT", "MAINT_NOTIFICATIONS", "ON"), "-ERR unknown subcommand "
     "'MAINT_NOTIFICATIONS'. Try CLIENT HELP."),
    (("LATENCY", "LATEST"), []), (("LATENCY", "RESET"), 0),
    (("HELLO", 9), "-NOPROTO unsupported protocol version"),
    (("FLUSHDB", "NOW"), "-ERR syntax error"), (("FLUSHALL", "ASYNC"), "OK"),
    (("SELECT", 3), "OK"), (("DBSIZE",), 0), (("SELECT", 0), "OK"),
    (("FLUSHMEM",), "OK"), (("SHUTDOWN", "ABORT"),
                            "-ERR No shutdown in progress."),
]

NO_CLUSTER = "-ERR This instance has cluster support disabled"
ADMIN = [
    (("SAVE",), "OK"), (("BGREWRITEAOF",),
                        "Background append only file rewriting started"),
    (("WAIT", 1, 0), 0), (("SET", "a", 1), "OK"), (("WAITAOF", 1, 0, 0), [1, 0]),
    (("WAITAOF", 0, 0, 0), [1, 0]),
    (("WAITAOF", 2, 0, 0),
     "-ERR value is out of range, value must between 0 and 1"),
    (("WAITAOF", 1, -1, 0), "-ERR value is out of range, must be positive"),
    (("WAITAOF", 1, 0, -1), "-ERR timeout is negative"),
    (("ROLE",), [b"master", 0, []]), (("REPLICAOF", "NO", "ONE"), "OK"),
    (("SLAVEOF", "::1", 6379),
     "-ERR replication is not supported by this server"),
    (("CLUSTER", "INFO"), NO_CLUSTER), (("READONLY",), NO_CLUSTER),
    (("MODULE", "LIST"), []), (("SCRIPT", "EXISTS", "a", "b"), [0, 0]),
    (("ACL", "WHOAMI"), b"default"), (("ACL", "USERS"), [b"default"]),
    (("ACL", "LIST"), [b"user default on nopass ~* &* +@all"]),
    (("ACL", "CAT", "bitmap"), [b"bitcount", b"bitfield", b"bitfield_ro",
                                b"bitop", b"bitpos", b"getbit", b"setbit"]),
    (("ACL", "CAT", "nosuch"), "-ERR Unknown category 'nosuch'"),
    (("ACL", "DRYRUN", "default", "get"),
     "-ERR wrong number of arguments for 'get' command"),
    (("MEMORY", "PURGE"), "OK"), (("LATENCY", "HISTORY", "command"), []),
    (("CONFIG", "SET", "maxmemory", 0, "save", ""), "OK"),
    (("CONFIG", "SET", "maxmemory", "1gb"), "-ERR CONFIG SET failed (possibly "
     "related to argument 'maxmemory') - this server knows one value"),
    (("CONFIG", "SET", "loglevel", "debug", "LOGLEVEL", "notice"),
     "-ERR CONFIG SET failed (possibly related to argument 'LOGLEVEL') - "
     "duplicate parameter"),
    (("CONFIG", "SET", "loglevel", "notice"), "OK"),
    (("CONFIG", "REWRITE"), "-ERR The server is running without a config file"),
    (("DEBUG", "SLEEP", 0), "-ERR DEBUG command not allowed. If the "
     "enable-debug-command option is set to \"local\", you can run it from a "
     "local connection, otherwise you need to set this option in the "
     "configuration file, and then restart the server."),
]

DEBUG = [
    (("DEBUG", "SET-ACTIVE-EXPIRE", 0), "OK"), (("DEBUG", "RELOAD"), "OK"),
    (("SET", "a", 12), "OK"), (("DEBUG", "OBJECT", "a"),
                               "Value at:0x0 refcount:1 encoding:int "
                               "serializedlength:3 lru:0 lru_seconds_idle:0"),
    (("DEBUG", "OBJECT", "x"), "-ERR no such key"),
    (("DEBUG", "STRINGMATCH-LEN", 1000, "a*a"), 1),
    (("DEBUG", "STRINGMATCH-LEN", 1000, "b*"), 0),
    (("DEBUG", "PROTOCOL", "integer"), 12345),
    (("DEBUG", "SLEEP", 0.001), "OK"),
    (("DEBUG", "NOSUCH"), "-ERR unknown subcommand or wrong number of "
     "arguments for 'NOSUCH'. Try DEBUG HELP."),
    (("CONFIG", "SET", "enable-debug-command", "no"), "-ERR CONFIG SET failed "
     "(possibly related to argument 'enable-debug-command') - "
     "enable-debug-command: cannot change at run time, allowed: at start"),
]


def users(tap, server):
    """ACL with the user readonly."""
    with rt.Server(requirepass="all", requirepass_readonly="look") as two:
        with two.client() as client:
            client.call("AUTH", "readonly", "look")
            tap.equal(client.call("ACL", "WHOAMI"), b"readonly",
                      "acl_whoami_knows_the_user_readonly")
            client.call("AUTH", "default", "all")
            tap.equal(client.call("ACL", "LIST"),
                      [b"user default on ~* &* +@all",
                       b"user readonly on ~* &* +@all -@write -@admin"],
                      "acl_list_tells_no_password")
            tap.equal(client.call("ACL", "DRYRUN", "readonly", "SET", "a", 1),
                      b"User readonly has no permissions to run the 'set' "
                      b"command", "acl_dryrun_of_a_write_by_readonly")


def debug(tap, server):
    """DEBUG where it is allowed."""
    for word in ("local", "yes"):
        with rt.Server(enable_debug_command=word) as allowed:
            with allowed.client() as client:
                table(tap, client, "debug_with_enable_debug_command_" + word,
                      DEBUG)


def saved_in_the_background(tap, server):
    """BGSAVE says that it began, and LASTSAVE when it was done."""
    with server.client() as client:
        before = client.call("LASTSAVE")
        rt.wait_until(lambda: client.call("TIME")[0] != b"%d" % before,
                      "the next second")
        tap.equal(client.call("BGSAVE"), "Background saving started",
                  "bgsave_begins")
        rt.wait_until(lambda: client.call("LASTSAVE") > before,
                      "BGSAVE to end")
        tap.equal(client.info("persistence")["rdb_bgsave_in_progress"], "0",
                  "lastsave_rises_when_bgsave_has_ended")


def replies(tap, server):
    for protocol in (2, 3):
        with server.client() as client:
            hello = client.call("HELLO", protocol)
            if isinstance(hello, list):
                hello = dict(zip((k.decode() for k in hello[::2]),
                                 hello[1::2]))
            tap.equal((hello["proto"], hello["mode"], hello["role"],
                       hello["modules"]),
                      (protocol, b"standalone", b"master", []),
                      "resp%d_hello" % protocol)
            for name in ("STRINGS", "NUMBERS", "KEYS", "CONNECTION", "ADMIN"):
                table(tap, client, "resp%d_%s" % (protocol, name.lower()),
                      globals()[name])


def listings(tap, server):
    with server.client() as client:
        commands = client.call("COMMAND")
        tap.equal(client.call("COMMAND", "COUNT"), len(commands),
                  "command_count_is_that_of_command")
        tap.equal(sorted(c[0] for c in commands),
                  sorted(client.call("COMMAND", "LIST")),
                  "command_list_is_that_of_command")
        tap.equal(client.call("COMMAND", "INFO", "get")[0][:6],
                  [b"get", 2, ["readonly", "fast"], 1, 1, 1],
                  "command_info_of_get")
        tap.equal(client.call("COMMAND", "DOCS", "get")[0], b"get",
                  "command_docs_of_get")
        tap.equal(client.call("CONFIG", "GET", "save"), [b"save", b""],
                  "config_get_save")
        client.call("CONFIG", "SET", "maxclients", 500, "timeout", 77)
        tap.equal(client.call("CONFIG", "GET", "timeout"),
                  [b"timeout", b"77"], "config_set_is_seen_by_config_get")
        tap.ok(b" cmd=client|list " in client.call("CLIENT", "LIST"),
               "client_list_shows_the_command")
        with server.client() as other:
            number = other.call("CLIENT", "ID")
            tap.equal(client.call("CLIENT", "KILL", "ID", number), 1,
                      "client_kill_by_id")
            tap.equal(other.recv_all(), b"", "killed_client_is_closed")
        seconds, micros = client.call("TIME")
        tap.ok(abs(int(seconds) - time.time()) < 60 and
               0 <= int(micros) < 1000000, "time_is_now")
        tap.ok(client.call("MEMORY", "USAGE", "nosuch") is None,
               "memory_usage_of_nothing_is_nil")


INFO_KEYS = """redis_version riptide_version redis_mode role loading maxmemory
maxmemory_policy run_id process_id tcp_port os uptime_in_seconds
connected_clients blocked_clients maxclients used_memory used_memory_rss
used_memory_peak mem_fragmentation_ratio rdb_bgsave_in_progress
rdb_last_save_time rdb_last_bgsave_status aof_enabled aof_last_write_status
total_connections_received total_commands_processed instantaneous_ops_per_sec
total_net_input_bytes total_net_output_bytes rejected_connections expired_keys
evicted_keys keyspace_hits keyspace_misses used_cpu_sys used_cpu_user
connected_slaves master_repl_offset db0 memtable_bytes immutable_memtables
wal_bytes wal_segments l0_files levels sst_bytes manifest_generation
visible_seq durable_seq block_cache_bytes block_cache_hits block_cache_misses
bloom_useful write_amplification space_amplification compactor_state
compactor_pid compactor_last_publish_age_seconds compactor_jobs_done
compactor_bytes_read compactor_bytes_written compaction_debt_bytes""".split()


def info(tap, server):
    with server.client() as client:
        client.call("FLUSHALL")
        client.call("MSET", "a", 1, "b", 2)
        client.call("SET", "c", 3, "EX", 1000)
        got = client.info()
        tap.equal([key for key in INFO_KEYS if key not in got], [],
                  "info_has_what_clients_and_tools_read")
        tap.ok(got["db0"].startswith("keys=3,expires=1,avg_ttl="),
               "info_counts_keys", got["db0"])
        tap.equal((got["tcp_port"], got["process_id"], got["compactor_state"]),
                  (str(server.port), str(server.pid), "absent"),
                  "info_tells_port_pid_and_no_compactor")
        tap.ok("cmdstat_mset" in client.info("everything"),
               "info_everything_has_commandstats")
        tap.ok("role" not in client.info("keyspace"),
               "info_of_a_section_is_that_section")


def scans(tap, server):
    with server.client() as client:
        client.call("FLUSHALL")
        keys = {b"same-beginning:%05d" % i for i in range(3000)}
        client.pipeline([("SET", key, 1) for key in keys])
        cursor, found = client.call("SCAN", 0, "COUNT", 700)
        tap.ok(cursor.isdigit() and 0 < int(cursor) < 1 << 63,
               "a_cursor_is_a_decimal_of_64_bits", cursor)
    with server.client() as client:
        _, first = client.call("SCAN", cursor, "COUNT", 700)
    with server.client() as client:
        _, second = client.call("SCAN", cursor, "COUNT", 700)
    tap.equal((len(first), first), (700, second),
              "a_cursor_is_good_for_any_connection")
    server.restart()
    with server.client() as client:
        calls = 1
        while cursor != b"0":
            cursor, more = client.call("SCAN", cursor, "COUNT", 700)
            found += more
            calls += 1
        tap.equal((set(found), len(found), calls), (keys, len(keys), 5),
                  "scan_goes_on_after_a_restart_without_a_miss_or_a_repeat")
        tap.equal(client.call("DBSIZE"), 3000, "dbsize_is_exact")
        tap.equal(len(client.call("KEYS", "same-beginning:000*")), 100,
                  "keys_matches")


def restart(tap, server):
    with server.client() as client:
        client.call("FLUSHALL")
        client.call("SET", "stays", ANY, "PXAT", 4102444800123)
        client.call("SET", "ends", 1, "PX", 1)
        client.call("SET", "gone", 1)
        client.call("DEL", "gone")
        client.call("SELECT", 5)
        client.call("SET", "five", 5)
    server.kill()
    server.start()
    with server.client() as client:
        tap.equal((client.call("GET", "stays"),
                   client.call("PEXPIRETIME", "stays")),
                  (ANY, 4102444800123), "value_and_expiry_outlive_a_kill")
        tap.equal((client.call("GET", "gone"), client.call("GET", "ends")),
                  (None, None), "what_was_deleted_or_ended_stays_away")
        client.call("SELECT", 5)
        tap.equal(client.call("GET", "five"), b"5", "databases_stay_apart")
        client.send_raw(rt.encode("SHUTDOWN", "NOSAVE"))
        tap.equal(client.recv_all(), b"", "shutdown_has_no_reply")
    tap.equal(server.wait(), 0, "shutdown_ends_with_0")


def first_append(tap, _server):
    """On a daemon that has not made a value yet."""
    with rt.Server() as server, server.client(timeout=10) as client:
        tap.equal((client.call("APPEND", "a", ""), client.call("GET", "a")),
                  (0, b""), "the_first_append_may_be_of_nothing")


def expired_value(tap, server):
    """Commands that look at a part of a value."""
    with server.client() as client:
        client.call("SET", "ended", "secret", "PX", 1)
        while client.call("EXISTS", "ended"):
            pass
        tap.equal([client.call(*words) for words in (
            ("GETRANGE", "ended", 0, -1), ("GETRANGE", "ended", -8, 1),
            ("STRLEN", "ended"), ("GETEX", "ended"), ("GETDEL", "ended"),
            ("OBJECT", "ENCODING", "ended"), ("MEMORY", "USAGE", "ended"))],
                  [b"", b"", 0, None, None, None, None],
                  "no_part_of_an_expired_value_is_seen")


def main():
    tap = rt.Tap()
    # On a busy machine anything may take long.
    with rt.Server(latency_monitor_threshold=0) as server:
        for test in (replies, saved_in_the_background, listings, info,
                     scans, expired_value, restart, first_append, debug,
                     users):
            tap.run(test, server)
    tap.done()


main()
