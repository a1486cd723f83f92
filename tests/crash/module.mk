# script_tests += tests/crash/name.py
