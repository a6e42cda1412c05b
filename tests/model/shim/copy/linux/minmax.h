/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MODEL_MINMAX_H
#define _MODEL_MINMAX_H
#define min(a, b)	({ __auto_type _a = (a); __auto_type _b = (b); _a < _b ? _a : _b; })
#define max(a, b)	({ __auto_type _a = (a); __auto_type _b = (b); _a > _b ? _a : _b; })
#define min_t(t, a, b)	min((t)(a), (t)(b))
#define max_t(t, a, b)	max((t)(a), (t)(b))
#define min3(a, b, c)	({ __auto_type _c = (c); __auto_type _m = min(a, b); _m < _c ? _m : _c; })
#define swap(a, b) ({ __typeof__(a) _old = (a); (a) = (b); (b) = _old; })

#endif
