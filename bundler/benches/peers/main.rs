// SPDX-License-Identifier: Apache-2.0
//! Speed and memory beside the public tools that do the nearest thing, in one run, as ratios.
//!
//! ```sh
//! cargo build --release && cargo bench --bench peers [-- FOLDER]
//! ```
//! FOLDER (default: the system's temporary folder) needs 20 GB; installs go to a memory file system.
//! Two commands run in turn (A B A B …) on a warm page cache; the medians are compared.
#![allow(clippy::expect_used)]

mod laid;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use laid::{Content, Laid, lay};
use verifier::hash::{BLOCK, INITIAL, Kernel, State};

const GIB: u64 = 1 << 30;
const RUNS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [word, file] = arguments.as_slice()
        && word == "hash-all"
    {
        return hash_all(Path::new(file));
    }
    let base = arguments.first().map_or_else(std::env::temp_dir, PathBuf::from);
    let scratch = base.join(format!("sealift-peers-{}", std::process::id()));
    let bench = Bench { scratch, programs: programs() };
    println!("kernel {}, {} cores", Kernel::detect().name(), cores());
    bench.long_file();
    bench.short_files();
    bench.build();
    bench.memory();
    bench.start();
    fs::remove_dir_all(&bench.scratch).expect("the scratch folder can be removed");
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get())
}

/// Where `cargo build --release` put the programs: beside the folder that this one lies in.
fn programs() -> PathBuf {
    let here = std::env::current_exe().expect("a program has a path");
    here.ancestors().nth(2).expect("target/release/deps/peers").to_owned()
}

struct Bench {
    scratch: PathBuf,
    programs: PathBuf,
}

/// Two commands in turn; prints the medians and how many times faster the first is.
fn compare(what: &str, ours: &mut dyn FnMut() -> f64, peer: &str, theirs: &mut dyn FnMut() -> f64) {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let _warm = (ours(), theirs());
    for _ in 0..RUNS {
        a.push(ours());
        b.push(theirs());
    }
    let (a, b) = (median(a), median(b));
    println!("{what}: {a:.3} s; {peer}: {b:.3} s; {:.2} times as fast", b / a);
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Seconds that a shell command takes; one that fails ends the benchmark.
fn shell(script: &str) -> f64 {
    let start = Instant::now();
    let status = Command::new("sh").arg("-ec").arg(script).stdout(Stdio::null()).status().expect("sh");
    assert!(status.success(), "{script}");
    start.elapsed().as_secs_f64()
}

impl Bench {
    fn program(&self, name: &str) -> String {
        self.programs.join(name).display().to_string()
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    /// The state of a host that trusts the bundle, and the command line up to the verb.
    fn host(&self, laid: &Laid) -> String {
        let state = laid.bundle.with_extension("state");
        let verifier = format!("{} --progress none --state {}", self.program("verifier"), state.display());
        if !state.exists() {
            shell(&format!(
                "{verifier} trust init {} --fingerprint {}",
                laid.root.display(),
                laid.fingerprint
            ));
        }
        verifier
    }

    fn long_file(&self) {
        let laid = lay(&self.folder("long"), 1, 4 * GIB, Content::Mixed);
        let (verifier, bundle) = (self.host(&laid), laid.bundle.display());
        let mut verify = || shell(&format!("{verifier} verify {bundle}"));
        compare("verify, 4 GiB", &mut verify, "openssl dgst", &mut || {
            shell(&format!("openssl dgst -sha256 {bundle}"))
        });
        let this = std::env::current_exe().expect("a program has a path");
        let this = this.display();
        compare("verify, 4 GiB", &mut verify, "the same kernel and nothing else", &mut || {
            shell(&format!("{this} hash-all {bundle}"))
        });
        let target = PathBuf::from(format!("/dev/shm/sealift-peers-{}", std::process::id()));
        let (state, at) = (laid.bundle.with_extension("state"), target.display());
        let mut install = || {
            fs::create_dir_all(&target).expect("a memory file system");
            let time = shell(&format!("{verifier} install {bundle} --root {at}"));
            fs::remove_dir_all(&target).expect("a memory file system");
            fs::remove_dir_all(&state).expect("the state");
            self.host(&laid);
            time
        };
        compare("install to memory, 4 GiB", &mut install, "openssl dgst and tar xf", &mut || {
            fs::create_dir_all(&target).expect("a memory file system");
            let time = shell(&format!("openssl dgst -sha256 {bundle}; tar xf {bundle} -C {at}"));
            fs::remove_dir_all(&target).expect("a memory file system");
            time
        });
        fs::remove_dir_all(self.folder("long")).expect("the scratch folder");
    }

    fn short_files(&self) {
        let laid = lay(&self.folder("short"), 20_000, 4096, Content::Mixed);
        let (verifier, bundle) = (self.host(&laid), laid.bundle.display());
        let folder = self.folder("short");
        let at = folder.display();
        shell(&format!(
            "cd {at}; tar xf {bundle}; cd bench-1; find files -type f | sort | xargs sha256sum > ../sums"
        ));
        compare(
            "verify, 20,000 files of 4 KiB",
            &mut || shell(&format!("{verifier} verify {bundle}")),
            "sha256sum -c",
            &mut || shell(&format!("cd {at}/bench-1; sha256sum -c --quiet ../sums")),
        );
        fs::remove_dir_all(folder).expect("the scratch folder");
    }

    fn build(&self) {
        let folder = self.folder("build");
        let laid = lay(&folder, 8, GIB / 2, Content::Mixed);
        let at = folder.display();
        shell(&format!("cd {at}; tar xf {}; mv bench-1/files/t/00 in", laid.bundle.display()));
        let mut recipe = "[bundle]\nname = \"built\"\nversion = \"1\"\nsequence = 1\n\
                          created = \"2026-11-22T00:00:00Z\"\n"
            .to_owned();
        for entry in fs::read_dir(folder.join("in")).expect("the scratch folder") {
            let path = entry.expect("the scratch folder").path();
            let name = path.file_name().unwrap_or_default().display().to_string();
            recipe.push_str(&format!(
                "\n[[artifact]]\nname = \"{name}\"\nsource = \"file://{}\"\nunsigned = \"a benchmark\"\n",
                path.display()
            ));
        }
        fs::write(folder.join("bundle.toml"), recipe).expect("space");
        let bundler = format!("SEALIFT_STORE={at}/store {} --progress none", self.program("bundler"));
        shell(&format!("cd {at}; rm {}; {bundler} lock", laid.bundle.display()));
        compare(
            "build from the store, 4 GiB in 8 files",
            &mut || shell(&format!("cd {at}; rm -f out; {bundler} build -o out")),
            "cp and openssl dgst",
            &mut || shell(&format!("cd {at}; rm -rf out; cp -r in out; openssl dgst -sha256 out/*")),
        );
        fs::remove_dir_all(folder).expect("the scratch folder");
    }

    fn memory(&self) {
        for size in [4, 40] {
            let laid = lay(&self.folder("holes"), 1, size * GIB, Content::Holes);
            let (verifier, bundle) = (self.host(&laid), laid.bundle.display());
            let measured = Command::new("/usr/bin/time")
                .args(["-f", "%M", "sh", "-c", &format!("exec {verifier} verify {bundle} >/dev/null")])
                .output();
            match measured {
                Ok(output) => {
                    let text = String::from_utf8_lossy(&output.stderr);
                    let kib: u64 = text.trim().parse().expect("KiB from time(1)");
                    println!(
                        "memory of verify, {size} GiB: {:.1} MiB resident, at most 64",
                        kib as f64 / 1024.0
                    );
                }
                Err(error) => println!("memory of verify, {size} GiB: not measured: /usr/bin/time: {error}"),
            }
            fs::remove_dir_all(self.folder("holes")).expect("the scratch folder");
        }
    }

    fn start(&self) {
        let laid = lay(&self.folder("start"), 1, 10 * 1024, Content::Mixed);
        let (verifier, bundle) = (self.host(&laid), laid.bundle.display());
        let times = (0..20).map(|_| shell(&format!("exec {verifier} verify {bundle}"))).collect();
        println!(
            "verify, 10 KiB, with the shell that starts it: {:.1} ms, at most 10",
            median(times) * 1000.0
        );
    }
}

/// Reads a file by `pread` and runs the same kernel over it on all cores: what no proof can beat.
fn hash_all(path: &Path) {
    const READ: usize = 32 * 1024;
    const CHUNK: u64 = 4 * 1024 * 1024;
    let kernel = Kernel::detect();
    let file = File::open(path).expect("a file");
    let chunks = file.metadata().expect("a file").len() / CHUNK;
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..cores() {
            scope.spawn(|| {
                let lanes = kernel.lanes() as u64;
                let stride = READ + 5 * BLOCK;
                let mut buffers = vec![0; lanes as usize * stride];
                loop {
                    let first = next.fetch_add(lanes, Ordering::Relaxed);
                    let count = chunks.saturating_sub(first).min(lanes) as usize;
                    if count == 0 {
                        return;
                    }
                    let mut states: Vec<State> = vec![INITIAL; count];
                    for at in (0..CHUNK).step_by(READ) {
                        for (lane, buffer) in buffers.chunks_mut(stride).take(count).enumerate() {
                            let place = (first + lane as u64) * CHUNK + at;
                            file.read_exact_at(&mut buffer[..READ], place).expect("a readable file");
                        }
                        let streams: Vec<&[u8]> =
                            buffers.chunks(stride).take(count).map(|b| &b[..READ]).collect();
                        kernel.compress(&mut states, &streams);
                    }
                    std::hint::black_box(states);
                }
            });
        }
    });
}
