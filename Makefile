# SPDX-License-Identifier: GPL-2.0
# Every verb stands alone: it makes what it needs first.

.PHONY: help packages tree images refresh bench bench-profile check check-agree send range-diff fuzz clean

help:
	@echo 'make packages     install the Debian packages needed (root or sudo)'
	@echo 'make tree         build/linux (base + all series) and build/linux.base (base)'
	@echo '                  LINUX=/path: take the base from your own 7.3.y source'
	@echo 'make images       build/Image (series) and build/Image.base (base)'
	@echo '                  VARIANTS="debug 64k.base ...": these of config/variants'
	@echo '                  JOBS=n: parallel jobs instead of one per core'
	@echo 'make refresh      write the commits of build/linux back to the patches'
	@echo 'make bench        count what EL2 executes, series and base -> bench/results/'
	@echo 'make bench-profile   which functions: OPERATION="MAPTI+SYNC 2", or boot'
	@echo 'make check        every static check'
	@echo 'make check-agree  only: patches and in-tree files say the same'
	@echo 'make send         mails for git send-email, a dry run, and what is left to do'
	@echo '                  FROM=/path: of your own, signed-off patches'
	@echo 'make range-diff   what has changed in series/ since FROM=v1, or a commit'
	@echo '                  SERIES=series-redist, for send and range-diff: the second series'
	@echo 'make fuzz         look for inputs that break the code of EL2, for ever, on this'
	@echo '                  machine: tests/model/README.md'
	@echo 'make clean        remove kernels and test output, keep the source trees'
	@echo
	@echo './run and ./test do all of this by themselves; see README.md'

packages:
	@scripts/packages

tree:
	@scripts/tree

images: tree
	@scripts/images $(VARIANTS)

refresh:
	@scripts/refresh

bench: tree
	@scripts/images default default.base
	@python3 bench/table.py

OPERATION ?= MAPTI+SYNC 2
bench-profile: tree
	@scripts/images default default.base
	@python3 bench/table.py --profile '$(OPERATION)'

check: tree
	@scripts/check

check-agree:
	@scripts/check-agree

SERIES = series
send: tree
	@scripts/send $(SERIES) $(FROM)

range-diff: tree
	@scripts/range-diff $(SERIES) $(FROM)

fuzz: tree
	@$(MAKE) --no-print-directory -C tests/model fuzz

# build/linux may hold work that exists nowhere else, so it is not removed here.
clean:
	rm -rf build/images build/Image build/Image.base build/guest build/logs
	rm -rf build/linux/out.* build/linux.base/out.*
