package riptide.lettuce;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lettuce.core.RedisClient;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import riptide.Patience;
import riptide.Server;

/** Channels and patterns, as RESP3's pushes and as RESP2's replies. */
final class PubSubTest {
	private static final int COUNT = 1000;

	/** What was heard, each as one line. */
	private static final class Ear
	    extends RedisPubSubAdapter<String, String> {
		final BlockingQueue<String> heard =
		    new LinkedBlockingQueue<>();

		@Override
		public void message(String channel, String message) {
			heard.add(channel + " " + message);
		}

		@Override
		public void message(String pattern, String channel,
		    String message) {
			heard.add(pattern + " " + channel + " " + message);
		}

		String next() throws InterruptedException {
			return heard.poll(60, TimeUnit.SECONDS);
		}
	}

	private static void hear(RedisClient client) throws Exception {
		RedisCommands<String, String> redis = client.connect().sync();
		StatefulRedisPubSubConnection<String, String> listener =
		    client.connectPubSub();
		Ear ear = new Ear();
		listener.addListener(ear);
		listener.sync().subscribe("ps:a", "ps:b");
		for (int i = 0; i < COUNT; i++) {
			assertEquals(1, redis.publish("ps:a", "m" + i));
		}
		for (int i = 0; i < COUNT; i++) {
			assertEquals("ps:a m" + i, ear.next());
		}
		listener.sync().psubscribe("ps:news.*");
		assertEquals(1, redis.publish("ps:news.art", "x"));
		assertEquals("ps:news.* ps:news.art x", ear.next());
		assertEquals(Map.of("ps:a", 1L, "ps:c", 0L),
		    redis.pubsubNumsub("ps:a", "ps:c"));
		assertEquals(1, redis.pubsubNumpat());
		listener.sync().unsubscribe("ps:a");
		assertEquals(List.of("ps:b"), redis.pubsubChannels());
		listener.sync().punsubscribe("ps:news.*");
		assertEquals(0, redis.publish("ps:news.art", "nobody"));
	}

	@Test
	void hearsOverResp3() throws Exception {
		RedisClient client = Clients.open();
		try {
			hear(client);
		} finally {
			Clients.close(client);
		}
	}

	@Test
	void hearsOverResp2() throws Exception {
		RedisClient client = Clients.openResp2();
		try {
			hear(client);
		} finally {
			Clients.close(client);
		}
	}

	/** With RESP3 the listening connection may ask, too. */
	@Test
	void asksWhileItListens() throws Exception {
		RedisClient client = Clients.open();
		try {
			StatefulRedisPubSubConnection<String, String> listener =
			    client.connectPubSub();
			Ear ear = new Ear();
			listener.addListener(ear);
			listener.sync().subscribe("ps:self");
			listener.sync().set("ps:key", "v");
			assertEquals("v", listener.sync().get("ps:key"));
			assertEquals(1, listener.sync().publish("ps:self",
			    "hello"));
			assertEquals("ps:self hello", ear.next());
		} finally {
			Clients.close(client);
		}
	}

	/** Lettuce subscribes again by itself. */
	@Test
	void hearsAgainAfterARestart() throws Exception {
		RedisClient client = Clients.open();
		try {
			RedisCommands<String, String> redis =
			    client.connect().sync();
			StatefulRedisPubSubConnection<String, String> listener =
			    client.connectPubSub();
			Ear ear = new Ear();
			listener.addListener(ear);
			listener.sync().subscribe("ps:again");
			Server.restart();
			Patience.until("the listener to be back", () ->
			    redis.publish("ps:again", "back") == 1);
			assertEquals("ps:again back", ear.next());
		} finally {
			Clients.close(client);
		}
	}
}
