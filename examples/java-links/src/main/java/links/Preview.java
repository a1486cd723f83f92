package links;

import redis.clients.jedis.Jedis;

/** The page that shows where a link leads, without going there. It is made at
 * most every ten seconds and lies under page:CODE meanwhile. */
record Preview(String html, boolean cached) {
	private static final long LIFE_S = 10;

	static String key(String code) {
		return "page:" + code;
	}

	/** Nothing when there is no such link. */
	static Preview of(Jedis jedis, String code) {
		String html = jedis.get(key(code));
		if (html != null) {
			return new Preview(html, true);
		}
		return Links.find(jedis, code).map(link -> {
			String made = render(link);
			jedis.setex(key(code), LIFE_S, made);
			return new Preview(made, false);
		}).orElse(null);
	}

	static String render(Link link) {
		String url = escape(link.url());
		return """
		    <!DOCTYPE html>
		    <html lang="en">
		    <head>
		    <meta charset="utf-8">
		    <meta name="viewport" content="width=device-width">
		    <title>%1$s</title>
		    <link rel="stylesheet" href="/page.css">
		    </head>
		    <body>
		    <main>
		    <p class="eyebrow">/%1$s leads to</p>
		    <h1 class="target"><a href="%2$s" rel="noreferrer">%2$s</a></h1>
		    <p class="quiet">Made by %3$s on %4$s, followed %5$d times.</p>
		    </main>
		    </body>
		    </html>
		    """.formatted(link.code(), url, escape(link.owner()),
		    link.created(), link.visits());
	}

	static String escape(String text) {
		return text.replace("&", "&amp;").replace("<", "&lt;")
		    .replace(">", "&gt;").replace("\"", "&quot;")
		    .replace("'", "&#39;");
	}
}
