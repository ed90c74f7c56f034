//! Tokens of quantities and expressions.

use super::UnitFault;
use std::ops::Range;

/// Longest text that is read.
pub const MAX_LENGTH: usize = 2000;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(String),
    Name(String),
    /// A power written with superscripts or glued on with a sign: `ms-1`, `s⁻¹`.
    Superscript(i32),
    Symbol(char),
    LessEqual,
    GreaterEqual,
    End,
}

pub(super) struct Lexed {
    pub token: Token,
    pub range: Range<usize>,
    /// No white space before it.
    pub glued: bool,
}

pub(super) fn fault<T>(message: impl Into<String>, range: Range<usize>, hint: Option<String>) -> Result<T, UnitFault> {
    Err(UnitFault { message: message.into(), range, hint })
}

fn superscript(c: char) -> Option<char> {
    "\u{2070}\u{b9}\u{b2}\u{b3}\u{2074}\u{2075}\u{2076}\u{2077}\u{2078}\u{2079}"
        .chars()
        .position(|s| s == c)
        .map(|d| char::from(b'0' + d as u8))
        .or((c == '\u{207b}').then_some('-'))
}

pub(super) fn lex(text: &str) -> Result<Vec<Lexed>, UnitFault> {
    if text.len() > MAX_LENGTH {
        return fault(format!("an expression of {} bytes; at most {MAX_LENGTH} are read", text.len()), 0..1, None);
    }
    let mut out = Vec::new();
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let at = |i: usize| chars.get(i).map(|c| c.1);
    let byte = |i: usize| chars.get(i).map_or(text.len(), |c| c.0);
    let mut i = 0;
    let mut glued = false;
    while let Some(c) = at(i) {
        let start = i;
        if c.is_whitespace() {
            i += 1;
            glued = false;
            continue;
        }
        let token = if c.is_ascii_digit() || (c == '.' && at(i + 1).is_some_and(|d| d.is_ascii_digit())) {
            while at(i).is_some_and(|d| d.is_ascii_digit() || d == '.' || d == '_') {
                i += 1;
            }
            if matches!(at(i), Some('e' | 'E')) {
                let mut j = i + 1;
                if matches!(at(j), Some('+' | '-')) {
                    j += 1;
                }
                if at(j).is_some_and(|d| d.is_ascii_digit()) {
                    while at(j).is_some_and(|d| d.is_ascii_digit()) {
                        j += 1;
                    }
                    i = j;
                }
            }
            let number: String = text[byte(start)..byte(i)].chars().filter(|c| *c != '_').collect();
            match number.parse::<f64>() {
                Ok(x) if x.is_finite() => {}
                Ok(_) => {
                    return fault(
                        format!("`{number}` is beyond the largest number that can be held (1.8e308)"),
                        byte(start)..byte(i),
                        None,
                    );
                }
                Err(_) => return fault(format!("`{number}` is not a number"), byte(start)..byte(i), None),
            }
            Token::Number(number)
        } else if c.is_alphabetic() || c == '_' || c == '\u{b0}' {
            let letter = |d: char| (d.is_alphanumeric() && superscript(d).is_none()) || d == '_';
            // A dot between letters is part of a name, `control.epsc.decay`.
            let inner = |i: usize| at(i) == Some('.') && at(i + 1).is_some_and(|d| d.is_alphabetic() || d == '_');
            while at(i).is_some_and(|d| letter(d) || (d == '\u{b0}' && i == start)) || inner(i) {
                i += 1;
            }
            Token::Name(text[byte(start)..byte(i)].to_owned())
        } else if superscript(c).is_some() {
            let mut digits = String::new();
            while let Some(d) = at(i).and_then(superscript) {
                digits.push(d);
                i += 1;
            }
            match digits.parse::<i32>() {
                Ok(n) if n.abs() <= 64 => Token::Superscript(n),
                _ => return fault("this power cannot be read", byte(start)..byte(i), None),
            }
        } else {
            i += 1;
            match c {
                '<' | '>' if at(i) == Some('=') => {
                    i += 1;
                    if c == '<' { Token::LessEqual } else { Token::GreaterEqual }
                }
                '*' if at(i) == Some('*') => {
                    i += 1;
                    Token::Symbol('^')
                }
                '+' | '-' | '*' | '/' | '^' | '(' | ')' | ',' | '<' | '>' | '%' => Token::Symbol(c),
                '\u{b7}' | '\u{22c5}' | '\u{d7}' => Token::Symbol('*'),
                '\u{2212}' => Token::Symbol('-'),
                other => return fault(format!("`{other}` has no meaning here"), byte(start)..byte(i), None),
            }
        };
        out.push(Lexed { token, range: byte(start)..byte(i), glued });
        glued = true;
    }
    out.push(Lexed { token: Token::End, range: text.len()..text.len(), glued: false });
    Ok(out)
}
