# crash: real processes killed and stopped under load. crash_loop.py is short
# here; make check-crash lengthens it.
script_tests += tests/crash/crash_loop.py tests/crash/test_stopped_compactor.py
