//! What a program is told by its environment: whom to trust, where to write its TLS keys, and, without a network of its own, to go through
//! the proxy.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use wirelore_ca::Authority;

/// Where systems keep the certificates that they trust, all in one file.
pub const SYSTEM_BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Variables that name a file with all certificates to trust, instead of those of the system.
const BUNDLES: &[&str] = &[
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
    "PIP_CERT",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "HTTPLIB2_CA_CERTS",
    "NIX_SSL_CERT_FILE",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
];
/// Variables that name a file with certificates to trust besides the program's own.
const EXTRAS: &[&str] = &["NODE_EXTRA_CA_CERTS", "DENO_CERT"];
/// Variables that say which proxy to use; each is known in lower case too.
const PROXIES: &[&str] = &["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
/// And whom to ask without one.
const EXCEPTIONS: &[&str] = &["NO_PROXY", "no_proxy"];

/// Variables to set, or (`None`) to take away.
pub type Variables = Vec<(OsString, Option<OsString>)>;

/// The files of an authority, as programs want them.
#[derive(Debug, Clone)]
pub struct Trusted {
    /// Our certificate alone (PEM).
    certificate: PathBuf,
    /// Those of the system, and ours (PEM).
    pub bundle: PathBuf,
    /// The folder of the bundle, and nothing else.
    folder: PathBuf,
    /// Ours for Java (PKCS#12).
    java: PathBuf,
}

/// The password of the store for Java, which knows none without.
const JAVA_PASSWORD: &str = "changeit";

impl Trusted {
    /// Names the files, and makes them empty, in a folder of ours.
    ///
    /// # Errors
    /// The system's.
    pub fn reserve(home: &Path) -> io::Result<Trusted> {
        let folder = home.join("certificates");
        fs::create_dir(&folder)?;
        let bundle = folder.join("bundle.pem");
        fs::write(&bundle, "")?;
        Ok(Trusted { certificate: home.join("wirelore.pem"), bundle, folder, java: home.join("wirelore.jks") })
    }

    /// Writes them.
    ///
    /// # Errors
    /// The system's.
    pub fn fill(&self, authority: &Authority) -> io::Result<()> {
        let ours = authority.certificate_pem();
        let mut all = SYSTEM_BUNDLES.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        if !all.is_empty() && !all.ends_with('\n') {
            all.push('\n');
        }
        all.push_str(ours);
        fs::write(&self.certificate, ours)?;
        fs::write(&self.bundle, all)?;
        fs::write(&self.java, super::jks::store(authority.certificate_der(), "wirelore", JAVA_PASSWORD))
    }

    /// The variables that say so.
    #[must_use]
    pub fn variables(&self) -> Variables {
        let set = |names: &[&str], path: &Path| -> Variables {
            names.iter().map(|name| (OsString::from(name), Some(path.as_os_str().to_owned()))).collect()
        };
        let mut all = set(BUNDLES, &self.bundle);
        all.extend(set(EXTRAS, &self.certificate));
        all.extend(set(&["SSL_CERT_DIR"], &self.folder));
        let mut store = OsString::from("-Djavax.net.ssl.trustStore=");
        store.push(&self.java);
        store.push(format!(" -Djavax.net.ssl.trustStorePassword={JAVA_PASSWORD}"));
        all.push((JAVA.into(), Some(with_more(JAVA, &store))));
        all
    }
}

const JAVA: &str = "JAVA_TOOL_OPTIONS";

/// A variable's value with more behind it.
fn with_more(name: &str, more: &OsStr) -> OsString {
    let mut value = std::env::var_os(name).filter(|v| !v.is_empty()).unwrap_or_default();
    if !value.is_empty() {
        value.push(" ");
    }
    value.push(more);
    value
}

/// Go through the proxy, whomever you ask.
#[must_use]
pub fn through(proxy: SocketAddr) -> Variables {
    let url = OsString::from(format!("http://{proxy}"));
    let both = PROXIES.iter().flat_map(|name| [(*name).to_owned(), name.to_ascii_lowercase()]);
    let mut all: Variables = both.map(|name| (OsString::from(name), Some(url.clone()))).collect();
    all.extend(EXCEPTIONS.iter().map(|name| (OsString::from(name), None)));
    all
}

/// What Java needs for the same, which reads none of these.
pub fn java_through(proxy: SocketAddr, variables: &mut Variables) {
    let (host, port) = (proxy.ip(), proxy.port());
    let more = format!(
        " -Dhttp.proxyHost={host} -Dhttp.proxyPort={port} -Dhttps.proxyHost={host} -Dhttps.proxyPort={port} -Dhttp.nonProxyHosts="
    );
    for (name, value) in variables {
        if name == JAVA
            && let Some(value) = value
        {
            value.push(&more);
        }
    }
}

/// In a network of its own a program cannot reach a proxy on this computer's loopback: such variables are taken away. Others stay.
#[must_use]
pub fn without_local_proxies() -> Variables {
    let names = PROXIES.iter().flat_map(|name| [(*name).to_owned(), name.to_ascii_lowercase()]);
    let local = |value: &OsStr| {
        let value = value.to_string_lossy();
        ["127.", "localhost", "[::1]"].iter().any(|home| value.contains(home))
    };
    names.filter(|name| std::env::var_os(name).is_some_and(|v| local(&v))).map(|name| (name.into(), None)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_proxy_variable_is_set_in_both_cases() {
        let all = through("127.0.0.1:8080".parse().expect("an address"));
        for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            assert!(all.iter().any(|(n, v)| n == name && v.as_deref() == Some(OsStr::new("http://127.0.0.1:8080"))), "{name}");
        }
        assert!(all.iter().any(|(n, v)| n == "NO_PROXY" && v.is_none()));
    }
}
