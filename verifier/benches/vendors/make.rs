// SPDX-License-Identifier: Apache-2.0
//! The files of the benchmark, made with the vendors' tools and throw-away keys.

use std::path::Path;
use std::process::Command;

/// Runs one of the scripts below in `folder`.
pub(super) fn run(folder: &Path, script: &str) {
    let script = format!("{KEY}{script}");
    let done = Command::new("bash").args(["-euo", "pipefail", "-c", &script]).current_dir(folder).output();
    let done = done.expect("bash");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// `setup.msi`, signed under `ca.pem`.
pub(super) const MSI: &str = r#"
head -c 100000000 /dev/urandom > payload.bin
cat > setup.wxs <<'WXS'
<?xml version="1.0"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
  <Product Id="5d3c1f5e-7b0a-4c1e-9a55-000000000001" Name="Big" Language="1033" Version="1.0.0" Manufacturer="Snakeoil"
           UpgradeCode="5d3c1f5e-7b0a-4c1e-9a55-000000000002">
    <Package InstallerVersion="200" Compressed="yes"/>
    <Media Id="1" Cabinet="big.cab" EmbedCab="yes" CompressionLevel="none"/>
    <Directory Id="TARGETDIR" Name="SourceDir">
      <Component Id="c" Guid="5d3c1f5e-7b0a-4c1e-9a55-000000000003"><File Id="f" Source="payload.bin"/></Component>
    </Directory>
    <Feature Id="all" Level="1"><ComponentRef Id="c"/></Feature>
  </Product>
</Wix>
WXS
wixl -o unsigned.msi setup.wxs
openssl req -x509 -newkey rsa:3072 -nodes -keyout ca.key -out ca.pem -days 365 -subj "/CN=Snakeoil CA" \
    -addext keyUsage=critical,keyCertSign
openssl req -newkey rsa:3072 -nodes -keyout leaf.key -out leaf.csr -subj "/O=Snakeoil/CN=Snakeoil Publisher"
printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n' > leaf.cnf
openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 -extfile leaf.cnf -out leaf.pem
osslsigncode sign -h sha256 -certs leaf.pem -key leaf.key -in unsigned.msi -out setup.msi
"#;

/// A throw-away key in `vendor.pgp`, its fingerprint in `pin`, its home in `gnupg`.
const KEY: &str = r#"
export GNUPGHOME=$PWD/gnupg
if [ ! -d gnupg ]; then
    mkdir -m 700 gnupg
    gpg --batch --quiet --passphrase '' --quick-gen-key 'Snakeoil <snakeoil@example.org>' rsa3072 sign never
    gpg --export > vendor.pgp
    gpg --with-colons --list-keys | awk -F: '/^fpr/ { print $10; exit }' > pin
fi
"#;

/// `big-1-1.noarch.rpm`, signed by the key; `rpmdb`, which knows the key.
pub(super) const RPM: &str = r#"
head -c 100000000 /dev/urandom > payload.bin
cat > big.spec <<'SPEC'
Name: big
Version: 1
Release: 1
Summary: Many bytes
License: none
BuildArch: noarch
%define _binary_payload w0.gzdio
%description
Many bytes.
%install
install -D -m 644 %{source} %{buildroot}/opt/big/payload.bin
%files
/opt/big/payload.bin
SPEC
rpmbuild --quiet -bb --define "_topdir $PWD/rpmbuild" --define "_rpmdir $PWD" --define "source $PWD/payload.bin" \
    --define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' big.spec
rpmsign --addsign --define "__gpg $(command -v gpg)" --define "_gpg_name $(cat pin)" big-1-1.noarch.rpm
mkdir -p rpmdb
gpg --armor --export > vendor.asc
rpmkeys --dbpath "$PWD/rpmdb" --import vendor.asc
"#;

/// `big` and its signatures `big.sha256` and `big.sha512`.
pub(super) const OPENPGP: &str = r#"
head -c 1073741824 /dev/zero | openssl enc -aes-128-ctr -K 00000000000000000000000000000000 -iv 00000000000000000000000000000000 > big
for digest in sha256 sha512; do
    gpg --batch --quiet --digest-algo $digest --output big.$digest --detach-sign big
done
"#;
