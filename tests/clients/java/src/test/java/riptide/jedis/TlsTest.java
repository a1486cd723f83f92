package riptide.jedis;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.JedisPool;
import redis.clients.jedis.JedisPoolConfig;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisConnectionException;
import riptide.Octets;
import riptide.Server;

/** TLS in the ways that Jedis offers it. */
final class TlsTest {
	private static final byte[] KEY = "tls".getBytes();

	private static void use(UnifiedJedis client) {
		byte[] value = Octets.many(1 << 20);
		client.set(KEY, value);
		assertArrayEquals(value, client.get(KEY));
		Pipeline pipe = Door.get().pipelined(client);
		for (int i = 0; i < 1000; i++) {
			pipe.set("tls:" + i, Integer.toString(i));
		}
		var last = pipe.get("tls:999");
		pipe.sync();
		assertEquals("999", last.get());
		pipe.close();
	}

	@Test
	void worksTheVersionsOwnWay() throws Exception {
		Door door = Door.get();
		try (UnifiedJedis client = door.open(Server.TLS_PORT,
		    door.tls())) {
			use(client);
		}
	}

	@Test
	void worksWithASocketFactory() throws Exception {
		try (UnifiedJedis client = Door.get().open(Server.TLS_PORT,
		    Door.tlsWithSocketFactory())) {
			use(client);
		}
		try (JedisPool pool = new JedisPool(new JedisPoolConfig(),
		    new HostAndPort(Server.HOST, Server.TLS_PORT),
		    Door.tlsWithSocketFactory());
		    Jedis jedis = pool.getResource()) {
			assertEquals("PONG", jedis.ping());
		}
	}

	/** The certificate names 127.0.0.1, and not localhost. */
	@Test
	void isCheckedAgainstTheHostsName() throws Exception {
		SSLParameters strict = new SSLParameters();
		strict.setEndpointIdentificationAlgorithm("HTTPS");
		JedisClientConfig config = DefaultJedisClientConfig.builder()
		    .ssl(true).sslParameters(strict)
		    .sslSocketFactory(Server.tls().getSocketFactory()).build();
		ping("127.0.0.1", config);
		refused(() -> ping("localhost", config));
	}

	/** Java's own authorities did not sign the certificate. */
	@Test
	void isRefusedWithoutTrust() {
		refused(() -> ping(Server.HOST,
		    DefaultJedisClientConfig.builder().ssl(true).build()));
	}

	private static void ping(String host, JedisClientConfig config) {
		try (Jedis jedis = new Jedis(new HostAndPort(host,
		    Server.TLS_PORT), config)) {
			assertEquals("PONG", jedis.ping());
		}
	}

	/** By TLS itself, and not for want of a server. */
	private static void refused(Executable connects) {
		Throwable error = assertThrows(JedisConnectionException.class,
		    connects);
		while (error != null && !(error instanceof SSLException)) {
			error = error.getCause();
		}
		assertNotNull(error, "TLS refused");
	}
}
