//! Transparent listeners: the rules that lead connections to them are shown, made on request, and taken back, whatever ends the proxy.

#[path = "support/peers.rs"]
mod peers;

use peers::{Folder, are_here, run};
use std::process::Command;

const BIN: &str = env!("CARGO_BIN_EXE_wirelore");

/// Runs lines of shell in a network of its own, where 10.9.8.7 is a server with a page; `$W` is the program, `$F` a folder.
fn in_a_network(name: &str, lines: &str) -> Option<(Folder, String)> {
    if !are_here(&["curl", "nginx", "nft", "ip", "unshare", "setpriv"]) {
        return None;
    }
    let (may, _) = run(Command::new("unshare").args(["-n", "ip", "link", "set", "lo", "up"]));
    if !may {
        eprintln!("!!!! SKIPPED, NOT PASSED: network namespaces need privileges");
        return None;
    }
    let folder = Folder::new(name);
    let at = folder.0.display();
    std::fs::create_dir_all(folder.path("www")).expect("made");
    folder.put("www/small", "hello");
    folder.put(
        "nginx.conf",
        format!(
            "daemon off; worker_processes 1; pid {at}/pid; error_log {at}/error.log;\nevents {{}}\nhttp {{ access_log off; \
             client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s; \
             server {{ listen 10.9.8.7:80; root {at}/www; }} }}\n"
        ),
    );
    let script = folder.put(
        "run.sh",
        format!(
            "set -e; W={BIN}; F={at}\ntrap 'kill $N $P 2>/dev/null || true' EXIT\nip link set lo up; ip addr add 10.9.8.7/32 dev lo; chmod -R a+rX $F\n\
             nginx -c $F/nginx.conf -p $F & N=$!\nget() {{ setpriv --reuid 65534 --clear-groups curl -sS --max-time 10 \
             http://10.9.8.7/small; echo; }}\nready() {{ for i in $(seq 100); do grep -q 'are led here' $1 && return; sleep 0.1; done; cat $1; exit 1; \
             }}\nclean() {{ for i in $(seq 50); do [ -z \"$(nft list tables; ip rule | grep fwmark; ls $F/config/wirelore | grep led-)\" ] && echo \
             clean && return; sleep 0.1; done; nft list ruleset; ip rule; exit 1; }}\nsleep 0.5\n{lines}\n"
        ),
    );
    let mut command = Command::new("unshare");
    command.args(["-n", "bash"]).arg(&script).env("HOME", &folder.0).env("XDG_CONFIG_HOME", folder.path("config"));
    let (ok, said) = run(&mut command);
    assert!(ok, "{said}");
    Some((folder, said))
}

const START: &str = "$W proxy --headless --no-control -m transparent@127.0.0.1:8085 -w $F/r.pcapng --transparent-apply";

#[test]
fn redirected_connections_go_through_the_proxy_and_the_rules_end_with_it() {
    let lines = format!("{START} 2>$F/said & P=$!; ready $F/said; get; kill -INT $P; wait $P; clean");
    let Some((folder, said)) = in_a_network("redirect", &lines) else { return };
    assert!(said.contains("hello\nclean"), "{said}");
    let record = String::from_utf8_lossy(&std::fs::read(folder.path("r.pcapng")).expect("the record")).into_owned();
    assert!(record.contains("server=10.9.8.7:80"), "the record does not say where the client meant to go");
}

#[test]
fn tproxy_hands_connections_over_with_the_address_that_they_meant() {
    let lines = format!("{START} --transparent-how tproxy 2>$F/said & P=$!; ready $F/said; get; kill -INT $P; wait $P; clean");
    let Some((folder, said)) = in_a_network("tproxy", &lines) else { return };
    assert!(said.contains("hello\nclean"), "{said}");
    let record = String::from_utf8_lossy(&std::fs::read(folder.path("r.pcapng")).expect("the record")).into_owned();
    // Both legs have the server's own address: nothing was rewritten on the way to us.
    assert_eq!(record.matches("server=10.9.8.7:80").count(), 2, "the client's leg does not bear the address that it meant");
}

#[test]
fn a_proxy_that_is_killed_leaves_no_rules_behind() {
    let lines =
        format!("{START} --transparent-how tproxy 2>$F/said & P=$!; ready $F/said; kill -9 $P; wait $P || true; clean; get");
    let Some((_folder, said)) = in_a_network("killed", &lines) else { return };
    assert!(said.contains("clean\nhello"), "{said}");
}

#[test]
fn what_was_left_by_a_proxy_and_its_helper_is_taken_back_by_the_next() {
    let lines = format!(
        "{START} 2>$F/said & P=$!; ready $F/said; kill -9 $(pgrep -P $P) $P; wait $P || true; nft list tables | grep -q wirelore; \
         {START} 2>$F/again & P=$!; ready $F/again; grep -q 'Took back' $F/again; get; kill -INT $P; wait $P; clean"
    );
    let Some((_folder, said)) = in_a_network("stale", &lines) else { return };
    assert!(said.contains("hello\nclean"), "{said}");
}

#[test]
fn the_commands_are_printed_and_nothing_is_done() {
    let folder = Folder::new("rules");
    let mut command = Command::new(BIN);
    command.args(["proxy", "--headless", "-m", "transparent@0.0.0.0:8085", "--transparent-rules", "--transparent-with"]);
    command.env("HOME", &folder.0).env("XDG_CONFIG_HOME", folder.path("config"));
    let (ok, said) = run(command.arg("nft"));
    assert!(ok && said.contains("redirect to :8085") && said.contains("nft delete table ip wirelore-8085"), "{said}");
    let (ok, said) = run(Command::new(BIN).args(["proxy", "--headless", "--transparent-rules"]).env("HOME", &folder.0));
    assert!(!ok && said.contains("-m transparent"), "{said}");
}
