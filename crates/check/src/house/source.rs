//! Rules about one file: what it may call, what it must say, how long it may be.

use super::lexer::{self, line_of, tokens};
use super::{Fault, Text};

/// Lines a file may have.
const LINES: usize = 600;
/// Lines above an `unsafe` within which its reason must begin.
const REASON: usize = 6;

/// The functions of `std` whose bits are libm's, or unspecified.
const LIBM: [&str; 26] = [
    "exp", "exp2", "exp_m1", "ln", "ln_1p", "log", "log2", "log10", "powf", "powi", "sin", "cos", "tan", "sin_cos",
    "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "cbrt", "hypot",
];

/// Calls of `std`'s transcendental functions outside tests: as methods, or as `f64::exp`.
#[must_use]
pub fn libm(source: &Text) -> Vec<Fault> {
    let code = lexer::without_tests(&lexer::code(&source.text));
    let tokens = tokens(&code);
    let mut faults = Vec::new();
    for three in tokens.windows(3) {
        let method = three[0].1 == "." && three[2].1 == "(" && LIBM.contains(&three[1].1);
        let path = matches!(three[0].1, "f64" | "f32") && three[1].1 == "::" && LIBM.contains(&three[2].1);
        if method || path {
            let name = if method { three[1].1 } else { three[2].1 };
            let what = format!("std's `{name}` differs between machines; numerics::math has its own");
            faults.push(Fault::new(&source.file, line_of(&code, three[0].0), what));
        }
    }
    faults
}

/// Every `unsafe` has a comment with `SAFETY:` (a declaration, docs with `# Safety`) within the lines above it.
#[must_use]
pub fn unsafe_reasons(source: &Text) -> Vec<Fault> {
    let code = lexer::code(&source.text);
    let lines: Vec<&str> = source.text.lines().collect();
    let mut faults = Vec::new();
    for (offset, _) in tokens(&code).into_iter().filter(|t| t.1 == "unsafe") {
        let line = line_of(&code, offset);
        let above = &lines[line.saturating_sub(REASON + 1)..line];
        let comment = |l: &&str| l.contains("//") && (l.contains("SAFETY:") || l.contains("# Safety"));
        if !above.iter().any(comment) {
            faults.push(Fault::new(&source.file, line, "`unsafe` without a `// SAFETY:` within 6 lines above it"));
        }
    }
    faults
}

/// No file is longer than 600 lines, but for lists that a program wrote.
#[must_use]
pub fn size(file: &Text) -> Vec<Fault> {
    let written = ["docs/reference.md", "Cargo.lock", ".csv", ".tsv", ".swc", ".svg", ".snap", ".json"];
    let lines = file.text.lines().count();
    if lines <= LINES || written.iter().any(|end| file.file.ends_with(end)) {
        return Vec::new();
    }
    vec![Fault::new(&file.file, LINES + 1, format!("{lines} lines; a file has {LINES} or fewer: split it by idea"))]
}

/// Nothing is left undone in code, and no test is set aside.
#[must_use]
pub fn unfinished(source: &Text) -> Vec<Fault> {
    let code = lexer::code(&source.text);
    let tokens = tokens(&code);
    let mut faults = Vec::new();
    for three in tokens.windows(3) {
        let what = match (three[0].1, three[1].1, three[2].1) {
            ("todo" | "unimplemented", "!", _) => "unfinished code",
            ("#", "[", "ignore") => "a test that does not run",
            (_, "," | "(", "ignore") if attribute(&code, three[2].0) => "a test that does not run",
            _ => continue,
        };
        faults.push(Fault::new(&source.file, line_of(&code, three[0].0), what));
    }
    faults
}

/// Whether the line that holds `offset` begins as an attribute that may set a test aside: `#[cfg_attr(x, ignore)]`.
fn attribute(code: &str, offset: usize) -> bool {
    let line = code[..offset].rfind('\n').map_or(0, |n| n + 1);
    code[line..offset].trim_start().starts_with("#[cfg_attr")
}

/// A module opens with its purpose: `//!` on its first line.
#[must_use]
pub fn module_docs(source: &Text) -> Vec<Fault> {
    if source.text.starts_with("//! ") {
        return Vec::new();
    }
    vec![Fault::new(&source.file, 1, "a module opens with `//!`: purpose, equation, source, limits")]
}

/// No text holds an absolute path of somebody's machine: of a home, or one of `folders` (where this checkout lies).
#[must_use]
pub fn machine_paths(file: &Text, folders: &[String]) -> Vec<Fault> {
    // in pieces, or this file would hold them
    let homes = [["/ho", "me/"], ["/ro", "ot/"], ["/Us", "ers/"], [":\\Us", "ers\\"]].map(|piece| piece.concat());
    let mut faults = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        let begins = |pattern: &str| {
            // below another folder or a host it is no absolute path; after an option or `file:` it is
            let free = |i: usize| {
                let start =
                    line[..i].rfind(|c: char| c.is_whitespace() || "\"'`=:(,;<[|".contains(c)).map_or(0, |n| n + 1);
                let before = line.get(start..i).unwrap_or_default();
                before.is_empty()
                    || before.starts_with('-')
                    || line[..i].ends_with("file://")
                    || pattern.starts_with(':')
            };
            line.match_indices(pattern).any(|(i, _)| free(i))
        };
        if let Some(found) = homes.iter().chain(folders).find(|pattern| begins(pattern)) {
            let what = format!("`{found}` is a path of one machine; write it from the repository's root");
            faults.push(Fault::new(&file.file, at + 1, what));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Text {
        Text { file: "crates/engine/src/a.rs".into(), text: text.into() }
    }

    #[test]
    fn a_call_of_libm_is_a_fault_outside_tests_and_comments() {
        for bad in ["fn f(x: f64) { x.exp(); }", "x\n  .powi(2)", "let f = f64::ln;", "(1.0_f64).tanh()"] {
            assert_eq!(libm(&text(bad)).len(), 1, "{bad}");
        }
        let good = [
            "math::exp(x)",
            "// x.exp()\n",
            "#[cfg(test)] mod tests { fn f() { x.exp(); } }",
            "x.sqrt(); lanes::exp(x)",
        ];
        for good in good {
            assert_eq!(libm(&text(good)), [], "{good}");
        }
        assert_eq!(libm(&text("\n\n x.ln()"))[0].line, 3);
    }

    #[test]
    fn an_unsafe_without_a_reason_is_a_fault() {
        for bad in
            ["unsafe { f() }", "// SAFETY: too far\n\n\n\n\n\n\nunsafe { f() }", "let s = \"SAFETY:\"; unsafe { f() }"]
        {
            assert_eq!(unsafe_reasons(&text(bad)).len(), 1, "{bad}");
        }
        for good in [
            "// SAFETY: checked above.\nunsafe { f() }",
            "/// # Safety\n/// None.\npub unsafe fn f() {}",
            "#![forbid(unsafe_code)]",
            "//! no `unsafe` here\nlet s = \"unsafe\";",
        ] {
            assert_eq!(unsafe_reasons(&text(good)), [], "{good}");
        }
    }

    #[test]
    fn a_file_of_601_lines_is_a_fault() {
        assert_eq!(size(&text(&"x\n".repeat(600))), []);
        assert_eq!(size(&text(&"x\n".repeat(601))).len(), 1);
        let lock = Text { file: "Cargo.lock".into(), text: "x\n".repeat(601) };
        assert_eq!(size(&lock), []);
    }

    #[test]
    fn work_left_undone_is_a_fault() {
        for bad in [
            "fn f() { todo!() }",
            "unimplemented!(\"later\")",
            "#[test]\n#[ignore = \"slow\"]\nfn f() {}",
            "#[ignore]",
            "#[cfg_attr(unix, ignore)]",
        ] {
            assert_eq!(unfinished(&text(bad)).len(), 1, "{bad}");
        }
        for good in ["// todo!()\n", "let todo = 1;", "fn ignore() {} ignore()", "f(a, ignore)"] {
            assert_eq!(unfinished(&text(good)), [], "{good}");
        }
    }

    #[test]
    fn a_module_without_a_purpose_is_a_fault() {
        assert_eq!(module_docs(&text("//! Why.\nfn f() {}")), []);
        for bad in ["fn f() {}", "// Why.\n", "", "//!\n"] {
            assert_eq!(module_docs(&text(bad)).len(), 1, "{bad}");
        }
    }

    #[test]
    fn a_path_of_one_machine_is_a_fault() {
        let here = ["/scratch/ci/".to_string()];
        let bad = [
            ["see /ho", "me/ann/x"],
            ["\"/ro", "ot/.cargo\""],
            ["C:\\Us", "ers\\ann"],
            ["/scratch/", "ci/main"],
            ["-I/ho", "me/x"],
            ["file:///ho", "me/x"],
        ];
        for bad in bad.map(|piece| piece.concat()) {
            assert_eq!(machine_paths(&text(&bad), &here).len(), 1, "{bad}");
        }
        for good in ["examples/home/x", "https://example.org/scratch/ci/", "network/", "a/scratch/ci/x"] {
            assert_eq!(machine_paths(&text(good), &here), [], "{good}");
        }
    }
}
