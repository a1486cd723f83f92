#include "tests/support/tls_pair.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "libcommon/base/invariant.h"

static X509 *
make_certificate(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);

	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_set_pubkey(cert, key);
	rt_assert(X509_sign(cert, key, EVP_sha256()) != 0);
	return cert;
}

void
rtt_tls_make_files(const char *cert_path, const char *key_path, unsigned copies)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = make_certificate(key);
	FILE *file = fopen(cert_path, "w");

	rt_assert(file != NULL);
	for (unsigned i = 0; i <= copies; i++)
		rt_assert(PEM_write_X509(file, cert) == 1);
	fclose(file);
	file = fopen(key_path, "w");
	rt_assert(file != NULL);
	rt_assert(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) ==
	    1);
	fclose(file);
	X509_free(cert);
	EVP_PKEY_free(key);
}

SSL *
rtt_tls_client(int fd)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *client = SSL_new(context);

	rt_assert(client != NULL && SSL_set_fd(client, fd) == 1);
	SSL_set_connect_state(client);
	/* The client has a reference of its own. */
	SSL_CTX_free(context);
	return client;
}
