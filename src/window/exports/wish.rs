//! What the export dialog is set to.

use std::path::{Path, PathBuf};

/// The form of what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// A capture with all that belongs to it.
    #[default]
    Pcapng,
    /// A capture as the oldest programs read it.
    Pcap,
    /// HTTP exchanges as browsers write them.
    Har,
    /// Rows as an array of objects.
    Json,
    /// Rows as an object a line.
    JsonLines,
    /// Rows as a table.
    Csv,
    /// Rows as a table in columns, for engines.
    Parquet,
    /// Every letter as a file.
    Letters,
    /// Every letter in one file.
    Mbox,
    /// Every object as a file.
    Objects,
}

impl Form {
    /// All, in the order of the list.
    pub const ALL: [Form; 10] = [
        Form::Pcapng,
        Form::Pcap,
        Form::Har,
        Form::Csv,
        Form::Json,
        Form::JsonLines,
        Form::Parquet,
        Form::Objects,
        Form::Letters,
        Form::Mbox,
    ];

    /// In a word or two.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Form::Pcapng => "Capture (pcapng)",
            Form::Pcap => "Capture (pcap)",
            Form::Har => "HAR",
            Form::Json => "JSON",
            Form::JsonLines => "JSON Lines",
            Form::Csv => "CSV",
            Form::Parquet => "Parquet",
            Form::Letters => "Letters (.eml)",
            Form::Mbox => "Letters (mbox)",
            Form::Objects => "Objects",
        }
    }

    /// In a sentence.
    #[must_use]
    pub const fn tip(self) -> &'static str {
        match self {
            Form::Pcapng => "Packets with their names, comments and keys, for Wirelore, Wireshark and tshark.",
            Form::Pcap => "Packets alone, for programs that read nothing newer. There is no room for keys, names or comments.",
            Form::Har => "HTTP exchanges with their bodies, as browsers export them.",
            Form::Json => "Rows as one array of objects.",
            Form::JsonLines => "Rows as objects, one a line, for jq and for databases.",
            Form::Csv => "Rows as a table for spreadsheets.",
            Form::Parquet => "Rows as typed columns in a folder, by day and protocol, for DuckDB, Spark and the like.",
            Form::Letters => "Every mail that passed, as a file that mail programs open, in a folder.",
            Form::Mbox => "Every mail that passed in one file, as mail programs keep folders of them.",
            Form::Objects => "Every file and body that was transferred, in a folder.",
        }
    }

    /// How its files end.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Form::Pcapng => "pcapng",
            Form::Pcap => "pcap",
            Form::Har => "har",
            Form::Json => "json",
            Form::JsonLines => "jsonl",
            Form::Csv => "csv",
            Form::Parquet => "parquet",
            Form::Letters => "letters",
            Form::Mbox => "mbox",
            Form::Objects => "objects",
        }
    }

    /// Whether it is packets.
    #[must_use]
    pub const fn is_capture(self) -> bool {
        matches!(self, Form::Pcapng | Form::Pcap)
    }

    /// Whether it is rows of a kind.
    #[must_use]
    pub const fn is_table(self) -> bool {
        matches!(self, Form::Json | Form::JsonLines | Form::Csv | Form::Parquet)
    }

    /// Whether it is several files in a folder.
    #[must_use]
    pub const fn is_folder(self) -> bool {
        matches!(self, Form::Letters | Form::Objects | Form::Parquet)
    }
}

/// Which rows a table is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Packets.
    #[default]
    Packets,
    /// Questions with their answers.
    Exchanges,
    /// Messages.
    Messages,
    /// Connections.
    Connections,
}

impl Kind {
    /// All, in the order of the switch.
    pub const ALL: [Kind; 4] = [Kind::Packets, Kind::Exchanges, Kind::Messages, Kind::Connections];

    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Packets => "Packets",
            Kind::Exchanges => "Exchanges",
            Kind::Messages => "Messages",
            Kind::Connections => "Connections",
        }
    }
}

/// Which part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// Everything.
    #[default]
    All,
    /// What the filter shows.
    Shown,
    /// The connection of the selection.
    Connection,
    /// What is selected.
    Selected,
    /// What was marked.
    Marked,
}

impl Scope {
    /// All, in the order of the switch.
    pub const ALL: [Scope; 5] = [Scope::All, Scope::Shown, Scope::Connection, Scope::Selected, Scope::Marked];

    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Scope::All => "All",
            Scope::Shown => "Shown",
            Scope::Connection => "Connection",
            Scope::Selected => "Selected",
            Scope::Marked => "Marked",
        }
    }

    /// In a few words.
    #[must_use]
    pub const fn tip(self) -> &'static str {
        match self {
            Scope::All => "Everything in this capture",
            Scope::Shown => "What the filter lets through",
            Scope::Connection => "The whole connection of what is selected",
            Scope::Selected => "The selected packet, exchange or message",
            Scope::Marked => "Packets that were marked (M)",
        }
    }
}

/// Which secrets a written capture holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keys {
    /// All that the capture holds.
    All,
    /// Those of the connections that are written.
    #[default]
    Needed,
    /// None.
    None,
}

impl Keys {
    /// All, in the order of the switch.
    pub const ALL: [Keys; 3] = [Keys::All, Keys::Needed, Keys::None];

    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Keys::All => "All",
            Keys::Needed => "Needed",
            Keys::None => "None",
        }
    }

    /// In a few words.
    #[must_use]
    pub const fn tip(self) -> &'static str {
        match self {
            Keys::All => "Every TLS key that the capture holds",
            Keys::Needed => "Only keys of the connections that are written",
            Keys::None => "Whoever gets the file cannot decrypt it",
        }
    }
}

/// How a written capture is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Packing {
    /// Not at all.
    #[default]
    Plain,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
    /// lz4.
    Lz4,
}

impl Packing {
    /// All, in the order of the switch.
    pub const ALL: [Packing; 4] = [Packing::Plain, Packing::Gzip, Packing::Zstd, Packing::Lz4];

    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Packing::Plain => "No",
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
            Packing::Lz4 => "lz4",
        }
    }

    /// How names of files end with it.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Packing::Plain => "",
            Packing::Gzip => ".gz",
            Packing::Zstd => ".zst",
            Packing::Lz4 => ".lz4",
        }
    }
}

/// What is to be written, as the user says it.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// In which form.
    pub form: Form,
    /// Which part.
    pub scope: Scope,
    /// Of a table, its rows.
    pub kind: Kind,
    /// Of a capture, its secrets.
    pub keys: Keys,
    /// Of a capture, whether secrets in packets are replaced.
    pub redact: bool,
    /// Of a capture, how it is packed.
    pub packing: Packing,
    /// Of a table, names of its columns with commas; "" for the usual ones.
    pub columns: String,
    /// Where.
    pub to: String,
}

impl Wish {
    /// Whether secrets in packets are replaced.
    #[must_use]
    pub const fn redacts(&self) -> bool {
        self.redact && self.form.is_capture()
    }

    /// How the name of its file ends.
    #[must_use]
    pub fn ending(&self) -> String {
        let packing = if self.form.is_capture() { self.packing.ending() } else { "" };
        if self.form.is_folder() { format!("-{}", self.form.extension()) } else { format!(".{}{packing}", self.form.extension()) }
    }

    /// A path for it beside a capture: what it is part of, and of what form.
    #[must_use]
    pub fn usual(&self, capture: &Path) -> PathBuf {
        let name = capture.file_name().map_or_else(|| "capture".into(), |n| n.to_string_lossy().into_owned());
        let stem = name.split('.').next().filter(|s| !s.is_empty()).unwrap_or("capture");
        let part = match self.scope {
            Scope::All => "",
            Scope::Shown => "-shown",
            Scope::Connection => "-connection",
            Scope::Selected => "-selected",
            Scope::Marked => "-marked",
        };
        let redacted = if self.redacts() { "-redacted" } else { "" };
        let what = if self.form.is_table() { format!("-{}", self.kind.word().to_lowercase()) } else { String::new() };
        // Nothing that is open is written over by accident.
        let copy = if self.form.is_capture() && part.is_empty() && redacted.is_empty() { "-copy" } else { "" };
        capture.with_file_name(format!("{stem}{part}{redacted}{what}{copy}{}", self.ending()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_they_are_of_and_never_that_of_the_open_capture() {
        let of = |wish: Wish| wish.usual(Path::new("/tmp/tour.pcapng.gz")).display().to_string();
        assert_eq!(of(Wish::default()), "/tmp/tour-copy.pcapng");
        let shown = Wish { scope: Scope::Shown, packing: Packing::Gzip, redact: true, ..Wish::default() };
        assert_eq!(of(shown), "/tmp/tour-shown-redacted.pcapng.gz");
        let table = Wish { form: Form::Csv, kind: Kind::Exchanges, packing: Packing::Gzip, ..Wish::default() };
        assert_eq!(of(table), "/tmp/tour-exchanges.csv");
        let columns = Wish { form: Form::Parquet, redact: true, ..Wish::default() };
        assert_eq!(of(columns), "/tmp/tour-packets-parquet");
        let oldest = Wish { form: Form::Pcap, redact: true, ..Wish::default() };
        assert_eq!(of(oldest), "/tmp/tour-redacted.pcap");
        assert_eq!(of(Wish { form: Form::Objects, ..Wish::default() }), "/tmp/tour-objects");
    }
}
