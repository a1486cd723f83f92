package riptide;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Very many operations from sixteen threads, each over keys of its own
 * beside those of the others, so that a map says what every answer must be.
 */
public final class Load {
	private static final int OPERATIONS =
	    Integer.getInteger("load.operations");
	private static final int THREADS = 16;
	private static final int KEYS_EACH = 200;

	/** What the load asks of a client; all threads use the same one. */
	public interface Client {
		void set(String key, String value);

		String get(String key);

		long delete(String key);

		long append(String key, String text);

		List<String> getMany(List<String> keys);
	}

	private final Map<String, String> model = new ConcurrentHashMap<>();
	private final long seed = Long.getLong("load.seed");

	/** Runs the operations; throws what the first failed thread threw. */
	public void run(Client client) throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(THREADS);
		List<Future<Void>> threads = new ArrayList<>();
		try {
			for (int i = 0; i < THREADS; i++) {
				int number = i;
				threads.add(pool.submit(() -> {
					work(client, number);
					return null;
				}));
			}
			for (Future<Void> thread : threads) {
				thread.get();
			}
		} finally {
			pool.shutdownNow();
		}
	}

	private void work(Client client, int number) {
		Random random = new Random(seed * THREADS + number);
		for (int i = 0; i < OPERATIONS / THREADS; i++) {
			String key = key(number, random.nextInt(KEYS_EACH));
			step(client, random, key, number, i);
		}
	}

	private void step(Client client, Random random, String key, int number,
	    int i) {
		switch (random.nextInt(10)) {
		case 0, 1, 2, 3 -> same(key, client.get(key), model.get(key));
		case 4, 5, 6 -> {
			String value = number + ":" + i;
			client.set(key, value);
			model.put(key, value);
		}
		case 7 -> {
			String text = model.merge(key, "+", String::concat);
			same(key, client.append(key, "+"),
			    (long) text.length());
		}
		case 8 -> same(key, client.delete(key),
		    model.remove(key) == null ? 0L : 1L);
		default -> {
			List<String> keys = List.of(key,
			    key(number, random.nextInt(KEYS_EACH)));
			List<String> wanted = new ArrayList<>();
			keys.forEach(one -> wanted.add(model.get(one)));
			same(key, client.getMany(keys), wanted);
		}
		}
	}

	/** Everything once more, with one MGET for the keys of a thread. */
	public void compare(Client client) {
		for (int number = 0; number < THREADS; number++) {
			List<String> keys = new ArrayList<>();
			List<String> wanted = new ArrayList<>();
			for (int i = 0; i < KEYS_EACH; i++) {
				String key = key(number, i);
				keys.add(key);
				wanted.add(model.get(key));
			}
			same("thread " + number, client.getMany(keys), wanted);
		}
	}

	public int size() {
		return model.size();
	}

	private static String key(int number, int i) {
		return "load:" + number + ":" + i;
	}

	private static void same(String key, Object got, Object wanted) {
		if (!Objects.equals(got, wanted)) {
			throw new AssertionError(
			    key + ": " + got + " instead of " + wanted);
		}
	}
}
