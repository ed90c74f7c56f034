//! Rust's text taken apart: comments and literals blanked, test code blanked, paths resolved.
//!
//! Source: The Rust Reference, chs. 2 (lexical structure), 7 (paths) and 6.1 (modules).

use std::ops::Range;

/// `text` with every comment and literal blanked by spaces (a literal's `b` or `c` stays), bytes and lines staying
/// where they are.
#[must_use]
pub fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut i = 0;
    while i < bytes.len() {
        let end = match bytes[i] {
            b'/' if bytes[i..].starts_with(b"//") => line_end(bytes, i),
            b'/' if bytes[i..].starts_with(b"/*") => comment_end(bytes, i),
            b'"' => string_end(bytes, i),
            b'\'' => character_end(text, i),
            b'r' if !within_word(bytes, i) => raw_end(bytes, i),
            _ => i,
        };
        if end == i {
            i += 1;
            continue;
        }
        for byte in &mut out[i..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        i = end;
    }
    String::from_utf8(out).expect("whole characters were blanked")
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Whether an `r` stands in the middle of a word (a `b` or `c` of a raw byte or C string does not count).
fn within_word(bytes: &[u8], i: usize) -> bool {
    let before = |back: usize| i >= back && word(bytes[i - back]);
    before(1) && (before(2) || !matches!(bytes[i - 1], b'b' | b'c'))
}

fn line_end(bytes: &[u8], i: usize) -> usize {
    bytes[i..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |n| i + n)
}

fn comment_end(bytes: &[u8], mut i: usize) -> usize {
    let mut depth = 0;
    while i < bytes.len() {
        if bytes[i..].starts_with(b"/*") {
            depth += 1;
            i += 2;
        } else if bytes[i..].starts_with(b"*/") {
            depth -= 1;
            i += 2;
            if depth == 0 {
                return i;
            }
        } else {
            i += 1;
        }
    }
    i
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut i = start + 1;
    while i < bytes.len() && bytes[i] != b'"' {
        i += if bytes[i] == b'\\' { 2 } else { 1 };
    }
    (i + 1).min(bytes.len())
}

/// A character's end; a lifetime's is its start.
fn character_end(text: &str, start: usize) -> usize {
    let mut rest = text[start + 1..].char_indices();
    match rest.next() {
        Some((_, '\\')) => {
            // what is escaped may be a quote
            rest.next();
            rest.find(|&(_, c)| c == '\'').map_or(start, |(n, _)| start + 2 + n)
        }
        Some(_) => match rest.next() {
            Some((n, '\'')) => start + 2 + n,
            _ => start,
        },
        None => start,
    }
}

fn raw_end(bytes: &[u8], start: usize) -> usize {
    let hashes = bytes[start + 1..].iter().take_while(|&&b| b == b'#').count();
    let open = start + 1 + hashes;
    if bytes.get(open) != Some(&b'"') {
        return start;
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let body = &bytes[open + 1..];
    body.windows(close.len()).position(|w| w == close).map_or(bytes.len(), |n| open + 1 + n + close.len())
}

/// A word, `::`, or another mark, and where it begins.
pub(super) type Token<'a> = (usize, &'a str);

pub(super) fn tokens(code: &str) -> Vec<Token<'_>> {
    let bytes = code.as_bytes();
    let (mut out, mut i) = (Vec::new(), 0);
    while i < bytes.len() {
        let end = if bytes[i].is_ascii_whitespace() {
            i += 1;
            continue;
        } else if word(bytes[i]) {
            i + bytes[i..].iter().take_while(|&&b| word(b)).count()
        } else if bytes[i..].starts_with(b"::") {
            i + 2
        } else {
            i + 1
        };
        out.push((i, &code[i..end]));
        i = end;
    }
    out
}

pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset].iter().filter(|&&b| b == b'\n').count() + 1
}

/// The items under a `#[cfg(test)]` or `#[cfg(all(test, ..))]`: token ranges, the attribute's included.
fn test_items(tokens: &[Token]) -> Vec<Range<usize>> {
    let is = |i: usize, text: &str| tokens.get(i).is_some_and(|t| t.1 == text);
    let (mut items, mut i) = (Vec::new(), 0);
    while i < tokens.len() {
        if !(is(i, "#") && is(i + 1, "[") && is(i + 2, "cfg")) {
            i += 1;
            continue;
        }
        let condition = i + 3..closing(tokens, i + 1);
        let tested =
            condition.clone().any(|k| is(k, "test")) && !condition.clone().any(|k| is(k, "not") || is(k, "any"));
        if !tested {
            i = condition.end;
            continue;
        }
        let mut end = condition.end + 1;
        while is(end, "#") {
            end = closing(tokens, end + 1) + 1;
        }
        // to the first `;` outside brackets, or the end of the first braces
        while end < tokens.len() && !is(end, ";") && !is(end, "{") {
            end = if is(end, "(") || is(end, "[") { closing(tokens, end) + 1 } else { end + 1 };
        }
        if is(end, "{") {
            end = closing(tokens, end);
        }
        items.push(i..(end + 1).min(tokens.len()));
        i = end + 1;
    }
    items
}

/// Where the bracket at `open` closes, or the last token.
fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token.1 {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return i;
                }
            }
            _ => {}
        }
    }
    tokens.len().saturating_sub(1)
}

/// `code` (see [`code`]) with everything under `#[cfg(test)]` blanked.
#[must_use]
pub fn without_tests(code: &str) -> String {
    let tokens = tokens(code);
    let mut out = code.as_bytes().to_vec();
    for item in test_items(&tokens) {
        let (last, text) = tokens[item.end - 1];
        for byte in &mut out[tokens[item.start].0..last + text.len()] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }
    String::from_utf8(out).expect("whole tokens were blanked")
}

/// The files that `file`, whose text is `text`, declares as modules under `#[cfg(test)]`: each as `x.rs` or, if it
/// is a folder, `x/mod.rs`, from the root; both are named, for text cannot tell.
#[must_use]
pub fn test_files(file: &str, text: &str) -> Vec<String> {
    let code = code(text);
    let tokens = tokens(&code);
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    let stem = name.trim_end_matches(".rs");
    let inner = if matches!(stem, "mod" | "lib" | "main") { folder.into() } else { format!("{folder}/{stem}") };
    let mut files = Vec::new();
    for item in test_items(&tokens) {
        let item = &tokens[item];
        let [.., (_, "mod"), (_, module), (_, ";")] = item else { continue };
        match item.windows(2).find(|pair| pair[0].1 == "path" && pair[1].1 == "=") {
            // the literal was blanked; it begins after the `=`
            Some(pair) => {
                if let Some(path) = text[pair[1].0..].split('"').nth(1) {
                    files.push(format!("{folder}/{path}"));
                }
            }
            None => files.extend([format!("{inner}/{module}.rs"), format!("{inner}/{module}/mod.rs")]),
        }
    }
    files
}

/// A path as it was written, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub offset: usize,
    /// Whether it starts at the crate's root; else at another crate, or at a name in scope.
    pub inside: bool,
    pub segments: Vec<String>,
    /// The name that a `use` gives it.
    pub named: Option<String>,
}

/// Every path in the code of the module `module` (segments from the crate's root).
pub(super) fn paths(code: &str, module: &[String]) -> Vec<Path> {
    let tokens = tokens(code);
    let text = |i: usize| tokens.get(i).map_or("", |t| t.1);
    let mut scopes: Vec<Option<String>> = Vec::new();
    let (mut out, mut i) = (Vec::new(), 0);
    while i < tokens.len() {
        let here = |scopes: &[Option<String>]| [module, &scopes.iter().flatten().cloned().collect::<Vec<_>>()].concat();
        match text(i) {
            "mod" if text(i + 2) == "{" => {
                scopes.push(Some(text(i + 1).into()));
                i += 3;
            }
            "{" => {
                scopes.push(None);
                i += 1;
            }
            "}" => {
                scopes.pop();
                i += 1;
            }
            "use" => {
                let mut leaves = Vec::new();
                i = use_tree(&tokens, i + 1, &[], &mut leaves);
                out.extend(leaves.into_iter().map(|(at, path, named)| resolve(at, path, named, &here(&scopes))));
            }
            first if starts_word(first) || first == "::" => {
                let start = i;
                let mut path = Vec::new();
                if first == "::" {
                    i += 1;
                }
                while starts_word(text(i)) {
                    path.push(text(i).to_string());
                    i += 1;
                    if text(i) != "::" || !starts_word(text(i + 1)) {
                        break;
                    }
                    i += 1;
                }
                if path.len() > 1 && (start == 0 || text(start - 1) != ".") {
                    out.push(resolve(tokens[start].0, path, None, &here(&scopes)));
                }
                i = i.max(start + 1);
            }
            _ => i += 1,
        }
    }
    out
}

fn starts_word(token: &str) -> bool {
    token.as_bytes().first().is_some_and(|&b| word(b))
}

type Leaf = (usize, Vec<String>, Option<String>);

/// The leaves of the `use` tree at `i`, and where it ends.
fn use_tree(tokens: &[Token], mut i: usize, prefix: &[String], out: &mut Vec<Leaf>) -> usize {
    let text = |i: usize| tokens.get(i).map_or(";", |t| t.1);
    let mut path = prefix.to_vec();
    let start = tokens.get(i).map_or(0, |t| t.0);
    loop {
        match text(i) {
            "::" => i += 1,
            "{" => {
                i += 1;
                while text(i) != "}" && text(i) != ";" {
                    i = use_tree(tokens, i, &path, out);
                    if text(i) == "," {
                        i += 1;
                    }
                }
                return i + 1;
            }
            "as" => {
                out.push((start, path, Some(text(i + 1).into())));
                return i + 2;
            }
            "," | "}" | ";" => {
                let named = path.last().cloned();
                out.push((start, path, named));
                return i;
            }
            // `a::{self}` is `a`
            "self" if !path.is_empty() => i += 1,
            segment => {
                path.push(segment.into());
                i += 1;
            }
        }
    }
}

fn resolve(offset: usize, mut segments: Vec<String>, named: Option<String>, module: &[String]) -> Path {
    let mut base = module.to_vec();
    let mut inside = false;
    while let Some(first) = segments.first().map(String::as_str) {
        match first {
            "crate" | "$crate" => base.clear(),
            "super" => drop(base.pop()),
            "self" => {}
            _ => break,
        }
        inside = true;
        segments.remove(0);
    }
    if inside {
        segments.splice(0..0, base);
    }
    Path { offset, inside, segments, named }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_nothing_moves() {
        let text = "a /* x /* y */ z */ b \"c \\\" // d\" e r#\"f \" g\"# h 'i' '\\'' '\\u{1F600}' &'j k // l\nm b\"n\" br\"o\"";
        let blanked = code(text);
        assert_eq!(blanked.len(), text.len());
        let words: Vec<_> = tokens(&blanked).iter().map(|t| t.1.to_string()).collect();
        assert_eq!(words, ["a", "b", "e", "h", "&", "'", "j", "k", "m", "b", "b"].map(String::from));
        assert_eq!(line_of(text, text.find('m').unwrap()), 2);
        // a name that ends in r, and one with an r at its start
        assert_eq!(tokens(&code("for\"x\" r")).len(), 2);
    }

    #[test]
    fn test_code_is_blanked_and_other_code_is_not() {
        let text = "fn a() {}\n#[cfg(test)]\n#[allow(x)]\nmod tests { fn b() { c(); } }\n#[cfg(not(test))] fn d() {}\n\
                    #[cfg(test)] use e; fn f() {} #[cfg(all(test, unix))] const G: [u8; 2] = [1, 2]; fn h() {}";
        let left = without_tests(&code(text));
        for (word, kept) in
            [("a", true), ("b", false), ("d", true), ("e", false), ("f", true), ("G", false), ("h", true)]
        {
            assert_eq!(tokens(&left).iter().any(|t| t.1 == word), kept, "{word}: {left}");
        }
    }

    #[test]
    fn files_of_tests_are_found_where_rust_looks_for_them() {
        let text = "#[cfg(test)] mod tests;\n#[cfg(test)]\n#[path = \"ghk_tests.rs\"]\nmod more;\nmod real;";
        let files = test_files("crates/engine/src/membrane/ghk.rs", text);
        let folder = "crates/engine/src/membrane";
        let want =
            [format!("{folder}/ghk/tests.rs"), format!("{folder}/ghk/tests/mod.rs"), format!("{folder}/ghk_tests.rs")];
        assert_eq!(files, want);
        assert_eq!(test_files("a/src/lib.rs", "#[cfg(test)] mod t;"), ["a/src/t.rs", "a/src/t/mod.rs"]);
    }

    #[test]
    fn paths_are_resolved_from_the_root() {
        let module = ["membrane".to_string(), "ghk".to_string()];
        let text = "use crate::{time::Tick, receptor::{self, x as y}}; use super::nernst; use std::f64;\n\
                    fn f() { crate::fault::g(); self.h::<i>(); } mod tests { use super::super::z; } numerics::math::exp";
        let found: Vec<_> = paths(text, &module).into_iter().map(|p| (p.inside, p.segments.join("::"))).collect();
        let want = [
            (true, "time::Tick"),
            (true, "receptor"),
            (true, "receptor::x"),
            (true, "membrane::nernst"),
            (false, "std::f64"),
            (true, "fault::g"),
            (true, "membrane::z"),
            (false, "numerics::math::exp"),
        ];
        assert_eq!(found, want.map(|(inside, path)| (inside, path.to_string())));
    }
}
