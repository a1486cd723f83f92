/* cuts: what a power cut may leave of a recorded disk.
 *
 * The record is walked event by event. Of each file the bytes that are safe are
 * known, and the writes since that are not; of each directory the names, and
 * the changes of names. At every event a cut can be made: a disk on which some
 * of what is not safe came to be and some did not. docs/powercut.md says which
 * mixtures there are and why. Thread: one. */
#ifndef TESTS_POWERCUT_CUTS_H
#define TESTS_POWERCUT_CUTS_H

#include "tests/support/record_fs.h"

#define RTT_NOTES 4

/* What becomes of changes of names that are not safe. */
enum rtt_cut_names {
	RTT_NAMES_KEEP,
	RTT_NAMES_LOSE,
	RTT_NAMES_JOURNAL,	/* those before some moment, of all directories */
	RTT_NAMES_PREFIX,	/* the same of each directory by itself */
	RTT_NAMES_SUBSET,	/* any of them */
	RTT_NAMES_MASK,		/* those whose bit is set */
	RTT_NAMES_POLICIES = RTT_NAMES_MASK,
};

/* And of unsafe bytes. */
enum rtt_cut_data {
	RTT_DATA_KEEP,
	RTT_DATA_LOSE,
	RTT_DATA_HALF,		/* the first half of every write */
	RTT_DATA_ZERO,
	RTT_DATA_GARBAGE,
	RTT_DATA_MIX,		/* another fate for each sector of a write */
	RTT_DATA_MASK,		/* the writes whose bit is set */
	RTT_DATA_POLICIES = RTT_DATA_MASK,
};

/* And of a file's size. */
enum rtt_cut_size {
	RTT_SIZE_NEW,
	RTT_SIZE_OLD,
	RTT_SIZE_ANY,		/* one of those in between */
	RTT_SIZE_POLICIES,
};

struct rtt_cut {
	enum rtt_cut_names names;
	enum rtt_cut_data data;
	enum rtt_cut_size size;
	uint64_t mask;
	uint64_t seed;
};

struct rtt_cut_inode;

struct rtt_cuts {
	const struct rtt_event *events;
	size_t count;
	size_t at;		/* events that have happened */
	uint64_t notes[RTT_NOTES];	/* the latest of each kind */
	struct rtt_cut_inode *inodes;
	uint32_t inodes_count;
	size_t unsafe;		/* writes and changes of names */
};

/* Before the record begins: what is on the disk now is safe. */
void rtt_cuts_init(struct rtt_cuts *cuts, struct rtt_disk *disk);
void rtt_cuts_fini(struct rtt_cuts *cuts);
/* After it has ended; borrowed. */
void rtt_cuts_begin(struct rtt_cuts *cuts, const struct rtt_record *record);

/* One event further; false at the end. *changed: another disk may be left now,
 * or more is promised. */
bool rtt_cuts_step(struct rtt_cuts *cuts, bool *changed);

/* A disk as it may be after a cut at this moment; rtt_disk_fini() it. */
void rtt_cuts_make(const struct rtt_cuts *cuts, const struct rtt_cut *cut,
    const char *root, struct rtt_disk *disk);

/* "names kept, data lost, size new, seed 7". Returns out. */
char *rtt_cut_print(const struct rtt_cut *cut, char *out, size_t bytes);
/* The events up to the cut that matter, for people, on standard output. */
void rtt_cuts_print(const struct rtt_cuts *cuts, size_t last);

/* The next number of a row that follows from *state. */
uint64_t rtt_cuts_draw(uint64_t *state);

#endif
