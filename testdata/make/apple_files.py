#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Signs programs and packs flat packages, as the owner of one Developer-ID-like identity.

    apple_files.py KEYS root OUT.cer
    apple_files.py KEYS sign IDENTIFIER PROGRAM... OUT         several programs make one with all of them
    apple_files.py KEYS pack IDENTIFIER VERSION TREE SCRIPTS OUT.pkg

The folder KEYS keeps the keys; the same keys give the same certificates. A package has no `Bom`: its format is
not described anywhere. SCRIPTS may be empty.
"""
import gzip, os, sys

import apple_identity as apple
import flat_package, real_code, signed_code

TEAM, STAMP = "SNAKEOIL01", "20250613120000Z"


def cpio(top):
    """The tree as an archive of the form `odc`, with fixed times and owners."""
    def entry(number, path, mode, content):
        name = path.encode() + b"\0"
        head = f"070707{0:06o}{number:06o}{mode:06o}{0:06o}{0:06o}{1:06o}{0:06o}{0:011o}{len(name):06o}{len(content):011o}"
        return head.encode() + name + content

    paths = ["."]
    for folder, folders, files in os.walk(top):
        folders.sort()
        paths += [os.path.relpath(os.path.join(folder, one), top) for one in sorted(folders + files)]
    entries = []
    for number, path in enumerate(paths, 1):
        full = os.path.join(top, path)
        content = b""
        if os.path.islink(full):
            content = os.readlink(full).encode()
        elif os.path.isfile(full):
            with open(full, "rb") as file:
                content = file.read()
        entries.append(entry(number, path if path == "." else "./" + path, os.lstat(full).st_mode, content))
    return gzip.compress(b"".join(entries) + entry(0, "TRAILER!!!", 0, b""), 1, mtime=0)


def pack(identity, identifier, version, tree, scripts):
    files = sum(len(files) for _, _, files in os.walk(tree))
    info = (f'<?xml version="1.0" encoding="utf-8"?>\n<pkg-info format-version="2" identifier="{identifier}" '
            f'version="{version}" install-location="/" auth="root"><payload numberOfFiles="{files}"/>'
            + ('<scripts><postinstall file="./postinstall"/></scripts>' if scripts else "") + "</pkg-info>\n")
    component = identifier.split(".")[-1] + ".pkg"
    product = (f'<?xml version="1.0" encoding="utf-8"?>\n<installer-gui-script minSpecVersion="1">'
               f'<title>{identifier}</title><choices-outline><line choice="default"/></choices-outline>'
               f'<choice id="default"><pkg-ref id="{identifier}"/></choice>'
               f'<pkg-ref id="{identifier}" version="{version}">#{component}</pkg-ref></installer-gui-script>\n')
    members = [("Distribution", product.encode(), "x-gzip"), (component, None, None),
               (f"{component}/PackageInfo", info.encode(), "x-gzip"), (f"{component}/Payload", cpio(tree), "octet-stream")]
    if scripts:
        members.append((f"{component}/Scripts", cpio(scripts), "octet-stream"))
    package = flat_package.Package(identity, files=members)
    package.stamp = apple.token(identity, STAMP)
    return package.write()


def sign(identity, identifier, programs):
    codes = []
    for program in programs:
        with open(program, "rb") as file:
            codes.append(real_code.RealCode(identity, file.read(), identifier, STAMP))
    return codes[0].write() if len(codes) == 1 else signed_code.fat(codes)


def main(keys, task, *words):
    *words, out = words
    identity = apple.Identity(keys, TEAM)
    if task == "root":
        made = identity.root.der
    elif task == "sign":
        made = sign(identity, words[0], words[1:])
    else:
        made = pack(identity, *words)
    with open(out, "wb") as file:
        file.write(made)
    os.chmod(out, 0o755 if task == "sign" else 0o644)


if __name__ == "__main__":
    main(*sys.argv[1:])
