//! Faults by seed, and faults on demand.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Faults that the server injects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Faults {
    /// Seed of the random choices.
    pub seed: u64,
    /// Share of requests refused before they do anything: 503, 500, or a closed connection.
    pub fault_rate: f64,
    /// Share of requests carried out and then left without an answer, the connection closed.
    pub lost_response_rate: f64,
    /// Wait before each request.
    pub delay_ms: u64,
    /// Failures of the next matching requests, used up in order.
    pub fail_next: Vec<FailNext>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            seed: 1,
            fault_rate: 0.0,
            lost_response_rate: 0.0,
            delay_ms: 0,
            fail_next: Vec::new(),
        }
    }
}

/// A failure on demand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FailNext {
    /// Operation, for example `PutObject`; absent for any.
    #[serde(default)]
    pub operation: Option<String>,
    /// Status to answer with; 0 closes the connection, before (`lost` false) or after the work.
    #[serde(default)]
    pub status: u16,
    /// Code in the XML.
    #[serde(default)]
    pub code: String,
    /// Carry the request out first.
    #[serde(default)]
    pub lost: bool,
    /// How many requests to fail.
    #[serde(default = "one")]
    pub times: u32,
    /// Answer after this long.
    #[serde(default)]
    pub delay_ms: u64,
}

fn one() -> u32 {
    1
}

/// What happens to one request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fate {
    pub delay: Duration,
    pub verdict: Verdict,
}

/// How a request ends.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    Serve,
    /// Answered with an error without being carried out.
    Refuse {
        status: u16,
        code: String,
    },
    /// Connection closed without being carried out.
    Drop,
    /// Carried out, then the connection is closed.
    Lose,
    /// Carried out, then answered with an error.
    LoseWith {
        status: u16,
        code: String,
    },
}

/// Draws fates.
#[derive(Debug, Default)]
pub(super) struct Dice {
    faults: parking_lot::Mutex<Faults>,
    drawn: AtomicU64,
}

impl Dice {
    pub(super) fn new(faults: Faults) -> Self {
        Self {
            faults: parking_lot::Mutex::new(faults),
            drawn: AtomicU64::new(0),
        }
    }

    pub(super) fn set(&self, faults: Faults) {
        *self.faults.lock() = faults;
        self.drawn.store(0, Ordering::SeqCst);
    }

    pub(super) fn current(&self) -> Faults {
        self.faults.lock().clone()
    }

    pub(super) fn draw(&self, operation: &str) -> Fate {
        let mut faults = self.faults.lock();
        let mut delay = Duration::from_millis(faults.delay_ms);
        let wanted = faults
            .fail_next
            .iter()
            .position(|fail| fail.times > 0 && fail.operation.as_deref().is_none_or(|name| name == operation));
        if let Some(index) = wanted {
            let fail = &mut faults.fail_next[index];
            fail.times -= 1;
            delay += Duration::from_millis(fail.delay_ms);
            let (status, code) = (fail.status, fail.code.clone());
            let verdict = match (fail.lost, status) {
                (false, 0) => Verdict::Drop,
                (true, 0) => Verdict::Lose,
                (false, _) => Verdict::Refuse { status, code },
                (true, _) => Verdict::LoseWith { status, code },
            };
            if fail.times == 0 {
                faults.fail_next.remove(index);
            }
            return Fate { delay, verdict };
        }
        let verdict = if faults.fault_rate > 0.0 || faults.lost_response_rate > 0.0 {
            let n = self.drawn.fetch_add(1, Ordering::SeqCst);
            let mut random = Random(faults.seed ^ n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            if random.unit() < faults.fault_rate {
                match random.next() % 3 {
                    0 => Verdict::Refuse {
                        status: 503,
                        code: "SlowDown".to_owned(),
                    },
                    1 => Verdict::Refuse {
                        status: 500,
                        code: "InternalError".to_owned(),
                    },
                    _ => Verdict::Drop,
                }
            } else if random.unit() < faults.lost_response_rate {
                Verdict::Lose
            } else {
                Verdict::Serve
            }
        } else {
            Verdict::Serve
        };
        Fate { delay, verdict }
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_fates() {
        let faults = Faults {
            seed: 7,
            fault_rate: 0.3,
            lost_response_rate: 0.3,
            ..Faults::default()
        };
        let draw = || {
            let dice = Dice::new(faults.clone());
            (0..200).map(|_| dice.draw("PutObject").verdict).collect::<Vec<_>>()
        };
        let fates = draw();
        assert_eq!(fates, draw());
        let lost = fates.iter().filter(|v| **v == Verdict::Lose).count();
        let refused = fates.iter().filter(|v| matches!(v, Verdict::Drop | Verdict::Refuse { .. })).count();
        assert!((20..70).contains(&lost), "{lost} lost");
        assert!((35..90).contains(&refused), "{refused} refused");
    }

    #[test]
    fn failures_on_demand_are_used_up_by_matching_requests() {
        let dice = Dice::new(Faults {
            fail_next: vec![FailNext {
                operation: Some("PutObject".to_owned()),
                status: 503,
                code: "SlowDown".to_owned(),
                lost: false,
                times: 2,
                delay_ms: 0,
            }],
            ..Faults::default()
        });
        assert_eq!(dice.draw("GetObject").verdict, Verdict::Serve);
        assert!(matches!(dice.draw("PutObject").verdict, Verdict::Refuse { status: 503, .. }));
        assert!(matches!(dice.draw("PutObject").verdict, Verdict::Refuse { status: 503, .. }));
        assert_eq!(dice.draw("PutObject").verdict, Verdict::Serve);
        assert!(dice.current().fail_next.is_empty());
    }
}
