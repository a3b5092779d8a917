//! The certificates of bad servers: by rcgen, and by OpenSSL what rcgen rightly does not make (weak keys, weak hashes).

use super::serve::Server;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, NameConstraints, SanType, date_time_ymd,
};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a server is started with: its own certificate first, then what it sends besides, then its key.
pub struct Files {
    pub certificate: PathBuf,
    pub chain: Option<PathBuf>,
    pub key: PathBuf,
}

/// A certificate with its key and how it was made.
struct Made {
    params: CertificateParams,
    key: KeyPair,
    pem: String,
}

impl Made {
    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }
}

/// Makes certificates below a root of its own, in a folder.
pub struct Maker {
    folder: PathBuf,
    root: Made,
    given: Made,
}

fn params(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|h| (*h).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).expect("names");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2048, 1, 1));
    params.use_authority_key_identifier_extension = true;
    params
}

fn authority(name: &str, most: Option<u8>) -> CertificateParams {
    let mut params = params(name, &[]);
    params.is_ca = IsCa::Ca(most.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn root(params: CertificateParams) -> Made {
    let key = KeyPair::generate().expect("a key");
    let pem = params.self_signed(&key).expect("signed").pem();
    Made { params, key, pem }
}

fn below(params: CertificateParams, above: &Made) -> Made {
    let key = KeyPair::generate().expect("a key");
    let pem = params.signed_by(&key, &above.issuer()).expect("signed").pem();
    Made { params, key, pem }
}

fn localhost() -> CertificateParams {
    params("localhost", &["localhost"])
}

/// SEQUENCE of one AccessDescription: caIssuers at a URL.
fn issuers_at(url: &str) -> CustomExtension {
    let length = |n: usize| u8::try_from(n).expect("short");
    let mut description = vec![6, 8, 0x2b, 6, 1, 5, 5, 7, 48, 2, 0x86, length(url.len())];
    description.extend_from_slice(url.as_bytes());
    let mut content = vec![0x30, length(description.len() + 2), 0x30, length(description.len())];
    content.extend(description);
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], content)
}

impl Maker {
    /// With a new root in `FOLDER/root.pem`; the file also holds the self-signed server that is believed by itself.
    pub fn new(folder: &Path) -> Maker {
        let maker = Maker {
            folder: folder.to_owned(),
            root: root(authority("Believed Root", None)),
            given: root(authority("localhost", None)),
        };
        // Its owner did as OpenSSL's examples do: a CA for one server.
        let mut own = authority("localhost", None);
        own.subject_alt_names = localhost().subject_alt_names;
        let maker = Maker { given: root(own), ..maker };
        maker.write("root.pem", &format!("{}{}", maker.root.pem, maker.given.pem));
        maker
    }

    /// A certificate for a client with its key in one file, and the root above it in `client-root.pem`.
    pub fn client(&self) -> PathBuf {
        let above = root(authority("Root of clients", None));
        self.write("client-root.pem", &above.pem);
        let made = below(params("a client", &[]), &above);
        self.write("client.pem", &format!("{}{}", made.pem, made.key.serialize_pem()))
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    fn openssl(&self, args: &[&str]) {
        let output = Command::new("openssl").args(args).current_dir(&self.folder).output().expect("openssl");
        assert!(output.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn files(&self, leaf: &Made, others: &[&Made]) -> Files {
        let count = std::fs::read_dir(&self.folder).expect("list").count();
        let chain: String = others.iter().map(|m| m.pem.as_str()).collect();
        Files {
            certificate: self.write(&format!("{count}-cert.pem"), &leaf.pem),
            chain: (!others.is_empty()).then(|| self.write(&format!("{count}-chain.pem"), &chain)),
            key: self.write(&format!("{count}-key.pem"), &leaf.key.serialize_pem()),
        }
    }

    fn leaf(&self, params: CertificateParams) -> Files {
        self.files(&below(params, &self.root), &[])
    }

    pub fn good(&self) -> Files {
        self.leaf(localhost())
    }

    pub fn below_intermediate(&self) -> Files {
        let between = below(authority("Intermediate", Some(0)), &self.root);
        self.files(&below(localhost(), &between), &[&between])
    }

    pub fn with_root_sent(&self) -> Files {
        self.files(&below(localhost(), &self.root), &[&self.root])
    }

    pub fn unordered(&self) -> Files {
        let first = below(authority("First", None), &self.root);
        let second = below(authority("Second", None), &first);
        let stranger = root(authority("Stranger", None));
        self.files(&below(localhost(), &second), &[&first, &stranger, &second])
    }

    pub fn until_9999(&self) -> Files {
        let mut params = localhost();
        params.not_after = date_time_ymd(9999, 12, 31);
        self.leaf(params)
    }

    pub fn given_itself(&self) -> Files {
        self.files(&self.given, &[])
    }

    pub fn for_address(&self) -> Files {
        self.leaf(params("an address", &["127.0.0.1"]))
    }

    pub fn expired(&self) -> Files {
        let mut params = localhost();
        (params.not_before, params.not_after) = (date_time_ymd(2020, 3, 4), date_time_ymd(2021, 3, 4));
        self.leaf(params)
    }

    pub fn future(&self) -> Files {
        let mut params = localhost();
        (params.not_before, params.not_after) = (date_time_ymd(2090, 1, 1), date_time_ymd(2091, 1, 1));
        self.leaf(params)
    }

    pub fn intermediate_dated(&self, expired: bool) -> Files {
        let mut params = authority("Dated Intermediate", None);
        let (from, until) = if expired { (2020, 2021) } else { (2090, 2091) };
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
        let between = below(params, &self.root);
        self.files(&below(localhost(), &between), &[&between])
    }

    pub fn expired_elsewhere(&self) -> Files {
        let mut params = params("elsewhere", &["elsewhere.example"]);
        (params.not_before, params.not_after) = (date_time_ymd(2020, 3, 4), date_time_ymd(2021, 3, 4));
        self.leaf(params)
    }

    pub fn named(&self, hosts: &[&str]) -> Files {
        self.leaf(params(hosts[0], hosts))
    }

    pub fn common_name_only(&self) -> Files {
        self.leaf(params("localhost", &[]))
    }

    pub fn address_as_name(&self) -> Files {
        let mut params = params("127.0.0.1", &[]);
        params.subject_alt_names = vec![SanType::DnsName("127.0.0.1".try_into().expect("ASCII"))];
        self.leaf(params)
    }

    pub fn self_signed(&self, as_openssl: bool) -> Files {
        let mut params = localhost();
        if as_openssl {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        self.files(&root(params), &[])
    }

    pub fn unknown_root(&self, sent: bool) -> Files {
        let stranger = root(authority("Stranger Root", None));
        let (leaf, sent_too) = (below(localhost(), &stranger), [&stranger]);
        self.files(&leaf, if sent { &sent_too } else { &[] })
    }

    pub fn renewed_root(&self) -> Files {
        self.files(&below(localhost(), &root(authority("Believed Root", None))), &[])
    }

    /// A good certificate with its CA's word on it, in the form of OpenSSL's list of what was issued.
    fn with_status(&self, name: &str, status: &str) -> Server {
        let mut params = localhost();
        params.serial_number = Some(rcgen::SerialNumber::from_slice(&[0x42, 0x43]));
        let files = self.leaf(params);
        self.write("root-only.pem", &self.root.pem);
        self.write("root-key.pem", &self.root.key.serialize_pem());
        self.write(&format!("{name}.txt"), &format!("{status}\t4243\tunknown\t/CN=localhost\n"));
        self.openssl(&[
            "ocsp",
            "-index",
            &format!("{name}.txt"),
            "-CA",
            "root-only.pem",
            "-rsigner",
            "root-only.pem",
            "-rkey",
            "root-key.pem",
            "-issuer",
            "root-only.pem",
            "-serial",
            "0x4243",
            "-respout",
            &format!("{name}.der"),
            "-ndays",
            "5",
            "-noverify",
        ]);
        Server::Stapled(files, self.folder.join(format!("{name}.der")))
    }

    pub fn revoked(&self) -> Server {
        self.with_status("revoked", "R\t480101000000Z\t260304050607Z,keyCompromise")
    }

    pub fn not_revoked(&self) -> Server {
        self.with_status("fine", "V\t480101000000Z\t")
    }

    pub fn incomplete(&self, with_url: bool) -> Files {
        let between = below(authority("Missing Intermediate", None), &self.root);
        let mut params = localhost();
        if with_url {
            params.custom_extensions.push(issuers_at("http://ca.example/i.crt"));
        }
        self.files(&below(params, &between), &[])
    }

    pub fn authority(&self) -> Files {
        let mut params = authority("A Server's CA", None);
        params.subject_alt_names = localhost().subject_alt_names;
        self.leaf(params)
    }

    pub fn below_leaf(&self) -> Files {
        let mut params = params("Not A CA", &["elsewhere.example"]);
        params.is_ca = IsCa::ExplicitNoCa;
        let between = below(params, &self.root);
        self.files(&below(localhost(), &between), &[&between])
    }

    pub fn path_too_long(&self) -> Files {
        let first = below(authority("Short Path", Some(0)), &self.root);
        let second = below(authority("One Too Many", None), &first);
        self.files(&below(localhost(), &second), &[&second, &first])
    }

    pub fn constrained(&self, permitted: bool) -> Files {
        let mut params = authority("Limited CA", None);
        let tree = |name: &str| vec![GeneralSubtree::DnsName(name.into())];
        params.name_constraints = Some(if permitted {
            NameConstraints { permitted_subtrees: tree("example.org"), excluded_subtrees: vec![] }
        } else {
            NameConstraints { permitted_subtrees: vec![], excluded_subtrees: tree("localhost") }
        });
        let between = below(params, &self.root);
        self.files(&below(localhost(), &between), &[&between])
    }

    pub fn purpose(&self, code: bool) -> Files {
        let mut params = localhost();
        let purpose = if code { ExtendedKeyUsagePurpose::CodeSigning } else { ExtendedKeyUsagePurpose::ClientAuth };
        params.extended_key_usages = vec![purpose];
        self.leaf(params)
    }

    pub fn critical(&self) -> Files {
        let mut params = localhost();
        let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999, 1], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
        self.leaf(params)
    }

    /// One letter of a name is changed behind the issuer's back; the structure stays whole.
    pub fn tampered(&self) -> Files {
        let made = below(params("localhosT", &["localhost"]), &self.root);
        let files = self.files(&made, &[]);
        let path = files.certificate.display().to_string();
        self.openssl(&["x509", "-in", &path, "-outform", "DER", "-out", "tampered.der"]);
        let mut der = std::fs::read(self.folder.join("tampered.der")).expect("read");
        let at = der.windows(9).position(|w| w == b"localhosT").expect("the name");
        der[at + 8] = b't';
        std::fs::write(self.folder.join("tampered.der"), der).expect("written");
        self.openssl(&["x509", "-inform", "DER", "-in", "tampered.der", "-out", &path]);
        files
    }

    /// Signed by OpenSSL with the root's key, or with another's.
    fn signed_by_openssl(&self, name: &str, key: &[&str], hash: &str, by: (&str, &str), extensions: &str) -> Files {
        let file = |end: &str| format!("{name}-{end}");
        self.write("root-only.pem", &self.root.pem);
        self.write("root-key.pem", &self.root.key.serialize_pem());
        self.write(&file("ext"), extensions);
        let subject = if extensions.contains("CA:TRUE") { "/CN=Weak CA" } else { "/CN=localhost" };
        let request = ["req", "-new", "-nodes", "-subj", subject, "-keyout", &file("key.pem"), "-out", &file("csr")];
        self.openssl(&[&request[..], key].concat());
        let (ca, ca_key) = by;
        self.openssl(&[
            "x509",
            "-req",
            "-days",
            "300",
            "-in",
            &file("csr"),
            hash,
            "-CA",
            ca,
            "-CAkey",
            ca_key,
            "-CAcreateserial",
            "-extfile",
            &file("ext"),
            "-out",
            &file("cert.pem"),
        ]);
        Files { certificate: self.folder.join(file("cert.pem")), chain: None, key: self.folder.join(file("key.pem")) }
    }

    pub fn weak_key(&self) -> Files {
        self.signed_by_openssl("weak", &["-newkey", "rsa:1024"], "-sha256", ("root-only.pem", "root-key.pem"), LEAF)
    }

    pub fn weak_authority(&self) -> Files {
        let above = ("root-only.pem", "root-key.pem");
        let between =
            self.signed_by_openssl("weak-ca", &["-newkey", "rsa:1024"], "-sha256", above, "basicConstraints=critical,CA:TRUE\n");
        let by = ("weak-ca-cert.pem", "weak-ca-key.pem");
        let leaf = self.signed_by_openssl("below-weak", EC, "-sha256", by, LEAF);
        Files { chain: Some(between.certificate), ..leaf }
    }

    /// By an RSA key: there is no ECDSA with MD5.
    pub fn weak_hash(&self, hash: &str) -> Files {
        let (above, name) = (("root-only.pem", "root-key.pem"), format!("rsa{hash}"));
        let between =
            self.signed_by_openssl(&name, &["-newkey", "rsa:2048"], "-sha256", above, "basicConstraints=critical,CA:TRUE\n");
        let by = (format!("{name}-cert.pem"), format!("{name}-key.pem"));
        let leaf = self.signed_by_openssl(&format!("hash{hash}"), EC, hash, (&by.0, &by.1), LEAF);
        Files { chain: Some(between.certificate), ..leaf }
    }
}

const EC: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
const LEAF: &str = "subjectAltName=DNS:localhost\n";
