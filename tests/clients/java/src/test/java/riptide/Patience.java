package riptide;

import java.util.concurrent.Callable;

/** Waiting for a condition, never for a time. */
public final class Patience {
	private static final long LIMIT_NS = 60_000_000_000L;
	private static final long PAUSE_MS = 10;

	private Patience() {
	}

	/** Calls until it returns true; an exception counts as false. */
	public static void until(String what, Callable<Boolean> condition)
	    throws InterruptedException {
		long end = System.nanoTime() + LIMIT_NS;
		Exception last = null;
		while (true) {
			try {
				if (condition.call()) {
					return;
				}
			} catch (InterruptedException error) {
				throw error;
			} catch (Exception error) {
				last = error;
			}
			if (System.nanoTime() > end) {
				throw new AssertionError(
				    "waited in vain: " + what, last);
			}
			Thread.sleep(PAUSE_MS);
		}
	}
}
