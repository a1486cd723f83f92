# man: a page for each program, for the file of options, and for the whole.
dist_man_MANS += man/riptide.1 man/riptide-bench.1 man/riptide.conf.5 \
	man/riptide-format.5 \
	man/riptide-commands.7 man/riptidekv.7 man/riptide-compactd.8 man/riptided.8
