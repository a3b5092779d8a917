//! The page of the authority, served by the proxy under a name of its own: what it is, how to trust it, and whether one is intercepted.
//!
//! It is whole in itself (no scripts, no fonts, nothing fetched from elsewhere), because it is read where trust is not yet set up.

use crate::Authority;
use std::borrow::Cow;

/// Hosts that the page is served for: ours, and the one that hands know from mitmproxy.
pub const HOSTS: [&str; 2] = ["wirelore.proxy", "mitm.it"];

/// Something to answer a GET with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<'a> {
    /// Content-Type.
    pub media: &'static str,
    /// The name to save it under (Content-Disposition: attachment), for downloads.
    pub save_as: Option<&'static str>,
    /// The body.
    pub body: Cow<'a, [u8]>,
}

/// How a request for the page came.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The path, perhaps with a query.
    pub path: &'a str,
    /// Through TLS that we answered: the client accepted our certificate.
    pub secure: bool,
    /// The User-Agent field, to open the fitting instructions.
    pub user_agent: &'a str,
}

/// What to answer for a path; nothing: 404.
pub fn answer<'a>(authority: &'a Authority, asked: Asked<'_>) -> Option<Answer<'a>> {
    let plain = |media, body: &'a [u8]| Some(Answer { media, save_as: None, body: Cow::Borrowed(body) });
    let download = |media, name, body| Some(Answer { media, save_as: Some(name), body });
    match asked.path.split(['?', '#']).next().unwrap_or_default() {
        "" | "/" => {
            let body = Cow::Owned(html(authority, asked).into_bytes());
            Some(Answer { media: "text/html; charset=utf-8", save_as: None, body })
        }
        // The second path of each is mitmproxy's, which scripts use.
        "/wirelore-ca-cert.pem" | "/cert/pem" => {
            let body = Cow::Borrowed(authority.certificate_pem().as_bytes());
            download("application/x-x509-ca-cert", "wirelore-ca-cert.pem", body)
        }
        "/wirelore-ca-cert.cer" | "/cert/cer" => {
            let body = Cow::Borrowed(authority.certificate_der().as_ref());
            download("application/x-x509-ca-cert", "wirelore-ca-cert.cer", body)
        }
        "/wirelore-ca-cert.p12" | "/cert/p12" => {
            let body = Cow::Owned(authority.certificate_p12().ok()?);
            download("application/x-pkcs12", "wirelore-ca-cert.p12", body)
        }
        "/fingerprint" => {
            let body = Cow::Owned(format!("{}\n", authority.fingerprint()).into_bytes());
            Some(Answer { media: "text/plain; charset=utf-8", save_as: None, body })
        }
        "/trusted.svg" => plain("image/svg+xml", TRUSTED.as_bytes()),
        _ => None,
    }
}

/// Loaded over https: it appears only in a client that trusts us. Until then its alternative text stands there.
const TRUSTED: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"420\" height=\"24\" role=\"img\">\
<title>This program trusts the authority</title><circle cx=\"12\" cy=\"12\" r=\"10\" fill=\"#1a7f37\"/>\
<path d=\"M7 12l4 4 6-7\" stroke=\"#fff\" stroke-width=\"2.5\" fill=\"none\"/>\
<text x=\"32\" y=\"17\" font-family=\"sans-serif\" font-size=\"15\" fill=\"#1a7f37\">Yes: this program trusts the authority.</text></svg>";

struct Platform {
    name: &'static str,
    /// Words of the User-Agent field by which it is known; the first platform that has one is opened.
    known_by: &'static [&'static str],
    steps: &'static str,
}

const PLATFORMS: &[Platform] = &[
    Platform {
        name: "Android",
        known_by: &["Android"],
        steps: "<ol><li>Download the <a href=\"/wirelore-ca-cert.cer\">.cer file</a>.</li><li>Settings &rarr; Security &rarr; More security \
settings &rarr; Encryption &amp; credentials &rarr; Install a certificate &rarr; CA certificate. The names of these entries differ a \
little by maker.</li></ol><p>Since Android 7 apps trust it only if they say so in their network security configuration; Chrome does. \
Firefox needs its own switch: Settings &rarr; About Firefox, tap the logo five times, then Secret Settings &rarr; Use third party CA \
certificates.</p>",
    },
    Platform {
        name: "iPhone and iPad",
        known_by: &["iPhone", "iPad"],
        steps: "<ol><li>Open the <a href=\"/wirelore-ca-cert.pem\">.pem file</a> in Safari and allow the profile.</li><li>Settings &rarr; \
General &rarr; VPN &amp; Device Management: install the profile.</li><li>Settings &rarr; General &rarr; About &rarr; Certificate Trust \
Settings: switch it on. Without this last step nothing trusts it.</li></ol>",
    },
    Platform {
        name: "Windows",
        known_by: &["Windows"],
        steps: "<ol><li>Download the <a href=\"/wirelore-ca-cert.cer\">.cer file</a>.</li><li>For yourself only: \
<kbd>certutil -user -addstore Root wirelore-ca-cert.cer</kbd></li></ol><p>To undo it: <kbd>certutil -user -delstore Root \
<i>serial number</i></kbd>, or certmgr.msc &rarr; Trusted Root Certification Authorities. Edge and Chrome read this store; Firefox has its own.</p>",
    },
    Platform {
        name: "macOS",
        known_by: &["Macintosh", "Mac OS X"],
        steps: "<ol><li>Download the <a href=\"/wirelore-ca-cert.pem\">.pem file</a>.</li><li>For yourself only: <kbd>security \
add-trusted-cert -r trustRoot -p ssl -k ~/Library/Keychains/login.keychain-db wirelore-ca-cert.pem</kbd></li></ol><p>To undo it: \
<kbd>security remove-trusted-cert wirelore-ca-cert.pem</kbd>, and delete it in Keychain Access. Safari and Chrome read this store; Firefox \
has its own.</p>",
    },
    Platform {
        name: "Linux",
        known_by: &["Linux", "X11"],
        steps: "<p>On the computer that runs Wirelore: <kbd>wirelore ca install</kbd> shows what it would do, and does it with \
<kbd>--yes</kbd>; <kbd>wirelore ca uninstall</kbd> takes it back. On another one, with the \
<a href=\"/wirelore-ca-cert.pem\">.pem file</a>:</p><ul><li>Debian, Ubuntu: copy it to <kbd>/usr/local/share/ca-certificates/wirelore-ca.crt</kbd>, \
then <kbd>update-ca-certificates</kbd>.</li><li>Fedora, RHEL: copy it to <kbd>/etc/pki/ca-trust/source/anchors/</kbd>, then \
<kbd>update-ca-trust</kbd>.</li><li>Arch: <kbd>trust anchor wirelore-ca-cert.pem</kbd>.</li><li>Chromium, and Firefox profiles: \
<kbd>certutil -d sql:$HOME/.pki/nssdb -A -a -t C,, -n wirelore -i wirelore-ca-cert.pem</kbd> (with the profile's folder for Firefox).</li></ul>",
    },
    Platform {
        name: "Firefox, everywhere",
        known_by: &["Firefox"],
        steps: "<p>Settings &rarr; Privacy &amp; Security &rarr; Certificates &rarr; View Certificates &rarr; Authorities &rarr; Import the \
<a href=\"/wirelore-ca-cert.pem\">.pem file</a>, and tick &ldquo;identify websites&rdquo;.</p>",
    },
    Platform {
        name: "One program only",
        known_by: &["curl", "Wget", "python", "Python", "node", "Java"],
        steps: "<p>Many programs take the <a href=\"/wirelore-ca-cert.pem\">.pem file</a> by an option or a variable, and nothing else \
changes:</p><ul><li>curl: <kbd>--cacert FILE</kbd> or <kbd>CURL_CA_BUNDLE</kbd></li><li>OpenSSL, Ruby, Go and others: \
<kbd>SSL_CERT_FILE</kbd></li><li>Python requests: <kbd>REQUESTS_CA_BUNDLE</kbd></li><li>Node.js: \
<kbd>NODE_EXTRA_CA_CERTS</kbd></li><li>Git: <kbd>GIT_SSL_CAINFO</kbd></li><li>Cargo: <kbd>CARGO_HTTP_CAINFO</kbd></li><li>Deno: \
<kbd>DENO_CERT</kbd></li><li>Java: <kbd>keytool -importcert -alias wirelore -file FILE -keystore trust.p12 -storepass changeit \
-noprompt</kbd>, then <kbd>-Djavax.net.ssl.trustStore=trust.p12</kbd></li></ul>",
    },
];

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8886;--soft:#8882}\
body{font:1rem/1.55 system-ui,sans-serif;max-width:44rem;margin:2.5rem auto;padding:0 1rem}\
h1{font-size:1.5rem;margin-bottom:.25rem}h2{font-size:1.1rem;margin-top:2rem}\
.check{border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem;margin:1rem 0}\
.check p{margin:.25rem 0}img{vertical-align:middle}\
.files a{display:inline-block;border:1px solid var(--line);border-radius:.4rem;padding:.3rem .8rem;margin:0 .4rem .4rem 0;text-decoration:none}\
details{border-top:1px solid var(--line);padding:.5rem 0}summary{cursor:pointer;font-weight:600}\
kbd,code{font:.9em ui-monospace,monospace;background:var(--soft);padding:.1em .3em;border-radius:.25em;overflow-wrap:anywhere}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dt{opacity:.7}dd{margin:0;overflow-wrap:anywhere}\
small{opacity:.75}";

fn html(authority: &Authority, asked: Asked<'_>) -> String {
    let opened = PLATFORMS.iter().position(|p| p.known_by.iter().any(|word| asked.user_agent.contains(word)));
    let platforms: String = PLATFORMS
        .iter()
        .enumerate()
        .map(|(n, p)| {
            let open = if opened == Some(n) { " open" } else { "" };
            format!("<details{open}><summary>{}</summary>{}</details>\n", p.name, p.steps)
        })
        .collect();
    let trusted = if asked.secure {
        "<p>Is the authority trusted here? Yes: this page came over https, and this program accepted our certificate (or you told it to).</p>".into()
    } else {
        format!(
            "<p>Is the authority trusted here? <img src=\"https://{}/trusted.svg\" alt=\"Not yet: this program does not trust the authority.\"></p>",
            HOSTS[0]
        )
    };
    let (from, until) = authority.validity_text();
    let scope = if authority.scope().is_all() {
        "every name".to_owned()
    } else {
        format!("only {}", escaped(&authority.scope().to_string()))
    };
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
<title>Wirelore: trust the authority of this proxy</title><style>{STYLE}</style></head><body>\n\
<h1>You are connected through Wirelore</h1>\n\
<p>This page comes from the proxy itself. Whoever runs it can read and change what this program sends and receives, also what is \
encrypted, once the program trusts the authority below.</p>\n\
<div class=\"check\"><p>Are you intercepted? Yes: without the proxy this address does not exist.</p>\n{trusted}\n</div>\n\
<h2>Trust it</h2>\n\
<p class=\"files\"><a href=\"/wirelore-ca-cert.pem\">PEM</a><a href=\"/wirelore-ca-cert.cer\">CER (DER)</a>\
<a href=\"/wirelore-ca-cert.p12\">P12</a></p>\n\
<p>These hold the certificate only. Its key never leaves the computer that made it.</p>\n{platforms}\
<h2>What it is</h2>\n<dl><dt>Name</dt><dd>{}</dd><dt>SHA-256</dt><dd><code>{}</code></dd>\
<dt>Valid</dt><dd>{from} to {until}</dd><dt>Speaks for</dt><dd>{scope}</dd></dl>\n\
<p><small>Compare the fingerprint with what <kbd>wirelore ca show</kbd> prints on the computer that runs the proxy. Do not install \
it if you do not know who runs the proxy, and take it away when you no longer need it. Intercept only what is yours, or what you are \
allowed to.</small></p>\n</body></html>\n",
        escaped(&authority.name()),
        authority.fingerprint(),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<R>(then: impl FnOnce(&Authority) -> R) -> R {
        let folder = tempfile::tempdir().unwrap();
        then(&Authority::load_or_create(folder.path()).unwrap())
    }

    fn get<'a>(authority: &'a Authority, path: &str, user_agent: &str) -> Option<Answer<'a>> {
        answer(authority, Asked { path, secure: false, user_agent })
    }

    #[test]
    fn every_link_of_the_page_leads_somewhere() {
        with(|authority| {
            let page = String::from_utf8(get(authority, "/?a", "").unwrap().body.into_owned()).unwrap();
            let links: Vec<&str> = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
            assert!(links.len() > 5);
            for link in links {
                assert!(get(authority, link, "").unwrap().save_as.is_some_and(|name| link.ends_with(name)), "{link}");
            }
            assert!(page.contains(&authority.fingerprint()) && page.contains("made on this computer"));
            assert!(!page.contains("<script") && !page.contains("PRIVATE"));
            assert!(get(authority, "/trusted.svg", "").is_some() && get(authority, "/wirelore-ca.pem", "").is_none());
        });
    }

    #[test]
    fn the_instructions_for_who_asks_are_open() {
        with(|authority| {
            let open = |user_agent| {
                let page = String::from_utf8(get(authority, "/", user_agent).unwrap().body.into_owned()).unwrap();
                let found: Vec<String> =
                    page.split("<details open><summary>").skip(1).map(|r| r.split('<').next().unwrap().into()).collect();
                found.concat()
            };
            assert_eq!(open("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36"), "Android");
            assert_eq!(open("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)"), "iPhone and iPad");
            assert_eq!(open("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"), "Windows");
            assert_eq!(open("curl/8.5.0"), "One program only");
            assert_eq!(open(""), "");
        });
    }
}
