// SPDX-License-Identifier: GPL-2.0-only
#include "stage.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "stage_object.h"

/* Larger than any stage; a longer file is something else. */
enum { OBJECT_MAX = 16 << 20 };

/* What the build put into the binary: "xdp/NAME", "tc/NAME"; ends with a NULL name. */
extern const struct embedded {
	const char *name;
	const uint8_t *start, *end;
} weir_embedded[];

/* Objects of weir's own that are no stages. */
static const char *const not_stages[] = { "xdp/root", "xdp/place", "xdp/arrive", "tc/root",
					  "tc/replay" };

static const struct embedded *embedded(const char *name)
{
	for (const struct embedded *e = weir_embedded; e->name; e++)
		if (!strcmp(e->name, name))
			return e;
	return NULL;
}

const void *stage_embedded(const char *name, size_t *size)
{
	const struct embedded *e = embedded(name);

	*size = e ? e->end - e->start : 0;
	return e ? e->start : NULL;
}

const char *stage_hook_name(enum hook_kind hook)
{
	return hook == HOOK_XDP ? "xdp" : "tc";
}

/* The stage's name if `e` is a stage of the hook, or NULL. */
static const char *stage_name(const struct embedded *e, enum hook_kind hook)
{
	const char *folder = stage_hook_name(hook);
	size_t len = strlen(folder);

	for (size_t i = 0; i < ARRAY_SIZE(not_stages); i++)
		if (!strcmp(e->name, not_stages[i]))
			return NULL;
	return !strncmp(e->name, folder, len) && e->name[len] == '/' ? e->name + len + 1 : NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t stage_builtin_names(enum hook_kind hook, const char *const **names)
{
	static struct {
		const char **list;
		size_t n;
	} both[2], *made;

	made = &both[hook != HOOK_XDP];
	for (const struct embedded *e = made->list ? NULL : weir_embedded; e && e->name; e++) {
		const char *name = stage_name(e, hook), **slot;

		if (!name)
			continue;
		slot = array_add(made->list, made->n);
		if (!slot)
			break;
		*slot = name;
	}
	if (made->list)
		qsort(made->list, made->n, sizeof(*made->list), by_name);
	*names = made->list;
	return made->n;
}

/* Takes over `image`, also on failure. */
static int read_image(void *image, size_t size, const char *origin, const struct pos *pos,
		      struct stage **out)
{
	_cleanup_(stage_object_closep) struct bpf_object *object = NULL;
	_cleanup_(stage_freep) struct stage *stage = calloc(1, sizeof(*stage));
	int err;

	if (!stage) {
		free(image);
		return fail_oom();
	}
	stage->object = image;
	stage->object_size = size;
	stage->origin = strdup(origin);
	if (!stage->origin)
		return fail_oom();
	err = stage_object_open(image, size, origin, pos, &object);
	if (!err)
		err = stage_btf_read(object, stage, pos);
	if (err)
		return err;
	*out = TAKE(stage);
	return 0;
}

static int unreadable(const struct word *word, int err)
{
	return fail_at(err, &word->pos, "cannot read the stage '%s': %s", word->text,
		       err == -EISDIR  ? "it is no regular file"
		       : err == -EFBIG ? "it is larger than 16 MiB, no stage is"
				       : strerror(-err));
}

/* The whole file; -EISDIR: not a regular one. Not reported. */
static int slurp(const char *path, void **out, size_t *size)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_free_ uint8_t *data = NULL;
	struct stat st;
	size_t n = 0;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EISDIR;
	if (st.st_size > OBJECT_MAX)
		return -EFBIG;
	data = malloc(st.st_size + 1);
	if (!data)
		return -ENOMEM;
	while (n < (size_t)st.st_size) {
		ssize_t got = read(fd, data + n, st.st_size - n);

		if (got < 0)
			return -errno;
		if (!got)
			break;
		n += got;
	}
	*size = n;
	*out = TAKE(data);
	return 0;
}

int stage_read_file(const struct word *word, struct stage **out)
{
	void *image = NULL;
	size_t size = 0;
	int err;

	*out = NULL;
	err = slurp(word->text, &image, &size);
	if (err)
		return unreadable(word, err);
	return read_image(image, size, word->text, &word->pos, out);
}

static int unknown(const struct word *word, enum hook_kind hook)
{
	enum hook_kind other = hook == HOOK_XDP ? HOOK_INGRESS : HOOK_XDP;
	const char *const *names, *nearest;
	size_t n = stage_builtin_names(other, &names);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], word->text))
			return fail_at(-ENOENT, &word->pos, "the stage '%s' is for %s, not for %s",
				       word->text, stage_hook_name(other), stage_hook_name(hook));
	n = stage_builtin_names(hook, &names);
	nearest = fail_nearest(word->text, names, n);
	if (nearest)
		return fail_at(-ENOENT, &word->pos, "no stage '%s' for %s; did you mean '%s'?",
			       word->text, stage_hook_name(hook), nearest);
	return fail_at(
		-ENOENT, &word->pos,
		"no stage '%s' for %s; `weir stages` lists them, and one of your own goes by its path",
		word->text, stage_hook_name(hook));
}

static int find_builtin(const struct word *word, enum hook_kind hook, struct stage **out)
{
	_free_ char *name = NULL;
	const struct embedded *e;
	size_t size;
	void *copy;
	int err;

	if (asprintf(&name, "%s/%s", stage_hook_name(hook), word->text) < 0) {
		name = NULL;
		return fail_oom();
	}
	e = embedded(name);
	if (!e || !stage_name(e, hook))
		return unknown(word, hook);
	size = e->end - e->start;
	copy = malloc(size);
	if (!copy)
		return fail_oom();
	err = read_image(memcpy(copy, e->start, size), size, "built in", &word->pos, out);
	if (!err)
		(*out)->hook = hook;
	return err;
}

bool stage_is_path(const char *word)
{
	size_t len = strlen(word);

	return strchr(word, '/') || (len > 2 && !strcmp(word + len - 2, ".o"));
}

int stage_find(const struct word *word, enum hook_kind hook, struct stage **out)
{
	_cleanup_(stage_freep) struct stage *stage = NULL;
	int err;

	*out = NULL;
	if (!stage_is_path(word->text))
		return find_builtin(word, hook, out);
	err = stage_read_file(word, &stage);
	if (err)
		return err;
	if ((stage->hook == HOOK_XDP) != (hook == HOOK_XDP))
		return fail_at(-EINVAL, &word->pos,
			       "'%s' is a stage for %s, not for %s: compile it %s -DWEIR_TC",
			       word->text, stage_hook_name(stage->hook), stage_hook_name(hook),
			       hook == HOOK_XDP ? "without" : "with");
	stage->hook = hook;
	*out = TAKE(stage);
	return 0;
}

void stage_free(struct stage *stage)
{
	if (!stage)
		return;
	for (size_t i = 0; i < stage->n_options; i++) {
		free(stage->options[i].name);
		free(stage->options[i].doc);
	}
	for (size_t i = 0; i < stage->n_reasons; i++)
		free(stage->reasons[i]);
	free(stage->options);
	free(stage->reasons);
	free(stage->conf);
	free(stage->object);
	free(stage->origin);
	free(stage->name);
	free(stage->doc);
	free(stage);
}

void stage_freep(struct stage **stage)
{
	stage_free(*stage);
	*stage = NULL;
}
