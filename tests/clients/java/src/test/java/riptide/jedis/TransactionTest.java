package riptide.jedis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPool;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.Response;
import redis.clients.jedis.Transaction;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisDataException;
import riptide.Server;

/** MULTI, EXEC, DISCARD and WATCH. */
final class TransactionTest {
	private static final int THREADS = 8;
	private static final int ROUNDS = 50;

	private JedisPool pool;
	private Jedis jedis;

	@BeforeEach
	void open() {
		pool = new JedisPool(Server.HOST, Server.PORT);
		jedis = pool.getResource();
		jedis.flushAll();
	}

	@AfterEach
	void close() {
		jedis.close();
		pool.close();
	}

	@Test
	void answersAllAtOnce() {
		Transaction all = jedis.multi();
		Response<String> set = all.set("t", "1");
		Response<Long> sum = all.incrBy("t", 4);
		Response<String> got = all.get("t");
		assertEquals(List.of("OK", 5L, "5"), all.exec());
		assertEquals("OK", set.get());
		assertEquals(5, sum.get());
		assertEquals("5", got.get());
	}

	@Test
	void worksOverThePooledClient() {
		try (UnifiedJedis client = Door.client()) {
			try (var all = client.multi()) {
				all.set("t:a", "1");
				all.mget("t:a", "t:none");
				List<Object> replies = all.exec();
				assertEquals("OK", replies.get(0));
				assertEquals(2, ((List<?>) replies.get(1))
				    .size());
			}
			assertEquals("1", client.get("t:a"));
		}
	}

	@Test
	void discards() {
		Transaction all = jedis.multi();
		all.set("t", "1");
		assertEquals("OK", all.discard());
		assertNull(jedis.get("t"));
	}

	@Test
	void isUndoneByAWatchedKey() {
		jedis.set("t", "1");
		assertEquals("OK", jedis.watch("t", "t:other"));
		try (Jedis other = pool.getResource()) {
			other.set("t:other", "x");
		}
		Transaction all = jedis.multi();
		all.set("t", "2");
		assertNull(all.exec());
		assertEquals("1", jedis.get("t"));

		jedis.watch("t");
		jedis.unwatch();
		try (Jedis other = pool.getResource()) {
			other.set("t", "3");
		}
		all = jedis.multi();
		all.set("t", "4");
		assertEquals(List.of("OK"), all.exec());
	}

	/** One bad command among the good ones: the others are done. */
	@Test
	void goesOnAfterAnErrorWhileItRuns() {
		jedis.set("t", "text");
		Transaction all = jedis.multi();
		Response<Long> bad = all.incr("t");
		all.set("t:after", "done");
		List<Object> replies = all.exec();
		assertTrue(replies.get(0) instanceof JedisDataException);
		assertThrows(JedisDataException.class, bad::get);
		assertEquals("done", jedis.get("t:after"));
	}

	/** One that cannot be queued: nothing is done. */
	@Test
	void isAbortedByWhatCannotBeQueued() {
		jedis.sendCommand(Protocol.Command.MULTI);
		jedis.sendCommand(Protocol.Command.SET, "t", "1");
		assertThrows(JedisDataException.class, () ->
		    jedis.sendCommand(Protocol.Command.GET));
		JedisDataException error = assertThrows(
		    JedisDataException.class, () ->
		    jedis.sendCommand(Protocol.Command.EXEC));
		assertTrue(error.getMessage().startsWith("EXECABORT "),
		    error.getMessage());
		assertNull(jedis.get("t"));
	}

	@Test
	void losesNoUpdateOfThreadsThatWatch() throws Exception {
		ExecutorService threads = Executors.newFixedThreadPool(THREADS);
		try {
			List<Future<?>> all = new ArrayList<>();
			for (int i = 0; i < THREADS; i++) {
				all.add(threads.submit(this::addOneEachRound));
			}
			for (Future<?> one : all) {
				one.get();
			}
		} finally {
			threads.shutdownNow();
		}
		assertEquals(Integer.toString(THREADS * ROUNDS),
		    jedis.get("t:sum"));
	}

	private void addOneEachRound() {
		try (Jedis own = pool.getResource()) {
			for (int i = 0; i < ROUNDS; i++) {
				while (!addOne(own)) {
					Thread.onSpinWait();
				}
			}
		}
	}

	private static boolean addOne(Jedis own) {
		own.watch("t:sum");
		String text = own.get("t:sum");
		int sum = text == null ? 0 : Integer.parseInt(text);
		Transaction all = own.multi();
		all.set("t:sum", Integer.toString(sum + 1));
		return all.exec() != null;
	}
}
