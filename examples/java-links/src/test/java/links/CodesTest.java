package links;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class CodesTest {
	private static final long ALL = 62L * 62 * 62 * 62 * 62 * 62;

	@Test
	void givesEachNumberItsOwn() {
		Set<String> seen = new HashSet<>();
		for (long i = 0; i < 100_000; i++) {
			assertTrue(seen.add(Codes.of(i)));
			assertTrue(seen.add(Codes.of(ALL - 1 - i)));
		}
	}

	@Test
	void givesNeighboursOtherBeginnings() {
		for (long i = 0; i < 1000; i++) {
			assertNotEquals(Codes.of(i).substring(0, 2),
			    Codes.of(i + 1).substring(0, 2));
		}
	}

	@Test
	void giveTheSameCodeForever() {
		assertEquals("yt2W4K", Codes.of(1));
	}

	@Test
	void endWhereTheCodesEnd() {
		assertThrows(IllegalArgumentException.class,
		    () -> Codes.of(ALL));
		assertThrows(IllegalArgumentException.class,
		    () -> Codes.of(-1));
	}

	@Test
	void knowsACodeByItsLook() {
		assertTrue(Codes.isCode("aZ09zA"));
		assertFalse(Codes.isCode("aZ09z"));
		assertFalse(Codes.isCode("aZ09z:"));
		assertFalse(Codes.isCode("aZ09zé"));
	}
}
