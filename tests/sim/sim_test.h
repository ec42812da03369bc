/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What cmocka.h wants before it, in its order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "domain.h"
