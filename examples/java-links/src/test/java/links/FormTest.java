package links;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Optional;
import org.junit.jupiter.api.Test;

final class FormTest {
	@Test
	void findsAField() {
		assertEquals(Optional.of("a b&c"),
		    Form.field("x=1&url=a+b%26c&y", "url"));
		assertEquals(Optional.of(""), Form.field("url=", "url"));
		assertEquals(Optional.empty(), Form.field("curl=1&url", "url"));
		assertEquals(Optional.empty(), Form.field("url=%zz", "url"));
	}

	@Test
	void takesNamesThatMayBePartOfKeys() {
		assertEquals(Optional.of("Ada_1-x"), Form.name("Ada_1-x"));
		assertEquals(Optional.empty(), Form.name(""));
		assertEquals(Optional.empty(), Form.name("a:b"));
		assertEquals(Optional.empty(), Form.name("a".repeat(33)));
	}

	@Test
	void takesAddressesOfTheWebOnly() {
		assertEquals(Optional.of("https://example.org/a?b=c#d"),
		    Form.url(" https://example.org/a?b=c#d "));
		assertEquals(Optional.of("http://example.org/%C3%A9"),
		    Form.url("http://example.org/é"));
		for (String bad : new String[] {"", "example.org", "ftp://a.b/",
		    "javascript:alert(1)", "http:///path", "http://a b/",
		    "https://example.org/\r\nSet-Cookie: x",
		    "https://example.org/" + "a".repeat(2000)}) {
			assertEquals(Optional.empty(), Form.url(bad), bad);
		}
	}
}
