//! Which of two media types a client would rather have (RFC 9110, section 12.5.1).

use axum::http::{HeaderMap, header};

use crate::arrow_answer::MEDIA_TYPE as ARROW;

const JSON: &str = "application/json";

/// One item of the header.
struct Range<'h> {
    media: &'h str,
    /// In thousandths.
    weight: u16,
}

/// Whether an Arrow stream is wanted more than JSON: by weight, and where both weigh the same, because the range that
/// covers it comes first. Who accepts neither gets JSON, as from Feast, which does not look.
pub(super) fn wants_arrow(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<Range<'_>> = values.flat_map(|value| value.split(',')).map(range).collect();
    let Some((arrow, first)) = weight_of(&ranges, ARROW) else { return false };
    match weight_of(&ranges, JSON) {
        None => arrow > 0,
        Some((json, second)) => arrow > json || (arrow == json && arrow > 0 && first < second),
    }
}

fn range(item: &str) -> Range<'_> {
    let mut parts = item.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let weight = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| thousandths(value.trim()))
    });
    Range { media, weight: weight.unwrap_or(1000) }
}

/// A weight that is none counts as nothing, so that it wins against no other.
fn thousandths(text: &str) -> u16 {
    let weight: f32 = text.parse().unwrap_or_default();
    // Between 0 and 1000; NaN becomes 0.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped")]
    let thousandths = (weight.clamp(0.0, 1.0) * 1000.0).round() as u16;
    thousandths
}

/// Weight and position of the most specific range that covers a media type.
fn weight_of(ranges: &[Range<'_>], media: &str) -> Option<(u16, usize)> {
    let (kind, _) = media.split_once('/')?;
    let covers = |range: &str| match range {
        "*/*" => Some(1),
        _ if range.eq_ignore_ascii_case(media) => Some(3),
        _ => {
            let of_kind = range.strip_suffix("/*")?;
            of_kind.eq_ignore_ascii_case(kind).then_some(2)
        }
    };
    let covering = ranges.iter().enumerate().filter_map(|(at, range)| {
        Some((covers(range.media)?, std::cmp::Reverse(at), range.weight))
    });
    covering.max().map(|(_, std::cmp::Reverse(at), weight)| (weight, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_decide_and_then_the_order() {
        for (accept, expected) in [
            ("application/vnd.apache.arrow.stream", true),
            ("Application/Vnd.Apache.Arrow.Stream ; q=1.0", true),
            ("application/json", false),
            ("", false),
            ("*/*", false),
            ("application/*", false),
            ("text/html", false),
            ("application/vnd.apache.arrow.stream, application/json", true),
            ("application/json, application/vnd.apache.arrow.stream", false),
            ("application/json;q=0.9, application/vnd.apache.arrow.stream", true),
            ("application/vnd.apache.arrow.stream;q=0.5, application/json;q=0.9", false),
            ("application/vnd.apache.arrow.stream;q=0.5, application/json;q=0.49", true),
            ("application/vnd.apache.arrow.stream, */*;q=0.1", true),
            ("application/vnd.apache.arrow.stream;q=0.5, */*", false),
            ("*/*;q=0.8, application/vnd.apache.arrow.stream;q=0.8", false),
            ("text/html, application/vnd.apache.arrow.stream;q=0.3", true),
            ("application/vnd.apache.arrow.stream;q=0, text/html", false),
            ("application/vnd.apache.arrow.stream;q=0, application/json;q=0", false),
            ("application/vnd.apache.arrow.stream;q=much, application/json;q=0.1", false),
            ("application/vnd.apache.arrow.stream;q=NaN", false),
            ("application/vnd.apache.arrow.stream;v=1;q=0.2, application/json;q=0.1", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(wants_arrow(&headers), expected, "{accept}");
        }
    }

    #[test]
    fn several_headers_are_one_list() {
        let mut headers = HeaderMap::new();
        headers.append(header::ACCEPT, "application/json;q=0.1".parse().unwrap());
        headers.append(header::ACCEPT, "application/vnd.apache.arrow.stream".parse().unwrap());
        assert!(wants_arrow(&headers));
        assert!(!wants_arrow(&HeaderMap::new()));
    }
}
