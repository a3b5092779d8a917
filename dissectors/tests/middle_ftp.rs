//! FTP in the middle: transcripts, and every address that is rewritten in them.

mod middle_support;

use middle_support::{Play, passes_untouched};
use wirelore_dissectors::ftp::SPEC;
use wirelore_kit::Hint;
use wirelore_kit::middle::{Judgement, Part, Transit};

fn login() -> Play {
    Play::between(&SPEC)
        .server("220-hello\r\n 230 not yet\r\n220 ready\r\n")
        .client("USER a\r\n")
        .server("331 password?\r\n")
        .client("PASS b\r\n")
        .server("230 in\r\n")
}

#[test]
fn whatever_names_no_address_is_untouched() {
    passes_untouched(
        &login()
            .client("FEAT\r\n")
            .server("211-Features:\r\n EPSV\r\n PASV\r\n211 End\r\n")
            .client("EPSV ALL\r\n")
            .server("200 ok\r\n")
            .client("RETR x\r\n")
            .server("150 here\r\n")
            .client("\u{ff}\u{f4}ABOR\r\n".chars().map(|c| c as u8).collect::<Vec<u8>>())
            .server("426 broken off\r\n226 done\r\n")
            .client("PASV\r\n")
            .server("425 not now\r\n")
            .client("QUIT\r\n")
            .server("221 bye\r\n")
            .client_ends()
            .server_ends(),
    );
}

#[test]
fn replies_to_pasv_and_epsv_name_us() {
    for judge in [false, true] {
        let play = login()
            .client("PASV\r\n")
            .server("227 Entering Passive Mode (127,0,0,1,4,1).\r\n")
            .client("EPSV\r\n")
            .server("229 Entering Extended Passive Mode (|||2000|)\r\n")
            .client("PASV\r\n")
            .server("227 =10,9,8,7,4,2\r\n");
        let play = if judge { play.judged(|_| Judgement::Pass) } else { play };
        let p = play.run_all();
        // The driver of the tests listens on 127.0.0.1:40000 and those behind it.
        let want = "227 Entering Passive Mode (127,0,0,1,156,64).\r\n229 Entering Extended Passive Mode (|||40001|)\r\n227 =127,0,0,1,156,66\r\n";
        assert!(p.sent_to_client().ends_with(want), "{}", p.shown());
        assert_eq!(p.expected, [(0, 1025, None), (1, 2000, None), (2, 1026, None)], "another host is not connected to");
        assert_eq!(p.told.iter().filter(|t| t.0 == "ftp.note.address_rewritten").count(), 3);
        assert!(p.was_told("ftp.note.other_address"), "{}", p.shown());
        let lax = play.lax().run_all();
        assert_eq!(lax.expected[2], (2, 1026, Some([10, 9, 8, 7].into())));
    }
}

#[test]
fn port_and_eprt_name_us() {
    let p = login()
        .client("PORT 127,0,0,1,4,1\r\n")
        .server("200 ok\r\n")
        .client("EPRT |1|127.0.0.1|2000|\r\n")
        .server("200 ok\r\n")
        .client("port 10,9,8,7,4,2\r\n")
        .server("200 ok\r\n")
        .run_all();
    assert!(
        p.sent_to_server().ends_with("PORT 127,0,0,1,156,64\r\nEPRT |1|127.0.0.1|40001|\r\nport 127,0,0,1,156,66\r\n"),
        "{}",
        p.shown()
    );
    assert_eq!(p.expected, [(0, 1025, None), (1, 2000, None), (2, 1026, None)]);
    assert!(p.was_told("ftp.note.other_address"), "{}", p.shown());
}

#[test]
fn auth_tls_changes_the_protocol_at_its_byte() {
    for word in ["AUTH TLS", "AUTH SSL", "auth tls-c"] {
        let play = Play::between(&SPEC).server("220 hi\r\n").client(format!("{word}\r\n"));
        let p = play.clone().server("234 go\r\n").client("\x16\x03").run_all();
        assert_eq!(p.became, Some(Hint::Over { outer: "tls", inner: "ftp" }), "{word}: {}", p.shown());
        let p = play.clone().server("530 no\r\n").client("USER a\r\n").run_all();
        assert_eq!(p.became, None);
        let p = play.client("USER a\r\n").server("234 go\r\n").run_all();
        assert!(p.closed && p.was_told("data.note.behind_upgrade"), "{}", p.shown());
    }
}

#[test]
fn ccc_stays_in_tls_and_the_server_never_hears_of_it() {
    let mut play = Play::between(&SPEC)
        .client("PBSZ 0\r\n")
        .server("200 ok\r\n")
        .client("CCC\r\n")
        .client("PWD\r\n")
        .server("257 \"/\"\r\n");
    play.setting.start.inside = Some("tls");
    let p = play.run_all();
    assert_eq!(p.sent_to_server(), "PBSZ 0\r\nPWD\r\n");
    assert!(p.sent_to_client().contains("200 ok\r\n534 "), "{}", p.shown());
    assert!(p.was_told("ftp.note.stays_in_tls"));
}

#[test]
fn a_transfer_is_one_exchange_with_what_comes_before_its_answer() {
    let p = login()
        .client("RETR x\r\n")
        .server("150 here\r\n")
        .server("226 done\r\n")
        .server("421 bye\r\n")
        .judged(|_| Judgement::Pass)
        .run_all();
    let last: Vec<(u64, Part)> = p.judged.iter().rev().take(4).map(|t| (t.exchange, t.part)).collect();
    assert_eq!(last, [(2, Part::Message), (2, Part::Response), (2, Part::Interim), (2, Part::Request)]);
}

#[test]
fn a_changed_reply_is_what_is_rewritten() {
    let p = login()
        .client("PASV\r\n")
        .server("227 Entering Passive Mode (127,0,0,1,4,1).\r\n")
        .judged(|t| {
            if !t.line.starts_with(b"227") {
                return Judgement::Pass;
            }
            Judgement::Change(Box::new(Transit { line: "227 (127,0,0,1,9,9)".into(), ..t.clone() }))
        })
        .run_all();
    assert_eq!(p.expected, [(0, 9 * 256 + 9, None)]);
    assert!(p.sent_to_client().ends_with("\r\n227 (127,0,0,1,156,64)\r\n"), "{}", p.shown());
}
