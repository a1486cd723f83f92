package links;

import java.util.OptionalLong;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Response;
import redis.clients.jedis.Transaction;
import redis.clients.jedis.args.ExpiryOption;

/** So many new links a minute for each network address. The minute begins with
 * the first one and ends as the key does. */
record RateLimit(int perMinute) {
	private static final long MINUTE_S = 60;

	/** Counts one; nothing if it may be, else the seconds to wait. */
	OptionalLong wait(Jedis jedis, String address) {
		String key = "rate:" + address;
		Transaction all = jedis.multi();
		Response<Long> count = all.incr(key);
		all.expire(key, MINUTE_S, ExpiryOption.NX);
		Response<Long> left = all.ttl(key);
		all.exec();
		return count.get() <= perMinute ? OptionalLong.empty()
		    : OptionalLong.of(Math.max(1, left.get()));
	}
}
