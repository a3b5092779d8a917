//! HPACK by the examples of RFC 7541 Appendix C, and by what must not be believed.

use super::*;
use wirelore_kit::Span;

fn hex(s: &str) -> Vec<u8> {
    let digits: String = s.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap()).collect()
}

fn read(table: &mut Table, block: &[u8]) -> (Vec<String>, Went) {
    let mut list = Vec::new();
    let mut s = Scratch::default();
    let went = decode(block, Span::default(), table, &mut s, |i| {
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        list.push(match i.form {
            Form::Resize => format!("size {}", i.number),
            _ if i.unseen => format!("?{}: {}", i.number, text(i.value)),
            _ => format!("{}: {}", text(i.name), text(i.value)),
        });
        Ok(())
    })
    .unwrap();
    (list, went)
}

fn state(table: &Table) -> Vec<String> {
    table.entries().map(|e| format!("{}: {}", String::from_utf8_lossy(e.name()), String::from_utf8_lossy(e.value()))).collect()
}

/// One block of an example: its bytes, the fields, the table behind it and the table's size.
type Step<'s> = (&'s str, &'s [&'s str], &'s [&'s str], usize);

fn example(steps: &[Step<'_>], max: Option<u32>) {
    let mut t = Table::new(false);
    if let Some(max) = max {
        t.allow(max);
    }
    for (block, list, entries, size) in steps {
        let (got, went) = read(&mut t, &hex(block));
        assert_eq!(got, *list);
        assert_eq!(went.wrong, None);
        assert_eq!(state(&t), *entries);
        assert_eq!(t.sizes().0, *size);
    }
}

#[test]
fn c2_representations() {
    example(
        &[(
            "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
            &["custom-key: custom-header"],
            &["custom-key: custom-header"],
            55,
        )],
        None,
    );
    example(&[("040c 2f73 616d 706c 652f 7061 7468", &[":path: /sample/path"], &[], 0)], None);
    example(&[("1008 7061 7373 776f 7264 0673 6563 7265 74", &["password: secret"], &[], 0)], None);
    example(&[("82", &[":method: GET"], &[], 0)], None);
}

const C3_LISTS: [&[&str]; 3] = [
    &[":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
    &[":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
    &[":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com", "custom-key: custom-value"],
];
const C3_TABLES: [&[&str]; 3] = [
    &[":authority: www.example.com"],
    &["cache-control: no-cache", ":authority: www.example.com"],
    &["custom-key: custom-value", "cache-control: no-cache", ":authority: www.example.com"],
];

#[test]
fn c3_and_c4_requests_plain_and_huffman() {
    let plain = [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ];
    let huffman = [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ];
    for blocks in [plain, huffman] {
        let steps: Vec<Step<'_>> = (0..3).map(|i| (blocks[i], C3_LISTS[i], C3_TABLES[i], [57, 110, 164][i])).collect();
        example(&steps, None);
    }
}

#[test]
fn c5_and_c6_responses_push_entries_out() {
    let date = "date: Mon, 21 Oct 2013 20:13:21 GMT";
    let list1: &[&str] = &[":status: 302", "cache-control: private", date, "location: https://www.example.com"];
    let list2: &[&str] = &[":status: 307", "cache-control: private", date, "location: https://www.example.com"];
    let list3: &[&str] = &[
        ":status: 200",
        "cache-control: private",
        "date: Mon, 21 Oct 2013 20:13:22 GMT",
        "location: https://www.example.com",
        "content-encoding: gzip",
        "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ];
    let table1: &[&str] = &["location: https://www.example.com", date, "cache-control: private", ":status: 302"];
    let table2: &[&str] = &[":status: 307", "location: https://www.example.com", date, "cache-control: private"];
    let table3: &[&str] = &[list3[5], list3[4], list3[2]];
    let plain = [
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e \
         1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "4803 3330 37c1 c0bf",
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d \
         4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 \
         7369 6f6e 3d31",
    ];
    let huffman = [
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 \
         e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b \
         3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ];
    for blocks in [plain, huffman] {
        example(&[(blocks[0], list1, table1, 222), (blocks[1], list2, table2, 222), (blocks[2], list3, table3, 215)], Some(256));
    }
}

#[test]
fn entries_that_were_not_seen_do_not_end_the_reading() {
    let mut t = Table::new(true);
    let (list, went) = read(&mut t, &hex("82 be 7e 0161 40 0178 0179 be c0"));
    assert_eq!(list, [":method: GET", "?62: ", "?62: a", "x: y", "x: y", "?64: "]);
    assert_eq!((went.unseen, went.wrong), (3, None));
}

#[test]
fn an_index_behind_the_table_of_a_whole_connection_is_an_error() {
    let mut t = Table::new(false);
    assert_eq!(read(&mut t, &hex("82be")).1.wrong, Some((Wrong::Index, 1)));
    assert_eq!(read(&mut Table::new(false), &hex("80")).1.wrong, Some((Wrong::Index, 0)));
    assert!(t.is_partial(), "what follows cannot be relied on");
}

#[test]
fn the_bytes_that_other_decoders_died_of() {
    for b in ["3f", "06", "7f", "ff", "ffffffffffffffff", "00", "0085", "40ff", "8f", "20", "3fffffffff0f", "3fffffffff7f"] {
        let _ = read(&mut Table::new(false), &hex(b));
    }
    assert_eq!(read(&mut Table::new(false), &hex("3f")).1.wrong, Some((Wrong::Cut, 0)));
    assert_eq!(read(&mut Table::new(false), &hex("ffffffffffff01")).1.wrong, Some((Wrong::Number, 0)));
}

#[test]
fn the_table_does_not_grow_beyond_what_was_allowed_unnoticed() {
    let mut t = Table::new(false);
    assert!(read(&mut t, &hex("3fe21f")).1.too_large, "4097");
    assert!(!read(&mut t, &hex("3fe11f")).1.too_large, "4096");
    assert!(read(&mut t, &hex("82 3fe11f")).1.late_resize);
    let mut t = Table::new(false);
    read(&mut t, &hex("40 0161 0162"));
    t.allow(0);
    assert_eq!(t.entries().len(), 0, "both sides know that nothing may stay");
}

#[test]
fn a_block_that_swells_is_cut_off() {
    let mut t = Table::new(false);
    let mut block = hex("40 0161 7f 811e");
    block.extend(std::iter::repeat_n(b'x', 3968));
    block.extend(std::iter::repeat_n(0xbe, 16_000));
    let mut told = 0usize;
    let went = decode(&block, Span::default(), &mut t, &mut Scratch::default(), |i| {
        told += i.name.len() + i.value.len();
        Ok(())
    })
    .unwrap();
    assert!(told <= MOST_LIST && went.left_out > 15_000, "{told} {went:?}");
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }
}

fn put_number(out: &mut Vec<u8>, pattern: u8, bits: u8, n: usize) {
    let full = (1usize << bits) - 1;
    if n < full {
        out.push(pattern | n as u8);
        return;
    }
    out.push(pattern | full as u8);
    let mut rest = n - full;
    while rest > 127 {
        out.push((rest & 127) as u8 | 128);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn put_text(out: &mut Vec<u8>, text: &[u8], huffman: bool) {
    let mut coded = Vec::new();
    if huffman {
        huffman::encode(text, &mut coded);
    } else {
        coded.extend_from_slice(text);
    }
    put_number(out, if huffman { 0x80 } else { 0 }, 7, coded.len());
    out.extend_from_slice(&coded);
}

/// A sender with a table of its own, written without a look at the reader's, that chooses its representations by chance.
#[test]
fn what_any_sender_may_write_is_read_as_it_was_meant() {
    let mut dice = Dice(7);
    for _ in 0..60 {
        let mut t = Table::new(false);
        let mut sent: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut max = 4096;
        for _ in 0..30 {
            let (mut block, mut list) = (Vec::new(), Vec::new());
            if dice.below(6) == 0 {
                max = [0, 60, 200, 1000, 4096][dice.below(5)];
                put_number(&mut block, 0x20, 5, max);
                list.push(format!("size {max}"));
            }
            let trim = |sent: &mut Vec<(Vec<u8>, Vec<u8>)>| {
                while sent.iter().map(|(n, v)| n.len() + v.len() + 32).sum::<usize>() > max {
                    sent.pop();
                }
            };
            trim(&mut sent);
            for _ in 0..dice.below(8) {
                let (huff, huff2) = (dice.below(2) == 0, dice.below(2) == 0);
                let all = 61 + sent.len();
                let entry = |i: usize, sent: &[(Vec<u8>, Vec<u8>)]| match i {
                    1..=61 => (table::STATIC[i - 1].0.to_vec(), table::STATIC[i - 1].1.to_vec()),
                    _ => sent[i - 62].clone(),
                };
                let index = 1 + dice.below(all);
                let value: Vec<u8> = (0..dice.below(300)).map(|_| dice.below(256) as u8).collect();
                let (form, bits, remembers) = [(0x80, 7, false), (0x40, 6, true), (0, 4, false), (0x10, 4, false)][dice.below(4)];
                let (name, value) = if form == 0x80 {
                    put_number(&mut block, form, bits, index);
                    entry(index, &sent)
                } else if dice.below(2) == 0 {
                    put_number(&mut block, form, bits, index);
                    put_text(&mut block, &value, huff);
                    (entry(index, &sent).0, value)
                } else {
                    let name: Vec<u8> = (0..1 + dice.below(20)).map(|_| b'a' + dice.below(26) as u8).collect();
                    put_number(&mut block, form, bits, 0);
                    put_text(&mut block, &name, huff2);
                    put_text(&mut block, &value, huff);
                    (name, value)
                };
                list.push(format!("{}: {}", String::from_utf8_lossy(&name), String::from_utf8_lossy(&value)));
                if remembers {
                    sent.insert(0, (name, value));
                    trim(&mut sent);
                }
            }
            let (got, went) = read(&mut t, &block);
            assert_eq!((got, went.wrong), (list, None));
            assert_eq!(t.entries().len(), sent.len());
        }
    }
}
