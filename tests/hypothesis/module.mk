# hypothesis: state machines over redis-py. make hypothesis-long runs more.
script_tests += tests/hypothesis/test_state_machine.py
EXTRA_DIST += tests/hypothesis/model.py tests/hypothesis/steady.py

# Not a program, but made like one: a library for LD_PRELOAD.
test_programs += tests/hypothesis/steady_clock.so
tests_hypothesis_steady_clock_so_SOURCES = tests/hypothesis/steady_clock.c
tests_hypothesis_steady_clock_so_CFLAGS = -fPIC
tests_hypothesis_steady_clock_so_LDFLAGS = -shared
tests_hypothesis_steady_clock_so_LDADD =

# make hypothesis-long: two thousand examples of a hundred steps.
hypothesis-long: all tests/hypothesis/steady_clock.so
	EXAMPLES=2000 STEPS=100 RTT_BUILDDIR=$(abs_builddir) \
		python3 $(srcdir)/tests/hypothesis/test_state_machine.py
.PHONY: hypothesis-long
