//! Running bad servers: OpenSSL's for those that speak TLS, bytes and silence for those that do not.

use super::make::Files;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const ALERT_NAME: &[u8] = b"\x15\x03\x03\x00\x02\x02\x70";
pub const ALERT_ALPN: &[u8] = b"\x15\x03\x03\x00\x02\x02\x78";
pub const ALERT_INTERNAL: &[u8] = b"\x15\x03\x03\x00\x02\x02\x50";
pub const ALERT_199: &[u8] = b"\x15\x03\x03\x00\x02\x02\xc7";

/// How a server serves.
pub enum Server {
    /// `openssl s_server -www` with these files and arguments.
    Tls(Files, &'static [&'static str]),
    /// The same, with an OCSP response stapled.
    Stapled(Files, PathBuf),
    /// Answers with these bytes and closes.
    Raw(&'static [u8]),
    /// Resets the connection instead of an answer.
    Reset,
    /// Takes the question and says nothing.
    Silent,
}

/// A server while it runs; it ends with this value.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    child: Option<Child>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Server {
    pub fn tls(files: Files, args: &'static [&'static str]) -> Server {
        Server::Tls(files, args)
    }

    /// Starts it on loopback.
    pub fn start(&self) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (args, stapled): (&[&str], _) = match self {
            Server::Tls(_, args) => (args, None),
            Server::Stapled(_, file) => (&[], Some(file)),
            _ => (&[], None),
        };
        match self {
            Server::Tls(files, _) | Server::Stapled(files, _) => {
                drop(listener);
                let mut command = Command::new("openssl");
                command.args(["s_server", "-quiet", "-www", "-accept", &address.to_string()]);
                if !args.contains(&"-nocert") {
                    command.arg("-cert").arg(&files.certificate).arg("-key").arg(&files.key);
                }
                if let Some(chain) = &files.chain {
                    command.arg("-cert_chain").arg(chain);
                }
                if let Some(file) = stapled {
                    command.arg("-status_file").arg(file);
                }
                if !args.contains(&"-cipher") {
                    // Weak certificates are the point here.
                    command.args(["-cipher", "DEFAULT@SECLEVEL=0"]);
                }
                command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
                let mut child = command.spawn().expect("openssl s_server");
                let begun = Instant::now();
                while TcpStream::connect(address).is_err() {
                    if child.try_wait().expect("asked").is_some() {
                        let mut said = String::new();
                        let _ = child.stderr.take().expect("piped").read_to_string(&mut said);
                        panic!("openssl s_server ended: {said}");
                    }
                    assert!(begun.elapsed() < Duration::from_secs(20), "openssl s_server does not listen");
                    std::thread::sleep(Duration::from_millis(10));
                }
                Running { address, child: Some(child) }
            }
            Server::Raw(bytes) => {
                let bytes = *bytes;
                std::thread::spawn(move || {
                    for mut stream in listener.incoming().flatten() {
                        hear(&mut stream);
                        let _ = stream.write_all(bytes);
                        let _ = stream.shutdown(std::net::Shutdown::Write);
                        // Closing with unread bytes would reset the connection and take our answer with it.
                        let _ = stream.set_read_timeout(Some(Duration::from_millis(300)));
                        while stream.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {}
                    }
                });
                Running { address, child: None }
            }
            Server::Reset => {
                // A socket closed with unread bytes in it sends RST.
                std::thread::spawn(move || {
                    for stream in listener.incoming().flatten() {
                        let _ = stream.peek(&mut [0; 1]);
                    }
                });
                Running { address, child: None }
            }
            Server::Silent => {
                std::thread::spawn(move || {
                    let kept: Vec<TcpStream> = listener.incoming().flatten().collect();
                    drop(kept);
                });
                Running { address, child: None }
            }
        }
    }
}

/// Waits for the client's first bytes, as a server would.
fn hear(stream: &mut TcpStream) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let _ = stream.read(&mut [0; 16_384]);
}
