/* throttle: what merges may write a second, by the configuration or, when that
 * leaves it to us, by what is seen of the database (auto_rate.h). Who waits for
 * a merge, with --once, --full or COMPACT, gets all there is. Thread: main. */
#ifndef RIPTIDE_COMPACTD_THROTTLE_H
#define RIPTIDE_COMPACTD_THROTTLE_H

#include "libcommon/daemon/config.h"
#include "riptide-compactd/auto_rate.h"
#include "riptide-compactd/pace.h"
#include "riptide-compactd/picker.h"

/* Zeroed, then rtc_throttle_init(). */
struct rtc_throttle {
	struct rtc_pace *pace;			/* borrowed */
	const struct rt_config *config;		/* likewise */
	bool is_awaited;	/* --once, --full */
	bool is_asked;		/* COMPACT */
	struct rtc_auto_rate rate;
	struct rtc_auto_look look;
	uint64_t next_number;	/* of the daemon's tables, not yet seen */
	uint64_t generation;	/* seen last */
};

void rtc_throttle_init(struct rtc_throttle *throttle, struct rtc_pace *pace,
    const struct rt_config *config, bool is_awaited);

/* A manifest was loaded, with what the limits are for it. */
void rtc_throttle_see(struct rtc_throttle *throttle,
    const struct rt_manifest *manifest, const struct rtc_limits *limits);

/* Whether it should see a newer manifest: merges are under way, and the last
 * look is a second ago. */
bool rtc_throttle_is_curious(const struct rtc_throttle *throttle,
    uint64_t now_ns);

/* Set the pace; now and then. */
void rtc_throttle_turn(struct rtc_throttle *throttle, uint64_t now_ns);

#endif
