// SPDX-License-Identifier: GPL-2.0
/* Load and unload kernel modules. */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest.h"

int load_module(const char *path, const char *params)
{
	int fd, ret, error;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ret = syscall(SYS_finit_module, fd, params ? params : "", 0);
	error = errno;
	close(fd);
	errno = error;
	return ret;
}

int unload_module(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK);
}
