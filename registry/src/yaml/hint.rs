//! "Did you mean" for misspelt keys and names.

/// The candidate closest to `word`, if it is close enough to be a slip of the fingers.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|&(distance, _)| distance > 0 && distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let known = ["registry", "online_store", "offline_store", "path"];
        for (word, expected) in [
            ("regsitry", Some("registry")),
            ("onlinestore", Some("online_store")),
            ("paht", Some("path")),
            ("path", None),
            ("compression", None),
        ] {
            assert_eq!(did_you_mean(word, known), expected, "{word}");
        }
    }
}
