# clients: stock clients with their defaults, pinned, one script a language; and
# the examples. Libraries are installed below the build tree when a script first
# runs.
script_tests += tests/clients/test_debian_packages.py \
	tests/clients/test_exporter.py \
	tests/clients/test_go_redis.py \
	tests/clients/test_hiredis.py \
	tests/clients/test_java.py \
	tests/clients/test_java_links.py \
	tests/clients/test_node.py \
	tests/clients/test_redis_cli.py \
	tests/clients/test_redis_py.py \
	tests/clients/test_shards.py
dist_noinst_SCRIPTS += examples/java-links/run
EXTRA_DIST += docs/clients.md examples/debian-packages/README.md \
	examples/debian-packages/packages.py \
	examples/java-links/README.md \
	examples/java-links/page.png \
	examples/java-links/pom.xml \
	examples/java-links/src/main/java/links/Answer.java \
	examples/java-links/src/main/java/links/Codes.java \
	examples/java-links/src/main/java/links/Feed.java \
	examples/java-links/src/main/java/links/Form.java \
	examples/java-links/src/main/java/links/Json.java \
	examples/java-links/src/main/java/links/Link.java \
	examples/java-links/src/main/java/links/Links.java \
	examples/java-links/src/main/java/links/Main.java \
	examples/java-links/src/main/java/links/Options.java \
	examples/java-links/src/main/java/links/Preview.java \
	examples/java-links/src/main/java/links/RateLimit.java \
	examples/java-links/src/main/java/links/Sessions.java \
	examples/java-links/src/main/java/links/Store.java \
	examples/java-links/src/main/java/links/Web.java \
	examples/java-links/src/main/resources/links/page.css \
	examples/java-links/src/main/resources/links/page.html \
	examples/java-links/src/main/resources/links/page.js \
	examples/java-links/src/test/java/links/CodesTest.java \
	examples/java-links/src/test/java/links/FormTest.java \
	examples/java-links/src/test/java/links/TextsTest.java \
	tests/clients/client_setup.py \
	tests/clients/go_redis/go.mod \
	tests/clients/go_redis/go.sum \
	tests/clients/go_redis/main.go \
	tests/clients/go_redis/more.go \
	tests/clients/go_redis/ring.go \
	tests/clients/hiredis/smoke.c \
	tests/clients/java/pom.xml \
	tests/clients/java/src/test/java/riptide/Load.java \
	tests/clients/java/src/test/java/riptide/Octets.java \
	tests/clients/java/src/test/java/riptide/Patience.java \
	tests/clients/java/src/test/java/riptide/Server.java \
	tests/clients/java/src/test/java/riptide/jedis/BitsTest.java \
	tests/clients/java/src/test/java/riptide/jedis/Door.java \
	tests/clients/java/src/test/java/riptide/jedis/KeysTest.java \
	tests/clients/java/src/test/java/riptide/jedis/LoadTest.java \
	tests/clients/java/src/test/java/riptide/jedis/PipelineTest.java \
	tests/clients/java/src/test/java/riptide/jedis/PoolTest.java \
	tests/clients/java/src/test/java/riptide/jedis/PubSubTest.java \
	tests/clients/java/src/test/java/riptide/jedis/Resp3Test.java \
	tests/clients/java/src/test/java/riptide/jedis/StringsTest.java \
	tests/clients/java/src/test/java/riptide/jedis/TlsTest.java \
	tests/clients/java/src/test/java/riptide/jedis/TransactionTest.java \
	tests/clients/java/src/test/java/riptide/jedis4/Door.java \
	tests/clients/java/src/test/java/riptide/jedis5/Door.java \
	tests/clients/java/src/test/java/riptide/jedis5/ShardsTest.java \
	tests/clients/java/src/test/java/riptide/jedis8/Door.java \
	tests/clients/java/src/test/java/riptide/lettuce/AsyncTest.java \
	tests/clients/java/src/test/java/riptide/lettuce/Clients.java \
	tests/clients/java/src/test/java/riptide/lettuce/LoadTest.java \
	tests/clients/java/src/test/java/riptide/lettuce/PubSubTest.java \
	tests/clients/java/src/test/java/riptide/lettuce/SyncTest.java \
	tests/clients/java/src/test/java/riptide/lettuce/TlsTest.java \
	tests/clients/java/src/test/java/riptide/lettuce/TransactionTest.java \
	tests/clients/node/ioredis.js \
	tests/clients/node/package-lock.json \
	tests/clients/node/package.json \
	tests/clients/node/redis.js \
	tests/clients/node/smoke.js \
	tests/clients/redis_py/aio.py \
	tests/clients/redis_py/requirements.txt \
	tests/clients/redis_py/smoke.py
# What the scripts of this and other rooms leave in the build tree.
clean-local: clean-scripts
clean-scripts:
	-rm -rf tests/clients/installed tests/crash/failed-* tests/fuzz/found \
		tests/hypothesis/failed tsan
.PHONY: clean-scripts
