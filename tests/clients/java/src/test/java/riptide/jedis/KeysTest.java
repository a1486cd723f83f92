package riptide.jedis;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.args.ExpiryOption;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.resps.ScanResult;
import riptide.Octets;
import riptide.Patience;
import riptide.Server;

/** Scans, expiry and databases. */
final class KeysTest {
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
	void scansAllKeysOnce() {
		Set<String> wanted = new HashSet<>();
		for (int i = 0; i < 1000; i++) {
			client.set("k:" + i, "");
			wanted.add("k:" + i);
		}
		client.set("other", "");
		ScanParams params = new ScanParams().match("k:*").count(100);
		Set<String> found = new HashSet<>();
		String cursor = ScanParams.SCAN_POINTER_START;
		do {
			ScanResult<String> page = client.scan(cursor, params);
			found.addAll(page.getResult());
			cursor = page.getCursor();
		} while (!cursor.equals(ScanParams.SCAN_POINTER_START));
		assertEquals(wanted, found);
		assertEquals(wanted, client.keys("k:*"));
		assertEquals(1001, client.dbSize());
		assertEquals(0, client.scan("0", params, "list").getResult()
		    .size());
	}

	@Test
	void scansOctets() {
		client.set(Octets.all(), new byte[1]);
		ScanResult<byte[]> page = client.scan("0".getBytes(),
		    new ScanParams());
		assertEquals(1, page.getResult().size());
		assertArrayEquals(Octets.all(), page.getResult().get(0));
	}

	@Test
	void expires() throws Exception {
		client.set("k", "v");
		assertEquals(-1, client.ttl("k"));
		assertEquals(-2, client.ttl("k:none"));
		assertEquals(0, client.expire("k:none", 10));
		assertEquals(1, client.expire("k", 100));
		assertEquals(0, client.expire("k", 200, ExpiryOption.NX));
		assertEquals(0, client.expire("k", 50, ExpiryOption.GT));
		assertEquals(1, client.expire("k", 50, ExpiryOption.LT));
		assertTrue(client.pttl("k") <= 50_000);
		long at = System.currentTimeMillis() / 1000 + 1000;
		assertEquals(1, client.expireAt("k", at));
		assertEquals(at, client.expireTime("k"));
		assertEquals(1, client.persist("k"));
		assertEquals(-1, client.pttl("k"));
		client.pexpire("k", 30);
		Patience.until("the key to go", () -> client.get("k") == null);
		assertEquals(0, client.dbSize());
	}

	@Test
	void keepsDatabasesApart() {
		try (Jedis jedis = new Jedis(Server.HOST, Server.PORT)) {
			jedis.set("k", "zero");
			jedis.select(1);
			assertEquals(false, jedis.exists("k"));
			jedis.set("k", "one");
			jedis.set("moved", "there");
			assertEquals(1, jedis.move("moved", 0));
			jedis.swapDB(0, 1);
			assertEquals("zero", jedis.get("k"));
			assertEquals("there", jedis.get("moved"));
			jedis.flushDB();
			assertEquals(0, jedis.dbSize());
			jedis.select(0);
			assertEquals("one", jedis.get("k"));
		}
	}
}
