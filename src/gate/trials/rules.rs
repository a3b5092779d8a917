//! What rules make of messages.

use super::{answered, changed, did, gate, judge, tunnel};
use crate::gate::Gate;
use crate::rules::Spelling;
use crate::testing::{answer, conn, head, question};
use crate::verdict::Dialling;
use bytes::Bytes;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wirelore_kit::Dir;
use wirelore_kit::middle::{Judgement, Origin, Part, Stage, Transit};

#[test]
fn with_nothing_armed_nothing_is_wanted() {
    let gate = Gate::new();
    assert!(!gate.armed() && !gate.wants(&tunnel()) && gate.pace(&tunnel()).is_none());
    assert!(matches!(gate.connect(&tunnel()), Dialling::Go));
    assert_eq!(judge(&gate, &tunnel(), &question("GET / HTTP/1.1", &[], b"")).judgement, Judgement::Pass);
    gate.add("[[rule]]\nname = 'x'\nblock = 404").unwrap();
    assert!(gate.wants(&tunnel()));
    assert!(gate.remove("x") && !gate.remove("x") && !gate.armed());
}

#[test]
fn connections_that_no_rule_can_concern_are_copied() {
    let gate = gate("[[rule]]\nwhen = '~d ^other.net$ & ~u /a'\nblock = 404\n[[rule]]\nwhen = '~smtp'\nhold = true");
    assert!(!gate.wants(&tunnel()));
    assert!(gate.wants(&conn()), "the server is not known yet");
    let upgrades = Gate::new();
    upgrades.add("[[rule]]\nwhen = '~websocket'\nhold = true").unwrap();
    assert!(upgrades.wants(&tunnel()), "HTTP may become a WebSocket");
    upgrades.add("[[rule]]\nname = 'x'\nwhen = '!~http'\nhold = true").unwrap();
    upgrades.remove("rule 1");
    assert!(upgrades.wants(&tunnel()), "and then it is no HTTP any more");
    let mut other = tunnel();
    other.server = Some(Origin { host: "other.net".into(), port: 443, tls: true });
    assert!(gate.wants(&other));
    gate.enable("rule 1", false);
    assert!(!gate.wants(&other));
}

#[test]
fn blocked_requests_are_answered_and_told() {
    let gate = gate("[[rule]]\nname = 'no ads'\nwhen = '~u /ads'\nblock = 403");
    let o = judge(&gate, &tunnel(), &head(question("GET /ads/1 HTTP/1.1", &[], b"")));
    let a = answered(&o);
    assert_eq!(
        (&a.line[..], a.dir, a.part, a.stage),
        (&b"HTTP/1.1 403 Forbidden"[..], Dir::ToClient, Part::Response, Stage::Whole)
    );
    assert!(a.body.starts_with(b"Blocked by the rule \"no ads\""));
    assert_eq!(a.header("content-length").map(|v| v.to_vec()), Some(a.body.len().to_string().into_bytes()));
    assert_eq!((o.hits[0].rule.as_str(), did(&o)), ("no ads", vec!["blocked with 403"]));
    assert_eq!((gate.rules()[0].hits, gate.hits(), gate.edits().len()), (1, 1, 1));
    assert_eq!(judge(&gate, &tunnel(), &question("GET /b HTTP/1.1", &[], b"")).judgement, Judgement::Pass);
    assert_eq!(gate.rules()[0].hits, 1);
}

#[test]
fn protocols_of_lines_are_refused_in_their_own_words() {
    let gate = gate("[[rule]]\nname = 'r'\nwhen = '~m RCPT|DELE|x1'\nblock = 403");
    let ask = |proto, line: &str| {
        let mut q = question(line, &[], b"");
        (q.proto, q.url) = (proto, None);
        let mut c = tunnel();
        c.proto = Some(proto);
        judge(&gate, &c, &q)
    };
    assert_eq!(&answered(&ask("smtp", "RCPT TO:<a@b>")).line[..], b"550 5.7.1 Blocked by the rule \"r\" of Wirelore.");
    assert_eq!(&answered(&ask("imap", "x1 FETCH 1")).line[..], b"x1 NO Blocked by the rule \"r\" of Wirelore.");
    assert_eq!(&answered(&ask("ftp", "DELE a")).line[..], b"550 Blocked by the rule \"r\" of Wirelore.");
    let mut said = question("text", &[], b"secret");
    (said.proto, said.url, said.part) = ("websocket", None, Part::Message);
    gate.add("[[rule]]\nwhen = '~websocket & ~b secret'\nblock = 403\n[[rule]]\nmap-remote = 'localhost:1'").unwrap();
    let o = judge(&gate, &tunnel(), &said);
    assert_eq!((&o.judgement, did(&o)), (&Judgement::Drop, vec!["dropped it: websocket has no words to refuse with"]));
    said.body = Bytes::new();
    assert_eq!(judge(&gate, &tunnel(), &said).hits, [], "a message has no address to be sent elsewhere");
}

#[test]
fn headers_keep_their_order_and_spelling() {
    let gate = gate(
        "[[rule]]\non = 'request'\nremove-header = 'x-gone'\nset-header = ['X-Set: new', 'X-New: 1']\nadd-header = 'Cookie: b=2'\n\
         replace-header = { name = 'Referer', regex = 'secret=(\\w+)', with = 'secret=<$1>' }",
    );
    let q = question(
        "GET / HTTP/1.1",
        &[
            ("Host", "example.org"),
            ("x-set", "old"),
            ("X-GONE", "1"),
            ("cookie", "a=1"),
            ("Referer", "/?secret=abc"),
            ("X-SET", "old 2"),
        ],
        b"",
    );
    let o = judge(&gate, &tunnel(), &head(q));
    let headers: Vec<String> = changed(&o)
        .headers
        .iter()
        .map(|(n, v)| format!("{}: {}", String::from_utf8_lossy(n), String::from_utf8_lossy(v)))
        .collect();
    assert_eq!(headers, ["Host: example.org", "X-Set: new", "cookie: a=1", "Referer: /?secret=<abc>", "X-New: 1", "Cookie: b=2"]);
    assert_eq!(did(&o), ["removed x-gone, set X-Set, set X-New, added Cookie, changed Referer"]);
    assert_eq!(o.original.as_ref().map(|m| m.headers.len()), Some(6), "the original is kept beside it");
    assert_eq!(judge(&gate, &tunnel(), &answer("HTTP/1.1 200 OK", &[("X-Gone", "1")], b"")).judgement, Judgement::Pass);
}

#[test]
fn a_rule_that_changes_nothing_is_no_hit() {
    let gate = gate("[[rule]]\nset-header = 'A: 1'\nreplace-body = { text = 'zzz', with = '' }");
    let o = judge(&gate, &tunnel(), &question("GET / HTTP/1.1", &[("A", "1")], b"body"));
    assert_eq!((o.judgement, o.hits, gate.rules()[0].hits), (Judgement::Pass, vec![], 0));
}

#[test]
fn bodies_are_waited_for_only_where_a_rule_needs_them() {
    let gate =
        gate("[[rule]]\nwhen = '~m POST'\nreplace-body = { regex = 'a(.)c', with = '[$1]' }\n[[rule]]\nset-header = 'X: 1'");
    let get = judge(&gate, &tunnel(), &head(question("GET / HTTP/1.1", &[], b"")));
    assert_eq!(did(&get), ["set X"], "judged at its head");
    let post = question("POST / HTTP/1.1", &[("Content-Length", "7")], b"abc adc");
    let first = judge(&gate, &tunnel(), &head(post.clone()));
    assert_eq!((first.judgement, first.hits.len()), (Judgement::Body, 0));
    assert_eq!(gate.rules()[1].hits, 1, "what is judged twice is counted once");
    let o = judge(&gate, &tunnel(), &post);
    assert_eq!((&changed(&o).body[..], did(&o)), (&b"[b] [d]"[..], vec!["changed the body", "set X"]));
}

#[test]
fn a_body_that_cannot_be_had_leaves_the_other_rules_in_force() {
    let gate = gate("[[rule]]\nreplace-body = { text = 'a', with = 'b' }\n[[rule]]\nset-header = 'X: 1'");
    let c = tunnel();
    // Chunked, longer than anybody keeps: asked for, and not had.
    let q = head(question("POST / HTTP/1.1", &[("Transfer-Encoding", "chunked")], b""));
    assert_eq!(judge(&gate, &c, &q).judgement, Judgement::Body);
    let again = judge(&gate, &c, &q);
    assert_eq!(did(&again), ["left the body: it is endless, or too large to be kept", "set X"]);
    // Its length says so at once.
    let long = head(question("POST / HTTP/1.1", &[("Content-Length", "99999999999")], b""));
    assert_eq!(did(&judge(&gate, &c, &long)).len(), 2);
    let events = head(answer("HTTP/1.1 200 OK", &[("Content-Type", "text/event-stream")], b""));
    assert_eq!(did(&judge(&gate, &c, &events)).len(), 2, "events are not held back until their end, which never comes");
}

#[test]
fn coded_bodies_are_changed_in_the_plain_and_go_on_so() {
    let rules = "[[rule]]\nwhen = '~s'\nreplace-body = { text = 'olleh', with = 'bye' }";
    let a = answer("HTTP/1.1 200 OK", &[("Content-Encoding", "rev"), ("X", "1")], b"hello");
    let without = gate(rules);
    assert_eq!(did(&judge(&without, &tunnel(), &a)), ["left the body: it is coded as rev"]);
    let with = gate(rules);
    with.decode_with(|coding, body| {
        assert_eq!(coding, b"rev");
        Ok(body.iter().rev().copied().collect())
    });
    let o = judge(&with, &tunnel(), &a);
    let m = changed(&o);
    assert_eq!((&m.body[..], m.headers.len()), (&b"bye"[..], 1));
    assert_eq!(did(&o), ["changed the body, which goes on without rev"]);
    with.add("[[rule]]\nwhen = '~bs bye'\nstatus = 201").unwrap();
    assert!(changed(&judge(&with, &tunnel(), &a)).line.starts_with(b"HTTP/1.1 201"), "later rules see what earlier ones made");
}

#[test]
fn answers_are_judged_by_their_questions() {
    let gate = gate("[[rule]]\nwhen = '~s & ~m POST & ~bq secret & ~c 2xx'\nstatus = 500");
    let c = tunnel();
    let q = question("POST /login HTTP/1.1", &[], b"secret=1");
    assert_eq!(judge(&gate, &c, &head(q.clone())).judgement, Judgement::Body, "its answer is judged by its body");
    assert_eq!(judge(&gate, &c, &q).judgement, Judgement::Pass);
    let mut a = head(answer("HTTP/1.1 200 OK", &[], b""));
    let o = judge(&gate, &c, &a);
    assert_eq!(&changed(&o).line[..], b"HTTP/1.1 500 Internal Server Error");
    a.exchange = 1;
    assert_eq!(judge(&gate, &c, &a).judgement, Judgement::Pass, "another exchange");
}

#[test]
fn files_answer() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("site")).unwrap();
    std::fs::write(dir.path().join("site/app.js"), "alert(1)").unwrap();
    let rules = dir.path().join("rules.toml");
    std::fs::write(&rules, "[[rule]]\nurl = 'example\\.org/static/'\nmap-local = 'site'").unwrap();
    let gate = Gate::new();
    assert_eq!(gate.load(&rules), Ok(1));
    let get = |path: &str| judge(&gate, &tunnel(), &head(question(&format!("GET {path} HTTP/1.1"), &[], b"")));
    let o = get("/static/app.js?v=2");
    assert_eq!(
        (&answered(&o).body[..], answered(&o).header("Content-Type").map(|v| &v[..])),
        (&b"alert(1)"[..], Some(&b"text/javascript; charset=utf-8"[..]))
    );
    assert!(answered(&get("/static/none.js")).line.starts_with(b"HTTP/1.1 404"));
    assert!(answered(&get("/static/%2e%2e/rules.toml")).line.starts_with(b"HTTP/1.1 403"));
    assert_eq!(get("/other").judgement, Judgement::Pass);
}

#[test]
fn requests_go_to_other_servers() {
    let gate = gate("[[rule]]\nurl = '^http://example\\.org/v1/(.*)$'\nmap-remote = 'https://[::1]:8443/v2/$1'");
    let asked = Arc::new(Mutex::new(None));
    let (kept, keeps) = (Arc::clone(&asked), question("GET /v1/a?b=1 HTTP/1.1", &[("Host", "example.org"), ("X", "1")], b""));
    gate.fetch_with(Arc::new(move |origin, request, then| {
        *kept.lock().unwrap() = Some((origin, request));
        then(Ok(answer("HTTP/1.1 200 OK", &[], b"from v2")));
    }));
    assert_eq!(judge(&gate, &tunnel(), &head(keeps.clone())).judgement, Judgement::Body, "its body goes along");
    let (send, got) = std::sync::mpsc::channel();
    assert!(gate.judge(&tunnel(), keeps.clone(), move |o| send.send(o).unwrap()).is_none());
    let o = got.try_recv().unwrap();
    assert_eq!((&answered(&o).body[..], did(&o)), (&b"from v2"[..], vec!["sent it to https://[::1]:8443"]));
    let (origin, request) = asked.lock().unwrap().take().unwrap();
    assert_eq!(origin, Origin { host: "::1".into(), port: 8443, tls: true });
    assert_eq!(
        (&request.line[..], request.header("host").map(|v| &v[..])),
        (&b"GET /v2/a?b=1 HTTP/1.1"[..], Some(&b"[::1]:8443"[..]))
    );
    // A client that speaks to us as to a proxy: its request names another server, and goes on as any other.
    let mut forward = keeps;
    forward.line = Bytes::from_static(b"GET http://example.org/v1/a?b=1 HTTP/1.1");
    let o = judge(&gate, &tunnel(), &head(forward));
    assert_eq!(&changed(&o).line[..], b"GET https://[::1]:8443/v2/a?b=1 HTTP/1.1");
    assert_eq!(changed(&o).url.as_deref(), Some("https://[::1]:8443/v2/a?b=1"));
}

#[test]
fn a_path_changed_on_the_same_server_goes_the_same_way() {
    let gate = gate("[[rule]]\nurl = '/old'\nmap-remote = '/new'");
    let o = judge(&gate, &tunnel(), &head(question("GET /old?x HTTP/1.1", &[("Host", "example.org")], b"")));
    assert_eq!((&changed(&o).line[..], &changed(&o).headers[0].1[..]), (&b"GET /new?x HTTP/1.1"[..], &b"example.org"[..]));
}

#[test]
fn rules_about_connections() {
    let gate = gate(
        "[[rule]]\nname='t'\nwhen = '~d example'\nthrottle = '80kbit/-/20ms'\n\
         [[rule]]\nname = 'b'\nwhen = '~d ^bad'\non = 'connection'\nblock = 403\n\
         [[rule]]\nname = 'm'\nwhen = '~d example ~port 80'\non = 'connection'\nmap-remote = 'localhost:9'",
    );
    let pace = gate.pace(&tunnel()).unwrap();
    assert_eq!((pace.down, pace.up, pace.latency, pace.rule.as_str()), (Some(10_000), None, Duration::from_millis(10), "t"));
    assert!(matches!(gate.connect(&tunnel()), Dialling::GoTo(o, h) if o.host == "localhost" && o.port == 9 && h.rule == "m"));
    let mut bad = tunnel();
    bad.server = Some(Origin { host: "bad.org".into(), port: 443, tls: true });
    assert!(matches!(gate.connect(&bad), Dialling::Block(r, _) if r.status == 403 && r.why.contains("\"b\"")));
    assert!(!gate.wants(&bad), "its messages are nobody's business");
}

#[test]
fn delays_and_ends() {
    let gate = gate(
        "[[rule]]\nwhen = '~u /slow'\ndelay = '30ms'\n[[rule]]\nwhen = '~u /slow ~q'\ndelay = '20ms'\nstop = true\n\
         [[rule]]\nwhen = '~u slow'\nblock = 404\n[[rule]]\nwhen = '~u /drop'\ndrop = true\n[[rule]]\nwhen = '~u /reset'\nreset = true\n\
         [[rule]]\nwhen = '~ftp'\nanswer = { line = '530 No' }\n[[rule]]\nwhen = '~u /teapot'\nanswer = { status = 418, headers = ['X: 1'], body = 'tea' }",
    );
    let get = |path: &str| judge(&gate, &tunnel(), &head(question(&format!("GET {path} HTTP/1.1"), &[], b"")));
    let slow = get("/slow");
    assert_eq!((slow.judgement, slow.wait), (Judgement::Pass, Duration::from_millis(50)), "stop: the later rule is not asked");
    let c = tunnel();
    judge(&gate, &c, &question("GET /slow HTTP/1.1", &[], b""));
    assert_eq!(judge(&gate, &c, &answer("HTTP/1.1 200 OK", &[], b"")).wait, Duration::ZERO, "an exchange is delayed once");
    assert_eq!(get("/drop").judgement, Judgement::Drop);
    assert_eq!(get("/reset").judgement, Judgement::Reset);
    let tea = get("/teapot");
    assert_eq!((&answered(&tea).line[..], &answered(&tea).body[..]), (&b"HTTP/1.1 418 I'm a Teapot"[..], &b"tea"[..]));
    let mut user = question("USER a", &[], b"");
    (user.proto, user.url) = ("ftp", None);
    assert_eq!(&answered(&judge(&gate, &tunnel(), &user)).line[..], b"530 No");
}

#[test]
fn a_rule_for_answers_can_put_another_in_their_place() {
    let gate = gate("[[rule]]\nwhen = '~c 500'\non = 'response'\nanswer = { status = 200, body = 'fine' }");
    let a = answer("HTTP/1.1 500 Oops", &[("Set-Cookie", "a")], b"trace");
    assert_eq!(judge(&gate, &tunnel(), &head(a.clone())).judgement, Judgement::Body);
    let o = judge(&gate, &tunnel(), &a);
    assert_eq!((changed(&o).dir, &changed(&o).body[..], changed(&o).part), (Dir::ToClient, &b"fine"[..], Part::Response));
}

#[test]
fn mitmproxys_spellings_do_what_mitmproxy_does() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("banner.txt");
    std::fs::write(&file, "from a $1 file").unwrap();
    let pattern = |p: &str| p.replace("FILE", file.to_str().unwrap());
    let gate = Gate::new();
    gate.command_line(
        [
            (Spelling::ModifyHeaders, "/~q/User-Agent/mine".to_string()),
            (Spelling::ModifyHeaders, "/~s/Server/".into()),
            (Spelling::ModifyBody, r"|~s|(\w+)@example\.org|\1@\1.test".into()),
            (Spelling::ModifyBody, pattern("|BANNER|@FILE")),
            (Spelling::MapRemote, r"|~m GET|/v(\d)/|/api\1/".into()),
            (Spelling::MapLocal, pattern("|example.org/banner|FILE")),
            (Spelling::BlockList, ":~d ads.example.org$:404".into()),
            (Spelling::BlockList, ":~u /kill:444".into()),
        ]
        .iter()
        .map(|(s, p)| s.parse(p).unwrap_or_else(|e| panic!("{e}")))
        .collect(),
    );
    let c = tunnel();
    let get = |path: &str| judge(&gate, &c, &question(&format!("GET {path} HTTP/1.1"), &[("user-agent", "x")], b""));
    let o = get("/v2/a");
    assert_eq!((&changed(&o).line[..], &changed(&o).headers[0].1[..]), (&b"GET /api2/a HTTP/1.1"[..], &b"mine"[..]));
    assert_eq!(get("/kill").judgement, Judgement::Reset);
    assert_eq!(&answered(&get("/banner")).body[..], b"from a $1 file");
    let a: Transit = answer("HTTP/1.1 200 OK", &[("Server", "nginx")], b"joe@example.org BANNER");
    let o = judge(&gate, &c, &a);
    assert_eq!((&changed(&o).body[..], changed(&o).headers.len()), (&b"joe@joe.test from a $1 file"[..], 0));
}
