# linearizability: recorded histories, judged by porcupine.
script_tests += tests/linearizability/test_linearizability.py
EXTRA_DIST += tests/linearizability/history/go.mod \
	tests/linearizability/history/go.sum \
	tests/linearizability/history/main.go

# make histories: two hundred of five thousand operations.
histories: all
	HISTORIES=200 OPERATIONS=5000 RTT_BUILDDIR=$(abs_builddir) \
		python3 $(srcdir)/tests/linearizability/test_linearizability.py
.PHONY: histories
