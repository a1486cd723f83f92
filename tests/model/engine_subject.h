/* engine_subject: a script done by the engine and the compactor, in a directory
 * of its own, and by a plain array; whether both always say the same. Tiny
 * memtables, blocks, tables and levels, so that short scripts come through
 * flushes, compactions, reloads, restarts and kills. */
#ifndef TESTS_MODEL_ENGINE_SUBJECT_H
#define TESTS_MODEL_ENGINE_SUBJECT_H

#include "tests/model/engine_script.h"

#define RTT_FAILURE_BYTES 400

/* True: they differed; failure says where, and is "" else. */
bool rtt_engine_run(const struct rtt_script *script,
    char failure[RTT_FAILURE_BYTES]);

#endif
