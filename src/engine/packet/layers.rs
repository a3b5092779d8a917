//! The list of layers that the fast read met, from which `frame.protocols` is spelled.

/// How many layers a packet may have; real ones have at most a dozen.
pub const MAX_LAYERS: usize = 24;

macro_rules! layer_kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// A kind of header. Names are those that Wireshark uses in `frame.protocols`.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum LayerKind {
            /// Bytes without a known meaning.
            #[default]
            Data,
            $($(#[$doc])* $kind,)*
        }

        impl LayerKind {
            /// The name in `frame.protocols`.
            pub fn name(self) -> &'static str {
                match self {
                    LayerKind::Data => "data",
                    $(LayerKind::$kind => $name,)*
                }
            }
        }
    };
}

layer_kinds! {
    /// Ethernet II or IEEE 802.3.
    Ethernet = "eth",
    /// The ethertype that a link header ends with, counted as a layer as Wireshark does.
    EtherType = "ethertype",
    /// IEEE 802.2 LLC, with SNAP.
    Llc = "llc",
    /// Novell's raw 802.3 framing, or IPX by other ways.
    Ipx = "ipx",
    /// Spanning tree.
    Stp = "stp",
    /// NetBIOS frames.
    Netbios = "netbios",
    /// IEEE 802.1Q tag.
    Vlan = "vlan",
    /// IEEE 802.1ad service tag.
    ServiceVlan = "ieee8021ad",
    /// MPLS label stack.
    Mpls = "mpls",
    /// Ethernet pseudo-wire guessed inside MPLS.
    PseudoWireHeuristic = "pwethheuristic",
    /// Ethernet pseudo-wire with a control word.
    PseudoWireControlWord = "pwethcw",
    /// Ethernet pseudo-wire without a control word.
    PseudoWirePlain = "pwethnocw",
    /// PPPoE discovery (RFC 2516).
    PppoeDiscovery = "pppoed",
    /// PPPoE session (RFC 2516).
    PppoeSession = "pppoes",
    /// Point-to-point protocol (RFC 1661).
    Ppp = "ppp",
    /// PPP link control.
    Lcp = "lcp",
    /// PPP IP control.
    Ipcp = "ipcp",
    /// Address resolution (RFC 826).
    Arp = "arp",
    /// Link layer discovery.
    Lldp = "lldp",
    /// IEEE 802.1X.
    Eapol = "eapol",
    /// IEEE 802.1AE security tag.
    MacSec = "macsec",
    /// Arista timestamp tag.
    Arista = "avsp",
    /// BSD null or loopback header.
    Null = "null",
    /// Raw IP without a link header.
    Raw = "raw",
    /// Linux cooked capture, both versions.
    Sll = "sll",
    /// Netfilter log.
    Nflog = "nflog",
    /// Frame relay (RFC 2427).
    FrameRelay = "fr",
    /// Cisco HDLC.
    Chdlc = "chdlc",
    /// Cisco SLARP.
    Slarp = "slarp",
    /// IEEE 802.11.
    Wlan = "wlan",
    /// Radiotap header.
    Radiotap = "radiotap",
    /// The radio facts that Wireshark counts as a layer after radiotap.
    WlanRadio = "wlan_radio",
    /// Internet protocol version 4 (RFC 791).
    Ip = "ip",
    /// Internet protocol version 6 (RFC 8200).
    Ipv6 = "ipv6",
    /// IPv6 hop-by-hop options.
    HopByHop = "ipv6.hopopts",
    /// IPv6 routing header.
    Routing = "ipv6.routing",
    /// IPv6 fragment header.
    FragmentHeader = "ipv6.fraghdr",
    /// IPv6 destination options.
    DestinationOptions = "ipv6.dstopts",
    /// Authentication header (RFC 4302).
    Ah = "ah",
    /// Encapsulating security payload (RFC 4303).
    Esp = "esp",
    /// IPv6 mobility header (RFC 6275).
    Mobility = "mipv6",
    /// Host identity protocol (RFC 7401).
    Hip = "hip",
    /// Multihoming shim (RFC 5533).
    Shim6 = "shim6",
    /// Transmission control protocol (RFC 9293).
    Tcp = "tcp",
    /// User datagram protocol (RFC 768).
    Udp = "udp",
    /// UDP-Lite (RFC 3828).
    UdpLite = "udplite",
    /// ICMP (RFC 792).
    Icmp = "icmp",
    /// ICMPv6 (RFC 4443).
    Icmpv6 = "icmpv6",
    /// IGMP (RFC 3376).
    Igmp = "igmp",
    /// SCTP (RFC 9260).
    Sctp = "sctp",
    /// DCCP (RFC 4340).
    Dccp = "dccp",
    /// Generic routing encapsulation (RFC 2784, RFC 2890, RFC 2637).
    Gre = "gre",
    /// Encapsulated remote SPAN.
    Erspan = "erspan",
    /// VXLAN (RFC 7348).
    Vxlan = "vxlan",
    /// Geneve (RFC 8926).
    Geneve = "geneve",
    /// GTP user plane (3GPP TS 29.281).
    Gtp = "gtp",
    /// Teredo (RFC 4380).
    Teredo = "teredo",
}

/// A layer and the offset at which its header begins, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerAt {
    /// What it is.
    pub kind: LayerKind,
    /// Offset of its first byte.
    pub at: u32,
}

/// The layers of one packet, outermost first.
#[derive(Clone, Copy, Debug)]
pub struct Layers {
    kinds: [LayerKind; MAX_LAYERS],
    at: [u32; MAX_LAYERS],
    len: u8,
    joined_at: u8,
}

impl Default for Layers {
    fn default() -> Self {
        Layers { kinds: [LayerKind::Data; MAX_LAYERS], at: [0; MAX_LAYERS], len: 0, joined_at: u8::MAX }
    }
}

impl Layers {
    /// How many layers there are.
    #[inline]
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// True if no layer was read.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The layers in order.
    pub fn iter(&self) -> impl Iterator<Item = LayerAt> + '_ {
        self.kinds.iter().zip(&self.at).take(self.len()).map(|(&kind, &at)| LayerAt { kind, at })
    }

    /// The innermost layer.
    pub fn last(&self) -> Option<LayerAt> {
        let i = self.len().checked_sub(1)?;
        Some(LayerAt { kind: *self.kinds.get(i)?, at: *self.at.get(i)? })
    }

    /// Index of the first layer whose offset refers to the reassembled datagram, if the packet completed one.
    pub fn joined_at(&self) -> Option<usize> {
        (self.joined_at != u8::MAX).then_some(usize::from(self.joined_at))
    }

    /// The names joined by colons, as in `frame.protocols`.
    pub fn spell(&self) -> String {
        let mut text = String::new();
        for layer in self.iter() {
            if !text.is_empty() {
                text.push(':');
            }
            text.push_str(layer.kind.name());
        }
        text
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        self.len = 0;
        self.joined_at = u8::MAX;
    }

    #[inline]
    pub(super) fn push(&mut self, kind: LayerKind, at: u32) {
        let i = usize::from(self.len);
        if let (Some(k), Some(a)) = (self.kinds.get_mut(i), self.at.get_mut(i)) {
            *k = kind;
            *a = at;
            self.len = self.len.saturating_add(1);
        }
    }

    /// These layers and no others.
    #[inline]
    pub(super) fn set<const N: usize>(&mut self, kinds: [LayerKind; N], at: [u32; N]) {
        if let (Some(k), Some(a)) = (self.kinds.first_chunk_mut(), self.at.first_chunk_mut()) {
            (*k, *a) = (kinds, at);
            self.len = N as u8;
        }
    }

    #[inline]
    pub(super) fn full(&self) -> bool {
        self.len() >= MAX_LAYERS
    }

    pub(super) fn mark_joined(&mut self) {
        self.joined_at = self.len;
    }
}
