//! SVCB and HTTPS records (RFC 9460): where a service is, and how to speak to it.

use super::message::Gather;
use super::name::{self, Message};
use super::rdata::rest;
use super::{fields as f, notes as n};
use wirelore_kit::{Reader, Stop};

/// Priority, target and parameters.
pub(super) fn read(r: &mut Reader<'_>, m: &Message<'_>, g: &mut Gather) -> Result<(), Stop> {
    let priority = r.u16(&f::SVC_PRIORITY)?;
    let at = name::read(r, m, &f::SVC_TARGET)?;
    let target = name::text(m.bytes, at);
    g.say(format_args!(" {priority} {}", if target == "<Root>" { "." } else { &target }));
    let mut before = None;
    while !r.is_empty() {
        r.group(&f::SVC_PARAM, |r| {
            let here = r.span(4);
            let key = r.u16(&f::SVC_KEY)?;
            if before.is_some_and(|b| b >= key) {
                r.note(&n::SVC_ORDER, here);
            }
            before = Some(key);
            let len = usize::from(r.u16(&f::SVC_LENGTH)?);
            if len > 0 {
                r.attempt(&f::SVC_INSIDE, len, |r| value(r, key, g))?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn value(r: &mut Reader<'_>, key: u16, g: &mut Gather) -> Result<(), Stop> {
    match key {
        0 => {
            while !r.is_empty() {
                r.u16(&f::SVC_MANDATORY)?;
            }
        }
        1 => {
            let mut sign = " alpn=";
            while !r.is_empty() {
                let n = r.u8(&f::SVC_ALPN_LENGTH)?;
                let name = r.text(&f::SVC_ALPN, usize::from(n))?;
                g.say(format_args!("{sign}{name}"));
                sign = ",";
            }
        }
        3 => {
            let port = r.u16(&f::SVC_PORT)?;
            g.say(format_args!(" port={port}"));
        }
        4 => {
            while !r.is_empty() {
                r.ipv4(&f::SVC_IPV4)?;
            }
        }
        5 => {
            g.say(format_args!(" ech"));
            rest(r, &f::SVC_ECH)?;
        }
        6 => {
            while !r.is_empty() {
                r.ipv6(&f::SVC_IPV6)?;
            }
        }
        7 => {
            let n = r.left();
            r.text(&f::SVC_DOHPATH, n)?;
        }
        _ => rest(r, &f::SVC_VALUE)?,
    }
    Ok(())
}
