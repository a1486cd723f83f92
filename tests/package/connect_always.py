"""connect_always.py PORT: a new connection and a SET for each, as fast as they
are answered, until standard input ends; then a line with the number of them,
and one for each that went wrong."""

import os
import select
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import riptide_test as rt  # noqa: E402

port = int(sys.argv[1])
answered, wrong = 0, []
while not select.select([sys.stdin], [], [], 0)[0]:
    try:
        with rt.RespClient(port=port) as client:
            client.call("SET", "counter", answered + 1)
        answered += 1
    except (OSError, rt.Closed, rt.ReplyError) as error:
        wrong.append("%s: %s" % (type(error).__name__, error))
print(answered)
for line in wrong:
    print(line)
