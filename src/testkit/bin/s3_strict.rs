//! `s3-strict`: the strict S3 server as a program.
//!
//! Prints `listening on 127.0.0.1:PORT` as its first line and runs until it is stopped.

use s3db::testkit::s3_strict::{Faults, Options, spawn};
use std::process::ExitCode;

const USAGE: &str = "s3-strict: an in-memory S3 server that is as strict as S3

  --port N                  port on 127.0.0.1, 0 picks a free one (default 0)
  --access-key KEY          access key (default strict-access)
  --secret-key SECRET       secret key (default strict-secret)
  --buckets A,B             buckets that exist from the start (default bucket)
  --auto-buckets            create other buckets when first used
  --seed N                  seed of the faults (default 1)
  --fault-rate R            share of requests refused or dropped, 0 to 1
  --lost-response-rate R    share of requests carried out but never answered, 0 to 1
  --delay-ms N              wait before each request
  --help                    this text

GET  /_control              counters by operation, faults, number of objects (JSON)
POST /_control              { faults?, resetStore?, resetCounters? }";

fn parse(arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options::default();
    let mut arguments = arguments.peekable();
    while let Some(flag) = arguments.next() {
        match flag.as_str() {
            "--help" | "-h" => return Ok(None),
            "--auto-buckets" => options.auto_buckets = true,
            _ => {
                let value = arguments.next().ok_or_else(|| format!("{flag} needs a value"))?;
                set(&mut options, &flag, &value)?;
            }
        }
    }
    Ok(Some(options))
}

fn set(options: &mut Options, flag: &str, value: &str) -> Result<(), String> {
    fn number<T: std::str::FromStr>(flag: &str, value: &str) -> Result<T, String> {
        value.parse().map_err(|_| format!("{flag} needs a number, not '{value}'"))
    }
    let rate = || {
        number::<f64>(flag, value).and_then(|r| {
            if (0.0..=1.0).contains(&r) {
                Ok(r)
            } else {
                Err(format!("{flag} is from 0 to 1"))
            }
        })
    };
    let Faults {
        seed,
        fault_rate,
        lost_response_rate,
        delay_ms,
        ..
    } = &mut options.faults;
    match flag {
        "--port" => options.port = number(flag, value)?,
        "--access-key" => options.access_key = value.to_owned(),
        "--secret-key" => options.secret_key = value.to_owned(),
        "--buckets" => options.buckets = value.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        "--seed" => *seed = number(flag, value)?,
        "--fault-rate" => *fault_rate = rate()?,
        "--lost-response-rate" => *lost_response_rate = rate()?,
        "--delay-ms" => *delay_ms = number(flag, value)?,
        _ => return Err(format!("unknown option {flag}")),
    }
    Ok(())
}

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("{message}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("s3-strict: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> std::io::Result<()> {
    use std::io::Write as _;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = spawn(options).await?;
        let mut out = std::io::stdout();
        writeln!(out, "listening on {}", server.address())?;
        out.flush()?;
        tokio::select! {
            ended = server.join() => ended,
            stopped = tokio::signal::ctrl_c() => stopped,
        }
    })
}
