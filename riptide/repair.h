/* repair: what the files of `riptide repair` share. A new data directory is made
 * from what can be read of a damaged one, of which nothing is changed. Every
 * loss and every decision is a line of the report. Thread: main. */
#ifndef RIPTIDE_REPAIR_H
#define RIPTIDE_REPAIR_H

#include "libcommon/daemon/config.h"
#include "libcommon/manifest/manifest.h"
#include "libcommon/table/table_writer.h"
#include "riptide/tool.h"

struct rtl_repair {
	struct rt_fs *fs;
	const char *out_path;
	int dir, sst, wal;		/* the damaged one; -1: missing */
	int out, out_sst;		/* the new one */
	struct rt_config config;	/* of new tables */
	uint8_t database_uuid[RT_DATABASE_UUID_BYTES];
	struct rt_buf report;
	uint64_t losses;
};

/* Lines of the report; a loss is counted. */
void rtl_repair_note(struct rtl_repair *repair, const char *fmt, ...)
    RT_PRINTF(2, 3);
void rtl_repair_loss(struct rtl_repair *repair, const char *fmt, ...)
    RT_PRINTF(2, 3);

/* -- repair_tables.c -- */

/* A table that was written or found, and where. */
struct rtl_repair_table {
	struct rt_file_id id;
	struct rt_table_info info;	/* owned */
};

/* Grows; fini frees all. Inert when zeroed. */
struct rtl_repair_tables {
	struct rtl_repair_table *all;
	size_t count, cap;
};

struct rtl_repair_table *rtl_repair_tables_add(
    struct rtl_repair_tables *tables);
void rtl_repair_tables_fini(struct rtl_repair_tables *tables);

/* Options for a new table. */
struct rt_table_options rtl_repair_options(const struct rtl_repair *repair,
    bool is_level0, bool is_last_level);

/* Whether the table of sst/ is whole, and as `says` (NULL: nobody says). */
RT_MUST_USE enum rt_code rtl_repair_verify(struct rtl_repair *repair,
    struct rt_file_id id, const struct rt_manifest_table *says,
    struct rt_err *err);

/* Copy sst/<id> to the new directory and sync it. */
RT_MUST_USE enum rt_code rtl_repair_copy(struct rtl_repair *repair,
    struct rt_file_id id, struct rt_err *err);

/* Write what can be read of sst/<id> as table `as` of the new directory, with a
 * line for each stretch that cannot. *any: there was something. An error: it
 * could not be written. */
RT_MUST_USE enum rt_code rtl_repair_salvage(struct rtl_repair *repair,
    struct rt_file_id id, struct rt_file_id as, bool is_level0, bool *any,
    struct rt_table_info *info, struct rt_err *err);

/* -- repair_log.c -- */

/* The log's records, from the floor up to the first that is damaged, as new
 * tables d-<n>, oldest first. */
struct rtl_repair_log {
	/* in */
	uint64_t floor;
	uint64_t flushed_seq;		/* records up to here are left out */
	uint64_t manifest_generation;
	uint64_t clean_wal, clean_wal_bytes;
	uint64_t next_number;		/* of tables; rises */
	uint32_t *keyspaces;		/* of all databases; swaps change it */
	/* out */
	struct rtl_repair_tables tables;
	struct rt_manifest_drop *drops;	/* of all, as they came */
	size_t drops_count;
	bool swapped;
	uint64_t last_seq;
	uint64_t last_segment;		/* highest number of a file */
};

RT_MUST_USE enum rt_code rtl_repair_log(struct rtl_repair *repair,
    struct rtl_repair_log *log, struct rt_err *err);
void rtl_repair_log_fini(struct rtl_repair_log *log);

/* The lowest segment from which the chain of segments leads to the newest one,
 * and the database it belongs to; 0: there is no segment. */
RT_MUST_USE enum rt_code rtl_repair_log_floor(struct rtl_repair *repair,
    uint64_t *floor, uint8_t database_uuid[RT_DATABASE_UUID_BYTES],
    struct rt_err *err);

/* -- repair_rebuild.c -- */

/* Make the new directory's tables from all tables and the log, without a
 * manifest, and the manifest. */
RT_MUST_USE enum rt_code rtl_repair_rebuild(struct rtl_repair *repair,
    const struct rt_manifest **out, struct rt_err *err);

#endif
