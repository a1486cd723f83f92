package links;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPool;
import redis.clients.jedis.exceptions.JedisException;

/** The routes. Each answer is sent when what it says has been written. */
final class Web implements HttpHandler {
	private static final int LONGEST_FORM = 8192;
	private static final long HEARTBEAT_S = 15;
	private static final String COOKIE = "session=";
	private static final Map<String, String> FILES = Map.of(
	    "/", "page.html", "/page.css", "page.css", "/page.js", "page.js");
	private static final Map<String, String> TYPES = Map.of(
	    "html", "text/html", "css", "text/css", "js", "text/javascript");

	private final JedisPool pool;
	private final Feed feed;
	private final RateLimit limit;

	Web(JedisPool pool, Feed feed, RateLimit limit) {
		this.pool = pool;
		this.feed = feed;
		this.limit = limit;
	}

	@Override
	public void handle(HttpExchange exchange) throws IOException {
		try (exchange) {
			String path = exchange.getRequestURI().getPath();
			if (path.equals("/api/visits")) {
				stream(exchange);
				return;
			}
			answer(exchange, path).send(exchange);
		}
	}

	/** A failure of the store is one of the service; what was asked may
	 * have been done or not. */
	private Answer answer(HttpExchange exchange, String path)
	    throws IOException {
		String file = FILES.get(path);
		if (file != null) {
			return file(file);
		}
		String form = form(exchange);
		if (form == null) {
			return Answer.error(413, "that is too long");
		}
		try (Jedis jedis = pool.getResource()) {
			return path.startsWith("/api/")
			    ? api(jedis, exchange, path, form)
			    : link(jedis, exchange, path.substring(1));
		} catch (JedisException error) {
			return Answer.error(503, "the store is away");
		}
	}

	private static Answer file(String name) throws IOException {
		try (InputStream in = Web.class.getResourceAsStream(name)) {
			return new Answer(200, TYPES.get(name.substring(
			    name.indexOf('.') + 1)), new String(
			    in.readAllBytes(), StandardCharsets.UTF_8),
			    Map.of());
		}
	}

	/** The body, or null when it is longer than any form of ours. */
	private static String form(HttpExchange exchange) throws IOException {
		byte[] octets = exchange.getRequestBody().readNBytes(
		    LONGEST_FORM + 1);
		return octets.length > LONGEST_FORM ? null
		    : new String(octets, StandardCharsets.UTF_8);
	}

	private static Answer link(Jedis jedis, HttpExchange exchange,
	    String path) {
		if (!exchange.getRequestMethod().equals("GET")) {
			return Answer.error(405, "links are only followed");
		}
		boolean preview = path.endsWith("+");
		String code = preview ? path.substring(0, path.length() - 1)
		    : path;
		if (!Codes.isCode(code)) {
			return Answer.error(404, "no such link");
		}
		return preview ? preview(jedis, code) : follow(jedis, code);
	}

	private static Answer follow(Jedis jedis, String code) {
		return Links.visit(jedis, code)
		    .map(url -> Answer.empty(302).with("Location", url))
		    .orElse(Answer.error(404, "no such link"));
	}

	private static Answer preview(Jedis jedis, String code) {
		Preview page = Preview.of(jedis, code);
		return page == null ? Answer.error(404, "no such link")
		    : new Answer(200, "text/html", page.html(),
		    Map.of("X-Cache", page.cached() ? "hit" : "miss"));
	}

	private Answer api(Jedis jedis, HttpExchange exchange, String path,
	    String form) {
		String wish = exchange.getRequestMethod() + " " + path;
		switch (wish) {
		case "GET /api/store":
			return Answer.json(200, Store.describe(jedis));
		case "GET /api/statistics":
			return Answer.json(200, Links.statistics(jedis));
		case "POST /api/login":
			return login(jedis, form);
		default:
			break;
		}
		Optional<String> token = token(exchange);
		Optional<String> name = token.flatMap(one ->
		    Sessions.name(jedis, one));
		if (name.isEmpty()) {
			return Answer.error(401, "say who you are first");
		}
		switch (wish) {
		case "GET /api/me":
			return Answer.json(200, Json.object("name",
			    name.get()));
		case "POST /api/logout":
			Sessions.close(jedis, token.get());
			return Answer.empty(204).with("Set-Cookie",
			    cookie("", 0));
		case "GET /api/links":
			return Answer.json(200, Json.array(
			    Links.of(jedis, name.get()).stream()
			    .map(Link::json).toList()));
		case "POST /api/links":
			return shorten(jedis, exchange, name.get(), form);
		default:
			return wish.startsWith("DELETE /api/links/")
			    ? delete(jedis, name.get(), path.substring(
			    "/api/links/".length()))
			    : Answer.error(404, "no such thing");
		}
	}

	private static Answer login(Jedis jedis, String form) {
		return Form.field(form, "name").flatMap(Form::name)
		    .map(name -> Answer.json(200, Json.object("name", name))
		        .with("Set-Cookie", cookie(Sessions.open(jedis, name),
		        Sessions.LIFE_S)))
		    .orElse(Answer.error(400, "a name has 1 to 32 letters,"
		        + " digits, - or _"));
	}

	private static String cookie(String token, long life) {
		return COOKIE + token + "; Path=/; HttpOnly; SameSite=Lax;" +
		    " Max-Age=" + life;
	}

	private static Optional<String> token(HttpExchange exchange) {
		String cookies = exchange.getRequestHeaders().getFirst(
		    "Cookie");
		if (cookies == null) {
			return Optional.empty();
		}
		for (String one : cookies.split("; ?")) {
			if (one.startsWith(COOKIE)) {
				return Optional.of(one.substring(
				    COOKIE.length()));
			}
		}
		return Optional.empty();
	}

	private Answer shorten(Jedis jedis, HttpExchange exchange, String name,
	    String form) {
		Optional<String> url = Form.field(form, "url")
		    .flatMap(Form::url);
		if (url.isEmpty()) {
			return Answer.error(400, "that is no web address");
		}
		OptionalLong wait = limit.wait(jedis, exchange
		    .getRemoteAddress().getAddress().getHostAddress());
		if (wait.isPresent()) {
			return Answer.error(429, "too many links a minute")
			    .with("Retry-After",
			    Long.toString(wait.getAsLong()));
		}
		return Answer.json(201, Links.create(jedis, name, url.get())
		    .json());
	}

	private static Answer delete(Jedis jedis, String name, String code) {
		return switch (Links.delete(jedis, name, code)) {
		case DONE -> Answer.empty(204);
		case NOT_THERE -> Answer.error(404, "no such link");
		case NOT_YOURS -> Answer.error(403, "that is not yours");
		};
	}

	/** Server-sent events: the code of each link that is followed. */
	private void stream(HttpExchange exchange) throws IOException {
		BlockingQueue<String> codes = feed.join();
		if (codes == null) {
			Answer.error(503, "too many listen").send(exchange);
			return;
		}
		exchange.getResponseHeaders().set("Content-Type",
		    "text/event-stream");
		exchange.sendResponseHeaders(200, 0);
		try (OutputStream out = exchange.getResponseBody()) {
			out.write(": welcome\n\n".getBytes());
			out.flush();
			while (true) {
				String code = codes.poll(HEARTBEAT_S,
				    TimeUnit.SECONDS);
				out.write((code == null ? ": still here\n\n"
				    : "data: " + code + "\n\n").getBytes(
				    StandardCharsets.US_ASCII));
				out.flush();
			}
		} catch (InterruptedException error) {
			Thread.currentThread().interrupt();
		} finally {
			feed.leave(codes);
		}
	}
}
