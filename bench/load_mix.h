/* load_mix: which operations a load is made of, and how often each. Thread:
 * any. */
#ifndef BENCH_LOAD_MIX_H
#define BENCH_LOAD_MIX_H

#include "bench/key_draw.h"
#include "libcommon/base/err.h"

enum rtb_op {
	RTB_OP_GET,
	RTB_OP_SET,
	RTB_OP_INSERT,		/* SET of a new key */
	RTB_OP_CHANGE,		/* GET, then SET, of one key: two commands */
	RTB_OP_SCAN,		/* MGET of a key and those that follow it */
	RTB_OP_INCR,		/* of a key of its own kind */
	RTB_OP_DEL,
	RTB_OP_PING,
	RTB_OPS
};

#define RTB_SCAN_KEYS 10

struct rtb_load_mix {
	unsigned weights[RTB_OPS];
	unsigned total;
};

/* In lower case, as a mix is written: "get". */
const char *rtb_op_name(enum rtb_op op);

/* "get", "set=5,get=95", or a letter "a" to "f": the loads of YCSB, of which d
 * reads the latest keys and the others zipfian ones; *distribution is set to
 * that, and left alone otherwise. RT_EUSAGE. */
RT_MUST_USE enum rt_code rtb_load_mix_parse(struct rtb_load_mix *mix,
    const char *text, enum rtb_distribution *distribution,
    struct rt_err *err);

enum rtb_op rtb_load_mix_draw(const struct rtb_load_mix *mix,
    struct rtb_random *random);

#endif
