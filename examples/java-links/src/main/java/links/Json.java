package links;

import java.util.List;

/** As much of JSON as is spoken here. */
final class Json {
	private Json() {
	}

	/** Names and values in turns; a value is a text or a number. */
	static String object(Object... parts) {
		StringBuilder out = new StringBuilder("{");
		for (int i = 0; i < parts.length; i += 2) {
			out.append(i == 0 ? "" : ",")
			    .append(text((String) parts[i])).append(':')
			    .append(parts[i + 1] instanceof Number
			    ? parts[i + 1].toString()
			    : text((String) parts[i + 1]));
		}
		return out.append('}').toString();
	}

	/** Of values that are JSON already. */
	static String array(List<String> values) {
		return "[" + String.join(",", values) + "]";
	}

	static String text(String text) {
		StringBuilder out = new StringBuilder("\"");
		for (char c : text.toCharArray()) {
			if (c == '"' || c == '\\') {
				out.append('\\').append(c);
			} else if (c < ' ') {
				out.append("\\u%04x".formatted((int) c));
			} else {
				out.append(c);
			}
		}
		return out.append('"').toString();
	}
}
