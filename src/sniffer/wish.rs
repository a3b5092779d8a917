//! What to capture, from the command line. Options behind an `-i` are about that interface.

use crate::said::Refused;
use pcap::TimestampType;

/// What to capture.
#[derive(Debug, Clone)]
pub struct Wish {
    /// From these, at least one.
    pub interfaces: Vec<Interface>,
    /// Hand over each packet at once.
    pub immediate: bool,
    /// Otherwise packets may wait so long, milliseconds.
    pub timeout: i32,
}

/// One interface to capture from.
#[derive(Debug, Clone)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Only what this finds, in libpcap's words; "" for everything.
    pub filter: String,
    /// Bytes kept of each packet.
    pub snaplen: i32,
    /// Also what is sent to others.
    pub promiscuous: bool,
    /// Kernel buffer, bytes.
    pub buffer: i32,
    /// Kind of headers, by libpcap's name.
    pub link: Option<String>,
    /// Frames as a radio hears them.
    pub monitor: bool,
    /// Which clock gives the times.
    pub clock: Option<&'static str>,
}

/// The clocks by the names that tcpdump's `-j` knows.
pub const CLOCKS: [&str; 5] = ["host", "host_lowprec", "host_hiprec", "adapter", "adapter_unsynced"];

/// The clock as libpcap takes it.
pub fn clock(name: &str) -> TimestampType {
    match name {
        "host_lowprec" => TimestampType::HostLowPrec,
        "host_hiprec" => TimestampType::HostHighPrec,
        "adapter" => TimestampType::Adapter,
        "adapter_unsynced" => TimestampType::AdapterUnsynced,
        _ => TimestampType::Host,
    }
}

/// Reads the words behind `capture`.
pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Wish, Refused> {
    let mut wish = Wish { interfaces: Vec::new(), immediate: false, timeout: 50 };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| Refused::options(format!("{word} wants a value.")));
        match word.as_str() {
            "--immediate" => wish.immediate = true,
            "--timeout" => wish.timeout = number(&word, &value()?, 1, 60_000)?,
            "-i" => wish.interfaces.push(Interface {
                name: value()?,
                filter: String::new(),
                snaplen: 262_144,
                promiscuous: true,
                buffer: 64 << 20,
                link: None,
                monitor: false,
                clock: None,
            }),
            _ => {
                let Some(i) = wish.interfaces.last_mut() else {
                    return Err(Refused::options(format!("{word} stands before any -i.")));
                };
                match word.as_str() {
                    "-f" => i.filter = value()?,
                    "-s" => i.snaplen = number(&word, &value()?, 1, 262_144)?,
                    "-p" => i.promiscuous = false,
                    "-B" => i.buffer = number(&word, &value()?, 1, 2047)?.saturating_mul(1 << 20),
                    "-y" => i.link = Some(value()?),
                    "-I" => i.monitor = true,
                    "--time-stamp-type" => {
                        let name = value()?;
                        let known = CLOCKS.into_iter().find(|c| *c == name);
                        i.clock =
                            Some(known.ok_or_else(|| {
                                Refused::options(format!("{name} is no clock; these are: {}.", CLOCKS.join(", ")))
                            })?);
                    }
                    _ => return Err(Refused::options(format!("{word} is not known."))),
                }
            }
        }
    }
    if wish.interfaces.is_empty() {
        return Err(Refused::options("capture wants at least one -i INTERFACE."));
    }
    Ok(wish)
}

fn number(word: &str, text: &str, least: i32, most: i32) -> Result<i32, Refused> {
    let n = text.parse().ok().filter(|n| (least..=most).contains(n));
    n.ok_or_else(|| Refused::options(format!("{word} {text}: a number from {least} to {most} is wanted.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &str) -> Result<Wish, Refused> {
        parse(words.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_about_the_interface_before_them() {
        let wish = parsed("--immediate -i lo -p -s 96 -i eth0 -B 2 -f tcp").expect("a good one");
        let [lo, eth0] = wish.interfaces.as_slice() else { panic!("two") };
        assert_eq!((lo.promiscuous, lo.snaplen, lo.buffer, lo.filter.as_str()), (false, 96, 64 << 20, ""));
        assert_eq!((eth0.promiscuous, eth0.snaplen, eth0.buffer, eth0.filter.as_str()), (true, 262_144, 2 << 20, "tcp"));
        assert!(wish.immediate);
    }

    #[test]
    fn what_cannot_be_is_said() {
        for (words, said) in [
            ("", "at least one"),
            ("-s 5 -i lo", "before any -i"),
            ("-i lo -s 0", "from 1"),
            ("-i lo -B many", "-B many"),
            ("-i", "wants a value"),
            ("-i lo --time-stamp-type sundial", "sundial"),
            ("-i lo -w x", "-w is not known"),
        ] {
            let refused = parsed(words).expect_err(words);
            assert!(refused.text.contains(said), "{words}: {}", refused.text);
        }
    }
}
