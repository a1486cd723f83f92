"""riptided under a service manager: what it tells it (sd_notify), what it takes
over from it (sockets), and that a restart behind inherited sockets leaves no
client without an answer."""

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

tap = rt.Tap()

RESTARTS = int(os.environ.get("RESTARTS", "5"))
CLIENTS = 4
TRIES = 20
FIRST_FD = 3
SHIM = os.path.join(rt.BUILDDIR, "tests", "support", "sick_disk.so")
CERTIFICATE_DAYS = "2"


class Manager:
    """The socket that a service manager listens on for notices."""

    def __init__(self):
        self.path = os.path.join(rt.scratch_dir(), "notify")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.path)
        self.heard = []

    def listen(self):
        """Take what has come; all notices so far, as texts."""
        self.sock.setblocking(False)
        try:
            while True:
                self.heard.append(self.sock.recv(4096).decode())
        except BlockingIOError:
            return self.heard

    def wait_for(self, text, count=1):
        rt.wait_until(lambda: len(self.of(text)) >= count,
                      "the notice %s; heard %r" % (text, self.heard))

    def of(self, text):
        return [notice for notice in self.listen() if text in notice]


class Service(rt.Server):
    """A daemon that is given sockets as systemd gives them: from descriptor 3
    on, counted by LISTEN_FDS, for the process that LISTEN_PID names."""

    def __init__(self, sockets=(), names=None, env=None, **options):
        super().__init__(env=env, **options)
        self.sockets = sockets
        self.names = names

    def spawn(self):
        given = [sock.fileno() for sock in self.sockets]
        # Above those that dup2 will write over.
        high = [fd + 100 for fd in range(len(given))]

        def hand_over():
            for fd, target in zip(given, high):
                os.dup2(fd, target)
            for number, fd in enumerate(high):
                os.dup2(fd, FIRST_FD + number)
                os.close(fd)
            os.environ["LISTEN_PID"] = str(os.getpid())
            os.environ["LISTEN_FDS"] = str(len(given))
            if self.names is not None:
                os.environ["LISTEN_FDNAMES"] = ":".join(self.names)
            os.environ.update(self.env or {})
            os.execv(self.program, self.command())

        with open(self.stderr_path, "ab") as stderr:
            # execv in the child: only there its number is known.
            self.process = subprocess.Popen(
                [sys.executable, "-c", ""], stdin=subprocess.DEVNULL,
                stdout=stderr, stderr=stderr, close_fds=False,
                preexec_fn=hand_over)


def listening(family=socket.AF_INET, path=None):
    sock = socket.socket(family)
    sock.bind(path if path is not None else ("127.0.0.1", 0))
    sock.listen(4096)
    return sock


def with_libsystemd():
    ldd = subprocess.run(["ldd", rt.RIPTIDED], capture_output=True, text=True,
                         check=False)
    return "libsystemd" in ldd.stdout


# -- notices --

def test_life(tap):
    manager = Manager()
    server = rt.Server(env={"NOTIFY_SOCKET": manager.path,
                            "WATCHDOG_USEC": "600000"}).start()
    manager.wait_for("READY=1")
    tap.ok("event=ready" in server.stderr(),
           "ready_is_told_when_the_log_says_so", server.stderr())
    manager.wait_for("WATCHDOG=1", 3)
    tap.ok(True, "the_watchdog_is_fed")
    manager.wait_for(" clients, ")
    tap.ok(True, "a_line_says_how_it_fares")
    server.signal(signal.SIGHUP)
    manager.wait_for("READY=1", 2)
    notices = manager.listen()
    reload = [at for at, notice in enumerate(notices)
              if notice.startswith("RELOADING=1\nMONOTONIC_USEC=")]
    again = [at for at, notice in enumerate(notices) if "READY=1" in notice]
    tap.ok(len(reload) == 1 and again[0] < reload[0] < again[1],
           "a_reload_is_told_and_its_end", notices)
    tap.equal(server.stop(), 0, "it_ends_with_0")
    tap.ok(manager.listen()[-1].startswith("STOPPING=1\n"),
           "the_stop_is_told", manager.heard)


def test_loading(tap):
    """The replay is held up as in test_loading.py: the manager waits."""
    manager = Manager()
    server = rt.Server(memtable_size="64mb", appendfsync="no").start()
    with server.client() as client:
        client.pipeline([("SET", "key%d" % i, b"v" * 500)
                         for i in range(3000)])
    server.kill()
    full = os.path.join(rt.scratch_dir(), "full")
    with open(full, "w", encoding="ascii"):
        pass
    slow = rt.Server(dir=server.dir, memtable_size="64kb",
                     memtable_max_count=2,
                     env={"LD_PRELOAD": SHIM, "FULL_TABLES": full,
                          "ASAN_OPTIONS": "verify_asan_link_order=0",
                          "NOTIFY_SOCKET": manager.path})
    slow.spawn()
    manager.wait_for("EXTEND_TIMEOUT_USEC=60000000\nSTATUS=Loading: ", 2)
    tap.equal(manager.of("READY=1"), [], "a_load_under_way_is_not_ready")
    os.unlink(full)
    manager.wait_for("READY=1")
    tap.ok(True, "a_long_load_asks_for_time_and_is_ready_then")
    slow.stop()


def test_child(tap):
    """A compactor that the daemon starts does not think that it is meant."""
    manager = Manager()
    sock = listening()
    server = Service([sock], compactor="spawn",
                     port=sock.getsockname()[1],
                     env={"NOTIFY_SOCKET": manager.path})
    server.start()
    pid = rt.wait_until(
        lambda: compactor_of(server), "a compactor to be started")
    with open("/proc/%d/environ" % pid, "rb") as file:
        names = [pair.split(b"=")[0] for pair in file.read().split(b"\0")]
    tap.equal([name for name in names if name.startswith(b"LISTEN_")], [],
              "what_it_starts_is_handed_no_sockets")
    held = [os.readlink("/proc/%d/fd/%s" % (pid, fd))
            for fd in os.listdir("/proc/%d/fd" % pid)]
    inode = "socket:[%d]" % os.fstat(sock.fileno()).st_ino
    tap.ok(inode not in held, "and_holds_none", held)
    server.stop()


def compactor_of(server):
    with server.client() as client:
        match = re.search(rb"compactor_pid:([1-9]\d*)",
                          client.call("INFO", "compactor"))
    return int(match.group(1)) if match else None


# -- sockets --

def test_sockets(tap):
    """Those that are given stand for their options; the rest is bound."""
    path = os.path.join(rt.scratch_dir(), "given")
    tcp, unix = listening(), listening(socket.AF_UNIX, path)
    port = tcp.getsockname()[1]
    server = Service([tcp, unix], unixsocket=os.path.join(
        rt.scratch_dir(), "not-bound"))
    server.spawn()
    server.port = port
    server.wait_until_loaded()
    with server.client() as client:
        tap.equal(client.call("PING"), "PONG", "a_given_tcp_socket_is_served")
        tap.equal(client.info("server")["tcp_port"], str(port),
                  "info_tells_its_port")
        tap.equal(client.call("CONFIG", "GET", "port")[1], b"%d" % port,
                  "config_get_tells_its_port")
    with rt.RespClient(path=path) as client:
        tap.equal(client.call("PING"), "PONG", "a_given_unix_socket_is_served")
    tap.ok(not os.path.exists(server.options["unixsocket"]),
           "it_stands_for_the_option")
    tap.equal(server.stop(), 0, "it_stops")
    tap.ok(os.path.exists(path), "the_file_of_a_given_socket_stays")
    # Its own port was not looked at, and another kind is bound as ever.
    own = os.path.join(rt.scratch_dir(), "own")
    server = Service([tcp], unixsocket=own)
    server.spawn()
    server.port = port
    server.wait_until_loaded()
    with rt.RespClient(path=own) as client:
        tap.equal(client.call("PING"), "PONG", "another_kind_is_bound")
    server.stop()
    tap.ok(not os.path.exists(own), "its_own_file_is_removed")


def test_tls(tap):
    directory = rt.scratch_dir()
    key, cert = (os.path.join(directory, name) for name in ("key", "cert"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days",
                    CERTIFICATE_DAYS, "-subj", "/CN=test", "-keyout", key,
                    "-out", cert], check=True, capture_output=True)
    plain, tls = listening(), listening()
    server = Service([plain, tls], ["riptided.socket", "tls"],
                     tls_port=rt.free_port(), tls_cert_file=cert,
                     tls_key_file=key, tls_auth_clients="no")
    server.spawn()
    server.port = plain.getsockname()[1]
    server.wait_until_loaded()
    context = ssl.create_default_context(cafile=cert)
    context.check_hostname = False
    with socket.create_connection(tls.getsockname()) as raw, \
            context.wrap_socket(raw) as wrapped:
        wrapped.sendall(b"PING\r\n")
        tap.equal(wrapped.recv(64), b"+PONG\r\n",
                  "a_socket_named_tls_speaks_tls")
    server.stop()


def refused(tap, name, says, sockets, names=None, **options):
    server = Service(sockets, names, **options)
    server.spawn()
    status = server.wait()
    tap.ok(status == 78 and says in server.stderr(), name,
           "%d: %s" % (status, server.stderr()))


def test_refused(tap):
    tcp = listening()
    not_listening = socket.socket()
    datagrams = socket.socket(type=socket.SOCK_DGRAM)
    refused(tap, "a_socket_that_does_not_listen_is_refused",
            "not a listening stream socket", [not_listening])
    refused(tap, "a_socket_of_datagrams_is_refused",
            "not a listening stream socket", [datagrams])
    refused(tap, "a_socket_where_port_is_0_is_refused",
            "port is 0, but the service manager hands over", [tcp], port=0)
    refused(tap, "a_socket_for_tls_without_a_certificate_is_refused",
            "tls-port is 0, but the service manager hands over", [tcp],
            ["tls"])
    server = rt.Server(env={"LISTEN_FDS": "1", "LISTEN_PID": "1"}).start()
    tap.ok(True, "sockets_for_another_process_are_not_ours")
    server.stop()


def test_activate(tap):
    """systemd's own program hands a socket over and starts the daemon for the
    first client."""
    program = shutil.which("systemd-socket-activate")
    if program is None:
        tap.skip("the_first_client_is_answered", "no systemd-socket-activate")
        return
    port = rt.free_port()
    server = rt.Server(port=port)
    server.program, server.args = program, [
        "--listen=127.0.0.1:%d" % port, rt.RIPTIDED]
    server.spawn()

    def listens():
        with open("/proc/net/tcp", encoding="ascii") as file:
            return ":%04X 00000000:0000 0A" % port in file.read()

    rt.wait_until(listens, "systemd-socket-activate to listen")
    with server.client() as client:
        tap.equal(client.call("SET", "k", "v"), "OK",
                  "the_first_client_is_answered")
    tap.equal(server.stop(), 0, "it_stops")


# -- a restart under load --

class Load(threading.Thread):
    """New connections, one command each, that must be answered with OK, and
    one that stays as long as it is let and writes."""

    def __init__(self, port, stop, number):
        super().__init__()
        self.port, self.stop, self.number = port, stop, number
        self.answered = 0
        self.slowest_s = 0.0
        self.wrong = []

    def run(self):
        while not self.stop.is_set():
            begun = time.monotonic()
            try:
                with rt.RespClient(port=self.port) as client:
                    reply = client.call("SET", "key%d" % self.number,
                                        str(self.answered))
                if reply != "OK":
                    self.wrong.append(repr(reply))
            except (OSError, rt.Closed, rt.ReplyError) as error:
                self.wrong.append("%s: %s" % (type(error).__name__, error))
            self.answered += 1
            self.slowest_s = max(self.slowest_s, time.monotonic() - begun)


def test_restarts(tap):
    sock = listening()
    port = sock.getsockname()[1]
    manager = Manager()
    server = Service([sock], env={"NOTIFY_SOCKET": manager.path})
    server.port = port
    server.start()
    stop = threading.Event()
    loads = [Load(port, stop, number) for number in range(CLIENTS)]
    for load in loads:
        load.start()
    statuses = []
    for number in range(RESTARTS):
        before = [load.answered for load in loads]
        rt.wait_until(lambda: all(load.answered > count + 20 for load, count
                                  in zip(loads, before)), "the load to go on")
        statuses.append(server.stop())
        server.spawn()
        manager.wait_for("READY=1", number + 2)
    stop.set()
    for load in loads:
        load.join()
    answered = sum(load.answered for load in loads)
    print("# %d restarts, %d connections, the slowest took %.0f ms" % (
        RESTARTS, answered, 1000 * max(load.slowest_s for load in loads)))
    tap.equal(statuses, [0] * RESTARTS, "it_stops_in_order_under_load")
    tap.equal([load.wrong for load in loads], [[]] * CLIENTS,
              "who_connects_in_a_restart_is_answered")
    with server.client() as client:
        tap.equal([client.call("GET", "key%d" % load.number) for load in loads],
                  [b"%d" % (load.answered - 1) for load in loads],
                  "what_they_wrote_is_there")
    server.stop()


def test_newcomer(tap):
    """Who was let in and has not said anything when the stop is asked for. A
    slow machine may take longer than the daemon waits: so it may try again."""
    for _ in range(TRIES):
        server = rt.Server().start()
        with server.client() as client:
            rt.wait_until(lambda: has_client(server, client), "to be let in")
            server.signal(signal.SIGTERM)
            rt.wait_until(lambda: "stop asked for" in server.stderr(),
                          "the stop to begin")
            try:
                answer = client.call("PING")
            except (OSError, rt.Closed):
                answer = None
        status = server.wait()
        if answer is not None:
            break
    tap.equal((answer, status), ("PONG", 0),
              "who_has_just_come_in_is_still_answered")


def has_client(server, client):
    with server.client() as other:
        return "%s:%d" % client.sock.getsockname() in other.call(
            "CLIENT", "LIST").decode()


if with_libsystemd():
    for test in (test_life, test_loading, test_child, test_sockets, test_tls,
                 test_refused, test_activate, test_restarts, test_newcomer):
        tap.run(test)
else:
    tap.skip("service_manager", "built without libsystemd")
tap.done()
