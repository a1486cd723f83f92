package links;

/** A link as it is shown; created is a day, as 2026-01-31. */
record Link(String code, String url, String owner, String created,
    long visits) {
	String json() {
		return Json.object("code", code, "url", url, "owner", owner,
		    "created", created, "visits", visits);
	}
}
