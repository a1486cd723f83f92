# script_tests += tests/fuzz/name.py
