# script_tests += tests/model/name.py
