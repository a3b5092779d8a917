//! Clients that know no ECDSA are shown a certificate with an RSA key; all others keep theirs.

#[path = "support/peers.rs"]
mod peers;

use peers::{Folder, Proxy, are_here, free, run, server};
use std::process::Command;

#[test]
fn clients_without_ecdsa_are_shown_an_rsa_key() {
    if !are_here(&["openssl", "nginx"]) {
        return;
    }
    let folder = Folder::new("rsa-clients");
    // Such a client asks for RSA of its server as well: the server can both.
    folder.certificate();
    let rsa = |name: &str| folder.path(name).display().to_string();
    let (ok, said) = run(Command::new("openssl").args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]).args([
        "-subj",
        "/CN=localhost",
        "-keyout",
        &rsa("rsa.key"),
        "-out",
        &rsa("rsa.pem"),
    ]));
    assert!(ok, "{said}");
    let port = free();
    let conf = format!(
        "daemon off; pid {r}/pid; error_log {r}/error.log;\nevents {{ }}\nhttp {{ access_log off; client_body_temp_path {r}/b; proxy_temp_path \
         {r}/p; fastcgi_temp_path {r}/f; uwsgi_temp_path {r}/u; scgi_temp_path {r}/s; server {{ listen 127.0.0.1:{port} ssl; ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate \
         {r}/cert.pem; ssl_certificate_key {r}/key.pem; ssl_certificate {r}/rsa.pem; ssl_certificate_key {r}/rsa.key; location / {{ return 200 \
         fine; }} }} }}\n",
        r = folder.0.display(),
    );
    let conf = folder.put("nginx.conf", conf);
    let _nginx = server(Command::new("nginx").arg("-c").arg(conf).arg("-p").arg(&folder.0), port);
    let proxy = Proxy::before(&folder, &format!("https://localhost:{port}"), &[]);
    let ca = folder.path("config/wirelore/wirelore-ca-cert.pem");
    let mut keys = Vec::new();
    let cases: [(&[&str], &str, &str); 6] = [
        (&["-tls1_3"], "TLSv1.3", "id-ecPublicKey"),
        (&["-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256"], "TLSv1.3", "rsaEncryption"),
        (&["-sigalgs", "RSA-PSS+SHA256:RSA+SHA256"], "TLSv1.3", "rsaEncryption"),
        (&["-tls1_2", "-cipher", "aRSA"], "TLSv1.2", "rsaEncryption"),
        (&["-tls1_2", "-sigalgs", "RSA+SHA256"], "TLSv1.2", "rsaEncryption"),
        (&["-tls1_2", "-cipher", "aECDSA:aRSA"], "TLSv1.2", "id-ecPublicKey"),
    ];
    for (more, version, kind) in cases {
        let mut client = Command::new("openssl");
        client.args(["s_client", "-connect", &proxy.at.to_string(), "-servername", "localhost", "-verify_return_error"]);
        let (ok, said) = run(client.arg("-CAfile").arg(&ca).args(more));
        assert!(ok && said.contains(version) && said.contains("Verify return code: 0 (ok)"), "{more:?}: {said}");
        let from = said.find("-----BEGIN CERTIFICATE-----").expect("a certificate");
        let pem = folder.put("shown.pem", &said[from..]);
        let (ok, text) = run(Command::new("openssl").args(["x509", "-noout", "-text", "-in"]).arg(&pem));
        assert!(ok && text.contains(&format!("Public Key Algorithm: {kind}")), "{more:?}: {text}");
        assert!(text.contains("DNS:localhost"), "{text}");
        let (_, key) = run(Command::new("openssl").args(["x509", "-noout", "-pubkey", "-in"]).arg(&pem));
        keys.push(key);
    }
    assert!(keys[1] == keys[2] && keys[1] == keys[3], "one RSA key is made and used for all");
    proxy.stop();
}
