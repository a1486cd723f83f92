package links;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Executors;
import redis.clients.jedis.JedisPool;
import redis.clients.jedis.JedisPoolConfig;

/**
 * A link shortener that keeps everything it knows in a Redis, or in whatever
 * speaks its protocol at the address that it is given.
 */
public final class Main {
	private static final int CONNECTIONS = 32;
	private static final Duration PATIENCE = Duration.ofSeconds(5);

	private Main() {
	}

	public static void main(String[] args) throws IOException {
		Map<String, String> options;
		try {
			options = Options.parse(args, Map.of(
			    "redis", "redis://127.0.0.1:6379",
			    "listen", "127.0.0.1:8080",
			    "rate", "30"));
		} catch (IllegalArgumentException error) {
			System.err.println("links: " + error.getMessage());
			System.err.println("usage: links [--redis URI]" +
			    " [--listen HOST:PORT] [--rate LINKS-PER-MINUTE]");
			System.exit(64);
			return;
		}
		JedisPool pool = new JedisPool(poolConfig(),
		    URI.create(options.get("redis")));
		HttpServer server = HttpServer.create(
		    address(options.get("listen")), 0);
		server.createContext("/", new Web(pool, new Feed(pool),
		    new RateLimit(Integer.parseInt(options.get("rate")))));
		server.setExecutor(Executors.newCachedThreadPool());
		server.start();
		System.out.println("links: open http://" +
		    options.get("listen") + "/ (kept in " +
		    options.get("redis") + ")");
	}

	/** A connection is tried before it is lent: the server may have gone
	 * and come back since. */
	private static JedisPoolConfig poolConfig() {
		JedisPoolConfig config = new JedisPoolConfig();
		config.setMaxTotal(CONNECTIONS);
		config.setMaxIdle(CONNECTIONS);
		config.setMaxWait(PATIENCE);
		config.setTestOnBorrow(true);
		return config;
	}

	private static InetSocketAddress address(String text) {
		URI uri = URI.create("http://" + text);
		return new InetSocketAddress(uri.getHost(), uri.getPort());
	}
}
