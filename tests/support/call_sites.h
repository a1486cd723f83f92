/* call_sites: the places in the tree that call the file system, each with how
 * often it did and how often it was failed. The memory is shared with child
 * processes made by fork, which is where they are failed.
 * Thread: any. */
#ifndef TESTS_SUPPORT_CALL_SITES_H
#define TESTS_SUPPORT_CALL_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct rtt_call_sites;

struct rtt_call_sites *rtt_call_sites_new(void);
void rtt_call_sites_free(struct rtt_call_sites *sites);

/* Note the caller's caller's chain. op: small number, told apart. */
void rtt_call_sites_note(struct rtt_call_sites *sites, unsigned op,
    bool failed);

struct rtt_call_sites_sum {
	size_t seen;	/* different chains of callers */
	size_t failed;	/* of them, failed at least once */
	bool full;	/* there was no room for all */
};

struct rtt_call_sites_sum rtt_call_sites_sum(
    const struct rtt_call_sites *sites);

/* One line for each: operation, times seen, times failed, and the addresses of
 * the chain as addr2line takes them, innermost first. */
void rtt_call_sites_print(const struct rtt_call_sites *sites, FILE *out);

#endif
