package riptide.lettuce;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lettuce.core.BitFieldArgs;
import io.lettuce.core.ExpireArgs;
import io.lettuce.core.GetExArgs;
import io.lettuce.core.KeyValue;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.ScanArgs;
import io.lettuce.core.ScanIterator;
import io.lettuce.core.SetArgs;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import riptide.Octets;
import riptide.Patience;
import riptide.Server;

/** The synchronous commands, over RESP3, which is what Lettuce asks for. */
final class SyncTest {
	private RedisClient client;
	private StatefulRedisConnection<String, String> connection;
	private RedisCommands<String, String> redis;

	@BeforeEach
	void open() {
		client = connectTo(Clients.open());
	}

	private RedisClient connectTo(RedisClient opened) {
		connection = opened.connect();
		redis = connection.sync();
		redis.flushall();
		return opened;
	}

	@AfterEach
	void close() {
		Clients.close(client);
	}

	@Test
	void setsAndGets() {
		assertEquals("PONG", redis.ping());
		assertEquals("OK", redis.set("s", "there"));
		assertEquals("there", redis.get("s"));
		assertNull(redis.get("s:none"));
		assertEquals("OK", redis.mset(Map.of("s:a", "1", "s:b", "2")));
		assertEquals(List.of(KeyValue.just("s:a", "1"),
		    KeyValue.<String, String>empty("s:none"),
		    KeyValue.just("s:b", "2")),
		    redis.mget("s:a", "s:none", "s:b"));
		assertEquals(42, redis.incrby("s:n", 42));
		assertEquals(42.5, redis.incrbyfloat("s:n", 0.5));
		assertNull(redis.set("s", "x", SetArgs.Builder.nx()));
		assertEquals("there", redis.setGet("s", "y",
		    SetArgs.Builder.ex(60)));
		assertTrue(redis.ttl("s") > 50);
		assertEquals("y", redis.getex("s",
		    GetExArgs.Builder.persist()));
		assertEquals(-1, redis.ttl("s"));
		assertEquals(2, redis.del("s:a", "s:b", "s:none"));
	}

	@Test
	void speaksResp2WhenToldTo() {
		Clients.close(client);
		client = connectTo(Clients.openResp2());
		setsAndGets();
	}

	@Test
	void keepsEveryOctet() {
		RedisCommands<byte[], byte[]> octets =
		    client.connect(ByteArrayCodec.INSTANCE).sync();
		byte[] value = Octets.many(1 << 20);
		octets.set(Octets.all(), value);
		assertArrayEquals(value, octets.get(Octets.all()));
		assertArrayEquals(Octets.all(), octets.randomkey());
		assertArrayEquals(Octets.all(), octets.scan().getKeys().get(0));
	}

	@Test
	void scansAllKeys() {
		Set<String> wanted = new HashSet<>();
		for (int i = 0; i < 1000; i++) {
			wanted.add("k:" + i);
			redis.set("k:" + i, "");
		}
		redis.set("other", "");
		Set<String> found = new HashSet<>();
		ScanIterator<String> keys = ScanIterator.scan(redis,
		    ScanArgs.Builder.matches("k:*").limit(50));
		while (keys.hasNext()) {
			found.add(keys.next());
		}
		assertEquals(wanted, found);
		assertEquals(1001, redis.dbsize());
	}

	@Test
	void expires() throws Exception {
		redis.set("k", "v");
		assertEquals(true, redis.expire("k", 100));
		assertEquals(false, redis.expire("k", 10,
		    ExpireArgs.Builder.gt()));
		assertEquals(true, redis.persist("k"));
		assertEquals(false, redis.expire("k:none", 100));
		assertEquals(true, redis.pexpire("k", 30));
		Patience.until("the key to go", () -> redis.get("k") == null);
		assertEquals(-2, redis.pttl("k"));
	}

	@Test
	void worksOnBits() {
		assertEquals(0, redis.setbit("b", 7, 1));
		redis.setbit("b", 100, 1);
		assertEquals(2, redis.bitcount("b"));
		assertEquals(100, redis.bitpos("b", true, 1));
		assertEquals(13, redis.bitopNot("b:not", "b"));
		assertEquals(102, redis.bitcount("b:not"));
		assertEquals(Arrays.asList(0L, 200L, null), redis.bitfield(
		    "b:field", BitFieldArgs.Builder
		    .set(BitFieldArgs.unsigned(8), 0, 200)
		    .get(BitFieldArgs.unsigned(8), 0)
		    .overflow(BitFieldArgs.OverflowType.FAIL)
		    .incrBy(BitFieldArgs.unsigned(8), 0, 100)));
	}

	@Test
	void keepsDatabasesApart() {
		redis.set("k", "zero");
		redis.select(3);
		assertNull(redis.get("k"));
		redis.set("k", "three");
		redis.swapdb(0, 3);
		assertEquals("zero", redis.get("k"));
		redis.select(0);
		assertEquals("three", redis.get("k"));
	}

	@Test
	void hearsErrors() {
		redis.set("s", "text");
		assertEquals("ERR value is not an integer or out of range",
		    assertThrows(RedisCommandExecutionException.class, () ->
		    redis.incr("s")).getMessage());
		assertEquals("text", redis.get("s"));
	}

	@Test
	void tellsItsNameAndLibrary() {
		assumeTrue(Server.isRiptide());
		redis.clientSetname("me");
		assertEquals("me", redis.clientGetname());
		assertTrue(redis.clientList().contains(" name=me "));
		assertTrue(redis.clientList().contains(" lib-name=Lettuce"));
	}

	/** Lettuce keeps what was asked meanwhile, and asks it again. */
	@Test
	void worksAgainAfterARestart() throws Exception {
		redis.set("s", "there");
		Server.restart();
		Patience.until("the connection to be back", () ->
		    "there".equals(redis.get("s")));
	}
}
