package riptide.jedis5;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisPooled;
import redis.clients.jedis.JedisSharding;
import riptide.Server;

/**
 * Several servers as one, hashed by the client. Jedis 5 is the last that can:
 * from 6 on it is deprecated, and 8 has it no more.
 */
final class ShardsTest {
	private static final int KEYS = 900;

	private static List<HostAndPort> shards() {
		List<HostAndPort> shards = new ArrayList<>();
		for (String port : System.getProperty("shards").split(",")) {
			shards.add(new HostAndPort(Server.HOST,
			    Integer.parseInt(port)));
		}
		return shards;
	}

	@Test
	void spreadsKeysAndFindsThemAgain() {
		assumeTrue(Server.isRiptide(), "the shards are riptided");
		List<HostAndPort> shards = shards();
		try (JedisSharding client = new JedisSharding(shards,
		    DefaultJedisClientConfig.builder().build())) {
			for (int i = 0; i < KEYS; i++) {
				client.set("shard:" + i, "" + i);
			}
		}
		try (JedisSharding again = new JedisSharding(shards,
		    DefaultJedisClientConfig.builder().build())) {
			for (int i = 0; i < KEYS; i++) {
				assertEquals("" + i, again.get("shard:" + i));
			}
		}
		long sum = 0;
		for (HostAndPort shard : shards) {
			try (JedisPooled one = new JedisPooled(shard)) {
				long has = one.dbSize();
				assertTrue(has > KEYS / 9, shard + " " + has);
				sum += has;
			}
		}
		assertEquals(KEYS, sum);
	}
}
