#include "riptided/loader.h"

#include <pthread.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/os/mutex.h"

struct rtd_loader {
	pthread_t thread;
	struct rtd_engine *engine;
	struct rtd_loading *loading;
	void (*done)(void *arg);
	void *arg;
	enum rt_code code;	/* this and err: when is_done */
	struct rt_err err;
	atomic_bool is_done;
};

static void *
loader_main(void *arg)
{
	struct rtd_loader *loader = arg;

	loader->code = rtd_engine_load(loader->engine, &loader->err);
	atomic_store(&loader->is_done, true);
	loader->done(loader->arg);
	return NULL;
}

struct rtd_loader *
rtd_loader_start(struct rtd_engine *engine, struct rtd_loading *loading,
    void (*done)(void *arg), void *arg)
{
	struct rtd_loader *loader = rt_alloc_zero(1, sizeof(*loader));

	loader->engine = engine;
	loader->loading = loading;
	loader->done = done;
	loader->arg = arg;
	rt_thread_start(&loader->thread, "load", loader_main, loader);
	return loader;
}

bool
rtd_loader_is_done(const struct rtd_loader *loader)
{
	return atomic_load(&loader->is_done);
}

enum rt_code
rtd_loader_finish(struct rtd_loader *loader, struct rtd_engine **out,
    struct rt_err *err)
{
	enum rt_code code;

	rt_thread_join(loader->thread);
	code = loader->code;
	if (code == RT_OK)
		*out = loader->engine;
	else if (err != NULL)
		*err = loader->err;
	free(loader);
	return code;
}

void
rtd_loader_stop(struct rtd_loader *loader)
{
	atomic_store(&loader->loading->stop, true);
}
