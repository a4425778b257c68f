// SPDX-License-Identifier: Apache-2.0
//! As much of Apple's XML property lists as a signature needs: a list of binary values by name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::{Document, Node, ParsingOptions};

use super::fields::malformed;
use crate::signature::Stop;

/// Most nodes of the tree: five CodeDirectories need thirty.
const MAX_NODES: u32 = 1000;

/// The values of the array that a dictionary has under `key`.
pub(super) fn data_array(bytes: &[u8], key: &str) -> Result<Vec<Vec<u8>>, Stop> {
    let wrong = |what: &str| malformed(format!("the property list of the signature: {what}"));
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8"))?;
    let text = without_doctype(text).ok_or_else(|| wrong("its document type declares something"))?;
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&text, options).map_err(|error| wrong(&error.to_string()))?;
    let plist = document.root_element();
    let mut top = plist.children().filter(Node::is_element);
    let (Some(dictionary), None) = (top.next(), top.next()) else {
        return Err(wrong("it does not hold one value"));
    };
    if !plist.has_tag_name("plist") || !dictionary.has_tag_name("dict") {
        return Err(wrong("it holds no dictionary"));
    }
    let members: Vec<Node<'_, '_>> = dictionary.children().filter(Node::is_element).collect();
    let mut found = members
        .chunks(2)
        .filter(|pair| pair.first().is_some_and(|name| name.has_tag_name("key") && name.text() == Some(key)));
    let (Some([_, array]), None) = (found.next(), found.next()) else {
        return Err(wrong(&format!("it does not have `{key}` once")));
    };
    if !array.has_tag_name("array") {
        return Err(wrong(&format!("`{key}` is no array")));
    }
    array
        .children()
        .filter(Node::is_element)
        .map(|value| data(&value).ok_or_else(|| wrong("a value that is no data")))
        .collect()
}

fn data(value: &Node<'_, '_>) -> Option<Vec<u8>> {
    if !value.has_tag_name("data") {
        return None;
    }
    let digits: String = value.text()?.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(digits).ok()
}

/// Every property list names Apple's document type. It stands for nothing here, so it may declare nothing.
fn without_doctype(text: &str) -> Option<String> {
    let Some((before, rest)) = text.split_once("<!DOCTYPE") else { return Some(text.to_owned()) };
    let (declaration, after) = rest.split_once('>')?;
    (!declaration.contains('[')).then(|| format!("{before}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">"#;

    fn read(body: &str) -> Option<Vec<Vec<u8>>> {
        data_array(format!("{HEAD}{body}").as_bytes(), "cdhashes").ok()
    }

    #[test]
    fn values_of_the_one_key() {
        let good = "<plist version=\"1.0\"><dict><key>a</key><string>cdhashes</string><key>cdhashes</key><array><data>\n\tAQI=\n\t</data><data>Aw==</data></array></dict></plist>";
        assert_eq!(read(good), Some(vec![vec![1, 2], vec![3]]));
        for bad in [
            "<plist><dict><key>cdhashes</key><array><string>AQI=</string></array></dict></plist>",
            "<plist><dict><key>cdhashes</key><data>AQI=</data></dict></plist>",
            "<plist><dict><key>cdhashes</key></dict></plist>",
            "<plist><dict><key>cdhashes</key><array/><key>cdhashes</key><array/></dict></plist>",
            "<plist><array><key>cdhashes</key><array/></array></plist>",
            "<plist><dict/><dict><key>cdhashes</key><array/></dict></plist>",
            "<dict><key>cdhashes</key><array/></dict>",
            "<plist><dict><key>cdhashes</key><array><data>AQI</data></array></dict></plist>",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn no_declarations() {
        let text = "<!DOCTYPE plist [<!ENTITY a \"AQI=\">]><plist><dict><key>cdhashes</key><array><data>&a;</data></array></dict></plist>";
        assert!(data_array(text.as_bytes(), "cdhashes").is_err());
    }
}
