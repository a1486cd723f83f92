# script_tests += tests/clients/name.py
