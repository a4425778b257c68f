# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_verifier_global_optspecs
    string join \n format= color= q/quiet v/verbose progress= state= h/help V/version
end

function __fish_verifier_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_verifier_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_verifier_using_subcommand
    set -l cmd (__fish_verifier_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c verifier -n "__fish_verifier_needs_command" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c verifier -n "__fish_verifier_needs_command" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c verifier -n "__fish_verifier_needs_command" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c verifier -n "__fish_verifier_needs_command" -l state -d 'This host\'s trust root, ledger and journal [default: /var/lib/sealift for root, $XDG_STATE_HOME/sealift else]' -r -F
complete -c verifier -n "__fish_verifier_needs_command" -s q -l quiet -d 'Less on standard error'
complete -c verifier -n "__fish_verifier_needs_command" -s v -l verbose -d 'More on standard error'
complete -c verifier -n "__fish_verifier_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c verifier -n "__fish_verifier_needs_command" -s V -l version -d 'Print version'
complete -c verifier -n "__fish_verifier_needs_command" -f -a "trust" -d 'Set up, renew and show whom this host trusts'
complete -c verifier -n "__fish_verifier_needs_command" -f -a "show" -d 'Show what a bundle claims to be; nothing is verified'
complete -c verifier -n "__fish_verifier_needs_command" -f -a "verify" -d 'Prove a bundle, byte for byte and signature for signature'
complete -c verifier -n "__fish_verifier_needs_command" -f -a "install" -d 'Prove a bundle and put its files in place'
complete -c verifier -n "__fish_verifier_needs_command" -f -a "check" -d 'Check a vendor\'s signature on a file outside any bundle'
complete -c verifier -n "__fish_verifier_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and not __fish_seen_subcommand_from init update show help" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c verifier -n "__fish_verifier_using_subcommand trust; and not __fish_seen_subcommand_from init update show help" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c verifier -n "__fish_verifier_using_subcommand trust; and not __fish_seen_subcommand_from init update show help" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c verifier -n "__fish_verifier_using_subcommand trust; and not __fish_seen_subcommand_from init update show help" -l state -d 'This host\'s trust root, ledger and journal [default: /var/lib/sealift for root, $XDG_STATE_HOME/sealift else]' -r -F
complete -c verifier -n "__fish_verifier_using_subcommand trust; and not __fish_seen_subcommand_from init update show help" -s q -l quiet -d 'Less on standard error'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and not __fish_seen_subcommand_from init update show help" -s v -l verbose -d 'More on standard error'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and not __fish_seen_subcommand_from init update show help" -s h -l help -d 'Print help'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and not __fish_seen_subcommand_from init update show help" -s V -l version -d 'Print version'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and not __fish_seen_subcommand_from init update show help" -f -a "init" -d 'Trust a first root, whose fingerprint came another way'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and not __fish_seen_subcommand_from init update show help" -f -a "update" -d 'Walk from this root to the next, and on'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and not __fish_seen_subcommand_from init update show help" -f -a "show" -d 'Show the root, its rules, and what was accepted'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and not __fish_seen_subcommand_from init update show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from init" -l fingerprint -d 'Its SHA-256, as `bundler root show` prints it' -r
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from init" -l host -d 'What this host is called, in reports' -r
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from init" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from init" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from init" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from init" -l state -d 'This host\'s trust root, ledger and journal [default: /var/lib/sealift for root, $XDG_STATE_HOME/sealift else]' -r -F
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from init" -l replace -d 'Give up the present root; this is recorded, the ledger stays'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from init" -s q -l quiet -d 'Less on standard error'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from init" -s v -l verbose -d 'More on standard error'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from init" -s V -l version -d 'Print version'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from update" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from update" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from update" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from update" -l state -d 'This host\'s trust root, ledger and journal [default: /var/lib/sealift for root, $XDG_STATE_HOME/sealift else]' -r -F
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from update" -s q -l quiet -d 'Less on standard error'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from update" -s v -l verbose -d 'More on standard error'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from update" -s h -l help -d 'Print help'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from update" -s V -l version -d 'Print version'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from show" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from show" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from show" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from show" -l state -d 'This host\'s trust root, ledger and journal [default: /var/lib/sealift for root, $XDG_STATE_HOME/sealift else]' -r -F
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from show" -l host-key -d 'Print only this host\'s public key, for enrolment'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Less on standard error'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from show" -s v -l verbose -d 'More on standard error'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from help" -f -a "init" -d 'Trust a first root, whose fingerprint came another way'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from help" -f -a "update" -d 'Walk from this root to the next, and on'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show the root, its rules, and what was accepted'
complete -c verifier -n "__fish_verifier_using_subcommand trust; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c verifier -n "__fish_verifier_using_subcommand show" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c verifier -n "__fish_verifier_using_subcommand show" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c verifier -n "__fish_verifier_using_subcommand show" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c verifier -n "__fish_verifier_using_subcommand show" -l state -d 'This host\'s trust root, ledger and journal [default: /var/lib/sealift for root, $XDG_STATE_HOME/sealift else]' -r -F
complete -c verifier -n "__fish_verifier_using_subcommand show" -l dsse -d 'Print manifest and signatures as one DSSE envelope'
complete -c verifier -n "__fish_verifier_using_subcommand show" -s q -l quiet -d 'Less on standard error'
complete -c verifier -n "__fish_verifier_using_subcommand show" -s v -l verbose -d 'More on standard error'
complete -c verifier -n "__fish_verifier_using_subcommand show" -s h -l help -d 'Print help'
complete -c verifier -n "__fish_verifier_using_subcommand show" -s V -l version -d 'Print version'
complete -c verifier -n "__fish_verifier_using_subcommand verify" -l signatures -d 'More signatures, as `bundler sign -o FILE` writes them' -r -F
complete -c verifier -n "__fish_verifier_using_subcommand verify" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c verifier -n "__fish_verifier_using_subcommand verify" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c verifier -n "__fish_verifier_using_subcommand verify" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c verifier -n "__fish_verifier_using_subcommand verify" -l state -d 'This host\'s trust root, ledger and journal [default: /var/lib/sealift for root, $XDG_STATE_HOME/sealift else]' -r -F
complete -c verifier -n "__fish_verifier_using_subcommand verify" -s q -l quiet -d 'Less on standard error'
complete -c verifier -n "__fish_verifier_using_subcommand verify" -s v -l verbose -d 'More on standard error'
complete -c verifier -n "__fish_verifier_using_subcommand verify" -s h -l help -d 'Print help'
complete -c verifier -n "__fish_verifier_using_subcommand verify" -s V -l version -d 'Print version'
complete -c verifier -n "__fish_verifier_using_subcommand install" -l signatures -d 'More signatures, as `bundler sign -o FILE` writes them' -r -F
complete -c verifier -n "__fish_verifier_using_subcommand install" -l only -d 'Install this component and no other (repeatable)' -r
complete -c verifier -n "__fish_verifier_using_subcommand install" -l except -d 'Leave this component out (repeatable)' -r
complete -c verifier -n "__fish_verifier_using_subcommand install" -l partition -d 'Install what is tied to this partition, too (repeatable)' -r
complete -c verifier -n "__fish_verifier_using_subcommand install" -l root -d 'Install beneath this folder instead of /' -r -F
complete -c verifier -n "__fish_verifier_using_subcommand install" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c verifier -n "__fish_verifier_using_subcommand install" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c verifier -n "__fish_verifier_using_subcommand install" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c verifier -n "__fish_verifier_using_subcommand install" -l state -d 'This host\'s trust root, ledger and journal [default: /var/lib/sealift for root, $XDG_STATE_HOME/sealift else]' -r -F
complete -c verifier -n "__fish_verifier_using_subcommand install" -l plan -d 'Only show what would be done'
complete -c verifier -n "__fish_verifier_using_subcommand install" -l resume -d 'Bring an interrupted install to an end, and do nothing else'
complete -c verifier -n "__fish_verifier_using_subcommand install" -s q -l quiet -d 'Less on standard error'
complete -c verifier -n "__fish_verifier_using_subcommand install" -s v -l verbose -d 'More on standard error'
complete -c verifier -n "__fish_verifier_using_subcommand install" -s h -l help -d 'Print help'
complete -c verifier -n "__fish_verifier_using_subcommand install" -s V -l version -d 'Print version'
complete -c verifier -n "__fish_verifier_using_subcommand check" -l as -d 'The kind of evidence [default: what the content says]' -r -f -a "openpgp\t'Any file with a detached OpenPGP signature'
rpm\t'An RPM package'
deb\t'A .deb with debsigs signatures inside'
apt-release\t'A signed InRelease, or Release with --signature'
apt-deb\t'A .deb by way of its repository\'s signed Release'
authenticode\t'A Windows exe, dll, sys, msi or cab'
apple-pkg\t'A macOS installer package'
apple-code\t'A macOS program (Mach-O)'
zip-member\t'A zip of which one member has a detached signature'
certificate\t'A certificate and its chain'
zip\t'A zip: is it safe to unpack'
tar\t'A tar: is it safe to unpack'
gzip\t'A gzip: is it safe to unpack'"
complete -c verifier -n "__fish_verifier_using_subcommand check" -l pin -d 'Key fingerprint, or SHA-256 of the leaf certificate (repeatable: any)' -r
complete -c verifier -n "__fish_verifier_using_subcommand check" -l key -d 'Keys that may have signed: a file or folder (repeatable)' -r -F
complete -c verifier -n "__fish_verifier_using_subcommand check" -l signature -d 'The detached signature [default: FILE.sig or FILE.asc]' -r -F
complete -c verifier -n "__fish_verifier_using_subcommand check" -l release -d 'The repository\'s Release or InRelease, for apt-deb' -r -F
complete -c verifier -n "__fish_verifier_using_subcommand check" -l packages -d 'The repository\'s Packages, for apt-deb' -r -F
complete -c verifier -n "__fish_verifier_using_subcommand check" -l member -d 'The member that is signed, for zip-member' -r
complete -c verifier -n "__fish_verifier_using_subcommand check" -l ca -d 'CA certificates that a chain may end in (repeatable)' -r -F
complete -c verifier -n "__fish_verifier_using_subcommand check" -l tsa-ca -d 'The same for timestamps [default: those of --ca]' -r -F
complete -c verifier -n "__fish_verifier_using_subcommand check" -l intermediate -d 'Certificates between leaf and CA, for certificate (repeatable)' -r -F
complete -c verifier -n "__fish_verifier_using_subcommand check" -l purpose -d 'What the leaf is for, for certificate [default: any]' -r -f -a "code-signing\t'Code signing'
timestamping\t'Timestamps'
any\t'Anything'"
complete -c verifier -n "__fish_verifier_using_subcommand check" -l publisher -d 'The whole CN or DN of the leaf, for authenticode' -r
complete -c verifier -n "__fish_verifier_using_subcommand check" -l team-id -d 'The Apple team, for apple-pkg and apple-code' -r
complete -c verifier -n "__fish_verifier_using_subcommand check" -l allow -d 'Weak algorithms that this check tolerates (repeatable)' -r -f -a "sha1\t''
sha1-timestamp\t''
sha1-toc\t''"
complete -c verifier -n "__fish_verifier_using_subcommand check" -l now -d 'Judge at this time instead of now' -r
complete -c verifier -n "__fish_verifier_using_subcommand check" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c verifier -n "__fish_verifier_using_subcommand check" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c verifier -n "__fish_verifier_using_subcommand check" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c verifier -n "__fish_verifier_using_subcommand check" -l state -d 'This host\'s trust root, ledger and journal [default: /var/lib/sealift for root, $XDG_STATE_HOME/sealift else]' -r -F
complete -c verifier -n "__fish_verifier_using_subcommand check" -s q -l quiet -d 'Less on standard error'
complete -c verifier -n "__fish_verifier_using_subcommand check" -s v -l verbose -d 'More on standard error'
complete -c verifier -n "__fish_verifier_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c verifier -n "__fish_verifier_using_subcommand check" -s V -l version -d 'Print version'
complete -c verifier -n "__fish_verifier_using_subcommand help; and not __fish_seen_subcommand_from trust show verify install check help" -f -a "trust" -d 'Set up, renew and show whom this host trusts'
complete -c verifier -n "__fish_verifier_using_subcommand help; and not __fish_seen_subcommand_from trust show verify install check help" -f -a "show" -d 'Show what a bundle claims to be; nothing is verified'
complete -c verifier -n "__fish_verifier_using_subcommand help; and not __fish_seen_subcommand_from trust show verify install check help" -f -a "verify" -d 'Prove a bundle, byte for byte and signature for signature'
complete -c verifier -n "__fish_verifier_using_subcommand help; and not __fish_seen_subcommand_from trust show verify install check help" -f -a "install" -d 'Prove a bundle and put its files in place'
complete -c verifier -n "__fish_verifier_using_subcommand help; and not __fish_seen_subcommand_from trust show verify install check help" -f -a "check" -d 'Check a vendor\'s signature on a file outside any bundle'
complete -c verifier -n "__fish_verifier_using_subcommand help; and not __fish_seen_subcommand_from trust show verify install check help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c verifier -n "__fish_verifier_using_subcommand help; and __fish_seen_subcommand_from trust" -f -a "init" -d 'Trust a first root, whose fingerprint came another way'
complete -c verifier -n "__fish_verifier_using_subcommand help; and __fish_seen_subcommand_from trust" -f -a "update" -d 'Walk from this root to the next, and on'
complete -c verifier -n "__fish_verifier_using_subcommand help; and __fish_seen_subcommand_from trust" -f -a "show" -d 'Show the root, its rules, and what was accepted'
