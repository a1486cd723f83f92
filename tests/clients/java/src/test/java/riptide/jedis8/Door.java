package riptide.jedis8;

import java.io.File;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.util.Optional;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.SslOptions;
import redis.clients.jedis.SslVerifyMode;
import redis.clients.jedis.UnifiedJedis;
import riptide.Server;

/** Jedis 8: RedisClient, RESP3 by itself, TLS by SslOptions. */
public final class Door implements riptide.jedis.Door {
	private static final char[] PASSWORD = "no secret".toCharArray();

	@Override
	public UnifiedJedis open(int port, JedisClientConfig config) {
		return RedisClient.builder()
		    .hostAndPort(new HostAndPort(Server.HOST, port))
		    .clientConfig(config).build();
	}

	@Override
	public UnifiedJedis open(int port) {
		return RedisClient.create(Server.HOST, port);
	}

	@Override
	public Pipeline pipelined(UnifiedJedis client) {
		return ((RedisClient) client).pipelined();
	}

	@Override
	public Optional<JedisClientConfig> resp3() {
		return Optional.of(DefaultJedisClientConfig.builder()
		    .protocol(RedisProtocol.RESP3).build());
	}

	@Override
	public JedisClientConfig tls() throws Exception {
		File store = File.createTempFile("trust", ".p12");
		store.deleteOnExit();
		try (OutputStream out = new FileOutputStream(store)) {
			Server.trust().store(out, PASSWORD);
		}
		return DefaultJedisClientConfig.builder().ssl(true)
		    .sslOptions(SslOptions.builder()
		        .trustStoreType("PKCS12").truststore(store, PASSWORD)
		        .sslVerifyMode(SslVerifyMode.FULL).build())
		    .build();
	}

	@Override
	public Optional<String> libraryName() {
		return Optional.of("jedis");
	}
}
