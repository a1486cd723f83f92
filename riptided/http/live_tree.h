/* live_tree: a manifest as the live page draws it. Keys are told by their place
 * between the first and the last key of all tables, from 0 to 1: that shows
 * which ranges overlap, and nothing of what clients call their keys.
 * Thread: http. */
#ifndef RIPTIDED_HTTP_LIVE_TREE_H
#define RIPTIDED_HTTP_LIVE_TREE_H

#include "libcommon/base/buf.h"
#include "libcommon/manifest/manifest.h"

#define RTD_SCALE_DIGITS 24

/* How keys are numbers: those of its digits, from the first byte on that is not
 * the same in all bounds. */
struct rtd_key_scale {
	size_t skip;		/* bytes that all bounds begin with */
	struct {
		uint8_t low, high;	/* bytes of bounds, here */
		bool is_hex;		/* all of them are of 0-9a-f */
	} digits[RTD_SCALE_DIGITS];
	size_t count;
	double first, last;	/* numbers of the outermost bounds */
};

/* Inert when zeroed. */
struct rtd_live_tree {
	const struct rt_manifest *manifest;	/* NULL: none was drawn yet */
	struct rtd_key_scale scale;
	struct rt_buf text;		/* a JSON object */
};

void rtd_live_tree_fini(struct rtd_live_tree *tree);

/* Draw it unless it is drawn already; a reference is taken. show_keys: bounds
 * are told as they are, too. True: it has changed. */
bool rtd_live_tree_draw(struct rtd_live_tree *tree,
    const struct rt_manifest *manifest, bool show_keys);

/* The place of a store key; with no tables 0. Never falls as keys rise. */
double rtd_live_tree_place(const struct rtd_live_tree *tree,
    struct rt_slice key);

/* A store key for people: its user key, cut when it is long, as JSON. */
void rtd_live_tree_key(struct rt_buf *out, struct rt_slice key);

#endif
