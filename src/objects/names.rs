//! Names of files for what came over the wire: safe in every system, and never one that is taken.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

/// So many bytes of a name are kept.
const MOST_NAME: usize = 120;

/// Moves a part to a name that is free; nothing is ever written over.
pub(crate) fn keep(part: &Path, folder: &Path, name: &str) -> std::io::Result<PathBuf> {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && extension.len() <= 10 => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    for n in 1u32.. {
        let path = if n == 1 { folder.join(name) } else { folder.join(format!("{stem} ({n}){extension}")) };
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(_) => {
                std::fs::rename(part, &path)?;
                return Ok(path);
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(std::io::Error::other("no free name"))
}

/// A name from the wire as a file's name: its last part, without characters that some system takes for more than a letter.
#[must_use]
pub fn safe_name(name: &str, media: &str) -> String {
    let path = name.split(['?', '#']).next().unwrap_or("");
    let last = path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or("");
    let mut safe = String::new();
    for c in last.chars() {
        let plain = c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ' | '(' | ')' | '+' | ',' | '@' | '=' | '~');
        if safe.len() + c.len_utf8() > MOST_NAME {
            break;
        }
        safe.push(if plain { c } else { '_' });
    }
    // Neither hidden, nor a way upwards, nor with an end that some systems drop.
    let mut safe = safe.trim_start_matches(['.', ' ', '-']).trim_end_matches(['.', ' ']).to_owned();
    let stem = safe.split('.').next().unwrap_or("").to_ascii_uppercase();
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || ((stem.starts_with("COM") || stem.starts_with("LPT"))
            && stem.len() == 4
            && stem.ends_with(|c: char| c.is_ascii_digit()));
    if device {
        safe.insert(0, '_');
    }
    if safe.is_empty() {
        safe.push_str("object");
    }
    if !safe.contains('.') {
        let extension = match media {
            "text/html" => "html",
            "text/plain" => "txt",
            "text/css" => "css",
            "text/javascript" | "application/javascript" => "js",
            "application/json" => "json",
            "application/pdf" => "pdf",
            "application/xml" | "text/xml" => "xml",
            "image/png" => "png",
            "image/jpeg" => "jpg",
            "image/gif" => "gif",
            "image/webp" => "webp",
            "image/svg+xml" => "svg",
            "message/rfc822" => "eml",
            "application/pkix-cert" => "der",
            "application/zip" => "zip",
            _ => "",
        };
        if !extension.is_empty() {
            safe.push('.');
            safe.push_str(extension);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::{keep, safe_name};

    #[test]
    fn a_name_from_the_wire_never_leads_out_of_the_folder() {
        for (name, media, safe) in [
            ("../../etc/passwd", "", "passwd"),
            ("..\\..\\x.exe", "", "x.exe"),
            ("..", "", "object"),
            ("/", "text/html", "object.html"),
            ("", "message/rfc822", "object.eml"),
            ("/menu?x=../../y", "text/html", "menu.html"),
            (".profile", "", "profile"),
            ("a\0b:c*d\n.txt", "", "a_b_c_d_.txt"),
            ("nul.txt", "", "_nul.txt"),
            ("COM1", "", "_COM1"),
            ("-rf", "", "rf"),
            ("two words.txt", "", "two words.txt"),
            ("kuchen-ä.jpg", "", "kuchen-ä.jpg"),
            ("dot.", "", "dot"),
        ] {
            assert_eq!(safe_name(name, media), safe, "{name:?}");
        }
        assert!(safe_name(&"ä".repeat(500), "").len() <= 120);
    }

    #[test]
    fn nothing_is_written_over() {
        let folder = std::env::temp_dir().join(format!("wirelore-objects-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut names = Vec::new();
        for n in 0..3 {
            let part = folder.join(format!(".part{n}"));
            std::fs::write(&part, [n]).expect("a part");
            let path = keep(&part, &folder, "a.txt").expect("a name");
            assert_eq!(std::fs::read(&path).expect("the file"), [n]);
            names.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
        assert_eq!(names, ["a.txt", "a (2).txt", "a (3).txt"]);
        std::fs::remove_dir_all(&folder).expect("tidied");
    }
}
