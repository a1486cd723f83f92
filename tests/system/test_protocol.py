"""What a client gets for good, odd and hostile bytes: raw sockets against a
running riptided. One test a row of the table of bad input."""

import os
import resource
import socket
import stat
import struct
import subprocess
import sys
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
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200)
    reply = after(server, hello)
    tap.ok(reply in (b"", b"-ERR Protocol error: NUL in inline request\r\n"),
           "a_tls_hello_is_dropped", reply)
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
        rt.wait_until(lambda: client.info("clients")["connected_clients"]
                      == "1", "reset clients to be forgotten")
        tap.equal(client.call("GET", "reset"), b"v",
                  "clients_that_reset_are_forgotten_and_their_writes_kept")


def memory_kb(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        for line in file:
            if line.startswith("VmRSS"):
                return int(line.split()[1])
    return 0


def test_unread_replies(tap, server):
    with server.client() as other:
        other.call("CONFIG", "SET", "client-output-buffer-limit",
                   "normal 16mb 4mb 60")
        other.call("SET", "unread", b"x" * 100000)
        before = memory_kb(server.pid)
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
            grown = memory_kb(server.pid) - before
        tap.ok(grown < 64 * 1024, "unread_replies_take_bounded_memory",
               "%d KiB" % grown)
        tap.equal(other.call("PING"), "PONG",
                  "others_are_served_beside_a_client_that_does_not_read")


def test_declared_lengths(tap, server):
    before = memory_kb(server.pid)
    clients = []
    for _ in range(50):
        client = server.client()
        client.send_raw(b"*1048576\r\n$2097152\r\nabc")
        clients.append(client)
    still_serves(server)
    grown = memory_kb(server.pid) - before
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
        client = server.client()
        silent_from = time.monotonic()
        client.recv_all()
        waited = time.monotonic() - silent_from
        client.close()
        tap.ok(waited >= 9, "who_gives_no_password_is_closed", waited)


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
        server.options["protected-mode"] = "no"
        server.restart()
        with rt.RespClient(address, server.port) as client:
            tap.equal(client.call("PING"), "PONG",
                      "other_hosts_are_served_without_protected_mode")


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
             test_declared_lengths, test_pipelines, test_unread_replies,
             test_no_descriptors]
    with rt.Server(appendfsync="everysec") as server:
        for test in tests:
            tap.run(test, server)
        tap.equal(server.stop(), 0, "the_server_stops_in_order_after_all_that")
    for test in (test_before_auth, test_maxclients, test_protected_mode,
                 test_unix_socket, test_start_and_stop, test_command_line):
        tap.run(test)
    tap.done()


main()
