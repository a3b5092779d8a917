//! `--both-legs`: the program shows what both legs carried, saves both, and tshark decrypts each for itself and finds the same objects in both.

#[path = "support/peers.rs"]
mod peers;

use peers::{Folder, Running, are_here, free, run, server};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// nginx over TLS with HTTP/1.1 and HTTP/2, with these files.
fn nginx(folder: &Folder, files: &[(&str, &str)]) -> (Running, u16) {
    folder.certificate();
    std::fs::create_dir(folder.path("www")).expect("made");
    for (name, text) in files {
        folder.put(&format!("www/{name}"), text);
    }
    let port = free();
    let conf = format!(
        "daemon off; worker_processes 1; pid {r}/pid; error_log {r}/error.log;\nevents {{ }}\nhttp {{ access_log off; client_body_temp_path {r}/b; \
         proxy_temp_path {r}/p; fastcgi_temp_path {r}/f; uwsgi_temp_path {r}/u; scgi_temp_path {r}/s; types {{ text/plain txt; }} root {r}/www;\n\
         server {{ listen 127.0.0.1:{port} ssl http2; ssl_certificate {r}/cert.pem; ssl_certificate_key {r}/key.pem; }} }}\n",
        r = folder.0.display(),
    );
    let conf = folder.put("nginx.conf", conf);
    (server(Command::new("nginx").arg("-c").arg(conf).arg("-p").arg(&folder.0), port), port)
}

/// The program before that server, what it says in a file.
fn proxy(folder: &Folder, name: &str, to: u16, flags: &[&str]) -> (Running, SocketAddr) {
    let said = folder.path(name);
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirelore"));
    command.args(["proxy", "--headless", "--no-control", "--ssl-insecure", "-w"]).arg(folder.path(&format!("{name}.pcapng")));
    command.args(["-m", &format!("reverse:https://localhost:{to}@127.0.0.1:0")]).args(flags);
    command.env("XDG_CONFIG_HOME", folder.path("config")).env("XDG_DATA_HOME", folder.path("data")).env("HOME", &folder.0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(std::fs::File::create(&said).expect("made"));
    let running = Running(command.spawn().expect("the proxy starts"));
    let begun = Instant::now();
    loop {
        let text = std::fs::read_to_string(&said).unwrap_or_default();
        let at = text.lines().find_map(|l| l.strip_prefix("Listening at ")?.split(' ').next()?.parse().ok());
        match at {
            Some(at) => return (running, at),
            None => assert!(begun.elapsed() < Duration::from_secs(60), "{text}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Ends it; how many messages it says that it showed.
fn shown(folder: &Folder, name: &str, mut proxy: Running) -> usize {
    let (ok, said) = run(Command::new("kill").args(["-INT", &proxy.0.id().to_string()]));
    assert!(ok && proxy.0.wait().expect("it ends").success(), "{said}");
    let text = std::fs::read_to_string(folder.path(name)).expect("text");
    let count = text.lines().find_map(|l| l.strip_suffix(" messages.")?.rsplit(' ').next()?.replace(',', "").parse().ok());
    count.unwrap_or_else(|| panic!("how many messages: {text}"))
}

/// What tshark decrypts of the connections at that port: each body that it puts together, and how often it stands there.
fn objects(record: &Path, port: u16) -> BTreeMap<String, usize> {
    let leg = record.with_file_name(format!("leg-{port}.pcapng"));
    let (ok, said) =
        run(Command::new("tshark").args(["-Y", &format!("tcp.port == {port}"), "-w"]).arg(&leg).arg("-r").arg(record));
    assert!(ok, "{said}");
    let fields = ["http.file_data", "http2.body.reassembled.data", "http2.data.data"];
    let mut all = BTreeMap::new();
    for (field, filter) in fields.iter().zip(["http.response", "http2.body.reassembled.data", "http2.data.data"]) {
        let out = Command::new("tshark")
            .args(["-Y", &format!("{filter} && {field}"), "-T", "fields", "-E", "occurrence=a", "-e", field, "-r"])
            .arg(&leg)
            .output()
            .expect("tshark runs");
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        for body in text.split([',', '\n']).filter(|b| !b.is_empty()) {
            *all.entry(format!("{field} {body}")).or_insert(0) += 1;
        }
    }
    let count = |filter: &str| {
        let out = Command::new("tshark").args(["-Y", filter, "-r"]).arg(&leg).output().expect("tshark runs");
        String::from_utf8_lossy(&out.stdout).lines().count()
    };
    assert_eq!(count("_ws.malformed"), 0, "in the leg at port {port}");
    all
}

#[test]
fn both_legs_are_shown_and_tshark_finds_the_same_objects_in_each() {
    if !are_here(&["curl", "nginx", "tshark"]) {
        return;
    }
    let folder = Folder::new("both-legs");
    let long = "a line of a longer text\n".repeat(300);
    let (_nginx, to) = nginx(&folder, &[("a.txt", "the first\n"), ("b.txt", "the second\n"), ("long.txt", &long)]);
    let mut counts = Vec::new();
    for (name, flags) in [("one", &[][..]), ("both", &["--both-legs"][..])] {
        let (proxy, at) = proxy(&folder, name, to, flags);
        let ca = folder.path("config/wirelore/wirelore-ca-cert.pem");
        for version in ["--http1.1", "--http2"] {
            let mut curl = Command::new("curl");
            curl.args(["-sS", version, "--max-time", "30", "--cacert"]).arg(&ca);
            for path in ["a.txt", "b.txt", "long.txt"] {
                curl.arg(format!("https://localhost:{}/{path}", at.port()));
            }
            let (ok, got) = run(&mut curl);
            assert!(ok && got == format!("the first\nthe second\n{long}"), "{got}");
        }
        // What is read along is a moment behind.
        std::thread::sleep(Duration::from_secs(2));
        counts.push(shown(&folder, name, proxy));
        let record = folder.path(&format!("{name}.pcapng"));
        let [client, server] = [at.port(), to].map(|port| objects(&record, port));
        assert_eq!(client, server, "the legs carry the same");
        for (what, text) in [("first", "the first\n"), ("long", &long)] {
            // tshark shows text of HTTP/1.1 as text and bodies of HTTP/2 as bytes.
            let forms = [text.replace('\n', "\\n"), text.bytes().map(|b| format!("{b:02x}")).collect()];
            let over = |field: &str| client.keys().any(|k| k.starts_with(field) && forms.iter().any(|f| k.contains(f)));
            assert!(over("http.file_data ") && over("http2."), "{what} is decrypted: {:?}", client.keys());
        }
    }
    // Six exchanges and their handshakes besides, once more for the leg to the server.
    assert!(counts[1] >= counts[0] + 12, "messages shown of one leg and of both: {counts:?}");
}
