/* damage_db: small databases, one for each feature, whose files are then
 * damaged. */
#ifndef TESTS_DAMAGE_DAMAGE_DB_H
#define TESTS_DAMAGE_DAMAGE_DB_H

#include "tests/fault/play.h"
#include "tests/support/dir_image.h"

struct rtt_damage_db {
	const char *name;
	void (*configure)(struct rtt_play *play);
	void (*make)(struct rtt_play *play);
	/* It was not closed but killed: the end of its log may be gone. */
	bool killed;
	/* And every record but the last was synced, which the next one says:
	 * a byte that changes can take one of them at most. */
	bool synced;
	/* Bytes of large values differ in nothing but their place: only each
	 * so manieth byte of a file this large is taken. 0: all are. */
	size_t step;
};

extern const struct rtt_damage_db rtt_damage_dbs[];
extern const size_t rtt_damage_dbs_count;

/* Make it, in a child process that is killed at the end. */
void rtt_damage_db_make(const struct rtt_damage_db *db,
    struct rtt_history *history, struct rtt_dir_image *image);

/* A play on it, below dir. */
void rtt_damage_db_play(const struct rtt_damage_db *db, struct rtt_play *play,
    const char *dir, struct rtt_history *history);

#endif
