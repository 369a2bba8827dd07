//! Ceiling of the S3 benchmarks: aws-sdk-s3 alone, `concurrency` requests in flight.
//!
//! `bare_s3 ENDPOINT BUCKET ACCESS_KEY SECRET_KEY put|get COUNT CONCURRENCY PREFIX` prints one JSON line.

use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Region};
use futures::{StreamExt, TryStreamExt, stream};
use std::time::Instant;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// User and system time of this process in microseconds, from /proc (zero elsewhere).
fn cpu_micros() -> u64 {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else {
        return 0;
    };
    // Fields after the command name, which is in parentheses; 100 ticks a second.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|t| t.parse::<u64>().ok()).unwrap_or(0);
    (ticks(11) + ticks(12)) * 10_000
}

async fn one(client: &Client, bucket: &str, put: bool, key: String, at: usize) -> Result<(), Failure> {
    if put {
        client
            .put_object()
            .bucket(bucket)
            .key(key)
            .metadata("_v", "v1")
            .metadata("0", format!("name {at}"))
            .metadata("1", format!("user{at}@example.com"))
            .metadata("2", "a1")
            .metadata("3", "1")
            .send()
            .await?;
    } else {
        let object = client.get_object().bucket(bucket).key(key).send().await?;
        object.body.collect().await?;
    }
    Ok(())
}

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, bucket, access, secret, mode, count, concurrency, prefix] = arguments.as_slice() else {
        return Err("usage: bare_s3 ENDPOINT BUCKET ACCESS_KEY SECRET_KEY put|get COUNT CONCURRENCY PREFIX".into());
    };
    let (count, concurrency): (usize, usize) = (count.parse()?, concurrency.parse()?);
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(Credentials::new(access, secret, None, None, "bench"))
        .build();
    let client = Client::from_conf(config);
    let put = mode == "put";
    let key = |at: usize| format!("{prefix}/resource=bare/data/id=record-{at:06}");
    // Connections and certificates are warm before the clock starts, as in the other cases.
    for at in 0..concurrency {
        one(&client, bucket, true, format!("{prefix}/warm/{at}"), at).await?;
    }
    let (started, cpu) = (Instant::now(), cpu_micros());
    stream::iter(0..count)
        .map(|at| one(&client, bucket, put, key(at), at))
        .buffer_unordered(concurrency)
        .try_collect::<Vec<()>>()
        .await?;
    let ms = started.elapsed().as_secs_f64() * 1000.0;
    let cpu = cpu_micros() - cpu;
    println!("{{\"count\":{count},\"ms\":{ms:.3},\"cpuMicros\":{cpu}}}");
    Ok(())
}
