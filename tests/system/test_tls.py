"""TLS as its clients see it: values and pipelines of every size, certificates
that are good and not, other protocols on the port, the end of a connection,
files that are renewed, and a configuration that cannot be."""

import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402
import tls_files  # noqa: E402

RECORD = 16384
MIB = 1 << 20
# What OpenSSL calls a handshake that the other side has broken off.
REFUSED = (ssl.SSLError, ConnectionError, rt.Closed)

tap = rt.Tap()
ca = tls_files.Authority("ca")
other_ca = tls_files.Authority("other")
server_pair = ca.issue("server")
client_pair = ca.issue("client")
anonymous = tls_files.context(ca)


def server_with(auth="no", **options):
    merged = {"tls_port": rt.free_port(), "tls_cert_file": server_pair[0],
              "tls_key_file": server_pair[1], "tls_ca_cert_file": ca.ca,
              "tls_auth_clients": auth, "appendfsync": "everysec"}
    merged.update(options)
    return rt.Server(**merged)


def connect(server, tls=anonymous, **options):
    return tls_files.TlsClient(server.options["tls_port"], tls, **options)


def is_served(server, tls):
    """Whether a client with this context gets an answer. TLS 1.3 tells of a
    refusal only after the handshake."""
    try:
        with connect(server, tls) as client:
            return client.call("PING") == "PONG"
    except REFUSED:
        return False


def clear(server, data):
    """All that is answered to data on the TLS port, without TLS, and whether
    it ended with a reset."""
    with socket.create_connection(("127.0.0.1", server.options["tls_port"]),
                                  rt.PATIENCE_S) as sock:
        sock.sendall(data)
        reply = b""
        while True:
            try:
                got = sock.recv(4096)
            except ConnectionError:
                return reply, True
            if not got:
                return reply, False
            reply += got


def refusal(server, tls):
    """What a client is told that is not let in."""
    try:
        with connect(server, tls) as client:
            # On its way before the server has judged.
            client.send_raw(rt.encode("PING") * 1000)
            client.read()
    except REFUSED as error:
        return str(error)
    return None


# -- bytes --

def test_sizes(tap, server):
    wrong = []
    with connect(server) as client:
        for size in (0, 1, RECORD - 40, RECORD - 1, RECORD, RECORD + 1,
                     65536, 262143, 262144, 262145, 300000, 5 * MIB):
            value = os.urandom(size)
            # The end of a large value shares a record with what follows.
            replies = client.pipeline([("SET", "value", value),
                                       ("STRLEN", "value"), ("PING",),
                                       ("GET", "value"), ("ECHO", "end")])
            if replies != ["OK", size, "PONG", value, b"end"]:
                wrong.append(size)
    tap.equal(wrong, [], "values_of_every_size_pass_through_tls")


def test_pieces(tap, server):
    data = rt.encode("SET", "pieces", b"a\r\nb") + rt.encode("GET", "pieces")
    with connect(server) as client:
        for i in range(len(data)):
            client.send_raw(data[i:i + 1])
        tap.equal([client.read(), client.read()], ["OK", b"a\r\nb"],
                  "a_command_in_records_of_one_byte_is_understood")
        rng = random.Random(7)
        value = os.urandom(700000)
        data = rt.encode("SET", "pieces", value) + rt.encode("GET", "pieces")
        at = 0
        while at < len(data):
            step = rng.choice((1, 2, 100, RECORD, RECORD + 1, 50000))
            client.send_raw(data[at:at + step])
            at += step
        tap.ok(client.read() == "OK" and client.read() == value,
               "a_large_value_in_odd_records_is_understood")


def test_pipelines(tap, server):
    """One part is always behind the one that is read. Python's connections may
    not be read and written by two threads at once."""
    count, part = 50000, 5000
    with connect(server) as client:
        client.call("DEL", "counter")
        data = rt.encode("INCR", "counter") * part
        client.send_raw(data)
        replies = []
        while len(replies) < count:
            if len(replies) + part < count:
                client.send_raw(data)
            replies += [client.read() for _ in range(part)]
    tap.equal(replies, list(range(1, count + 1)),
              "a_long_pipeline_is_answered_in_order")


def test_slow_reader(tap, server):
    """Records that the socket does not take are offered again."""
    value = os.urandom(3 * MIB)
    small = os.urandom(5000)
    with connect(server) as client, connect(server) as other:
        client.call("SET", "large", value)
        client.call("SET", "small", small)
        wanted = []
        for _ in range(8):
            client.send_raw(rt.encode("GET", "large") +
                            rt.encode("GET", "small") * 100)
            wanted += [value] + [small] * 100
        other.call("PING")
        wrong = 0
        for number, one in enumerate(wanted):
            if number % 101 == 1:
                other.call("PING")
            wrong += client.read() != one
    tap.equal(wrong, 0, "replies_that_wait_for_a_slow_reader_are_whole")


# -- who may come in --

def test_versions(tap):
    two, three = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    for words, wanted in (("TLSv1.2 TLSv1.3", (True, True)),
                          ("TLSv1.2", (True, False)),
                          ("TLSv1.3", (False, True))):
        with server_with(tls_protocols=words) as server:
            got = tuple(is_served(server, tls_files.context(ca, None, one))
                        for one in (two, three))
            tap.equal(got, wanted, "tls_protocols_%s_are_spoken_and_no_other"
                      % words.replace(" ", "_"))
    with server_with(tls_protocols="TLSv1.2",
                     tls_ciphers="ECDHE-ECDSA-AES256-GCM-SHA384") as server:
        with connect(server) as client:
            tap.equal(client.sock.cipher()[0],
                      "ECDHE-ECDSA-AES256-GCM-SHA384", "tls_ciphers_holds")
    with server_with(tls_protocols="TLSv1.3",
                     tls_ciphersuites="TLS_CHACHA20_POLY1305_SHA256") as server:
        with connect(server) as client:
            tap.equal(client.sock.cipher()[0], "TLS_CHACHA20_POLY1305_SHA256",
                      "tls_ciphersuites_holds")


def test_client_certificates(tap):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        name = "_in_" + version.name.lower()
        clients = {
            "a_good_certificate": client_pair, "none": None,
            "one_of_a_stranger": other_ca.issue("client"),
            "one_that_has_ended": ca.issue("expired", days=-1)}
        good = {"a_good_certificate"}
        for auth, served in (("yes", good), ("optional", good | {"none"}),
                             ("no", set(clients))):
            with server_with(auth) as server:
                got = {what for what, pair in clients.items() if is_served(
                    server, tls_files.context(ca, pair, version))}
                tap.equal(got, served, "with_tls_auth_clients_%s_the_right_"
                          "certificates_are_taken%s" % (auth, name))
                if auth == "yes":
                    told = refusal(server, tls_files.context(ca, None, version))
                    tap.ok(told is not None and "alert" in told.lower(),
                           "who_shows_none_is_told_so" + name, told)
                    tap.ok("TLS handshake failed" in server.stderr(),
                           "a_refused_certificate_is_told_of" + name,
                           server.stderr())


def test_ca_directory(tap):
    directory = rt.scratch_dir()
    with open(ca.ca, "rb") as file:
        text = file.read()
    with open(os.path.join(directory, "ca.pem"), "wb") as file:
        file.write(text)
    subprocess.run(["openssl", "rehash", directory], check=True,
                   timeout=rt.PATIENCE_S)
    with server_with("yes", tls_ca_cert_file="",
                     tls_ca_cert_dir=directory) as server:
        tap.equal((is_served(server, tls_files.context(ca, client_pair)),
                   is_served(server, anonymous)), (True, False),
                  "tls_ca_cert_dir_is_whom_is_trusted")


# -- other bytes --

def test_other_protocols(tap, server):
    for name, data in (("redis", rt.encode("PING")),
                       ("an_inline_command", b"PING\r\n"),
                       ("http", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
                       ("noise", bytes(range(256)) * 64)):
        reply, was_reset = clear(server, data)
        tap.ok(b"PONG" not in reply and b"-ERR" not in reply and not was_reset,
               name + "_on_the_tls_port_ends_the_connection",
               (reply, was_reset))
    tap.ok(is_served(server, anonymous), "others_are_served_after_that")
    text = server.stderr()
    tap.equal(text.count("TLS handshake failed"), 1,
              "many_failed_handshakes_are_one_line_of_the_log")
    with socket.create_connection(("127.0.0.1", server.port)) as plain:
        tls = anonymous.wrap_socket(plain, server_hostname="127.0.0.1",
                                    do_handshake_on_connect=False)
        plain_ended = False
        try:
            tls.do_handshake()
        except (ssl.SSLError, OSError):
            plain_ended = True
        tap.ok(plain_ended, "a_tls_hello_on_the_plain_port_is_closed")


def hello():
    """The first bytes of a client that is about to be good."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    half = anonymous.wrap_bio(incoming, outgoing,
                              server_hostname="127.0.0.1")
    try:
        half.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def test_damaged_handshakes(tap, server):
    seed = int(os.environ.get("SEED", "0")) or random.randrange(1 << 30)
    rng = random.Random(seed)
    print("# SEED=%d" % seed)
    good = hello()
    for _ in range(150):
        data = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        with socket.create_connection(
                ("127.0.0.1", server.options["tls_port"])) as sock:
            sock.sendall(data[:rng.randrange(1, len(data) + 1)])
    tap.ok(is_served(server, anonymous),
           "damaged_handshakes_harm_nobody_else")


def test_handshake_time(tap):
    with server_with(auth_timeout=1) as server:
        clients = [rt.RespClient("127.0.0.1", server.options["tls_port"])
                   for _ in range(2)]
        clients[1].send_raw(hello()[:50])
        began = time.monotonic()
        ends = [client.recv_all() for client in clients]
        took = time.monotonic() - began
        tap.ok(ends == [b"", b""] and took >= 0.9,
               "who_does_not_shake_hands_is_closed_after_auth_timeout",
               (ends, took))
        # Who has, may take its time.
        with connect(server) as client:
            time.sleep(2.5)
            tap.equal(client.call("PING"), "PONG",
                      "auth_timeout_ends_with_the_handshake")


def test_renegotiation(tap, server):
    port = server.options["tls_port"]
    with subprocess.Popen(
            ["openssl", "s_client", "-connect", "127.0.0.1:%d" % port,
             "-tls1_2", "-CAfile", ca.ca], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        out, _ = client.communicate(b"R\n", timeout=rt.PATIENCE_S)
    tap.ok(b"no renegotiation" in out, "a_renegotiation_is_refused",
           out[-300:])


# -- ends --

def test_ends(tap, server):
    with connect(server) as client:
        client.send_raw(rt.encode("PING") + rt.encode("QUIT"))
        tap.equal(client.recv_all(), b"+PONG\r\n+OK\r\n",
                  "quit_ends_with_a_goodbye")
    with connect(server) as client:
        client.send_raw(b"PING\r\n*1\r\n!\r\n")
        tap.equal(client.recv_all(), b"+PONG\r\n-ERR Protocol error: "
                  b"expected '$', got '!'\r\n",
                  "a_protocol_error_ends_with_a_goodbye")
    with connect(server) as client:
        client.send_raw(rt.encode("SET", "half", "1") + b"PING\r\n*1\r\n$4\r\n")
        socket.socket.shutdown(client.sock, socket.SHUT_WR)
        tap.equal(client.recv_all(), b"+OK\r\n+PONG\r\n",
                  "a_half_closed_client_is_answered_and_closed")
    # A goodbye, but no end of the stream below it.
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    half = anonymous.wrap_bio(incoming, outgoing,
                              server_hostname="127.0.0.1")
    with socket.create_connection(
            ("127.0.0.1", server.options["tls_port"]), rt.PATIENCE_S) as sock:

        def step(call, *args):
            while True:
                try:
                    result = call(*args)
                    sock.sendall(outgoing.read())
                    return result
                except ssl.SSLWantReadError:
                    sock.sendall(outgoing.read())
                    data = sock.recv(65536)
                    if data:
                        incoming.write(data)
                    else:
                        incoming.write_eof()

        step(half.do_handshake)
        half.write(rt.encode("PING"))
        try:
            half.unwrap()
        except ssl.SSLError:
            pass
        got = step(half.read, 100)
        tap.equal(got, b"+PONG\r\n", "who_says_goodbye_is_still_answered")
        sock.settimeout(rt.PATIENCE_S)
        while sock.recv(65536):
            pass
        tap.ok(True, "and_closed")


def test_reset(tap, server):
    with connect(server) as client:
        client.call("SET", "big", os.urandom(2 * MIB))
    for _ in range(20):
        client = connect(server)
        client.send_raw(rt.encode("GET", "big") * 4)
        socket.socket.setsockopt(client.sock, socket.SOL_SOCKET,
                                 socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
    with server.client() as client:
        rt.wait_until(lambda: client.info("clients")["connected_clients"]
                      == "1", "reset clients to be forgotten")
    tap.ok(is_served(server, anonymous), "clients_that_reset_are_forgotten")


def test_memory(tap, server):
    def info(field, section):
        with server.client() as client:
            return int(client.info(section)[field])

    before = info("mem_clients_normal", "memory")
    clients = [connect(server) for _ in range(100)]
    for client in clients:
        client.call("PING")
    grown = (info("mem_clients_normal", "memory") - before) / len(clients)
    tap.ok(16384 < grown < 65536, "what_tls_takes_is_counted", grown)
    for client in clients:
        client.close()


def test_memory_limit(tap):
    """An eighth of it is the clients', half of that what idle ones take."""
    with server_with(memory_limit="64mb") as server:
        clients = []
        while len(clients) < 400:
            client = None
            try:
                client = connect(server)
                client.call("PING")
            except REFUSED:
                break
            clients.append(client)
        tap.ok(100 < len(clients) < 300,
               "tls_clients_beyond_half_of_the_clients_memory_are_turned_away",
               len(clients))
        value = os.urandom(100000)
        clients[0].call("SET", "value", value)
        tap.ok(all(client.call("GET", "value") == value
                   for client in clients[::10]), "those_inside_are_served")
        with server.client() as client:
            tap.equal(client.call("PING"), "PONG", "and_those_without_tls")
        for client in clients[:20]:
            client.close()
        rt.wait_until(lambda: is_served(server, anonymous),
                      "room for a client again")
        tap.ok(True, "room_for_a_client_is_used_again")
        for client in clients:
            client.close()


# -- the rest of the connection's life --

def test_limits(tap):
    with server_with(maxclients=2, requirepass="secret") as server:
        # The client of start() may still be on its way out.
        first = rt.wait_until(lambda: _try(server), "a client to fit")
        tap.equal(first.error("GET", "a"), "NOAUTH Authentication required.",
                  "a_password_is_asked_for_through_tls")
        first.call("AUTH", "secret")
        second = rt.wait_until(lambda: _try(server), "a second to fit")
        tap.ok(not is_served(server, anonymous),
               "a_client_too_many_is_closed")
        tap.equal(first.call("PING"), "PONG", "those_inside_stay")
        first.close()
        second.close()


def _try(server):
    try:
        client = connect(server)
        client.error("PING")
        return client
    except REFUSED:
        return None


def test_sessions(tap):
    for words, wanted in (("yes", True), ("no", False)):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with server_with("yes", tls_session_caching=words) as server:
                tls = tls_files.context(ca, client_pair, version)
                with connect(server, tls) as client:
                    client.call("PING")
                    session = client.sock.session
                with connect(server, tls, session=session) as client:
                    client.call("PING")
                    tap.equal(client.sock.session_reused, wanted,
                              "sessions_are_resumed_when_tls_session_caching_"
                              "is_%s_in_%s" % (words, version.name.lower()))


def test_ports(tap):
    with server_with(port=rt.free_port()) as server:
        plain, tls = server.client(), connect(server)
        plain.call("SET", "shared", "1")
        tap.equal((tls.call("GET", "shared"),
                   tls.info("server")["tcp_port"]), (b"1", str(server.port)),
                  "a_plain_port_and_a_tls_port_serve_the_same_data")
        plain.close()
        tls.close()
    only = server_with()
    only.options["port"] = 0
    only.spawn()
    rt.wait_until(lambda: _serves_or_ended(only), "the TLS port to serve")
    with connect(only) as client:
        tap.equal(client.info("server")["tcp_port"],
                  str(only.options["tls_port"]),
                  "a_tls_port_alone_serves_and_is_the_tcp_port")
    only.stop()
    both = server_with(bind="127.0.0.1 -::1 -192.0.2.77")
    with both as server:
        answered = []
        for host in ("127.0.0.1", "::1"):
            try:
                with connect(server, host=host) as client:
                    answered.append(client.call("PING"))
            except OSError:
                # A machine without IPv6.
                answered.append("PONG")
        tap.equal(answered, ["PONG", "PONG"],
                  "every_address_of_bind_that_is_there_has_the_tls_port")


def _serves_or_ended(server):
    if server.ended() is not None:
        raise RuntimeError(server.stderr())
    try:
        return is_served(server, anonymous)
    except OSError:
        return False


def test_reload(tap):
    def certificate(client):
        return client.sock.getpeercert()["subject"][0][0][1]

    files = [os.path.join(rt.scratch_dir(), name)
             for name in ("server.crt", "server.key")]

    def put(pair):
        for path, source in zip(files, pair):
            with open(source, "rb") as file:
                data = file.read()
            with open(path, "wb") as file:
                file.write(data)

    put(server_pair)
    with server_with(tls_cert_file=files[0],
                     tls_key_file=files[1]) as server:
        old = connect(server)
        tap.equal(certificate(old), "-server", "the_first_certificate_is_shown")
        put(ca.issue("renewed"))
        server.signal(signal.SIGHUP)
        rt.wait_until(lambda: "TLS files read again" in server.stderr(),
                      "the files to be read")
        with connect(server) as client:
            tap.equal(certificate(client), "-renewed",
                      "a_renewed_certificate_is_shown_after_sighup")
        tap.equal(old.call("PING"), "PONG",
                  "connections_from_before_sighup_go_on")
        old.close()
        with open(files[0], "w", encoding="ascii") as file:
            file.write("nothing\n")
        server.signal(signal.SIGHUP)
        rt.wait_until(lambda: "TLS files not read again" in server.stderr(),
                      "the files to be refused")
        with connect(server) as client:
            tap.equal(certificate(client), "-renewed",
                      "files_that_are_wrong_change_nothing")
        with server.client() as client:
            for name, value in (("tls-cert-file", files[0]),
                                ("tls-port", "0"),
                                ("tls-auth-clients", "no")):
                tap.ok("cannot change at run time" in
                       client.error("CONFIG", "SET", name, value),
                       "%s_cannot_be_set_at_run_time" % name)


def test_configuration(tap):
    encrypted = ca.issue("encrypted", password="open sesame")
    empty = os.path.join(rt.scratch_dir(), "empty.pem")
    with open(empty, "wb"):
        pass
    rows = [
        ("a_tls_port_without_a_certificate", dict(tls_cert_file=""),
         ["tls-cert-file"]),
        ("a_tls_port_without_a_key", dict(tls_key_file=""), ["tls-key-file"]),
        ("a_certificate_that_is_not_there",
         dict(tls_cert_file="/nonexistent/a.crt"),
         ["tls-cert-file", "/nonexistent/a.crt", "No such file"]),
        ("an_empty_certificate", dict(tls_cert_file=empty),
         ["tls-cert-file", "no start line"]),
        ("a_key_of_another_certificate", dict(tls_key_file=client_pair[1]),
         ["tls-key-file", "mismatch"]),
        ("an_encrypted_key_without_its_password",
         dict(tls_cert_file=encrypted[0], tls_key_file=encrypted[1]),
         ["tls-key-file"]),
        ("an_encrypted_key_with_a_wrong_password",
         dict(tls_cert_file=encrypted[0], tls_key_file=encrypted[1],
              tls_key_file_pass="sesame"), ["tls-key-file"]),
        ("a_ca_that_is_not_there", dict(tls_ca_cert_file="/nonexistent/ca"),
         ["tls-ca-cert-file"]),
        ("clients_to_judge_and_no_ca",
         dict(tls_ca_cert_file="", tls_auth_clients="yes"),
         ["tls-auth-clients", "tls-ca-cert-file"]),
        ("a_cipher_that_is_not_there", dict(tls_ciphers="ROT13"),
         ["tls-ciphers"]),
        ("a_suite_that_is_not_there", dict(tls_ciphersuites="ROT13"),
         ["tls-ciphersuites"]),
    ]
    for name, options, says in rows:
        for check in (False, True):
            server = server_with(**options)
            if check:
                server.args = ["--check-config"]
            server.spawn()
            status, text = server.wait(), server.stderr()
            tap.ok(status == 78 and len(text.splitlines()) == 1 and
                   all(word in text for word in says) and
                   "sesame" not in text and not os.path.exists(server.dir),
                   "%s_%s" % (name, "is_found_by_check_config" if check
                              else "is_refused"), (status, text))
    with server_with(tls_cert_file=encrypted[0], tls_key_file=encrypted[1],
                     tls_key_file_pass="open sesame") as server:
        tap.ok(is_served(server, anonymous),
               "an_encrypted_key_serves_with_its_password")


def test_redis_cli(tap):
    with server_with("yes") as server:
        def cli(*args, data=None):
            done = subprocess.run(
                ["redis-cli", "-p", str(server.options["tls_port"]), "--tls",
                 "--cacert", ca.ca, "--cert", client_pair[0], "--key",
                 client_pair[1]] + list(args), input=data, check=False,
                capture_output=True, timeout=rt.PATIENCE_S)
            return (done.stdout + done.stderr).decode()

        try:
            tap.equal(cli("SET", "cli", "1"), "OK\n", "redis_cli_writes")
        except FileNotFoundError:
            tap.skip("redis_cli", "there is no redis-cli")
            return
        commands = b"".join(rt.encode("SET", "k%d" % i, "v" * 1000)
                            for i in range(5000))
        out = cli("--pipe", data=commands)
        tap.ok("errors: 0, replies: 5000" in out, "redis_cli_pipes", out)
        tap.ok("5001" in cli("DBSIZE"), "and_all_is_there")


def main():
    tests = [test_sizes, test_pieces, test_pipelines, test_slow_reader,
             test_other_protocols, test_damaged_handshakes,
             test_renegotiation, test_ends, test_reset, test_memory]
    with server_with() as server:
        for test in tests:
            tap.run(test, server)
        tap.equal(server.stop(), 0, "the_server_stops_in_order_after_all_that")
    for test in (test_versions, test_client_certificates, test_ca_directory,
                 test_handshake_time, test_memory_limit, test_limits,
                 test_sessions, test_ports,
                 test_reload, test_configuration, test_redis_cli):
        tap.run(test)
    tap.done()


main()
