# page: the live page, looked at by a headless Chromium.
script_tests += tests/page/test_page.py
EXTRA_DIST += tests/page/package.json tests/page/package-lock.json \
	tests/page/visitor.js
