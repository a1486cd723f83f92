# contrib: what a person copies and changes, and what makes a service of the
# programs. riptide.conf is what rt_config_print_sample() prints; a unit test
# compares.
examplesdir = $(docdir)/examples
dist_examples_DATA = contrib/riptide.conf contrib/riptidekv.logrotate \
	contrib/twemproxy/nutcracker.yml \
	contrib/grafana/riptidekv.json contrib/prometheus/riptidekv.rules.yml

units_in = contrib/systemd/riptided.service.in \
	contrib/systemd/riptide-compactd.service.in \
	contrib/systemd/riptide-compactd-once.service.in
units_made = contrib/systemd/riptided.service \
	contrib/systemd/riptide-compactd.service \
	contrib/systemd/riptide-compactd-once.service
units_plain = contrib/systemd/riptided.socket \
	contrib/systemd/riptide-compactd-once.timer
EXTRA_DIST += $(units_in) $(units_plain) contrib/service.sed \
	contrib/systemd/riptidekv.sysusers contrib/systemd/riptidekv.tmpfiles
# The Debian package: debian/ is taken as it is.
EXTRA_DIST += contrib/Containerfile debian/changelog debian/control debian/copyright \
	debian/riptidekv.docs debian/riptidekv.lintian-overrides \
	debian/riptidekv.postrm debian/riptidekv.prerm debian/rules \
	debian/source/format debian/tests/control debian/tests/service \
	debian/tests/smoke

all-local: $(units_made) contrib/service.conf
CLEANFILES += $(units_made) contrib/service.conf

contrib/systemd/%.service: $(srcdir)/contrib/systemd/%.service.in Makefile
	@$(MKDIR_P) contrib/systemd
	$(AM_V_GEN)sed -e 's|[@]sbindir@|$(sbindir)|g' \
		-e 's|[@]sysconfdir@|$(sysconfdir)|g' \
		$(srcdir)/contrib/systemd/$*.service.in >$@.tmp && \
		mv $@.tmp $@

contrib/service.conf: contrib/riptide.conf contrib/service.sed
	@$(MKDIR_P) contrib
	$(AM_V_GEN)sed -f $(srcdir)/contrib/service.sed \
		$(srcdir)/contrib/riptide.conf >$@.tmp && mv $@.tmp $@

# A configuration that is there is somebody's: it is neither written over nor,
# once it was changed, removed.
service_conf = $(DESTDIR)$(sysconfdir)/riptidekv/riptide.conf
install-data-local: contrib/service.conf $(units_made)
if INSTALL_UNITS
	$(MKDIR_P) '$(DESTDIR)$(systemdsystemunitdir)' \
		'$(DESTDIR)$(sysusersdir)' '$(DESTDIR)$(tmpfilesdir)' \
		'$(DESTDIR)$(sysconfdir)/riptidekv'
	$(INSTALL_DATA) $(units_made) \
		$(srcdir)/contrib/systemd/riptided.socket \
		$(srcdir)/contrib/systemd/riptide-compactd-once.timer \
		'$(DESTDIR)$(systemdsystemunitdir)'
	$(INSTALL_DATA) $(srcdir)/contrib/systemd/riptidekv.sysusers \
		'$(DESTDIR)$(sysusersdir)/riptidekv.conf'
	$(INSTALL_DATA) $(srcdir)/contrib/systemd/riptidekv.tmpfiles \
		'$(DESTDIR)$(tmpfilesdir)/riptidekv.conf'
	test -e '$(service_conf)' || \
		$(INSTALL_DATA) contrib/service.conf '$(service_conf)'
endif
uninstall-local:
if INSTALL_UNITS
	cd '$(DESTDIR)$(systemdsystemunitdir)' && rm -f \
		$(notdir $(units_made) $(units_plain))
	rm -f '$(DESTDIR)$(sysusersdir)/riptidekv.conf' \
		'$(DESTDIR)$(tmpfilesdir)/riptidekv.conf'
	! cmp -s contrib/service.conf '$(service_conf)' || \
		rm -f '$(service_conf)'
endif
