//! The capture itself: one thread waits for all interfaces and for a word to stop, and writes blocks as packets come.

use crate::blocks::{self, Counters};
use crate::said::{Refused, event, words};
use crate::wish::{self, Wish};
use pcap::{Active, Capture, Device, Linktype, Precision};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Counters are told so often, and once more at the end.
const TELL: Duration = Duration::from_millis(200);
/// Counters are looked at so often while packets come: that is how closely the place of a loss is known.
const LOOK: Duration = Duration::from_millis(10);
/// A loss that found no packet with a later time by then is put before the next one: its clock may not be ours.
const LATE: Duration = Duration::from_secs(2);
/// Losses that may wait for their place; more are counted with the last of them.
const MOST_LOSSES: usize = 64;

/// An interface that is open.
struct Open {
    name: String,
    number: u32,
    capture: Capture<Active>,
    /// How often the kernel counts a packet. What is sent to oneself goes out and comes in; libpcap leaves one of the two out, behind the
    /// buffer and the counters.
    times: u64,
    /// The kernel's counts: packets received, packets dropped.
    counted: [u64; 2],
    link_type: u16,
    snaplen: u32,
    counters: Counters,
    told: Counters,
    looked: Instant,
    /// The clock when the counters were looked at last, nanoseconds since 1970.
    clock: u64,
    losses: VecDeque<Loss>,
    /// It gives no packets any more.
    over: bool,
}

/// Packets that were lost after a time and are not told yet.
struct Loss {
    count: u64,
    after: u64,
    seen: Instant,
}

/// Captures until told to stop, until all interfaces are gone, or until nobody reads any more.
pub fn run(wish: &Wish) -> Result<(), Refused> {
    let mut open = Vec::new();
    for (i, want) in wish.interfaces.iter().enumerate() {
        open.push(open_one(u32::try_from(i).unwrap_or(u32::MAX), want, wish)?);
    }
    crate::privilege::give_away();
    // More room between the two programs, where the system allows it.
    let _ = rustix::pipe::fcntl_setpipe_size(rustix::stdio::stdout(), 1 << 20);
    let opened: Vec<Value> =
        open.iter().map(|o| json!({ "name": o.name, "link_type": o.link_type, "snaplen": o.snaplen })).collect();
    event(&json!({ "event": "opened", "interfaces": opened }));
    let mut out = Vec::with_capacity(1 << 20);
    blocks::section(&mut out, concat!("Wirelore ", env!("CARGO_PKG_VERSION")));
    for (o, want) in open.iter().zip(&wish.interfaces) {
        let i = blocks::Interface {
            link_type: o.link_type,
            snaplen: o.snaplen,
            name: &o.name,
            description: "",
            filter: &want.filter,
        };
        blocks::interface(&mut out, &i);
    }
    let why = turns(&mut open, &mut out, wish);
    for o in &mut open {
        o.look(&mut out, true);
    }
    // Nobody reads any more: that was the reason to stop.
    let _ = write(&mut out);
    let counters: Vec<Value> = open
        .iter()
        .map(|o| {
            let c = o.counters;
            json!({ "name": o.name, "received": c.received, "dropped": c.dropped, "if_dropped": c.if_dropped, "delivered": c.delivered })
        })
        .collect();
    event(&json!({ "event": "stopped", "why": why, "interfaces": counters }));
    Ok(())
}

fn open_one(number: u32, want: &wish::Interface, wish: &Wish) -> Result<Open, Refused> {
    let name = want.name.as_str();
    let loopback = Device::list().is_ok_and(|all| all.iter().any(|d| d.name == name && d.flags.is_loopback()));
    let mut inactive = Capture::from_device(name)
        .map_err(|e| Refused::open(name, &e))?
        .promisc(want.promiscuous)
        .snaplen(want.snaplen)
        .buffer_size(want.buffer)
        .timeout(wish.timeout)
        .immediate_mode(wish.immediate)
        .precision(Precision::Nano);
    if want.monitor {
        inactive = inactive.rfmon(true);
    }
    if let Some(clock) = want.clock {
        inactive = inactive.tstamp_type(wish::clock(clock));
    }
    let mut capture = inactive.open().map_err(|e| Refused::open(name, &e))?;
    if let Some(link) = &want.link {
        let link = Linktype::from_name(link).map_err(|_| Refused {
            kind: "link_type",
            interface: name.into(),
            text: format!("{link} is no kind of header that libpcap knows"),
        })?;
        capture.set_datalink(link).map_err(|e| Refused::of("link_type", name, &e))?;
    }
    if !want.filter.is_empty() {
        capture.filter(&want.filter, true).map_err(|e| Refused::of("filter", name, &e))?;
    }
    let link_type = link_type(capture.get_datalink());
    let capture = capture.setnonblock().map_err(|e| Refused::of("pcap", name, &e))?;
    Ok(Open {
        name: name.into(),
        number,
        capture,
        times: if loopback { 2 } else { 1 },
        counted: [0; 2],
        link_type,
        snaplen: want.snaplen.unsigned_abs(),
        counters: Counters::default(),
        told: Counters::default(),
        looked: Instant::now(),
        clock: now(),
        losses: VecDeque::new(),
        over: false,
    })
}

/// The number that files use for a kind of header; libpcap's own differs for the oldest ones (pcap/dlt.h).
pub fn link_type(link: Linktype) -> u16 {
    match link.0 {
        11 => 100,
        12 | 14 => 101,
        15 => 102,
        16 => 103,
        17 => 106,
        n => u16::try_from(n).unwrap_or(u16::MAX),
    }
}

/// Nanoseconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX))
}

/// The turns of the capture; why it ended.
fn turns(open: &mut [Open], out: &mut Vec<u8>, wish: &Wish) -> &'static str {
    let mut last_told = Instant::now();
    let mut ending: Option<Instant> = None;
    loop {
        let left = ending.map_or(TELL, |at| at.saturating_duration_since(Instant::now()));
        let (ready, word) = wait(open, left, ending.is_none());
        if word {
            // What came before the word is still on its way through the kernel's buffer.
            ending = Instant::now().checked_add(Duration::from_millis(wish.timeout.unsigned_abs().into()).saturating_add(LOOK));
        }
        for (o, ready) in open.iter_mut().zip(ready) {
            if ready && !o.over {
                o.take(out);
            }
        }
        let tell = last_told.elapsed() >= TELL;
        if tell {
            last_told = Instant::now();
        }
        for o in open.iter_mut().filter(|o| !o.over) {
            o.look(out, tell);
        }
        if write(out).is_err() {
            return "nobody reads";
        }
        if open.iter().all(|o| o.over) {
            return "all interfaces are gone";
        }
        if ending.is_some_and(|at| Instant::now() >= at) {
            return "asked";
        }
    }
}

/// Waits until an interface has packets, or a word comes: which have, and whether to stop.
fn wait(open: &[Open], most: Duration, listen: bool) -> (Vec<bool>, bool) {
    let stdin = rustix::stdio::stdin();
    let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(open.len().saturating_add(1));
    fds.push(PollFd::new(&stdin, if listen { PollFlags::IN } else { PollFlags::empty() }));
    fds.extend(open.iter().filter(|o| !o.over).map(|o| PollFd::new(&o.capture, PollFlags::IN)));
    let most = Timespec { tv_sec: i64::try_from(most.as_secs()).unwrap_or(1), tv_nsec: most.subsec_nanos().into() };
    if poll(&mut fds, Some(&most)).is_err() {
        // Interrupted: look at everything.
        return (vec![true; open.len()], false);
    }
    let mut woken = fds.iter().map(|fd| !fd.revents().is_empty());
    let word = listen && woken.next().unwrap_or(false) && stop_was_said();
    let mut rest = fds.iter().skip(1).map(|fd| !fd.revents().is_empty());
    (open.iter().map(|o| !o.over && rest.next().unwrap_or(false)).collect(), word)
}

/// Whether what stands on standard input says to stop: a word does, and so does its end.
fn stop_was_said() -> bool {
    let mut word = [0; 64];
    match std::io::stdin().lock().read(&mut word) {
        Ok(n) => n == 0 || word.get(..n).is_some_and(|w| w.windows(4).any(|w| w == b"stop")),
        Err(e) => e.kind() != std::io::ErrorKind::Interrupted,
    }
}

fn write(out: &mut Vec<u8>) -> std::io::Result<()> {
    if out.is_empty() {
        return Ok(());
    }
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(out)?;
    stdout.flush()?;
    out.clear();
    Ok(())
}

impl Open {
    /// Takes what the kernel has.
    fn take(&mut self, out: &mut Vec<u8>) {
        let (number, losses) = (self.number, &mut self.losses);
        let mut delivered = 0_u64;
        let went = self.capture.dispatch(None, |p| {
            // With nanosecond precision the field for microseconds holds nanoseconds.
            let seconds = u64::try_from(p.header.ts.tv_sec).unwrap_or(0);
            let time = seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(p.header.ts.tv_usec).unwrap_or(0));
            let dropped = if losses.is_empty() { 0 } else { lost_before(losses, time) };
            delivered = delivered.saturating_add(1);
            blocks::packet(out, &blocks::Packet { interface: number, time, wire_len: p.header.len, data: p.data, dropped });
        });
        self.counters.delivered = self.counters.delivered.saturating_add(delivered);
        if let Err(e) = went {
            self.over = true;
            event(&json!({ "event": "lost", "interface": self.name, "text": words(&e) }));
        }
    }

    /// Looks at the counters, if it is time; writes them if they shall be told and changed.
    fn look(&mut self, out: &mut Vec<u8>, tell: bool) {
        if self.looked.elapsed() >= LOOK || tell {
            self.looked = Instant::now();
            let clock = now();
            if let Ok(s) = self.capture.stats() {
                // libpcap counts in 32 bits, which wrap.
                let grown = |was: u64, is: u32| was.saturating_add(u64::from(is.wrapping_sub(was as u32)));
                let [received, dropped] = self.counted;
                self.counted = [grown(received, s.received), grown(dropped, s.dropped)];
                let [received, dropped] = self.counted.map(|n| n.div_ceil(self.times.max(1)));
                let more = dropped.saturating_sub(self.counters.dropped);
                if more > 0 {
                    self.lost(more);
                }
                (self.counters.received, self.counters.dropped) = (received, dropped);
                self.counters.if_dropped = grown(self.counters.if_dropped, s.if_dropped);
            }
            self.clock = clock;
        }
        if tell && self.counters != self.told {
            self.told = self.counters;
            blocks::statistics(out, self.number, now(), &self.counters);
        }
    }

    /// So many packets were lost since the counters were looked at last. Packets older than that may still be in the buffer.
    fn lost(&mut self, count: u64) {
        let many = self.losses.len() >= MOST_LOSSES;
        match self.losses.back_mut().filter(|_| many) {
            Some(last) => last.count = last.count.saturating_add(count),
            None => self.losses.push_back(Loss { count, after: self.clock, seen: Instant::now() }),
        }
    }
}

/// How many packets were lost before one of this time that were not told before an earlier one.
fn lost_before(losses: &mut VecDeque<Loss>, time: u64) -> u64 {
    let mut count = 0_u64;
    while let Some(loss) = losses.front() {
        if loss.after > time && loss.seen.elapsed() < LATE {
            break;
        }
        count = count.saturating_add(loss.count);
        losses.pop_front();
    }
    count
}
