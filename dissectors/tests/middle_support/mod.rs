//! Drives a protocol that stands in the middle as a proxy would, with scripted bytes of both sides, and keeps what came of it.
//!
//! ```text
//! let play = Play::between(&SPEC).client("GET / HTTP/1.1\r\nHost: a\r\n\r\n").server("HTTP/1.1 204 No Content\r\n\r\n").run();
//! play.cuts(|p| assert_eq!(p.sent_to_client(), "..."));
//! ```
#![allow(dead_code, reason = "each test file takes what it needs")]

use bytes::Bytes;
use std::collections::VecDeque;
use wirelore_kit::middle::{Agreed, Judgement, Middle, News, Origin, Place, Refusal, Setting, Step, Transit};
use wirelore_kit::{Dir, End, Hint, Spec, Start, Transport};

/// One thing that happens to the conversation.
#[derive(Debug, Clone)]
pub enum Act {
    /// Bytes of one side.
    Bytes(Dir, Bytes),
    /// One side is done.
    End(Dir, End),
}

/// What a judge says of a message; a plain function, so that scripts can be played again and again.
pub type Judge = fn(&Transit) -> Judgement;
/// What a network says of a server that is to be reached; the number counts the questions from 0.
pub type Network = fn(&Origin, usize) -> Reached;

/// How it went to reach a server.
#[derive(Debug, Clone)]
pub enum Reached {
    /// It answers.
    Yes,
    /// It cannot be reached.
    No(Refusal),
    /// The driver answers itself.
    Own(Box<Transit>),
}

/// A script: who says what, in order.
#[derive(Clone)]
pub struct Play {
    pub spec: &'static Spec,
    pub setting: Setting,
    pub acts: Vec<Act>,
    pub judge: Judge,
    pub network: Network,
    /// Judgements and routes are told only when nothing else is to be done before the next act but one, so that bytes arrive meanwhile.
    pub late: bool,
}

/// What came of it.
#[derive(Debug, Default, PartialEq)]
pub struct Played {
    /// To servers, in the order of their being routed to; the first is the one that was there from the beginning.
    pub to_server: Vec<(Option<Origin>, Vec<u8>)>,
    pub to_client: Vec<u8>,
    /// Everything that was judged.
    pub judged: Vec<Transit>,
    /// Names and words of what was told.
    pub told: Vec<(&'static str, String)>,
    /// Tunnels asked for.
    pub tunnels: Vec<Origin>,
    pub expected: Vec<(u64, u16, Option<std::net::IpAddr>)>,
    pub became: Option<Hint>,
    pub opaque: bool,
    pub finished: [bool; 2],
    pub closed: bool,
    /// Bytes that were there when it was asked last, by what it says itself.
    pub weight: usize,
}

impl Played {
    /// All that went to servers.
    pub fn sent_to_server(&self) -> String {
        String::from_utf8_lossy(&self.to_server.iter().flat_map(|(_, b)| b.iter().copied()).collect::<Vec<u8>>()).into_owned()
    }

    /// All that went to the client.
    pub fn sent_to_client(&self) -> String {
        String::from_utf8_lossy(&self.to_client).into_owned()
    }

    /// Whether something of that name was told.
    pub fn was_told(&self, name: &str) -> bool {
        self.told.iter().any(|(n, _)| *n == name)
    }
}

impl Play {
    fn new(spec: &'static Spec, place: Place) -> Play {
        let start = Start {
            transport: Transport::Tcp,
            client: Some(([127, 0, 0, 1].into(), 50_000)),
            server: Some(([127, 0, 0, 1].into(), 8080)),
            hint: Hint::Probe,
            midstream: false,
            expected: None,
            inside: None,
        };
        Play {
            spec,
            setting: Setting::new(start, place, false),
            acts: Vec::new(),
            judge: |_| Judgement::Pass,
            network: |_, _| Reached::Yes,
            late: false,
        }
    }

    /// Between a client and one server.
    pub fn between(spec: &'static Spec) -> Play {
        Play::new(spec, Place::Between)
    }

    /// As a proxy that the client knows.
    pub fn forward(spec: &'static Spec) -> Play {
        Play::new(spec, Place::Forward)
    }

    pub fn client(mut self, bytes: impl AsRef<[u8]>) -> Play {
        self.acts.push(Act::Bytes(Dir::ToServer, Bytes::copy_from_slice(bytes.as_ref())));
        self
    }

    pub fn server(mut self, bytes: impl AsRef<[u8]>) -> Play {
        self.acts.push(Act::Bytes(Dir::ToClient, Bytes::copy_from_slice(bytes.as_ref())));
        self
    }

    pub fn client_ends(mut self) -> Play {
        self.acts.push(Act::End(Dir::ToServer, End::Fin));
        self
    }

    pub fn server_ends(mut self) -> Play {
        self.acts.push(Act::End(Dir::ToClient, End::Fin));
        self
    }

    /// Every message is judged by `judge`.
    pub fn judged(mut self, judge: Judge) -> Play {
        self.setting.judge = true;
        self.judge = judge;
        self
    }

    pub fn network(mut self, network: Network) -> Play {
        self.network = network;
        self
    }

    pub fn lax(mut self) -> Play {
        self.setting.lax = true;
        self
    }

    pub fn named(mut self, name: &str) -> Play {
        self.setting.name = name.to_owned();
        self
    }

    /// The client must say this user and password.
    pub fn guarded(mut self, user: &str, word: &str) -> Play {
        self.setting.auth = Some((user.to_owned(), word.to_owned()));
        self
    }

    pub fn late(mut self) -> Play {
        self.late = true;
        self
    }

    /// Plays it with each act's bytes in one piece.
    pub fn run(&self) -> Played {
        self.run_cut(&mut |_| usize::MAX)
    }

    /// Plays it with bytes cut as `next` says (given what is left, the length of the next piece).
    pub fn run_cut(&self, next: &mut dyn FnMut(usize) -> usize) -> Played {
        let serve = self.spec.middle.expect("the protocol stands in the middle");
        let mut stage = Stage::new((serve.new)(&self.setting), self);
        for act in &self.acts {
            match act {
                Act::End(dir, how) => stage.end(*dir, *how),
                Act::Bytes(dir, bytes) => {
                    let mut rest = bytes.clone();
                    while !rest.is_empty() {
                        let n = next(rest.len()).clamp(1, rest.len());
                        stage.push(*dir, rest.split_to(n));
                    }
                }
            }
        }
        stage.settle();
        stage.played.weight = stage.middle.weight();
        stage.played
    }

    /// Plays it in one piece, byte for byte, in pieces of 2, 3 and 7 and of varied lengths: the outcome must not differ. Gives it.
    pub fn run_all(&self) -> Played {
        let whole = self.run();
        for size in [1usize, 2, 3, 7] {
            let cut = self.run_cut(&mut |_| size);
            self.same(&whole, &cut, &format!("in pieces of {size}"));
        }
        for seed in 1u64..6 {
            let mut state = seed;
            let cut = self.run_cut(&mut |_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                1 + (state >> 59) as usize * (1 + (state >> 40) as usize % 5)
            });
            self.same(&whole, &cut, &format!("in pieces of varied lengths ({seed})"));
        }
        whole
    }

    fn same(&self, whole: &Played, cut: &Played, how: &str) {
        let bare = |p: &Played| Played { weight: 0, ..p.clone_bare() };
        if bare(whole) != bare(cut) {
            panic!(
                "cut {how} it goes otherwise\nin one piece: {}\n{how}: {}\nscript: {:?}",
                whole.shown(),
                cut.shown(),
                self.acts
            );
        }
    }
}

impl Played {
    fn clone_bare(&self) -> Played {
        Played {
            to_server: self.to_server.clone(),
            to_client: self.to_client.clone(),
            judged: self.judged.clone(),
            told: self.told.clone(),
            tunnels: self.tunnels.clone(),
            expected: self.expected.clone(),
            became: self.became.clone(),
            ..*self
        }
    }

    /// As text for people.
    pub fn shown(&self) -> String {
        let mut text = String::new();
        for (origin, bytes) in &self.to_server {
            text += &format!("\n  to {origin:?}: \"{}\"", bytes.escape_ascii());
        }
        text += &format!("\n  to the client: \"{}\"", self.to_client.escape_ascii());
        text + &format!(
            "\n  told {:?}, judged {}, tunnels {:?}, became {:?}, opaque {}, finished {:?}, closed {}",
            self.told,
            self.judged.len(),
            self.tunnels,
            self.became,
            self.opaque,
            self.finished,
            self.closed
        )
    }
}

/// A driver as a proxy has one, without sockets.
pub struct Stage<'p> {
    pub middle: Box<dyn Middle>,
    play: &'p Play,
    pub played: Played,
    /// What is to be told to the middle and has not been.
    news: VecDeque<News>,
    /// The middle waits for a route: bytes of the client are not taken.
    routing: bool,
    waiting: VecDeque<Act>,
    asked: usize,
    /// The middle is done: bytes are copied.
    copying: bool,
    /// Who spoke last.
    last: Option<Dir>,
}

impl<'p> Stage<'p> {
    pub fn new(middle: Box<dyn Middle>, play: &'p Play) -> Stage<'p> {
        let played = Played { to_server: vec![(None, Vec::new())], ..Played::default() };
        Stage {
            middle,
            play,
            played,
            news: VecDeque::new(),
            routing: false,
            waiting: VecDeque::new(),
            asked: 0,
            copying: false,
            last: None,
        }
    }

    pub fn push(&mut self, dir: Dir, bytes: Bytes) {
        self.act(Act::Bytes(dir, bytes));
    }

    pub fn end(&mut self, dir: Dir, how: End) {
        self.act(Act::End(dir, how));
    }

    fn act(&mut self, act: Act) {
        let dir = match &act {
            Act::Bytes(dir, _) | Act::End(dir, _) => *dir,
        };
        // Who answers has heard: news about the one side's bytes come before the other side speaks.
        if self.last.replace(dir) != Some(dir) {
            self.settle();
        }
        if self.routing && dir == Dir::ToServer {
            self.waiting.push_back(act);
        } else {
            self.do_act(act);
        }
        if self.play.late {
            // One piece of news an act, so that bytes come between.
            self.hear();
        } else {
            self.settle();
        }
    }

    fn do_act(&mut self, act: Act) {
        if self.played.closed {
            return;
        }
        let mut steps = Vec::new();
        match act {
            Act::Bytes(dir, bytes) if self.copying => self.send(dir, &bytes),
            Act::End(dir, _) if self.copying => self.played.finished[dir.index()] = true,
            Act::Bytes(dir, bytes) => self.middle.push(dir, bytes, &mut steps),
            Act::End(dir, how) => self.middle.end(dir, how, &mut steps),
        }
        self.take(steps);
    }

    fn send(&mut self, dir: Dir, bytes: &[u8]) {
        assert!(!self.played.closed, "something is sent behind the end");
        match dir {
            Dir::ToServer => {
                self.played.to_server.last_mut().expect("one is there from the beginning").1.extend_from_slice(bytes)
            }
            Dir::ToClient => self.played.to_client.extend_from_slice(bytes),
        }
    }

    /// Does what the middle says.
    fn take(&mut self, steps: Vec<Step>) {
        for step in steps {
            if self.played.closed {
                // What was found may still be told; nothing else is to be done behind the end.
                assert!(matches!(step, Step::Told { .. } | Step::Close | Step::Break), "a step behind the end: {step:?}");
                continue;
            }
            match step {
                Step::Send { dir, bytes } => {
                    assert!(!bytes.is_empty(), "nothing is sent");
                    assert!(!self.copying, "sent behind the change of protocol");
                    assert!(!(self.routing && dir == Dir::ToServer), "sent before the route was there");
                    assert!(!self.played.finished[dir.index()], "sent behind the half-close");
                    self.send(dir, &bytes);
                }
                Step::Route(origin) => {
                    assert_eq!(self.play.setting.place, Place::Forward, "only a proxy routes");
                    let reached = (self.play.network)(&origin, self.asked);
                    if matches!(reached, Reached::Yes) {
                        self.played.to_server.push((Some(origin), Vec::new()));
                    }
                    self.reached(reached);
                }
                Step::Tunnel(origin) => {
                    let reached = (self.play.network)(&origin, self.asked);
                    if matches!(reached, Reached::Yes) {
                        self.played.to_server.push((Some(origin.clone()), Vec::new()));
                    }
                    self.played.tunnels.push(origin);
                    self.reached(reached);
                }
                Step::Judge { ticket, message } => {
                    let judgement = (self.play.judge)(&message);
                    self.played.judged.push(*message);
                    self.news.push_back(News::Judged { ticket, judgement });
                }
                Step::Becomes { hint, rest } => {
                    self.played.became = Some(hint);
                    self.copy(rest);
                }
                Step::Opaque { rest } => {
                    self.played.opaque = true;
                    self.copy(rest);
                }
                Step::Expect(Agreed { key, host, port, .. }) => {
                    self.played.expected.push((key, port, host));
                    let at = Ok(([127, 0, 0, 1], 40_000 + (key as u16)).into());
                    self.news.push_back(News::Listening { key, at });
                }
                Step::Finish { dir } => self.played.finished[dir.index()] = true,
                Step::Close | Step::Break => self.played.closed = true,
                Step::Told { note, words } => self.played.told.push((note.name, words)),
            }
        }
    }

    fn reached(&mut self, reached: Reached) {
        self.asked += 1;
        self.routing = true;
        self.news.push_back(match reached {
            Reached::Yes => News::Routed(Ok(())),
            Reached::No(refusal) => News::Routed(Err(refusal)),
            Reached::Own(page) => News::Answer(page),
        });
    }

    fn copy(&mut self, rest: [Bytes; 2]) {
        self.copying = true;
        for (dir, bytes) in Dir::BOTH.into_iter().zip(rest) {
            self.send(dir, &bytes);
        }
    }

    /// Tells one piece of news.
    fn hear(&mut self) -> bool {
        let Some(news) = self.news.pop_front() else { return false };
        if self.played.closed || self.copying {
            return true;
        }
        if matches!(news, News::Routed(_) | News::Answer(_)) {
            self.routing = false;
        }
        let mut steps = Vec::new();
        self.middle.tell(news, &mut steps);
        self.take(steps);
        while !self.routing {
            let Some(act) = self.waiting.pop_front() else { break };
            self.do_act(act);
        }
        true
    }

    /// Tells all news there are.
    pub fn settle(&mut self) {
        loop {
            while self.hear() {}
            let mut steps = Vec::new();
            if !self.played.closed && !self.copying && !self.routing {
                self.middle.idle(&mut steps);
            }
            if steps.is_empty() {
                return;
            }
            self.take(steps);
        }
    }
}

/// The law of what passes: with everything judged and nothing changed, both sides get byte for byte what was sent to them.
pub fn passes_untouched(play: &Play) {
    for judge in [(|_: &Transit| Judgement::Pass) as Judge, |t: &Transit| {
        if t.stage == wirelore_kit::middle::Stage::Head { Judgement::Body } else { Judgement::Pass }
    }] {
        for late in [false, true] {
            let play = Play { late, ..play.clone().judged(judge) };
            let want = |dir: Dir| -> Vec<u8> {
                play.acts
                    .iter()
                    .filter_map(|a| match a {
                        Act::Bytes(d, b) if *d == dir => Some(b.to_vec()),
                        _ => None,
                    })
                    .flatten()
                    .collect()
            };
            // When late news come depends on how many pieces there are, so the rest of it need not be the same then.
            let played = if late { play.run_cut(&mut |_| 3) } else { play.run_all() };
            assert_eq!(
                played.sent_to_server(),
                String::from_utf8_lossy(&want(Dir::ToServer)),
                "to the server; {}",
                played.shown()
            );
            assert_eq!(
                played.sent_to_client(),
                String::from_utf8_lossy(&want(Dir::ToClient)),
                "to the client; {}",
                played.shown()
            );
        }
    }
}
