// SPDX-License-Identifier: GPL-2.0
/* Run inputs: files, or all files of folders. -v before them says what happens. */
#include "model.h"

#include <dirent.h>
#include <sys/stat.h>

static u32 nr_inputs;

static void run_file(const char *path)
{
	static u8 data[1 << 16];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		perror(path);
		exit(2);
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	say("%s", path);
	LLVMFuzzerTestOneInput(data, size);
	nr_inputs++;
}

static void run_path(const char *path)
{
	struct dirent *entry;
	struct stat info;
	char name[4096];
	DIR *folder;

	if (stat(path, &info) || !S_ISDIR(info.st_mode)) {
		run_file(path);
		return;
	}
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		run_file(name);
	}
	closedir(folder);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-v"))
			verbose = true;
		else
			run_path(argv[i]);
	}
	printf("%u inputs\n", nr_inputs);

	return 0;
}
