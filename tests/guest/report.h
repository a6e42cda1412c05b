/* SPDX-License-Identifier: GPL-2.0 */
/* The part of the reporting only PID 1 needs. */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>

bool report_open(void);
void report_done(void);

#endif
