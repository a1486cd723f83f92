package riptide.lettuce;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.TransactionResult;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** MULTI, EXEC, DISCARD and WATCH. */
final class TransactionTest {
	private RedisClient client;
	private StatefulRedisConnection<String, String> connection;
	private RedisCommands<String, String> redis;
	private RedisCommands<String, String> other;

	@BeforeEach
	void open() {
		client = Clients.open();
		connection = client.connect();
		redis = connection.sync();
		other = client.connect().sync();
		redis.flushall();
	}

	@AfterEach
	void close() {
		Clients.close(client);
	}

	@Test
	void answersAllAtOnce() throws Exception {
		RedisAsyncCommands<String, String> async = connection.async();
		async.multi();
		RedisFuture<String> set = async.set("t", "1");
		RedisFuture<Long> sum = async.incrby("t", 4);
		RedisFuture<String> none = async.get("t:none");
		TransactionResult all = async.exec().get(60, TimeUnit.SECONDS);
		assertFalse(all.wasDiscarded());
		assertEquals("OK", set.get());
		assertEquals(5, sum.get());
		assertNull(none.get());
		assertEquals(3, all.size());
	}

	@Test
	void discards() {
		redis.multi();
		redis.set("t", "1");
		assertEquals("OK", redis.discard());
		assertNull(redis.get("t"));
	}

	@Test
	void isUndoneByAWatchedKey() {
		redis.set("t", "1");
		redis.watch("t");
		other.set("t", "2");
		redis.multi();
		redis.set("t", "3");
		assertTrue(redis.exec().wasDiscarded());
		assertEquals("2", redis.get("t"));
		redis.watch("t");
		redis.multi();
		redis.set("t", "3");
		assertEquals(List.of("OK"), redis.exec().stream().toList());
		assertEquals("3", other.get("t"));
	}

	@Test
	void refusesOneInAnother() {
		redis.multi();
		assertThrows(RedisCommandExecutionException.class,
		    redis::multi);
		redis.discard();
		assertThrows(RedisCommandExecutionException.class,
		    redis::discard);
	}
}
