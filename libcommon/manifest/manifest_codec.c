#include "libcommon/manifest/manifest_codec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/coding.h"
#include "libcommon/base/crc32c.h"
#include "libcommon/base/invariant.h"
#include "libcommon/manifest/manifest_build.h"
#include "libcommon/manifest/manifest_check.h"
#include "proto/manifest.pb-c.h"

static const uint8_t magic[8] = { 'R', 'T', 'I', 'D', 'E', 'M', 'A', 'N' };

enum envelope {
	FORMAT_AT = 8,
	HEADER_BYTES_AT = 12,
	INCOMPAT_AT = 16,
	RO_COMPAT_AT = 24,
	COMPAT_AT = 32,
	GENERATION_AT = 40,
	MESSAGE_BYTES_AT = 48,
	CRC_AT = 56,
};

/* Memory for the message: an empty one of two bytes becomes a struct of some
 * sixty, and the parser keeps notes on each field besides. */
#define UNPACK_FACTOR 64
#define UNPACK_BYTES_MIN ((size_t)64 << 10)
#define UNPACK_BYTES_MAX ((size_t)1 << 30)

#define SET(message, field, value) \
	((message)->has_##field = 1, (message)->field = (value))

static uint32_t
checksum(const uint8_t *bytes, size_t len)
{
	uint32_t crc = rt_crc32c(0, bytes, CRC_AT);

	return rt_crc32c(crc, bytes + CRC_AT + 4, len - CRC_AT - 4);
}

/* -- model to message; what is allocated lives in a scratch manifest -- */

static void
put_unknown(struct rt_manifest *scratch, ProtobufCMessage *message,
    const struct rt_manifest_unknown *unknown)
{
	if (unknown == NULL || unknown->fields_count == 0)
		return;
	message->n_unknown_fields = (unsigned)unknown->fields_count;
	message->unknown_fields = rt_manifest_build_alloc(scratch,
	    unknown->fields_count, sizeof(message->unknown_fields[0]));
	for (size_t i = 0; i < unknown->fields_count; i++) {
		const struct rt_manifest_unknown_field *from =
		    &unknown->fields[i];
		struct rt_slice copy =
		    rt_manifest_build_bytes(scratch, from->data);

		message->unknown_fields[i] = (ProtobufCMessageUnknownField){
			.tag = from->tag,
			.wire_type = (ProtobufCWireType)from->wire_type,
			.len = copy.len,
			.data = (uint8_t *)(uintptr_t)copy.data,
		};
	}
}

static int
compare_keyed(const void *a, const void *b)
{
	const struct rt_manifest_keyed_unknown *x = a, *y = b;

	return rt_file_id_compare(x->key, y->key);
}

static const struct rt_manifest_unknown *
find_keyed(const struct rt_manifest_keyed_unknowns *keyed,
    struct rt_file_id key)
{
	struct rt_manifest_keyed_unknown wanted = { .key = key };
	const struct rt_manifest_keyed_unknown *found;

	if (keyed == NULL || keyed->count == 0)
		return NULL;
	found = bsearch(&wanted, keyed->all, keyed->count,
	    sizeof(keyed->all[0]), compare_keyed);
	return found != NULL ? &found->fields : NULL;
}

static Riptide__FileId *
file_id_message(struct rt_manifest *scratch, struct rt_file_id id,
    const struct rt_manifest_unknown *unknown)
{
	Riptide__FileId *message =
	    rt_manifest_build_alloc(scratch, 1, sizeof(*message));

	riptide__file_id__init(message);
	SET(message, maker_epoch, id.maker_epoch);
	SET(message, number, id.number);
	put_unknown(scratch, &message->base, unknown);
	return message;
}

static ProtobufCBinaryData
binary(struct rt_slice bytes)
{
	return (ProtobufCBinaryData){
		.len = bytes.len,
		.data = (uint8_t *)(uintptr_t)bytes.data,
	};
}

static Riptide__Table *
table_message(struct rt_manifest *scratch,
    const struct rt_manifest_table *table)
{
	const struct rt_manifest_table_unknown *unknown = table->unknown;
	Riptide__Table *message =
	    rt_manifest_build_alloc(scratch, 1, sizeof(*message));

	riptide__table__init(message);
	message->id = file_id_message(scratch, table->id,
	    unknown != NULL ? &unknown->id : NULL);
	SET(message, unique_id, table->unique_id);
	SET(message, size, table->size);
	SET(message, smallest, binary(table->smallest));
	SET(message, largest, binary(table->largest));
	SET(message, min_seq, table->min_seq);
	SET(message, max_seq, table->max_seq);
	SET(message, entries, table->entries);
	SET(message, tombstones, table->tombstones);
	if (table->expire_min_ms != 0)
		SET(message, expire_min_ms, table->expire_min_ms);
	if (table->expire_max_ms != 0)
		SET(message, expire_max_ms, table->expire_max_ms);
	SET(message, crc32c, table->crc32c);
	SET(message, payload, table->payload);
	if (table->older_versions != 0)
		SET(message, older_versions, table->older_versions);
	if (table->tombstones_since_s != 0)
		SET(message, tombstones_since_s, table->tombstones_since_s);
	put_unknown(scratch, &message->base,
	    unknown != NULL ? &unknown->own : NULL);
	return message;
}

static Riptide__Run *
run_message(struct rt_manifest *scratch, const struct rt_manifest_run *run)
{
	Riptide__Run *message =
	    rt_manifest_build_alloc(scratch, 1, sizeof(*message));

	riptide__run__init(message);
	SET(message, id, run->id);
	SET(message, level, run->level);
	message->n_tables = run->tables_count;
	message->tables = rt_manifest_build_alloc(scratch, run->tables_count,
	    sizeof(message->tables[0]));
	for (size_t i = 0; i < run->tables_count; i++)
		message->tables[i] = table_message(scratch, &run->tables[i]);
	put_unknown(scratch, &message->base, run->unknown);
	return message;
}

static void
put_lists(struct rt_manifest *scratch, Riptide__Manifest *message,
    const struct rt_manifest *manifest)
{
	const struct rt_manifest_root_unknown *root = manifest->unknown;

	message->n_snapshots = manifest->snapshots_count;
	message->snapshots = manifest->snapshots;
	message->n_drops = manifest->drops_count;
	message->drops = rt_manifest_build_alloc(scratch,
	    manifest->drops_count, sizeof(message->drops[0]));
	for (size_t i = 0; i < manifest->drops_count; i++) {
		Riptide__Drop *drop =
		    rt_manifest_build_alloc(scratch, 1, sizeof(*drop));

		riptide__drop__init(drop);
		SET(drop, keyspace, manifest->drops[i].keyspace);
		SET(drop, seq, manifest->drops[i].seq);
		put_unknown(scratch, &drop->base,
		    root == NULL ? NULL : find_keyed(&root->drops,
			(struct rt_file_id){ 0, drop->keyspace }));
		message->drops[i] = drop;
	}
	message->n_keyspaces = manifest->keyspaces_count;
	message->keyspaces = rt_manifest_build_alloc(scratch,
	    manifest->keyspaces_count, sizeof(message->keyspaces[0]));
	for (size_t i = 0; i < manifest->keyspaces_count; i++) {
		Riptide__Keyspace *keyspace =
		    rt_manifest_build_alloc(scratch, 1, sizeof(*keyspace));

		riptide__keyspace__init(keyspace);
		SET(keyspace, database, manifest->keyspaces[i].database);
		SET(keyspace, id, manifest->keyspaces[i].id);
		put_unknown(scratch, &keyspace->base,
		    root == NULL ? NULL : find_keyed(&root->keyspaces,
			(struct rt_file_id){ 0, keyspace->database }));
		message->keyspaces[i] = keyspace;
	}
	message->n_obsolete = manifest->obsolete_count;
	message->obsolete = rt_manifest_build_alloc(scratch,
	    manifest->obsolete_count, sizeof(message->obsolete[0]));
	for (size_t i = 0; i < manifest->obsolete_count; i++)
		message->obsolete[i] = file_id_message(scratch,
		    manifest->obsolete[i], root == NULL ? NULL :
		    find_keyed(&root->obsolete, manifest->obsolete[i]));
}

static void
put_manifest(struct rt_manifest *scratch, Riptide__Manifest *message,
    const struct rt_manifest *manifest)
{
	const struct rt_manifest_root_unknown *root = manifest->unknown;

	riptide__manifest__init(message);
	SET(message, database_uuid, binary(rt_slice(manifest->database_uuid,
	    sizeof(manifest->database_uuid))));
	SET(message, generation, manifest->generation);
	SET(message, daemon_epoch, manifest->daemon_epoch);
	SET(message, compactor_epoch, manifest->compactor_epoch);
	SET(message, next_daemon_file, manifest->next_daemon_file);
	SET(message, next_run_id, manifest->next_run_id);
	SET(message, flushed_seq, manifest->flushed_seq);
	SET(message, wal_floor, manifest->wal_floor);
	SET(message, max_seq, manifest->max_seq);
	SET(message, expiry_clock_ms, manifest->expiry_clock_ms);
	if (manifest->clock_mark.boot_id != 0) {
		SET(message, clock_boot_id, manifest->clock_mark.boot_id);
		SET(message, clock_boot_ms, manifest->clock_mark.boot_ms);
		SET(message, clock_wall_ms, manifest->clock_mark.wall_ms);
		SET(message, clock_settled_from_ms,
		    manifest->clock_mark.settled_from_ms);
	}
	SET(message, daemon_features, manifest->daemon_features);
	SET(message, compactor_features, manifest->compactor_features);
	if (manifest->clean_wal != 0) {
		SET(message, clean_wal, manifest->clean_wal);
		SET(message, clean_wal_bytes, manifest->clean_wal_bytes);
	}
	if (manifest->compact_asked != 0) {
		SET(message, compact_asked, manifest->compact_asked);
		SET(message, compact_seq, manifest->compact_seq);
		SET(message, compact_done, manifest->compact_done);
	}
	if (manifest->tolerated_ms != 0) {
		SET(message, tolerated_seq, manifest->tolerated_seq);
		SET(message, tolerated_ms, manifest->tolerated_ms);
	}
	put_lists(scratch, message, manifest);
	message->n_runs = manifest->runs_count;
	message->runs = rt_manifest_build_alloc(scratch, manifest->runs_count,
	    sizeof(message->runs[0]));
	for (size_t i = 0; i < manifest->runs_count; i++)
		message->runs[i] = run_message(scratch, &manifest->runs[i]);
	put_unknown(scratch, &message->base, root != NULL ? &root->own : NULL);
}

enum rt_code
rt_manifest_encode(const struct rt_manifest *manifest, struct rt_buf *out,
    struct rt_err *err)
{
	const struct rt_manifest_root_unknown *root = manifest->unknown;
	struct rt_manifest *scratch = rt_manifest_build_new();
	Riptide__Manifest message;
	uint8_t *at;
	size_t len;

	put_manifest(scratch, &message, manifest);
	len = riptide__manifest__get_packed_size(&message);
	if (len > RT_MANIFEST_BYTES_MAX - RT_MANIFEST_ENVELOPE_BYTES) {
		rt_manifest_unref(scratch);
		return rt_err_set(err, RT_ELIMIT,
		    "the manifest would have %zu bytes, at most %zu are "
		    "allowed", len, RT_MANIFEST_BYTES_MAX);
	}
	rt_buf_reserve(out, RT_MANIFEST_ENVELOPE_BYTES + len);
	at = out->data + out->len;
	memset(at, 0, RT_MANIFEST_ENVELOPE_BYTES);
	memcpy(at, magic, sizeof(magic));
	rt_put_fixed32(at + FORMAT_AT, RT_MANIFEST_FORMAT);
	rt_put_fixed32(at + HEADER_BYTES_AT, RT_MANIFEST_ENVELOPE_BYTES);
	/* A program that knows of one run a level must not read this. */
	if (rt_manifest_deepest_runs(manifest) != 0)
		rt_put_fixed64(at + INCOMPAT_AT,
		    RT_MANIFEST_INCOMPAT_LEVEL_RUNS);
	rt_put_fixed64(at + RO_COMPAT_AT, root != NULL ? root->ro_compat : 0);
	rt_put_fixed64(at + COMPAT_AT, root != NULL ? root->compat : 0);
	rt_put_fixed64(at + GENERATION_AT, manifest->generation);
	rt_put_fixed64(at + MESSAGE_BYTES_AT, len);
	riptide__manifest__pack(&message, at + RT_MANIFEST_ENVELOPE_BYTES);
	len += RT_MANIFEST_ENVELOPE_BYTES;
	rt_put_fixed32(at + CRC_AT, checksum(at, len));
	out->len += len;
	rt_manifest_unref(scratch);
	return RT_OK;
}

/* -- message to model -- */

static void
take_unknown(struct rt_manifest *manifest, const ProtobufCMessage *message,
    struct rt_manifest_unknown *out)
{
	out->fields_count = 0;
	out->fields = rt_manifest_build_alloc(manifest,
	    message->n_unknown_fields, sizeof(out->fields[0]));
	for (size_t i = 0; i < message->n_unknown_fields; i++) {
		const ProtobufCMessageUnknownField *from =
		    &message->unknown_fields[i];

		/* No program has a field 0, and the parser, which takes its
		 * longer spelling, refuses the one that we would write. */
		if (from->tag == 0)
			continue;
		out->fields[out->fields_count++] =
		    (struct rt_manifest_unknown_field){
			.tag = from->tag,
			.wire_type = (uint8_t)from->wire_type,
			.data = rt_manifest_build_bytes(manifest,
			    rt_slice(from->data, from->len)),
		};
	}
}

/* Note the unknown fields of a small message, if it has any. */
static void
take_keyed(struct rt_manifest *manifest,
    struct rt_manifest_keyed_unknowns *keyed, struct rt_file_id key,
    const ProtobufCMessage *message)
{
	if (message->n_unknown_fields == 0)
		return;
	keyed->all[keyed->count].key = key;
	take_unknown(manifest, message, &keyed->all[keyed->count].fields);
	keyed->count++;
}

static struct rt_file_id
take_id(const Riptide__FileId *message)
{
	return (struct rt_file_id){
		.maker_epoch = message->maker_epoch,
		.number = message->number,
	};
}

static struct rt_slice
take_bytes(struct rt_manifest *manifest, const ProtobufCBinaryData *bytes)
{
	return rt_manifest_build_bytes(manifest,
	    rt_slice(bytes->data, bytes->len));
}

static bool
take_table(struct rt_manifest *manifest, struct rt_manifest_table *table,
    const Riptide__Table *message)
{
	if (message->id == NULL)
		return false;
	*table = (struct rt_manifest_table){
		.id = take_id(message->id),
		.unique_id = message->unique_id,
		.size = message->size,
		.smallest = take_bytes(manifest, &message->smallest),
		.largest = take_bytes(manifest, &message->largest),
		.min_seq = message->min_seq,
		.max_seq = message->max_seq,
		.entries = message->entries,
		.tombstones = message->tombstones,
		.expire_min_ms = message->expire_min_ms,
		.expire_max_ms = message->expire_max_ms,
		.crc32c = message->crc32c,
		.payload = message->payload,
		.older_versions = message->older_versions,
		.tombstones_since_s = message->tombstones_since_s,
	};
	if (message->base.n_unknown_fields != 0 ||
	    message->id->base.n_unknown_fields != 0) {
		struct rt_manifest_table_unknown *unknown =
		    rt_manifest_build_alloc(manifest, 1, sizeof(*unknown));

		take_unknown(manifest, &message->base, &unknown->own);
		take_unknown(manifest, &message->id->base, &unknown->id);
		table->unknown = unknown;
	}
	return true;
}

static bool
take_run(struct rt_manifest *manifest, struct rt_manifest_run *run,
    const Riptide__Run *message)
{
	run->id = message->id;
	run->level = message->level;
	run->tables_count = message->n_tables;
	run->tables = rt_manifest_build_alloc(manifest, message->n_tables,
	    sizeof(run->tables[0]));
	for (size_t i = 0; i < message->n_tables; i++)
		if (!take_table(manifest, &run->tables[i], message->tables[i]))
			return false;
	if (message->base.n_unknown_fields != 0) {
		struct rt_manifest_unknown *unknown =
		    rt_manifest_build_alloc(manifest, 1, sizeof(*unknown));

		take_unknown(manifest, &message->base, unknown);
		run->unknown = unknown;
	}
	return true;
}

static void
take_lists(struct rt_manifest *manifest, const Riptide__Manifest *message,
    struct rt_manifest_root_unknown *root)
{
	manifest->snapshots_count = message->n_snapshots;
	manifest->snapshots = rt_manifest_build_alloc(manifest,
	    message->n_snapshots, sizeof(manifest->snapshots[0]));
	if (message->n_snapshots != 0)
		memcpy(manifest->snapshots, message->snapshots,
		    message->n_snapshots * sizeof(manifest->snapshots[0]));
	manifest->drops_count = message->n_drops;
	manifest->drops = rt_manifest_build_alloc(manifest, message->n_drops,
	    sizeof(manifest->drops[0]));
	root->drops.all = rt_manifest_build_alloc(manifest, message->n_drops,
	    sizeof(root->drops.all[0]));
	for (size_t i = 0; i < message->n_drops; i++) {
		manifest->drops[i].keyspace = message->drops[i]->keyspace;
		manifest->drops[i].seq = message->drops[i]->seq;
		take_keyed(manifest, &root->drops,
		    (struct rt_file_id){ 0, message->drops[i]->keyspace },
		    &message->drops[i]->base);
	}
	manifest->keyspaces_count = message->n_keyspaces;
	manifest->keyspaces = rt_manifest_build_alloc(manifest,
	    message->n_keyspaces, sizeof(manifest->keyspaces[0]));
	root->keyspaces.all = rt_manifest_build_alloc(manifest,
	    message->n_keyspaces, sizeof(root->keyspaces.all[0]));
	for (size_t i = 0; i < message->n_keyspaces; i++) {
		manifest->keyspaces[i].database =
		    message->keyspaces[i]->database;
		manifest->keyspaces[i].id = message->keyspaces[i]->id;
		take_keyed(manifest, &root->keyspaces,
		    (struct rt_file_id){ 0, message->keyspaces[i]->database },
		    &message->keyspaces[i]->base);
	}
	manifest->obsolete_count = message->n_obsolete;
	manifest->obsolete = rt_manifest_build_alloc(manifest,
	    message->n_obsolete, sizeof(manifest->obsolete[0]));
	root->obsolete.all = rt_manifest_build_alloc(manifest,
	    message->n_obsolete, sizeof(root->obsolete.all[0]));
	for (size_t i = 0; i < message->n_obsolete; i++) {
		manifest->obsolete[i] = take_id(message->obsolete[i]);
		take_keyed(manifest, &root->obsolete, manifest->obsolete[i],
		    &message->obsolete[i]->base);
	}
	if (root->obsolete.count > 1)
		qsort(root->obsolete.all, root->obsolete.count,
		    sizeof(root->obsolete.all[0]), compare_keyed);
}

static enum rt_code
take_manifest(struct rt_manifest *manifest, const Riptide__Manifest *message,
    const uint8_t *envelope, struct rt_err *err)
{
	struct rt_manifest_root_unknown *root =
	    rt_manifest_build_alloc(manifest, 1, sizeof(*root));

	if (message->database_uuid.len != sizeof(manifest->database_uuid))
		return rt_err_set(err, RT_EDAMAGED,
		    "the manifest's database uuid has %zu bytes",
		    message->database_uuid.len);
	memcpy(manifest->database_uuid, message->database_uuid.data,
	    sizeof(manifest->database_uuid));
	manifest->generation = message->generation;
	manifest->daemon_epoch = message->daemon_epoch;
	manifest->compactor_epoch = message->compactor_epoch;
	manifest->next_daemon_file = message->next_daemon_file;
	manifest->next_run_id = message->next_run_id;
	manifest->flushed_seq = message->flushed_seq;
	manifest->wal_floor = message->wal_floor;
	manifest->max_seq = message->max_seq;
	manifest->expiry_clock_ms = message->expiry_clock_ms;
	manifest->clock_mark = (struct rt_clock_mark){
		.boot_id = message->clock_boot_id,
		.boot_ms = message->clock_boot_ms,
		.wall_ms = message->clock_wall_ms,
		.settled_from_ms = message->clock_settled_from_ms,
	};
	manifest->daemon_features = message->daemon_features;
	manifest->compactor_features = message->compactor_features;
	manifest->clean_wal = message->clean_wal;
	manifest->clean_wal_bytes = message->clean_wal_bytes;
	manifest->compact_asked = message->compact_asked;
	manifest->compact_seq = message->compact_seq;
	manifest->compact_done = message->compact_done;
	manifest->tolerated_seq = message->tolerated_seq;
	manifest->tolerated_ms = message->tolerated_ms;
	take_lists(manifest, message, root);
	take_unknown(manifest, &message->base, &root->own);
	root->ro_compat = rt_get_fixed64(envelope + RO_COMPAT_AT);
	root->compat = rt_get_fixed64(envelope + COMPAT_AT);
	manifest->unknown = root;
	manifest->runs_count = message->n_runs;
	manifest->runs = rt_manifest_build_alloc(manifest, message->n_runs,
	    sizeof(manifest->runs[0]));
	for (size_t i = 0; i < message->n_runs; i++)
		if (!take_run(manifest, &manifest->runs[i], message->runs[i]))
			return rt_err_set(err, RT_EDAMAGED,
			    "the manifest has a table without an id");
	if (manifest->generation != rt_get_fixed64(envelope + GENERATION_AT))
		return rt_err_set(err, RT_EDAMAGED,
		    "the manifest and its envelope differ in generation");
	return rt_manifest_check(manifest, err);
}

static enum rt_code
check_envelope(struct rt_slice bytes, struct rt_err *err)
{
	uint32_t format;
	uint64_t incompat;

	if (bytes.len < RT_MANIFEST_ENVELOPE_BYTES ||
	    bytes.len > RT_MANIFEST_BYTES_MAX ||
	    memcmp(bytes.data, magic, sizeof(magic)) != 0)
		return rt_err_set(err, RT_EDAMAGED, "not a manifest");
	if (rt_get_fixed32(bytes.data + CRC_AT) !=
	    checksum(bytes.data, bytes.len))
		return rt_err_set(err, RT_EDAMAGED,
		    "the manifest's checksum does not fit");
	format = rt_get_fixed32(bytes.data + FORMAT_AT);
	if (format == 0)
		return rt_err_set(err, RT_EDAMAGED, "written by format 0");
	if (format > RT_MANIFEST_FORMAT)
		return rt_err_set(err, RT_EFORMAT,
		    "written by format %" PRIu32 ", this program reads up to %d",
		    format, RT_MANIFEST_FORMAT);
	incompat = rt_get_fixed64(bytes.data + INCOMPAT_AT) &
	    ~RT_MANIFEST_INCOMPAT_KNOWN;
	if (incompat != 0)
		return rt_err_set(err, RT_EFORMAT,
		    "written with features (0x%" PRIx64
		    ") that this program does not know", incompat);
	if (rt_get_fixed32(bytes.data + HEADER_BYTES_AT) !=
		RT_MANIFEST_ENVELOPE_BYTES ||
	    rt_get_fixed64(bytes.data + MESSAGE_BYTES_AT) !=
		bytes.len - RT_MANIFEST_ENVELOPE_BYTES)
		return rt_err_set(err, RT_EDAMAGED,
		    "the manifest's length does not fit");
	return RT_OK;
}

static void *
unpack_alloc(void *data, size_t bytes)
{
	return rt_manifest_memory_take(data, bytes);
}

/* All of it goes at once, after the model is made. */
static void
unpack_free(void *data, void *taken)
{
}

enum rt_code
rt_manifest_decode(struct rt_slice bytes, const struct rt_manifest **out,
    struct rt_err *err)
{
	struct rt_manifest_memory memory = { 0 };
	ProtobufCAllocator allocator = { unpack_alloc, unpack_free, &memory };
	struct rt_manifest *manifest;
	Riptide__Manifest *message;
	enum rt_code code = check_envelope(bytes, err);

	if (code != RT_OK)
		return code;
	memory.bytes_max = bytes.len * UNPACK_FACTOR + UNPACK_BYTES_MIN;
	if (memory.bytes_max > UNPACK_BYTES_MAX)
		memory.bytes_max = UNPACK_BYTES_MAX;
	message = riptide__manifest__unpack(&allocator,
	    bytes.len - RT_MANIFEST_ENVELOPE_BYTES,
	    bytes.data + RT_MANIFEST_ENVELOPE_BYTES);
	if (message == NULL) {
		rt_manifest_memory_fini(&memory);
		return rt_err_set(err, RT_EDAMAGED,
		    "the manifest's message is malformed");
	}
	manifest = rt_manifest_build_new();
	code = take_manifest(manifest, message, bytes.data, err);
	rt_manifest_memory_fini(&memory);
	if (code == RT_OK)
		*out = manifest;
	else
		rt_manifest_unref(manifest);
	return code;
}

bool
rt_manifest_may_publish(const struct rt_manifest *manifest)
{
	const struct rt_manifest_root_unknown *root = manifest->unknown;

	return root == NULL ||
	    (root->ro_compat & ~RT_MANIFEST_RO_COMPAT_KNOWN) == 0;
}
