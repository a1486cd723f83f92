package links;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Transaction;

/**
 * The links. What belongs together changes in one transaction; where it depends
 * on what was read before, the keys that were read are watched, and it is done
 * again if somebody else was faster.
 *
 * <pre>
 * link:last           the number of the newest link
 * link:total          how many links there are
 * link:CODE           where it leads
 * link:CODE:owner, link:CODE:created, link:CODE:visits
 * links:of:NAME       the codes of somebody's links, a line each
 * known:NAME:DIGEST   the code of an address that he has shortened before
 * visits:DAY          all visits of a day, kept for a month
 * </pre>
 */
final class Links {
	private static final long MONTH_S = 31L * 24 * 60 * 60;

	private Links() {
	}

	/** Somebody's link to an address: a new one, or the one he has. */
	static Link create(Jedis jedis, String owner, String url) {
		String known = knownKey(owner, url);
		while (true) {
			jedis.watch(known);
			String code = jedis.get(known);
			Optional<Link> old = code == null ? Optional.empty()
			    : find(jedis, code);
			if (old.isPresent()) {
				jedis.unwatch();
				return old.get();
			}
			Link link = new Link(
			    Codes.of(jedis.incr("link:last")), url, owner,
			    today(), 0);
			if (write(jedis, link, known)) {
				return link;
			}
		}
	}

	private static boolean write(Jedis jedis, Link link, String known) {
		Transaction all = jedis.multi();
		all.mset(key(link.code()), link.url(),
		    ownerKey(link.code()), link.owner(),
		    createdKey(link.code()), link.created(),
		    visitsKey(link.code()), "0",
		    known, link.code());
		all.append(listKey(link.owner()), link.code() + "\n");
		all.incr("link:total");
		return all.exec() != null;
	}

	static Optional<Link> find(Jedis jedis, String code) {
		List<String> parts = jedis.mget(key(code), ownerKey(code),
		    createdKey(code), visitsKey(code));
		if (parts.get(0) == null) {
			return Optional.empty();
		}
		return Optional.of(new Link(code, parts.get(0), parts.get(1),
		    parts.get(2), Long.parseLong(parts.get(3))));
	}

	/** Somebody's links, the newest first. */
	static List<Link> of(Jedis jedis, String owner) {
		List<Link> links = new ArrayList<>();
		for (String code : codes(jedis.get(listKey(owner)))) {
			find(jedis, code).ifPresent(link ->
			    links.add(0, link));
		}
		return links;
	}

	/** Counts a visit and tells the feed; where the link leads. */
	static Optional<String> visit(Jedis jedis, String code) {
		String day = "visits:" + today();
		while (true) {
			jedis.watch(key(code));
			String url = jedis.get(key(code));
			if (url == null) {
				jedis.unwatch();
				return Optional.empty();
			}
			Transaction all = jedis.multi();
			all.incr(visitsKey(code));
			all.incr(day);
			all.expire(day, MONTH_S);
			all.publish(Feed.CHANNEL, code);
			if (all.exec() != null) {
				return Optional.of(url);
			}
		}
	}

	/** What became of a wish to delete. */
	enum Deleted { DONE, NOT_THERE, NOT_YOURS }

	static Deleted delete(Jedis jedis, String owner, String code) {
		while (true) {
			jedis.watch(key(code), ownerKey(code), listKey(owner));
			Optional<Link> link = find(jedis, code);
			if (link.isEmpty() ||
			    !link.get().owner().equals(owner)) {
				jedis.unwatch();
				return link.isEmpty() ? Deleted.NOT_THERE
				    : Deleted.NOT_YOURS;
			}
			List<String> rest = new ArrayList<>(
			    codes(jedis.get(listKey(owner))));
			rest.remove(code);
			if (erase(jedis, link.get(), rest)) {
				return Deleted.DONE;
			}
		}
	}

	private static boolean erase(Jedis jedis, Link link,
	    List<String> rest) {
		String code = link.code();
		Transaction all = jedis.multi();
		all.del(key(code), ownerKey(code), createdKey(code),
		    visitsKey(code), knownKey(link.owner(), link.url()),
		    Preview.key(code));
		all.set(listKey(link.owner()), rest.isEmpty() ? ""
		    : String.join("\n", rest) + "\n");
		all.decr("link:total");
		return all.exec() != null;
	}

	/** How many links there are, and visits today. */
	static String statistics(Jedis jedis) {
		List<String> numbers = jedis.mget("link:total",
		    "visits:" + today());
		return Json.object("links", number(numbers.get(0)),
		    "visits_today", number(numbers.get(1)));
	}

	private static long number(String text) {
		return text == null ? 0 : Long.parseLong(text);
	}

	private static List<String> codes(String lines) {
		return lines == null || lines.isEmpty() ? List.of()
		    : Arrays.asList(lines.split("\n"));
	}

	private static String today() {
		return LocalDate.now(ZoneOffset.UTC).toString();
	}

	private static String key(String code) {
		return "link:" + code;
	}

	private static String ownerKey(String code) {
		return "link:" + code + ":owner";
	}

	private static String createdKey(String code) {
		return "link:" + code + ":created";
	}

	private static String visitsKey(String code) {
		return "link:" + code + ":visits";
	}

	private static String listKey(String owner) {
		return "links:of:" + owner;
	}

	private static String knownKey(String owner, String url) {
		try {
			byte[] digest = MessageDigest.getInstance("SHA-256")
			    .digest(url.getBytes(StandardCharsets.UTF_8));
			return "known:" + owner + ":" +
			    HexFormat.of().formatHex(digest, 0, 16);
		} catch (NoSuchAlgorithmException error) {
			throw new AssertionError(error);
		}
	}
}
