// SPDX-License-Identifier: Apache-2.0
//! A TLS server on loopback that answers as it is told, and stops when it is dropped.
//!
//! Each connection is a thread; the accepting one is woken by a connection of our own when the server goes.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "the benchmark uses a part of it")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use verifier::hash::sha256;

pub type Tls = StreamOwned<ServerConnection, TcpStream>;

/// What a client asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    headers: Vec<(String, String)>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The first byte of `Range: bytes=N-`.
    pub fn from(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// What becomes of a connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    KeepOpen,
    Close,
}

/// Certificates made for one test: a CA, and leaves by it.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "snakeoil CA of a test");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn write(&self, path: &Path) -> PathBuf {
        std::fs::write(path, format!("A CA of a test.\n{}", self.0.pem())).unwrap();
        path.to_owned()
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    pub fn leaf(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Arc<ServerConfig> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.0).unwrap();
        let chain = vec![CertificateDer::from(leaf.der().to_vec())];
        identity(chain, PrivateKeyDer::try_from(key.serialize_der()).unwrap())
    }
}

/// A certificate and its key, from two PEM files.
pub fn identity_of_files(certificates: &Path, key: &Path) -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(certificates).unwrap();
    identity(chain.map(Result::unwrap).collect(), PrivateKeyDer::from_pem_file(key).unwrap())
}

fn identity(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

pub struct Server {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers every request by `answer`, which writes to the connection what it likes.
    pub fn start<F>(config: Arc<ServerConfig>, answer: F) -> Self
    where
        F: Fn(&Request, &mut Tls) -> io::Result<Then> + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let open = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (stopped, opened, asked, answer) =
            (stop.clone(), open.clone(), requests.clone(), Arc::new(answer));
        let accepting = std::thread::spawn(move || {
            let mut served = Vec::new();
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                // A test that goes wrong must not wait for ever.
                stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
                stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
                stream.set_nodelay(true).unwrap();
                opened.lock().unwrap().push(stream.try_clone().unwrap());
                let (config, asked, answer) = (config.clone(), asked.clone(), answer.clone());
                served.push(std::thread::spawn(move || {
                    // A client that goes away ends its connection, and nothing else.
                    let socket = stream.try_clone();
                    let _ = serve(config, stream, &asked, &*answer);
                    // Another handle of it is kept to stop it, so that dropping this one ends nothing.
                    let _ = socket.map(|socket| socket.shutdown(Shutdown::Both));
                }));
            }
            for thread in served {
                let _ = thread.join();
            }
        });
        Self { address, stop, accepting: Some(accepting), open, requests }
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.authority())
    }

    pub fn authority(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// What was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        for stream in self.open.lock().unwrap().iter() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        if let Some(thread) = self.accepting.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    config: Arc<ServerConfig>,
    stream: TcpStream,
    asked: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&Request, &mut Tls) -> io::Result<Then>,
) -> io::Result<()> {
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut reader = BufReader::with_capacity(4096, StreamOwned::new(connection, stream));
    while let Some(request) = read_request(&mut reader)? {
        asked.lock().unwrap().push(request.clone());
        let tls = reader.get_mut();
        let then = answer(&request, tls)?;
        tls.flush()?;
        if then == Then::Close {
            tls.conn.send_close_notify();
            let _ = tls.flush();
            return tls.sock.shutdown(Shutdown::Both);
        }
    }
    Ok(())
}

fn read_request(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.take(16 * 1024).read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if reader.take(16 * 1024).read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_owned(), value.to_owned()));
    }
    Ok(Some(Request { path, headers }))
}

/// A head with the lines given.
pub fn head(tls: &mut Tls, status: &str, lines: &[String]) -> io::Result<()> {
    let mut text = format!("HTTP/1.1 {status}\r\n");
    lines.iter().for_each(|line| text.push_str(&format!("{line}\r\n")));
    text.push_str("\r\n");
    tls.write_all(text.as_bytes())
}

/// An answer with a whole body.
pub fn whole(tls: &mut Tls, lines: &[String], body: &[u8]) -> io::Result<Then> {
    let mut all = vec![format!("Content-Length: {}", body.len())];
    all.extend_from_slice(lines);
    head(tls, "200 OK", &all)?;
    tls.write_all(body)?;
    Ok(Then::KeepOpen)
}

/// An answer without a body.
pub fn status(tls: &mut Tls, status: &str, lines: &[String]) -> io::Result<Then> {
    let mut all = vec!["Content-Length: 0".to_owned()];
    all.extend_from_slice(lines);
    head(tls, status, &all)?;
    Ok(Then::KeepOpen)
}

/// A server of files as the usual ones are: an entity tag, ranges, `If-Range`.
pub fn file(request: &Request, tls: &mut Tls, body: &[u8], tag: &str) -> io::Result<Then> {
    match begin(request, tls, body.len(), tag)? {
        Some(from) => tls.write_all(&body[from..])?,
        None => return Ok(Then::KeepOpen),
    }
    Ok(Then::KeepOpen)
}

/// A server of the files below a folder, each with its digest as entity tag.
pub fn folder(request: &Request, tls: &mut Tls, root: &Path) -> io::Result<Then> {
    let names: Vec<&str> = request.path.split('/').skip(1).collect();
    let plain = names.iter().all(|name| !matches!(*name, "" | "." | ".."));
    match plain.then(|| std::fs::read(root.join(names.join("/")))) {
        Some(Ok(body)) => file(request, tls, &body, &format!("\"{}\"", sha256::digest(&body).hex())),
        _ => status(tls, "404 Not Found", &[]),
    }
}

/// The head of such an answer; where its body begins.
pub fn begin(request: &Request, tls: &mut Tls, total: usize, tag: &str) -> io::Result<Option<usize>> {
    let current = request.header("if-range").is_none_or(|wanted| wanted == tag);
    let from = request.from().filter(|_| current);
    let mut lines = vec![format!("ETag: {tag}"), "Accept-Ranges: bytes".to_owned()];
    match from {
        Some(from) if from >= total => {
            lines.push("Content-Length: 0".to_owned());
            head(tls, "416 Range Not Satisfiable", &lines)?;
            return Ok(None);
        }
        Some(from) => {
            lines.push(format!("Content-Range: bytes {from}-{}/{total}", total - 1));
            lines.push(format!("Content-Length: {}", total - from));
            head(tls, "206 Partial Content", &lines)?;
        }
        None => {
            lines.push(format!("Content-Length: {total}"));
            head(tls, "200 OK", &lines)?;
        }
    }
    Ok(Some(from.unwrap_or(0)))
}

/// Waits until the client has gone, or the server is stopped.
pub fn until_gone(tls: &mut Tls) {
    let _ = tls.sock.read(&mut [0; 64]);
}
