//! A curl command line as the request that curl would send (curl's manual, "ALL OPTIONS").

use crate::compose::Composed;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// Options that take a value and change nothing of the request's bytes.
const ASIDE_WITH_VALUE: &[&str] = &[
    "-o",
    "--output",
    "-m",
    "--max-time",
    "--connect-timeout",
    "--retry",
    "-x",
    "--proxy",
    "--cacert",
    "--capath",
    "-w",
    "--write-out",
    "-c",
    "--cookie-jar",
    "--resolve",
    "--connect-to",
    "--interface",
    "-E",
    "--cert",
    "--key",
    "--max-redirs",
    "--limit-rate",
    "-D",
    "--dump-header",
];
/// Options without a value that change nothing of the request's bytes.
const ASIDE: &[&str] = &[
    "-s",
    "--silent",
    "-S",
    "--show-error",
    "-k",
    "--insecure",
    "-L",
    "--location",
    "-v",
    "--verbose",
    "-i",
    "--include",
    "-f",
    "--fail",
    "-N",
    "--no-buffer",
    "--http1.1",
    "--http2",
    "--http3",
    "--http2-prior-knowledge",
    "-#",
    "--progress-bar",
    "-O",
    "--remote-name",
    "-4",
    "-6",
    "--globoff",
    "-g",
    "--path-as-is",
    "--tlsv1.2",
    "--tlsv1.3",
    "-J",
];

#[derive(Default)]
struct Asked {
    url: Option<String>,
    method: Option<String>,
    headers: Vec<(Bytes, Bytes)>,
    /// Names of headers that curl sends by itself and was told not to.
    without: Vec<String>,
    data: Option<Vec<u8>>,
    json: bool,
    get: bool,
    head: bool,
    agent: Option<String>,
    user: Option<String>,
    referer: Option<String>,
    cookie: Option<String>,
    compressed: bool,
}

/// Reads a command line, as it is copied from a browser or a terminal.
///
/// # Errors
/// In words, which part of it is not understood.
pub fn from_curl(command: &str) -> Result<Composed, String> {
    let words = split(command)?;
    let mut words = words.into_iter();
    match words.next().as_deref() {
        Some("curl" | "curl.exe") => {}
        first => return Err(format!("a curl command begins with `curl`, not with {:?}", first.unwrap_or_default())),
    }
    let mut asked = Asked::default();
    let mut only_urls = false;
    while let Some(word) = words.next() {
        if only_urls || !word.starts_with('-') || word == "-" {
            asked.url(word)?;
            continue;
        }
        if word == "--" {
            only_urls = true;
            continue;
        }
        // `--name=value` and `-Xvalue` are one word.
        let (name, mut joined) = match word.split_once('=').filter(|_| word.starts_with("--")) {
            Some((n, v)) => (n.to_string(), Some(v.to_string())),
            None if !word.starts_with("--") && word.chars().count() > 2 => {
                let cut = word.char_indices().nth(2).map_or(word.len(), |(i, _)| i);
                let (n, v) = word.split_at(cut);
                (n.to_string(), Some(v.to_string()))
            }
            None => (word, None),
        };
        if ASIDE.contains(&name.as_str()) || asked.switch(&name) {
            // `-sSL` are three.
            let mut rest = joined.filter(|_| !name.starts_with("--"));
            while let Some(letters) = rest.take().filter(|l| !l.is_empty()) {
                let mut letters = letters.chars();
                let next = format!("-{}", letters.next().unwrap_or_default());
                if ASIDE.contains(&next.as_str()) || asked.switch(&next) {
                    rest = Some(letters.as_str().to_string());
                } else {
                    let behind = letters.as_str().to_string();
                    asked.option(&next, Some(behind).filter(|b| !b.is_empty()), &mut words)?;
                }
            }
            continue;
        }
        asked.option(&name, joined.take(), &mut words)?;
    }
    asked.composed()
}

impl Asked {
    fn url(&mut self, word: String) -> Result<(), String> {
        match self.url.replace(word) {
            None => Ok(()),
            Some(first) => {
                Err(format!("two URLs, {first:?} and {:?}: make it one request", self.url.as_deref().unwrap_or_default()))
            }
        }
    }

    fn switch(&mut self, name: &str) -> bool {
        match name {
            "-G" | "--get" => self.get = true,
            "-I" | "--head" => self.head = true,
            "--compressed" => self.compressed = true,
            _ => return false,
        }
        true
    }

    fn option(&mut self, name: &str, joined: Option<String>, words: &mut impl Iterator<Item = String>) -> Result<(), String> {
        let value = joined.or_else(|| words.next()).ok_or_else(|| format!("{name} needs a value behind it"));
        if ASIDE_WITH_VALUE.contains(&name) {
            return value.map(|_| ());
        }
        match name {
            "-X" | "--request" => self.method = Some(value?),
            "-H" | "--header" => self.header(&value?)?,
            "-d" | "--data" | "--data-ascii" => self.data(&value?, Data::Lines)?,
            "--data-binary" => self.data(&value?, Data::Bytes)?,
            "--data-raw" => self.data(&value?, Data::Raw)?,
            "--data-urlencode" => self.data(&urlencoded(&value?)?, Data::Raw)?,
            "--json" => {
                self.json = true;
                // Several follow each other without a sign between them.
                let more = self.read(&value?, Data::Bytes)?;
                self.data.get_or_insert_default().extend_from_slice(&more);
            }
            "-A" | "--user-agent" => self.agent = Some(value?),
            "-u" | "--user" => self.user = Some(value?),
            "-e" | "--referer" => self.referer = Some(value?),
            "-b" | "--cookie" => self.cookie = Some(value?).filter(|c| c.contains('=')),
            "--url" => self.url(value?)?,
            _ => {
                return Err(format!(
                    "{name} is not understood here; leave it out, or send the request with curl through the proxy"
                ));
            }
        }
        Ok(())
    }

    fn header(&mut self, line: &str) -> Result<(), String> {
        if let Some(name) = line.strip_suffix(';').filter(|n| !n.contains(':')) {
            // curl's way to send a header without a value.
            self.headers.push((Bytes::from(name.to_string()), Bytes::new()));
            return Ok(());
        }
        let (name, value) = line.split_once(':').ok_or_else(|| format!("-H {line:?} is no header: write \"Name: value\""))?;
        if value.trim().is_empty() {
            self.without.push(name.to_ascii_lowercase());
        } else {
            self.headers.push((Bytes::from(name.to_string()), Bytes::from(value.trim().to_string())));
        }
        Ok(())
    }

    fn read(&self, value: &str, how: Data) -> Result<Vec<u8>, String> {
        let Some(file) = value.strip_prefix('@').filter(|_| how != Data::Raw) else { return Ok(value.as_bytes().to_vec()) };
        let mut bytes = std::fs::read(file).map_err(|e| format!("{file}: {e}"))?;
        if how == Data::Lines {
            bytes.retain(|b| !matches!(b, b'\r' | b'\n' | 0));
        }
        Ok(bytes)
    }

    fn data(&mut self, value: &str, how: Data) -> Result<(), String> {
        let more = self.read(value, how)?;
        match &mut self.data {
            Some(data) => {
                data.push(b'&');
                data.extend_from_slice(&more);
            }
            None => self.data = Some(more),
        }
        Ok(())
    }

    /// The request, its headers in the order in which curl sends them.
    fn composed(self) -> Result<Composed, String> {
        let mut url = self.url.ok_or("the command has no URL")?;
        if !url.contains("://") {
            url = format!("http://{url}");
        }
        let mut body = self.data;
        if self.get
            && let Some(query) = body.take()
        {
            let query = String::from_utf8(query).map_err(|_| "with -G the data must be text")?;
            url = format!("{url}{}{query}", if url.contains('?') { '&' } else { '?' });
        }
        let usual = if self.head {
            "HEAD"
        } else if body.is_some() {
            "POST"
        } else {
            "GET"
        };
        let method = self.method.unwrap_or_else(|| usual.into());
        let given = |name: &str| {
            self.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes())) || self.without.iter().any(|w| w == name)
        };
        let mut headers: Vec<(Bytes, Bytes)> = Vec::new();
        let mut usual = |name: &'static str, value: Option<String>| {
            if let Some(value) = value.filter(|_| !given(&name.to_ascii_lowercase())) {
                headers.push((Bytes::from_static(name.as_bytes()), Bytes::from(value)));
            }
        };
        usual(
            "Authorization",
            self.user.map(|u| format!("Basic {}", STANDARD.encode(if u.contains(':') { u } else { format!("{u}:") }))),
        );
        usual("User-Agent", Some(self.agent.unwrap_or_else(|| "curl/8.0.0".into())).filter(|a| !a.is_empty()));
        usual("Accept", (!self.json).then(|| "*/*".into()));
        usual("Accept-Encoding", self.compressed.then(|| "deflate, gzip, br, zstd".into()));
        usual("Referer", self.referer);
        usual("Cookie", self.cookie);
        let length = body.as_ref().map(|b| b.len().to_string());
        let media = if self.json { "application/json" } else { "application/x-www-form-urlencoded" };
        let typed = body.as_ref().map(|_| media.to_string());
        headers.extend(self.headers.iter().filter(|(n, _)| !n.eq_ignore_ascii_case(b"host")).cloned());
        let mut last = |name: &'static str, value: Option<String>| {
            let given = headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()))
                || self.without.iter().any(|w| w.eq_ignore_ascii_case(name));
            if let Some(value) = value.filter(|_| !given) {
                headers.push((Bytes::from_static(name.as_bytes()), Bytes::from(value)));
            }
        };
        // What --json adds stands among the headers given.
        if self.json {
            last("Content-Type", typed.clone());
            last("Accept", Some("application/json".into()));
        }
        last("Content-Length", length);
        last("Content-Type", typed);
        if let Some(host) = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(b"host")) {
            headers.insert(0, host.clone());
        }
        Composed::new(method.as_bytes(), &url, &headers, body.as_deref().unwrap_or_default())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Data {
    /// `@` names a file, whose line ends are taken out.
    Lines,
    /// `@` names a file.
    Bytes,
    /// `@` is itself.
    Raw,
}

/// `--data-urlencode`: `content`, `=content`, `name=content`; files are not read.
fn urlencoded(value: &str) -> Result<String, String> {
    let (name, content) = match value.split_once('=') {
        Some((name, content)) => (name, content),
        None if value.contains('@') => return Err("--data-urlencode with a file is not understood here".into()),
        None => ("", value),
    };
    let mut out = String::from(name);
    if !name.is_empty() {
        out.push('=');
    }
    for b in content.bytes() {
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(b));
        } else if b == b' ' {
            out.push('+');
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    Ok(out)
}

/// Words as a POSIX shell makes them, with `$'...'` as browsers write it.
fn split(command: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = command.trim().chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                // A line that goes on.
                Some('\n') | None => {}
                Some('\r') => _ = chars.next_if_eq(&'\n'),
                Some(c) => word.get_or_insert_default().push(c),
            },
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(c) => word.push(c),
                        None => return Err("the quote ' is not closed".into()),
                    }
                }
            }
            '$' if chars.peek() == Some(&'\'') => {
                chars.next();
                escaped(&mut chars, word.get_or_insert_default())?;
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => match chars.next() {
                            Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                            Some('\n') => {}
                            Some(c) => word.extend(['\\', c]),
                            None => return Err("the quote \" is not closed".into()),
                        },
                        Some(c) => word.push(c),
                        None => return Err("the quote \" is not closed".into()),
                    }
                }
            }
            c if c.is_whitespace() => words.extend(word.take()),
            '|' | ';' | '>' | '<' | '`' => {
                return Err(format!("{c} belongs to the shell, not to curl: give the curl command alone"));
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// The inside of `$'...'`.
fn escaped(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, word: &mut String) -> Result<(), String> {
    loop {
        match chars.next() {
            Some('\'') => return Ok(()),
            None => return Err("the quote $' is not closed".into()),
            Some('\\') => match chars.next() {
                Some('n') => word.push('\n'),
                Some('r') => word.push('\r'),
                Some('t') => word.push('\t'),
                Some(kind @ ('x' | 'u')) => {
                    let most = if kind == 'x' { 2 } else { 4 };
                    let mut digits = String::new();
                    while digits.len() < most
                        && let Some(d) = chars.next_if(char::is_ascii_hexdigit)
                    {
                        digits.push(d);
                    }
                    word.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
                }
                Some(c) => word.push(c),
                None => return Err("the quote $' is not closed".into()),
            },
            Some(c) => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(command: &str) -> String {
        let made = from_curl(command).unwrap_or_else(|e| panic!("{command}: {e}"));
        String::from_utf8_lossy(&made.bytes).replace("\r\n", "\n")
    }

    #[test]
    fn commands_as_browsers_copy_them() {
        let command = "curl 'https://example.org/a?b=1' \\\n  -X 'PUT' \\\n  -H 'accept: text/html' -H 'x: it'\\''s' \\\n  --data-raw $'{\"a\":\"\\u00e9\\n\"}' --compressed";
        assert_eq!(
            text(command),
            "PUT /a?b=1 HTTP/1.1\nHost: example.org\nUser-Agent: curl/8.0.0\nAccept-Encoding: deflate, gzip, br, zstd\naccept: text/html\nx: it's\n\
             Content-Length: 11\nContent-Type: application/x-www-form-urlencoded\n\n{\"a\":\"é\n\"}"
        );
    }

    #[test]
    fn options_in_all_their_spellings() {
        assert_eq!(
            text("curl -sSLXPOST example.org/x -A me -H 'Accept:' -H 'X;'"),
            "POST /x HTTP/1.1\nHost: example.org\nUser-Agent: me\nX:\n\n"
        );
        assert_eq!(
            text("curl -G -d a=1 --data-urlencode 'b=c d' http://x/?z -A '' -H Accept:"),
            "GET /?z&a=1&b=c+d HTTP/1.1\nHost: x\n\n"
        );
        assert_eq!(
            text("curl -I --url=http://x -u joe:pw -A '' -e http://y -b c=1 -H 'Host: z' -H Accept:"),
            "HEAD / HTTP/1.1\nHost: z\nAuthorization: Basic am9lOnB3\nReferer: http://y\nCookie: c=1\n\n"
        );
        assert_eq!(
            text("curl --json '{}' -A '' http://x"),
            "POST / HTTP/1.1\nHost: x\nContent-Type: application/json\nAccept: application/json\nContent-Length: 2\n\n{}"
        );
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (command, says) in [
            ("wget x", "begins with `curl`"),
            ("curl", "no URL"),
            ("curl a b", "two URLs"),
            ("curl -F a=b x", "-F is not understood"),
            ("curl 'x", "is not closed"),
            ("curl x | sh", "belongs to the shell"),
            ("curl x -H", "-H needs a value"),
            ("curl x -H y", "is no header"),
            ("curl x -d @/not/there", "/not/there"),
        ] {
            assert!(from_curl(command).unwrap_err().contains(says), "{command}");
        }
    }
}
