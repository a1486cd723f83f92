package links;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Pattern;

/** What people send: forms, names, addresses. */
final class Form {
	private static final int LONGEST_URL = 2000;
	private static final Pattern NAME =
	    Pattern.compile("[A-Za-z0-9_-]{1,32}");

	private Form() {
	}

	/** The value of a field of an urlencoded form. */
	static Optional<String> field(String form, String name) {
		for (String pair : form.split("&")) {
			int at = pair.indexOf('=');
			if (at >= 0 && pair.substring(0, at).equals(name)) {
				return decode(pair.substring(at + 1));
			}
		}
		return Optional.empty();
	}

	private static Optional<String> decode(String text) {
		try {
			return Optional.of(URLDecoder.decode(text,
			    StandardCharsets.UTF_8));
		} catch (IllegalArgumentException error) {
			return Optional.empty();
		}
	}

	/** A name, which is part of keys. */
	static Optional<String> name(String text) {
		return Optional.of(text).filter(name ->
		    NAME.matcher(name).matches());
	}

	/** An address of the web, as a browser may be sent to it. */
	static Optional<String> url(String text) {
		try {
			URI uri = new URI(text.strip());
			boolean web = "http".equalsIgnoreCase(uri.getScheme())
			    || "https".equalsIgnoreCase(uri.getScheme());
			return web && uri.getHost() != null &&
			    text.length() <= LONGEST_URL
			    ? Optional.of(uri.toASCIIString())
			    : Optional.empty();
		} catch (URISyntaxException error) {
			return Optional.empty();
		}
	}
}
