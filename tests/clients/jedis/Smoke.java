import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisConnectionException;

/** The smoke test of Jedis: arguments are the port and a name for the form. */
public final class Smoke {
	private static String form;

	private Smoke() {
	}

	private static void equal(String name, Object got, Object wanted) {
		if (Objects.equals(got, wanted)) {
			System.out.println("ok " + form + "_" + name);
		} else {
			System.out.println("not ok " + form + "_" + name + " " + got);
		}
	}

	private static void smoke(UnifiedJedis client) {
		equal("connects_with_defaults", client.ping(), "PONG");
		equal("sets", client.set("j", "there"), "OK");
		equal("gets", client.get("j"), "there");
		equal("misses", client.get("j:none"), null);

		byte[] octets = new byte[256];
		for (int i = 0; i < octets.length; i++) {
			octets[i] = (byte) i;
		}
		byte[] key = "j:binary".getBytes();
		client.set(key, octets);
		equal("keeps_bytes", Arrays.equals(client.get(key), octets), true);

		client.mset("j:a", "1", "j:b", "2");
		equal("reads_many", client.mget("j:a", "j:none", "j:b"),
		    Arrays.asList("1", null, "2"));
		client.del("j:n");
		client.incr("j:n");
		equal("counts", client.incrBy("j:n", 41), 42L);
		client.expire("j:n", 60);
		long ttl = client.ttl("j:n");
		equal("expires", ttl > 50 && ttl <= 60, true);
		equal("deletes", client.del("j:a", "j:b", "j:none"), 2L);
		pipeline(client);
	}

	private static void pipeline(UnifiedJedis client) {
		AbstractPipeline pipe = client.pipelined();
		List<Response<String>> reads = new ArrayList<>();
		boolean good = true;

		for (int i = 0; i < 1000; i++) {
			pipe.set("j:p" + i, Integer.toString(i));
		}
		for (int i = 0; i < 1000; i++) {
			reads.add(pipe.get("j:p" + i));
		}
		pipe.sync();
		for (int i = 0; i < 1000; i++) {
			good &= reads.get(i).get().equals(Integer.toString(i));
		}
		pipe.close();
		equal("pipelines_a_thousand", good, true);
	}

	/** The pool may still hold connections of the server that went. */
	private static String getPatiently(UnifiedJedis client, String key)
	    throws InterruptedException {
		for (int tries = 0;; tries++) {
			try {
				return client.get(key);
			} catch (JedisConnectionException error) {
				if (tries == 100) {
					throw error;
				}
				Thread.sleep(50);
			}
		}
	}

	public static void main(String[] args) throws Exception {
		form = args[1];
		try (UnifiedJedis client = Door.open(Integer.parseInt(args[0]))) {
			smoke(client);
			System.out.println("restart");
			System.in.read();
			equal("reconnects", getPatiently(client, "j"), "there");
		}
	}
}
