#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An independent writer of signed Mach-O files, from `mach-o/loader.h`, `mach-o/fat.h` and `cs_blobs.h`.

    signed_code.py FOLDER         writes files, and cases.tsv: what a verifier must say of each

Where a file has a fault, it is the only one, and whatever it does not concern is signed as it should be.
"""
import base64, hashlib, os, struct, sys

import apple_identity as apple

KINDS = {"sha1": (1, 20), "sha256": (2, 32), "sha256-short": (3, 20), "sha384": (4, 48)}
X86_64, ARM64 = (0x01000007, 3), (0x0100000C, 0)
PAGE = 4096
REQUIREMENTS = struct.pack(">3I", 0xFADE0C01, 12, 0)
PLIST = b'<plist version="1.0"><dict></dict></plist>\n'
ENTITLEMENTS = struct.pack(">2I", 0xFADE7171, 8 + len(PLIST)) + PLIST
INFO = b"<plist version='1.0'><dict/></plist>"


def digest(kind, data):
    return hashlib.new(kind.split("-")[0], data).digest()


class Code:
    """One image before it is signed. Everything that a fault could touch may be exchanged."""

    def __init__(self, identity, processor=X86_64, kinds=("sha1", "sha256"), leaf=None, body=3 * PAGE + 77):
        self.identity, self.processor, self.kinds = identity, processor, kinds
        self.leaf = leaf or identity.application
        self.team, self.identifier, self.flags, self.version = identity.team, "fixture", 0x10000, 0x20500
        self.body = bytes(i * 7 % 251 for i in range(body))
        self.special = {2: REQUIREMENTS, 5: ENTITLEMENTS}
        self.hashes = {}  # of things outside, by slot
        self.page_shift = 12
        self.drop, self.agility, self.cms_kind, self.stamp = (), (1, 2), "sha256", None
        self.directory_edit = self.blob_edit = self.cms_edit = lambda value: value
        self.info_plist = self.cms = None
        self.between, self.end, self.loose, self.limit = b"", b"", b"", None
        self.more_blobs, self.signature_room, self.signed = {}, 16384, True

    def image(self, signature_at=None):
        """Header, load commands and body; with the place of the signature once it is known."""
        info = self.info_plist or b""
        section = lambda name, size, at: struct.pack("<16s16sQQ8I", name, b"__TEXT", at, size, at, 0, 0, 0, 0, 0, 0, 0)
        sections = section(b"__text", len(self.body), PAGE + len(info))
        if info:
            sections += section(b"__info_plist", len(info), PAGE)
        end = signature_at or 0
        segment = lambda name, start, size, sections: struct.pack(
            "<II16sQQQQ4I", 0x19, 72 + len(sections), name, start, size, start, size, 7, 5, len(sections) // 80, 0) + sections
        commands = [segment(b"__TEXT", 0, end, sections),
                    segment(b"__LINKEDIT", end, self.signature_room, b"")]
        if self.signed:
            commands.append(struct.pack("<4I", 0x1D, 16, end, self.signature_room))
        joined = b"".join(commands)
        header = struct.pack("<8I", 0xFEEDFACF, *self.processor, 2, len(commands), len(joined), 0, 0)
        image = (header + joined).ljust(PAGE, b"\0") + info + self.body
        return image + bytes(-len(image) % 16) + self.between

    def directory(self, kind, code):
        number, length = KINDS[kind]
        limit = len(code) - len(self.between) if self.limit is None else self.limit
        size = 1 << self.page_shift if self.page_shift else max(limit, 1)
        pages = [digest(kind, code[at : min(at + size, limit)])[:length] for at in range(0, limit, size)]
        if not self.page_shift:
            pages = [digest(kind, code[:limit])[:length]]
        special = {slot: digest(kind, blob)[:length] for slot, blob in self.special.items()}
        special |= {slot: digest(kind, data)[:length] for slot, data in self.hashes.items()}
        count = max(special, default=0)
        slots = [special.get(slot, bytes(length)) for slot in range(count, 0, -1)]
        head, names = 96, self.identifier.encode() + b"\0"
        team_at = 0
        if self.team:
            team_at, names = head + len(names), names + self.team.encode() + b"\0"
        hashes_at = head + len(names) + count * length
        fields = struct.pack(
            ">7I4BI3IQ3QII", self.version, self.flags, hashes_at, head, count, len(pages), limit, length, number, 0,
            self.page_shift, 0, 0, team_at, 0, 0, 0, len(code), 1, 0, 0)[: head - 8]
        blob = fields.ljust(head - 8, b"\0") + names + b"".join(slots) + b"".join(pages)
        return self.directory_edit(struct.pack(">2I", 0xFADE0C02, 8 + len(blob)) + blob)

    def attributes(self, directories):
        found = []
        full = [digest(kind, blob) for kind, blob in directories]
        if 1 in self.agility:
            items = "".join(f"<data>\n{base64.encodebytes(one[:20]).decode()}</data>" for one in full)
            text = ('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" '
                    '"http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n<plist version="1.0"><dict>'
                    f"<key>cdhashes</key><array>{items}</array></dict></plist>\n")
            found.append(apple.attribute("1.2.840.113635.100.9.1", apple.octets(text.encode())))
        if 2 in self.agility:
            values = [apple.sequence(apple.oid(apple.DIGESTS[kind.split("-")[0]][0]), apple.octets(one))
                      for (kind, _), one in zip(directories, full)]
            found.append(apple.attribute("1.2.840.113635.100.9.2", *values))
        return found

    def write(self):
        if not self.signed:
            return self.image()
        code = self.image(len(self.image(1)))
        directories = [(kind, self.directory(kind, code)) for kind in self.kinds]
        identity = self.identity
        chain = [self.leaf, identity.ca, identity.root]
        cms = self.cms
        if cms is None:
            cms = apple.cms(directories[0][1], self.leaf, chain, self.cms_kind, self.attributes(directories), self.stamp)
        blobs = {0: directories[0][1], **self.special, **self.more_blobs}
        blobs |= {0x1000 + at: blob for at, (_, blob) in enumerate(directories[1:])}
        blobs[0x10000] = struct.pack(">2I", 0xFADE0B01, 8 + len(cms)) + self.cms_edit(cms)
        blobs = {slot: blob for slot, blob in self.blob_edit(blobs).items() if slot not in self.drop}
        at, index = 12 + 8 * len(blobs), b""
        for slot, blob in sorted(blobs.items()):
            index += struct.pack(">2I", slot, at)
            at += len(blob)
        whole = struct.pack(">3I", 0xFADE0CC0, at, len(blobs)) + index + b"".join(b for _, b in sorted(blobs.items()))
        return code + (whole + self.loose).ljust(self.signature_room, b"\0") + self.end


def fat(codes, gap=b"", end=b"", table=None):
    """Images behind one header, each at a multiple of a page."""
    images, at, entries, body = [code.write() for code in codes], PAGE, b"", b""
    for code, image in zip(codes, images):
        entries += struct.pack(">5I", *code.processor, at, len(image), 12)
        body += image
        padding = -len(image) % PAGE
        if image is not images[-1]:
            body += gap.ljust(padding, b"\0")
            at += len(image) + padding
    header = struct.pack(">2I", 0xCAFEBABE, len(codes)) + (table(entries) if table else entries)
    return header.ljust(PAGE, b"\0") + body + end


def cases(identity):
    """Name, bytes, further options, verdict."""
    def code(**fields):
        made = Code(identity, **{key: fields.pop(key) for key in ("processor", "kinds", "leaf", "body") if key in fields})
        for field, value in fields.items():
            assert hasattr(made, field), field
            setattr(made, field, value)
        return made

    def flip(data, at):
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    yield "good", code().write(), "", "good"
    yield "good-sha256", code(kinds=["sha256"]).write(), "", "good"
    yield "good-sha384", code(kinds=["sha1", "sha256", "sha384"]).write(), "", "good"
    yield "good-short-hashes", code(kinds=["sha256-short"]).write(), "", "good"
    yield "good-one-page", code(page_shift=0).write(), "", "good"
    yield "good-large-pages", code(page_shift=14, body=70000).write(), "", "good"
    yield "good-list-alone", code(agility=[1]).write(), "", "good"
    yield "good-digests-alone", code(agility=[2]).write(), "", "good"
    yield "good-one-directory-without-attributes", code(kinds=["sha256"], agility=[]).write(), "", "good"
    yield "good-info-plist-outside", code(hashes={1: INFO, 3: b"resources"}).write(), "", "good"
    yield "good-info-plist-inside", code(hashes={1: INFO}, info_plist=INFO).write(), "", "good"
    yield "good-no-team", code(team=None).write(), "", "good"
    yield "good-fat", fat([code(), code(processor=ARM64)]), "", "good"
    yield "good-ticket", code(more_blobs={0x10002: struct.pack(">2I", 0xFADE0B01, 12) + b"s8ch"}).write(), "", "good"
    yield "good-loose-bytes", code(loose=b"more").write(), "", "good"
    lapsed = "--now 2031-01-01T00:00:00Z"
    yield "good-lapsed-with-token", code(stamp=apple.token(identity, "20250601000000Z")).write(), lapsed, "good"
    yield "lapsed-without-token", code().write(), lapsed, "outside-policy"
    sha1_token = code(stamp=apple.token(identity, "20250601000000Z", "sha1")).write()
    yield "lapsed-with-sha1-token", sha1_token, lapsed, "outside-policy"
    yield "lapsed-with-sha1-token-allowed", sha1_token, lapsed + " --allow sha1-timestamp", "good"
    yield "sha1-token-that-nobody-needs", sha1_token, "", "good"

    sha1 = code(kinds=["sha1"], cms_kind="sha1").write()
    yield "sha1", sha1, "", "outside-policy"
    yield "sha1-allowed", sha1, "--allow sha1", "good"
    yield "sha1-toc-is-for-packages", sha1, "--allow sha1-toc", "outside-policy"
    yield "sha1-directory-alone", code(kinds=["sha1"]).write(), "", "outside-policy"
    yield "sha1-cms-alone", code(cms_kind="sha1").write(), "", "outside-policy"

    leaf = identity.leaf
    yield "installer-leaf", code(leaf=identity.installer).write(), "", "outside-policy"
    yield "no-marker", code(leaf=leaf(None, apple.CODE_SIGNING)).write(), "", "outside-policy"
    yield "no-usage", code(leaf=leaf(apple.APPLICATION, None)).write(), "", "outside-policy"
    yield "app-store-marker", code(leaf=leaf("1.2.840.113635.100.6.1.7", apple.CODE_SIGNING)).write(), "", "outside-policy"
    yield "other-team", code(leaf=leaf(apple.APPLICATION, apple.CODE_SIGNING, team="OTHER12345"), team="OTHER12345").write(), "", "wrong-signer"
    yield "team-of-the-code-differs", code(team="OTHER12345").write(), "", "outside-policy"

    yield "page-changed", flip(code().write(), 2 * PAGE), "", "bad"
    yield "load-command-changed", flip(code().write(), 40), "", "bad"
    yield "last-byte-of-code-changed", flip(code().write(), len(code().image()) - 1), "", "bad"
    def tail(blobs):
        blobs[5] = blobs[5][:-1] + b" "
        return blobs
    yield "entitlements-changed", code(blob_edit=tail).write(), "", "bad"
    yield "entitlements-taken-away", code(drop=[5]).write(), "", "bad"
    yield "requirements-taken-away", code(drop=[2]).write(), "", "bad"
    yield "entitlements-added", code(special={2: REQUIREMENTS}, more_blobs={5: ENTITLEMENTS}).write(), "", "bad"
    yield "blob-in-slot-beyond", code(more_blobs={9: ENTITLEMENTS}).write(), "", "bad"
    yield "strong-directory-taken-away", code(drop=[0x1000]).write(), "--allow sha1", "bad"
    yield "directory-that-nobody-signed", code(agility=[]).write(), "", "bad"
    def swap(blobs):
        blobs[0], blobs[0x1000] = blobs[0x1000], blobs[0]
        return blobs
    yield "directories-swapped", code(blob_edit=swap).write(), "", "bad"
    def retouch(blobs):
        blobs[0x1000] = blobs[0x1000].replace(b"fixture", b"fixtur3")
        return blobs
    yield "strong-directory-changed", code(blob_edit=retouch).write(), "", "bad"
    yield "cms-signature-changed", code(cms_edit=lambda cms: flip(cms, len(cms) - 20)).write(), "", "bad"

    yield "ad-hoc", code(drop=[0x10000], flags=2).write(), "", "unsigned"
    yield "ad-hoc-empty-cms", code(cms=b"", flags=2).write(), "", "unsigned"
    yield "no-cms", code(drop=[0x10000]).write(), "", "unsigned"
    yield "ad-hoc-page-changed", flip(code(drop=[0x10000], flags=2).write(), 2 * PAGE), "", "unsigned"
    yield "ad-hoc-and-signed", code(flags=2).write(), "", "malformed"
    yield "not-signed", code(signed=False).write(), "", "unsigned"
    yield "cms-of-zeros", code(cms=bytes(100)).write(), "", "malformed"
    yield "cms-and-more", code(cms_edit=lambda cms: cms + b"\1", cms=b"\x30\x00").write(), "", "malformed"

    yield "bytes-after", code(end=b"more").write(), "", "malformed"
    yield "code-beyond-the-limit", code(between=b"\x90" * 32).write(), "", "malformed"
    yield "limit-too-small", code(limit=PAGE).write(), "", "malformed"
    yield "cut", code().write()[:-5000], "", "malformed"
    yield "no-directory", code(drop=[0, 0x1000]).write(), "", "malformed"
    yield "alternate-alone", code(drop=[0]).write(), "", "malformed"
    yield "scatter", code(directory_edit=lambda cd: cd[:44] + b"\0\0\0\1" + cd[48:]).write(), "", "malformed"
    yield "old-version", code(directory_edit=lambda cd: cd[:8] + b"\0\1\0\0" + cd[12:]).write(), "", "outside-policy"
    yield "unknown-hash", code(directory_edit=lambda cd: cd[:37] + b"\x09" + cd[38:]).write(), "", "outside-policy"
    yield "wrong-hash-length", code(directory_edit=lambda cd: cd[:36] + b"\x10" + cd[37:]).write(), "", "malformed"
    yield "too-few-pages", code(directory_edit=lambda cd: cd[:31] + b"\1" + cd[32:]).write(), "", "malformed"
    yield "hashes-beyond", code(directory_edit=lambda cd: cd[:16] + b"\0\xff\0\0" + cd[20:]).write(), "", "malformed"
    yield "identifier-without-end", code(directory_edit=lambda cd: cd[:20] + struct.pack(">I", len(cd) - 1) + cd[24:-1] + b"x").write(), "", "malformed"
    yield "two-directories-of-a-kind", code(kinds=["sha256", "sha256"]).write(), "", "malformed"
    yield "short-and-long-sha256", code(kinds=["sha256-short", "sha256"]).write(), "", "good"

    arm = lambda **fields: code(processor=ARM64, **fields)
    yield "fat-second-slice-not-signed", fat([code(), arm(signed=False)]), "", "unsigned"
    yield "fat-second-slice-ad-hoc", fat([code(), arm(drop=[0x10000], flags=2)]), "", "unsigned"
    yield "fat-second-slice-changed", flip(fat([code(), arm()]), PAGE + 40000 + 3 * PAGE), "", "bad"
    yield "fat-second-slice-by-installer", fat([code(), arm(leaf=identity.installer)]), "", "outside-policy"
    other = leaf(apple.APPLICATION, apple.CODE_SIGNING, team="OTHER12345")
    yield "fat-second-slice-of-another-team", fat([code(), arm(leaf=other, team="OTHER12345")]), "", "wrong-signer"
    yield "fat-bytes-between", fat([code(body=100), arm()], gap=b"more"), "", "malformed"
    yield "fat-bytes-after", fat([code(), arm()], end=b"more"), "", "malformed"
    yield "fat-two-alike", fat([code(), code()]), "", "malformed"
    yield "fat-other-processor", fat([code(), arm()], table=lambda t: t[:20] + struct.pack(">2I", 12, 9) + t[28:]), "", "malformed"
    yield "fat-overlap", fat([code(), arm()], table=lambda t: t[:28] + t[8:12] + t[32:]), "", "malformed"
    yield "fat-beyond-the-end", fat([code(), arm()], table=lambda t: t[:32] + b"\xff" * 4 + t[36:]), "", "malformed"
    yield "fat-not-a-mach-o-inside", fat([code(), arm()])[:PAGE] + b"!<arch>\n" + fat([code(), arm()])[PAGE + 8 :], "", "malformed"


def main(folder):
    os.makedirs(folder, exist_ok=True)
    identity = apple.Identity(folder)
    with open(os.path.join(folder, "root.cer"), "wb") as file:
        file.write(identity.root.der)
    with open(os.path.join(folder, "cases.tsv"), "w") as table:
        for name, content, options, verdict in cases(identity):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
            now = "" if "--now" in options else "--now 2026-11-22T00:00:00Z"
            print(name, f"--as apple-code --ca root.cer --team-id {identity.team} {now} {options}", verdict,
                  sep="\t", file=table)


if __name__ == "__main__":
    main(sys.argv[1])
