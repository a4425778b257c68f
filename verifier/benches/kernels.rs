// SPDX-License-Identifier: Apache-2.0
//! How fast each hashing kernel is on this processor, in GB/s on one core, and against the `sha2` crate.
//!
//! For tuning, not for tests: `cargo bench -p verifier --bench kernels`. Other load on the machine shows, so
//! compare within a run: the figure in brackets is the ratio to `sha2` on the same memory in that run.

use std::hint::black_box;
use std::time::{Duration, Instant};

use sha2::Digest;
use verifier::hash::sha512::Sha512;
use verifier::hash::{INITIAL, Kernel, State};

/// Bytes of a stream: small enough that sixteen stay in the second-level cache.
const CACHED: usize = 16 * 1024;

/// Bytes of a stream: large enough that sixteen are far beyond the third-level cache.
const UNCACHED: usize = 16 * 1024 * 1024;

/// Streams at once.
const COUNTS: [usize; 13] = [1, 2, 3, 4, 6, 7, 8, 9, 10, 12, 14, 16, 32];

/// The best of this many samples counts: noise only ever slows a sample down.
const SAMPLES: usize = 7;

/// The least length of a sample.
const SAMPLE: Duration = Duration::from_millis(20);

fn main() {
    for (title, length) in [("in cache", CACHED), ("in memory", UNCACHED)] {
        let memory: Vec<u8> = (0..length * 32).map(|n| (n / 7) as u8).collect();
        let one = &memory[..length];
        let yardstick = speed(length, || {
            black_box(sha2::Sha256::digest(one));
        });
        println!("{title}, {} KiB a stream: sha2 {yardstick:.2} GB/s", length / 1024);
        print!("{:>14}", "streams");
        COUNTS.iter().for_each(|count| print!("{count:>12}"));
        println!();
        for kernel in Kernel::all_available() {
            print!("{:>14}", kernel.name());
            for count in COUNTS {
                let streams: Vec<&[u8]> = memory.chunks_exact(length).take(count).collect();
                let mut states: Vec<State> = vec![INITIAL; count];
                let speed = speed(length * count, || kernel.compress(black_box(&mut states), &streams));
                print!("{speed:>6.2}{:>6}", format!("({:.1})", speed / yardstick));
            }
            println!();
        }
        println!();
    }
    println!("SHA-512 of one stream");
    for length in [128, 4096, 16 * 1024, 256 * 1024, UNCACHED] {
        let message: Vec<u8> = (0..length).map(|n| (n / 7) as u8).collect();
        let yardstick = speed(length, || {
            black_box(sha2::Sha512::digest(black_box(&message)));
        });
        let ours = speed(length, || {
            black_box(Sha512::digest(black_box(&message)));
        });
        println!("{:>9} bytes: {ours:.2} GB/s, sha2 {yardstick:.2} ({:.2})", length, ours / yardstick);
    }
}

/// GB/s of something that takes in this many bytes.
fn speed(bytes: usize, mut work: impl FnMut()) -> f64 {
    let mut best: f64 = 0.0;
    for _ in 0..SAMPLES {
        let start = Instant::now();
        let mut rounds = 0.0;
        while start.elapsed() < SAMPLE {
            work();
            rounds += 1.0;
        }
        best = best.max(rounds * bytes as f64 / start.elapsed().as_secs_f64());
    }
    best / 1e9
}
