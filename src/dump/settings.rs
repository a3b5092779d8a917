//! Settings that tshark's `-o` takes and that mean something here.

use super::{Dump, wrong};
use crate::reading::Failure;

/// Settings that are always so here, as reading is built on them.
const ALWAYS: &[&str] = &[
    "tcp.desegment_tcp_streams",
    "tcp.reassemble_out_of_order",
    "tcp.analyze_sequence_numbers",
    "tcp.calculate_timestamps",
    "tls.desegment_ssl_records",
    "tls.desegment_ssl_application_data",
    "http.desegment_headers",
    "http.desegment_body",
    "http.dechunk_body",
    "http.decompress_body",
    "smtp.decryption",
    "ip.defragment",
    "ipv6.defragment",
    "tcp.check_checksum",
    "udp.check_checksum",
    "ip.check_checksum",
    "tcp.relative_sequence_numbers",
];

/// The flags with what the settings among them say.
///
/// # Errors
/// A setting that is not known, or that cannot be so here.
pub(super) fn applied(args: &Dump) -> Result<Dump, Failure> {
    let mut args = args.clone();
    for setting in &args.settings {
        let (name, value) =
            setting.split_once(':').ok_or_else(|| wrong(format!("-o {setting}: a setting has the form NAME:VALUE.")))?;
        match name {
            "tls.keylog_file" | "ssl.keylog_file" => args.from.keylog = Some(value.into()),
            "gui.column.format" | "nameres.mac_name" | "nameres.transport_name" | "nameres.network_name" => {}
            _ if ALWAYS.contains(&name) => {
                if !value.eq_ignore_ascii_case("true") {
                    return Err(wrong(format!("-o {setting}: this is always so here; leave the setting out.")));
                }
            }
            _ => {
                let known = ALWAYS.join(", ");
                return Err(wrong(format!(
                    "-o {setting}: {name} is not known here; tls.keylog_file is, and as always true: {known}."
                )));
            }
        }
    }
    Ok(args)
}
