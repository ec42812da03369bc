/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The proxy-CoA that a binding had before its last handover: for a while the MN's packets are taken from there too
 * (wire-formats G.6.2). Its tunnel lives as long.
 */
#include <stdlib.h>

#include "pmip/lma_internal.h"

#define BUSY_MS  100  /* while another change of the binding is under way */
#define RETRY_MS 1000 /* after a refusal */

/* The tunnel stays until no endpoint names it: a replacement can be refused, and then the old entry still does. */
static void on_end(struct timer *timer, void *context, uint64_t now_ms)
{
	struct lma_former *former = (struct lma_former *)timer; /* its first member */
	struct lma *lma = context;
	struct binding *binding = binding_cache_at(&lma->cache, former->binding);

	if (binding->pending != NULL) {
		timer_start(&lma->wheel, timer, now_ms + BUSY_MS);
		return;
	}
	former->is_over = true;
	former->serial = lma_serial_next(lma);
	lma_endpoints_replace(lma, binding);
	lma_commit(lma, binding, former->serial);
}

void lma_former_done(struct lma *lma, struct binding *binding, uint32_t serial, int error)
{
	struct lma_former *former = binding->former;

	if (former == NULL || former->serial != serial)
		return;
	if (error != 0) {
		timer_start(&lma->wheel, &former->timer, engine_ms(lma->now) + RETRY_MS);
		return;
	}
	binding->former = NULL;
	tunnels_release(lma->tunnels, former->tunnel);
	lma->host->ops->commit(lma->host, 0, 0);
	free(former);
}

struct lma_former *lma_former_create(const struct lma *lma, const struct binding *binding)
{
	struct lma_former *former = lma->config.former_linger_ms > 0 ? calloc(1, sizeof(*former)) : NULL;

	if (former == NULL)
		return NULL;
	timer_init(&former->timer, on_end);
	former->binding = binding_index(&lma->cache, binding);
	former->tunnel = binding->terms.tunnel;
	former->proxy_coa = binding->terms.proxy_coa;
	return former;
}

void lma_former_start(struct lma *lma, struct binding *binding, struct lma_former *former)
{
	struct lma_former *before = binding->former;

	binding->former = former;
	former->since_ms = engine_ms(lma->now);
	timer_start(&lma->wheel, &former->timer, former->since_ms + lma->config.former_linger_ms);
	if (before == NULL)
		return;
	timer_stop(&lma->wheel, &before->timer);
	tunnels_release(lma->tunnels, before->tunnel);
	lma->host->ops->commit(lma->host, 0, 0);
	free(before);
}

void lma_former_forget(struct lma *lma, struct binding *binding)
{
	if (binding->former == NULL)
		return;
	timer_stop(&lma->wheel, &binding->former->timer);
	free(binding->former);
	binding->former = NULL;
}
