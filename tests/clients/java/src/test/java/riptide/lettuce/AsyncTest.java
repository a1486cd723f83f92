package riptide.lettuce;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.LettuceFutures;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.support.ConnectionPoolSupport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.commons.pool2.impl.GenericObjectPool;
import org.apache.commons.pool2.impl.GenericObjectPoolConfig;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Futures, pipelines by hand, reactive streams, a pool. */
final class AsyncTest {
	private static final int COUNT = 5000;

	private RedisClient client;

	@BeforeEach
	void open() {
		client = Clients.open();
	}

	@AfterEach
	void close() {
		Clients.close(client);
	}

	@Test
	void pipelinesThousands() throws Exception {
		StatefulRedisConnection<String, String> connection =
		    client.connect();
		RedisAsyncCommands<String, String> redis = connection.async();
		List<RedisFuture<String>> reads = new ArrayList<>();
		connection.setAutoFlushCommands(false);
		for (int i = 0; i < COUNT; i++) {
			redis.set("p:" + i, Integer.toString(i));
		}
		redis.set("p:text", "text");
		RedisFuture<Long> bad = redis.incr("p:text");
		for (int i = 0; i < COUNT; i++) {
			reads.add(redis.get("p:" + i));
		}
		connection.flushCommands();
		assertTrue(LettuceFutures.awaitAll(Duration.ofSeconds(60),
		    reads.toArray(new RedisFuture[0])));
		for (int i = 0; i < COUNT; i++) {
			assertEquals(Integer.toString(i), reads.get(i).get());
		}
		assertThrows(ExecutionException.class, () ->
		    bad.get(60, TimeUnit.SECONDS));
	}

	@Test
	void streamsReactively() {
		var redis = client.connect().reactive();
		List<String> got = redis.set("r:a", "1")
		    .then(redis.incr("r:a"))
		    .thenMany(redis.mget("r:a", "r:none"))
		    .map(pair -> pair.getKey() + "=" + pair.getValueOrElse("-"))
		    .collectList().block(Duration.ofSeconds(60));
		assertEquals(List.of("r:a=2", "r:none=-"), got);
	}

	@Test
	void lendsConnectionsOfAPool() throws Exception {
		GenericObjectPoolConfig<StatefulRedisConnection<String, String>>
		    config = new GenericObjectPoolConfig<>();
		config.setMaxTotal(2);
		config.setTestOnBorrow(true);
		try (GenericObjectPool<StatefulRedisConnection<String, String>>
		    pool = ConnectionPoolSupport.createGenericObjectPool(
		    client::connect, config)) {
			for (int i = 0; i < 20; i++) {
				try (var connection = pool.borrowObject()) {
					connection.sync().set("pool", "" + i);
				}
			}
			try (var connection = pool.borrowObject()) {
				assertEquals("19",
				    connection.sync().get("pool"));
			}
			assertEquals(0, pool.getNumActive());
		}
	}
}
