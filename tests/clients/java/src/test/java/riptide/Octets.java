package riptide;

import java.nio.charset.StandardCharsets;

/** Keys and values that are no text. */
public final class Octets {
	private Octets() {
	}

	/** Each octet once, and then what looks like protocol. */
	public static byte[] all() {
		byte[] tail = "\r\n$-1\r\n+OK\r\n".getBytes(
		    StandardCharsets.US_ASCII);
		byte[] octets = new byte[256 + tail.length];
		for (int i = 0; i < 256; i++) {
			octets[i] = (byte) i;
		}
		System.arraycopy(tail, 0, octets, 256, tail.length);
		return octets;
	}

	/** So many octets that follow no short period. */
	public static byte[] many(int count) {
		byte[] octets = new byte[count];
		int state = 1;
		for (int i = 0; i < count; i++) {
			state = state * 1103515245 + 12345;
			octets[i] = (byte) (state >> 16);
		}
		return octets;
	}
}
