// SPDX-License-Identifier: Apache-2.0
//! RFC 3161 timestamp tokens, with RFC 5816.

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Any, Decode, Sequence};
use manifests::time::Timestamp;
use spki::AlgorithmIdentifierOwned;
use x509_cert::ext::Extensions;

use super::{ProvenTime, authority, broken, chain, not_after_now, sha1, within};
use crate::signature::cms::{ContentType, Sha1, SignedData, SignerInfo, normalise};
use crate::signature::digest::Algorithm;
use crate::signature::x509::{Budget, Certificate, digest_algorithm, generalized_time};
use crate::signature::{Reason, Stop, Tolerated};

/// `id-ct-TSTInfo` (RFC 3161 §2.4.2).
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
/// `id-aa-signingCertificate` (RFC 2634 §5.4), SHA-1.
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
/// `id-aa-signingCertificateV2` (RFC 5035 §3), any digest.
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

/// An accuracy beyond this is worth a note.
const NOTEWORTHY_SECONDS: u64 = 60;

/// RFC 3161 §2.4.2.
#[derive(Sequence)]
struct TstInfo<'a> {
    version: u8,
    policy: AnyRef<'a>,
    imprint: Imprint<'a>,
    serial: AnyRef<'a>,
    at: AnyRef<'a>,
    accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    ordering: bool,
    nonce: Option<der::asn1::IntRef<'a>>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    authority: Option<AnyRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    extensions: Option<Extensions>,
}

#[derive(Sequence)]
struct Imprint<'a> {
    algorithm: AlgorithmIdentifierOwned,
    digest: OctetStringRef<'a>,
}

/// Each part adds up; absent ones are zero.
#[derive(Sequence)]
struct Accuracy {
    seconds: Option<u64>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    millis: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    micros: Option<u16>,
}

/// The time that an RFC 3161 token proves for `stamped`, the octets of a signature.
///
/// `bad` where the token is not well-formed, stamps something else or was changed; `outside-policy` where the
/// authority leads to none of `authorities`, or breaks a rule.
pub fn token(
    token: &[u8],
    stamped: &[u8],
    authorities: &[Certificate],
    now: Timestamp,
    tolerated: Tolerated<'_>,
    budget: &Budget,
) -> Result<ProvenTime, Stop> {
    let (signed, taken) = SignedData::parse(token).map_err(broken)?;
    if taken != token.len() {
        return Err(broken("bytes follow the token"));
    }
    if signed.content_type() != TST_INFO {
        return Err(broken(format!("found content of type {} instead of TSTInfo", signed.content_type())));
    }
    // §2.4.2: the content is an OCTET STRING, and the authority the only signer.
    let content = signed.content().ok_or_else(|| broken("no content"))?;
    let content = OctetStringRef::from_der(content.der()).map_err(broken)?.as_bytes();
    let [signer] = signed.signers() else {
        return Err(broken(format!("{} signers instead of one", signed.signers().len())));
    };
    let (der, taken) = normalise::to_der(content).map_err(broken)?;
    if taken != content.len() {
        return Err(broken("bytes follow TSTInfo"));
    }
    let info = TstInfo::from_der(&der).map_err(broken)?;
    if info.version != 1 {
        return Err(broken(format!("TSTInfo of version {}", info.version)));
    }
    let at = generalized_time(info.at).map_err(broken)?;
    let imprint = check_imprint(&info.imprint, stamped)?;
    let certificate = authority(signer, signed.certificates(), authorities)?;
    let allowed = sha1(tolerated);
    budget.signature(certificate)?;
    signer.verify_as(certificate, content, ContentType::Required(TST_INFO), allowed).map_err(within)?;
    check_signing_certificate(signer, certificate)?;
    if imprint == Algorithm::Sha1 && allowed == Sha1::Refused {
        return Err(Stop::found(Reason::WeakHash, "timestamp: it stamps a SHA-1 digest"));
    }
    if let Some(unknown) = info.extensions.iter().flatten().find(|extension| extension.critical) {
        let note = format!("timestamp: it has the critical extension {}", unknown.extn_id);
        return Err(Stop::found(Reason::UnknownCritical, note));
    }
    let chain = chain(certificate, signed.certificates(), authorities, at, tolerated, budget)?;
    not_after_now(at, now)?;
    let mut notes = signed.notes().to_vec();
    notes.extend(info.accuracy.and_then(|accuracy| accuracy.note()));
    Ok(ProvenTime { at, chain, notes })
}

/// §2.4.2: the imprint is the digest of what was stamped.
fn check_imprint(imprint: &Imprint<'_>, stamped: &[u8]) -> Result<Algorithm, Stop> {
    let algorithm = digest_algorithm(&imprint.algorithm).map_err(|failure| {
        within(Stop::found(failure.reason(), format!("it stamps a digest that does not count: {failure}")))
    })?;
    if imprint.digest.as_bytes() == algorithm.digest(stamped) {
        Ok(algorithm)
    } else {
        Err(broken("it stamps something else"))
    }
}

/// `ESSCertID` (RFC 2634 §5.4.1), the issuer and serial number left as they are: the digest says more.
#[derive(Sequence)]
struct CertificateId<'a> {
    digest: OctetStringRef<'a>,
    issuer_serial: Option<AnyRef<'a>>,
}

/// `ESSCertIDv2` (RFC 5035 §4). The digest is SHA-256 where none is named.
#[derive(Sequence)]
struct CertificateIdV2<'a> {
    algorithm: Option<AlgorithmIdentifierOwned>,
    digest: OctetStringRef<'a>,
    issuer_serial: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct Signing {
    certificates: Vec<Any>,
    policies: Option<Any>,
}

/// RFC 3161 §2.4.1, RFC 5816 §2.2.1: the first certificate that these attributes name is the signer's. Where
/// both stand there, both must fit. SHA-1 bears no signature here, it only names one of the certificates.
fn check_signing_certificate(signer: &SignerInfo, certificate: &Certificate) -> Result<(), Stop> {
    let other = || broken("it was signed by another certificate than it names");
    if let Some(value) = signer.signed_attribute(SIGNING_CERTIFICATE).map_err(broken)? {
        let named = Signing::from_der(value).map_err(broken)?;
        let first = named.certificates.first().ok_or_else(other)?;
        let first: CertificateId<'_> = first.decode_as().map_err(broken)?;
        if first.digest.as_bytes() != Algorithm::Sha1.digest(certificate.der()) {
            return Err(other());
        }
    }
    if let Some(value) = signer.signed_attribute(SIGNING_CERTIFICATE_V2).map_err(broken)? {
        let named = Signing::from_der(value).map_err(broken)?;
        let first = named.certificates.first().ok_or_else(other)?;
        let first: CertificateIdV2<'_> = first.decode_as().map_err(broken)?;
        let algorithm = match &first.algorithm {
            None => Algorithm::Sha256,
            Some(named) => digest_algorithm(named).map_err(broken)?,
        };
        if first.digest.as_bytes() != algorithm.digest(certificate.der()) {
            return Err(other());
        }
    }
    Ok(())
}

impl Accuracy {
    /// The time counts as it is stated; how exact the authority's clock claims to be is for people.
    fn note(&self) -> Option<String> {
        let millis = u64::from(self.millis.unwrap_or(0));
        let seconds = self.seconds.unwrap_or(0).saturating_add(millis / 1000);
        let seconds = seconds.saturating_add(u64::from(self.micros.unwrap_or(0)) / 1_000_000);
        (seconds > NOTEWORTHY_SECONDS).then(|| format!("the timestamp is accurate to {seconds} seconds only"))
    }
}
