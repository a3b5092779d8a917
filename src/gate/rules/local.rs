//! Files that answer: from a folder nothing outside of it is given out.

use bytes::Bytes;
use std::path::{Path, PathBuf};

/// A file larger than this is not given out: an answer lies in memory.
const MOST: u64 = 256 << 20;

/// The file's bytes.
pub(super) fn read(path: &Path) -> Result<Bytes, String> {
    let told = |e: std::io::Error| format!("{}: {e}", path.display());
    let size = std::fs::metadata(path).map_err(told)?.len();
    if size > MOST {
        return Err(format!("{}: {} MiB are too many for an answer; the most is {} MiB", path.display(), size >> 20, MOST >> 20));
    }
    std::fs::read(path).map(Bytes::from).map_err(told)
}

/// Why there is no file for a URL.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Nothing {
    /// There is none.
    Missing,
    /// It would lie outside of the folder.
    Outside,
}

/// The file that a mapping means. `rest` is what stands in the URL's path behind what the rule matched; a mapping to a folder goes on with it.
pub(super) fn find(mapped: &Path, rest: &str) -> Result<PathBuf, Nothing> {
    if !mapped.is_dir() {
        return if mapped.is_file() { Ok(mapped.to_path_buf()) } else { Err(Nothing::Missing) };
    }
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let rest = percent_decoded(rest).ok_or(Nothing::Outside)?;
    if rest.contains(['\0', '\\']) || rest.split('/').any(|part| part == "..") {
        return Err(Nothing::Outside);
    }
    let root = mapped.canonicalize().map_err(|_| Nothing::Missing)?;
    let wanted = root.join(rest.trim_start_matches('/'));
    let file = if wanted.is_dir() { wanted.join("index.html") } else { wanted };
    // Links inside the folder may lead out of it.
    let real = file.canonicalize().map_err(|_| Nothing::Missing)?;
    match (real.starts_with(&root), real.is_file()) {
        (false, _) => Err(Nothing::Outside),
        (true, false) => Err(Nothing::Missing),
        (true, true) => Ok(real),
    }
}

/// RFC 3986 §2.1; `None` where the result is no text.
fn percent_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        let ahead = bytes.clone();
        let hex = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        match (b, ahead.clone().next(), ahead.clone().nth(1)) {
            (b'%', high, low) if hex(high).is_some() && hex(low).is_some() => {
                out.push(hex(high)?.wrapping_shl(4) | hex(low)?);
                bytes.next();
                bytes.next();
            }
            _ => out.push(b),
        }
    }
    String::from_utf8(out).ok()
}

/// Media type of a file by its name's ending; what is not known is bytes.
pub(super) fn media_type(path: &Path) -> &'static str {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "txt" | "text" | "log" => "text/plain; charset=utf-8",
        "md" => "text/markdown; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "xml" => "application/xml",
        "xhtml" => "application/xhtml+xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/vnd.microsoft.icon",
        "bmp" => "image/bmp",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "wav" => "audio/wav",
        "pdf" => "application/pdf",
        "wasm" => "application/wasm",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_out_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let site = dir.path().join("site");
        std::fs::create_dir_all(site.join("sub dir")).unwrap();
        std::fs::write(dir.path().join("secret"), "s").unwrap();
        std::fs::write(site.join("index.html"), "i").unwrap();
        std::fs::write(site.join("sub dir/a.js"), "a").unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret"), site.join("link")).unwrap();
        let real = site.canonicalize().unwrap();
        assert_eq!(find(&site, ""), Ok(real.join("index.html")));
        assert_eq!(find(&site, "/sub%20dir/a.js?v=1"), Ok(real.join("sub dir/a.js")));
        assert_eq!(find(&site, "sub dir/a.js#x"), Ok(real.join("sub dir/a.js")));
        for outside in ["/../secret", "%2e%2e/secret", "/sub%20dir/../../secret", "..\\secret", "a%00b", "%ff", "link"] {
            assert_eq!(find(&site, outside), Err(Nothing::Outside), "{outside}");
        }
        for missing in ["/none", "/etc/passwd", "sub%20dir", "%zz"] {
            assert_eq!(find(&site, missing), Err(Nothing::Missing), "{missing}");
        }
        let file = site.join("index.html");
        assert_eq!(find(&file, "anything/../at/all"), Ok(file.clone()), "a single file answers whatever is asked");
        assert_eq!(media_type(&file), "text/html; charset=utf-8");
    }
}
