//! Where and why Python's JSON decoder stops, which Feast 0.67 tells its clients.

/// Deepest nesting that is looked into.
const DEEPEST: usize = 200;

const VALUE: &str = "Expecting value";
const NAME: &str = "Expecting property name enclosed in double quotes";
const COLON: &str = "Expecting ':' delimiter";
const COMMA: &str = "Expecting ',' delimiter";
const ENDLESS: &str = "Unterminated string starting at";
const CONTROL: &str = "Invalid control character at";
const ESCAPE: &str = "Invalid \\escape";
const CODE: &str = "Invalid \\uXXXX escape";

/// A place that is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    /// Characters before it.
    pub(super) at: usize,
    /// What Python 3.11 says of it.
    pub(super) reason: &'static str,
}

/// The first fault of a text; `None` for what Python takes for JSON, such as NaN.
pub(super) fn fault(text: &str) -> Option<Fault> {
    let scanner = Scanner(text.chars().collect());
    match scanner.value(scanner.blank(0), 0) {
        Err(fault) => Some(fault),
        Ok(end) => {
            let at = scanner.blank(end);
            (at < scanner.0.len()).then_some(Fault { at, reason: "Extra data" })
        }
    }
}

struct Scanner(Vec<char>);

/// Where the scanned part ends.
type Scanned = Result<usize, Fault>;

impl Scanner {
    fn get(&self, at: usize) -> Option<char> {
        self.0.get(at).copied()
    }

    /// The first place at or after this one that is not blank.
    fn blank(&self, mut at: usize) -> usize {
        while matches!(self.get(at), Some(' ' | '\t' | '\n' | '\r')) {
            at += 1;
        }
        at
    }

    fn value(&self, at: usize, depth: usize) -> Scanned {
        match self.get(at) {
            Some('"') => self.string(at),
            Some('{') if depth < DEEPEST => self.object(at + 1, depth + 1),
            Some('[') if depth < DEEPEST => self.array(at + 1, depth + 1),
            _ => self.word(at).or_else(|| self.number(at)).ok_or(Fault { at, reason: VALUE }),
        }
    }

    fn object(&self, start: usize, depth: usize) -> Scanned {
        let mut at = self.blank(start);
        if self.get(at) == Some('}') {
            return Ok(at + 1);
        }
        loop {
            if self.get(at) != Some('"') {
                return Err(Fault { at, reason: NAME });
            }
            at = self.blank(self.string(at)?);
            if self.get(at) != Some(':') {
                return Err(Fault { at, reason: COLON });
            }
            at = self.blank(self.value(self.blank(at + 1), depth)?);
            match self.get(at) {
                Some('}') => return Ok(at + 1),
                Some(',') => at = self.blank(at + 1),
                _ => return Err(Fault { at, reason: COMMA }),
            }
        }
    }

    fn array(&self, start: usize, depth: usize) -> Scanned {
        let mut at = self.blank(start);
        if self.get(at) == Some(']') {
            return Ok(at + 1);
        }
        loop {
            at = self.blank(self.value(at, depth)?);
            match self.get(at) {
                Some(']') => return Ok(at + 1),
                Some(',') => at = self.blank(at + 1),
                _ => return Err(Fault { at, reason: COMMA }),
            }
        }
    }

    fn string(&self, quote: usize) -> Scanned {
        let endless = Fault { at: quote, reason: ENDLESS };
        let mut at = quote + 1;
        loop {
            match self.get(at).ok_or(endless)? {
                '"' => return Ok(at + 1),
                '\\' => at = self.escape(at, endless)?,
                '\0'..='\x1f' => return Err(Fault { at, reason: CONTROL }),
                _ => at += 1,
            }
        }
    }

    fn escape(&self, backslash: usize, endless: Fault) -> Scanned {
        let at = backslash + 1;
        match self.get(at).ok_or(endless)? {
            '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' => Ok(at + 1),
            'u' => {
                let code = self.0.get(at + 1..at + 5).unwrap_or_default();
                // Python also wants something after the four digits.
                let is_code = code.iter().all(char::is_ascii_hexdigit) && at + 5 < self.0.len();
                if is_code { Ok(at + 5) } else { Err(Fault { at, reason: CODE }) }
            }
            _ => Err(Fault { at: backslash, reason: ESCAPE }),
        }
    }

    fn word(&self, at: usize) -> Option<usize> {
        let rest = self.0.get(at..)?;
        let words = ["null", "true", "false", "NaN", "Infinity", "-Infinity"];
        let is_next = |word: &&str| word.chars().eq(rest.iter().take(word.len()).copied());
        words.iter().find(|word| is_next(word)).map(|word| at + word.len())
    }

    fn number(&self, start: usize) -> Option<usize> {
        let sign = usize::from(self.get(start) == Some('-'));
        let first = start + sign;
        let mut end = match self.get(first)? {
            '0' => first + 1,
            '1'..='9' => self.digits(first),
            _ => return None,
        };
        if self.get(end) == Some('.') {
            end = self.digits_or(end + 1, end);
        }
        if matches!(self.get(end), Some('e' | 'E')) {
            let sign = usize::from(matches!(self.get(end + 1), Some('+' | '-')));
            end = self.digits_or(end + 1 + sign, end);
        }
        Some(end)
    }

    /// The end of the digits that begin here.
    fn digits(&self, mut at: usize) -> usize {
        while self.get(at).is_some_and(|digit| digit.is_ascii_digit()) {
            at += 1;
        }
        at
    }

    /// The same, or another place where none begin.
    fn digits_or(&self, at: usize, otherwise: usize) -> usize {
        let end = self.digits(at);
        if end == at { otherwise } else { end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_no_fault() {
        for text in [
            "null",
            " [1, -2.5e+3, 0, 1E5, true, false] ",
            "{\"a\": {\"b\": []}, \"c\": \"\\u00e4\\n\\\\\"}\n",
            "[NaN, -Infinity]",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
    }

    #[test]
    fn faults_are_found_where_python_finds_them() {
        for (text, at, reason) in [
            ("", 0, VALUE),
            ("[1e]", 2, COMMA),
            ("[-]", 1, VALUE),
            ("\"a", 0, ENDLESS),
            ("\"\\", 0, ENDLESS),
            ("\"\\u12", 2, CODE),
            ("\"\\u12g4\"", 2, CODE),
            ("{\"a\":1}}", 7, "Extra data"),
        ] {
            assert_eq!(fault(text), Some(Fault { at, reason }), "{text}");
        }
        assert_eq!(fault(&"[".repeat(100_000)).unwrap().at, DEEPEST);
    }
}
