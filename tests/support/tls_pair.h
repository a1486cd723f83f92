/* tls_pair: a certificate made on the spot, with as many copies of it behind as
 * a test wants its flight to be long, and a client that trusts everybody, over
 * one end of a socket pair. */
#ifndef TESTS_SUPPORT_TLS_PAIR_H
#define TESTS_SUPPORT_TLS_PAIR_H

#include <openssl/ssl.h>

/* Write certificate and key into PEM files. */
void rtt_tls_make_files(const char *cert_path, const char *key_path,
    unsigned copies);

/* A client's half; the handshake is part of its first read or write. Its
 * context goes with it. */
SSL *rtt_tls_client(int fd);

#endif
