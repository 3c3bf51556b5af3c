//! What a client wishes about the time of its request, in HTTP headers or gRPC metadata.

use std::time::Duration;

use axum::http::HeaderMap;
use larder_core::{Error, Result};

use crate::online::Budget;

/// Milliseconds that the request may take; never more than the server allows.
const TIMEOUT: &str = "larder-timeout-ms";

/// `true`: answer with the views that are there in time.
const PARTIAL: &str = "larder-partial-results";

/// gRPC's own deadline: up to eight digits and a unit.
const GRPC_TIMEOUT: &str = "grpc-timeout";

/// The time of a request whose server allows `limit`.
///
/// # Errors
/// `Invalid` naming the header that cannot be understood.
pub(super) fn time_of(headers: &HeaderMap, limit: Duration) -> Result<Duration> {
    let wished = match text(headers, TIMEOUT)? {
        None => None,
        Some(text) => match text.parse() {
            Ok(millis) if millis > 0 => Some(Duration::from_millis(millis)),
            _ => return Err(misunderstood(TIMEOUT, text, "a number of milliseconds above 0")),
        },
    };
    // What is no gRPC timeout is not ours to refuse: the protocol's own server looks at it too.
    let of_grpc = text(headers, GRPC_TIMEOUT)?.and_then(grpc_timeout);
    Ok([wished, of_grpc].into_iter().flatten().fold(limit, Duration::min))
}

/// The budget that begins now.
///
/// # Errors
/// `Invalid` naming the header that cannot be understood.
pub(super) fn budget_of(headers: &HeaderMap, time: Duration) -> Result<Budget> {
    let is_partial = match text(headers, PARTIAL)? {
        None | Some("false") => false,
        Some("true") => true,
        Some(text) => return Err(misunderstood(PARTIAL, text, "true or false")),
    };
    Ok(Budget::starting_now(time, is_partial))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    value.to_str().map(Some).map_err(|_| Error::invalid(format!("the header {name} is no text")))
}

fn misunderstood(name: &str, text: &str, wanted: &str) -> Error {
    let shown: String = text.chars().take(40).collect();
    Error::invalid(format!("the header {name} is \"{shown}\"")).with_hint(format!("give {wanted}"))
}

fn grpc_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count.checked_mul(3600)?),
        "M" => Duration::from_secs(count.checked_mul(60)?),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_shortest_time_counts() {
        for (pairs, millis) in [
            (&[][..], 10_000),
            (&[(TIMEOUT, "50")], 50),
            (&[(TIMEOUT, "50000")], 10_000),
            (&[(GRPC_TIMEOUT, "2S")], 2_000),
            (&[(GRPC_TIMEOUT, "100m"), (TIMEOUT, "200")], 100),
            (&[(GRPC_TIMEOUT, "soon")], 10_000),
        ] {
            let time = time_of(&headers(pairs), LIMIT).unwrap();
            assert_eq!(time, Duration::from_millis(millis), "{pairs:?}");
        }
    }

    #[test]
    fn headers_that_make_no_sense_are_refused() {
        for pair in [(TIMEOUT, "soon"), (TIMEOUT, "0"), (TIMEOUT, "-1"), (PARTIAL, "maybe")] {
            let headers = headers(&[pair]);
            let budget = time_of(&headers, LIMIT).and_then(|time| budget_of(&headers, time));
            assert_eq!(budget.unwrap_err().kind(), ErrorKind::Invalid, "{pair:?}");
        }
    }
}
