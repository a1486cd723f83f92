package links;

import java.security.SecureRandom;
import java.util.Base64;
import java.util.Optional;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.params.GetExParams;

/** Who is who: a token in a cookie, a name under session:TOKEN, forgotten half
 * an hour after its last use. */
final class Sessions {
	static final long LIFE_S = 30 * 60;

	private static final int TOKEN_OCTETS = 18;
	private static final SecureRandom RANDOM = new SecureRandom();

	private Sessions() {
	}

	/** The token of a new session. */
	static String open(Jedis jedis, String name) {
		byte[] octets = new byte[TOKEN_OCTETS];
		RANDOM.nextBytes(octets);
		String token = Base64.getUrlEncoder().encodeToString(octets);
		jedis.setex(key(token), LIFE_S, name);
		return token;
	}

	/** Whose session it is; it lives on from now. */
	static Optional<String> name(Jedis jedis, String token) {
		return Optional.ofNullable(jedis.getEx(key(token),
		    GetExParams.getExParams().ex(LIFE_S)));
	}

	static void close(Jedis jedis, String token) {
		jedis.del(key(token));
	}

	private static String key(String token) {
		return "session:" + token;
	}
}
