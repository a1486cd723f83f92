import redis.clients.jedis.JedisPooled;
import redis.clients.jedis.UnifiedJedis;

/** How Jedis 5 is opened with its defaults. */
final class Door {
	private Door() {
	}

	static UnifiedJedis open(int port) {
		return new JedisPooled("127.0.0.1", port);
	}
}
