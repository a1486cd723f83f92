package riptide.jedis5;

import java.util.Optional;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.JedisPooled;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.UnifiedJedis;
import riptide.Server;

/** Jedis 5: RESP3 when asked for. */
public final class Door implements riptide.jedis.Door {
	@Override
	public UnifiedJedis open(int port, JedisClientConfig config) {
		return new JedisPooled(new HostAndPort(Server.HOST, port),
		    config);
	}

	@Override
	public UnifiedJedis open(int port) {
		return new JedisPooled(Server.HOST, port);
	}

	@Override
	public Pipeline pipelined(UnifiedJedis client) {
		return ((JedisPooled) client).pipelined();
	}

	@Override
	public Optional<JedisClientConfig> resp3() {
		return Optional.of(DefaultJedisClientConfig.builder()
		    .protocol(RedisProtocol.RESP3).build());
	}

	@Override
	public JedisClientConfig tls() throws Exception {
		return riptide.jedis.Door.tlsWithSocketFactory();
	}

	@Override
	public Optional<String> libraryName() {
		return Optional.of("jedis");
	}
}
