# script_tests += tests/system/name.py
script_tests += tests/system/test_commands.py
script_tests += tests/system/test_differential.py
