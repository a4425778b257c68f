// SPDX-License-Identifier: Apache-2.0
//! A XAR's table of contents: XML in; checksum, signatures and files out.
//!
//! One reading only. Whatever two readers could take differently is refused: document types, comments inside
//! values, an element that must occur once and occurs twice with other content (genuine packages repeat `name`
//! with the same), signatures outside `toc`, one id or name for two files.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::{Document, Node, ParsingOptions};

use manifests::name::{PathSet, is_control_or_bidi};

use super::fields::malformed;
use crate::signature::digest::Algorithm;
use crate::signature::x509::Certificate;
use crate::signature::{Reason, Stop};

/// Most files of a package; large ones have a few hundred.
pub(super) const MAX_MEMBERS: usize = 4096;
/// Most folders within folders.
pub(super) const MAX_DEPTH: usize = 64;
/// Most nodes of the tree that the table makes: a file takes some sixty. Bounds memory.
pub(super) const MAX_TOC_NODES: u32 = 300_000;
/// Most bytes of one tag: real ones have 60. Bounds the work for finding double attributes.
pub(super) const MAX_TAG_BYTES: usize = 4096;
/// Most declarations of name spaces: each signature has one. Each costs the more, the more there are.
pub(super) const MAX_NAMESPACES: usize = 256;
/// Most attributes: a file takes four. Bounds memory.
pub(super) const MAX_ATTRIBUTES: usize = 200_000;
/// Most certificates of one signature: real ones have three.
pub(super) const MAX_CERTIFICATES: usize = 32;

/// A run of the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HeapRange {
    pub(super) start: u64,
    pub(super) length: u64,
}

/// How a file is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As it is.
    Stored,
    /// `application/x-gzip`, which is zlib's format (RFC 1950).
    Zlib,
    /// One that is not read here.
    Other(String),
}

/// The content of a file.
#[derive(Clone, Debug)]
pub(super) struct Data {
    pub(super) range: HeapRange,
    /// Bytes once it is decoded.
    pub(super) size: u64,
    pub(super) encoding: Encoding,
    pub(super) archived: Checksum,
    pub(super) extracted: Checksum,
}

/// A digest that the table states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Checksum {
    pub(super) algorithm: Algorithm,
    pub(super) digest: Vec<u8>,
}

/// A file with content.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) path: String,
    pub(super) data: Data,
}

/// A signature as the table describes it.
#[derive(Clone, Debug)]
pub(super) struct TocSignature {
    /// `RSA`, `CMS`, or something else.
    pub(super) style: String,
    pub(super) range: HeapRange,
    /// The signer's first.
    pub(super) certificates: Vec<Certificate>,
}

/// What the table says.
#[derive(Clone, Debug)]
pub(super) struct Toc {
    /// Where the table's own checksum lies, and by which algorithm it is made.
    pub(super) checksum: Option<(Algorithm, HeapRange)>,
    pub(super) signatures: Vec<TocSignature>,
    pub(super) members: Vec<Member>,
    /// Extended attributes, which installers do not read. Their places in genuine packages overlap others.
    pub(super) attributes: usize,
    /// When the package was made, as it stands there.
    pub(super) created: Option<String>,
}

/// Reads the table.
pub(super) fn parse(text: &str) -> Result<Toc, Stop> {
    bounded(text)?;
    let options = ParsingOptions { nodes_limit: MAX_TOC_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options)
        .map_err(|error| malformed(format!("the table of contents is no XML that is read here: {error}")))?;
    let root = document.root_element();
    let toc = once(&root, "toc")?.filter(|_| root.tag_name().name() == "xar");
    let toc = toc.ok_or_else(|| malformed("the table of contents has no <toc> in <xar>"))?;
    let signature_names = ["signature", "x-signature", "checksum"];
    if document
        .descendants()
        .any(|node| signature_names.contains(&node.tag_name().name()) && node.parent() != Some(toc))
    {
        return Err(malformed("the table of contents has a signature or checksum outside <toc>"));
    }
    let checksum = match once(&toc, "checksum")? {
        None => None,
        Some(node) => {
            style(&node)?.map(|algorithm| Ok::<_, Stop>((algorithm, range(&node, "size")?))).transpose()?
        }
    };
    let signatures =
        elements(&toc).filter(|node| matches!(node.tag_name().name(), "signature" | "x-signature"));
    let signatures = signatures.map(|node| signature(&node)).collect::<Result<_, _>>()?;
    let mut files = Files {
        members: Vec::new(),
        attributes: 0,
        ids: Vec::new(),
        paths: PathSet::portable(),
        folders: HashSet::new(),
        count: 0,
    };
    files.read(&toc, "", 0)?;
    files.ids.sort_unstable();
    if files.ids.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
        return Err(malformed("two files have one id"));
    }
    // For people alone: what cannot be read does not make the package another one.
    let created = text_of(&toc, "creation-time").ok().flatten();
    Ok(Toc { checksum, signatures, members: files.members, attributes: files.attributes, created })
}

/// Refuses what would cost the XML reader memory or time beyond all measure.
fn bounded(text: &str) -> Result<(), Stop> {
    let limit =
        |what: &str| Err(Stop::found(Reason::LimitExceeded, format!("the table of contents: {what}")));
    if text.contains("<!DOCTYPE") || text.contains("<!ENTITY") {
        return Err(malformed("the table of contents declares a document type"));
    }
    if text.split('<').any(|tag| tag.find('>').unwrap_or(tag.len()) > MAX_TAG_BYTES) {
        return limit("a tag is too long");
    }
    if text.matches("xmlns").count() > MAX_NAMESPACES {
        return limit("too many name spaces");
    }
    if text.matches('=').count() > MAX_ATTRIBUTES {
        return limit("too many attributes");
    }
    Ok(())
}

struct Files {
    members: Vec<Member>,
    attributes: usize,
    ids: Vec<String>,
    paths: PathSet,
    folders: HashSet<String>,
    count: usize,
}

impl Files {
    /// Reads the files in `folder`, which is `toc` itself or a directory.
    fn read(&mut self, folder: &Node<'_, '_>, path: &str, depth: usize) -> Result<(), Stop> {
        let files: Vec<_> = elements(folder).filter(|node| node.tag_name().name() == "file").collect();
        if depth > MAX_DEPTH {
            return Err(Stop::found(Reason::LimitExceeded, "folders within folders, too many"));
        }
        for file in files {
            self.count = self.count.saturating_add(1);
            if self.count > MAX_MEMBERS {
                return Err(Stop::found(Reason::LimitExceeded, format!("more than {MAX_MEMBERS} files")));
            }
            self.ids.extend(file.attribute("id").map(str::to_owned));
            let name = name(&file)?;
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            self.file(&file, &path, depth)?;
        }
        Ok(())
    }

    fn file(&mut self, file: &Node<'_, '_>, path: &str, depth: usize) -> Result<(), Stop> {
        let kind = text_of(file, "type")?.ok_or_else(|| malformed(format!("{path} has no type")))?;
        let data = once(file, "data")?;
        let twice = |error: manifests::name::NameError| malformed(format!("{path}: {}", error.rule()));
        self.attributes = self
            .attributes
            .saturating_add(elements(file).filter(|node| node.tag_name().name() == "ea").count());
        match (kind.as_str(), data) {
            ("directory", None) => {
                self.paths.insert_directory(path).map_err(twice)?;
                if !self.folders.insert(path.to_owned()) {
                    return Err(malformed(format!("{path}: appears twice")));
                }
                return self.read(file, path, depth.saturating_add(1));
            }
            ("file" | "hardlink", data) => {
                self.paths.insert(path).map_err(twice)?;
                if let Some(node) = data {
                    self.members.push(Member { path: path.to_owned(), data: content(&node, path)? });
                }
            }
            ("symlink", None) => {
                self.paths.insert(path).map_err(twice)?;
                let target = text_of(file, "link")?.unwrap_or_default();
                if target.is_empty() || target.starts_with('/') || target.split('/').any(|part| part == "..")
                {
                    return Err(malformed(format!("{path} is a link that leads out, or nowhere")));
                }
            }
            (kind, _) => return Err(malformed(format!("{path} is of type {kind}, with or without content"))),
        }
        if elements(file).any(|node| node.tag_name().name() == "file") {
            return Err(malformed(format!("{path} is no folder and has files in it")));
        }
        Ok(())
    }
}

/// A file's own name: one component, in words that no system takes for something else.
fn name(file: &Node<'_, '_>) -> Result<String, Stop> {
    let mut names = elements(file).filter(|node| node.tag_name().name() == "name");
    let first = names.next().ok_or_else(|| malformed("a file has no name"))?;
    let text = leaf(&first)?;
    for other in names {
        if leaf(&other)? != text || other.attribute("enctype") != first.attribute("enctype") {
            return Err(malformed("a file has two names"));
        }
    }
    let name = match first.attribute("enctype") {
        None => text,
        Some("base64") => {
            let bytes = base64(&text).and_then(|bytes| String::from_utf8(bytes).ok());
            bytes.ok_or_else(|| malformed("a name in base64 that is none, or not UTF-8"))?
        }
        Some(other) => return Err(malformed(format!("a name in {other}"))),
    };
    let unsafe_name = matches!(name.as_str(), "" | "." | "..")
        || name.len() > manifests::name::MAX_PATH_BYTES
        || name.contains(['/', '\\'])
        || name.chars().any(is_control_or_bidi);
    if unsafe_name {
        return Err(malformed(format!("`{name}` is no safe name of a file")));
    }
    Ok(name)
}

fn content(node: &Node<'_, '_>, path: &str) -> Result<Data, Stop> {
    let encoding = match once(node, "encoding")? {
        None => Encoding::Stored,
        Some(encoding) => match encoding.attribute("style").unwrap_or_default() {
            "application/octet-stream" => Encoding::Stored,
            "application/x-gzip" | "application/zlib" => Encoding::Zlib,
            other => Encoding::Other(other.to_owned()),
        },
    };
    let checksum = |name: &'static str| {
        let node = once(node, name)?.ok_or_else(|| malformed(format!("{path} has no {name}")))?;
        let algorithm = style(&node)?.ok_or_else(|| malformed(format!("{path} has no {name}")))?;
        let digest = hex(leaf(&node)?.trim()).filter(|digest| digest.len() == algorithm.length());
        let digest = digest.ok_or_else(|| malformed(format!("{path}: its {name} is no digest")))?;
        Ok::<_, Stop>(Checksum { algorithm, digest })
    };
    Ok(Data {
        range: range(node, "length")?,
        size: number(node, "size")?,
        encoding,
        archived: checksum("archived-checksum")?,
        extracted: checksum("extracted-checksum")?,
    })
}

fn signature(node: &Node<'_, '_>) -> Result<TocSignature, Stop> {
    let style = node.attribute("style").unwrap_or_default().to_owned();
    let mut certificates = Vec::new();
    for certificate in node.descendants().filter(|node| node.tag_name().name() == "X509Certificate") {
        if certificates.len() >= MAX_CERTIFICATES {
            return Err(Stop::found(Reason::LimitExceeded, "too many certificates in a signature"));
        }
        let der = base64(&leaf(&certificate)?);
        let der = der.ok_or_else(|| malformed("a certificate in the table of contents is not base64"))?;
        certificates.push(Certificate::from_der(&der).map_err(|error| {
            Stop::found(
                Reason::SignatureMalformed,
                format!("a certificate in the table of contents: {error}"),
            )
        })?);
    }
    Ok(TocSignature { style, range: range(node, "size")?, certificates })
}

/// The algorithm of a checksum; none where it says that there is none.
fn style(node: &Node<'_, '_>) -> Result<Option<Algorithm>, Stop> {
    match node.attribute("style").unwrap_or_default().to_ascii_lowercase().as_str() {
        "none" => Ok(None),
        "sha1" => Ok(Some(Algorithm::Sha1)),
        "sha224" => Ok(Some(Algorithm::Sha224)),
        "sha256" => Ok(Some(Algorithm::Sha256)),
        "sha384" => Ok(Some(Algorithm::Sha384)),
        "sha512" => Ok(Some(Algorithm::Sha512)),
        "md5" => Err(Stop::found(Reason::WeakHash, "the table of contents has MD5 checksums")),
        other => Err(Stop::found(Reason::UnknownAlgorithm, format!("checksums of style {other}"))),
    }
}

fn range(node: &Node<'_, '_>, length: &str) -> Result<HeapRange, Stop> {
    Ok(HeapRange { start: number(node, "offset")?, length: number(node, length)? })
}

fn elements<'a, 'input>(node: &Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> + use<'a, 'input> {
    node.children().filter(Node::is_element)
}

/// The child of this name, which may not stand there twice.
fn once<'a, 'input>(node: &Node<'a, 'input>, name: &str) -> Result<Option<Node<'a, 'input>>, Stop> {
    let mut found = elements(node).filter(|child| child.tag_name().name() == name);
    match (found.next(), found.next()) {
        (first, None) => Ok(first),
        _ => Err(malformed(format!("<{name}> stands twice in <{}>", node.tag_name().name()))),
    }
}

/// The text of a child; none where there is no such child. Copies must say the same.
fn text_of(node: &Node<'_, '_>, name: &str) -> Result<Option<String>, Stop> {
    let mut found: Option<String> = None;
    for child in elements(node).filter(|child| child.tag_name().name() == name) {
        let text = leaf(&child)?;
        if found.as_ref().is_some_and(|found| *found != text) {
            return Err(malformed(format!("<{name}> stands twice, and says two things")));
        }
        found = Some(text);
    }
    Ok(found)
}

/// The text of an element that holds nothing else.
fn leaf(node: &Node<'_, '_>) -> Result<String, Stop> {
    let mut children = node.children();
    match (children.next(), children.next()) {
        (None, _) => Ok(String::new()),
        (Some(child), None) if child.is_text() => Ok(child.text().unwrap_or_default().to_owned()),
        _ => Err(malformed(format!("<{}> holds more than text", node.tag_name().name()))),
    }
}

/// A number in decimal digits.
fn number(node: &Node<'_, '_>, name: &str) -> Result<u64, Stop> {
    let text = once(node, name)?.map(|child| leaf(&child)).transpose()?;
    let text = text.ok_or_else(|| malformed(format!("<{}> has no <{name}>", node.tag_name().name())))?;
    let digits = text.trim();
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).ok_or_else(|| malformed(format!("<{name}> is no number")))
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(digits).ok()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

impl HeapRange {
    pub(super) const fn end(self) -> Option<u64> {
        self.start.checked_add(self.length)
    }
}

impl Toc {
    /// The runs of the heap that something here stands in, with what.
    pub(super) fn ranges(&self) -> Vec<(HeapRange, String)> {
        let checksum = self.checksum.iter().map(|(_, range)| (*range, "the checksum".to_owned()));
        let signatures =
            self.signatures.iter().map(|one| (one.range, format!("the {} signature", one.style)));
        let members = self.members.iter().map(|one| (one.data.range, one.path.clone()));
        checksum.chain(signatures).chain(members).filter(|(range, _)| range.length > 0).collect()
    }

    /// Whether a file's checksum is made with `algorithm`.
    pub(super) fn members_by(&self, algorithm: Algorithm) -> bool {
        let by = |one: &Checksum| one.algorithm == algorithm;
        self.members.iter().any(|one| by(&one.data.archived) || by(&one.data.extracted))
    }
}
