package riptide;

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** The server under test, as test_java.py tells it. */
public final class Server {
	public static final String NAME = System.getProperty("server.name");
	public static final String HOST = "127.0.0.1";
	public static final int PORT = Integer.getInteger("server.port");
	public static final int TLS_PORT =
	    Integer.getInteger("server.tls.port");
	/** The certificate of the authority that signed the server's. */
	public static final String AUTHORITY =
	    System.getProperty("tls.authority");

	private static final int CONTROL = Integer.getInteger("control.port");

	private Server() {
	}

	/** Redis 7.0 has no CLIENT SETINFO, so its CLIENT INFO tells less. */
	public static boolean isRiptide() {
		return NAME.equals("riptide");
	}

	/** Stops the server, starts it again, and waits until it serves. */
	public static void restart() throws IOException {
		try (Socket socket = new Socket(HOST, CONTROL)) {
			socket.getOutputStream().write(
			    ("restart " + NAME + "\n").getBytes(
			    StandardCharsets.US_ASCII));
			String reply = new BufferedReader(new InputStreamReader(
			    socket.getInputStream(),
			    StandardCharsets.US_ASCII)).readLine();
			if (!"done".equals(reply)) {
				throw new IOException("no restart: " + reply);
			}
		}
	}

	/** A store that trusts the test's own authority and nobody else. */
	public static KeyStore trust()
	    throws GeneralSecurityException, IOException {
		KeyStore store = KeyStore.getInstance(
		    KeyStore.getDefaultType());
		store.load(null, null);
		try (InputStream in = new FileInputStream(AUTHORITY)) {
			store.setCertificateEntry("authority",
			    CertificateFactory.getInstance("X.509")
			    .generateCertificate(in));
		}
		return store;
	}

	/** TLS that trusts like trust(). */
	public static SSLContext tls()
	    throws GeneralSecurityException, IOException {
		TrustManagerFactory managers = TrustManagerFactory.getInstance(
		    TrustManagerFactory.getDefaultAlgorithm());
		managers.init(trust());
		SSLContext context = SSLContext.getInstance("TLS");
		context.init(null, managers.getTrustManagers(), null);
		return context;
	}
}
