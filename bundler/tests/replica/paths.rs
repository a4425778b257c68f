// SPDX-License-Identifier: Apache-2.0
//! What AWS serves, and where. Nothing of this comes from the folder that the script wrote.

/// How a file is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// A detached signature beside it.
    Detached(Vendor),
    /// The same, and its own in the header.
    Rpm,
    /// A detached signature of one member, beside the zip.
    Member,
    /// An Apple signature of one member.
    AppleMember,
    /// An Authenticode signature of one member.
    WindowsMember,
    /// An Apple signature.
    Package,
    /// An Authenticode signature.
    Installer,
    /// A certificate of AWS's own, with this fingerprint.
    Root(&'static str),
    /// By whoever signs the bundle: it carries no proof, or is part of another file's.
    None,
}

/// Whose OpenPGP key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vendor {
    Signer,
    Cli,
}

/// A path below the replica's URL.
pub(crate) struct Served {
    pub(crate) path: String,
    /// As the script names it where it could not make it.
    pub(crate) kind: &'static str,
    pub(crate) proof: Proof,
}

pub(crate) const PLUGIN: &str = "notation-com.amazonaws.signer.notation.plugin";
const CLI_VERSION: &str = "2.32.7";

/// Every path of the sites.
pub(crate) fn all() -> Vec<Served> {
    let mut all = Vec::new();
    let mut add = |kind, path: String, proof| all.push(Served { path, kind, proof });
    for arch in ["amd64", "arm64"] {
        for (kind, proof) in [("rpm", Proof::Rpm), ("deb", Proof::Detached(Vendor::Signer))] {
            let file =
                format!("/signer/linux/{arch}/installer/{kind}/latest/aws-signer-notation-cli_{arch}.{kind}");
            add(kind, format!("{file}.sig"), Proof::None);
            add(kind, file, proof);
        }
        for (system, proof) in [("linux", Proof::Member), ("darwin", Proof::AppleMember)] {
            let folder = format!("/signer/{system}/{arch}/plugin/latest");
            add(system, format!("{folder}/notation-aws-signer-plugin.zip"), proof);
        }
        add("linux", format!("/signer/linux/{arch}/plugin/latest/{PLUGIN}.sig"), Proof::None);
        let file = format!("/signer/darwin/{arch}/installer/latest/aws-signer-notation-cli_{arch}.pkg");
        add("darwin", file, Proof::Package);
    }
    for (file, proof) in [
        ("installer/latest/aws-signer-notation-cli.msi", Proof::Installer),
        ("plugin/latest/notation-aws-signer-plugin.zip", Proof::WindowsMember),
    ] {
        add("windows", format!("/signer/windows/amd64/{file}"), proof);
    }
    for (file, proof) in [
        ("linux/public.key", Proof::None),
        ("CHANGELOG", Proof::None),
        (
            "aws-signer-notation-root.cert",
            Proof::Root("90A87D0543C3F094DBFF9589B6649AFFE2F3D6E0F308799BE2258461C686473F"),
        ),
        (
            "aws-us-gov-signer-notation-root.cert",
            Proof::Root("673653AB76F41A10546CDEB4107ECD6DF2C15C2C9A0D32ED97D271B4436FC3E8"),
        ),
    ] {
        add("linux", format!("/signer/{file}"), proof);
    }
    for version in [String::new(), format!("-{CLI_VERSION}")] {
        for machine in ["x86_64", "aarch64"] {
            let file = format!("/awscli/awscli-exe-linux-{machine}{version}.zip");
            add("linux", format!("{file}.sig"), Proof::None);
            add("linux", file, Proof::Detached(Vendor::Cli));
        }
        add("darwin", format!("/awscli/AWSCLIV2{version}.pkg"), Proof::Package);
        add("windows", format!("/awscli/AWSCLIV2{version}.msi"), Proof::Installer);
    }
    add("linux", "/awscli/v2/version.txt".to_owned(), Proof::None);
    for file in ["apple-root.cer", "windows-root.cer", "tsa-root.cer", "aws-cli.asc"] {
        add("linux", format!("/pki/{file}"), Proof::None);
    }
    all
}
