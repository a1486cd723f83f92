# compactor: both programs beside each other for long, and jobs that are ended in
# the middle. test_kills.py is short here; make compactor-long lengthens it.
script_tests += tests/compactor/test_kills.py \
	tests/compactor/test_progress.py \
	tests/compactor/test_stop.py
EXTRA_DIST += tests/compactor/workload.py
