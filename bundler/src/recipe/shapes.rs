// SPDX-License-Identifier: Apache-2.0
//! What values of a recipe are like, for more than one section. The types of `manifests` decide; these patterns
//! only let an editor tell early what is surely wrong.

use crate::keys::{Repeats, Shape};

/// Text without a rule.
pub(super) const ANY: Shape = Shape::Text("");
/// Text that is compared, or run, as it stands.
pub(super) const PLAIN: Shape = Shape::Text(r"[\s\S]");
/// Text for people.
pub(super) const PROSE: Shape = Shape::Text(r"\S");
/// A plain name. A name in a list of `for` gets more at its end: so what ends a name is not told here.
pub(super) const NAME: Shape = Shape::Text(NAME_PATTERN);
/// The pattern of [`NAME`].
pub(super) const NAME_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._+~-]{0,63}$";
/// The name of a bundle.
pub(super) const BUNDLE_NAME: Shape = Shape::Text("^[a-z0-9][a-z0-9._+~-]{0,63}$");
/// A time.
pub(super) const TIME: Shape = Shape::Text("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$");
/// A path beside the recipe, or a URL.
pub(super) const LOCATION: Shape = Shape::Text(r"^(?!(?:http|oci|pkcs11):)[\s\S]");
/// A path beside the recipe.
pub(super) const PATH: Shape = Shape::Text(r"^(?!(?:https?|file|oci|pkcs11):)[\s\S]");
/// An absolute path on the target.
pub(super) const INSTALL_PATH: Shape = Shape::Text("^(?:/[^/]+)+$");
/// SHA-256 of a certificate, as tools print it.
pub(super) const PIN: Shape = Shape::Text(r"^\s*(?:sha256:)?[ :]*(?:[0-9A-Fa-f][ :]*){64}\s*$");
/// Texts without a rule.
pub(super) const TEXTS: Shape = Shape::List(&ANY, 0, Repeats::Allowed);
