# The generated code lives in the build tree and is never committed.
dist_noinst_SCRIPTS += scripts/check-proto
EXTRA_DIST += proto/manifest.fields proto/manifest.proto proto/compactor_status.proto \
	proto/table_properties.proto
PROTO_OUT = proto/manifest.pb-c.c proto/manifest.pb-c.h \
	proto/compactor_status.pb-c.c proto/compactor_status.pb-c.h \
	proto/table_properties.pb-c.c proto/table_properties.pb-c.h
BUILT_SOURCES += $(PROTO_OUT)
CLEANFILES += $(PROTO_OUT)

noinst_LIBRARIES += proto/libproto.a
nodist_proto_libproto_a_SOURCES = $(PROTO_OUT)
# protobuf-c's output is not ours to clean of warnings.
proto_libproto_a_CFLAGS = $(AM_CFLAGS) -w

proto/%.pb-c.c proto/%.pb-c.h: proto/%.proto
	$(AM_V_GEN)$(MKDIR_P) proto && $(PROTOC_C) \
		--proto_path=$(top_srcdir)/proto --c_out=proto $<
