//! Rust source with everything blanked out that is not code: comments, strings, characters.
//!
//! The result has the same length and the same line breaks as the source, so that positions keep
//! their meaning.

/// Blanks comments, string and character literals.
pub(crate) fn code_only(source: &str) -> String {
    let mut scanner = Scanner { rest: source, out: String::with_capacity(source.len()) };
    while !scanner.rest.is_empty() {
        scanner.step();
    }
    scanner.out
}

/// Byte ranges of the items behind `#[cfg(test)]`, in code that went through [`code_only`].
pub(crate) fn test_ranges(code: &str) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let mut from = 0;
    while let Some(at) = code[from..].find("#[cfg(test)]") {
        let start = from + at;
        let end = item_end(code, start);
        ranges.push(start..end);
        from = end;
    }
    ranges
}

/// Names of the modules that a file declares for tests only (`#[cfg(test)] mod name;`).
pub(crate) fn test_modules(code: &str) -> Vec<String> {
    test_ranges(code)
        .into_iter()
        .filter_map(|range| {
            let item = code[range].strip_suffix(';')?;
            let (_, name) = item.rsplit_once("mod ")?;
            Some(name.trim().to_owned())
        })
        .collect()
}

/// Where the item that begins at `start` ends: behind its `;` or its closing brace.
fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    for (at, character) in code[start..].char_indices() {
        match character {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return start + at + 1;
                }
            }
            ';' if depth == 0 => return start + at + 1,
            _ => {}
        }
    }
    code.len()
}

struct Scanner<'a> {
    rest: &'a str,
    out: String,
}

impl Scanner<'_> {
    fn step(&mut self) {
        if self.rest.starts_with("//") {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.blank(end);
        } else if self.rest.starts_with("/*") {
            self.blank(block_comment(self.rest));
        } else if let Some(length) = raw_string(self.rest, self.out.chars().next_back()) {
            self.blank(length);
        } else if self.rest.starts_with('"') {
            self.blank(quoted(self.rest));
        } else if let Some(length) = character(self.rest) {
            self.blank(length);
        } else {
            let next = self.rest.chars().next().expect("the loop stops at the end");
            self.out.push(next);
            self.rest = &self.rest[next.len_utf8()..];
        }
    }

    /// Replaces the next `length` bytes by blanks, keeping line breaks.
    fn blank(&mut self, length: usize) {
        let (gone, rest) = self.rest.split_at(length);
        self.out.extend(gone.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        self.rest = rest;
    }
}

/// Length of a block comment; they nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(found) = text[at..].find(['/', '*']) {
        at += found;
        let step = if text[at..].starts_with("/*") {
            depth += 1;
            2
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            2
        } else {
            1
        };
        at += step;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// Length of a string literal in double quotes.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of a raw string literal such as `r#".."#`, unless `r` ends an identifier.
fn raw_string(text: &str, before: Option<char>) -> Option<usize> {
    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let body = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let content = body[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = content.find(&close).map_or(content.len(), |at| at + close.len());
    Some(text.len() - content.len() + end)
}

/// Length of a character literal; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let body = text.strip_prefix('\'')?;
    if let Some(escape) = body.strip_prefix('\\') {
        let skipped = escape.chars().next()?.len_utf8();
        return Some(2 + skipped + escape[skipped..].find('\'')? + 1);
    }
    let first = body.chars().next()?;
    body[first.len_utf8()..].starts_with('\'').then_some(2 + first.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, code: &str) {
        assert_eq!(code_only(source), code, "of {source}");
    }

    #[test]
    fn comments_and_literals_become_blanks() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d */ e", "a                   e");
        check("x(\"a\\\"b\")", "x(      )");
        check("x(r#\"a\"b\"#, 1)", "x(        , 1)");
        check("for x in 'a'..='\\'' {}", "for x in    ..=     {}");
        check("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)");
        check("ptr\"x\"", "ptr   ");
    }

    #[test]
    fn blanks_keep_every_position() {
        let source = "let a = \"é\"; // ü\nlet b;";
        assert_eq!(code_only(source).len(), source.len());
    }

    #[test]
    fn items_behind_cfg_test_are_found_with_their_braces() {
        let code = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { c() } }\nfn d() {}";
        let ranges = test_ranges(code);
        assert_eq!(ranges.len(), 1);
        assert!(code[ranges[0].clone()].ends_with("c() } }"));
    }

    #[test]
    fn modules_declared_for_tests_only_are_named() {
        assert_eq!(test_modules("#[cfg(test)]\nmod cases;\nmod b;"), ["cases"]);
    }
}
