# script_tests += tests/system/name.py
