"""The oracle of the crash loop must itself see what it is there to see."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import riptide_test as rt  # noqa: E402
import oracle  # noqa: E402
from oracle import Expiring, Lost, Seen, Shared, Window  # noqa: E402

tap = rt.Tap()


def refuses(name, deed, *args):
    try:
        deed(*args)
    except Lost:
        tap.ok(True, name)
    else:
        tap.ok(False, name, "it is content")


def test_prefixes(tap):
    known = {b"a": b"1", b"b": b"2"}
    pending = [("MSET", b"a", b"3", b"c", b"4"), ("DEL", b"b")]
    cases = (
        ("nothing_in_doubt_happened", {b"a": b"1", b"b": b"2"}, [0]),
        ("half_of_what_is_in_doubt_happened",
         {b"a": b"3", b"b": b"2", b"c": b"4"}, [1]),
        ("all_that_is_in_doubt_happened", {b"a": b"3", b"c": b"4"}, [2]),
        ("a_lost_write", {b"b": b"2"}, []),
        ("a_key_that_is_back", {b"a": b"1", b"b": b"2", b"d": b"0"}, []),
        ("half_an_mset", {b"a": b"3", b"b": b"2"}, []),
        ("a_write_without_those_before_it", {b"a": b"1"}, []),
        ("an_old_value", {b"a": b"0", b"b": b"2"}, []))
    for name, observed, wanted in cases:
        tap.equal(oracle.reconcile(known, pending, observed), wanted,
                  "the_oracle_knows_" + name)


def test_transactions(tap):
    known = {b"a": b"1", b"b": b"2"}
    pending = [("EXEC", ("SET", b"a", b"3"), ("DEL", b"b"),
                ("INCR", b"a"), ("SET", b"c", b"5")), ("SET", b"d", b"6")]
    cases = (
        ("no_exec", {b"a": b"1", b"b": b"2"}, [0]),
        ("an_exec", {b"a": b"4", b"c": b"5"}, [1]),
        ("a_write_behind_an_exec", {b"a": b"4", b"c": b"5", b"d": b"6"}, [2]),
        ("the_beginning_of_an_exec", {b"a": b"3", b"b": b"2"}, []),
        ("the_end_of_an_exec", {b"a": b"1", b"b": b"2", b"c": b"5"}, []),
        ("a_write_without_the_exec", {b"a": b"1", b"b": b"2", b"d": b"6"},
         []))
    for name, observed, wanted in cases:
        tap.equal(oracle.reconcile(known, pending, observed), wanted,
                  "the_oracle_knows_" + name)
    tap.equal(oracle.apply(dict(known), pending[0]), ["OK", 1, 4, "OK"],
              "the_oracle_knows_what_exec_answers")


def test_databases(tap):
    one = (1, oracle.DATABASE_NAMES[0])
    two = (2, oracle.DATABASE_NAMES[0])
    known = {one: b"1"}
    pending = [("SWAPDB", 1, 2), ("SET", one, b"2"), ("FLUSHDB", 2)]
    cases = (("no_swap", {one: b"1"}, [0]), ("a_swap", {two: b"1"}, [1]),
             ("a_write_behind_a_swap", {one: b"2", two: b"1"}, [2]),
             ("a_flushdb", {one: b"2"}, [3]), ("half_a_swap", {}, []),
             ("a_swap_done_twice", {one: b"1", two: b"2"}, []))
    for name, observed, wanted in cases:
        tap.equal(oracle.reconcile(known, pending, observed), wanted,
                  "the_oracle_knows_" + name)


def test_deadlines(tap):
    window = Window(10000, 10050)
    for name, deadline_ms, found, wanted in (
            ("a_live_key", 20000, b"1", True),
            ("a_key_that_ended_early", 20000, None, False),
            ("an_expired_key", 5000, None, True),
            ("an_expired_key_that_is_back", 5000, b"1", False),
            ("a_key_at_its_end", 10020, None, True),
            ("a_key_just_before_its_end", 10020, b"1", True),
            ("a_deadline", 20000, Seen(b"1", 20000), True),
            ("another_deadline", 20000, Seen(b"1", 20001), False),
            ("a_missing_deadline", 20000, Seen(b"1", None), False),
            ("another_value", 20000, b"2", False)):
        tap.equal(oracle.matches(Expiring(b"1", deadline_ms), found, window),
                  wanted, "the_oracle_knows_" + name)


def set_group(shared, token):
    shared.sent(("GROUP", token))
    shared.answered(1, ("GROUP", token), "OK")


def test_group(tap):
    shared = Shared()
    set_group(shared, b"1.1;")
    shared.sent(("GROUP", b"2.1;"))
    for token in (b"1.1;", b"2.1;", b"1.1;"):
        # Not yet known to be there, either may be the last.
        shared.looked([token] * 5, 0)
    set_group(shared, b"1.2;")
    shared.looked([b"1.2;"] * 5, shared.floor)
    tap.ok(True, "the_oracle_takes_any_order_of_what_is_under_way")
    refuses("the_oracle_knows_a_group_set_by_half", shared.looked,
            [b"1.2;"] * 4 + [b"2.1;"], shared.floor)
    refuses("the_oracle_knows_a_group_that_went_back", shared.looked,
            [b"1.1;"] * 5, shared.floor)
    refuses("the_oracle_knows_a_group_that_is_gone", shared.looked,
            [None] * 5, shared.floor)


def test_journal_and_count(tap):
    shared = Shared()
    shared.answered(1, ("JOURNAL", b"1.1;"), 8)
    tap.equal(shared.check_journal(b"2.1;1.1;2.2;"),
              [b"2.1;", b"1.1;", b"2.2;"], "the_oracle_reads_the_journal")
    refuses("the_oracle_knows_a_batch_that_is_not_in_its_place",
            shared.check_journal, b"1.1;2.1;")
    refuses("the_oracle_knows_a_batch_that_was_done_twice",
            shared.check_journal, b"2.1;1.1;2.1;")
    pending = [("JOURNAL", b"1.2;"), ("SET", b"a", b"1"), ("JOURNAL", b"1.3;")]
    tap.equal(oracle.narrow(pending, [0, 1, 2, 3], 1, [b"1.1;", b"1.2;"]),
              [1, 2], "the_journal_says_how_many_batches_happened")
    refuses("the_oracle_knows_a_batch_without_the_one_before_it",
            oracle.narrow, pending, [0, 1, 2, 3], 1, [b"1.1;", b"1.3;"])
    shared.answered(1, ("COUNT",), 7)
    refuses("the_oracle_knows_a_count_that_fell", shared.check_count, 6,
            [{0}])
    shared.check_count(9, [{4, 5}, {4}])
    refuses("the_oracle_knows_a_count_that_nobody_made", shared.check_count,
            10, [{4, 5}, {4}])
    refuses("the_oracle_knows_two_equal_counts", shared.answered, 2,
            ("COUNT",), 7)


for test in (test_prefixes, test_transactions, test_databases, test_deadlines, test_group,
             test_journal_and_count):
    tap.run(test)
tap.done()
