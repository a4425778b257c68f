#compdef verifier

autoload -U is-at-least

_verifier() {
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
'--state=[This host'\''s trust root, ledger and journal \[default\: /var/lib/sealift for root, \$XDG_STATE_HOME/sealift else\]]:DIR:_files' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_verifier_commands" \
"*::: :->verifier" \
&& ret=0
    case $state in
    (verifier)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:verifier-command-$line[1]:"
        case $line[1] in
            (trust)
_arguments "${_arguments_options[@]}" : \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'--state=[This host'\''s trust root, ledger and journal \[default\: /var/lib/sealift for root, \$XDG_STATE_HOME/sealift else\]]:DIR:_files' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_verifier__subcmd__trust_commands" \
"*::: :->trust" \
&& ret=0

    case $state in
    (trust)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:verifier-trust-command-$line[1]:"
        case $line[1] in
            (init)
_arguments "${_arguments_options[@]}" : \
'--fingerprint=[Its SHA-256, as \`bundler root show\` prints it]:SHA256:_default' \
'--host=[What this host is called, in reports]:NAME:_default' \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'--state=[This host'\''s trust root, ledger and journal \[default\: /var/lib/sealift for root, \$XDG_STATE_HOME/sealift else\]]:DIR:_files' \
'--replace[Give up the present root; this is recorded, the ledger stays]' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':root -- The trust root:_files' \
&& ret=0
;;
(update)
_arguments "${_arguments_options[@]}" : \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'--state=[This host'\''s trust root, ledger and journal \[default\: /var/lib/sealift for root, \$XDG_STATE_HOME/sealift else\]]:DIR:_files' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
'*::roots -- The next trust roots, in order:_files' \
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
'--state=[This host'\''s trust root, ledger and journal \[default\: /var/lib/sealift for root, \$XDG_STATE_HOME/sealift else\]]:DIR:_files' \
'--host-key[Print only this host'\''s public key, for enrolment]' \
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
":: :_verifier__subcmd__trust__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:verifier-trust-help-command-$line[1]:"
        case $line[1] in
            (init)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(update)
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
(show)
_arguments "${_arguments_options[@]}" : \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'--state=[This host'\''s trust root, ledger and journal \[default\: /var/lib/sealift for root, \$XDG_STATE_HOME/sealift else\]]:DIR:_files' \
'--dsse[Print manifest and signatures as one DSSE envelope]' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':bundle -- A file, a folder, or `-` for standard input:_files' \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
'--signatures=[More signatures, as \`bundler sign -o FILE\` writes them]:FILE:_files' \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'--state=[This host'\''s trust root, ledger and journal \[default\: /var/lib/sealift for root, \$XDG_STATE_HOME/sealift else\]]:DIR:_files' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':bundle -- A file, a folder, or `-` for standard input:_files' \
&& ret=0
;;
(install)
_arguments "${_arguments_options[@]}" : \
'--signatures=[More signatures, as \`bundler sign -o FILE\` writes them]:FILE:_files' \
'*--only=[Install this component and no other (repeatable)]:C:_default' \
'*--except=[Leave this component out (repeatable)]:C:_default' \
'*--partition=[Install what is tied to this partition, too (repeatable)]:P:_default' \
'--root=[Install beneath this folder instead of /]:DIR:_files' \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'--state=[This host'\''s trust root, ledger and journal \[default\: /var/lib/sealift for root, \$XDG_STATE_HOME/sealift else\]]:DIR:_files' \
'--plan[Only show what would be done]' \
'(--signatures --plan --only --except --partition)--resume[Bring an interrupted install to an end, and do nothing else]' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
'::bundle -- A file, a folder, or `-` for standard input:_files' \
&& ret=0
;;
(check)
_arguments "${_arguments_options[@]}" : \
'--as=[The kind of evidence \[default\: what the content says\]]:KIND:((openpgp\:"Any file with a detached OpenPGP signature"
rpm\:"An RPM package"
deb\:"A .deb with debsigs signatures inside"
apt-release\:"A signed InRelease, or Release with --signature"
apt-deb\:"A .deb by way of its repository'\''s signed Release"
authenticode\:"A Windows exe, dll, sys, msi or cab"
apple-pkg\:"A macOS installer package"
apple-code\:"A macOS program (Mach-O)"
zip-member\:"A zip of which one member has a detached signature"
certificate\:"A certificate and its chain"
zip\:"A zip\: is it safe to unpack"
tar\:"A tar\: is it safe to unpack"
gzip\:"A gzip\: is it safe to unpack"))' \
'*--pin=[Key fingerprint, or SHA-256 of the leaf certificate (repeatable\: any)]:PIN:_default' \
'*--key=[Keys that may have signed\: a file or folder (repeatable)]:FILE:_files' \
'--signature=[The detached signature \[default\: FILE.sig or FILE.asc\]]:FILE:_files' \
'--release=[The repository'\''s Release or InRelease, for apt-deb]:FILE:_files' \
'--packages=[The repository'\''s Packages, for apt-deb]:FILE:_files' \
'--member=[The member that is signed, for zip-member]:NAME:_default' \
'*--ca=[CA certificates that a chain may end in (repeatable)]:FILE:_files' \
'*--tsa-ca=[The same for timestamps \[default\: those of --ca\]]:FILE:_files' \
'*--intermediate=[Certificates between leaf and CA, for certificate (repeatable)]:FILE:_files' \
'--purpose=[What the leaf is for, for certificate \[default\: any\]]:PURPOSE:((code-signing\:"Code signing"
timestamping\:"Timestamps"
any\:"Anything"))' \
'--publisher=[The whole CN or DN of the leaf, for authenticode]:NAME:_default' \
'--team-id=[The Apple team, for apple-pkg and apple-code]:ID:_default' \
'*--allow=[Weak algorithms that this check tolerates (repeatable)]:WEAK:(sha1 sha1-timestamp sha1-toc)' \
'--now=[Judge at this time instead of now]:TIME:_default' \
'--format=[Text for people, or JSON\: one document, or one a line]:human|json:((human\:"Text for people"
json\:"One JSON document, or one a line where there are several"))' \
'--color=[Colour\: auto, always or never]:WHEN:(auto always never)' \
'--progress=[Progress on standard error\: auto, bar, plain or none]:HOW:((auto\:"A bar on a terminal, else a line every few seconds"
bar\:"A bar"
plain\:"A line every few seconds"
none\:"Nothing"))' \
'--state=[This host'\''s trust root, ledger and journal \[default\: /var/lib/sealift for root, \$XDG_STATE_HOME/sealift else\]]:DIR:_files' \
'-q[Less on standard error]' \
'--quiet[Less on standard error]' \
'(-q --quiet)-v[More on standard error]' \
'(-q --quiet)--verbose[More on standard error]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
'*::files -- Files to check; `-` for standard input:_files' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_verifier__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:verifier-help-command-$line[1]:"
        case $line[1] in
            (trust)
_arguments "${_arguments_options[@]}" : \
":: :_verifier__subcmd__help__subcmd__trust_commands" \
"*::: :->trust" \
&& ret=0

    case $state in
    (trust)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:verifier-help-trust-command-$line[1]:"
        case $line[1] in
            (init)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(update)
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
(show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(install)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(check)
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
}

(( $+functions[_verifier_commands] )) ||
_verifier_commands() {
    local commands; commands=(
'trust:Set up, renew and show whom this host trusts' \
'show:Show what a bundle claims to be; nothing is verified' \
'verify:Prove a bundle, byte for byte and signature for signature' \
'install:Prove a bundle and put its files in place' \
'check:Check a vendor'\''s signature on a file outside any bundle' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'verifier commands' commands "$@"
}
(( $+functions[_verifier__subcmd__check_commands] )) ||
_verifier__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'verifier check commands' commands "$@"
}
(( $+functions[_verifier__subcmd__help_commands] )) ||
_verifier__subcmd__help_commands() {
    local commands; commands=(
'trust:Set up, renew and show whom this host trusts' \
'show:Show what a bundle claims to be; nothing is verified' \
'verify:Prove a bundle, byte for byte and signature for signature' \
'install:Prove a bundle and put its files in place' \
'check:Check a vendor'\''s signature on a file outside any bundle' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'verifier help commands' commands "$@"
}
(( $+functions[_verifier__subcmd__help__subcmd__check_commands] )) ||
_verifier__subcmd__help__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'verifier help check commands' commands "$@"
}
(( $+functions[_verifier__subcmd__help__subcmd__help_commands] )) ||
_verifier__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'verifier help help commands' commands "$@"
}
(( $+functions[_verifier__subcmd__help__subcmd__install_commands] )) ||
_verifier__subcmd__help__subcmd__install_commands() {
    local commands; commands=()
    _describe -t commands 'verifier help install commands' commands "$@"
}
(( $+functions[_verifier__subcmd__help__subcmd__show_commands] )) ||
_verifier__subcmd__help__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'verifier help show commands' commands "$@"
}
(( $+functions[_verifier__subcmd__help__subcmd__trust_commands] )) ||
_verifier__subcmd__help__subcmd__trust_commands() {
    local commands; commands=(
'init:Trust a first root, whose fingerprint came another way' \
'update:Walk from this root to the next, and on' \
'show:Show the root, its rules, and what was accepted' \
    )
    _describe -t commands 'verifier help trust commands' commands "$@"
}
(( $+functions[_verifier__subcmd__help__subcmd__trust__subcmd__init_commands] )) ||
_verifier__subcmd__help__subcmd__trust__subcmd__init_commands() {
    local commands; commands=()
    _describe -t commands 'verifier help trust init commands' commands "$@"
}
(( $+functions[_verifier__subcmd__help__subcmd__trust__subcmd__show_commands] )) ||
_verifier__subcmd__help__subcmd__trust__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'verifier help trust show commands' commands "$@"
}
(( $+functions[_verifier__subcmd__help__subcmd__trust__subcmd__update_commands] )) ||
_verifier__subcmd__help__subcmd__trust__subcmd__update_commands() {
    local commands; commands=()
    _describe -t commands 'verifier help trust update commands' commands "$@"
}
(( $+functions[_verifier__subcmd__help__subcmd__verify_commands] )) ||
_verifier__subcmd__help__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'verifier help verify commands' commands "$@"
}
(( $+functions[_verifier__subcmd__install_commands] )) ||
_verifier__subcmd__install_commands() {
    local commands; commands=()
    _describe -t commands 'verifier install commands' commands "$@"
}
(( $+functions[_verifier__subcmd__show_commands] )) ||
_verifier__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'verifier show commands' commands "$@"
}
(( $+functions[_verifier__subcmd__trust_commands] )) ||
_verifier__subcmd__trust_commands() {
    local commands; commands=(
'init:Trust a first root, whose fingerprint came another way' \
'update:Walk from this root to the next, and on' \
'show:Show the root, its rules, and what was accepted' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'verifier trust commands' commands "$@"
}
(( $+functions[_verifier__subcmd__trust__subcmd__help_commands] )) ||
_verifier__subcmd__trust__subcmd__help_commands() {
    local commands; commands=(
'init:Trust a first root, whose fingerprint came another way' \
'update:Walk from this root to the next, and on' \
'show:Show the root, its rules, and what was accepted' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'verifier trust help commands' commands "$@"
}
(( $+functions[_verifier__subcmd__trust__subcmd__help__subcmd__help_commands] )) ||
_verifier__subcmd__trust__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'verifier trust help help commands' commands "$@"
}
(( $+functions[_verifier__subcmd__trust__subcmd__help__subcmd__init_commands] )) ||
_verifier__subcmd__trust__subcmd__help__subcmd__init_commands() {
    local commands; commands=()
    _describe -t commands 'verifier trust help init commands' commands "$@"
}
(( $+functions[_verifier__subcmd__trust__subcmd__help__subcmd__show_commands] )) ||
_verifier__subcmd__trust__subcmd__help__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'verifier trust help show commands' commands "$@"
}
(( $+functions[_verifier__subcmd__trust__subcmd__help__subcmd__update_commands] )) ||
_verifier__subcmd__trust__subcmd__help__subcmd__update_commands() {
    local commands; commands=()
    _describe -t commands 'verifier trust help update commands' commands "$@"
}
(( $+functions[_verifier__subcmd__trust__subcmd__init_commands] )) ||
_verifier__subcmd__trust__subcmd__init_commands() {
    local commands; commands=()
    _describe -t commands 'verifier trust init commands' commands "$@"
}
(( $+functions[_verifier__subcmd__trust__subcmd__show_commands] )) ||
_verifier__subcmd__trust__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'verifier trust show commands' commands "$@"
}
(( $+functions[_verifier__subcmd__trust__subcmd__update_commands] )) ||
_verifier__subcmd__trust__subcmd__update_commands() {
    local commands; commands=()
    _describe -t commands 'verifier trust update commands' commands "$@"
}
(( $+functions[_verifier__subcmd__verify_commands] )) ||
_verifier__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'verifier verify commands' commands "$@"
}

if [ "$funcstack[1]" = "_verifier" ]; then
    _verifier "$@"
else
    compdef _verifier verifier
fi
