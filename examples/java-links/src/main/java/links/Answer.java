package links;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** An HTTP answer, whole before any of it is sent. */
record Answer(int status, String type, String body,
    Map<String, String> headers) {
	static Answer json(int status, String body) {
		return new Answer(status, "application/json", body, Map.of());
	}

	static Answer error(int status, String why) {
		return json(status, Json.object("error", why));
	}

	static Answer empty(int status) {
		return new Answer(status, null, "", Map.of());
	}

	/** The same with one header. */
	Answer with(String name, String value) {
		return new Answer(status, type, body, Map.of(name, value));
	}

	void send(HttpExchange exchange) throws IOException {
		byte[] octets = body.getBytes(StandardCharsets.UTF_8);
		var out = exchange.getResponseHeaders();
		if (type != null) {
			out.set("Content-Type", type + "; charset=utf-8");
		}
		out.set("Content-Security-Policy", "default-src 'self'");
		out.set("X-Content-Type-Options", "nosniff");
		headers.forEach(out::set);
		boolean bare = octets.length == 0 ||
		    exchange.getRequestMethod().equals("HEAD");
		exchange.sendResponseHeaders(status, bare ? -1 : octets.length);
		if (!bare) {
			try (OutputStream stream = exchange.getResponseBody()) {
				stream.write(octets);
			}
		}
	}
}
