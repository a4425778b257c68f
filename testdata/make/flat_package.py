#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An independent writer of signed flat packages, from xar's own description of its format.

    flat_package.py FOLDER        writes packages, and cases.tsv: what a verifier must say of each

Where a package has a fault, it is the only one, and whatever it does not concern is signed as it should be.
"""
import base64, hashlib, os, re, struct, sys, zlib

import apple_identity as apple

CHECKSUMS = {"sha1": 1, "sha256": 3, "sha512": 4}
CMS_ROOM = 9216
INFO = b'<pkg-info format-version="2" identifier="org.example.tool" version="1.2.3"/>'
FILES = [("Distribution", b"<installer-gui-script/>" + b"\n" * 400, "x-gzip"), ("a.pkg", None, None),
         ("a.pkg/Payload", bytes(range(256)) * 300, "octet-stream"), ("a.pkg/PackageInfo", INFO, "x-gzip"),
         ("a.pkg/Empty", b"", None)]


class Package:
    """A package before its table is signed. Everything that a fault could touch may be exchanged."""

    def __init__(self, identity, toc="sha256", member="sha256", files=FILES, leaf=None, certificates=None):
        self.toc, self.leaf = toc, leaf or identity.installer
        self.certificates = certificates or [self.leaf, identity.ca, identity.root]
        self.styles = {"rsa": "digest", "cms": toc}
        self.edit, self.heap_edit, self.end, self.attributes, self.stamp = [], [], b"", (), None
        self.room = hashlib.new(toc).digest_size
        self.rsa_room = 256
        at = self.room + self.rsa_room + CMS_ROOM
        self.heap, entries = b"", []
        for number, (path, content, encoding) in enumerate(files, 1):
            entries.append((number, path, content, encoding, at + len(self.heap)))
            if content:
                self.heap += zlib.compress(content) if encoding == "x-gzip" else content
        self.files = self.folder("", entries, member)

    def folder(self, prefix, entries, member):
        xml = ""
        for number, path, content, encoding, at in entries:
            if os.path.dirname(path) != prefix:
                continue
            inner = self.folder(path, entries, member) if content is None else ""
            kind = "directory" if content is None else "file"
            if content:
                stored = zlib.compress(content) if encoding == "x-gzip" else content
                digest = lambda data: hashlib.new(member, data).hexdigest()
                inner = (f"<data><length>{len(stored)}</length><offset>{at}</offset><size>{len(content)}</size>"
                         f'<encoding style="application/{encoding}"/>'
                         f'<archived-checksum style="{member}">{digest(stored)}</archived-checksum>'
                         f'<extracted-checksum style="{member}">{digest(content)}</extracted-checksum></data>')
            xml += f'<file id="{number}"><type>{kind}</type><name>{os.path.basename(path)}</name>{inner}</file>\n'
        return xml

    def key_info(self):
        lines = "".join(f"<X509Certificate>{base64.encodebytes(one.der).decode()}</X509Certificate>"
                        for one in self.certificates)
        return f'<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>{lines}</X509Data></KeyInfo>'

    def write(self):
        places = [("signature", "RSA", self.room, self.rsa_room), ("x-signature", "CMS", self.room + self.rsa_room, CMS_ROOM)]
        signatures = "".join(
            f'<{tag} style="{style}"><offset>{at}</offset><size>{size}</size>{self.key_info()}</{tag}>\n'
            for tag, style, at, size in places if self.styles[style.lower()])
        text = (f'<?xml version="1.0" encoding="UTF-8"?>\n<xar><toc><creation-time>2025-01-01T00:00:00</creation-time>'
                f'<checksum style="{self.toc}"><offset>0</offset><size>{self.room}</size></checksum>\n'
                f"{signatures}{self.files}</toc></xar>\n")
        for find, replace in self.edit:
            text, count = re.subn(find, replace, text, count=1)
            assert count == 1, find
        table = zlib.compress(text.encode())
        checksum = hashlib.new(self.toc, table).digest()
        rsa = {None: b"", "digest": lambda: self.leaf.key.sign_digest(checksum, self.toc),
               "message": lambda: self.leaf.key.sign(checksum)}[self.styles["rsa"]]
        rsa = rsa() if rsa else b""
        cms = b""
        if self.styles["cms"]:
            cms = apple.cms(checksum, self.leaf, self.certificates, self.styles["cms"], self.attributes, self.stamp)
        heap = checksum + rsa.ljust(self.rsa_room, b"\0") + cms.ljust(CMS_ROOM, b"\0") + self.heap
        for find, replace in self.heap_edit:
            assert heap.count(find) == 1, find
            heap = heap.replace(find, replace)
        header = struct.pack(">4sHHQQI", b"xar!", 28, 1, len(table), len(text.encode()), CHECKSUMS[self.toc])
        return header + table + heap + self.end


def cases(identity):
    """Name, package, further options, verdict."""
    new = lambda **more: Package(identity, **more)

    def edited(*edits, **more):
        package = new(**more)
        package.edit = list(edits)
        return package

    def changed(**fields):
        package = new()
        for field, value in fields.items():
            setattr(package, field, value)
        return package

    def heap(find, replace):
        return changed(heap_edit=[(find, replace)])

    yield "good", new(), "", "good"
    yield "good-sha512", new(toc="sha512", member="sha512"), "", "good"
    yield "good-rsa-alone", changed(styles={"rsa": "digest", "cms": None}), "", "good"
    yield "good-cms-alone", changed(styles={"rsa": None, "cms": "sha256"}), "", "good"
    yield "good-rsa-over-the-checksum-as-message", changed(styles={"rsa": "message", "cms": None}), "", "good"
    yield "good-name-twice-alike", edited(("<name>Payload</name>", r"\g<0>\g<0>")), "", "good"
    yield "good-name-in-base64", edited(("<name>Payload</name>", '<name enctype="base64">UGF5bG9hZA==</name>')), "", "good"
    yield "good-unknown-encoding-is-said", edited(
        ("application/octet-stream", "application/x-unknown")), "", "good"
    yield "good-stapled-ticket", changed(
        end=struct.pack("<4sHHII", b"t8lr", 1, 1, 0, 0) + b"s8ch" * 9 + struct.pack("<4sHHII", b"t8lr", 1, 2, 36, 0)), "", "good"
    yield "good-bytes-that-nobody-names", changed(end=b"more"), "", "good"
    yield "good-lapsed-with-token", changed(
        stamp=apple.token(identity, "20250601000000Z")), "--now 2031-01-01T00:00:00Z", "good"
    yield "lapsed-without-token", new(), "--now 2031-01-01T00:00:00Z", "outside-policy"
    yield "token-of-tomorrow", changed(
        stamp=apple.token(identity, "20270601000000Z"), styles={"rsa": None, "cms": "sha256"}), "", "outside-policy"
    yield "lapsed-with-broken-token", changed(
        stamp=lambda signature: apple.token(identity, "20250601000000Z")(signature + b"x")), "--now 2031-01-01T00:00:00Z", "bad"
    yield "broken-token-that-nobody-needs", changed(
        stamp=lambda signature: apple.token(identity, "20250601000000Z")(signature + b"x")), "", "good"

    sha1 = lambda: new(toc="sha1", member="sha1")
    yield "sha1", sha1(), "", "outside-policy"
    yield "sha1-allowed", sha1(), "--allow sha1", "good"
    yield "sha1-toc-allowed", sha1(), "--allow sha1-toc", "good"
    yield "sha1-timestamp-allowed", sha1(), "--allow sha1-timestamp", "outside-policy"
    yield "sha1-members", new(member="sha1"), "", "outside-policy"
    yield "sha1-members-toc", new(member="sha1"), "--allow sha1-toc", "outside-policy"
    yield "sha1-members-allowed", new(member="sha1"), "--allow sha1", "good"
    package = new()
    package.styles = {"rsa": None, "cms": "sha1"}
    yield "sha1-cms-over-sha256", package, "--allow sha1-toc", "outside-policy"

    application = identity.application
    yield "application-leaf", new(leaf=application), "", "outside-policy"
    yield "no-marker", new(leaf=identity.leaf(None, apple.INSTALLER_SIGNING)), "", "outside-policy"
    yield "no-usage", new(leaf=identity.leaf(apple.INSTALLER, None)), "", "outside-policy"
    yield "other-usage", new(leaf=identity.leaf(apple.INSTALLER, apple.CODE_SIGNING)), "", "outside-policy"
    plain = apple.Certificate("CN=Plain CA,O=Fixture", identity.ca.key, identity.root, identity.root.key, ca=True)
    leaf = identity.leaf(apple.INSTALLER, apple.INSTALLER_SIGNING, issuer=plain)
    yield "ca-without-marker", new(leaf=leaf, certificates=[leaf, plain]), "", "outside-policy"
    unknown = identity.leaf("1.2.840.113635.100.6.1.99", apple.INSTALLER_SIGNING)
    yield "unknown-critical-extension", new(leaf=unknown), "", "outside-policy"
    yield "other-team", new(leaf=identity.leaf(apple.INSTALLER, apple.INSTALLER_SIGNING, team="OTHER12345")), "", "wrong-signer"
    yield "no-intermediate", new(certificates=[identity.installer]), "", "wrong-signer"

    payload = bytes(range(256)) * 300
    yield "member-changed", heap(payload, b"\1" + payload[1:]), "", "bad"
    yield "compressed-member-changed", heap(zlib.compress(INFO), zlib.compress(INFO)[:-1] + b"\0"), "", "bad"
    yield "archived-checksum-wrong", edited(
        ('(?s)(<file id="3">.*?<archived-checksum style="sha256">)..', r"\g<1>00")), "", "bad"
    yield "extracted-checksum-wrong", edited(
        ('(?s)(<file id="1">.*?<extracted-checksum style="sha256">)..', r"\g<1>zz")), "", "malformed"
    yield "extracted-checksum-of-other-bytes", edited(
        ('(?s)(<file id="1">.*?<extracted-checksum style="sha256">)....', r"\g<1>0000")), "", "bad"
    yield "no-archived-checksum", edited(("<archived-checksum.*?</archived-checksum>", "")), "", "malformed"
    yield "checksum-none", edited(('<extracted-checksum style="sha256">', '<extracted-checksum style="none">')), "", "malformed"
    yield "md5-members", edited(('<archived-checksum style="sha256">', '<archived-checksum style="md5">')), "", "outside-policy"
    yield "size-too-small", edited(('(?s)(<file id="1">.*?<size>)', r"\g<1>1")), "", "malformed"
    yield "length-of-stored-file-differs", edited(('(?s)(<file id="3">.*?<size>)', r"\g<1>1")), "", "malformed"
    yield "beyond-the-end", edited(('(?s)(<file id="3">.*?<offset>)', r"\g<1>1")), "", "malformed"
    yield "number-with-sign", edited(('(?s)(<file id="3">.*?<offset>)', r"\g<1>+")), "", "malformed"
    yield "number-beyond-all", edited(('(?s)(<file id="3">.*?<offset>)', r"\g<1>99999999999999999999")), "", "malformed"
    yield "ranges-overlap", edited(
        ('(?s)(<file id="4">.*?<offset>)\\d+', rf"\g<1>{32 + 256 + CMS_ROOM}")), "", "malformed"
    yield "member-over-signature", edited(('(?s)(<file id="4">.*?<offset>)\\d+', r"\g<1>32")), "", "malformed"

    for name, what in [("dot-dot", ".."), ("slash", "a/b"), ("backslash", r"a\\\\b"), ("empty", ""), ("control", "a\tb")]:
        yield f"name-{name}", edited(("<name>Payload</name>", f"<name>{what}</name>")), "", "malformed"
    yield "two-names", edited(("<name>Payload</name>", "<name>Payload</name><name>Other</name>")), "", "malformed"
    yield "name-of-another", edited(("<name>Payload</name>", "<name>PackageInfo</name>")), "", "malformed"
    yield "name-differs-by-case", edited(("<name>Payload</name>", "<name>packageinfo</name>")), "", "malformed"
    yield "id-of-another", edited(('<file id="3">', '<file id="4">')), "", "malformed"
    yield "no-name", edited(("<name>Payload</name>", "")), "", "malformed"
    yield "device", edited(('(<file id="3"><type>)file', r"\g<1>character special")), "", "malformed"
    yield "link-outside", edited(
        ('(<file id="5">)<type>file</type>', r'\g<1><type>symlink</type><link type="broken">../../x</link>')), "", "malformed"
    yield "link-inside", edited(
        ('(<file id="5">)<type>file</type>', r'\g<1><type>symlink</type><link type="broken">Payload</link>')), "", "good"
    yield "file-in-file", edited(('(<file id="5">)', r'\g<1><file id="9"><type>file</type><name>x</name></file>')), "", "malformed"
    yield "two-data", edited(("(?s)<data>.*?</data>", r"\g<0>\g<0>")), "", "malformed"
    yield "two-offsets", edited((r"<offset>\d+</offset><size>\d+</size><enc", r"<offset>1</offset>\g<0>")), "", "malformed"
    yield "two-tables", edited(("</toc>", "</toc><toc></toc>")), "", "malformed"
    yield "signature-outside", edited(("</toc>", '</toc><signature style="RSA"/>')), "", "malformed"
    yield "document-type", edited(("<xar>", "<!DOCTYPE xar><xar>")), "", "malformed"
    yield "entity", edited(("<xar>", '<!DOCTYPE xar [<!ENTITY a "b">]><xar>')), "", "malformed"
    yield "comment-in-value", edited((r"<size>(\d)", r"<size>\g<1><!-- -->")), "", "malformed"
    yield "no-xml", edited(("</toc>", "")), "", "malformed"
    yield "other-checksum-style", edited(('<checksum style="sha256">', '<checksum style="sha512">')), "", "malformed"
    yield "no-checksum", edited(("<checksum.*?</checksum>", "")), "", "malformed"
    yield "checksum-elsewhere", edited(("<checksum.*?<offset>0", r'<checksum style="sha256"><offset>1')), "", "malformed"
    yield "unknown-signature-style", edited(
        ('<x-signature style="CMS">', '<x-signature style="PQC">'), ('<signature style="RSA">', '<signature style="DSA">')), "", "wrong-signer"
    yield "no-signature", changed(styles={"rsa": None, "cms": None}), "", "unsigned"

    package = new()
    package.certificates = [application, identity.ca]
    yield "rsa-by-another-certificate-of-the-key", package, "", "outside-policy"
    other = identity.stamper
    package = changed(styles={"rsa": "digest", "cms": None})
    package.certificates = [other, identity.root]
    yield "rsa-by-another-key", package, "", "bad"


def main(folder):
    os.makedirs(folder, exist_ok=True)
    identity = apple.Identity(folder)
    with open(os.path.join(folder, "root.cer"), "wb") as file:
        file.write(identity.root.der)
    with open(os.path.join(folder, "cases.tsv"), "w") as table:
        for name, package, options, verdict in cases(identity):
            with open(os.path.join(folder, name + ".pkg"), "wb") as file:
                file.write(package.write())
            now = "" if "--now" in options else "--now 2026-11-22T00:00:00Z"
            print(f"{name}.pkg", f"--as apple-pkg --ca root.cer --team-id {identity.team} {now} {options}", verdict,
                  sep="\t", file=table)


if __name__ == "__main__":
    main(sys.argv[1])
