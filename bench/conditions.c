// SPDX-License-Identifier: GPL-2.0-only
#include "conditions.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../loader/fail.h"
#include "../loader/wrap.h"

#define VULNERABILITIES "/sys/devices/system/cpu/vulnerabilities"

static void dir_closep(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* The first line of a file; the caller owns it. */
static char *read_line(const char *path)
{
	_fclose_ FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (!f || getline(&line, &size, f) < 0) {
		free(line);
		return strdup("unknown");
	}
	line[strcspn(line, "\n")] = 0;
	return line;
}

static void put_line(json_t *object, const char *key, const char *path)
{
	_free_ char *line = read_line(path);

	json_object_set_new(object, key, json_string(line ? line : "unknown"));
}

static const struct {
	const char *key, *path;
} jit[] = {
	{ "bpf_jit_enable", "/proc/sys/net/core/bpf_jit_enable" },
	{ "bpf_jit_harden", "/proc/sys/net/core/bpf_jit_harden" },
};

/* What conditions_begin() found; they live as long as the process. */
static char *jit_values[ARRAY_SIZE(jit)];

/* "1" if the kernel makes machine code of a program, else "0". */
static const char *try_jit(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "weir_bench_jit", "GPL", insns,
				       ARRAY_SIZE(insns), NULL);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		return "unknown";
	return info.jited_prog_len ? "1" : "0";
}

void conditions_begin(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(jit); i++)
		jit_values[i] = read_line(jit[i].path);
	/* We may be in such a namespace already. */
	if (jit_values[0] && !strcmp(jit_values[0], "unknown")) {
		free(jit_values[0]);
		jit_values[0] = strdup(try_jit());
	}
}

static void put_processor(json_t *object)
{
	_fclose_ FILE *f = fopen("/proc/cpuinfo", "re");
	_free_ char *line = NULL;
	size_t size = 0;

	while (f && getline(&line, &size, f) > 0) {
		char *value = strchr(line, ':');

		if (strncmp(line, "model name", strlen("model name")) || !value)
			continue;
		value[strcspn(value, "\n")] = 0;
		json_object_set_new(object, "processor", json_string(value + 2));
		return;
	}
	json_object_set_new(object, "processor", json_string("unknown"));
}

static json_t *read_mitigations(void)
{
	_cleanup_(dir_closep) DIR *dir = opendir(VULNERABILITIES);
	json_t *object = json_object();
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char path[sizeof(VULNERABILITIES) + 1 + sizeof(entry->d_name)];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), VULNERABILITIES "/%s", entry->d_name);
		put_line(object, entry->d_name, path);
	}
	return object;
}

json_t *conditions_read(void)
{
	json_t *object = json_object();
	struct utsname name;

	if (!object)
		return NULL;
	uname(&name);
	json_object_set_new(object, "kernel", json_string(name.release));
	json_object_set_new(object, "machine", json_string(name.machine));
	put_processor(object);
	json_object_set_new(object, "processors", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
	for (size_t i = 0; i < ARRAY_SIZE(jit); i++)
		json_object_set_new(object, jit[i].key, json_string(jit_values[i] ?: "unknown"));
	json_object_set_new(object, "mitigations", read_mitigations());
	return object;
}

void conditions_print(const json_t *conditions, FILE *out)
{
	json_t *mitigations = json_object_get(conditions, "mitigations"), *value;
	_free_ char *first = NULL;
	const char *key;

	if (asprintf(&first, "kernel %s, %s, %d CPUs; JIT %s, hardened %s",
		     json_string_value(json_object_get(conditions, "kernel")),
		     json_string_value(json_object_get(conditions, "processor")),
		     (int)json_integer_value(json_object_get(conditions, "processors")),
		     json_string_value(json_object_get(conditions, "bpf_jit_enable")),
		     json_string_value(json_object_get(conditions, "bpf_jit_harden"))) < 0)
		first = NULL;
	wrap_text(out, 0, first ?: "");
	json_object_foreach(mitigations, key, value)
	{
		if (strcmp(json_string_value(value), "Not affected"))
			wrap_pair(out, 0, key, json_string_value(value));
	}
}

static bool values_equal(const char *path, const json_t *a, const json_t *b);

static bool members_equal(const char *path, const json_t *a, const json_t *b)
{
	const char *key;
	json_t *value;
	bool equal = true;

	json_object_foreach((json_t *)a, key, value)
	{
		_free_ char *inner = NULL;

		if (!strcmp(key, "programs"))
			continue;
		if (asprintf(&inner, "%s%s%s", path, *path ? "." : "", key) < 0)
			return false;
		equal &= values_equal(inner, value, json_object_get(b, key));
	}
	return equal;
}

static bool values_equal(const char *path, const json_t *a, const json_t *b)
{
	_free_ char *x = NULL, *y = NULL;

	if (json_is_object(a) && json_is_object(b) && json_object_size(a) == json_object_size(b))
		return members_equal(path, a, b);
	if (b && json_equal(a, b))
		return true;
	x = json_dumps(a, JSON_ENCODE_ANY | JSON_COMPACT);
	y = b ? json_dumps(b, JSON_ENCODE_ANY | JSON_COMPACT) : strdup("not there");
	note("%s: %s, then %s", path, x ?: "", y ?: "");
	return false;
}

bool conditions_equal(const json_t *a, const json_t *b)
{
	return values_equal("", a, b);
}
