/* draw_manifest: a manifest drawn as text, for cases of the picker and models of
 * the drop rule. One line a table, newest run first:
 *
 *	L0 d-4 a..m size=100 seq=40-49 tombstones=3 since=7 older=2 expire=10-20
 *
 * Keys are user keys of keyspace 0. Every line of level 0 is a run, and one of
 * "L0&" a further table of the run before; lines of another level are the tables
 * of its run, and one of "L5+" begins an older run of level 5. What is left out is size=100,
 * seq=1-1, entries=10, and nothing that expires. "snapshot N" and "drop
 * KEYSPACE N" lines add those; empty lines and # comments are passed over. */
#ifndef TESTS_SUPPORT_DRAW_MANIFEST_H
#define TESTS_SUPPORT_DRAW_MANIFEST_H

#include "libcommon/manifest/manifest.h"

/* One reference for the caller. Fails the test when a line makes no sense. */
const struct rt_manifest *rtt_draw_manifest(const char *text);

/* "d-4" or "c2-7" to an id. */
struct rt_file_id rtt_file_id(const char *name);

#endif
