package riptide.jedis;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.args.BitCountOption;
import redis.clients.jedis.args.BitOP;
import redis.clients.jedis.params.BitPosParams;

/** Bits of strings. */
final class BitsTest {
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
	void setsAndCountsBits() {
		assertEquals(false, client.setbit("b", 7, true));
		assertEquals(true, client.setbit("b", 7, false));
		client.setbit("b", 100, true);
		client.setbit("b", 3, true);
		assertEquals(true, client.getbit("b", 100));
		assertEquals(false, client.getbit("b", 1_000_000));
		assertEquals(13, client.strlen("b"));
		assertEquals(2, client.bitcount("b"));
		assertEquals(1, client.bitcount("b", 1, -1));
		assertEquals(1, client.bitcount("b", 4, 100,
		    BitCountOption.BIT));
		assertEquals(3, client.bitpos("b", true));
		assertEquals(100, client.bitpos("b", true,
		    new BitPosParams(1)));
	}

	@Test
	void combinesBits() {
		byte[] a = {(byte) 0xf0, 0x0f};
		byte[] b = {(byte) 0xff};
		client.set("b:a".getBytes(), a);
		client.set("b:b".getBytes(), b);
		assertEquals(2, client.bitop(BitOP.AND, "b:r", "b:a", "b:b"));
		assertArrayEquals(new byte[] {(byte) 0xf0, 0},
		    client.get("b:r".getBytes()));
		client.bitop(BitOP.XOR, "b:r", "b:a", "b:b");
		assertArrayEquals(new byte[] {0x0f, 0x0f},
		    client.get("b:r".getBytes()));
		client.bitop(BitOP.NOT, "b:r", "b:a");
		assertArrayEquals(new byte[] {0x0f, (byte) 0xf0},
		    client.get("b:r".getBytes()));
	}

	@Test
	void keepsNumbersInBits() {
		assertEquals(List.of(0L, 255L), client.bitfield("b",
		    "SET", "u8", "#1", "255", "GET", "u8", "#1"));
		assertEquals(Arrays.asList(null, 127L), client.bitfield("b",
		    "OVERFLOW", "FAIL", "INCRBY", "u8", "#1", "1",
		    "OVERFLOW", "SAT", "INCRBY", "i8", "#2", "300"));
		assertEquals(List.of(127L), client.bitfieldReadonly("b",
		    "GET", "i8", "#2"));
	}
}
