# contrib: what a person copies and changes. riptide.conf is what
# rt_config_print_sample() prints; a unit test compares.
examplesdir = $(docdir)/examples
dist_examples_DATA = contrib/riptide.conf \
	contrib/systemd/riptide-compactd.service \
	contrib/systemd/riptide-compactd-once.service \
	contrib/systemd/riptide-compactd-once.timer
