/* acl_category: the names of RTD_ACL_*, and of Redis' categories that have no
 * command here. Thread: any. */
#ifndef RIPTIDED_CMD_ACL_CATEGORY_H
#define RIPTIDED_CMD_ACL_CATEGORY_H

#include "riptided/cmd/command.h"

struct rtd_acl_category {
	const char *name;
	unsigned bit;		/* 0: no command is in it */
};

/* In Redis' order. */
extern const struct rtd_acl_category rtd_acl_categories[];
extern const size_t rtd_acl_categories_count;

/* In any case; NULL: there is none of that name. */
const struct rtd_acl_category *rtd_acl_category_find(struct rt_slice name);
/* Its bit, or 0. */
unsigned rtd_acl_category_bit(struct rt_slice name);

#endif
