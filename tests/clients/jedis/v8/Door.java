import redis.clients.jedis.RedisClient;
import redis.clients.jedis.UnifiedJedis;

/** How Jedis 8 is opened with its defaults. */
final class Door {
	private Door() {
	}

	static UnifiedJedis open(int port) {
		return RedisClient.create("127.0.0.1", port);
	}
}
