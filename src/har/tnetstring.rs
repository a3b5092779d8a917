//! Tagged netstrings, the form of mitmproxy's flow files: `LENGTH:PAYLOAD` and a letter that says what the payload is.

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// `,` bytes, or `;` text.
    Bytes(Vec<u8>),
    /// `#`
    Int(i64),
    /// `^`
    Float(f64),
    /// `!`
    Bool(bool),
    /// `~`
    Null,
    /// `]`
    List(Vec<Item>),
    /// `}`, in order.
    Dict(Vec<(Item, Item)>),
}

/// Values stand in each other no deeper than this.
const MOST_DEPTH: usize = 64;
/// Digits of a length.
const MOST_DIGITS: usize = 12;

impl Item {
    /// The value of a key of a dictionary.
    pub fn get(&self, key: &str) -> Option<&Item> {
        let Item::Dict(pairs) = self else { return None };
        pairs.iter().find(|(k, _)| matches!(k, Item::Bytes(b) if b == key.as_bytes())).map(|(_, v)| v)
    }

    /// Bytes or text.
    pub fn bytes(&self) -> Option<&[u8]> {
        if let Item::Bytes(b) = self { Some(b) } else { None }
    }

    /// The same as text.
    pub fn text(&self) -> Option<String> {
        self.bytes().map(|b| String::from_utf8_lossy(b).into_owned())
    }

    /// A whole number.
    pub fn int(&self) -> Option<i64> {
        if let Item::Int(n) = self { Some(*n) } else { None }
    }

    /// A list's values; none of what is no list.
    pub fn list(&self) -> &[Item] {
        if let Item::List(items) = self { items } else { &[] }
    }

    /// Seconds since 1970 as nanoseconds.
    pub fn time(&self) -> Option<i64> {
        match self {
            Item::Float(seconds) => Some((seconds * 1e9) as i64),
            Item::Int(seconds) => seconds.checked_mul(1_000_000_000),
            _ => None,
        }
    }
}

/// The first value of `bytes`, and what stands behind it.
///
/// # Errors
/// What is wrong with it, and how many bytes before the end of `bytes` that is.
pub fn read(bytes: &[u8]) -> Result<(Item, &[u8]), (&'static str, usize)> {
    read_in(bytes, MOST_DEPTH)
}

fn read_in(bytes: &[u8], depth: usize) -> Result<(Item, &[u8]), (&'static str, usize)> {
    let wrong = |why| (why, bytes.len());
    let digits = bytes.iter().take(MOST_DIGITS).take_while(|b| b.is_ascii_digit()).count();
    let (length, rest) = bytes.split_at_checked(digits).filter(|(d, _)| !d.is_empty()).ok_or(wrong("a length is missing"))?;
    let rest = rest.strip_prefix(b":").ok_or(wrong("a colon is missing behind a length"))?;
    let length = length.iter().try_fold(0usize, |n, b| n.checked_mul(10)?.checked_add(usize::from(b.wrapping_sub(b'0'))));
    let (payload, rest) = length.and_then(|n| rest.split_at_checked(n)).ok_or(wrong("it ends before a value does"))?;
    let (kind, rest) = rest.split_first().ok_or(wrong("it ends before a value does"))?;
    let text = || std::str::from_utf8(payload).ok();
    let item = match kind {
        b',' | b';' => Item::Bytes(payload.to_vec()),
        b'#' => Item::Int(text().and_then(|t| t.parse().ok()).ok_or(wrong("a number is none"))?),
        b'^' => Item::Float(text().and_then(|t| t.parse().ok()).ok_or(wrong("a number is none"))?),
        b'!' => Item::Bool(payload == b"true"),
        b'~' => Item::Null,
        b']' | b'}' if depth == 0 => return Err(wrong("values stand too deep in each other")),
        b']' => {
            let (mut items, mut left) = (Vec::new(), payload);
            while !left.is_empty() {
                let (item, behind) = read_in(left, depth.saturating_sub(1))?;
                items.push(item);
                left = behind;
            }
            Item::List(items)
        }
        b'}' => {
            let (mut pairs, mut left) = (Vec::new(), payload);
            while !left.is_empty() {
                let (key, behind) = read_in(left, depth.saturating_sub(1))?;
                let (value, behind) = read_in(behind, depth.saturating_sub(1))?;
                pairs.push((key, value));
                left = behind;
            }
            Item::Dict(pairs)
        }
        _ => return Err(wrong("a value is of no known kind")),
    };
    Ok((item, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_and_faults_are_named() {
        let (item, rest) = read(b"35:1:a,1:1#1:b;4:true!1:c,9:3:1.5^0:~]}x").expect("a value");
        assert_eq!(rest, b"x");
        assert_eq!(item.get("a").and_then(Item::int), Some(1));
        assert_eq!(item.get("b"), Some(&Item::Bool(true)));
        assert_eq!(item.get("c").map(Item::list), Some(&[Item::Float(1.5), Item::Null][..]));
        for wrong in [&b""[..], b"x", b"3:ab,", b"5:hello", b"1:x?", b"1:x#", b"99999999999999999999:x,", b"4:1:a,}"] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
        let deep = (0..100).fold(b"0:~".to_vec(), |inner, _| [inner.len().to_string().as_bytes(), b":", &inner, b"]"].concat());
        assert!(read(&deep).is_err(), "a bound on depth");
    }
}
