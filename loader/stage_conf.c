// SPDX-License-Identifier: GPL-2.0-only
#include "stage.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

uint64_t stage_option_max(const struct stage_option *option)
{
	unsigned int bits = 8 * option->size;

	if (option->type == STAGE_BOOL)
		return 1;
	return UINT64_MAX >> (64 - bits + (option->type == STAGE_SIGNED));
}

int64_t stage_option_min(const struct stage_option *option)
{
	return option->type == STAGE_SIGNED ? -(int64_t)stage_option_max(option) - 1 : 0;
}

static const struct stage_option *find_option(const struct stage *stage, const char *name)
{
	for (size_t i = 0; i < stage->n_options; i++)
		if (!strcmp(stage->options[i].name, name))
			return &stage->options[i];
	return NULL;
}

static int unknown_option(const struct stage *stage, const struct use_option *option)
{
	_free_ const char **names = calloc(stage->n_options + 1, sizeof(*names));
	const char *nearest;

	if (!names)
		return fail_oom();
	if (!stage->n_options)
		return fail_at(-EINVAL, &option->pos, "stage '%s' has no options", stage->name);
	for (size_t i = 0; i < stage->n_options; i++)
		names[i] = stage->options[i].name;
	nearest = fail_nearest(option->name, names, stage->n_options);
	if (nearest)
		return fail_at(-EINVAL, &option->pos,
			       "stage '%s' has no option '%s'; did you mean '%s'?", stage->name,
			       option->name, nearest);
	return fail_at(-EINVAL, &option->pos,
		       "stage '%s' has no option '%s'; `weir stages %s` lists them", stage->name,
		       option->name,
		       strcmp(stage->origin, "built in") ? stage->origin : stage->name);
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return 16;
}

/* Digits, decimal or after 0x hexadecimal: 0, -EINVAL (no number), -ERANGE (not in 64 bits). */
static int parse_magnitude(const char *text, uint64_t *out)
{
	int base = 10;
	bool overflow = false;

	if (text[0] == '0' && (text[1] | 0x20) == 'x') {
		base = 16;
		text += 2;
	}
	if (!*text)
		return -EINVAL;
	for (*out = 0; *text; text++) {
		int digit = digit_of(*text);

		if (digit >= base)
			return -EINVAL;
		overflow |= __builtin_mul_overflow(*out, base, out);
		overflow |= __builtin_add_overflow(*out, digit, out);
	}
	return overflow ? -ERANGE : 0;
}

static int parse_number(const struct stage_option *option, const char *text, uint64_t *out)
{
	bool negative = *text == '-';
	uint64_t limit = stage_option_max(option);
	int err = parse_magnitude(text + negative, out);

	if (err)
		return err;
	if (negative && *out)
		limit = option->type == STAGE_SIGNED ? limit + 1 : 0;
	if (*out > limit)
		return -ERANGE;
	if (negative)
		*out = -*out;
	return 0;
}

static int parse_bool(const char *text, uint64_t *out)
{
	static const char *const words[][2] = {
		{ "false", "true" }, { "off", "on" }, { "no", "yes" }, { "0", "1" }
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		for (*out = 0; *out < 2; ++*out)
			if (!strcasecmp(text, words[i][*out]))
				return 0;
	}
	return -EINVAL;
}

static int bad_value(const struct stage_option *to, const struct use_option *option, int err)
{
	const struct pos *pos = &option->value_pos;
	int64_t min = stage_option_min(to);
	uint64_t max = stage_option_max(to);

	if (to->type == STAGE_BOOL)
		return fail_at(-EINVAL, pos,
			       "option '%s' is true or false (on, off, yes, no), not '%s'",
			       to->name, option->value);
	if (err == -ERANGE)
		return fail_at(-EINVAL, pos,
			       "option '%s' goes from %" PRId64 " to %" PRIu64 ", not '%s'",
			       to->name, min, max, option->value);
	return fail_at(-EINVAL, pos, "option '%s' is a number, decimal or 0x…, not '%s'", to->name,
		       option->value);
}

static void store(uint8_t *conf, const struct stage_option *to, uint64_t value)
{
	uint8_t *at = conf + to->offset;

	switch (to->size) {
	case 1:
		*at = value;
		break;
	case 2:
		memcpy(at, &(uint16_t){ value }, 2);
		break;
	case 4:
		memcpy(at, &(uint32_t){ value }, 4);
		break;
	case 8:
		memcpy(at, &value, 8);
		break;
	}
}

static int set_option(const struct stage *stage, const struct use_option *options, size_t i,
		      uint8_t *conf)
{
	const struct use_option *option = &options[i];
	const struct stage_option *to = find_option(stage, option->name);
	uint64_t value;
	int err;

	if (!to)
		return unknown_option(stage, option);
	for (size_t j = 0; j < i; j++)
		if (!strcmp(options[j].name, option->name))
			return fail_at(-EINVAL, &option->pos, "option '%s' stands here twice",
				       option->name);
	err = to->type == STAGE_BOOL ? parse_bool(option->value, &value)
				     : parse_number(to, option->value, &value);
	if (err)
		return bad_value(to, option, err);
	store(conf, to, value);
	return 0;
}

int stage_configure(const struct stage *stage, const struct use_option *options, size_t n,
		    uint8_t **out)
{
	_free_ uint8_t *conf = malloc(stage->conf_size + 1);
	int err = 0;

	*out = NULL;
	if (!conf)
		return fail_oom();
	if (stage->conf_size)
		memcpy(conf, stage->conf, stage->conf_size);
	for (size_t i = 0; i < n; i++)
		err = set_option(stage, options, i, conf) ?: err;
	if (err)
		return err;
	*out = TAKE(conf);
	return 0;
}
