//! Resident memory of small records in the memory store. Alone in its binary,
//! so that no other test grows the process meanwhile.

#![cfg(target_os = "linux")]

use bytes::Bytes;
use futures::FutureExt as _;
use s3db::store::memory::{MemoryLimits, MemoryStore};
use s3db::store::{PutRequest, Store};

const RECORDS: usize = 140_000;

fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("process status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("resident size");
    let kilobytes: usize = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number");
    kilobytes * 1024
}

fn record(n: usize) -> PutRequest {
    PutRequest {
        key: format!("resource=users/data/id={n:022}"),
        metadata: (0..8).map(|field| (format!("{field}"), format!("value {field} of {n}"))).collect(),
        body: Bytes::new(),
        content_type: None,
        ..PutRequest::default()
    }
}

#[test]
fn small_records_cost_at_most_a_kilobyte_beyond_their_content() {
    let store = MemoryStore::new("b", MemoryLimits::default());
    let put = |n| store.put(record(n)).now_or_never().expect("immediate").expect("put");
    (0..100).for_each(|n| drop(put(n)));
    let before = resident_bytes();
    let mut content = 0;
    for n in 100..100 + RECORDS {
        let request = record(n);
        content += request.key.len() + request.metadata.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>();
        put(n);
    }
    let overhead = resident_bytes().saturating_sub(before).saturating_sub(content) / RECORDS;
    println!("{overhead} bytes of overhead per record, {} of content", content / RECORDS);
    assert!((1..=1024).contains(&overhead), "{overhead} bytes of overhead per record");
}
