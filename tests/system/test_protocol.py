"""What a client gets for good, odd and hostile bytes: raw sockets against a
running riptided, while a bystander asks PING throughout and the process's
memory is watched. The table of bad input, row by row:

    nothing to do: empty lines, *0, *-1    test_nothing_to_do_is_ignored
    counts and lengths that are none       test_protocol_errors_close
    not a bulk, nested, no CRLF behind     test_protocol_errors_close
    LF alone                               test_pieces, test_protocol_errors_close
    inline too long, quotes unbalanced     test_protocol_errors_close
    any byte, empty key, empty value       test_any_byte
    at the limit, one byte over it         test_limits
    unknown command, arity, options        test_command_errors
    slow, half, silent, gone               test_slow_clients, test_keepalive
    half-closed                            test_half_closed
    RST in the middle of a reply           test_reset
    1e6 pipelined commands, nothing read   test_flood, test_unread_replies
    garbage behind valid commands          test_valid_commands_before_garbage
    TLS, HTTP, SSH                         test_foreign_protocols
    too many clients, no descriptors       test_maxclients, test_no_descriptors
    while the log is replayed              test_loading.py
    HELLO 3, HELLO 9                       test_hello
    before AUTH                            test_before_auth, test_passwords.py
    announced, not sent                    test_declared_lengths, test_halves
    10,000 idle connections                test_many_idle
"""

import os
import resource
import socket
import stat
import struct
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()


def after(server, data, path=None):
    """Everything that the server answers to data until it closes."""
    client = server.client() if path is None else rt.RespClient(path=path)
    with client:
        try:
            client.send_raw(data)
        except OSError:
            pass
        return client.recv_all()


def still_serves(server):
    with server.client() as client:
        return client.call("PING") == "PONG"


class Bystander(threading.Thread):
    """A client that minds its own business; what it met is told at the end."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.client = server.client()
        self.ending = threading.Event()
        self.problem = None
        self.longest_s = 0
        self.pings = 0

    def run(self):
        try:
            while not self.ending.wait(0.005):
                began = time.monotonic()
                if self.client.call("PING") != "PONG":
                    raise ValueError("not PONG")
                self.longest_s = max(self.longest_s, time.monotonic() - began)
                self.pings += 1
        except (OSError, ValueError, rt.Closed, rt.ReplyError) as error:
            self.problem = error

    def end(self):
        self.ending.set()
        self.join()
        self.client.close()


def status_kb(pid, field):
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1])
    return 0


def is_sanitized(server):
    """A sanitizer keeps freed memory for a while."""
    with open("/proc/%d/maps" % server.pid, encoding="utf-8") as maps:
        return any("libasan" in line or "libtsan" in line for line in maps)


# -- the parser, seen from outside --

def test_nothing_to_do_is_ignored(tap, server):
    with server.client() as client:
        for data in (b"\r\n", b"\n", b"*0\r\n", b"*-1\r\n", b"*-10\r\n"):
            client.send_raw(data)
        tap.equal(client.call("PING"), "PONG",
                  "empty_lines_and_counts_are_ignored")


def test_protocol_errors_close(tap, server):
    rows = [
        (b"*3000000000\r\n", "invalid multibulk length"),
        (b"*abc\r\n", "invalid multibulk length"),
        (b"*+1\r\n", "invalid multibulk length"),
        (b"* 1\r\n", "invalid multibulk length"),
        (b"*" + b"9" * 25 + b"\r\n", "invalid multibulk length"),
        (b"*1\n$4\nPING\n", "invalid multibulk length"),
        (b"*1\r\n$-1\r\n", "invalid bulk length"),
        (b"*1\r\n$-10\r\n", "invalid bulk length"),
        (b"*1\r\n$2000000000\r\n", "invalid bulk length"),
        (b"*1\r\n$blabla\r\n", "invalid bulk length"),
        (b"*1\r\nfoo\r\n", "expected '$', got 'f'"),
        (b"*1\r\n:1\r\n", "expected '$', got ':'"),
        (b"*1\r\n*1\r\n$4\r\nPING\r\n", "expected '$', got '*'"),
        (b"*1\r\n\x01\r\n", "expected '$', got '\\x01'"),
        (b"*1\r\n$4\r\nPINGxx", "bulk not followed by CRLF"),
        (b"a" * 70000, "too big inline request"),
        (b"*" + b"1" * 70000, "too big mbulk count string"),
        (b"*1\r\n$" + b"1" * 70000, "too big bulk count string"),
        (b'set k "a\r\n', "unbalanced quotes in request"),
        (b"set k 'a'b\r\n", "unbalanced quotes in request"),
    ]
    for data, words in rows:
        wanted = ("-ERR Protocol error: %s\r\n" % words).encode()
        tap.equal(after(server, data), wanted,
                  "%.24s_is_%s" % (ascii(data)[2:-1].replace("\\", "/")
                                   .replace("#", "/x23").replace(" ", "_"),
                                   words.replace(" ", "_")))
    tap.ok(still_serves(server), "others_are_served_after_protocol_errors")


def test_valid_commands_before_garbage(tap, server):
    data = (rt.encode("SET", "garbage", "1") + rt.encode("GET", "garbage") +
            b"*1\r\n!!!\r\n" + b"x" * 100000)
    tap.equal(after(server, data),
              b"+OK\r\n$1\r\n1\r\n"
              b"-ERR Protocol error: expected '$', got '!'\r\n",
              "commands_before_garbage_are_answered_then_the_error_then_close")


def test_pieces(tap, server):
    data = rt.encode("SET", "pieces", b"a\r\nb") + rt.encode("GET", "pieces")
    with server.client() as client:
        for i in range(len(data)):
            client.send_raw(data[i:i + 1])
        tap.equal([client.read(), client.read()], ["OK", b"a\r\nb"],
                  "a_command_sent_byte_by_byte_is_understood")
    with server.client() as client:
        client.send_raw(b"SET inline 'a b'\r\nGET inline\nget \"inline\"\r\n")
        tap.equal([client.read() for _ in range(3)], ["OK", b"a b", b"a b"],
                  "inline_commands_are_understood")


def test_any_byte(tap, server):
    every = bytes(range(256))
    with server.client() as client:
        client.call("SET", every, every + b"\r\n")
        tap.equal(client.call("GET", every), every + b"\r\n",
                  "every_byte_is_kept_in_keys_and_values")
        client.call("SET", "", "")
        tap.equal(client.call("GET", ""), b"",
                  "empty_key_and_value_are_kept")


def test_limits(tap, server):
    with server.client() as client:
        tap.equal(client.error("SET", b"k" * 65537, "v"),
                  "ERR key is too long (limit 65536)",
                  "a_key_over_the_limit_is_refused")
        tap.equal(client.call("SET", b"k" * 65536, "v"), "OK",
                  "a_key_at_the_limit_is_taken")
        client.call("CONFIG", "SET", "proto-max-bulk-len", "2mb")
        value = os.urandom(2 << 20)
        tap.equal(client.call("SET", "big", value), "OK",
                  "a_value_at_the_limit_is_taken")
        tap.ok(client.call("GET", "big") == value,
               "a_value_at_the_limit_is_kept")
    data = b"*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$2097153\r\n"
    tap.equal(after(server, data),
              b"-ERR Protocol error: invalid bulk length\r\n",
              "a_value_over_the_limit_is_refused")


def test_command_errors(tap, server):
    with server.client() as client:
        tap.equal(client.error("NOSUCH", "a"),
                  "ERR unknown command 'NOSUCH', with args beginning with: "
                  "'a' ", "unknown_command_has_redis_words")
        tap.equal(client.error("GET"),
                  "ERR wrong number of arguments for 'get' command",
                  "wrong_arity_has_redis_words")
        client.call("SET", "kept", "old")
        for options in (("EX", "0"), ("EX", "-1"), ("NX", "XX"), ("BAD",),
                        ("EX", "9223372036854775807"), ("EX",)):
            tap.ok(client.error("SET", "kept", "new", *options) is not None,
                   "set_%s_is_an_error" % "_".join(options).lower())
        tap.equal(client.call("GET", "kept"), b"old",
                  "a_refused_set_changes_nothing")
        error = client.error("a\r\n+OK\r\n")
        tap.ok(error is not None and "\\x0d" in error,
               "an_error_escapes_what_it_quotes", error)
        tap.equal(client.call("PING"), "PONG",
                  "the_connection_stays_after_command_errors")


def test_hello(tap, server):
    with server.client() as client:
        reply = client.call("HELLO", "3")
        tap.ok(isinstance(reply, dict) and reply.get("proto") == 3,
               "hello_3_answers_a_map", reply)
        tap.equal(client.call("GET", "no such key"), None,
                  "resp3_has_a_null")
        tap.ok((client.error("HELLO", "9") or "").startswith("NOPROTO"),
               "hello_9_is_noproto")
        tap.equal(client.call("PING"), "PONG", "a_refused_hello_changes_nothing")


# -- other protocols --

def test_foreign_protocols(tap, server):
    rows = [
        ("http_post", b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n"
                      b"SET injected 1\r\n"),
        ("http_get", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("host_header", b"Host: localhost\r\nSET injected 1\r\n"),
        ("ssh_banner", b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    ]
    for name, data in rows:
        tap.equal(after(server, data), b"", name + "_is_dropped")
    # With and without what could be the end of a line.
    for tail in (b"\x01\n", b"\x01\x01"):
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + tail
        tap.equal(after(server, hello + bytes(range(32, 99))), b"",
                  "a_tls_hello_is_dropped")
    for words in ("Possible SECURITY ATTACK detected",
                  "a TLS handshake on a port without TLS"):
        tap.equal(server.stderr().count(words), 1,
                  "dropped connections are one line of the log: " + words)
    with server.client() as client:
        tap.equal(client.call("EXISTS", "injected"), 0,
                  "what_a_browser_is_made_to_send_is_not_run")


# -- ends of connections --

def test_quit(tap, server):
    tap.equal(after(server, b"PING\r\nQUIT\r\nPING\r\n"), b"+PONG\r\n+OK\r\n",
              "quit_answers_and_closes")


def test_half_closed(tap, server):
    with server.client() as client:
        client.send_raw(rt.encode("SET", "half", "1") + b"PING\r\n*1\r\n$4\r\n")
        client.sock.shutdown(socket.SHUT_WR)
        tap.equal(client.recv_all(), b"+OK\r\n+PONG\r\n",
                  "a_half_closed_client_is_answered_and_closed")


def test_reset(tap, server):
    for i in range(50):
        client = server.client()
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
        client.send_raw(rt.encode("SET", "reset", "v") +
                        rt.encode("GET", "big") * 4)
        client.close()
    with server.client() as client:
        # The bystander is the other one.
        rt.wait_until(lambda: client.info("clients")["connected_clients"]
                      == "2", "reset clients to be forgotten")
        tap.equal(client.call("GET", "reset"), b"v",
                  "clients_that_reset_are_forgotten_and_their_writes_kept")


def test_unread_replies(tap, server):
    with server.client() as other:
        other.call("CONFIG", "SET", "client-output-buffer-limit",
                   "normal 16mb 4mb 60")
        other.call("SET", "unread", b"x" * 100000)
        before = status_kb(server.pid, "VmRSS")
        # The new limits hold within a second.
        time.sleep(1.5)
        with server.client() as client:
            client.sock.setblocking(False)
            request = rt.encode("GET", "unread") * 1000
            end = time.monotonic() + 3
            while time.monotonic() < end:
                try:
                    client.sock.send(request)
                except BlockingIOError:
                    time.sleep(0.02)
                except OSError:
                    break
            grown = status_kb(server.pid, "VmRSS") - before
        tap.ok(grown < 64 * 1024, "unread_replies_take_bounded_memory",
               "%d KiB" % grown)
        tap.equal(other.call("PING"), "PONG",
                  "others_are_served_beside_a_client_that_does_not_read")


def test_flood(tap, server):
    """A million commands, and not one reply is read."""
    request = rt.encode("ECHO", b"x" * 100) * 1000
    with server.client() as other:
        other.call("CONFIG", "SET", "client-output-buffer-limit",
                   "normal 16mb 4mb 2")
        # The new limits hold within a second.
        time.sleep(1.5)
        before = status_kb(server.pid, "VmRSS")
        grown, sent, closed = 0, 0, False
        with server.client() as client:
            client.sock.setblocking(False)
            end, at = time.monotonic() + rt.PATIENCE_S, 0
            while sent < 1000 and not closed and time.monotonic() < end:
                try:
                    at += client.sock.send(request[at:])
                    if at == len(request):
                        sent, at = sent + 1, 0
                except BlockingIOError:
                    time.sleep(0.02)
                except OSError:
                    closed = True
                grown = max(grown, status_kb(server.pid, "VmRSS") - before)
        tap.ok(closed, "who_never_reads_is_closed_after_the_soft_seconds",
               sent)
        allowed = 64 if is_sanitized(server) else 24
        tap.ok(grown < allowed * 1024, "and_costs_no_more_than_the_soft_limit",
               "%d KiB" % grown)
        tap.ok("reason=\"replies unread\"" in server.stderr(),
               "the_log_tells_why", server.stderr()[-500:])
        # One reply above the hard limit needs no seconds.
        other.call("CONFIG", "SET", "proto-max-bulk-len", "64mb")
        other.call("SET", "above", b"x" * (40 << 20))
        other.call("CONFIG", "SET", "client-output-buffer-limit",
                   "normal 4mb 0 0")
        time.sleep(1.5)
        with server.client() as client:
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            client.send_raw(rt.encode("GET", "above"))
            time.sleep(0.2)
            tap.ok(len(client.recv_all()) < 40 << 20,
                   "a_client_above_the_hard_limit_is_closed_at_once")
        other.call("CONFIG", "SET", "client-output-buffer-limit",
                   "normal 256mb 64mb 60")
        time.sleep(1.5)


def test_halves(tap, server):
    """Commands that begin and do not end: memory follows what has come."""
    with server.client() as other:
        before = int(other.info("memory")["mem_clients_normal"])
        clients = []
        for _ in range(20):
            client = server.client()
            client.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n" +
                            b"x" * 100000)
            clients.append(client)

        def counted():
            return int(other.info("memory")["mem_clients_normal"]) - before

        rt.wait_until(lambda: counted() >= 2000000, "the halves to arrive")
        tap.ok(counted() < 20 * 300000, "half_a_command_is_counted_as_it_came",
               counted())
        for client in clients:
            client.close()
        rt.wait_until(lambda: counted() < 100000, "the halves to be forgotten")
        tap.equal(other.call("EXISTS", "k"), 0, "and_is_never_run")


def test_slow_clients(tap, server):
    with server.client() as other:
        other.call("CONFIG", "SET", "request-timeout", "1")
        # It is looked at once a second.
        drip, half, silent = [server.client() for _ in range(3)]
        half.send_raw(b"*2\r\n$4\r\nECHO\r\n")
        silent.send_raw(rt.encode("PING"))
        silent.read()
        data = rt.encode("SET", "drip", "x" * 200)
        began, closed = time.monotonic(), None
        for i in range(len(data)):
            try:
                drip.send_raw(data[i:i + 1])
            except OSError:
                closed = time.monotonic() - began
                break
            time.sleep(0.05)
        tap.ok(closed is not None and closed >= 0.9,
               "a_byte_now_and_then_is_closed_after_request_timeout", closed)
        tap.equal(half.recv_all(), b"", "half_a_command_is_closed")
        silent.send_raw(rt.encode("PING"))
        tap.equal(silent.read(), "PONG", "a_client_between_commands_stays")
        other.call("CONFIG", "SET", "request-timeout", "30", "timeout", "1")
        silent.sock.setblocking(False)

        def idle_is_closed():
            other.call("PING")
            try:
                return silent.sock.recv(1) == b""
            except BlockingIOError:
                return False

        tap.ok(rt.wait_until(idle_is_closed, "the idle one to be closed"),
               "an_idle_client_is_closed_after_timeout")
        other.call("CONFIG", "SET", "timeout", "0")
        for client in (drip, half, silent):
            client.close()


def keepalive_s(port):
    """Until the next keepalive probe of a connection to the server's port, as
    the kernel has it; None: no timer of that kind."""
    found = None
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in file.readlines()[1:]:
            words = line.split()
            if int(words[1].split(":")[1], 16) != port or words[3] != "01":
                continue
            kind, ticks = words[5].split(":")
            if kind == "02":
                found = int(ticks, 16) / os.sysconf("SC_CLK_TCK")
    return found


def test_keepalive(tap):
    """Who is gone without a word is found by the kernel's probes."""
    for value, wanted in (("300", True), ("0", False)):
        with rt.Server(tcp_keepalive=value) as server:
            with server.client() as client:
                client.call("PING")
                # A delayed ack may use the timer for a moment.
                time.sleep(0.3)
                timer = keepalive_s(server.port)
                tap.ok((timer is not None and 290 < timer <= 300) == wanted,
                       "tcp_keepalive_%s_is_what_the_socket_has" % value,
                       timer)


def test_many_idle(tap):
    count = 10000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count + 1000:
        tap.skip("ten_thousand_idle_clients",
                 "the limit of open files is %d" % hard)
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 1000, hard))
    with rt.Server(maxclients=count + 10) as server:
        if is_sanitized(server):
            tap.skip("ten_thousand_idle_clients", "a sanitizer's memory")
            return
        before = status_kb(server.pid, "VmRSS")
        clients = [server.client() for _ in range(count)]
        for client in clients[::100]:
            client.call("PING")
        with server.client() as client:
            # With those that connect for a moment.
            tap.equal(client.info("clients")["connected_clients"],
                      str(count + 1), "ten_thousand_idle_clients_are_kept")
        grown = status_kb(server.pid, "VmRSS") - before
        tap.ok(grown < 48 * 1024, "they_take_less_than_5_kib_each",
               "%d KiB" % grown)
        for client in clients:
            client.close()
        with server.client() as client:
            rt.wait_until(lambda: client.info("clients")["connected_clients"]
                          == "1", "all to be forgotten")
        tap.ok(True, "and_forgotten_when_they_go")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_declared_lengths(tap, server):
    before = status_kb(server.pid, "VmRSS")
    clients = []
    for _ in range(50):
        client = server.client()
        client.send_raw(b"*1048576\r\n$2097152\r\nabc")
        clients.append(client)
    still_serves(server)
    grown = status_kb(server.pid, "VmRSS") - before
    tap.ok(grown < 32 * 1024, "declared_lengths_take_no_memory",
           "%d KiB" % grown)
    for client in clients:
        client.close()


def test_pipelines(tap, server):
    count = 100000
    with server.client() as client:
        client.sock.settimeout(rt.PATIENCE_S)
        data = b"".join(rt.encode("INCR", "counter") for _ in range(1000))
        read = 0
        for _ in range(count // 1000):
            client.send_raw(data)
            replies = [client.read() for _ in range(1000)]
            if replies != list(range(read + 1, read + 1001)):
                break
            read += 1000
        tap.equal(read, count, "a_long_pipeline_is_answered_in_order")


# -- before AUTH --

def test_before_auth(tap):
    with rt.Server(requirepass="secret") as server:
        with server.client() as client:
            tap.equal(client.error("GET", "a"),
                      "NOAUTH Authentication required.",
                      "without_auth_commands_are_refused")
            tap.ok((client.error("AUTH", "wrong") or "")
                   .startswith("WRONGPASS"), "a_wrong_password_is_refused")
            tap.equal(client.call("AUTH", "secret"), "OK",
                      "the_password_is_taken")
            tap.equal(client.call("SET", "a", b"x" * 20000), "OK",
                      "after_auth_the_limits_are_wide")
        rows = [
            (b"*11\r\n", "unauthenticated multibulk length"),
            (b"*2\r\n$4\r\nAUTH\r\n$16385\r\n",
             "unauthenticated bulk length"),
        ]
        for data, words in rows:
            tap.equal(after(server, data),
                      ("-ERR Protocol error: %s\r\n" % words).encode(),
                      words.replace(" ", "_"))
        # Nor may a stranger make the server hold what it is told.
        flood = rt.encode("GET", "a") * 20000
        with server.client() as client:
            client.sock.settimeout(rt.PATIENCE_S)
            try:
                while True:
                    client.send_raw(flood)
            except OSError:
                tap.ok(True, "a_stranger_who_never_reads_is_closed")
        with server.client() as client:
            client.send_raw(b"*10\r\n" + b"$16000\r\n%s\r\n" % (b"x" * 16000)
                            * 9)
            client.send_raw(b"$1\r\n1\r\n")
            tap.ok(client.recv_all().startswith(b"-ERR unknown command"),
                   "a_strangers_command_is_small_and_no_command")
    with rt.Server(requirepass="secret", auth_timeout=1) as server:
        with server.client() as client, server.client() as inside:
            inside.call("AUTH", "secret")
            silent_from = time.monotonic()
            client.recv_all()
            waited = time.monotonic() - silent_from
            tap.ok(waited >= 0.9, "who_gives_no_password_is_closed", waited)
            tap.equal(inside.call("PING"), "PONG", "who_has_is_not")


# -- many clients --

def test_maxclients(tap):
    with rt.Server(maxclients=4) as server:
        # The client of start() may still be on its way out.
        def fill():
            clients = []
            for _ in range(4):
                client = server.client()
                try:
                    client.call("PING")
                except (rt.ReplyError, rt.Closed):
                    return [one.close() for one in clients] and None
                clients.append(client)
            return clients

        clients = rt.wait_until(fill, "four clients to fit")
        tap.equal(after(server, b""), b"-ERR max number of clients reached\r\n",
                  "a_client_too_many_is_told_so")
        clients.pop().close()
        rt.wait_until(lambda: _served(server), "room for a client again")
        tap.ok(True, "room_for_a_client_is_used_again")
        for client in clients:
            client.close()


def _served(server):
    try:
        return still_serves(server)
    except (rt.ReplyError, rt.Closed, OSError):
        return False


def test_no_descriptors(tap, server):
    used = len(os.listdir("/proc/%d/fd" % server.pid))
    old = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (used + 5, old[1]))
    clients = [server.client() for _ in range(20)]
    refused = 0
    for client in clients:
        try:
            client.send_raw(rt.encode("PING"))
            if client.read() != "PONG":
                refused += 1
        except (rt.Closed, OSError):
            refused += 1
    for client in clients:
        client.close()
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, old)
    tap.ok(10 <= refused < 20, "without_descriptors_clients_are_turned_away",
           refused)
    tap.equal(server.stderr().count("no descriptor is left for new clients"),
              1, "and_the_log_has_one_line_of_it")
    rt.wait_until(lambda: _served(server), "service after the shortage")
    tap.ok(True, "service_goes_on_after_the_shortage")


def test_protected_mode(tap):
    name = "other_hosts_are_denied_in_protected_mode"
    try:
        address = socket.gethostbyname(socket.gethostname())
    except OSError:
        address = "127.0.0.1"
    if address.startswith("127."):
        tap.skip(name, "this host has no other address")
        return
    with rt.Server(bind="127.0.0.1 " + address) as server:
        with rt.RespClient(address, server.port) as client:
            tap.ok(client.recv_all().startswith(b"-DENIED "), name)
        tap.ok("clients of other machines are refused" in server.stderr(),
               "the_log_says_so_at_the_start")
        with server.client() as client:
            client.call("CONFIG", "SET", "protected-mode", "no")
        with rt.RespClient(address, server.port) as client:
            tap.equal(client.call("PING"), "PONG",
                      "other_hosts_are_served_without_protected_mode")
            client.call("CONFIG", "SET", "protected-mode", "yes",
                        "requirepass", "secret")
        with rt.RespClient(address, server.port) as client:
            tap.equal(client.error("PING"), "NOAUTH Authentication required.",
                      "other_hosts_are_asked_for_a_password_that_is_set")
        server.options["protected-mode"] = "no"
        server.restart()
        tap.ok("whoever reaches this machine" in server.stderr(),
               "an_open_door_is_told_of_at_the_start")


# -- the unix socket --

def test_unix_socket(tap):
    path = os.path.join(rt.scratch_dir(), "riptide.sock")
    server = rt.Server(unixsocket=path, unixsocketperm="700")
    server.start()
    with rt.RespClient(path=path) as client:
        tap.equal(client.call("PING"), "PONG", "the_unix_socket_serves")
    tap.equal(stat.S_IMODE(os.stat(path).st_mode), 0o700,
              "the_unix_socket_has_its_mode")
    second = rt.Server(unixsocket=path)
    second.spawn()
    tap.equal(second.wait(), 69, "a_unix_socket_in_use_is_not_taken")
    server.kill()
    server.start()
    with rt.RespClient(path=path) as client:
        tap.equal(client.call("PING"), "PONG",
                  "a_unix_socket_of_a_dead_process_is_replaced")
    server.stop()
    tap.ok(not os.path.exists(path), "the_unix_socket_is_removed_at_the_end")
    with open(path, "w", encoding="ascii") as file:
        file.write("mine")
    for name, options, status, words in (
            ("a_file_is_not_replaced_by_the_unix_socket",
             {"unixsocket": path}, 69, "is not a socket"),
            ("a_unix_socket_in_no_directory_is_an_error",
             {"unixsocket": os.path.join(rt.scratch_dir(), "no", "a")}, 69,
             "No such file"),
            ("a_mode_that_is_none_is_an_error",
             {"unixsocket": path, "unixsocketperm": "999"}, 64,
             "unixsocketperm")):
        server = rt.Server(**options)
        server.spawn()
        tap.ok(server.wait() == status and words in server.stderr() and
               not os.path.exists(server.dir), name, server.stderr())
    with open(path, encoding="ascii") as file:
        tap.equal(file.read(), "mine", "and_the_file_is_as_it_was")
    os.unlink(path)
    # The mode is the file's from its first moment, whatever the umask.
    old = os.umask(0)
    server = rt.Server(unixsocket=path, port=0)
    server.spawn()
    os.umask(old)
    rt.wait_until(lambda: _answers_at(server, path), "the socket to serve")
    tap.equal(stat.S_IMODE(os.stat(path).st_mode), 0o600,
              "a_unix_socket_alone_serves_and_is_its_owners")
    server.stop()


def _answers_at(server, path):
    if server.ended() is not None:
        raise RuntimeError(server.stderr())
    try:
        with rt.RespClient(path=path) as client:
            return client.call("PING") == "PONG"
    except OSError:
        return False


# -- the program --

def test_start_and_stop(tap):
    server = rt.Server()
    server.start()
    rival = rt.Server(port=server.port)
    rival.spawn()
    tap.equal(rival.wait(), 69, "a_port_in_use_is_exit_status_69")
    tap.ok(str(server.port) in rival.stderr() and
           not os.path.exists(rival.dir),
           "a_port_in_use_is_named_and_nothing_is_made", rival.stderr())
    rival = rt.Server(dir=server.dir)
    rival.spawn()
    tap.equal(rival.wait(), 75, "a_directory_in_use_is_exit_status_75")
    with server.client() as client:
        client.call("SET", "kept", "1")
    tap.equal(server.stop(), 0, "sigterm_ends_with_0")
    server.start()
    with server.client() as client:
        tap.equal(client.call("GET", "kept"), b"1",
                  "a_stopped_server_has_kept_its_data")
        client.send_raw(rt.encode("SHUTDOWN"))
        tap.equal(client.recv_all(), b"", "shutdown_closes_without_a_reply")
    tap.equal(server.wait(), 0, "shutdown_ends_with_0")


def test_command_line(tap):
    def run(*args):
        done = subprocess.run([rt.RIPTIDED] + list(args), check=False,
                              stdin=subprocess.DEVNULL, timeout=rt.PATIENCE_S,
                              capture_output=True)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    tap.equal(run("--version"), (0, "riptided 0.1.0\n", ""), "version")
    status, out, _ = run("--help")
    tap.ok(status == 0 and "--appendfsync" in out, "help_lists_the_options",
           out)
    tap.equal(run("--check-config"), (0, "configuration is good\n", ""),
              "a_good_configuration_is_called_so")
    status, _, err = run("--check-config", "--port", "70000")
    tap.ok(status in (64, 78) and "port" in err and err.count("\n") == 1,
           "a_bad_value_is_named", err)
    status, _, err = run("--no-such-option", "1")
    tap.ok(status in (64, 78) and "no-such-option" in err,
           "an_unknown_option_is_named", err)
    status, _, err = run("--port", "0", "--dir", rt.scratch_dir())
    tap.ok(status == 78 and err.count("\n") >= 1,
           "nothing_to_listen_on_is_a_configuration_error", err)


def main():
    tests = [test_nothing_to_do_is_ignored, test_protocol_errors_close,
             test_valid_commands_before_garbage, test_pieces, test_any_byte,
             test_limits, test_command_errors, test_hello,
             test_foreign_protocols, test_quit, test_half_closed, test_reset,
             test_declared_lengths, test_halves, test_pipelines,
             test_unread_replies, test_flood, test_slow_clients,
             test_no_descriptors]
    with rt.Server(appendfsync="everysec", loglevel="verbose") as server:
        bystander = Bystander(server)
        bystander.start()
        for test in tests:
            tap.run(test, server)
        bystander.end()
        tap.ok(bystander.problem is None and bystander.longest_s < 5,
               "a_bystander_was_answered_throughout",
               (bystander.problem, bystander.longest_s))
        print("# %d pings, the longest %.0f ms" % (
            bystander.pings, bystander.longest_s * 1000))
        if not is_sanitized(server):
            peak = status_kb(server.pid, "VmHWM")
            tap.ok(peak < 192 * 1024, "the_memory_stayed_within_its_limits",
                   "%d KiB" % peak)
        tap.equal(server.stop(), 0, "the_server_stops_in_order_after_all_that")
    for test in (test_before_auth, test_maxclients, test_protected_mode,
                 test_keepalive, test_many_idle, test_unix_socket, test_start_and_stop, test_command_line):
        tap.run(test)
    tap.done()


main()
