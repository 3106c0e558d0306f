# Paths and flags; every one may be given on the command line, all but WARN also in the environment.
PREFIX     ?= /usr/local
MANDIR     ?= $(PREFIX)/share/man
SYSCONFDIR ?= /etc
PROGPREFIX ?= tt-
BUILD      ?= build

CC         ?= cc
AR         ?= ar
OPT        ?= -O2
WARN       := -Wall -Wextra -Wshadow -Wvla -Wconversion -Wmissing-prototypes \
              -Wstrict-prototypes -Wwrite-strings -Wundef -Wno-missing-field-initializers
HARDEN     ?= -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
LDHARDEN   ?= -pie -Wl,-z,relro,-z,now -Wl,--as-needed
LIBS       ?= -lmsgpackc -lyaml -lsodium -lxxhash -ljansson -lutf8proc -lz -lpthread -lm
