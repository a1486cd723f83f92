package riptide.jedis;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.params.GetExParams;
import redis.clients.jedis.params.SetParams;
import riptide.Octets;

/** Strings, numbers and octets over the pool, with the version's defaults. */
final class StringsTest {
	private UnifiedJedis client;

	@BeforeEach
	void open() {
		client = Door.client();
		client.flushAll();
	}

	@AfterEach
	void close() {
		client.close();
	}

	@Test
	void setsAndGets() {
		assertEquals("OK", client.set("s", "there"));
		assertEquals("there", client.get("s"));
		assertNull(client.get("s:none"));
		assertEquals(2, client.append("s:new", "ab"));
		assertEquals(4, client.append("s:new", "cd"));
		assertEquals("bc", client.getrange("s:new", 1, 2));
		assertEquals(6, client.setrange("s:new", 4, "ef"));
		assertEquals(6, client.strlen("s:new"));
		assertEquals("abcdef", client.getDel("s:new"));
		assertEquals(false, client.exists("s:new"));
	}

	@Test
	void keepsEveryOctet() {
		byte[] key = Octets.all();
		byte[] value = Octets.many(1 << 20);
		client.set(key, value);
		assertArrayEquals(value, client.get(key));
		assertArrayEquals(Arrays.copyOfRange(value, 1000, 2000),
		    client.getrange(key, 1000, 1999));
		assertEquals(1, client.del(key));
		client.set(new byte[0], new byte[0]);
		assertArrayEquals(new byte[0], client.get(new byte[0]));
	}

	@Test
	void takesTheOptionsOfSet() {
		assertEquals("OK", client.set("s", "1",
		    SetParams.setParams().nx().ex(60)));
		assertNull(client.set("s", "2", SetParams.setParams().nx()));
		assertEquals("OK", client.set("s", "2",
		    SetParams.setParams().xx().keepttl()));
		assertTrue(client.ttl("s") > 50);
		assertEquals("2", client.setGet("s", "3",
		    SetParams.setParams()));
		assertEquals(-1, client.ttl("s"));
		assertEquals("3", client.getEx("s",
		    GetExParams.getExParams().px(60_000)));
		assertTrue(client.pttl("s") > 50_000);
	}

	@Test
	void readsAndWritesMany() {
		assertEquals("OK", client.mset("s:a", "1", "s:b", "2"));
		assertEquals(Arrays.asList("1", null, "2"),
		    client.mget("s:a", "s:none", "s:b"));
		assertEquals(0, client.msetnx("s:b", "3", "s:c", "4"));
		assertEquals(1, client.msetnx("s:c", "4", "s:d", "5"));
		assertEquals(4, client.exists("s:a", "s:b", "s:c", "s:d",
		    "s:none"));
		assertEquals(3, client.unlink("s:a", "s:c", "s:none", "s:d"));
		assertEquals("OK", client.rename("s:b", "s:e"));
		assertEquals(true, client.copy("s:e", "s:f", false));
		assertEquals(List.of("2", "2"), client.mget("s:e", "s:f"));
	}

	@Test
	void counts() {
		assertEquals(1, client.incr("s:n"));
		assertEquals(42, client.incrBy("s:n", 41));
		assertEquals(40, client.decrBy("s:n", 2));
		assertEquals(40.5, client.incrByFloat("s:n", 0.5));
		client.set("s:max", Long.toString(Long.MAX_VALUE));
		JedisDataException error = assertThrows(
		    JedisDataException.class, () -> client.incr("s:max"));
		assertEquals("ERR increment or decrement would overflow",
		    error.getMessage());
	}

	@Test
	void hearsErrors() {
		client.set("s", "text");
		JedisDataException error = assertThrows(
		    JedisDataException.class, () -> client.incr("s"));
		assertEquals("ERR value is not an integer or out of range",
		    error.getMessage());
		assertEquals("text", client.get("s"), "the connection goes on");
	}
}
