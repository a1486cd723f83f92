"""Who may do what: passwords given as text, as a hash and in files, the user
readonly, guesses, and the places where a password must never be seen."""

import hashlib
import os
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

SECRET, LOOK = "open-sesame-42", "only-looking-17"
WRONG = ("WRONGPASS invalid username-password pair or user is disabled.")
# What would end the row of commands, or has no reply at once.
CHANGE_THE_CONNECTION = {"auth", "client", "discard", "exec", "hello", "multi",
                         "psubscribe", "quit", "reset", "select", "ssubscribe",
                         "subscribe", "wait", "waitaof"}
NOAUTH = "NOAUTH Authentication required."

tap = rt.Tap()


def password_file(text, mode=0o600):
    path = os.path.join(rt.scratch_dir(), "password")
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def hashed(text):
    return "#" + hashlib.sha256(text.encode()).hexdigest()


def authenticate(server, *words):
    """The client, or the error's text."""
    client = server.client()
    error = client.error("AUTH", *words)
    if error is None:
        return client
    client.close()
    return error


def test_ways_to_give_it(tap):
    ways = {"as_text": {"requirepass": SECRET},
            "as_a_hash": {"requirepass": hashed(SECRET)},
            "in_a_file": {"requirepass_file": password_file(SECRET + "\nx\n")},
            "as_a_hash_in_a_file":
                {"requirepass_file": password_file(hashed(SECRET), 0o400)}}
    for way, options in ways.items():
        server = rt.Server(**options)
        server.spawn()
        rt.wait_until(lambda: _listens(server), "the server to listen")
        with server.client() as client:
            got = [client.error("GET", "a"), client.error("AUTH", SECRET[1:]),
                   client.error("AUTH", hashed(SECRET)),
                   client.error("AUTH", SECRET)]
            rt.wait_until(lambda: client.error("SET", "a", "1") is None,
                          "the data to be loaded")
        tap.equal(got, [NOAUTH, WRONG, WRONG, None],
                  "a_password_given_%s_is_asked_for" % way)
        with server.client() as client:
            client.call("HELLO", "3", "AUTH", "default", SECRET)
            tap.equal(client.call("GET", "a"), b"1",
                      "hello_takes_a_password_given_" + way)
        tap.equal(server.stop(), 0, "the_server_stops_in_order_" + way)


def _listens(server):
    if server.ended() is not None:
        raise RuntimeError(server.stderr())
    try:
        with server.client() as client:
            return client.error("PING") == NOAUTH
    except (OSError, rt.Closed):
        return False


def test_bad_files(tap):
    rows = [
        ("others_can_read", password_file(SECRET, 0o640), "mode 640"),
        ("everybody_can_read", password_file(SECRET, 0o604), "mode 604"),
        ("others_can_write", password_file(SECRET, 0o620), "mode 620"),
        ("is_not_there", "/nonexistent/password", "No such file"),
        ("is_a_directory", rt.scratch_dir(), "is not a file"),
        ("is_empty", password_file("\n" + SECRET), "first line is empty"),
        ("is_too_long", password_file("x" * 600), "512"),
    ]
    for name, path, words in rows:
        for option in ("requirepass-file", "requirepass-readonly-file"):
            for check in ([], ["--check-config"]):
                server = rt.Server(args=check)
                if option != "requirepass-file":
                    server.options["requirepass"] = LOOK
                server.options[option] = path
                server.spawn()
                status, text = server.wait(), server.stderr()
                tap.ok(status == 78 and len(text.splitlines()) == 1 and
                       words in text and option + ": " in text and
                       SECRET not in text and not os.path.exists(server.dir),
                       "%s_that_%s_is_refused%s" % (
                           option.replace("-", "_"), name,
                           "_by_check_config" if check else ""),
                       (status, text))
    for name, options, words in (
            ("a_password_given_twice",
             {"requirepass": "a", "requirepass_file": password_file("a")},
             "one of them"),
            ("a_readonly_user_where_everybody_may_write",
             {"requirepass_readonly": LOOK}, "wants requirepass")):
        server = rt.Server(**options)
        server.spawn()
        tap.ok(server.wait() == 78 and words in server.stderr(),
               name + "_is_refused", server.stderr())


def test_readonly(tap):
    with rt.Server(requirepass=SECRET,
                   requirepass_readonly=hashed(LOOK)) as server:
        tap.equal([authenticate(server, LOOK),
                   authenticate(server, "readonly", SECRET),
                   authenticate(server, "default", LOOK),
                   authenticate(server, "reader", LOOK)], [WRONG] * 4,
                  "each_user_has_a_password_of_its_own")
        writer = authenticate(server, SECRET)
        writer.call("SET", "a", "1")
        reader = authenticate(server, "readonly", LOOK)
        tap.equal(reader.call("GET", "a"), b"1", "readonly_reads")
        names = writer.call("COMMAND", "LIST")
        denied, passed = [], []
        for name, arity, flags in [(name.decode(), entry[1], entry[2])
                                   for name in names for entry in
                                   writer.call("COMMAND", "INFO", name)]:
            words = name.split("|")
            if words[0] in CHANGE_THE_CONNECTION:
                continue
            error = reader.error(*words, *["1"] * (abs(arity) - len(words)))
            refused = (error or "").startswith("NOPERM")
            if refused != bool({"write", "admin"} & set(flags)):
                (denied if refused else passed).append(name)
        tap.equal((passed, denied), ([], []),
                  "readonly_is_refused_what_writes_or_administrates_alone")
        tap.equal(writer.call("GET", "a"), b"1", "nothing_was_written")
        tap.ok("user=readonly" in writer.call("CLIENT", "LIST").decode(),
               "client_list_tells_the_user")
        reader.call("HELLO", "3", "AUTH", "default", SECRET)
        tap.equal(reader.call("SET", "a", "2"), "OK",
                  "a_client_may_become_another_user")
        tap.equal(int(writer.info("stats")["acl_access_denied_auth"]), 4,
                  "wrong_passwords_are_counted")
        # While it is changed, who is inside stays what it was.
        again = authenticate(server, "readonly", LOOK)
        writer.call("CONFIG", "SET", "requirepass-readonly", "")
        tap.equal([again.call("GET", "a"),
                   authenticate(server, "readonly", LOOK),
                   authenticate(server, "readonly", "")],
                  [b"2", WRONG, WRONG],
                  "without_its_password_the_user_readonly_is_gone")


def test_guesses(tap):
    with rt.Server(requirepass=SECRET) as server:
        with server.client() as client, server.client() as other:
            other.call("AUTH", SECRET)
            first = [client.error("AUTH", "guess") for _ in range(2)]
            began = time.monotonic()
            client.send_raw(rt.encode("AUTH", "guess") * 2 +
                            rt.encode("AUTH", SECRET))
            other.call("PING")
            rest = client.recv_all()
            took = time.monotonic() - began
        tap.equal((first, rest), ([WRONG] * 2, ("-" + WRONG + "\r\n").encode()),
                  "after_three_guesses_the_connection_ends")
        tap.ok(took >= 1.0, "the_third_answer_is_a_second_late", took)
        with server.client() as client:
            client.send_raw(rt.encode("NOSUCH", "x") + rt.encode("PING"))
            reply = client.recv_all()
            tap.ok(reply.startswith(b"-ERR unknown command 'NOSUCH'") and
                   reply.count(b"\r\n") == 1,
                   "a_stranger_who_begins_with_no_command_is_sent_away", reply)


def test_never_seen(tap):
    log = os.path.join(rt.scratch_dir(), "log")
    with rt.Server(requirepass=SECRET, requirepass_readonly=LOOK,
                   loglevel="debug", logfile=log, compactor="spawn",
                   slowlog_log_slower_than=0) as server:
        client = authenticate(server, SECRET)
        client.call("HELLO", "3", "AUTH", "default", SECRET)
        client.call("HELLO", "2", "AUTH", "readonly", LOOK)
        authenticate(server, "default", SECRET + "x")
        client = authenticate(server, SECRET)
        client.call("CONFIG", "SET", "requirepass", SECRET + "new")
        client.error("CONFIG", "SET", "requirepass", SECRET * 50)
        client.error("CONFIG", "SET", "maxclients", "0", "requirepass", SECRET)
        tap.equal(client.call("CONFIG", "GET", "requirepass"),
                  [b"requirepass", (SECRET + "new").encode()],
                  "config_get_tells_the_password_as_redis_does")
        slow = client.call("SLOWLOG", "GET", "-1")
        tap.ok(not any(SECRET.encode() in word or LOOK.encode() in word
                       for entry in slow for word in entry[3]) and
               any(b"(redacted)" in entry[3] for entry in slow),
               "the_slowlog_has_no_password", slow)
        info = client.call("INFO", "everything").decode()
        tap.ok(SECRET not in info and LOOK not in info,
               "info_has_no_password")
        server.signal(signal.SIGHUP)
        server.signal(signal.SIGUSR1)
        rt.wait_until(lambda: "configuration read again" in _text(log),
                      "the configuration to be read")
        seen = [pid for pid in os.listdir("/proc") if pid.isdigit() and
                pid != str(os.getpid()) and _shows(pid)]
        tap.equal(seen, [], "the_list_of_processes_has_no_password")
        # SIGHUP has set it back to that of the command line.
        authenticate(server, SECRET).call("PING")
        tap.ok(True, "sighup_reads_the_command_line_as_it_was")
        server.stop()
        tap.ok(SECRET not in _text(log) and LOOK not in _text(log) and
               SECRET not in server.stderr(), "the_log_has_no_password")


def _text(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _shows(pid):
    try:
        with open("/proc/%s/cmdline" % pid, "rb") as file:
            words = file.read()
        with open("/proc/%s/stat" % pid, "rb") as file:
            ended = b") Z " in file.read()
    except OSError:
        return False
    return not ended and (SECRET.encode() in words or LOOK.encode() in words)


def test_reload(tap):
    path = password_file(SECRET)
    server = rt.Server(requirepass_file=path)
    server.spawn()
    rt.wait_until(lambda: _listens(server), "the server to listen")
    inside = authenticate(server, SECRET)

    def hup(text, mode, wait_for):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, mode)
        before = server.stderr().count(wait_for)
        server.signal(signal.SIGHUP)
        rt.wait_until(lambda: server.stderr().count(wait_for) > before,
                      wait_for)

    hup(LOOK, 0o600, "configuration read again")
    tap.equal(authenticate(server, SECRET), WRONG,
              "after_sighup_the_old_password_is_wrong")
    tap.ok(not isinstance(authenticate(server, LOOK), str),
           "and_the_new_one_right")
    tap.equal(inside.call("PING"), "PONG", "who_is_inside_stays")
    hup("", 0o600, "configuration not read again")
    tap.equal(inside.error("AUTH", "default", "x"), WRONG,
              "an_empty_file_does_not_open_the_door")
    hup(SECRET, 0o644, "configuration not read again")
    tap.equal(authenticate(server, SECRET), WRONG,
              "a_file_that_others_can_read_is_not_taken")
    tap.equal(server.stop(), 0, "the_server_stops_in_order")


for test in (test_ways_to_give_it, test_bad_files, test_readonly, test_guesses,
             test_never_seen, test_reload):
    tap.run(test)
tap.done()
