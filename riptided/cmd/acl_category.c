#include "riptided/cmd/acl_category.h"

const struct rtd_acl_category rtd_acl_categories[] = {
	{ "keyspace", RTD_ACL_KEYSPACE },
	{ "read", RTD_ACL_READ },
	{ "write", RTD_ACL_WRITE },
	{ "set", 0 },
	{ "sortedset", 0 },
	{ "list", 0 },
	{ "hash", 0 },
	{ "string", RTD_ACL_STRING },
	{ "bitmap", RTD_ACL_BITMAP },
	{ "hyperloglog", 0 },
	{ "geo", 0 },
	{ "stream", 0 },
	{ "pubsub", RTD_ACL_PUBSUB },
	{ "admin", RTD_ACL_ADMIN },
	{ "fast", RTD_ACL_FAST },
	{ "slow", RTD_ACL_SLOW },
	{ "blocking", 0 },
	{ "dangerous", RTD_ACL_DANGEROUS },
	{ "connection", RTD_ACL_CONNECTION },
	{ "transaction", RTD_ACL_TRANSACTION },
	{ "scripting", RTD_ACL_SCRIPTING },
};
const size_t rtd_acl_categories_count = RT_COUNTOF(rtd_acl_categories);

const struct rtd_acl_category *
rtd_acl_category_find(struct rt_slice name)
{
	for (size_t i = 0; i < rtd_acl_categories_count; i++)
		if (rt_slice_equal_nocase(name, rtd_acl_categories[i].name))
			return &rtd_acl_categories[i];
	return NULL;
}

unsigned
rtd_acl_category_bit(struct rt_slice name)
{
	const struct rtd_acl_category *category = rtd_acl_category_find(name);

	return category != NULL ? category->bit : 0;
}
