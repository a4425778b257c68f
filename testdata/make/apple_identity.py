# SPDX-License-Identifier: Apache-2.0
"""Certificates with Apple's markers, and CMS signatures, written out byte by byte; openssl only makes keys and
raw signatures. Nothing is shared with the Rust code."""
import hashlib, os, subprocess

NAMES = {"CN": "2.5.4.3", "O": "2.5.4.10", "OU": "2.5.4.11", "C": "2.5.4.6"}
DIGESTS = {
    "sha1": ("1.3.14.3.2.26", "1.2.840.113549.1.1.5"),
    "sha256": ("2.16.840.1.101.3.4.2.1", "1.2.840.113549.1.1.11"),
    "sha384": ("2.16.840.1.101.3.4.2.2", "1.2.840.113549.1.1.12"),
    "sha512": ("2.16.840.1.101.3.4.2.3", "1.2.840.113549.1.1.13"),
}
APPLICATION, INSTALLER, DEVELOPER_ID_CA = (
    "1.2.840.113635.100.6.1.13", "1.2.840.113635.100.6.1.14", "1.2.840.113635.100.6.2.6")
CODE_SIGNING, INSTALLER_SIGNING, TIME_STAMPING = (
    "1.3.6.1.5.5.7.3.3", "1.2.840.113635.100.4.13", "1.3.6.1.5.5.7.3.8")
DATA, SIGNED_DATA, TST_INFO = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
TOKEN = "1.2.840.113549.1.9.16.2.14"


def der(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def sequence(*parts):
    return der(0x30, *parts)


def set_of(*parts):
    return der(0x31, *sorted(parts))


def oid(dotted):
    first, second, *rest = map(int, dotted.split("."))
    body = b""
    for number in [first * 40 + second, *rest]:
        seven = [number & 0x7F]
        while number := number >> 7:
            seven.insert(0, 0x80 | number & 0x7F)
        body += bytes(seven)
    return der(0x06, body)


def integer(number):
    return der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def octets(data):
    return der(0x04, data)


def algorithm(dotted):
    return sequence(oid(dotted), der(0x05))


def time(text):
    """`20240101000000Z`, in the form that RFC 5280 wants."""
    return der(0x17, text[2:].encode()) if text < "2050" else der(0x18, text.encode())


class Key:
    def __init__(self, folder, name, bits=2048):
        self.file = os.path.join(folder, name + ".key")
        if not os.path.exists(self.file):
            subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}",
                            "-out", self.file], check=True)
        self.info = subprocess.run(["openssl", "pkey", "-in", self.file, "-pubout", "-outform", "DER"],
                                   check=True, capture_output=True).stdout

    def sign_digest(self, digest, kind):
        """PKCS#1 v1.5 over a digest that is there already."""
        done = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", self.file, "-pkeyopt", "rsa_padding_mode:pkcs1",
                               "-pkeyopt", f"digest:{kind}"], input=digest, check=True, capture_output=True)
        return done.stdout

    def sign(self, message, kind="sha256"):
        return self.sign_digest(hashlib.new(kind, message).digest(), kind)


def name(text):
    """`CN=…,OU=…` in the order of the certificate."""
    parts = [part.split("=", 1) for part in text.split(",")]
    return sequence(*(set_of(sequence(oid(NAMES[kind]), der(0x0C, value.encode()))) for kind, value in parts))


class Certificate:
    serial = 1000

    def __init__(self, subject, key, issuer=None, issuer_key=None, markers=(), usages=(), ca=False,
                 valid=("20240101000000Z", "20290101000000Z"), kind="sha256"):
        Certificate.serial += 1
        self.key, self.number = key, Certificate.serial
        self.subject = name(subject)
        self.issuer = issuer.subject if issuer else self.subject
        extension = lambda id, critical, value: sequence(
            oid(id), *([der(0x01, b"\xff")] if critical else []), octets(value))
        extensions = [
            extension("2.5.29.19", True, sequence(der(0x01, b"\xff")) if ca else sequence()),
            extension("2.5.29.15", True, der(0x03, b"\x01\x06" if ca else b"\x07\x80")),
            *(extension(marker, not ca, der(0x05)) for marker in markers),
        ]
        if usages:
            extensions.append(extension("2.5.29.37", True, sequence(*map(oid, usages))))
        body = sequence(der(0xA0, integer(2)), integer(self.number), algorithm(DIGESTS[kind][1]), self.issuer,
                        sequence(*map(time, valid)), self.subject, key.info, der(0xA3, sequence(*extensions)))
        signature = (issuer_key or key).sign(body, kind)
        self.der = sequence(body, algorithm(DIGESTS[kind][1]), der(0x03, b"\0" + signature))

    def digest(self):
        return hashlib.sha256(self.der).hexdigest()


class Identity:
    """A root, a Developer ID CA beneath it, and leaves of one team."""

    def __init__(self, folder, team="TEAM123456"):
        key = lambda name: Key(folder, name)
        self.team = team
        self.root = Certificate("CN=Root,O=Fixture", key("root"), ca=True)
        self.ca = Certificate("CN=Developer ID CA,O=Fixture", key("ca"), self.root, key("root"),
                              [DEVELOPER_ID_CA], ca=True)
        self.leaf_key = key("leaf")
        self.installer = self.leaf(INSTALLER, INSTALLER_SIGNING)
        self.application = self.leaf(APPLICATION, CODE_SIGNING)
        self.stamper = Certificate("CN=Clock,O=Fixture", key("tsa"), self.root, key("root"), usages=[TIME_STAMPING])

    def leaf(self, marker, usage, team=None, issuer=None, **more):
        issuer = issuer or self.ca
        kind = "Installer" if marker == INSTALLER else "Application"
        subject = f"CN=Developer ID {kind}: Fixture,OU={team or self.team},O=Fixture"
        return Certificate(subject, self.leaf_key, issuer, issuer.key, [marker] if marker else [],
                           [usage] if usage else [], **more)


def attribute(dotted, *values):
    return sequence(oid(dotted), set_of(*values))


def cms(content, leaf, certificates, kind="sha256", attributes=(), token=None, content_type=DATA, inside=None):
    """A SignedData over detached content, or over `inside` where that is given."""
    digest = hashlib.new(kind, content).digest()
    signed = [
        attribute("1.2.840.113549.1.9.3", oid(content_type)),
        attribute("1.2.840.113549.1.9.4", octets(digest)),
        *attributes,
    ]
    signature = leaf.key.sign(set_of(*signed), kind)
    unsigned = [der(0xA1, attribute(TOKEN, token(signature)))] if token else []
    signer = sequence(
        integer(1), sequence(leaf.issuer, integer(leaf.number)), algorithm(DIGESTS[kind][0]),
        der(0xA0, *sorted(signed)), algorithm(DIGESTS[kind][1]), octets(signature), *unsigned)
    content_info = sequence(oid(content_type), *([der(0xA0, octets(inside))] if inside is not None else []))
    data = sequence(
        integer(3 if content_type != DATA else 1), der(0x31, algorithm(DIGESTS[kind][0])), content_info,
        der(0xA0, *(one.der for one in certificates)), der(0x31, signer))
    return sequence(oid(SIGNED_DATA), der(0xA0, data))


def token(identity, at, kind="sha256"):
    """A maker of RFC 3161 tokens of that time, for `cms`."""
    def make(signature):
        imprint = sequence(algorithm(DIGESTS["sha256"][0]), octets(hashlib.sha256(signature).digest()))
        info = sequence(integer(1), oid("1.3.6.1.4.1.13762.3"), imprint, integer(7), der(0x18, at.encode()))
        stamper = identity.stamper
        reference = sequence(sequence(sequence(octets(hashlib.sha256(stamper.der).digest()))))
        signed = attribute("1.2.840.113549.1.9.16.2.47", reference)
        return cms(info, stamper, [stamper, identity.root], kind, [signed], content_type=TST_INFO, inside=info)
    return make
