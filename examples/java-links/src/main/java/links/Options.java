package links;

import java.util.HashMap;
import java.util.Map;

/** Options of a command line: --name value. */
final class Options {
	private Options() {
	}

	/** The values by name; one that is not said has its default, and one
	 * without a default is not known. */
	static Map<String, String> parse(String[] args,
	    Map<String, String> defaults) {
		Map<String, String> values = new HashMap<>(defaults);
		for (int i = 0; i < args.length; i += 2) {
			if (!args[i].startsWith("--") ||
			    !defaults.containsKey(args[i].substring(2))) {
				throw new IllegalArgumentException(
				    "unknown option " + args[i]);
			}
			if (i + 1 == args.length) {
				throw new IllegalArgumentException(
				    args[i] + " wants a value");
			}
			values.put(args[i].substring(2), args[i + 1]);
		}
		return values;
	}
}
