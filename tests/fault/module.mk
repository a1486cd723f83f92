# script_tests += tests/fault/name.py
