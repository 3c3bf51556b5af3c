//! Formatted texts: f-strings, `str.format`, `%`.

use std::rc::Rc;

use larder_core::Result;
use ruff_python_ast::{
    ConversionFlag, ExprFString, FStringPart, InterpolatedElement, InterpolatedStringElement,
};
use ruff_text_size::TextRange;

use crate::kernel::{FormatSpec, Formatted, NumberStyle, call};
use crate::python::call::Arguments;
use crate::python::compiler::Compiler;
use crate::python::scalar::{Kind, Scalar};
use crate::python::time::TIME_METHODS;
use crate::python::value::{Display, Value};

/// `"{} {:.2f} {name}".format(..)`.
pub(super) fn format<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let Value::Text(template) = a.first(c)? else {
        return Err(c.unsupported(a.at, "a computed format", "write the text of the format"));
    };
    let refuse =
        |c: &Compiler<'a>| c.unsupported(a.at, "this format", "use {}, {0}, {name} and {:.2f}");
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut letters = template.chars().peekable();
    let mut next = 1;
    while let Some(letter) = letters.next() {
        if (letter == '{' || letter == '}') && letters.peek() == Some(&letter) {
            letters.next();
            literal.push(letter);
            continue;
        }
        match letter {
            '}' => return Err(c.wrong(a.at, "single } in a format")),
            '{' => {}
            other => {
                literal.push(other);
                continue;
            }
        }
        let field: String = letters.by_ref().take_while(|letter| *letter != '}').collect();
        let (name, spec) = field.split_once(':').unwrap_or((&field, ""));
        let value = if name.is_empty() {
            next += 1;
            a.positional.get(next - 1).cloned()
        } else if let Ok(index) = name.parse::<usize>() {
            a.positional.get(index + 1).cloned()
        } else {
            a.keywords.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone())
        };
        let Some(value) = value else { return Err(refuse(c)) };
        parts.push(Value::Text(Rc::from(std::mem::take(&mut literal))));
        parts.push(c.formatted(&value, spec, a.at)?);
    }
    parts.push(Value::Text(Rc::from(literal)));
    c.concat(&parts, a.at)
}

impl<'a> Compiler<'a> {
    /// An f-string.
    pub(crate) fn f_string(&mut self, node: &'a ExprFString) -> Result<Value<'a>> {
        let mut parts = Vec::new();
        for part in &node.value {
            match part {
                FStringPart::Literal(literal) => parts.push(Value::Text(Rc::from(&*literal.value))),
                FStringPart::FString(text) => {
                    for element in &text.elements {
                        parts.push(match element {
                            InterpolatedStringElement::Literal(literal) => {
                                Value::Text(Rc::from(&*literal.value))
                            }
                            InterpolatedStringElement::Interpolation(part) => {
                                self.interpolation(part)?
                            }
                        });
                    }
                }
            }
        }
        self.concat(&parts, node.range)
    }

    fn interpolation(&mut self, part: &'a InterpolatedElement) -> Result<Value<'a>> {
        let at = part.range;
        let value = self.expression(&part.expression)?;
        let plain = matches!(part.conversion, ConversionFlag::None | ConversionFlag::Str);
        let fields = part.format_spec.as_ref().is_some_and(|spec| {
            spec.elements.iter().any(|e| matches!(e, InterpolatedStringElement::Interpolation(_)))
        });
        if !plain || part.debug_text.is_some() || fields {
            return Err(self.unsupported(
                at,
                "this conversion in an f-string",
                "use {x} or {x:.2f}",
            ));
        }
        let spec: String = match &part.format_spec {
            Some(spec) => spec.elements.literals().map(|literal| &*literal.value).collect(),
            None => String::new(),
        };
        if part.conversion == ConversionFlag::Str && !spec.is_empty() {
            let text = self.text_of(&value, at)?;
            return self.formatted(&text, &spec, at);
        }
        self.formatted(&value, &spec, at)
    }

    /// A value by a format specification.
    pub(crate) fn formatted(
        &mut self,
        value: &Value<'a>,
        spec: &str,
        at: TextRange,
    ) -> Result<Value<'a>> {
        if spec.is_empty() {
            return self.text_of(value, at);
        }
        let unknown = |c: &Self| {
            c.unsupported(
                at,
                format!("the format {spec:?}"),
                "use widths, decimals and the types d, f, e, % and s",
            )
        };
        let scalar = self.scalar(value, at)?;
        if matches!(scalar.kind, Kind::Instant(_) | Kind::Wall | Kind::Date) {
            let format = Value::Text(Rc::from(spec));
            let strftime = crate::python::builtin::find(TIME_METHODS, "strftime");
            let positional = vec![value.clone(), format];
            let a = Arguments { name: "strftime", positional, keywords: Vec::new(), at };
            return match strftime {
                Some(row) => (row.compile)(self, &a),
                None => Err(unknown(self)),
            };
        }
        let Some(parsed) = FormatSpec::parse(spec) else { return Err(unknown(self)) };
        let (operand, style) = match &scalar.kind {
            Kind::Text if matches!(parsed.kind, None | Some('s')) => (scalar, None),
            Kind::Int | Kind::Float | Kind::Bool => {
                let number = scalar.without_bool().filled();
                let style = parsed.style(number.kind == Kind::Float);
                let style = style.filter(|style| {
                    !number.mixed || !matches!(style, NumberStyle::Plain | NumberStyle::Integer)
                });
                let Some(style) = style else { return Err(unknown(self)) };
                let whole = matches!(style, NumberStyle::Integer);
                (if whole { number } else { number.widen(&Kind::Float) }, Some(style))
            }
            _ => return Err(unknown(self)),
        };
        let numbers = style.is_some();
        if !numbers && (parsed.align == Some('=') || parsed.grouping.is_some()) {
            return Err(unknown(self));
        }
        let expr = call(Formatted { spec: parsed, style }, vec![operand.expr.clone()]);
        Ok(Value::Scalar(Scalar::strict(expr, Kind::Text, &[&operand], false)))
    }

    /// `"%s %.2f" % values`.
    pub(crate) fn percent(
        &mut self,
        template: &str,
        values: &Value<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        let values = match self.settled(values.clone()) {
            Value::Items(items, Display::Tuple) => items.to_vec(),
            value => vec![value],
        };
        let mut values = values.into_iter();
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut letters = template.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                literal.push(letter);
                continue;
            }
            let mut spec = String::new();
            let kind = loop {
                match letters.next() {
                    Some(letter) if letter.is_ascii_digit() || letter == '.' => spec.push(letter),
                    Some(letter) => break letter,
                    None => return Err(self.wrong(at, "an incomplete format")),
                }
            };
            if kind == '%' && spec.is_empty() {
                literal.push('%');
                continue;
            }
            let Some(value) = values.next() else {
                return Err(self.wrong(at, "not enough values for the format"));
            };
            parts.push(Value::Text(Rc::from(std::mem::take(&mut literal))));
            parts.push(match (kind, spec.is_empty()) {
                ('s', true) => self.text_of(&value, at)?,
                ('d' | 'i', true) => {
                    let number = self.invoke(builtin("int"), vec![value], at)?;
                    self.text_of(&number, at)?
                }
                ('f', _) => self.formatted(&value, &format!("{spec}f"), at)?,
                _ => {
                    return Err(self.unsupported(at, "this % format", "use an f-string"));
                }
            });
        }
        if values.next().is_some() {
            return Err(self.wrong(at, "more values than the format has places"));
        }
        parts.push(Value::Text(Rc::from(literal)));
        self.concat(&parts, at)
    }
}

fn builtin<'a>(name: &str) -> Value<'a> {
    Value::Builtin(crate::python::builtin::named(name))
}
