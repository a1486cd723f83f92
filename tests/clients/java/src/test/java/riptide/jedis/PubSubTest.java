package riptide.jedis;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.BinaryJedisPubSub;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.UnifiedJedis;
import riptide.Octets;
import riptide.Patience;
import riptide.Server;

/** Channels and patterns, from a thread that listens. */
final class PubSubTest {
	private static final int COUNT = 1000;
	private static final long PATIENCE_S = 30;

	/** What was heard, each as one line. */
	private static final class Ear extends JedisPubSub {
		final BlockingQueue<String> heard =
		    new LinkedBlockingQueue<>();

		@Override
		public void onMessage(String channel, String message) {
			heard.add(channel + " " + message);
		}

		@Override
		public void onPMessage(String pattern, String channel,
		    String message) {
			heard.add(pattern + " " + channel + " " + message);
		}

		@Override
		public void onSubscribe(String channel, int count) {
			heard.add("+" + channel + " " + count);
		}

		@Override
		public void onPSubscribe(String pattern, int count) {
			heard.add("+" + pattern + " " + count);
		}

		@Override
		public void onUnsubscribe(String channel, int count) {
			heard.add("-" + channel + " " + count);
		}

		@Override
		public void onPUnsubscribe(String pattern, int count) {
			heard.add("-" + pattern + " " + count);
		}

		String next() throws InterruptedException {
			return heard.poll(PATIENCE_S, TimeUnit.SECONDS);
		}
	}

	private interface Listening {
		void run() throws Exception;
	}

	private static Thread listen(AtomicReference<Exception> failed,
	    Listening work) {
		Thread thread = new Thread(() -> {
			try {
				work.run();
			} catch (Exception error) {
				failed.set(error);
			}
		});
		thread.start();
		return thread;
	}

	private static void end(Thread thread,
	    AtomicReference<Exception> failed) throws Exception {
		thread.join(PATIENCE_S * 1000);
		assertFalse(thread.isAlive(), "the listener has ended");
		if (failed.get() != null) {
			throw failed.get();
		}
	}

	private static void hearChannels(UnifiedJedis client)
	    throws Exception {
		Ear ear = new Ear();
		AtomicReference<Exception> failed = new AtomicReference<>();
		Thread thread = listen(failed, () ->
		    client.subscribe(ear, "ps:a", "ps:b"));
		assertEquals("+ps:a 1", ear.next());
		assertEquals("+ps:b 2", ear.next());
		for (int i = 0; i < COUNT; i++) {
			assertEquals(1, client.publish("ps:a", "m" + i));
		}
		for (int i = 0; i < COUNT; i++) {
			assertEquals("ps:a m" + i, ear.next());
		}
		ear.unsubscribe("ps:a");
		assertEquals("-ps:a 1", ear.next());
		assertEquals(0, client.publish("ps:a", "nobody"));
		assertEquals(1, client.publish("ps:b", "still"));
		assertEquals("ps:b still", ear.next());
		ear.unsubscribe();
		assertEquals("-ps:b 0", ear.next());
		end(thread, failed);
	}

	@Test
	void hearsChannelsInOrder() throws Exception {
		try (UnifiedJedis client = Door.client()) {
			hearChannels(client);
		}
	}

	@Test
	void hearsChannelsOverResp3() throws Exception {
		Door door = Door.get();
		if (door.resp3().isEmpty()) {
			return;
		}
		try (UnifiedJedis client = door.open(Server.PORT,
		    door.resp3().get())) {
			hearChannels(client);
		}
	}

	@Test
	void hearsPatternsAndCountsListeners() throws Exception {
		Ear ear = new Ear();
		AtomicReference<Exception> failed = new AtomicReference<>();
		try (UnifiedJedis client = Door.client();
		    Jedis asks = new Jedis(Server.HOST, Server.PORT)) {
			Thread thread = listen(failed, () ->
			    client.psubscribe(ear, "ps:news.*", "ps:[ab]?"));
			assertEquals("+ps:news.* 1", ear.next());
			assertEquals("+ps:[ab]? 2", ear.next());
			ear.subscribe("ps:news.art");
			assertEquals("+ps:news.art 3", ear.next());
			assertEquals(2, asks.publish("ps:news.art", "x"));
			List<String> both = new ArrayList<>(
			    List.of(ear.next(), ear.next()));
			both.sort(null);
			assertEquals(List.of("ps:news.* ps:news.art x",
			    "ps:news.art x"), both);
			assertEquals(1, asks.publish("ps:b7", "y"));
			assertEquals("ps:[ab]? ps:b7 y", ear.next());
			assertEquals(0, asks.publish("ps:c7", "z"));
			assertEquals(2, asks.pubsubNumPat());
			assertEquals(List.of("ps:news.art"),
			    asks.pubsubChannels("ps:*"));
			assertEquals(Map.of("ps:news.art", 1L, "ps:b7", 0L),
			    asks.pubsubNumSub("ps:news.art", "ps:b7"));
			ear.punsubscribe("ps:[ab]?");
			assertEquals("-ps:[ab]? 2", ear.next());
			ear.punsubscribe();
			assertEquals("-ps:news.* 1", ear.next());
			ear.unsubscribe();
			assertEquals("-ps:news.art 0", ear.next());
			end(thread, failed);
		}
	}

	@Test
	void carriesOctets() throws Exception {
		BlockingQueue<byte[]> heard = new LinkedBlockingQueue<>();
		byte[] channel = Octets.all();
		byte[] message = Octets.many(100_000);
		BinaryJedisPubSub ear = new BinaryJedisPubSub() {
			@Override
			public void onMessage(byte[] on, byte[] said) {
				heard.add(on);
				heard.add(said);
				unsubscribe();
			}
		};
		AtomicReference<Exception> failed = new AtomicReference<>();
		try (UnifiedJedis client = Door.client();
		    UnifiedJedis listener = Door.client()) {
			Thread thread = listen(failed, () ->
			    listener.subscribe(ear, channel));
			Patience.until("somebody to listen", () ->
			    client.publish(channel, message) == 1);
			end(thread, failed);
			assertArrayEquals(channel, heard.poll());
			assertArrayEquals(message, heard.poll());
		}
	}

	/** A transaction may publish, and its messages come in its order. */
	@Test
	void hearsWhatATransactionPublishes() throws Exception {
		Ear ear = new Ear();
		AtomicReference<Exception> failed = new AtomicReference<>();
		try (UnifiedJedis client = Door.client();
		    Jedis jedis = new Jedis(Server.HOST, Server.PORT)) {
			Thread thread = listen(failed, () ->
			    client.subscribe(ear, "ps:t"));
			assertEquals("+ps:t 1", ear.next());
			var all = jedis.multi();
			all.publish("ps:t", "first");
			all.set("ps:key", "v");
			all.publish("ps:t", "second");
			assertEquals(List.of(1L, "OK", 1L), all.exec());
			assertEquals("ps:t first", ear.next());
			assertEquals("ps:t second", ear.next());
			ear.unsubscribe();
			end(thread, failed);
		}
	}
}
