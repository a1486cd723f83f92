#include "riptided/net/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/stat.h>

#include "libcommon/daemon/log.h"
#include "libcommon/daemon/option_text.h"

/* Why OpenSSL's last call failed: what it says first is nearest to the cause. */
static enum rt_code
refuse(struct rt_err *err, const char *option, const char *value)
{
	unsigned long error = ERR_peek_error();
	const char *reason = ERR_reason_error_string(error);

	if (ERR_SYSTEM_ERROR(error))
		reason = strerrordesc_np(ERR_GET_REASON(error));
	rt_err_set(err, RT_ECONFIG, "%s: %.200s: %s", option, value,
	    reason != NULL ? reason : "refused by OpenSSL");
	ERR_clear_error();
	return RT_ECONFIG;
}

/* OpenSSL would ask the terminal. */
static int
give_key_password(char *out, int out_bytes, int writing, void *arg)
{
	const char *password = arg;
	size_t len = strlen(password);

	(void)writing;
	if (len == 0 || len > (size_t)out_bytes)
		return -1;
	memcpy(out, password, len);
	return (int)len;
}

/* What a key file says, whoever can read it can say. */
static void
warn_of_open_key(const char *path)
{
	struct stat status;

	if (stat(path, &status) == 0 && (status.st_mode & S_IROTH) != 0)
		rt_log(RT_LOG_WARNING, "net",
		    "tls-key-file can be read by everybody", "mode=%03o",
		    (unsigned)status.st_mode & 0777u);
}

static enum rt_code
load_certificate(SSL_CTX *context, const struct rt_config *config,
    struct rt_err *err)
{
	if (config->tls_cert_file[0] == '\0' || config->tls_key_file[0] == '\0')
		return rt_err_set(err, RT_ECONFIG, "%s: must be given with "
		    "tls-port", config->tls_cert_file[0] == '\0'
			? "tls-cert-file" : "tls-key-file");
	if (SSL_CTX_use_certificate_chain_file(context,
		config->tls_cert_file) != 1)
		return refuse(err, "tls-cert-file", config->tls_cert_file);
	SSL_CTX_set_default_passwd_cb(context, give_key_password);
	SSL_CTX_set_default_passwd_cb_userdata(context,
	    config->tls_key_file_pass);
	if (SSL_CTX_use_PrivateKey_file(context, config->tls_key_file,
		SSL_FILETYPE_PEM) != 1)
		return refuse(err, "tls-key-file", config->tls_key_file);
	/* Nothing is asked for later, when the text may be gone. */
	SSL_CTX_set_default_passwd_cb_userdata(context, (void *)(uintptr_t)"");
	if (SSL_CTX_check_private_key(context) != 1)
		return refuse(err, "tls-key-file", config->tls_key_file);
	warn_of_open_key(config->tls_key_file);
	return RT_OK;
}

static enum rt_code
load_trust(SSL_CTX *context, const struct rt_config *config, struct rt_err *err)
{
	const char *file = config->tls_ca_cert_file;
	const char *dir = config->tls_ca_cert_dir;
	int mode = SSL_VERIFY_NONE;

	if (config->tls_auth_clients != RT_TLS_AUTH_NO && file[0] == '\0' &&
	    dir[0] == '\0')
		return rt_err_set(err, RT_ECONFIG, "tls-auth-clients: wants "
		    "tls-ca-cert-file or tls-ca-cert-dir, or to be no");
	if (file[0] != '\0' &&
	    SSL_CTX_load_verify_locations(context, file, NULL) != 1)
		return refuse(err, "tls-ca-cert-file", file);
	if (dir[0] != '\0' &&
	    SSL_CTX_load_verify_locations(context, NULL, dir) != 1)
		return refuse(err, "tls-ca-cert-dir", dir);
	if (config->tls_auth_clients == RT_TLS_AUTH_YES)
		mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	else if (config->tls_auth_clients == RT_TLS_AUTH_OPTIONAL)
		mode = SSL_VERIFY_PEER;
	SSL_CTX_set_verify(context, mode, NULL);
	return RT_OK;
}

static enum rt_code
choose_ciphers(SSL_CTX *context, const struct rt_config *config,
    struct rt_err *err)
{
	struct rt_option_tls_versions versions = { 0 };

	if (!rt_option_text_tls_versions(config->tls_protocols, &versions) ||
	    SSL_CTX_set_min_proto_version(context,
		versions.v1_2 ? TLS1_2_VERSION : TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(context,
		versions.v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION) != 1)
		return refuse(err, "tls-protocols", config->tls_protocols);
	if (config->tls_ciphers[0] != '\0' &&
	    SSL_CTX_set_cipher_list(context, config->tls_ciphers) != 1)
		return refuse(err, "tls-ciphers", config->tls_ciphers);
	if (config->tls_ciphersuites[0] != '\0' &&
	    SSL_CTX_set_ciphersuites(context, config->tls_ciphersuites) != 1)
		return refuse(err, "tls-ciphersuites",
		    config->tls_ciphersuites);
	SSL_CTX_set_dh_auto(context, 1);
	if (config->tls_prefer_server_ciphers)
		SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
	return RT_OK;
}

/* Tickets are kept by the clients: a cache here would be memory that nobody
 * accounts for. */
static void
choose_resumption(SSL_CTX *context, const struct rt_config *config)
{
	static const unsigned char name[] = "riptide";

	if (!config->tls_session_caching) {
		SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
		SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
		SSL_CTX_set_num_tickets(context, 0);
		return;
	}
	SSL_CTX_set_session_cache_mode(context,
	    SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_set_timeout(context, (long)config->tls_session_cache_timeout);
	SSL_CTX_set_session_id_context(context, name, sizeof(name) - 1);
}

enum rt_code
rtd_tls_context_new(SSL_CTX **out, const struct rt_config *config,
    struct rt_err *err)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	enum rt_code code;

	*out = NULL;
	if (context == NULL)
		return refuse(err, "tls-port", "TLS");
	/* Without a goodbye the bytes end as without TLS: what is no whole
	 * command is not run. */
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	choose_resumption(context, config);
	if ((code = load_certificate(context, config, err)) != RT_OK ||
	    (code = load_trust(context, config, err)) != RT_OK ||
	    (code = choose_ciphers(context, config, err)) != RT_OK) {
		SSL_CTX_free(context);
		return code;
	}
	*out = context;
	return RT_OK;
}

void
rtd_tls_context_free(SSL_CTX *context)
{
	SSL_CTX_free(context);
}
