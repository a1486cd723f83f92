package riptide.jedis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPool;
import redis.clients.jedis.JedisPoolConfig;
import redis.clients.jedis.UnifiedJedis;
import riptide.Patience;
import riptide.Server;

/** Pools: shared, checked, and good again when the server is back. */
final class PoolTest {
	private static final int THREADS = 16;

	@Test
	void lendsFewConnectionsToManyThreads() throws Exception {
		JedisPoolConfig config = new JedisPoolConfig();
		config.setMaxTotal(4);
		config.setMaxWait(Duration.ofSeconds(60));
		config.setTestOnBorrow(true);
		config.setTestOnReturn(true);
		ExecutorService threads = Executors.newFixedThreadPool(THREADS);
		try (JedisPool pool = new JedisPool(config, Server.HOST,
		    Server.PORT)) {
			try (Jedis jedis = pool.getResource()) {
				jedis.del("pool:n");
			}
			List<Future<?>> all = new ArrayList<>();
			for (int i = 0; i < THREADS; i++) {
				all.add(threads.submit(() -> borrow(pool)));
			}
			for (Future<?> one : all) {
				one.get();
			}
			try (Jedis jedis = pool.getResource()) {
				assertEquals(Integer.toString(THREADS * 50),
				    jedis.get("pool:n"));
			}
			assertEquals(0, pool.getNumActive());
			assertTrue(pool.getNumIdle() <= 4);
		} finally {
			threads.shutdownNow();
		}
	}

	private static void borrow(JedisPool pool) {
		for (int i = 0; i < 50; i++) {
			try (Jedis jedis = pool.getResource()) {
				jedis.incr("pool:n");
			}
		}
	}

	/** A database that a borrower selected is not the next one's. */
	@Test
	void givesEachBorrowerItsDatabase() {
		try (JedisPool pool = new JedisPool(new JedisPoolConfig(),
		    Server.HOST, Server.PORT, 2000, null, 3, "pool")) {
			try (Jedis jedis = pool.getResource()) {
				assertEquals("pool", jedis.clientGetname());
				jedis.set("pool:db", "3");
				jedis.select(0);
				assertFalse(jedis.exists("pool:db"));
			}
			try (Jedis jedis = pool.getResource()) {
				assertEquals("3", jedis.get("pool:db"));
			}
		}
	}

	@Test
	void tellsItsNameAndLibrary() {
		Door door = Door.get();
		assumeTrue(Server.isRiptide() &&
		    door.libraryName().isPresent());
		try (UnifiedJedis client = door.open(Server.PORT,
		    DefaultJedisClientConfig.builder().clientName("me")
		    .build()); Jedis other = new Jedis(Server.HOST,
		    Server.PORT)) {
			client.ping();
			assertTrue(other.clientList().contains(" name=me "));
			assertTrue(other.clientList().contains(
			    " lib-name=" + door.libraryName().get()));
		}
	}

	@Test
	void worksAgainAfterARestart() throws Exception {
		try (JedisPool pool = new JedisPool(Server.HOST, Server.PORT);
		    UnifiedJedis client = Door.client()) {
			client.set("pool:before", "there");
			try (Jedis jedis = pool.getResource()) {
				assertEquals("there", jedis.get("pool:before"));
			}
			Server.restart();
			Patience.until("the client to be back", () ->
			    "there".equals(client.get("pool:before")));
			Patience.until("the pool to be back", () -> {
				try (Jedis jedis = pool.getResource()) {
					return "there".equals(
					    jedis.get("pool:before"));
				}
			});
		}
	}
}
