package riptide.lettuce;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lettuce.core.RedisClient;
import io.lettuce.core.api.sync.RedisCommands;
import java.util.List;
import org.junit.jupiter.api.Test;
import riptide.Load;

/** The long load: sixteen threads over one connection, as Lettuce is used. */
final class LoadTest {
	private static Load.Client over(RedisCommands<String, String> redis) {
		return new Load.Client() {
			@Override
			public void set(String key, String value) {
				redis.set(key, value);
			}

			@Override
			public String get(String key) {
				return redis.get(key);
			}

			@Override
			public long delete(String key) {
				return redis.del(key);
			}

			@Override
			public long append(String key, String text) {
				return redis.append(key, text);
			}

			@Override
			public List<String> getMany(List<String> keys) {
				return redis.mget(keys.toArray(new String[0]))
				    .stream().map(pair -> pair.getValueOrElse(
				    null)).toList();
			}
		};
	}

	@Test
	void answersAsAMapDoes() throws Exception {
		RedisClient client = Clients.open();
		try {
			RedisCommands<String, String> redis =
			    client.connect().sync();
			redis.flushall();
			Load load = new Load();
			load.run(over(redis));
			load.compare(over(redis));
			assertEquals(load.size(), redis.dbsize());
		} finally {
			Clients.close(client);
		}
	}
}
