#compdef bundler

autoload -U is-at-least

_bundler() {
    typeset -A opt_args
    typeset -a _arguments_options
    local ret=1

    if is-at-least 5.2; then
        _arguments_options=(-s -S -C)
    else
        _arguments_options=(-s -C)
    fi

    local context curcontext="$curcontext" state line
    _arguments "${_arguments_options[@]}" : \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_bundler_commands" \
"*::: :->bundler" \
&& ret=0
    case $state in
    (bundler)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:bundler-command-$line[1]:"
        case $line[1] in
            (demo)
_arguments "${_arguments_options[@]}" : \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
'::dir -- A new or empty folder for everything that it makes \[default\: a new temporary one\]:_files' \
&& ret=0
;;
(init)
_arguments "${_arguments_options[@]}" : \
'--recipe=[Which recipe]:NAME:_default' \
'*--set=[Give a variable of the recipe another value]:NAME=VALUE:_default' \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'--list[List the recipes that there are]' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
'::dir -- Where bundle.toml goes \[default\: here\]:_files' \
&& ret=0
;;
(keys)
_arguments "${_arguments_options[@]}" : \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_bundler__subcmd__keys_commands" \
"*::: :->keys" \
&& ret=0

    case $state in
    (keys)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:bundler-keys-command-$line[1]:"
        case $line[1] in
            (new)
_arguments "${_arguments_options[@]}" : \
'--algorithm=[How the key signs]:ALGORITHM:((ed25519\:"RFC 8032"))' \
'-o+[The folder for both files \[default\: here\]]:DIR:_files' \
'--output=[The folder for both files \[default\: here\]]:DIR:_files' \
'--passphrase-file=[Read the passphrase from a file, else from SEALIFT_PASSPHRASE, else ask]:FILE:_files' \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'(--passphrase-file)--no-passphrase[Leave the private key unencrypted]' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
':name -- The files'\'' name:_default' \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
'--passphrase-file=[Read the passphrase from a file, else from SEALIFT_PASSPHRASE, else ask]:FILE:_files' \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':file -- A public or private key:_files' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_bundler__subcmd__keys__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:bundler-keys-help-command-$line[1]:"
        case $line[1] in
            (new)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(root)
_arguments "${_arguments_options[@]}" : \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_bundler__subcmd__root_commands" \
"*::: :->root" \
&& ret=0

    case $state in
    (root)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:bundler-root-command-$line[1]:"
        case $line[1] in
            (new)
_arguments "${_arguments_options[@]}" : \
'-o+[The file to write]:ROOT:_files' \
'--output=[The file to write]:ROOT:_files' \
'*--key=[Give an owner a key and a role; the owner is named after the file]:ROLE=[OWNER:]PUB:_default' \
'*--threshold=[How many owners of a role must sign \[default\: 1\]]:ROLE=N:_default' \
'--enclave=[The name of the enclave whose hosts hold this root]:NAME:_default' \
'--expires=[When its trust ends\: 2031-01-01 or 2031-01-01T00\:00\:00Z]:DATE:_default' \
'*--floor=[Refuse bundles of this name below a sequence]:NAME=SEQUENCE:_default' \
'*--deny=[Refuse the bundle with this manifest digest]:sha256:HEX:_default' \
'--from=[Rules, floors, denied bundles and require-audience, as TOML]:FILE:_files' \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(next)
_arguments "${_arguments_options[@]}" : \
'-o+[The file to write]:ROOT:_files' \
'--output=[The file to write]:ROOT:_files' \
'*--remove=[Take an owner out, with all roles]:OWNER:_default' \
'*--key=[Give an owner a key and a role; the owner is named after the file]:ROLE=[OWNER:]PUB:_default' \
'*--threshold=[How many owners of a role must sign \[default\: 1\]]:ROLE=N:_default' \
'--enclave=[The name of the enclave whose hosts hold this root]:NAME:_default' \
'--expires=[When its trust ends\: 2031-01-01 or 2031-01-01T00\:00\:00Z]:DATE:_default' \
'*--floor=[Refuse bundles of this name below a sequence]:NAME=SEQUENCE:_default' \
'*--deny=[Refuse the bundle with this manifest digest]:sha256:HEX:_default' \
'--from=[Rules, floors, denied bundles and require-audience, as TOML]:FILE:_files' \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':old -- The root that it follows:_files' \
&& ret=0
;;
(sign)
_arguments "${_arguments_options[@]}" : \
'--key=[The private key of an owner in the role \`root\`]:KEY:_files' \
'--previous=[The root before it, for an owner who is leaving]:ROOT:_files' \
'--passphrase-file=[Read the passphrase from a file, else from SEALIFT_PASSPHRASE, else ask]:FILE:_files' \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':root -- The root to sign:_files' \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':root -- The root to show:_files' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_bundler__subcmd__root__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:bundler-root-help-command-$line[1]:"
        case $line[1] in
            (new)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(next)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(sign)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(lock)
_arguments "${_arguments_options[@]}" : \
'--recipe-file=[The recipe]:FILE:_files' \
'*--set=[Give a value to a variable of the recipe, or to a parameter of its trust policies; it stays in the lock until another is given, and an empty one takes it back]:NAME=VALUE:_default' \
'--store=[The store of downloads \[default\: \$XDG_CACHE_HOME/sealift/store\]]:DIR:_files' \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(update)
_arguments "${_arguments_options[@]}" : \
'--recipe-file=[The recipe]:FILE:_files' \
'*--set=[Give a value to a variable of the recipe, or to a parameter of its trust policies; it stays in the lock until another is given, and an empty one takes it back]:NAME=VALUE:_default' \
'--store=[The store of downloads \[default\: \$XDG_CACHE_HOME/sealift/store\]]:DIR:_files' \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
'*::names -- Artifacts, signers, trust stores and policies \[default\: all\]:_default' \
&& ret=0
;;
(build)
_arguments "${_arguments_options[@]}" : \
'-o+[The file to write \[default\: NAME-VERSION.bundle.tar here\]]:FILE:_files' \
'--output=[The file to write \[default\: NAME-VERSION.bundle.tar here\]]:FILE:_files' \
'--recipe-file=[The recipe]:FILE:_files' \
'*--set=[Give a value to a variable of the recipe, or to a parameter of its trust policies; it stays in the lock until another is given, and an empty one takes it back]:NAME=VALUE:_default' \
'--store=[The store of downloads \[default\: \$XDG_CACHE_HOME/sealift/store\]]:DIR:_files' \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'--replace[Replace another file of that name]' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(sign)
_arguments "${_arguments_options[@]}" : \
'--key=[Sign with this private key]:KEY:_files' \
'(-o --output --trust --public-key)--export=[Write the bytes to sign, for a signing room]:FILE:_files' \
'--import=[Take the raw signature over the exported bytes]:FILE:_files' \
'--public-key=[The key that made the imported signature]:PUB:_files' \
'-o+[Write the signatures to a file beside the bundle]:FILE:_files' \
'--output=[Write the signatures to a file beside the bundle]:FILE:_files' \
'--trust=[Show the key'\''s role in this trust root; refuse a key without one]:ROOT:_files' \
'--passphrase-file=[Read the passphrase from a file, else from SEALIFT_PASSPHRASE, else ask]:FILE:_files' \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':bundle -- The bundle:_files' \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':file -- A bundle, lock, key or trust root:_files' \
&& ret=0
;;
(diff)
_arguments "${_arguments_options[@]}" : \
'--store=[The store of downloads \[default\: \$XDG_CACHE_HOME/sealift/store\]]:DIR:_files' \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':old -- A bundle or a lock (FILE.lock):_files' \
':new -- Another of the same sort:_files' \
&& ret=0
;;
(store)
_arguments "${_arguments_options[@]}" : \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_bundler__subcmd__store_commands" \
"*::: :->store" \
&& ret=0

    case $state in
    (store)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:bundler-store-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
'--store=[The store of downloads \[default\: \$XDG_CACHE_HOME/sealift/store\]]:DIR:_files' \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
'--store=[The store of downloads \[default\: \$XDG_CACHE_HOME/sealift/store\]]:DIR:_files' \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'--remove[Remove damaged files, so that \`bundler lock\` fetches them again]' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(prune)
_arguments "${_arguments_options[@]}" : \
'*--lock=[Keep what this lock names; repeat it for every lock in use]:LOCK:_files' \
'--older-than=[Keep what was fetched or used in the last so many days]:DAYS:_default' \
'--store=[The store of downloads \[default\: \$XDG_CACHE_HOME/sealift/store\]]:DIR:_files' \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'--plan[Only say what would be removed]' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_bundler__subcmd__store__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:bundler-store-help-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(prune)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_bundler__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:bundler-help-command-$line[1]:"
        case $line[1] in
            (demo)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(init)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(keys)
_arguments "${_arguments_options[@]}" : \
":: :_bundler__subcmd__help__subcmd__keys_commands" \
"*::: :->keys" \
&& ret=0

    case $state in
    (keys)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:bundler-help-keys-command-$line[1]:"
        case $line[1] in
            (new)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(root)
_arguments "${_arguments_options[@]}" : \
":: :_bundler__subcmd__help__subcmd__root_commands" \
"*::: :->root" \
&& ret=0

    case $state in
    (root)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:bundler-help-root-command-$line[1]:"
        case $line[1] in
            (new)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(next)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(sign)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(lock)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(update)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(build)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(sign)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(diff)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(store)
_arguments "${_arguments_options[@]}" : \
":: :_bundler__subcmd__help__subcmd__store_commands" \
"*::: :->store" \
&& ret=0

    case $state in
    (store)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:bundler-help-store-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(prune)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
}

(( $+functions[_bundler_commands] )) ||
_bundler_commands() {
    local commands; commands=(
'demo:The whole story on an embedded example' \
'init:Write a commented recipe to start from' \
'keys:Make or show keys' \
'root:The trust root'\''s ceremony' \
'lock:Fetch, check and pin everything that the recipe names' \
'update:Lock anew what the servers have now' \
'build:Build the bundle that the lock describes' \
'sign:Prove a bundle, then add one signature' \
'show:Show a bundle, lock, key or trust root' \
'diff:Show what changed between two bundles or two locks' \
'store:The store of downloads\: list it, verify it, prune it' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'bundler commands' commands "$@"
}
(( $+functions[_bundler__subcmd__build_commands] )) ||
_bundler__subcmd__build_commands() {
    local commands; commands=()
    _describe -t commands 'bundler build commands' commands "$@"
}
(( $+functions[_bundler__subcmd__demo_commands] )) ||
_bundler__subcmd__demo_commands() {
    local commands; commands=()
    _describe -t commands 'bundler demo commands' commands "$@"
}
(( $+functions[_bundler__subcmd__diff_commands] )) ||
_bundler__subcmd__diff_commands() {
    local commands; commands=()
    _describe -t commands 'bundler diff commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help_commands] )) ||
_bundler__subcmd__help_commands() {
    local commands; commands=(
'demo:The whole story on an embedded example' \
'init:Write a commented recipe to start from' \
'keys:Make or show keys' \
'root:The trust root'\''s ceremony' \
'lock:Fetch, check and pin everything that the recipe names' \
'update:Lock anew what the servers have now' \
'build:Build the bundle that the lock describes' \
'sign:Prove a bundle, then add one signature' \
'show:Show a bundle, lock, key or trust root' \
'diff:Show what changed between two bundles or two locks' \
'store:The store of downloads\: list it, verify it, prune it' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'bundler help commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__build_commands] )) ||
_bundler__subcmd__help__subcmd__build_commands() {
    local commands; commands=()
    _describe -t commands 'bundler help build commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__demo_commands] )) ||
_bundler__subcmd__help__subcmd__demo_commands() {
    local commands; commands=()
    _describe -t commands 'bundler help demo commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__diff_commands] )) ||
_bundler__subcmd__help__subcmd__diff_commands() {
    local commands; commands=()
    _describe -t commands 'bundler help diff commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__help_commands] )) ||
_bundler__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'bundler help help commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__init_commands] )) ||
_bundler__subcmd__help__subcmd__init_commands() {
    local commands; commands=()
    _describe -t commands 'bundler help init commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__keys_commands] )) ||
_bundler__subcmd__help__subcmd__keys_commands() {
    local commands; commands=(
'new:Make a key pair\: NAME.key, encrypted, and NAME.pub' \
'show:Show the id of a key' \
    )
    _describe -t commands 'bundler help keys commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__keys__subcmd__new_commands] )) ||
_bundler__subcmd__help__subcmd__keys__subcmd__new_commands() {
    local commands; commands=()
    _describe -t commands 'bundler help keys new commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__keys__subcmd__show_commands] )) ||
_bundler__subcmd__help__subcmd__keys__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'bundler help keys show commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__lock_commands] )) ||
_bundler__subcmd__help__subcmd__lock_commands() {
    local commands; commands=()
    _describe -t commands 'bundler help lock commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__root_commands] )) ||
_bundler__subcmd__help__subcmd__root_commands() {
    local commands; commands=(
'new:Make the first trust root' \
'next:Make the trust root that follows another' \
'sign:Add an owner'\''s signature to a trust root' \
'show:Show a trust root and its fingerprint' \
    )
    _describe -t commands 'bundler help root commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__root__subcmd__new_commands] )) ||
_bundler__subcmd__help__subcmd__root__subcmd__new_commands() {
    local commands; commands=()
    _describe -t commands 'bundler help root new commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__root__subcmd__next_commands] )) ||
_bundler__subcmd__help__subcmd__root__subcmd__next_commands() {
    local commands; commands=()
    _describe -t commands 'bundler help root next commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__root__subcmd__show_commands] )) ||
_bundler__subcmd__help__subcmd__root__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'bundler help root show commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__root__subcmd__sign_commands] )) ||
_bundler__subcmd__help__subcmd__root__subcmd__sign_commands() {
    local commands; commands=()
    _describe -t commands 'bundler help root sign commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__show_commands] )) ||
_bundler__subcmd__help__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'bundler help show commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__sign_commands] )) ||
_bundler__subcmd__help__subcmd__sign_commands() {
    local commands; commands=()
    _describe -t commands 'bundler help sign commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__store_commands] )) ||
_bundler__subcmd__help__subcmd__store_commands() {
    local commands; commands=(
'list:List the files, with the time of their last use' \
'verify:Read every file and compare it with its name' \
'prune:Remove what is no longer needed, and unfinished downloads' \
    )
    _describe -t commands 'bundler help store commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__store__subcmd__list_commands] )) ||
_bundler__subcmd__help__subcmd__store__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'bundler help store list commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__store__subcmd__prune_commands] )) ||
_bundler__subcmd__help__subcmd__store__subcmd__prune_commands() {
    local commands; commands=()
    _describe -t commands 'bundler help store prune commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__store__subcmd__verify_commands] )) ||
_bundler__subcmd__help__subcmd__store__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'bundler help store verify commands' commands "$@"
}
(( $+functions[_bundler__subcmd__help__subcmd__update_commands] )) ||
_bundler__subcmd__help__subcmd__update_commands() {
    local commands; commands=()
    _describe -t commands 'bundler help update commands' commands "$@"
}
(( $+functions[_bundler__subcmd__init_commands] )) ||
_bundler__subcmd__init_commands() {
    local commands; commands=()
    _describe -t commands 'bundler init commands' commands "$@"
}
(( $+functions[_bundler__subcmd__keys_commands] )) ||
_bundler__subcmd__keys_commands() {
    local commands; commands=(
'new:Make a key pair\: NAME.key, encrypted, and NAME.pub' \
'show:Show the id of a key' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'bundler keys commands' commands "$@"
}
(( $+functions[_bundler__subcmd__keys__subcmd__help_commands] )) ||
_bundler__subcmd__keys__subcmd__help_commands() {
    local commands; commands=(
'new:Make a key pair\: NAME.key, encrypted, and NAME.pub' \
'show:Show the id of a key' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'bundler keys help commands' commands "$@"
}
(( $+functions[_bundler__subcmd__keys__subcmd__help__subcmd__help_commands] )) ||
_bundler__subcmd__keys__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'bundler keys help help commands' commands "$@"
}
(( $+functions[_bundler__subcmd__keys__subcmd__help__subcmd__new_commands] )) ||
_bundler__subcmd__keys__subcmd__help__subcmd__new_commands() {
    local commands; commands=()
    _describe -t commands 'bundler keys help new commands' commands "$@"
}
(( $+functions[_bundler__subcmd__keys__subcmd__help__subcmd__show_commands] )) ||
_bundler__subcmd__keys__subcmd__help__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'bundler keys help show commands' commands "$@"
}
(( $+functions[_bundler__subcmd__keys__subcmd__new_commands] )) ||
_bundler__subcmd__keys__subcmd__new_commands() {
    local commands; commands=()
    _describe -t commands 'bundler keys new commands' commands "$@"
}
(( $+functions[_bundler__subcmd__keys__subcmd__show_commands] )) ||
_bundler__subcmd__keys__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'bundler keys show commands' commands "$@"
}
(( $+functions[_bundler__subcmd__lock_commands] )) ||
_bundler__subcmd__lock_commands() {
    local commands; commands=()
    _describe -t commands 'bundler lock commands' commands "$@"
}
(( $+functions[_bundler__subcmd__root_commands] )) ||
_bundler__subcmd__root_commands() {
    local commands; commands=(
'new:Make the first trust root' \
'next:Make the trust root that follows another' \
'sign:Add an owner'\''s signature to a trust root' \
'show:Show a trust root and its fingerprint' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'bundler root commands' commands "$@"
}
(( $+functions[_bundler__subcmd__root__subcmd__help_commands] )) ||
_bundler__subcmd__root__subcmd__help_commands() {
    local commands; commands=(
'new:Make the first trust root' \
'next:Make the trust root that follows another' \
'sign:Add an owner'\''s signature to a trust root' \
'show:Show a trust root and its fingerprint' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'bundler root help commands' commands "$@"
}
(( $+functions[_bundler__subcmd__root__subcmd__help__subcmd__help_commands] )) ||
_bundler__subcmd__root__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'bundler root help help commands' commands "$@"
}
(( $+functions[_bundler__subcmd__root__subcmd__help__subcmd__new_commands] )) ||
_bundler__subcmd__root__subcmd__help__subcmd__new_commands() {
    local commands; commands=()
    _describe -t commands 'bundler root help new commands' commands "$@"
}
(( $+functions[_bundler__subcmd__root__subcmd__help__subcmd__next_commands] )) ||
_bundler__subcmd__root__subcmd__help__subcmd__next_commands() {
    local commands; commands=()
    _describe -t commands 'bundler root help next commands' commands "$@"
}
(( $+functions[_bundler__subcmd__root__subcmd__help__subcmd__show_commands] )) ||
_bundler__subcmd__root__subcmd__help__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'bundler root help show commands' commands "$@"
}
(( $+functions[_bundler__subcmd__root__subcmd__help__subcmd__sign_commands] )) ||
_bundler__subcmd__root__subcmd__help__subcmd__sign_commands() {
    local commands; commands=()
    _describe -t commands 'bundler root help sign commands' commands "$@"
}
(( $+functions[_bundler__subcmd__root__subcmd__new_commands] )) ||
_bundler__subcmd__root__subcmd__new_commands() {
    local commands; commands=()
    _describe -t commands 'bundler root new commands' commands "$@"
}
(( $+functions[_bundler__subcmd__root__subcmd__next_commands] )) ||
_bundler__subcmd__root__subcmd__next_commands() {
    local commands; commands=()
    _describe -t commands 'bundler root next commands' commands "$@"
}
(( $+functions[_bundler__subcmd__root__subcmd__show_commands] )) ||
_bundler__subcmd__root__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'bundler root show commands' commands "$@"
}
(( $+functions[_bundler__subcmd__root__subcmd__sign_commands] )) ||
_bundler__subcmd__root__subcmd__sign_commands() {
    local commands; commands=()
    _describe -t commands 'bundler root sign commands' commands "$@"
}
(( $+functions[_bundler__subcmd__show_commands] )) ||
_bundler__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'bundler show commands' commands "$@"
}
(( $+functions[_bundler__subcmd__sign_commands] )) ||
_bundler__subcmd__sign_commands() {
    local commands; commands=()
    _describe -t commands 'bundler sign commands' commands "$@"
}
(( $+functions[_bundler__subcmd__store_commands] )) ||
_bundler__subcmd__store_commands() {
    local commands; commands=(
'list:List the files, with the time of their last use' \
'verify:Read every file and compare it with its name' \
'prune:Remove what is no longer needed, and unfinished downloads' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'bundler store commands' commands "$@"
}
(( $+functions[_bundler__subcmd__store__subcmd__help_commands] )) ||
_bundler__subcmd__store__subcmd__help_commands() {
    local commands; commands=(
'list:List the files, with the time of their last use' \
'verify:Read every file and compare it with its name' \
'prune:Remove what is no longer needed, and unfinished downloads' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'bundler store help commands' commands "$@"
}
(( $+functions[_bundler__subcmd__store__subcmd__help__subcmd__help_commands] )) ||
_bundler__subcmd__store__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'bundler store help help commands' commands "$@"
}
(( $+functions[_bundler__subcmd__store__subcmd__help__subcmd__list_commands] )) ||
_bundler__subcmd__store__subcmd__help__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'bundler store help list commands' commands "$@"
}
(( $+functions[_bundler__subcmd__store__subcmd__help__subcmd__prune_commands] )) ||
_bundler__subcmd__store__subcmd__help__subcmd__prune_commands() {
    local commands; commands=()
    _describe -t commands 'bundler store help prune commands' commands "$@"
}
(( $+functions[_bundler__subcmd__store__subcmd__help__subcmd__verify_commands] )) ||
_bundler__subcmd__store__subcmd__help__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'bundler store help verify commands' commands "$@"
}
(( $+functions[_bundler__subcmd__store__subcmd__list_commands] )) ||
_bundler__subcmd__store__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'bundler store list commands' commands "$@"
}
(( $+functions[_bundler__subcmd__store__subcmd__prune_commands] )) ||
_bundler__subcmd__store__subcmd__prune_commands() {
    local commands; commands=()
    _describe -t commands 'bundler store prune commands' commands "$@"
}
(( $+functions[_bundler__subcmd__store__subcmd__verify_commands] )) ||
_bundler__subcmd__store__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'bundler store verify commands' commands "$@"
}
(( $+functions[_bundler__subcmd__update_commands] )) ||
_bundler__subcmd__update_commands() {
    local commands; commands=()
    _describe -t commands 'bundler update commands' commands "$@"
}

if [ "$funcstack[1]" = "_bundler" ]; then
    _bundler "$@"
else
    compdef _bundler bundler
fi
