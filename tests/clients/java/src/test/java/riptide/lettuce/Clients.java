package riptide.lettuce;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.TimeoutOptions;
import io.lettuce.core.protocol.ProtocolVersion;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.DefaultClientResources;
import java.time.Duration;
import riptide.Server;

/** Clients of Lettuce; they share their threads, as applications should. */
final class Clients {
	private static final Duration PATIENCE = Duration.ofSeconds(60);
	private static final ClientResources THREADS =
	    DefaultClientResources.builder().ioThreadPoolSize(2)
	    .computationThreadPoolSize(2).build();

	private Clients() {
	}

	/** With the defaults, which mean RESP3. */
	static RedisClient open() {
		return open(RedisURI.create(Server.HOST, Server.PORT),
		    ClientOptions.builder());
	}

	static RedisClient openResp2() {
		return open(RedisURI.create(Server.HOST, Server.PORT),
		    ClientOptions.builder()
		    .protocolVersion(ProtocolVersion.RESP2));
	}

	static RedisClient open(RedisURI uri, ClientOptions.Builder options) {
		uri.setTimeout(PATIENCE);
		RedisClient client = RedisClient.create(THREADS, uri);
		client.setOptions(options.timeoutOptions(
		    TimeoutOptions.enabled(PATIENCE)).build());
		return client;
	}

	static void close(RedisClient client) {
		client.shutdown(Duration.ZERO, PATIENCE);
	}
}
