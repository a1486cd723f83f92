package riptide.jedis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisDataException;
import riptide.Server;

/** Pipelines: thousands of commands in flight, errors in their places. */
final class PipelineTest {
	private static final int COUNT = 5000;

	@Test
	void answersThousandsInOrder() {
		try (UnifiedJedis client = Door.client();
		    Pipeline pipe = Door.get().pipelined(client)) {
			List<Response<String>> reads = new ArrayList<>();
			for (int i = 0; i < COUNT; i++) {
				pipe.set("p:" + i, Integer.toString(i));
			}
			for (int i = 0; i < COUNT; i++) {
				reads.add(pipe.get("p:" + i));
			}
			pipe.sync();
			for (int i = 0; i < COUNT; i++) {
				assertEquals(Integer.toString(i),
				    reads.get(i).get());
			}
		}
	}

	@Test
	void keepsErrorsInTheirPlaces() {
		try (Jedis jedis = new Jedis(Server.HOST, Server.PORT)) {
			jedis.set("p:text", "text");
			jedis.del("p:n");
			Pipeline pipe = jedis.pipelined();
			Response<Long> good = pipe.incr("p:n");
			Response<Long> bad = pipe.incr("p:text");
			Response<Long> after = pipe.incr("p:n");
			pipe.sync();
			assertEquals(1, good.get());
			assertThrows(JedisDataException.class, bad::get);
			assertEquals(2, after.get());
			List<Object> all = new ArrayList<>();
			pipe.get("p:text");
			pipe.strlen("p:text");
			all.addAll(pipe.syncAndReturnAll());
			assertEquals(List.of("text", 4L), all);
		}
	}
}
