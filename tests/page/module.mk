# page: the live page, looked at by a headless Chromium.
script_tests += tests/page/test_page.py
EXTRA_DIST += tests/page/package.json tests/page/package-lock.json \
	tests/page/demos.js tests/page/visitor.js
dist_noinst_SCRIPTS += scripts/make-demos
EXTRA_DIST += docs/live-page.md docs/img/after-flush.webp docs/img/flush.webp \
	docs/img/tombstone.webp docs/img/write.webp
