//! Where a capture is written: one file, files one after another, standard output. Whole blocks go in, so each file can be read at any moment.

use crate::capturing::limits::Ring;
use crate::cli::exit;
use crate::packing::{self, Packing};
use crate::reading::Failure;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;
use wirelore_capture::Growth;
use wirelore_capture::intake::Piece;
use wirelore_record::{Join, Recorder, State};

/// Where blocks go.
pub struct Files {
    out: Packing<Box<dyn Write + Send>>,
    /// The file that is written now; `None` for standard output.
    path: Option<PathBuf>,
    /// Bytes in it.
    len: u64,
    /// Packets in it.
    packets: u64,
    opened: Instant,
    /// Blocks that wait to be written.
    waiting: Vec<u8>,
    /// The section's header and interfaces: each file begins with them.
    header: Vec<u8>,
    ring: Option<(PathBuf, Ring)>,
    /// Files that were written, this one included.
    files: u64,
    /// Those that are still there, oldest first.
    kept: VecDeque<PathBuf>,
    growth: Growth,
    /// They go into a record, with what others tell there.
    joined: Option<(Recorder, Join)>,
}

impl Files {
    /// Into this file, which is written over and packed as its name says; into several with `ring`.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create(path: &Path, ring: Option<Ring>) -> Result<Files, Failure> {
        let mut files = Files::on(Box::new(std::io::sink()), None);
        files.ring = ring.map(|r| (path.to_path_buf(), r));
        let first = if files.ring.is_some() { numbered(path, 1) } else { path.to_path_buf() };
        files.begin(first)?;
        Ok(files)
    }

    /// Into a file that was made already.
    #[must_use]
    pub fn into_file(file: File, path: &Path) -> Files {
        Files::on(Box::new(file), Some(path.to_path_buf()))
    }

    /// Into a record that others write too.
    #[must_use]
    pub fn into_record(recorder: &Recorder) -> Files {
        let mut files = Files::on(Box::new(std::io::sink()), Some(recorder.path().to_path_buf()));
        files.growth = recorder.growth();
        files.joined = Some((recorder.clone(), recorder.join()));
        files
    }

    /// To standard output.
    #[must_use]
    pub fn stdout() -> Files {
        Files::on(Box::new(std::io::stdout()), None)
    }

    fn on(out: Box<dyn Write + Send>, path: Option<PathBuf>) -> Files {
        Files {
            out: Packing::Plain(out),
            path,
            len: 0,
            packets: 0,
            opened: Instant::now(),
            waiting: Vec::new(),
            header: Vec::new(),
            ring: None,
            files: 1,
            kept: VecDeque::new(),
            growth: Growth::default(),
            joined: None,
        }
    }

    /// Tells how far the file has grown: for those who read it meanwhile.
    #[must_use]
    pub fn growth(&self) -> Growth {
        self.growth.clone()
    }

    /// The file that is written now.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Bytes in it, those that wait included.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len.saturating_add(self.waiting.len() as u64)
    }

    /// Whether nothing was written to it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Files that are full.
    #[must_use]
    pub fn full(&self) -> u64 {
        self.files.saturating_sub(1)
    }

    /// Takes a block. It is written with the next [`Files::write`].
    ///
    /// # Errors
    /// Another file is due and cannot be made, or this one cannot be written.
    pub fn take(&mut self, piece: &Piece, block: &[u8]) -> Result<(), Failure> {
        if let Some((_, join)) = &mut self.joined {
            match piece {
                Piece::Section => join.section(),
                Piece::Interface => join.interface(block),
                Piece::Packet { .. } | Piece::Statistics(_) => join.of_interface(block),
                Piece::Other => join.other(block),
            }
            return Ok(());
        }
        match piece {
            Piece::Section => {
                self.header.clear();
                self.header.extend_from_slice(block);
            }
            Piece::Interface => self.header.extend_from_slice(block),
            Piece::Packet { .. } => {
                if self.due() {
                    self.next()?;
                }
                self.packets = self.packets.saturating_add(1);
            }
            Piece::Statistics(_) | Piece::Other => {}
        }
        self.waiting.extend_from_slice(block);
        Ok(())
    }

    /// Whether another file is to be begun before the next packet.
    fn due(&self) -> bool {
        let Some((_, ring)) = &self.ring else { return false };
        // A file without packets would be no use to anybody.
        self.packets > 0
            && (ring.packets.is_some_and(|n| self.packets >= n)
                || ring.file_size.is_some_and(|n| self.len() >= n)
                || ring.duration.is_some_and(|d| self.opened.elapsed() >= d))
    }

    fn next(&mut self) -> Result<(), Failure> {
        self.finish()?;
        let Some((base, ring)) = self.ring.clone() else { return Ok(()) };
        self.files = self.files.saturating_add(1);
        self.begin(numbered(&base, self.files))?;
        self.waiting.extend_from_slice(&self.header);
        while ring.files.is_some_and(|n| self.kept.len() as u64 > n) {
            if let Some(oldest) = self.kept.pop_front() {
                // One that somebody has moved away is not ours to miss.
                let _ = std::fs::remove_file(oldest);
            }
        }
        Ok(())
    }

    /// Ends the file: what packs it has kept something back.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(&mut self) -> Result<(), Failure> {
        self.write()?;
        let out = std::mem::replace(&mut self.out, Packing::Plain(Box::new(std::io::sink())));
        self.out = Packing::Plain(out.finish().map_err(|e| self.failed(&e))?);
        Ok(())
    }

    fn begin(&mut self, path: PathBuf) -> Result<(), Failure> {
        let file = File::create(&path).map_err(|e| Failure {
            text: format!("{} cannot be made: {e}. Check the folder and that you may write there.", path.display()),
            code: exit::WRITE,
        })?;
        self.out = Packing::new(packing::named(&path), Box::new(file));
        self.kept.push_back(path.clone());
        self.path = Some(path);
        (self.len, self.packets, self.opened) = (0, 0, Instant::now());
        Ok(())
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// It cannot be written: the disk is full, say. What was written before stays.
    pub fn write(&mut self) -> Result<(), Failure> {
        if let Some((recorder, join)) = &mut self.joined {
            join.turn();
            let status = recorder.status();
            self.len = status.bytes;
            return match status.state {
                State::Recording => Ok(()),
                State::Stopped { why } => Err(Failure { text: why, code: exit::WRITE }),
            };
        }
        if self.waiting.is_empty() {
            return Ok(());
        }
        let went = self.out.write_all(&self.waiting).and_then(|()| self.out.flush());
        went.map_err(|e| self.failed(&e))?;
        self.len = self.len.saturating_add(self.waiting.len() as u64);
        self.waiting.clear();
        self.growth.grown(self.len);
        Ok(())
    }

    fn failed(&self, e: &std::io::Error) -> Failure {
        match &self.path {
            None => Failure::write(e),
            Some(path) => {
                let text = format!("{} cannot be written: {e}. What was captured until then is in it.", path.display());
                Failure { text, code: exit::WRITE }
            }
        }
    }
}

/// A file of several as dumpcap names it: `base_00001_20261123141516.pcapng`, in local time.
fn numbered(base: &Path, number: u64) -> PathBuf {
    let now = jiff::Zoned::now();
    // Of `base.pcapng.gz` both endings stay together.
    let inner = if packing::named(base).is_some() { base.with_extension("") } else { base.to_path_buf() };
    let mut name = OsString::from(inner.file_stem().unwrap_or_default());
    name.push(format!("_{number:05}_{}", now.strftime("%Y%m%d%H%M%S")));
    let packed = base.extension().filter(|_| inner != base);
    for extension in inner.extension().into_iter().chain(packed) {
        name.push(".");
        name.push(extension);
    }
    base.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(files: &mut Files) {
        files.take(&Piece::Packet { interface: 0 }, &[7; 100]).expect("room");
    }

    #[test]
    fn a_ring_begins_files_with_the_header_and_keeps_the_newest() {
        let folder = tempfile::tempdir().expect("a folder");
        let ring = Ring { packets: Some(2), files: Some(2), ..Ring::default() };
        let mut files = Files::create(&folder.path().join("ring.pcapng"), Some(ring)).expect("room");
        files.take(&Piece::Section, b"section.").expect("room");
        files.take(&Piece::Interface, b"iface").expect("room");
        for _ in 0..7 {
            packet(&mut files);
        }
        files.write().expect("room");
        let mut names: Vec<PathBuf> = std::fs::read_dir(folder.path()).expect("it").flatten().map(|e| e.path()).collect();
        names.sort();
        let [third, fourth] = names.as_slice() else { panic!("two are kept: {names:?}") };
        assert!(third.to_string_lossy().contains("ring_00003_") && fourth.to_string_lossy().ends_with(".pcapng"));
        let bytes = std::fs::read(third).expect("it");
        assert!(bytes.starts_with(b"section.iface") && bytes.len() == 13 + 200);
        assert_eq!(std::fs::read(fourth).expect("it").len(), 13 + 100);
        assert_eq!(files.full(), 3);
    }

    #[test]
    fn a_packed_ring_ends_every_file_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let ring = Ring { packets: Some(2), ..Ring::default() };
        let mut files = Files::create(&folder.path().join("ring.pcapng.gz"), Some(ring)).expect("room");
        files.take(&Piece::Section, b"section.").expect("room");
        for _ in 0..5 {
            packet(&mut files);
            files.write().expect("room");
        }
        files.finish().expect("room");
        let mut names: Vec<PathBuf> = std::fs::read_dir(folder.path()).expect("it").flatten().map(|e| e.path()).collect();
        names.sort();
        let mut lens = Vec::new();
        for name in &names {
            assert!(name.to_string_lossy().ends_with(".pcapng.gz"), "{name:?}");
            let (file, mut bytes) = (File::open(name).expect("it"), Vec::new());
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(file), &mut bytes).expect("whole gzip");
            lens.push(bytes.len());
        }
        assert_eq!(lens, [208, 208, 108]);
    }

    #[test]
    fn no_file_is_begun_for_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let ring = Ring { duration: Some(std::time::Duration::ZERO), ..Ring::default() };
        let mut files = Files::create(&folder.path().join("x"), Some(ring)).expect("room");
        packet(&mut files);
        files.write().expect("room");
        assert_eq!(files.full(), 0);
        packet(&mut files);
        assert_eq!(files.full(), 1);
    }
}
