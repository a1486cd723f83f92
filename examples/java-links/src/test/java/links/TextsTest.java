package links;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is written: JSON, pages, the store's name; and the command line. */
final class TextsTest {
	@Test
	void jsonEscapes() {
		assertEquals("{\"a\":\"\\\"\\\\\\u000a\",\"n\":7}",
		    Json.object("a", "\"\\\n", "n", 7L));
		assertEquals("[1,{}]", Json.array(List.of("1",
		    Json.object())));
	}

	@Test
	void aPreviewHasNoMarkupOfItsLink() {
		String html = Preview.render(new Link("abcdef",
		    "https://example.org/?a=\"><script>'&", "ada",
		    "2026-01-31", 3));
		assertFalse(html.contains("<script>"));
		assertTrue(html.contains("href=\"https://example.org/?a=&quot;"
		    + "&gt;&lt;script&gt;&#39;&amp;\""));
		assertTrue(html.contains("2026-01-31, followed 3 times"));
	}

	@Test
	void theStoreIsCalledByItsName() {
		assertEquals("{\"name\":\"Redis\",\"version\":\"7.0.15\"}",
		    Store.describe("# Server\r\nredis_version:7.0.15\r\n"));
		assertEquals("{\"name\":\"RiptideKV\",\"version\":\"0.1.0\"}",
		    Store.describe("# Server\r\nredis_version:7.2.0\r\n"
		    + "riptide_version:0.1.0\r\n"));
	}

	@Test
	void optionsHaveDefaultsAndNoOthersAreTaken() {
		Map<String, String> defaults = Map.of("rate", "30");
		assertEquals(defaults, Options.parse(new String[0], defaults));
		assertEquals(Map.of("rate", "7"), Options.parse(
		    new String[] {"--rate", "7"}, defaults));
		for (String[] bad : new String[][] {{"--rat", "7"}, {"rate"},
		    {"--rate"}}) {
			assertThrows(IllegalArgumentException.class,
			    () -> Options.parse(bad, defaults));
		}
	}
}
