# SPDX-License-Identifier: Apache-2.0
# What every script shares; the Makefile puts this text in place of the line `# @common@`.
# Programs beside the script go before any others of the same name.
# shellcheck disable=SC2034
prefix='@PROGPREFIX@'
# shellcheck disable=SC2034
version='@VERSION@'
# shellcheck disable=SC2034
sysconfdir='@SYSCONFDIR@'
prog=${0##*/}
here=$(dirname -- "$(readlink -f -- "$0")")
PATH=$here:$PATH
export PATH
# Where standard error is closed, the next file that is opened would take its number.
(: 3>&2) || exec 2>/dev/null

# What is taken where no model is named.
# shellcheck disable=SC2034
default_generator=qwen2.5-coder-1.5b default_embedder=minilm

# Messages quote names and arguments; what steers a terminal becomes "?". One that cannot be written changes no status.
message() {
	printf '%s: %s\n' "$prog" "$*" | LC_ALL=C awk '{ gsub(/[\001-\010\013-\037\177]|\302[\200-\237]/, "?"); print }' >&2 || :
}
# Leaves with STATUS after "prog: message" on stderr.
die() { # STATUS MESSAGE...
	die_status=$1
	shift
	clear_progress
	message "$*"
	exit "$die_status"
}
warn() {
	clear_progress
	message "warning: $*"
}
misuse() {
	message "$*"
	usage >&2 || :
	exit 2
}

# Reads the options in front of the other arguments. LETTERS is what getopts takes; WORDS are the long options, with ":" behind a
# word that has a value (--word VALUE, --word=VALUE). The script's `option -X VALUE` or `option --word VALUE` is called for each; -h
# and -V, --help and --version are answered here. $n_options becomes the number of arguments to shift away.
read_options() { # LETTERS WORDS ARGUMENT...
	opt_letters=$1 opt_words=" $2 help version "
	shift 2
	n_options=0
	OPTIND=1
	while getopts ":${opt_letters}hV-:" opt
	do
		opt_value=${OPTARG-}
		case $opt in
		-)
			opt=--${opt_value%%=*}
			case $opt_words in
			*" ${opt#--}: "*)
				case $opt_value in
				*=*) opt_value=${opt_value#*=} ;;
				*)
					# The value is an argument of its own, which getopts must not see: it begins anew behind it.
					shift $((OPTIND - 1))
					test $# -gt 0 || misuse "$opt needs a value"
					opt_value=$1
					shift
					n_options=$((n_options + OPTIND))
					OPTIND=1
					;;
				esac
				;;
			*" $opt_value "*) opt_value='' ;;
			*) misuse "unknown option '--$opt_value'" ;;
			esac
			;;
		:) misuse "-$opt_value needs a value" ;;
		'?') misuse "unknown option '-$opt_value'" ;;
		*) opt=-$opt ;;
		esac
		case $opt in
		-h | --help)
			usage || exit 74
			exit 0
			;;
		-V | --version)
			printf '%s %s\n' "$prog" "$version" || exit 74
			exit 0
			;;
		esac
		option "$opt" "$opt_value" || misuse "unknown option '$opt'"
	done
	n_options=$((n_options + OPTIND - 1))
}

# Progress is one line that is written over, and only where somebody is looking.
# shellcheck disable=SC2317 # not every script shows it
progress() {
	if test -t 2
	then
		printf '\r\033[K%s' "$*" >&2
	fi
}
# shellcheck disable=SC2317
clear_progress() {
	if test -t 2
	then
		printf '\r\033[K' >&2
	fi
}

# A signal ends the script as any other end does: through its EXIT trap.
# shellcheck disable=SC2317
exit_on_signals() {
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}
# Removes what is there for the time of the script only. A signal that comes meanwhile, to rm as well, must leave nothing behind.
# shellcheck disable=SC2317
clean_up() { # FILE
	trap '' HUP INT TERM
	rm -rf "$1"
}
# $tmp: a directory that goes when the script does.
# shellcheck disable=SC2317
make_tmp() {
	tmp=	# the caller's environment may have one, which the trap must not take for ours
	trap 'clear_progress; clean_up "$tmp"' EXIT
	exit_on_signals
	tmp=$(mktemp -d) || die 73 "cannot create a temporary directory"
}

# A user's directories (tiny-titans(7)). Without XDG variables and HOME there is no place for a user's data. As the XDG specification wants,
# a relative path in these variables is ignored.
data_dir() {
	case ${XDG_DATA_HOME:-} in
	/*) printf '%s/tiny-titans\n' "$XDG_DATA_HOME" ;;
	*)
		test -n "${HOME:-}" || die 78 "neither XDG_DATA_HOME nor HOME is set"
		printf '%s/.local/share/tiny-titans\n' "$HOME"
		;;
	esac
}
config_dir() {
	case ${XDG_CONFIG_HOME:-} in
	/*) printf '%s/tiny-titans\n' "$XDG_CONFIG_HOME" ;;
	*) printf '%s/.config/tiny-titans\n' "${HOME:-/nonexistent}" ;;
	esac
}

# Prints the first NAME that there is in: the user's configuration, the system's, what was installed, the source tree.
find_shared() { # NAME
	for find_dir in "$(config_dir)" "$sysconfdir/tiny-titans" "${here%/*}/share/tiny-titans" "${here%/*/*}/share"
	do
		if test -e "$find_dir/$1"
		then
			printf '%s/%s\n' "$find_dir" "$1"
			return 0
		fi
	done
	return 1
}

# Prints what the configuration says of KEY, for CORPUS or else for all, or DEFAULT where it says nothing. Options and the environment
# go before it: that is for the script to see to.
# shellcheck disable=SC2317
configured() { # KEY CORPUS DEFAULT
	conf_value=
	if conf_file=${TT_CONFIG:-$(find_shared tiny-titans.yaml)}
	then
		conf_lines=$("${prefix}conf" corpora "$conf_file") || exit $?
		conf_value=$(printf '%s\n' "$conf_lines" | awk -F '\t' -v key="$1" -v corpus="$2" '$1 "" == corpus && $2 == key { print $3 }')
		test -n "$conf_value" || conf_value=$("${prefix}conf" get "$1" "$conf_file") || test $? = 1
	fi
	printf '%s\n' "${conf_value:-$3}"
}
# Tells the programs how large the store of prompt state may grow, where the configuration says it: in MiB, a part of one is one.
# shellcheck disable=SC2317
bound_cache() {
	test -z "${TT_PREFIX_MIB:-}" || return 0
	cache_size=$(configured cache.prefix '' '') || exit $?
	test -n "$cache_size" || return 0
	TT_PREFIX_MIB=$(printf '%s\n' "$cache_size" | awk '{
		power = index("KMGT", substr($0, length($0)))
		mib = ($0 + 0) * 1024 ^ (power - 2)
		mib += mib > int(mib)
		print mib < 16777216 ? int(mib) : 16777216
	}')
	export TT_PREFIX_MIB
}

# POSIX sh forgets how the stages of a pipeline ended, all but the last. So each runs as `stage N COMMAND...`, which
# notes its status below $tmp, and `pipe_status N` gives what N stages together come to: the first failure in the order
# of the pipe, for what follows is its consequence; a stage that its reader left early (141, SIGPIPE) did not fail; where
# no stage failed, 1 (nothing found) goes before 3 (partly done) before 0.
stage() { # N COMMAND...
	stage_n=$1
	shift
	stage_status=0
	"$@" || stage_status=$?
	echo "$stage_status" >"$tmp/stage.$stage_n"
	return "$stage_status"
}
pipe_status() { # N
	pipe_partly=0
	pipe_nothing=0
	pipe_i=1
	while test "$pipe_i" -le "$1"
	do
		read -r stage_status <"$tmp/stage.$pipe_i" || stage_status=74	# what could not be written there
		case $stage_status in
		0 | 141) ;;
		1) pipe_nothing=1 ;;
		3) pipe_partly=1 ;;
		*)
			echo "$stage_status"
			return
			;;
		esac
		pipe_i=$((pipe_i + 1))
	done
	if test "$pipe_nothing" = 1
	then
		echo 1
	elif test "$pipe_partly" = 1
	then
		echo 3
	else
		echo 0
	fi
}

# A name stands for a directory below the user's index directory; what holds a slash is a directory itself.
index_dir() { # NAME
	case $1 in
	*/*) printf '%s\n' "$1" ;;
	*)
		# By itself, for what ends inside of $(...) ends nothing else.
		index_data=$(data_dir) || exit $?
		printf '%s/index/%s\n' "$index_data" "$1"
		;;
	esac
}
# Ends the run where NAME leads to no index. A directory of that name here is what was meant, mostly.
# shellcheck disable=SC2317
need_index() { # NAME DIR
	test ! -d "$2" || return 0
	test "$1" = "$2" || test ! -f "$1/manifest" || die 66 "no index '$2' (the directory of that name here is './$1')"
	test ! -f "$2.lexical" || die 66 "no index '$2' ('${prefix}sync' found nothing to read for it, or it was removed since)"
	die 66 "no index '$2' ('${prefix}sync' makes the index of a corpus)"
}
