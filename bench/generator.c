// SPDX-License-Identifier: GPL-2.0-only
#include "generator.h"

#include <stdio.h>
#include <string.h>

#include "../loader/fail.h"

/* The best first. */
static const struct generator_ops *const all[] = {
	&generator_pktgen,
	&generator_live,
	&generator_xsk,
};

const char *const generator_words[] = { "auto", "pktgen", "live", "xsk" };
const size_t generator_n_words = ARRAY_SIZE(generator_words);

static const struct generator_ops *find(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (!strcmp(all[i]->word, word))
			return all[i];
	return NULL;
}

static const struct generator_ops *choose_best(const struct job *job, char *why, size_t size)
{
	const char *joint = "";
	size_t len = 0;

	snprintf(why, size, "the best there is");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		const char *refusal = all[i]->refusal(job);

		if (!refusal)
			return all[i];
		len += snprintf(why + len, len < size ? size - len : 0, "%s%s: %s", joint,
				all[i]->word, refusal);
		joint = "; ";
	}
	fail(-EOPNOTSUPP, "no generator can do this: %s", why);
	return NULL;
}

const struct generator_ops *generator_choose(const char *word, const struct job *job,
					     const char **why)
{
	static char words[512];
	const struct generator_ops *ops = find(word);
	const char *refusal = ops ? ops->refusal(job) : NULL;

	*why = words;
	if (!ops)
		return choose_best(job, words, sizeof(words));
	snprintf(words, sizeof(words), "asked for");
	if (refusal)
		fail(-EOPNOTSUPP, "%s: %s", ops->word, refusal);
	return refusal ? NULL : ops;
}
