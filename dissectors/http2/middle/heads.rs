//! Header blocks that are complete: requests, answers, trailers and promises.

use super::super::hpack::encode::Line;
use super::super::hpack::{Form, Wrong, decode};
use super::super::notes as n;
use super::super::stream::head::What;
use super::super::streams::MOST_STREAMS;
use super::state::{Block, Item, Lane, Phase, Stream};
use super::write::{self, code};
use super::{Http2, message};
use bytes::Bytes;
use wirelore_kit::middle::{Judgement, Step};
use wirelore_kit::{BufId, Dir, Note, Span};

/// What is said of a block that cannot be read.
fn note_of(wrong: Wrong) -> &'static Note {
    match wrong {
        Wrong::Cut => &n::BLOCK_CUT,
        Wrong::Number => &n::BLOCK_NUMBER,
        Wrong::Index => &n::BLOCK_INDEX,
        Wrong::Huffman => &n::BLOCK_HUFFMAN,
    }
}

impl Http2 {
    /// A header block is complete.
    pub(super) fn block(&mut self, dir: Dir, number: u32, mut block: Block, steps: &mut Vec<Step>) {
        let Http2 { halves: [up, down], scratch, .. } = self;
        let table = if dir == Dir::ToServer { &mut up.table } else { &mut down.table };
        let base = Span::new(BufId::part(0), 0, 0);
        let lines = &mut block.lines;
        let went = decode(&block.fragment, base, table, scratch, |item| {
            let form = match item.form {
                Form::Resize => return Ok(()),
                Form::Never | Form::Without => item.form,
                Form::Indexed | Form::Incremental => Form::Incremental,
            };
            lines.push(Line { name: Bytes::copy_from_slice(item.name), value: Bytes::copy_from_slice(item.value), form });
            Ok(())
        });
        let Ok(went) = went else { return };
        let wrong = match went.wrong {
            Some((wrong, _)) => Some(note_of(wrong)),
            None if went.too_large => Some(&n::TABLE_TOO_LARGE),
            None if went.unseen > 0 => Some(&n::UNSEEN),
            None if went.late_resize => Some(&n::LATE_RESIZE),
            None => None,
        };
        if let Some(note) = wrong {
            return self.fail(dir, code::COMPRESSION_ERROR, note, &format!("stream {number}"), steps);
        }
        let id = if block.promised == 0 { self.find(dir, number) } else { None };
        let Some(id) = id else { return self.block_of_none(dir, number, block, steps) };
        if went.left_out > 0 {
            return self.give_up(id, code::ENHANCE_YOUR_CALM, &n::BLOCK_SWELLS, "the stream is given up", steps);
        }
        self.block_of(dir, id, block, steps);
    }

    /// A block on a stream on which something goes on.
    fn block_of(&mut self, dir: Dir, id: u32, block: Block, steps: &mut Vec<Step>) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let lane = stream.lane_mut(dir);
        if lane.interim {
            let weight = block.weight();
            lane.weight = lane.weight.saturating_add(weight);
            lane.behind_interim.push_back(block);
            let half = self.half(dir);
            half.heads = half.heads.saturating_add(weight);
            return;
        }
        if lane.phase != Phase::Head || lane.own {
            return self.trailers(dir, id, block, steps);
        }
        // What stands here is an answer: requests open their streams.
        match message::status(&block) {
            Some(100) if std::mem::take(&mut stream.continued) => {}
            Some(100..=199) if !block.ends && !self.judge => self.send_block(dir, id, &block, steps),
            Some(100..=199) if !block.ends => self.interim(dir, id, block, steps),
            _ => self.head(dir, id, block, steps),
        }
    }

    /// A block on a stream on which nothing goes on: it opens one, or comes late.
    fn block_of_none(&mut self, dir: Dir, number: u32, block: Block, steps: &mut Vec<Step>) {
        if block.promised != 0 {
            return self.promise(number, block, steps);
        }
        let idle = self.is_idle(dir, number) || dir == Dir::ToServer && number.is_multiple_of(2);
        if idle && (dir == Dir::ToClient || number.is_multiple_of(2)) {
            let note = if number.is_multiple_of(2) { &n::STREAM_PARITY } else { &n::STREAM_IDLE };
            return self.fail(dir, code::PROTOCOL_ERROR, note, &format!("HEADERS on stream {number}"), steps);
        }
        if idle {
            return self.request(number, block, steps);
        }
        // Its stream was given up while it was on its way.
        if self.is_bygone(dir, number) {
            return self.send_raw(dir, number, &block, steps);
        }
        let words = format!("HEADERS on stream {number}");
        match self.is_muted(dir, number) {
            _ if dir == Dir::ToClient => {}
            // It cannot know yet that the stream was given up.
            Some(false) => {}
            Some(true) => self.fail(dir, code::STREAM_CLOSED, &n::STREAM_ENDED, &words, steps),
            None => self.fail(dir, code::PROTOCOL_ERROR, &n::STREAM_BACKWARDS, &words, steps),
        }
    }

    /// A client opens a stream.
    fn request(&mut self, id: u32, block: Block, steps: &mut Vec<Step>) {
        let [opened, ..] = &mut self.highest;
        *opened = id;
        let most = self.half(Dir::ToServer).most_streams.map_or(MOST_STREAMS, |n| MOST_STREAMS.min(n as usize));
        // Those that the server has promised count as its own.
        let full = self.streams.len() >= most && self.streams.keys().filter(|id| **id % 2 == 1).count() >= most;
        if full || self.streams.len() >= MOST_STREAMS {
            self.told(&n::TOO_MANY_STREAMS, format!("stream {id} is refused"), steps);
            self.half(Dir::ToServer).mute(id, false);
            return self.send(Dir::ToClient, write::reset(id, code::REFUSED_STREAM), steps);
        }
        let lanes = Dir::BOTH.map(|d| Lane::new(self.half(d).first_window));
        let method = message::method(&block);
        let stream = Stream {
            url: message::url(&block),
            headless: method == b"HEAD",
            tunnel: method == b"CONNECT",
            ..Stream::new(self.exchanges, lanes)
        };
        self.exchanges = self.exchanges.wrapping_add(1);
        self.streams.insert(id, stream);
        self.head(Dir::ToServer, id, block, steps);
    }

    /// An answer before the answer (RFC 9110 §15.2) is judged; what follows it on its stream waits.
    fn interim(&mut self, dir: Dir, id: u32, block: Block, steps: &mut Vec<Step>) {
        let Some(lane) = self.streams.get_mut(&id).map(|s| s.lane_mut(dir)) else { return };
        lane.interim = true;
        let weight = block.weight();
        lane.weight = lane.weight.saturating_add(weight);
        lane.head = Some(Box::new(block));
        let half = self.half(dir);
        half.heads = half.heads.saturating_add(weight);
        self.judge_head(dir, id, steps);
    }

    /// An interim answer was judged.
    pub(super) fn judged_interim(&mut self, dir: Dir, id: u32, judgement: Judgement, steps: &mut Vec<Step>) {
        let Some(lane) = self.streams.get_mut(&id).map(|s| s.lane_mut(dir)) else { return };
        let Some(mut block) = lane.head.take() else { return };
        (lane.interim, lane.phase) = (false, Phase::Head);
        let later = std::mem::take(&mut lane.behind_interim);
        let weight = std::mem::take(&mut lane.weight);
        let half = self.half(dir);
        half.heads = half.heads.saturating_sub(weight);
        match judgement {
            Judgement::Pass | Judgement::Body => self.send_block(dir, id, &block, steps),
            // The client waits on, for the next one or the answer.
            Judgement::Drop => {}
            Judgement::Reset => return self.close(steps),
            Judgement::Change(to) | Judgement::Answer(to) => {
                let lines = message::head(&to, &block.lines, false);
                if lines != block.lines {
                    (block.frames, block.lines) = (Bytes::new(), lines);
                }
                if !matches!(message::status(&block), Some(100..=199)) {
                    self.cut_off(id, steps);
                    return self.answer_with(id, &to, steps);
                }
                self.send_block(dir, id, &block, steps);
            }
        }
        for block in later {
            self.block_of(dir, id, block, steps);
        }
    }

    /// A head has come: it is judged before it goes on.
    fn head(&mut self, dir: Dir, id: u32, block: Block, steps: &mut Vec<Step>) {
        let judge = self.judge;
        let weight = block.weight();
        let Some(lane) = self.streams.get_mut(&id).map(|s| s.lane_mut(dir)) else { return };
        // Data may have overtaken a head that waited behind an interim answer.
        lane.ended |= block.ends;
        lane.head = Some(Box::new(block));
        lane.weight = lane.weight.saturating_add(weight);
        let half = self.half(dir);
        half.heads = half.heads.saturating_add(weight);
        if judge {
            self.judge_head(dir, id, steps);
        } else {
            self.release(dir, id, steps);
        }
    }

    /// Fields behind a body.
    fn trailers(&mut self, dir: Dir, id: u32, block: Block, steps: &mut Vec<Step>) {
        let Some(lane) = self.streams.get_mut(&id).map(|s| s.lane_mut(dir)) else { return };
        if lane.ended {
            return self.give_up(id, code::STREAM_CLOSED, &n::STREAM_ENDED, "HEADERS behind the end", steps);
        }
        if lane.own || lane.phase == Phase::Mute {
            lane.ended = block.ends;
            // Where nobody else reads them.
            let wrong = if block.ends { message::fault(&block, What::Trailers) } else { Some(&n::STREAM_ENDED) };
            let wrong = wrong.filter(|_| dir == Dir::ToServer);
            return match wrong {
                Some(note) => self.give_up(id, code::PROTOCOL_ERROR, note, "HEADERS behind those of a request", steps),
                None => self.sweep(id),
            };
        }
        if !block.ends {
            return self.give_up(id, code::PROTOCOL_ERROR, &n::STREAM_ENDED, "HEADERS in the middle of a body", steps);
        }
        lane.ended = true;
        if let Some(grpc) = &mut lane.grpc {
            grpc.ends = true;
        }
        lane.behind(Item::Block(Box::new(block)));
        if lane.way.is_some() {
            return self.ends(dir, id, steps);
        }
        match lane.phase {
            Phase::Keep => self.judge_whole(dir, id, steps),
            Phase::Flow => {
                self.half(dir).ready.insert(id);
                self.pump(dir, id, steps);
                self.drain(dir, id, steps);
                self.sweep(id);
            }
            _ => {}
        }
    }

    /// The server announces an answer that nobody asked for (RFC 9113 §8.4). The announcement goes on, the answer is judged as any.
    fn promise(&mut self, number: u32, block: Block, steps: &mut Vec<Step>) {
        let promised = block.promised;
        let [.., highest] = &mut self.highest;
        if !promised.is_multiple_of(2) || promised <= *highest {
            let words = format!("stream {promised} is promised");
            return self.fail(Dir::ToClient, code::PROTOCOL_ERROR, &n::STREAM_PARITY, &words, steps);
        }
        *highest = promised;
        let Some(id) = self.find(Dir::ToClient, number) else {
            if self.is_bygone(Dir::ToClient, number) {
                return self.send_raw(Dir::ToClient, number, &block, steps);
            }
            // Nobody is left to be told.
            self.half(Dir::ToClient).mute(promised, false);
            return self.send(Dir::ToServer, write::reset(promised, code::CANCEL), steps);
        };
        if self.streams.len() >= MOST_STREAMS {
            self.told(&n::TOO_MANY_STREAMS, format!("stream {promised} is refused"), steps);
            self.half(Dir::ToClient).mute(promised, false);
            return self.send(Dir::ToServer, write::reset(promised, code::REFUSED_STREAM), steps);
        }
        let lanes = [Lane::over(), Lane::new(self.half(Dir::ToClient).first_window)];
        let stream = Stream {
            at_server: promised,
            url: message::url(&block),
            headless: message::method(&block) == b"HEAD",
            ..Stream::new(self.exchanges, lanes)
        };
        self.exchanges = self.exchanges.wrapping_add(1);
        self.streams.insert(promised, stream);
        self.send_block(Dir::ToClient, id, &block, steps);
    }
}
