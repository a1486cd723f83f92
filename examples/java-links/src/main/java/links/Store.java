package links;

import redis.clients.jedis.Jedis;

/** Who keeps the data: all that the application knows of it. */
final class Store {
	private Store() {
	}

	static String describe(Jedis jedis) {
		return describe(jedis.info("server"));
	}

	static String describe(String info) {
		String redis = "";
		for (String line : info.split("\r?\n")) {
			if (line.startsWith("riptide_version:")) {
				return named("RiptideKV", line);
			}
			if (line.startsWith("redis_version:")) {
				redis = named("Redis", line);
			}
		}
		return redis;
	}

	private static String named(String name, String line) {
		return Json.object("name", name, "version",
		    line.substring(line.indexOf(':') + 1));
	}
}
