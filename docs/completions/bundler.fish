# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_bundler_global_optspecs
    string join \n format= color= q/quiet v/verbose progress= h/help V/version
end

function __fish_bundler_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_bundler_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_bundler_using_subcommand
    set -l cmd (__fish_bundler_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c bundler -n "__fish_bundler_needs_command" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_needs_command" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_needs_command" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_needs_command" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_needs_command" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_needs_command" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_needs_command" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_needs_command" -f -a "demo" -d 'The whole story on an embedded example'
complete -c bundler -n "__fish_bundler_needs_command" -f -a "init" -d 'Write a commented recipe to start from'
complete -c bundler -n "__fish_bundler_needs_command" -f -a "keys" -d 'Make or show keys'
complete -c bundler -n "__fish_bundler_needs_command" -f -a "root" -d 'The trust root\'s ceremony'
complete -c bundler -n "__fish_bundler_needs_command" -f -a "lock" -d 'Fetch, check and pin everything that the recipe names'
complete -c bundler -n "__fish_bundler_needs_command" -f -a "update" -d 'Lock anew what the servers have now'
complete -c bundler -n "__fish_bundler_needs_command" -f -a "build" -d 'Build the bundle that the lock describes'
complete -c bundler -n "__fish_bundler_needs_command" -f -a "sign" -d 'Prove a bundle, then add one signature'
complete -c bundler -n "__fish_bundler_needs_command" -f -a "show" -d 'Show a bundle, lock, key or trust root'
complete -c bundler -n "__fish_bundler_needs_command" -f -a "diff" -d 'Show what changed between two bundles or two locks'
complete -c bundler -n "__fish_bundler_needs_command" -f -a "store" -d 'The store of downloads: list it, verify it, prune it'
complete -c bundler -n "__fish_bundler_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bundler -n "__fish_bundler_using_subcommand demo" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand demo" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand demo" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand demo" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand demo" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand demo" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_using_subcommand demo" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand init" -l recipe -d 'Which recipe' -r
complete -c bundler -n "__fish_bundler_using_subcommand init" -l set -d 'Give a variable of the recipe another value' -r
complete -c bundler -n "__fish_bundler_using_subcommand init" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand init" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand init" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand init" -l list -d 'List the recipes that there are'
complete -c bundler -n "__fish_bundler_using_subcommand init" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand init" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand init" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_using_subcommand init" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand keys; and not __fish_seen_subcommand_from new show help" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand keys; and not __fish_seen_subcommand_from new show help" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand keys; and not __fish_seen_subcommand_from new show help" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand keys; and not __fish_seen_subcommand_from new show help" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand keys; and not __fish_seen_subcommand_from new show help" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand keys; and not __fish_seen_subcommand_from new show help" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_using_subcommand keys; and not __fish_seen_subcommand_from new show help" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand keys; and not __fish_seen_subcommand_from new show help" -f -a "new" -d 'Make a key pair: NAME.key, encrypted, and NAME.pub'
complete -c bundler -n "__fish_bundler_using_subcommand keys; and not __fish_seen_subcommand_from new show help" -f -a "show" -d 'Show the id of a key'
complete -c bundler -n "__fish_bundler_using_subcommand keys; and not __fish_seen_subcommand_from new show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from new" -l algorithm -d 'How the key signs' -r -f -a "ed25519\t'RFC 8032'"
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from new" -s o -l output -d 'The folder for both files [default: here]' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from new" -l passphrase-file -d 'Read the passphrase from a file, else from SEALIFT_PASSPHRASE, else ask' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from new" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from new" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from new" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from new" -l no-passphrase -d 'Leave the private key unencrypted'
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from new" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from new" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from new" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from new" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from show" -l passphrase-file -d 'Read the passphrase from a file, else from SEALIFT_PASSPHRASE, else ask' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from show" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from show" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from show" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from show" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "new" -d 'Make a key pair: NAME.key, encrypted, and NAME.pub'
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show the id of a key'
complete -c bundler -n "__fish_bundler_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bundler -n "__fish_bundler_using_subcommand root; and not __fish_seen_subcommand_from new next sign show help" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand root; and not __fish_seen_subcommand_from new next sign show help" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand root; and not __fish_seen_subcommand_from new next sign show help" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand root; and not __fish_seen_subcommand_from new next sign show help" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand root; and not __fish_seen_subcommand_from new next sign show help" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand root; and not __fish_seen_subcommand_from new next sign show help" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_using_subcommand root; and not __fish_seen_subcommand_from new next sign show help" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand root; and not __fish_seen_subcommand_from new next sign show help" -f -a "new" -d 'Make the first trust root'
complete -c bundler -n "__fish_bundler_using_subcommand root; and not __fish_seen_subcommand_from new next sign show help" -f -a "next" -d 'Make the trust root that follows another'
complete -c bundler -n "__fish_bundler_using_subcommand root; and not __fish_seen_subcommand_from new next sign show help" -f -a "sign" -d 'Add an owner\'s signature to a trust root'
complete -c bundler -n "__fish_bundler_using_subcommand root; and not __fish_seen_subcommand_from new next sign show help" -f -a "show" -d 'Show a trust root and its fingerprint'
complete -c bundler -n "__fish_bundler_using_subcommand root; and not __fish_seen_subcommand_from new next sign show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from new" -s o -l output -d 'The file to write' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from new" -l key -d 'Give an owner a key and a role; the owner is named after the file' -r
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from new" -l threshold -d 'How many owners of a role must sign [default: 1]' -r
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from new" -l enclave -d 'The name of the enclave whose hosts hold this root' -r
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from new" -l expires -d 'When its trust ends: 2031-01-01 or 2031-01-01T00:00:00Z' -r
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from new" -l floor -d 'Refuse bundles of this name below a sequence' -r
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from new" -l deny -d 'Refuse the bundle with this manifest digest' -r
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from new" -l from -d 'Rules, floors, denied bundles and require-audience, as TOML' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from new" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from new" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from new" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from new" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from new" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from new" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from new" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from next" -s o -l output -d 'The file to write' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from next" -l remove -d 'Take an owner out, with all roles' -r
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from next" -l key -d 'Give an owner a key and a role; the owner is named after the file' -r
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from next" -l threshold -d 'How many owners of a role must sign [default: 1]' -r
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from next" -l enclave -d 'The name of the enclave whose hosts hold this root' -r
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from next" -l expires -d 'When its trust ends: 2031-01-01 or 2031-01-01T00:00:00Z' -r
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from next" -l floor -d 'Refuse bundles of this name below a sequence' -r
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from next" -l deny -d 'Refuse the bundle with this manifest digest' -r
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from next" -l from -d 'Rules, floors, denied bundles and require-audience, as TOML' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from next" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from next" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from next" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from next" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from next" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from next" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from next" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from sign" -l key -d 'The private key of an owner in the role `root`' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from sign" -l previous -d 'The root before it, for an owner who is leaving' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from sign" -l passphrase-file -d 'Read the passphrase from a file, else from SEALIFT_PASSPHRASE, else ask' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from sign" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from sign" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from sign" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from sign" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from sign" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from sign" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from sign" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from show" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from show" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from show" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from show" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from help" -f -a "new" -d 'Make the first trust root'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from help" -f -a "next" -d 'Make the trust root that follows another'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from help" -f -a "sign" -d 'Add an owner\'s signature to a trust root'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show a trust root and its fingerprint'
complete -c bundler -n "__fish_bundler_using_subcommand root; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bundler -n "__fish_bundler_using_subcommand lock" -l recipe-file -d 'The recipe' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand lock" -l set -d 'Give a value to a variable of the recipe, or to a parameter of its trust policies; it stays in the lock until another is given, and an empty one takes it back' -r
complete -c bundler -n "__fish_bundler_using_subcommand lock" -l store -d 'The store of downloads [default: $XDG_CACHE_HOME/sealift/store]' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand lock" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand lock" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand lock" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand lock" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand lock" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand lock" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_using_subcommand lock" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand update" -l recipe-file -d 'The recipe' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand update" -l set -d 'Give a value to a variable of the recipe, or to a parameter of its trust policies; it stays in the lock until another is given, and an empty one takes it back' -r
complete -c bundler -n "__fish_bundler_using_subcommand update" -l store -d 'The store of downloads [default: $XDG_CACHE_HOME/sealift/store]' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand update" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand update" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand update" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand update" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand update" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand update" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_using_subcommand update" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand build" -s o -l output -d 'The file to write [default: NAME-VERSION.bundle.tar here]' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand build" -l recipe-file -d 'The recipe' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand build" -l set -d 'Give a value to a variable of the recipe, or to a parameter of its trust policies; it stays in the lock until another is given, and an empty one takes it back' -r
complete -c bundler -n "__fish_bundler_using_subcommand build" -l store -d 'The store of downloads [default: $XDG_CACHE_HOME/sealift/store]' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand build" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand build" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand build" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand build" -l replace -d 'Replace another file of that name'
complete -c bundler -n "__fish_bundler_using_subcommand build" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand build" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand build" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_using_subcommand build" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand sign" -l key -d 'Sign with this private key' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand sign" -l export -d 'Write the bytes to sign, for a signing room' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand sign" -l import -d 'Take the raw signature over the exported bytes' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand sign" -l public-key -d 'The key that made the imported signature' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand sign" -s o -l output -d 'Write the signatures to a file beside the bundle' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand sign" -l trust -d 'Show the key\'s role in this trust root; refuse a key without one' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand sign" -l passphrase-file -d 'Read the passphrase from a file, else from SEALIFT_PASSPHRASE, else ask' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand sign" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand sign" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand sign" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand sign" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand sign" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand sign" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_using_subcommand sign" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand show" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand show" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand show" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand show" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand show" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand show" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_using_subcommand show" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand diff" -l store -d 'The store of downloads [default: $XDG_CACHE_HOME/sealift/store]' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand diff" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand diff" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand diff" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand diff" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand diff" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand diff" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_using_subcommand diff" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand store; and not __fish_seen_subcommand_from list verify prune help" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand store; and not __fish_seen_subcommand_from list verify prune help" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand store; and not __fish_seen_subcommand_from list verify prune help" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand store; and not __fish_seen_subcommand_from list verify prune help" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand store; and not __fish_seen_subcommand_from list verify prune help" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand store; and not __fish_seen_subcommand_from list verify prune help" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_using_subcommand store; and not __fish_seen_subcommand_from list verify prune help" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand store; and not __fish_seen_subcommand_from list verify prune help" -f -a "list" -d 'List the files, with the time of their last use'
complete -c bundler -n "__fish_bundler_using_subcommand store; and not __fish_seen_subcommand_from list verify prune help" -f -a "verify" -d 'Read every file and compare it with its name'
complete -c bundler -n "__fish_bundler_using_subcommand store; and not __fish_seen_subcommand_from list verify prune help" -f -a "prune" -d 'Remove what is no longer needed, and unfinished downloads'
complete -c bundler -n "__fish_bundler_using_subcommand store; and not __fish_seen_subcommand_from list verify prune help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from list" -l store -d 'The store of downloads [default: $XDG_CACHE_HOME/sealift/store]' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from list" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from list" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from list" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from list" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from verify" -l store -d 'The store of downloads [default: $XDG_CACHE_HOME/sealift/store]' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from verify" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from verify" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from verify" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from verify" -l remove -d 'Remove damaged files, so that `bundler lock` fetches them again'
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from verify" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from verify" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from verify" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from prune" -l lock -d 'Keep what this lock names; repeat it for every lock in use' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from prune" -l older-than -d 'Keep what was fetched or used in the last so many days' -r
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from prune" -l store -d 'The store of downloads [default: $XDG_CACHE_HOME/sealift/store]' -r -F
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from prune" -l format -d 'Text for people, or JSON: one document, or one a line' -r -f -a "human\t'Text for people'
json\t'One JSON document, or one a line where there are several'"
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from prune" -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from prune" -l progress -d 'Progress on standard error: auto, bar, plain or none' -r -f -a "auto\t'A bar on a terminal, else a line every few seconds'
bar\t'A bar'
plain\t'A line every few seconds'
none\t'Nothing'"
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from prune" -l plan -d 'Only say what would be removed'
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from prune" -s q -l quiet -d 'Less on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from prune" -s v -l verbose -d 'More on standard error'
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help'
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from prune" -s V -l version -d 'Print version'
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the files, with the time of their last use'
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Read every file and compare it with its name'
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from help" -f -a "prune" -d 'Remove what is no longer needed, and unfinished downloads'
complete -c bundler -n "__fish_bundler_using_subcommand store; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bundler -n "__fish_bundler_using_subcommand help; and not __fish_seen_subcommand_from demo init keys root lock update build sign show diff store help" -f -a "demo" -d 'The whole story on an embedded example'
complete -c bundler -n "__fish_bundler_using_subcommand help; and not __fish_seen_subcommand_from demo init keys root lock update build sign show diff store help" -f -a "init" -d 'Write a commented recipe to start from'
complete -c bundler -n "__fish_bundler_using_subcommand help; and not __fish_seen_subcommand_from demo init keys root lock update build sign show diff store help" -f -a "keys" -d 'Make or show keys'
complete -c bundler -n "__fish_bundler_using_subcommand help; and not __fish_seen_subcommand_from demo init keys root lock update build sign show diff store help" -f -a "root" -d 'The trust root\'s ceremony'
complete -c bundler -n "__fish_bundler_using_subcommand help; and not __fish_seen_subcommand_from demo init keys root lock update build sign show diff store help" -f -a "lock" -d 'Fetch, check and pin everything that the recipe names'
complete -c bundler -n "__fish_bundler_using_subcommand help; and not __fish_seen_subcommand_from demo init keys root lock update build sign show diff store help" -f -a "update" -d 'Lock anew what the servers have now'
complete -c bundler -n "__fish_bundler_using_subcommand help; and not __fish_seen_subcommand_from demo init keys root lock update build sign show diff store help" -f -a "build" -d 'Build the bundle that the lock describes'
complete -c bundler -n "__fish_bundler_using_subcommand help; and not __fish_seen_subcommand_from demo init keys root lock update build sign show diff store help" -f -a "sign" -d 'Prove a bundle, then add one signature'
complete -c bundler -n "__fish_bundler_using_subcommand help; and not __fish_seen_subcommand_from demo init keys root lock update build sign show diff store help" -f -a "show" -d 'Show a bundle, lock, key or trust root'
complete -c bundler -n "__fish_bundler_using_subcommand help; and not __fish_seen_subcommand_from demo init keys root lock update build sign show diff store help" -f -a "diff" -d 'Show what changed between two bundles or two locks'
complete -c bundler -n "__fish_bundler_using_subcommand help; and not __fish_seen_subcommand_from demo init keys root lock update build sign show diff store help" -f -a "store" -d 'The store of downloads: list it, verify it, prune it'
complete -c bundler -n "__fish_bundler_using_subcommand help; and not __fish_seen_subcommand_from demo init keys root lock update build sign show diff store help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bundler -n "__fish_bundler_using_subcommand help; and __fish_seen_subcommand_from keys" -f -a "new" -d 'Make a key pair: NAME.key, encrypted, and NAME.pub'
complete -c bundler -n "__fish_bundler_using_subcommand help; and __fish_seen_subcommand_from keys" -f -a "show" -d 'Show the id of a key'
complete -c bundler -n "__fish_bundler_using_subcommand help; and __fish_seen_subcommand_from root" -f -a "new" -d 'Make the first trust root'
complete -c bundler -n "__fish_bundler_using_subcommand help; and __fish_seen_subcommand_from root" -f -a "next" -d 'Make the trust root that follows another'
complete -c bundler -n "__fish_bundler_using_subcommand help; and __fish_seen_subcommand_from root" -f -a "sign" -d 'Add an owner\'s signature to a trust root'
complete -c bundler -n "__fish_bundler_using_subcommand help; and __fish_seen_subcommand_from root" -f -a "show" -d 'Show a trust root and its fingerprint'
complete -c bundler -n "__fish_bundler_using_subcommand help; and __fish_seen_subcommand_from store" -f -a "list" -d 'List the files, with the time of their last use'
complete -c bundler -n "__fish_bundler_using_subcommand help; and __fish_seen_subcommand_from store" -f -a "verify" -d 'Read every file and compare it with its name'
complete -c bundler -n "__fish_bundler_using_subcommand help; and __fish_seen_subcommand_from store" -f -a "prune" -d 'Remove what is no longer needed, and unfinished downloads'
