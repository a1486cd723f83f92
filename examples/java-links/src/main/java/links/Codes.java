package links;

/**
 * Short names for numbers: six letters and digits. Each number below 62^6 has a
 * code of its own, and the next number's begins otherwise, so that nobody's link
 * is one letter away from his neighbour's.
 */
final class Codes {
	static final int LENGTH = 6;

	private static final String ALPHABET =
	    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	private static final long BASE = ALPHABET.length();
	private static final long ALL = BASE * BASE * BASE * BASE * BASE * BASE;
	/** Has no factor in common with ALL, so it moves each number to a place
	 * that no other one takes; and no product with it overflows. */
	private static final long STEP = 161_803_399L;
	private static final long START = 31_415_926_535L;

	private Codes() {
	}

	static String of(long number) {
		if (number < 0 || number >= ALL) {
			throw new IllegalArgumentException(
			    "no code for " + number);
		}
		long rest = (number * STEP + START) % ALL;
		char[] code = new char[LENGTH];
		for (int i = LENGTH; i-- > 0; rest /= BASE) {
			code[i] = ALPHABET.charAt((int) (rest % BASE));
		}
		return new String(code);
	}

	static boolean isCode(String text) {
		return text.length() == LENGTH && text.chars().allMatch(
		    c -> ALPHABET.indexOf(c) >= 0);
	}
}
