package riptide.jedis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.UnifiedJedis;
import riptide.Load;
import riptide.Server;

/** The long load, and once more what it left after a restart. */
final class LoadTest {
	private static Load.Client over(UnifiedJedis client) {
		return new Load.Client() {
			@Override
			public void set(String key, String value) {
				client.set(key, value);
			}

			@Override
			public String get(String key) {
				return client.get(key);
			}

			@Override
			public long delete(String key) {
				return client.del(key);
			}

			@Override
			public long append(String key, String text) {
				return client.append(key, text);
			}

			@Override
			public List<String> getMany(List<String> keys) {
				return client.mget(keys.toArray(
				    new String[0]));
			}
		};
	}

	@Test
	void answersAsAMapDoes() throws Exception {
		Load load = new Load();
		try (UnifiedJedis client = Door.client()) {
			client.flushAll();
			load.run(over(client));
			load.compare(over(client));
			assertEquals(load.size(), client.dbSize());
		}
		Server.restart();
		try (UnifiedJedis client = Door.client()) {
			load.compare(over(client));
			assertEquals(load.size(), client.dbSize());
		}
	}
}
