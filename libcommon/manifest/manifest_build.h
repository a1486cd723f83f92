/* manifest_build: a manifest while it is being made: its memory, and where the
 * fields of newer programs are kept. For this room and its tests; everyone
 * else makes manifests by edits alone.
 * Thread: one maker, until the manifest is given away. */
#ifndef LIBCOMMON_MANIFEST_MANIFEST_BUILD_H
#define LIBCOMMON_MANIFEST_MANIFEST_BUILD_H

#include "libcommon/base/attr.h"
#include "libcommon/manifest/manifest.h"

/* -- memory that is freed all at once; inert when zeroed -- */
struct rt_manifest_memory {
	struct rt_manifest_chunk *chunks;
	size_t bytes;		/* taken from the system so far */
	size_t bytes_max;	/* 0: no limit */
};

/* Aligned to 16 bytes, not zeroed; NULL only above bytes_max. */
void *rt_manifest_memory_take(struct rt_manifest_memory *memory, size_t bytes);
void rt_manifest_memory_fini(struct rt_manifest_memory *memory);

/* -- fields of a newer program -- */
struct rt_manifest_unknown_field {
	uint32_t tag;
	uint8_t wire_type;
	struct rt_slice data;	/* as on the wire, length prefix included */
};

/* What `unknown` of a run points to. */
struct rt_manifest_unknown {
	struct rt_manifest_unknown_field *fields;
	size_t fields_count;
};

/* What `unknown` of a table points to: its own fields, and its id's. */
struct rt_manifest_table_unknown {
	struct rt_manifest_unknown own;
	struct rt_manifest_unknown id;
};

/* The fields of a small message that has no room for a pointer, found again
 * by what names the message. */
struct rt_manifest_keyed_unknown {
	struct rt_file_id key;	/* file id; or { 0, keyspace or database } */
	struct rt_manifest_unknown fields;
};

struct rt_manifest_keyed_unknowns {
	struct rt_manifest_keyed_unknown *all;	/* ascending key */
	size_t count;
};

/* What `unknown` of a manifest points to. */
struct rt_manifest_root_unknown {
	uint64_t ro_compat;	/* feature bits of the envelope */
	uint64_t compat;
	struct rt_manifest_unknown own;
	struct rt_manifest_keyed_unknowns drops;
	struct rt_manifest_keyed_unknowns keyspaces;
	struct rt_manifest_keyed_unknowns obsolete;
};

/* -- a manifest in the making: one reference, all fields zero -- */
struct rt_manifest *rt_manifest_build_new(void);
/* Zeroed memory that lives as long as the manifest. count may be 0. */
void *rt_manifest_build_alloc(struct rt_manifest *manifest, size_t count,
    size_t bytes);
struct rt_slice rt_manifest_build_bytes(struct rt_manifest *manifest,
    struct rt_slice bytes);
/* Copies that live as long as `manifest`; NULL gives NULL. */
const struct rt_manifest_unknown *rt_manifest_build_run_unknown(
    struct rt_manifest *manifest, const void *unknown);
const struct rt_manifest_table_unknown *rt_manifest_build_table_unknown(
    struct rt_manifest *manifest, const void *unknown);
const struct rt_manifest_root_unknown *rt_manifest_build_root_unknown(
    struct rt_manifest *manifest, const void *unknown);
/* *to becomes a copy of *from, keys and unknown fields too. */
void rt_manifest_build_table(struct rt_manifest *manifest,
    struct rt_manifest_table *to, const struct rt_manifest_table *from);

/* <0, 0, >0: by maker, then by number. */
static inline int
rt_file_id_compare(struct rt_file_id a, struct rt_file_id b)
{
	if (a.maker_epoch != b.maker_epoch)
		return a.maker_epoch < b.maker_epoch ? -1 : 1;
	return (a.number > b.number) - (a.number < b.number);
}

#endif
