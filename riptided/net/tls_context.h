/* tls_context: what all TLS connections share: certificate, key, whom to trust,
 * versions and ciphers, made from the tls-* options. A connection keeps the one
 * that it began with. Thread: the loop's. */
#ifndef RIPTIDED_NET_TLS_CONTEXT_H
#define RIPTIDED_NET_TLS_CONTEXT_H

#include "libcommon/base/err.h"
#include "libcommon/daemon/config.h"

struct ssl_ctx_st;	/* OpenSSL's SSL_CTX */

/* Read the files and check that they fit together. RT_ECONFIG names the option
 * and what is wrong; *out is NULL then. */
RT_MUST_USE enum rt_code rtd_tls_context_new(struct ssl_ctx_st **out,
    const struct rt_config *config, struct rt_err *err);

/* NULL is accepted. */
void rtd_tls_context_free(struct ssl_ctx_st *context);

#endif
