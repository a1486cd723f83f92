package riptide.lettuce;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SslOptions;
import io.lettuce.core.api.sync.RedisCommands;
import java.io.File;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import riptide.Server;

/** rediss: and who is trusted. */
final class TlsTest {
	private static void ping(String host, ClientOptions.Builder options) {
		RedisClient client = Clients.open(RedisURI.create(
		    "rediss://" + host + ":" + Server.TLS_PORT), options);
		try {
			RedisCommands<String, String> redis =
			    client.connect().sync();
			String value = "x".repeat(1 << 20);
			redis.set("tls", value);
			assertEquals(value, redis.get("tls"));
		} finally {
			Clients.close(client);
		}
	}

	private static ClientOptions.Builder trusting() {
		return ClientOptions.builder().sslOptions(SslOptions.builder()
		    .jdkSslProvider()
		    .trustManager(new File(Server.AUTHORITY)).build());
	}

	/** By TLS itself, and not for want of a server. */
	private static void refused(Executable connects) {
		Throwable error = assertThrows(RedisConnectionException.class,
		    connects);
		while (error != null && !(error instanceof SSLException)) {
			error = error.getCause();
		}
		assertNotNull(error, "TLS refused");
	}

	@Test
	void worksAndChecksTheHostsName() {
		ping("127.0.0.1", trusting());
		refused(() -> ping("localhost", trusting()));
	}

	@Test
	void isRefusedWithoutTrust() {
		refused(() -> ping("127.0.0.1", ClientOptions.builder()));
	}
}
