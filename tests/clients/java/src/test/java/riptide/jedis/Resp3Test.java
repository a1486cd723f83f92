package riptide.jedis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.UnifiedJedis;
import riptide.Server;

/** RESP3, where the version speaks it, and HELLO in either. */
final class Resp3Test {
	private static List<?> hello(String version) {
		try (Jedis jedis = new Jedis(Server.HOST, Server.PORT)) {
			return (List<?>) jedis.sendCommand(
			    "HELLO"::getBytes, version);
		}
	}

	@Test
	void tellsOfItselfInResp2() {
		List<?> said = hello("2");
		assertEquals(14, said.size());
		assertEquals("proto", new String((byte[]) said.get(4)));
		assertEquals(2L, said.get(5));
	}

	@Test
	void speaksResp3() {
		Door door = Door.get();
		assumeTrue(door.resp3().isPresent(), "this version cannot");
		try (UnifiedJedis client = door.open(Server.PORT,
		    door.resp3().get())) {
			client.flushAll();
			client.mset("r:a", "1", "r:b", "2");
			assertEquals(Arrays.asList("1", null, "2"),
			    client.mget("r:a", "r:none", "r:b"));
			assertEquals(1.5, client.incrByFloat("r:f", 1.5));
			assertEquals(true, client.exists("r:a"));
			var all = client.multi();
			all.incr("r:a");
			all.get("r:none");
			assertEquals(Arrays.asList(2L, null), all.exec());
			all.close();
		}
	}
}
