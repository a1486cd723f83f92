/* manifest_edit: base + changes = next. Both processes make manifests in this
 * way only: an edit says what is to change, is checked against the generation
 * it is applied to, and leaves every other field, unknown ones too, as it is.
 *
 * E1 An edit by role R is applied only where R's epoch is still the editor's
 *    (RT_EFENCED), except the claim of the role itself.
 * E2 The daemon adds the newest run only, with min_seq > flushed_seq of the
 *    base, and flushed_seq never falls.
 * E3 A replacement names inputs that are all still in place: tables of level-0
 *    runs (whole runs, contiguous, and the oldest unless the target is level
 *    0) and tables of at most two deeper levels; its outputs go to the target
 *    level and overlap no other table there, or become its newest run; inputs
 *    go to obsolete. RT_ECONFLICT when the base no longer fits.
 * E4 The next manifest passes manifest_check, or nothing is made.
 * Thread: an edit belongs to one caller. */
#ifndef LIBCOMMON_MANIFEST_MANIFEST_EDIT_H
#define LIBCOMMON_MANIFEST_MANIFEST_EDIT_H

#include "libcommon/base/err.h"
#include "libcommon/manifest/manifest.h"

struct rt_manifest_edit;

/* An empty edit by `role` holding `epoch`. */
struct rt_manifest_edit *rt_manifest_edit_new(enum rt_role role,
    uint64_t epoch);
void rt_manifest_edit_free(struct rt_manifest_edit *edit);

/* Claim the role: the next generation carries the base's epoch of that role
 * plus one (a new edit's epoch is then not checked). After the publish the
 * claimed epoch is read from the published manifest. features: what this
 * program can read. */
void rt_manifest_edit_claim(struct rt_manifest_edit *edit, uint64_t features);

/* -- by the daemon -- keys are copied; unknown is ignored. */
void rt_manifest_edit_add_run(struct rt_manifest_edit *edit,
    const struct rt_manifest_table *table);
void rt_manifest_edit_set_flushed(struct rt_manifest_edit *edit,
    uint64_t flushed_seq, uint64_t wal_floor);
void rt_manifest_edit_set_next_file(struct rt_manifest_edit *edit,
    uint64_t next_daemon_file);
void rt_manifest_edit_set_snapshots(struct rt_manifest_edit *edit,
    const uint64_t *snapshots, size_t count);
void rt_manifest_edit_set_drop(struct rt_manifest_edit *edit,
    uint32_t keyspace, uint64_t seq);
void rt_manifest_edit_set_keyspace(struct rt_manifest_edit *edit,
    uint32_t database, uint32_t id);
/* 0, 0 withdraws the mark of a clean stop. */
void rt_manifest_edit_set_clean_wal(struct rt_manifest_edit *edit,
    uint64_t wal, uint64_t bytes);
/* With a claim: the start left damage of the log out and kept what comes up to
 * seq, at this time. */
void rt_manifest_edit_set_tolerated(struct rt_manifest_edit *edit,
    uint64_t seq, uint64_t wall_ms);
/* An unlinked file leaves the obsolete list (absent already: fine). */
void rt_manifest_edit_forget_obsolete(struct rt_manifest_edit *edit,
    struct rt_file_id id);

/* Ask for everything up to seq to be merged down; request: its number, above
 * those made before. The number of those done, with seq 0, withdraws what is
 * open. RT_ECONFLICT: below that. */
void rt_manifest_edit_ask(struct rt_manifest_edit *edit, uint64_t request,
    uint64_t seq);

/* -- by the compactor's role -- one replacement an edit. */
void rt_manifest_edit_replace(struct rt_manifest_edit *edit,
    const struct rt_file_id *inputs, size_t inputs_count,
    uint32_t target_level, const struct rt_manifest_table *outputs,
    size_t outputs_count);
/* The outputs of the replacement become a new run, the newest of the target
 * level, instead of a part of the one that it has. All inputs come from above
 * it. */
void rt_manifest_edit_as_run(struct rt_manifest_edit *edit);
/* A move that rewrites nothing: the table keeps its name at another level. */
void rt_manifest_edit_move(struct rt_manifest_edit *edit, struct rt_file_id id,
    uint32_t target_level);

/* Requests up to this one have been seen to. */
void rt_manifest_edit_answer(struct rt_manifest_edit *edit, uint64_t request);

/* -- by either -- the line only ever rises; of two marks of the same start of
 * the machine the later one stays, and the later step. mark NULL: as it was. */
void rt_manifest_edit_set_expiry_clock(struct rt_manifest_edit *edit,
    uint64_t line_ms, const struct rt_clock_mark *mark);

/* base + edit = *next (one reference), generation one higher. */
RT_MUST_USE enum rt_code rt_manifest_edit_apply(
    const struct rt_manifest_edit *edit, const struct rt_manifest *base,
    const struct rt_manifest **next, struct rt_err *err);

/* True when a manifest contains what the edit does: the answer to "did my
 * publish happen?" after a link whose outcome is unknown. */
bool rt_manifest_edit_is_in(const struct rt_manifest_edit *edit,
    const struct rt_manifest *manifest);

#endif
