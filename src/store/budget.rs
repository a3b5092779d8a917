//! When rows are packed: the store keeps within so many bytes a packet and a flow, and packs no more than that asks for.
//!
//! Packing costs time and unpacking costs more of it, so rows stay as they came while there is room. How much room there is follows from
//! what the rows are alone, so that the same capture is always kept in the same form.

use crate::messages::MessageTable;
use crate::packets::Packets;

/// Bytes that the store may take for each packet and for each flow before it packs rows. The rest of what a packet and a flow may cost the
/// whole program (64 and 600 bytes) is left to reading and reassembly.
const OF_PACKET: usize = 18;
const OF_FLOW: usize = 400;
/// Bytes that a packed row takes, of packets and of messages, the latter with its place in the index; measured.
const PACKED_PACKET: usize = 8;
const PACKED_MESSAGE: usize = 18;
/// Bytes of a flow and of an exchange, with their addresses and indexes.
const FLOW: usize = 150;
const EXCHANGE: usize = 24;

/// Packs the oldest rows until those that stay as they came fit into what the others leave of the budget.
pub(crate) fn keep(packets: &mut Packets, messages: &mut MessageTable, flows: u32, exchanges: u32) {
    let (packet_count, flow_count) = (packets.len() as usize, flows as usize);
    let budget = packet_count * OF_PACKET + flow_count * OF_FLOW;
    let packed = packet_count * PACKED_PACKET + messages.len() as usize * PACKED_MESSAGE + messages.said_bytes();
    let room = budget.saturating_sub(packed + flow_count * FLOW + exchanges as usize * EXCHANGE);
    loop {
        let (of_packets, of_messages) = (packets.plain_bytes(), messages.plain_bytes());
        if of_packets + of_messages <= room {
            return;
        }
        // Both hold the oldest rows first, so the larger one reaches further back.
        if of_packets >= of_messages { packets.pack_oldest() } else { messages.pack_oldest() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelore_kit::PacketRow;

    fn packets(count: usize) -> Packets {
        let mut packets = Packets::default();
        packets.extend(&vec![PacketRow::default(); count]);
        packets
    }

    #[test]
    fn rows_stay_as_they_came_where_there_is_room() {
        let mut packets = packets(100_000);
        let before = packets.plain_bytes();
        keep(&mut packets, &mut MessageTable::default(), 10_000, 10_000);
        assert_eq!(packets.plain_bytes(), before);
    }

    #[test]
    fn no_more_is_packed_than_the_budget_asks_for() {
        const SEGMENT: usize = 4096 * size_of::<PacketRow>();
        let mut packets = packets(100_000);
        keep(&mut packets, &mut MessageTable::default(), 0, 0);
        let room = 100_000 * (OF_PACKET - PACKED_PACKET);
        assert!((room - SEGMENT..=room).contains(&packets.plain_bytes()), "{}", packets.plain_bytes());
    }

    #[test]
    fn where_flows_and_exchanges_take_all_everything_is_packed() {
        let mut packets = packets(100_000);
        keep(&mut packets, &mut MessageTable::default(), 0, 1_000_000);
        assert_eq!(packets.plain_bytes(), 0);
    }
}
