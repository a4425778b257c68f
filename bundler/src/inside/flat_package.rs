// SPDX-License-Identifier: Apache-2.0
//! Flat packages of macOS: `Distribution` of a product, `PackageInfo` of a component. The archive is read by the
//! verifier's own reader.

use manifests::time::Timestamp;
use roxmltree::{Document, Node, ParsingOptions};
use verifier::bytes::Bytes;
use verifier::signature::Stop;
use verifier::signature::apple::members::Members;

use super::fields::unreadable;
use super::{Facts, Inside, claim};

/// `Distribution` or `PackageInfo`: real ones have some KiB, scripts in them included.
pub const MAX_XML_BYTES: u64 = 512 * 1024;
/// Nodes of such a document: bounds memory.
const MAX_XML_NODES: u32 = 50_000;
/// Bytes of one tag, which bound the work for finding double attributes.
const MAX_TAG_BYTES: usize = 4096;
/// Declarations of name spaces, each of which costs the more, the more there are.
const MAX_NAMESPACES: usize = 64;

pub(super) fn read(file: &dyn Bytes) -> Result<Option<Inside>, Stop> {
    let members = Members::open(file)?;
    let xml = |path: &str| -> Result<Option<String>, Stop> {
        let content = members.read(path, MAX_XML_BYTES)?;
        content.map(|content| String::from_utf8(content).map_err(|_| unreadable())).transpose()
    };
    let mut facts = match xml("Distribution")? {
        Some(text) => parsed(&text, product)?,
        None => Facts::default(),
    };
    if facts.version.is_none() {
        let mut components = members.names().filter(|name| is_component(name));
        // Of several components none speaks for the whole.
        if let (Some(name), None) = (components.next(), components.next())
            && let Some(text) = xml(name)?
        {
            let component = parsed(&text, component)?;
            facts = Facts { arch: facts.arch, ..component };
        }
    }
    let made_at = members.created().and_then(time);
    Ok(Inside::new(Facts { made_at, ..facts }, Vec::new()))
}

fn is_component(path: &str) -> bool {
    path == "PackageInfo"
        || path.strip_suffix("/PackageInfo").is_some_and(|folder| !folder.is_empty() && !folder.contains('/'))
}

/// `2026-11-22T00:00:00`, which is UTC; some writers add the `Z`.
fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    Timestamp::parse(&if text.ends_with('Z') { text.to_owned() } else { format!("{text}Z") }).ok()
}

fn parsed(text: &str, read: fn(Node<'_, '_>) -> Facts) -> Result<Facts, Stop> {
    let dear = text.contains("<!DOCTYPE")
        || text.split('<').any(|tag| tag.find('>').unwrap_or(tag.len()) > MAX_TAG_BYTES)
        || text.matches("xmlns").count() > MAX_NAMESPACES;
    if dear {
        return Err(unreadable());
    }
    let options = ParsingOptions { nodes_limit: MAX_XML_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|_| unreadable())?;
    Ok(read(document.root_element()))
}

/// `<product id version>`, else the one `<pkg-ref version>`; `<options hostArchitectures>`.
fn product(root: Node<'_, '_>) -> Facts {
    let named = |name: &'static str| root.children().filter(move |node| node.has_tag_name(name));
    let product = named("product").next();
    let mut references = named("pkg-ref").filter(|node| node.has_attribute("version"));
    let only = match (references.next(), references.next()) {
        (Some(reference), None) => Some(reference),
        _ => None,
    };
    let speaks = product.filter(|node| node.has_attribute("version")).or(only);
    let attribute = |node: Option<Node<'_, '_>>, name| node.and_then(|node| claim(node.attribute(name)?));
    Facts {
        name: attribute(speaks, "id"),
        version: attribute(speaks, "version"),
        arch: attribute(named("options").next(), "hostArchitectures"),
        ..Facts::default()
    }
}

fn component(root: Node<'_, '_>) -> Facts {
    let attribute = |name| root.attribute(name).and_then(claim);
    Facts { name: attribute("identifier"), version: attribute("version"), ..Facts::default() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_named_by_itself_or_by_its_only_part() {
        let both = r#"<installer-gui-script minSpecVersion="2"><product id="a" version="1.0"/>
            <pkg-ref id="b" version="2"/><options hostArchitectures="x86_64,arm64"/></installer-gui-script>"#;
        let facts = parsed(both, product).unwrap();
        assert_eq!((facts.name.as_deref(), facts.version.as_deref()), (Some("a"), Some("1.0")));
        assert_eq!(facts.arch.as_deref(), Some("x86_64,arm64"));
        let part = r#"<installer-script><product id="a"/><pkg-ref id="b" version="2"/></installer-script>"#;
        assert_eq!(parsed(part, product).unwrap().name.as_deref(), Some("b"));
        let several = r#"<x><pkg-ref id="b" version="2"/><pkg-ref id="c" version="3"/></x>"#;
        assert_eq!(parsed(several, product).unwrap(), Facts::default());
    }

    #[test]
    fn what_is_dear_or_dressed_up_is_not_read() {
        for text in [
            "<!DOCTYPE x><x/>".to_owned(),
            format!("<x a=\"{}\"/>", "b".repeat(MAX_TAG_BYTES)),
            format!("<x>{}</x>", "<y/>".repeat(60_000)),
            format!("<x>{}</x>", "<y xmlns:a=\"b\"/>".repeat(MAX_NAMESPACES + 1)),
        ] {
            assert!(parsed(&text, product).is_err(), "{}", &text[..20]);
        }
        let hidden = "<pkg-info identifier=\"a\u{202e}b\" version=\" 1.0 \"/>";
        let facts = parsed(hidden, component).unwrap();
        assert_eq!((facts.name, facts.version.as_deref()), (None, Some("1.0")));
    }

    #[test]
    fn times_with_and_without_zone_are_read() {
        assert_eq!(time("2026-11-22T00:00:00"), time("2026-11-22T00:00:00Z"));
        assert!(time("2026-11-22T00:00:00").is_some() && time("yesterday").is_none());
    }
}
