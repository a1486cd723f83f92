# hazard: each line of docs/hazards.md has a test that shows its defence.
unit_tests += tests/hazard/test_publishers
