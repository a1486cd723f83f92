# hazard: each line of docs/hazards.md has a test that shows its defence.
unit_tests += tests/hazard/test_publishers
script_tests += tests/hazard/test_clock.py tests/hazard/test_dead_compactor.py \
	tests/hazard/test_files.py tests/hazard/test_formats.py \
	tests/hazard/test_publish.py tests/hazard/test_roles.py
EXTRA_DIST += docs/hazards.md tests/hazard/hazard.py tests/hazard/shim.py
