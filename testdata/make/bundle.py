#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An independent writer of bundles, made from docs/formats alone.

    bundle.py FOLDER        writes FOLDER/root.json and FOLDER/first-1.0.bundle.tar, prints the fingerprint

It shares no line with the Rust code: SHA-256's block function is written out here, tar headers are laid by
hand, signatures come from openssl. A test gives its output to `verifier`.
"""
import base64, hashlib, json, os, struct, subprocess, sys

CREATED, CREATED_SECONDS = "2026-11-22T00:00:00Z", 1795305600
CHUNK = 4 << 20
MASK = 0xFFFFFFFF
PRIMES = [n for n in range(2, 312) if all(n % d for d in range(2, n))]


def root_bits(number, power):
    """The first 32 bits of the fraction of a number's root: where SHA-256's constants come from (FIPS 180-4)."""
    low, high = 0, number << 32
    while low < high:
        middle = (low + high + 1) // 2
        if middle**power <= number << (32 * power):
            low = middle
        else:
            high = middle - 1
    return low & MASK


INITIAL = [root_bits(n, 2) for n in PRIMES[:8]]
ROUND = [root_bits(n, 3) for n in PRIMES[:64]]


def rotate(x, n):
    return ((x >> n) | (x << (32 - n))) & MASK


def compress(state, block):
    w = list(struct.unpack(">16I", block))
    for i in range(16, 64):
        s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3)
        s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10)
        w.append((w[i - 16] + s0 + w[i - 7] + s1) & MASK)
    a, b, c, d, e, f, g, h = state
    for i in range(64):
        s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
        t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i] + w[i]) & MASK
        s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
        t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) & MASK
        a, b, c, d, e, f, g, h = (t1 + t2) & MASK, a, b, c, (d + t1) & MASK, e, f, g
    return [(x + y) & MASK for x, y in zip(state, [a, b, c, d, e, f, g, h])]


def chaining_values(data):
    """One state at every chunk boundary inside the data (chains.md)."""
    values, state = b"", INITIAL
    for end in range(CHUNK, len(data), CHUNK):
        for at in range(end - CHUNK, end, 64):
            state = compress(state, data[at : at + 64])
        values += struct.pack(">8I", *state)
    return values


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def compact(document):
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def base64_text(data):
    return base64.b64encode(data).decode()


def pae(kind, payload):
    return b"DSSEv1 %d %s %d " % (len(kind), kind.encode(), len(payload)) + payload


class Key:
    def __init__(self, folder, name):
        self.path = os.path.join(folder, name + ".key")
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.path], check=True)
        command = ["openssl", "pkey", "-in", self.path, "-pubout", "-outform", "DER"]
        self.spki = subprocess.run(command, check=True, capture_output=True).stdout

    def sign(self, message):
        with open(self.path + ".message", "wb") as file:
            file.write(message)
        command = ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self.path, "-in", self.path + ".message"]
        raw = subprocess.run(command, check=True, capture_output=True).stdout
        return {"keyid": sha256(self.spki), "sig": base64_text(raw)}


def signatures(keys, message):
    return sorted((key.sign(message) for key in keys), key=lambda signature: signature["keyid"])


def padding(size):
    return b"\0" * (-size % 512)


def header(prefix, name, kind, size, mode):
    bytes_ = bytearray(512)
    fields = [(0, name), (100, b"%07o" % mode), (108, b"0000000"), (116, b"0000000"), (124, b"%011o" % size),
              (136, b"%011o" % CREATED_SECONDS), (148, b" " * 8), (156, kind), (257, b"ustar\x0000"),
              (329, b"0000000"), (337, b"0000000"), (345, prefix)]
    for at, field in fields:
        bytes_[at : at + len(field)] = field
    bytes_[148:156] = b"%06o\0 " % sum(bytes_)
    return bytes(bytes_)


def entry(path, data, mode=0o644):
    path = path.encode()
    slashes = [at for at, byte in enumerate(path) if byte == ord("/") and len(path) - at - 1 <= 100]
    if len(path) <= 100:
        head = header(b"", path, b"0", len(data), mode)
    elif slashes and slashes[0] <= 155:
        head = header(path[: slashes[0]], path[slashes[0] + 1 :], b"0", len(data), mode)
    else:
        rest = b" path=" + path + b"\n"
        length = next(n for n in range(len(rest), len(rest) + 9) if len(str(n)) + len(rest) == n)
        record = str(length).encode() + rest
        head = header(b"", b"PaxHeaders/path", b"x", len(record), mode) + record + padding(len(record))
        head += header(b"", b"PaxPath", b"0", len(data), mode)
    return head + data + padding(len(data))


def main(folder):
    files = [
        ("files/hello.txt/hello.txt", b"hello\n", 0o644),
        ("files/big.bin/big.bin", bytes(range(256)) * (CHUNK // 256 + 3) + b"tail", 0o644),
        ("files/docs/a.md", b"# a\n", 0o644),
        ("files/docs/ünï/b.md", b"", 0o755),
        ("files/docs/" + "d" * 60 + "/" + "e" * 70 + "/f.md", b"split\n", 0o644),
        ("files/docs/" + "x" * 120 + ".md", b"pax\n", 0o644),
    ]
    chains = b"".join(chaining_values(data) for _, data, _ in files)
    artifact = lambda name: {"name": name, "file": f"files/{name}/{name}", "unsigned": 'a "test"',
                             "install": {"action": "file", "path": "/opt/" + name, "mode": "0644"}}
    manifest = compact({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": path, "digest": {"sha256": sha256(data)}} for path, data, _ in files],
        "predicateType": "urn:sealift:bundle:1",
        "predicate": {
            "bundle": {"name": "first", "version": "1.0", "sequence": 1, "created": CREATED, "profile": "standard"},
            "requires": [],
            "chains": {"size": len(chains), "digest": {"sha256": sha256(chains)}},
            "files": [{"path": path, "size": len(data), "mode": "%04o" % mode} for path, data, mode in files],
            "signers": {}, "components": [],
            "artifacts": [artifact("hello.txt"), artifact("big.bin")],
            "trees": [{"name": "docs", "directory": "files/docs/", "links": [{"path": "latest", "target": "a.md"}],
                       "emptyDirectories": ["empty"], "unsigned": "ours",
                       "install": {"action": "directory", "path": "/usr/share/doc/site"}}],
            "trustStores": [], "trustPolicies": [], "images": [], "checks": []}})

    alice, bob, builder, stranger = (Key(folder, name) for name in ("alice", "bob", "builder-1", "stranger"))
    owner = lambda key: {"keys": [{"algorithm": "ed25519", "spki": base64_text(key.spki)}]}
    root = compact({
        "type": "sealift-root/1", "version": 1, "enclave": "west", "expires": "2099-01-01T00:00:00Z",
        "algorithms": ["ed25519"], "requireAudience": False,
        "owners": {"alice": owner(alice), "bob": owner(bob), "builder-1": owner(builder)},
        "roles": {"builder": {"owners": ["builder-1"], "threshold": 1},
                  "root": {"owners": ["alice", "bob"], "threshold": 2}},
        "rules": [{"names": ["*"], "require": ["builder"]}], "floors": {}, "denied": []})
    kind = "application/vnd.sealift.root+json"
    envelope = {"payloadType": kind, "payload": base64_text(root), "signatures": signatures([alice, bob], pae(kind, root))}
    with open(os.path.join(folder, "root.json"), "wb") as out:
        out.write(compact(envelope) + b"\n")

    signed = pae("application/vnd.in-toto+json", manifest)
    slot = compact({"signatures": signatures([builder, stranger], signed)}).ljust(65536)
    front = [("manifest.json", manifest, 0o644), ("signatures.json", slot, 0o644), ("chains.bin", chains, 0o644)]
    with open(os.path.join(folder, "first-1.0.bundle.tar"), "wb") as out:
        for path, data, mode in front + files:
            out.write(entry("first-1.0/" + path, data, mode))
        out.write(b"\0" * 1024)
    print(sha256(root))


main(sys.argv[1])
