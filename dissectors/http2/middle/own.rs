//! Messages that nobody sent, put into streams whose messages are read one by one: calls of gRPC, and what stands inside of tunnels.

use super::{Http2, MOST_KEPT};
use wirelore_kit::Dir;
use wirelore_kit::middle::{Step, Transit};

/// So many streams are named in a refusal.
const MOST_NAMED: usize = 8;

impl Http2 {
    /// Puts a message in.
    pub(super) fn put_in(&mut self, own: Transit, steps: &mut Vec<Step>) -> Result<(), String> {
        let dir = own.dir;
        if self.over {
            return Err("this connection is over".into());
        }
        let id = self.meant(&own)?;
        let Some(stream) = self.streams.get_mut(&id) else { return Err("that stream is over".into()) };
        if stream.inside.is_some() {
            return self.inject_within(id, own, steps);
        }
        let Some(grpc) = stream.lane_mut(dir).grpc.as_mut() else { return Err("that stream is over".into()) };
        if own.body.len() > MOST_KEPT {
            return Err(format!("a message of gRPC of {} bytes: at most {MOST_KEPT} go in", own.body.len()));
        }
        if !grpc.put(own.header("content-encoding").is_some(), &own.body) {
            return Err("messages of our own wait there already for one that is held: let that go first".into());
        }
        self.pump(dir, id, steps);
        Ok(())
    }

    /// The stream that a message of our own is meant for.
    fn meant(&self, own: &Transit) -> Result<u32, String> {
        let way = if own.dir == Dir::ToServer { "to the server" } else { "to the client" };
        let open = || self.streams.iter().filter(|(_, s)| s.takes(own.dir));
        if own.exchange != Transit::ANY {
            if let Some((id, _)) = open().find(|(_, s)| s.exchange == own.exchange) {
                return Ok(*id);
            }
            return Err(format!(
                "exchange {} is no stream that takes a message {way}: HTTP/2 has a place for one only between the messages of an open call of gRPC or \
                 of a WebSocket. Hold a message and change it, or send a request of your own",
                own.exchange
            ));
        }
        let mut all = open();
        match (all.next(), all.next()) {
            (Some((id, _)), None) => Ok(*id),
            (None, _) => Err(format!(
                "HTTP/2 has a place for a message {way} only between the messages of an open call of gRPC or of a WebSocket, and no such stream is \
                 open. Hold a message and change it, or send a request of your own"
            )),
            _ => {
                let names: Vec<String> = open().take(MOST_NAMED).map(|(_, s)| s.exchange.to_string()).collect();
                Err(format!("several streams take a message {way}: say which with `exchange`: {}", names.join(", ")))
            }
        }
    }
}
