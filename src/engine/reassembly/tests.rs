//! Reassembly in small scenes: each says what comes in, and exactly what must come out.

use super::*;

/// What was delivered, in words.
#[derive(Default)]
struct Told(Vec<String>);

impl Deliver for Told {
    fn data(&mut self, dir: usize, at: u64, bytes: &[u8], from: Source) {
        self.0.push(format!("{}{at} {} <{}+{}", ["a", "b"][dir], String::from_utf8_lossy(bytes), from.number, from.offset));
    }
    fn gap(&mut self, dir: usize, at: u64, missing: u64, why: GapWhy) {
        let missing = if missing == u64::MAX { "?".into() } else { missing.to_string() };
        self.0.push(format!("{}{at} gap {missing} {why:?}", ["a", "b"][dir]));
    }
    fn conflict(&mut self, dir: usize, at: u64, len: u32, kept: u32, other: Source) {
        self.0.push(format!("{}{at} conflict {len} {kept}/{}+{}", ["a", "b"][dir], other.number, other.offset));
    }
    fn again(&mut self, dir: usize, at: u64, len: u32, from: Source) {
        self.0.push(format!("{}{at} again {len} <{}+{}", ["a", "b"][dir], from.number, from.offset));
    }
    fn end(&mut self, dir: usize, how: End, number: u32, _time: i64) {
        self.0.push(format!("{} end {how:?} <{number}", ["a", "b"][dir]));
    }
}

/// A connection in which packets are numbered and timed (1 ms apart) as they come. Sequence numbers begin at 1000 (a) and 5000 (b).
struct Scene {
    tcp: Tcp,
    told: Told,
    number: u32,
    time: i64,
}

const A: usize = 0;
const B: usize = 1;

fn scene() -> Scene {
    Scene { tcp: Tcp::default(), told: Told::default(), number: 0, time: 0 }
}

/// A scene in which the handshake has been seen.
fn open() -> Scene {
    let mut s = scene();
    s.give(A, Segment { seq: 999, syn: true, ..Segment::default() });
    s.give(B, Segment { seq: 4999, ack: Some(1000), syn: true, ..Segment::default() });
    s
}

impl Scene {
    fn give(&mut self, dir: usize, mut segment: Segment<'_>) {
        self.number += 1;
        self.time += 1_000_000;
        segment.number = self.number;
        segment.time = self.time;
        segment.offset = 54;
        segment.wire_len = segment.wire_len.max(segment.payload.len() as u32);
        self.tcp.segment(dir, &segment, &mut self.told);
    }

    /// Payload at a sequence number, with an acknowledgement unless it is 0.
    fn seg(&mut self, dir: usize, seq: u32, ack: u32, text: &str) {
        self.give(dir, Segment { seq, ack: (ack > 0).then_some(ack), payload: text.as_bytes(), ..Segment::default() });
    }

    fn fin(&mut self, dir: usize, seq: u32, ack: u32, text: &str) {
        self.give(dir, Segment { seq, ack: Some(ack), fin: true, payload: text.as_bytes(), ..Segment::default() });
    }

    fn rst(&mut self, dir: usize, seq: u32) {
        self.give(dir, Segment { seq, rst: true, ..Segment::default() });
    }

    #[track_caller]
    fn tells(&mut self, want: &[&str]) {
        assert_eq!(std::mem::take(&mut self.told.0), want);
    }
}

#[test]
fn the_state_of_a_flow_in_order_stays_small() {
    assert!(size_of::<Tcp>() <= 96, "{}", size_of::<Tcp>());
    let mut s = open();
    s.seg(A, 1000, 5000, "GET");
    s.seg(B, 5000, 1003, "OK");
    assert!(!s.tcp.is_waiting());
}

#[test]
fn in_order_bytes_pass_at_once() {
    let mut s = open();
    s.seg(A, 1000, 5000, "GET");
    s.seg(B, 5000, 1003, "OK");
    s.fin(B, 5002, 1003, "!");
    s.fin(A, 1003, 5004, "");
    s.tells(&["a0 GET <3+54", "b0 OK <4+54", "b2 ! <5+54", "b end Fin <5", "a end Fin <6"]);
    assert!(s.tcp.is_over());
    s.seg(B, 5003, 1004, "");
    s.tcp.finish(&mut s.told);
    s.tells(&[]);
}

#[test]
fn reordered_segments_come_in_order() {
    let mut s = open();
    s.seg(A, 1003, 5000, "def");
    s.seg(A, 1006, 5000, "ghi");
    s.tells(&[]);
    assert!(s.tcp.held() > 6);
    s.seg(A, 1000, 5000, "abc");
    s.tells(&["a0 abc <5+54", "a3 def <3+54", "a6 ghi <4+54"]);
    assert!(!s.tcp.is_waiting() && s.tcp.held() == 0);
}

#[test]
fn an_answer_captured_before_its_question_waits_for_it() {
    let mut s = open();
    s.seg(B, 5000, 1003, "OK");
    s.tells(&[]);
    s.seg(A, 1000, 5000, "GET");
    s.tells(&["a0 GET <4+54", "b0 OK <3+54"]);
}

#[test]
fn an_acknowledgement_before_its_bytes_is_no_gap_yet() {
    let mut s = open();
    s.seg(B, 5000, 1003, "");
    s.seg(A, 1000, 5000, "GET");
    s.tells(&["a0 GET <4+54"]);
    assert!(!s.tcp.is_waiting());
}

#[test]
fn acknowledged_but_never_captured_is_a_gap_after_200_ms() {
    let mut s = open();
    s.seg(B, 5000, 1003, "OK");
    s.time += 150_000_000;
    s.seg(B, 5002, 1003, "more");
    s.tells(&[]);
    s.time += 50_000_000;
    s.seg(B, 5006, 1003, "");
    s.tells(&["a0 gap 3 NotCaptured", "b0 OK <3+54", "b2 more <4+54"]);
    s.seg(A, 1000, 5000, "GET");
    s.tells(&["a0 again 3 <6+54"]);
}

#[test]
fn a_clock_that_stands_still_runs_out_by_packets() {
    let mut s = open();
    s.seg(B, 5000, 1003, "OK");
    for _ in 0..63 {
        s.time = 0;
        s.seg(B, 5002, 1003, "");
        s.tells(&[]);
    }
    s.time = -5_000_000_000;
    s.seg(B, 5002, 1003, "");
    s.tells(&["a0 gap 3 NotCaptured", "b0 OK <3+54"]);
}

#[test]
fn silence_runs_out_by_tick() {
    let mut s = open();
    s.seg(B, 5000, 1003, "OK");
    s.tcp.tick(s.time + 199_000_000, &mut s.told);
    s.tells(&[]);
    s.tcp.tick(s.time + 200_000_000, &mut s.told);
    s.tells(&["a0 gap 3 NotCaptured", "b0 OK <3+54"]);
    assert!(!s.tcp.is_waiting());
}

#[test]
fn a_hole_that_nobody_acknowledged_waits_for_its_retransmission() {
    let mut s = open();
    s.seg(A, 1003, 5000, "def");
    for _ in 0..500 {
        s.time += 1_000_000_000;
        s.seg(B, 5000, 1000, "");
    }
    s.tells(&[]);
    s.seg(A, 1000, 5000, "abc");
    s.tells(&["a0 abc <504+54", "a3 def <3+54"]);
}

#[test]
fn without_the_other_side_a_hole_is_a_gap_after_many_packets() {
    let mut s = scene();
    s.give(A, Segment { seq: 999, syn: true, ..Segment::default() });
    s.seg(A, 1003, 77, "d");
    for i in 0..1024 {
        s.tells(&[]);
        s.seg(A, 1004 + i, 77, "e");
    }
    assert_eq!(s.told.0.first().unwrap(), "a0 gap 3 NotCaptured");
    assert_eq!(s.told.0.len(), 1026);
    assert!(!s.tcp.is_waiting());
}

#[test]
fn answers_seen_alone_wait_only_once() {
    let mut s = scene();
    s.give(B, Segment { seq: 4999, ack: Some(1000), syn: true, ..Segment::default() });
    s.seg(B, 5000, 1010, "one");
    s.tells(&[]);
    s.time += 200_000_000;
    s.seg(B, 5003, 1020, "two");
    s.tells(&["a0 gap 10 NotCaptured", "b0 one <2+54"]);
    s.time += 200_000_000;
    s.seg(B, 5006, 1030, "three");
    s.tells(&["a10 gap 20 NotCaptured", "b3 two <3+54", "b6 three <4+54"]);
    assert!(!s.tcp.is_waiting());
}

#[test]
fn the_first_bytes_win_and_the_others_are_told() {
    let mut s = open();
    s.seg(A, 1002, 5000, "cdef");
    s.seg(A, 1000, 5000, "abXXefgh");
    s.tells(&["a0 ab <4+54", "a2 cdef <3+54", "a2 conflict 2 3/4+56", "a6 gh <4+60"]);
    s.seg(A, 1000, 5000, "abcdefghij");
    s.tells(&["a0 again 8 <5+54", "a8 ij <5+62"]);
}

#[test]
fn equal_overlap_is_no_conflict() {
    let mut s = open();
    s.seg(A, 1002, 5000, "cdef");
    s.seg(A, 1002, 5000, "cdef");
    s.seg(A, 1000, 5000, "ab");
    s.tells(&["a0 ab <5+54", "a2 cdef <3+54", "a2 again 4 <4+54"]);
}

#[test]
fn sequence_numbers_wrap() {
    let mut s = scene();
    s.give(A, Segment { seq: u32::MAX - 2, syn: true, ..Segment::default() });
    s.give(B, Segment { seq: 4999, ack: Some(u32::MAX - 1), syn: true, ..Segment::default() });
    s.seg(A, 1, 5000, "def");
    s.seg(A, u32::MAX - 1, 5000, "abc");
    s.seg(B, 5000, 4, "x");
    s.tells(&["a0 abc <4+54", "a3 def <3+54", "b0 x <5+54"]);
}

#[test]
fn offsets_go_on_beyond_32_bits() {
    let block = vec![b'x'; 1 << 20];
    let mut tcp = Tcp::default();
    let mut total = 0u64;
    struct Count<'a>(&'a mut u64);
    impl Deliver for Count<'_> {
        fn data(&mut self, _: usize, at: u64, bytes: &[u8], _: Source) {
            assert_eq!(at, *self.0);
            *self.0 += bytes.len() as u64;
        }
        fn gap(&mut self, _: usize, _: u64, _: u64, _: GapWhy) {
            panic!("gap");
        }
        fn conflict(&mut self, _: usize, _: u64, _: u32, _: u32, _: Source) {}
        fn end(&mut self, _: usize, _: End, _: u32, _: i64) {}
    }
    tcp.segment(0, &Segment { seq: 0, syn: true, ..Segment::default() }, &mut Count(&mut total));
    let mut seq = 1u32;
    for i in 0..6000u32 {
        let s = Segment { seq, payload: &block, wire_len: block.len() as u32, number: i, ..Segment::default() };
        tcp.segment(0, &s, &mut Count(&mut total));
        seq = seq.wrapping_add(block.len() as u32);
    }
    assert_eq!(total, 6000 << 20);
}

#[test]
fn a_stream_met_midstream_begins_with_a_gap_of_unknown_size() {
    let mut s = scene();
    s.seg(A, 1000, 5000, "abc");
    s.tells(&[]);
    s.seg(B, 5000, 1003, "xyz");
    s.tells(&["a0 gap ? Midstream", "a0 abc <1+54", "b0 gap ? Midstream", "b0 xyz <2+54"]);
    assert!(!s.tcp.is_waiting());
}

#[test]
fn an_empty_segment_says_where_a_stream_met_midstream_goes_on() {
    let mut s = scene();
    s.seg(A, 1000, 5000, "");
    s.seg(A, 1003, 5000, "def");
    s.time += 400_000_000;
    s.tells(&[]);
    s.seg(A, 1000, 5000, "abc");
    s.tells(&["a0 gap ? Midstream", "a0 abc <3+54", "a3 def <2+54"]);
    s.seg(B, 5000, 1006, "OK");
    s.tells(&["b0 gap ? Midstream", "b0 OK <4+54"]);
}

#[test]
fn a_retransmission_of_bytes_from_before_the_capture_is_left_out() {
    let mut s = scene();
    s.seg(A, 1000, 5000, "");
    s.seg(B, 5000, 1000, "");
    s.seg(A, 990, 5000, "0123456789abc");
    s.tells(&["a0 gap ? Midstream", "a0 abc <3+64"]);
}

#[test]
fn a_keep_alive_met_midstream_is_one_below_the_next_byte() {
    let mut s = scene();
    s.seg(A, 999, 5000, "");
    s.seg(B, 5000, 1000, "");
    s.seg(A, 1000, 5000, "abc");
    s.tells(&["a0 gap ? Midstream", "a0 abc <3+54"]);
    assert!(!s.tcp.is_waiting());
}

#[test]
fn bytes_before_the_first_ones_are_placed_if_they_come_soon() {
    let mut s = scene();
    s.seg(A, 1003, 5000, "def");
    s.seg(A, 1000, 5000, "abc");
    s.time += 200_000_000;
    s.seg(A, 1006, 5000, "ghi");
    s.tells(&["a0 gap ? Midstream", "a0 abc <2+54", "a3 def <1+54", "a6 ghi <3+54"]);
}

#[test]
fn a_syn_captured_after_its_data_says_where_the_stream_begins() {
    let mut s = scene();
    s.seg(A, 1003, 5000, "def");
    s.give(A, Segment { seq: 999, syn: true, ..Segment::default() });
    s.seg(A, 1000, 5000, "abc");
    s.tells(&["a0 abc <3+54", "a3 def <1+54"]);
}

#[test]
fn a_syn_ack_alone_tells_both_beginnings() {
    let mut s = scene();
    s.give(B, Segment { seq: 4999, ack: Some(1000), syn: true, ..Segment::default() });
    s.seg(A, 1000, 5000, "GET");
    s.seg(B, 5000, 1003, "OK");
    s.tells(&["a0 GET <2+54", "b0 OK <3+54"]);
}

#[test]
fn data_in_a_syn_is_the_first_of_the_stream() {
    let mut s = scene();
    s.give(A, Segment { seq: 999, syn: true, payload: b"fast", ..Segment::default() });
    s.give(B, Segment { seq: 4999, ack: Some(1000), syn: true, ..Segment::default() });
    s.seg(A, 1000, 5000, "fast open");
    s.tells(&["a0 fast <1+54", "a0 again 4 <3+54", "a4  open <3+58"]);
}

#[test]
fn both_may_open_at_once() {
    let mut s = scene();
    s.give(A, Segment { seq: 999, syn: true, ..Segment::default() });
    s.give(B, Segment { seq: 4999, syn: true, ..Segment::default() });
    s.give(A, Segment { seq: 999, ack: Some(5000), syn: true, ..Segment::default() });
    s.give(B, Segment { seq: 4999, ack: Some(1000), syn: true, ..Segment::default() });
    s.seg(A, 1000, 5000, "hi");
    s.tells(&["a0 hi <5+54"]);
}

#[test]
fn a_snap_length_cut_is_a_gap_of_known_size() {
    let mut s = open();
    s.give(A, Segment { seq: 1000, ack: Some(5000), payload: b"abc", wire_len: 100, ..Segment::default() });
    s.seg(A, 1100, 5000, "next");
    s.tells(&["a0 abc <3+54", "a3 gap 97 Snaplen", "a100 next <4+54"]);
    assert!(!s.tcp.is_waiting());
}

#[test]
fn a_cut_segment_that_waits_is_a_snap_length_gap_too() {
    let mut s = open();
    s.give(A, Segment { seq: 1010, ack: Some(5000), payload: b"abc", wire_len: 100, ..Segment::default() });
    s.seg(A, 1110, 5000, "next");
    s.seg(A, 1050, 5000, "whole");
    s.seg(A, 1000, 5000, "0123456789");
    s.tells(&[
        "a0 0123456789 <6+54",
        "a10 abc <3+54",
        "a13 gap 37 Snaplen",
        "a50 whole <5+54",
        "a55 gap 55 Snaplen",
        "a110 next <4+54",
    ]);
}

#[test]
fn keep_alives_leave_the_stream_alone() {
    let mut s = open();
    s.seg(A, 1000, 5000, "abc");
    s.seg(A, 1002, 5000, "\0");
    s.seg(A, 1002, 5000, "");
    s.seg(B, 5000, 1003, "");
    s.seg(A, 1003, 5000, "def");
    s.tells(&["a0 abc <3+54", "a2 again 1 <4+54", "a3 def <7+54"]);
}

#[test]
fn a_keep_alive_before_any_data_is_no_data() {
    let mut s = open();
    s.seg(A, 999, 5000, "\0");
    s.seg(A, 1000, 5000, "abc");
    s.tells(&["a0 abc <4+54"]);
}

#[test]
fn a_fin_waits_for_the_bytes_before_it() {
    let mut s = open();
    s.fin(A, 1003, 5000, "def");
    s.tells(&[]);
    s.seg(A, 1000, 5000, "abc");
    s.tells(&["a0 abc <4+54", "a3 def <3+54", "a end Fin <3"]);
}

#[test]
fn a_fin_retransmitted_before_the_end_is_left_out() {
    let mut s = open();
    s.seg(A, 1000, 5000, "abcdef");
    s.fin(A, 1000, 5000, "abc");
    s.tells(&["a0 abcdef <3+54", "a0 again 3 <4+54"]);
    assert_eq!(s.tcp.ignored(), 1);
}

#[test]
fn a_fin_that_was_not_captured_is_not_a_missing_byte() {
    let mut s = open();
    s.seg(A, 1000, 5000, "GET");
    s.seg(B, 5000, 1004, "OK");
    s.tells(&["a0 GET <3+54"]);
    s.tcp.finish(&mut s.told);
    s.tells(&["b0 OK <4+54", "a end Capture <4", "b end Capture <4"]);
}

#[test]
fn bytes_acknowledged_at_the_end_are_missing() {
    let mut s = open();
    s.seg(A, 1000, 5000, "GET");
    s.seg(B, 5000, 1013, "");
    s.tcp.finish(&mut s.told);
    s.tells(&["a0 GET <3+54", "a3 gap 10 NotCaptured", "a end Capture <4", "b end Capture <4"]);
}

#[test]
fn what_waits_at_the_end_is_delivered_with_its_gaps() {
    let mut s = open();
    s.seg(A, 1003, 5000, "def");
    s.fin(A, 1010, 5000, "");
    s.tcp.finish(&mut s.told);
    s.tells(&["a0 gap 3 EndOfCapture", "a3 def <3+54", "a6 gap 4 EndOfCapture", "a end Fin <4", "b end Capture <4"]);
}

#[test]
fn a_refused_connection_ends_by_the_reset_without_taking_memory() {
    let mut s = scene();
    s.give(A, Segment { seq: 999, syn: true, ..Segment::default() });
    s.give(B, Segment { seq: 0, ack: Some(1000), rst: true, ..Segment::default() });
    assert!(s.tcp.is_refused() && s.tcp.waiting.is_none());
    s.tcp.tick(s.time + 1_000_000_000, &mut s.told);
    s.tells(&["a end Reset <2", "b end Reset <2"]);
    assert!(s.tcp.is_over() && !s.tcp.is_waiting());
}

#[test]
fn a_refused_syn_sent_again_and_accepted_is_the_same_connection() {
    let mut s = scene();
    s.give(A, Segment { seq: 999, syn: true, ..Segment::default() });
    s.give(B, Segment { seq: 0, ack: Some(1000), rst: true, ..Segment::default() });
    s.give(A, Segment { seq: 999, syn: true, ..Segment::default() });
    s.give(B, Segment { seq: 4999, ack: Some(1000), syn: true, ..Segment::default() });
    s.seg(A, 1000, 5000, "GET");
    s.seg(B, 5000, 1003, "OK");
    s.tells(&["a0 GET <5+54", "b0 OK <6+54"]);
    assert!(!s.tcp.is_refused());
}

#[test]
fn bytes_under_way_while_the_reset_came_are_not_lost() {
    let mut s = open();
    s.seg(A, 1000, 5000, "GET");
    s.rst(A, 1003);
    s.seg(B, 5000, 1003, "late");
    s.tells(&["a0 GET <3+54", "b0 late <5+54"]);
    s.tcp.tick(s.time + 1_000_000_000, &mut s.told);
    s.tells(&["a end Reset <4", "b end Reset <4"]);
    assert!(s.tcp.is_over());
}

#[test]
fn a_reset_after_the_other_sides_fin_ends_at_once() {
    let mut s = open();
    s.seg(A, 1000, 5000, "GET");
    s.fin(B, 5000, 1003, "OK");
    s.rst(A, 1003);
    s.tells(&["a0 GET <3+54", "b0 OK <4+54", "b end Fin <4", "a end Reset <5"]);
}

#[test]
fn segments_that_wait_for_each_other_are_not_gaps() {
    // Merged by the network card: each carries the last acknowledgement of several.
    let mut s = open();
    s.seg(A, 1000, 5003, "GET");
    s.seg(B, 5000, 1003, "HEY");
    s.tells(&["a0 GET <3+54", "b0 HEY <4+54"]);
    assert!(!s.tcp.is_waiting());
}

#[test]
fn junk_far_away_is_left_out() {
    let mut s = open();
    s.seg(A, 1000u32.wrapping_add(0x5000_0000), 5000, "junk");
    s.seg(B, 5000, 1000u32.wrapping_add(0x3000_0000), "OK");
    s.seg(A, 1000, 5000, "GET");
    s.tells(&["b0 OK <4+54", "a0 GET <5+54"]);
    assert_eq!(s.tcp.ignored(), 2);
}

#[test]
fn a_capture_that_lost_more_than_a_window_finds_the_stream_again() {
    let mut s = open();
    s.seg(A, 1000, 0, "a");
    let far = 1001u32.wrapping_add(0x6000_0000);
    for i in 0..16 {
        s.seg(A, far + i, 0, "z");
    }
    s.seg(A, far + 16, 0, "y");
    s.tells(&["a0 a <3+54", "a1 gap ? NotCaptured", "a1 z <19+54", "a2 y <20+54"]);
}

#[test]
fn what_waits_is_bounded() {
    let mut s = open();
    s.tcp = Tcp::new(Limits { hold: 1000, ..Limits::default() });
    s.give(A, Segment { seq: 999, syn: true, ..Segment::default() });
    s.give(B, Segment { seq: 4999, ack: Some(1000), syn: true, ..Segment::default() });
    let text = "x".repeat(300);
    for i in 0..3 {
        s.seg(A, 1100 + i * 300, 5000, &text);
        assert!(s.tcp.held() <= 1000);
    }
    assert_eq!(s.told.0.first().unwrap(), "a0 gap 100 Limit");
    assert_eq!(s.told.0.len(), 4);
}

#[test]
fn relief_lets_go_of_all() {
    let mut s = open();
    s.seg(A, 1003, 5000, "def");
    s.seg(B, 5002, 1000, "OK");
    s.tcp.relieve(&mut s.told);
    s.tells(&["a0 gap 3 Limit", "a3 def <3+54", "b0 gap 2 Limit", "b2 OK <4+54"]);
    assert_eq!(s.tcp.held(), 0);
    assert!(!s.tcp.is_over());
}

#[test]
fn a_syn_with_another_number_is_another_connection() {
    let s = open();
    assert!(!s.tcp.reopens(A, &Segment { seq: 999, syn: true, ..Segment::default() }));
    assert!(s.tcp.reopens(A, &Segment { seq: 998, syn: true, ..Segment::default() }));
    assert!(!s.tcp.reopens(B, &Segment { seq: 998, ack: Some(1), syn: true, ..Segment::default() }));
}
