# clients: stock clients with their defaults, pinned, one script a language.
# They are installed below the build tree when a script first runs.
script_tests += tests/clients/test_debian_packages.py \
	tests/clients/test_go_redis.py \
	tests/clients/test_jedis.py \
	tests/clients/test_node.py \
	tests/clients/test_redis_cli.py \
	tests/clients/test_redis_py.py
EXTRA_DIST += examples/debian-packages/README.md \
	examples/debian-packages/packages.py tests/clients/client_setup.py \
	tests/clients/go_redis/go.mod tests/clients/go_redis/go.sum \
	tests/clients/go_redis/main.go tests/clients/jedis/Smoke.java \
	tests/clients/jedis/pom.xml tests/clients/jedis/v5/Door.java \
	tests/clients/jedis/v8/Door.java tests/clients/node/ioredis.js \
	tests/clients/node/package-lock.json tests/clients/node/package.json \
	tests/clients/node/redis.js tests/clients/node/smoke.js \
	tests/clients/redis_py/requirements.txt \
	tests/clients/redis_py/smoke.py
# What the scripts of this and other rooms leave in the build tree.
clean-local: clean-scripts
clean-scripts:
	-rm -rf tests/clients/installed tests/crash/failed-* tests/fuzz/found \
		tests/hypothesis/failed
.PHONY: clean-scripts
