package links;

import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPool;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Visits as they happen, to every page that is open: one thread subscribes for
 * all of them. Whoever is slow or away misses some; they are counted all the
 * same.
 */
final class Feed {
	static final String CHANNEL = "visits";

	private static final int MOST_LISTENERS = 100;
	private static final int MOST_WAITING = 1000;
	private static final long PAUSE_MS = 500;

	private final JedisPool pool;
	private final Set<BlockingQueue<String>> listeners =
	    ConcurrentHashMap.newKeySet();

	Feed(JedisPool pool) {
		this.pool = pool;
		Thread thread = new Thread(this::listen, "feed");
		thread.setDaemon(true);
		thread.start();
	}

	/** A queue that visited codes come into, or null when there are too
	 * many of them. */
	BlockingQueue<String> join() {
		if (listeners.size() >= MOST_LISTENERS) {
			return null;
		}
		BlockingQueue<String> queue =
		    new LinkedBlockingQueue<>(MOST_WAITING);
		listeners.add(queue);
		return queue;
	}

	void leave(BlockingQueue<String> queue) {
		listeners.remove(queue);
	}

	/** Subscribes, and again when the server went away. */
	private void listen() {
		while (true) {
			try (Jedis jedis = pool.getResource()) {
				jedis.subscribe(new JedisPubSub() {
					@Override
					public void onMessage(String channel,
					    String code) {
						listeners.forEach(queue ->
						    queue.offer(code));
					}
				}, CHANNEL);
			} catch (JedisException gone) {
				pause();
			}
		}
	}

	private static void pause() {
		try {
			Thread.sleep(PAUSE_MS);
		} catch (InterruptedException error) {
			Thread.currentThread().interrupt();
		}
	}
}
