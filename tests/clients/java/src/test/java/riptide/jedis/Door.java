package riptide.jedis;

import java.util.Optional;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.UnifiedJedis;
import riptide.Server;

/** What the versions of Jedis do in ways of their own. */
public interface Door {
	/** A client over a pool, opened as this version's manual advises. */
	UnifiedJedis open(int port, JedisClientConfig config);

	/** The same with the version's defaults. */
	UnifiedJedis open(int port);

	/** A pipeline over one connection of its pool. */
	Pipeline pipelined(UnifiedJedis client);

	/** RESP3, if the version speaks it. */
	Optional<JedisClientConfig> resp3();

	/** TLS that trusts the test's authority and checks the host's name. */
	JedisClientConfig tls() throws Exception;

	/** The version's name in CLIENT INFO, if it tells one. */
	Optional<String> libraryName();

	/** The door of the version under test. */
	static Door get() {
		try {
			return (Door) Class.forName(System.getProperty("door"))
			    .getDeclaredConstructor().newInstance();
		} catch (ReflectiveOperationException error) {
			throw new AssertionError(error);
		}
	}

	/** A client that the caller closes. */
	static UnifiedJedis client() {
		return get().open(Server.PORT);
	}

	/** TLS as Jedis had it from the beginning: with a socket factory. */
	static JedisClientConfig tlsWithSocketFactory() throws Exception {
		return DefaultJedisClientConfig.builder().ssl(true)
		    .sslSocketFactory(Server.tls().getSocketFactory()).build();
	}
}
