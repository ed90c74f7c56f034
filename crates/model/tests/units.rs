//! The unit and expression language, held to what the field writes.

#![expect(clippy::disallowed_methods, reason = "std's exp is the independent oracle")]

use model::units::{Dimension, MAX_LENGTH, Quantity, parse, unit_names};
use proptest::prelude::*;

fn value(text: &str) -> f64 {
    Quantity::parse(text).unwrap_or_else(|e| panic!("{text}: {e:?}")).value
}

#[test]
fn every_spelling_of_the_field_is_read() {
    // text, value in the coherent set, dimension
    let mut table: Vec<(&str, f64, Dimension)> = vec![
        ("20 nm", 0.02, Dimension::LENGTH),
        ("20nm", 0.02, Dimension::LENGTH),
        ("10 \u{b5}m", 10.0, Dimension::LENGTH),
        ("10 \u{3bc}m", 10.0, Dimension::LENGTH),
        ("400 ms", 400.0, Dimension::TIME),
        ("1.5 min", 90_000.0, Dimension::TIME),
        ("-70 mV", -70.0, Dimension::VOLTAGE),
        ("50 pS", 0.05, Dimension::CONDUCTANCE),
        ("1 uS", 1000.0, Dimension::CONDUCTANCE),
        ("10 Mohm", 0.01, Dimension::RESISTANCE),
        ("1 GOhm", 1.0, Dimension::RESISTANCE),
        ("1 pA", 1.0, Dimension::CURRENT),
        ("2 nA", 2000.0, Dimension::CURRENT),
        ("2 mM", 2.0, Dimension::CONCENTRATION),
        ("50 nM", 5e-5, Dimension::CONCENTRATION),
        ("1 mol/m3", 1.0, Dimension::CONCENTRATION),
        ("1 mol/L", 1000.0, Dimension::CONCENTRATION),
        ("34 degC", 307.15, Dimension::TEMPERATURE),
        ("-5 degC", 268.15, Dimension::TEMPERATURE),
        ("22 \u{b0}C", 295.15, Dimension::TEMPERATURE),
        ("300 K", 300.0, Dimension::TEMPERATURE),
        ("20 %", 0.2, Dimension::NONE),
        ("3000", 3000.0, Dimension::NONE),
    ];
    for t in [
        "0.1 S/cm2",
        "0.1 S/cm^2",
        "0.1 S cm^-2",
        "0.1 S*cm-2",
        "0.1 S/cm\u{b2}",
        "0.1 S\u{b7}cm\u{207b}\u{b2}",
        "100 mS/cm2",
    ] {
        table.push((t, 1.0, Dimension::CONDUCTANCE_DENSITY));
    }
    for t in ["100 ohm*cm", "100 ohm cm", "100 ohm-cm", "100 \u{3a9} cm", "1 ohm m"] {
        table.push((t, 1e-3, Dimension::RESISTIVITY));
    }
    for t in [
        "4.6e6 /M/s",
        "4.6e6 1/(M*s)",
        "4.6e6 1/M/s",
        "4.6e6 M-1 s-1",
        "4.6e6 M^-1 s^-1",
        "4.6e6 M^-1*s^-1",
        "4.6 /mM/ms",
        "4.6e-3/uM/ms",
        "4.6 \u{d7} 10^6 /M/s",
    ] {
        table.push((t, 4.6, Dimension::BINDING_RATE));
    }
    for t in ["3.3e-6 cm2/s", "3.3e-6 cm^2/s", "330 um2/s", "0.33 um2/ms", "0.33 \u{b5}m\u{b2}/ms", "0.33 um^2 ms^-1"] {
        table.push((t, 0.33, Dimension::DIFFUSION));
    }
    for t in ["1 uF/cm2", "1 \u{b5}F/cm^2", "10 fF/um2", "0.01 pF/um2"] {
        table.push((t, 0.01, Dimension::CAPACITANCE_DENSITY));
    }
    for t in ["4260 /s", "4.26 /ms", "4260 s-1", "4260 s^-1", "4260 1/s", "4.26 kHz", "4.26/ms"] {
        table.push((t, 4.26, Dimension::RATE));
    }
    table.push(("/ms", 1.0, Dimension::RATE));
    table.push(("10000 /um2", 10_000.0, Dimension::NUMBER_DENSITY));
    for (text, wanted, dimension) in table {
        let q = Quantity::parse(text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        assert_eq!(q.dimension, dimension, "{text}");
        assert!((q.value - wanted).abs() <= 4e-16 * wanted.abs(), "{text}: {} instead of {wanted}", q.value);
    }
}

#[test]
fn a_literal_is_rounded_once() {
    assert_eq!(value("20 nm"), 0.02);
    assert_eq!(value("4.59e6 /M/s"), 4.59);
    assert_eq!(value("0.3 S/cm2"), 3.0);
    assert_eq!(value("2.1e-6 cm2/s"), 0.21);
}

#[test]
fn what_cannot_be_meant_is_refused_with_a_cure() {
    for (text, word, cure) in [
        ("20 mv", "`mv`", "mV"),
        ("20 mSec", "`mSec`", "msec"),
        ("1 furlong", "`furlong`", ""),
        ("1e999999999 m", "beyond the largest", ""),
        ("1e300 m / (1e-300 m)", "finite", ""),
        ("1e308 m", "too large", ""),
        ("20 degC/ms", "degC", "K"),
        ("5 mV + 3 ms", "cannot add", ""),
        ("exp(3 mV)", "plain number", ""),
        ("m^30 * 2", "power beyond", ""),
        ("(3 mV", "`)` is missing", ""),
        ("3 mV)", "without its", ""),
        ("3 $ mV", "no meaning", ""),
        ("", "nothing", ""),
        ("exq(3)", "not a function", "exp"),
        ("3 mV 4", "cannot stand", ""),
        ("1.2.3 mV", "not a number", ""),
    ] {
        let e = Quantity::parse(text).expect_err(text);
        assert!(e.message.contains(word), "{text}: {}", e.message);
        assert!(e.hint.as_deref().unwrap_or("").contains(cure), "{text}: {:?}", e.hint);
        assert!(e.range.end <= text.len().max(1), "{text}: {:?}", e.range);
    }
    assert!(parse(&"(".repeat(1000), &()).is_err());
    assert!(parse(&"-".repeat(1000), &()).is_err());
    assert!(parse(&"1+".repeat(MAX_LENGTH), &()).is_err());
}

#[test]
fn expressions_follow_the_fields_precedence() {
    let scope = vec![("v".to_owned(), Dimension::VOLTAGE), ("b".to_owned(), Dimension::NONE)];
    let at = |text: &str, v: f64| parse(text, &scope).unwrap_or_else(|e| panic!("{text}: {e:?}")).evaluate(&[v, 0.25]);
    let close = |a: f64, b: f64| assert!((a - b).abs() <= 1e-14 * b.abs(), "{a} {b}");
    close(at("5.89 /ms * exp(v / 62.61 mV)", -70.0), 5.89 * (-70.0f64 / 62.61).exp());
    close(at("4 /ms * exp(-(v + 65 mV) / (18 mV))", -40.0), 4.0 * (-25.0f64 / 18.0).exp());
    close(at("1 / (1 + 1 mM / (3.57 mM) * exp(-0.062 /mV * v))", -70.0), 1.0 / (1.0 + (0.062f64 * 70.0).exp() / 3.57));
    close(at("9500 /s * b^2", 0.0), 9.5 * 0.0625);
    close(at("-b^2", 0.0), -0.0625);
    close(at("2 - -b", 0.0), 2.25);
    close(at("if(v < -50 mV, 1, 2)", -70.0), 1.0);
    close(at("0.1 /ms * exprelr(-(v + 40 mV) / (10 mV))", -40.0), 0.1);
    close(at("0.062 /mV * v", -10.0), -0.62);
    close(at("(temperature_is_unknown_here)".replace("temperature_is_unknown_here", "b").as_str(), 0.0), 0.25);
    assert!(parse("2 b", &scope).is_err_and(|e| e.hint.is_some_and(|h| h.contains("* b"))));
    assert!(parse("v * kof", &scope).is_err());
}

#[test]
fn quantities_print_in_units_a_reader_expects() {
    for (text, wanted) in [
        ("20 nm", "20 nm"),
        ("4.59e6 /M/s", "4.59 /mM/ms"),
        ("0.12 S/cm2", "120 mS/cm2"),
        ("35.4 ohm*cm", "35.4 ohm*cm"),
        ("50 nM", "50 nM"),
        ("2 mM", "2 mM"),
        ("1 uF/cm2", "1 uF/cm2"),
        ("8 pS", "8 pS"),
        ("0 mV", "0 mV"),
        ("3e5 /um2", "300000 /um2"),
    ] {
        assert_eq!(Quantity::parse(text).unwrap().to_string(), wanted, "{text}");
    }
}

#[test]
fn units_agree_with_the_international_system() {
    // An independent oracle: SI factors written out by hand, coherent unit in SI beside them.
    let coherent = [1e-6, 1e-3, 1e-3, 1e-12, 1e-18, 1.0];
    for (unit, si) in [
        ("nS", 1e-9),
        ("Mohm", 1e6),
        ("pF", 1e-12),
        ("nC", 1e-9),
        ("aJ", 1e-18),
        ("L", 1e-3),
        ("uM", 1e-3),
        ("S/cm2", 1e4),
        ("uF/cm2", 1e-2),
        ("ohm*cm", 1e-2),
        ("um2/ms", 1e-9),
        ("/M/s", 1e-3),
        ("hour", 3600.0),
        ("Hz", 1.0),
        ("mA/cm2", 10.0),
        ("cm/s", 0.01),
    ] {
        let q = Quantity::parse(&format!("1 {unit}")).unwrap();
        let factor: f64 = coherent
            .iter()
            .zip(q.dimension.0)
            .map(|(c, e): (&f64, i8)| (0..e.unsigned_abs()).fold(1.0, |a, _| if e > 0 { a * c } else { a / c }))
            .product();
        assert!((q.value * factor - si).abs() < 1e-12 * si, "{unit}: {} in SI, not {si}", q.value * factor);
    }
    for name in unit_names() {
        assert!(Quantity::parse(&format!("1 {name}")).is_ok(), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn parse_of_print_is_the_same_number(x in proptest::num::f64::NORMAL, which in 0usize..31) {
        prop_assume!(x.abs() < 1e290 && x.abs() > 1e-280);
        let dimension = model::units::KNOWN[which % model::units::KNOWN.len()].dimension;
        let q = Quantity { value: x, dimension };
        let again = Quantity::parse(&q.to_string());
        prop_assert_eq!(again.map(|a| (a.value.to_bits(), a.dimension)), Ok((x.to_bits(), dimension)), "{}", q);
    }

    #[test]
    fn any_text_gives_a_value_or_a_fault(text in "[ -~\u{b5}\u{b2}\u{207b}]{0,60}") {
        if let Err(e) = Quantity::parse(&text) {
            prop_assert!(e.range.start <= e.range.end && e.range.end <= text.len().max(1), "{:?}", e);
            prop_assert!(text.is_char_boundary(e.range.start) || text.is_empty());
        }
    }

    #[test]
    fn any_expression_of_the_languages_own_tokens_is_handled(parts in proptest::collection::vec(
        prop::sample::select(vec!["1", "2.5e3", "mV", "ms", "cm2", "v", "b", "+", "-", "*", "/", "^", "(", ")", ",", "exp", "if", "min", "<", "-1", " ", "degC", "\u{b2}"]), 0..25)) {
        let scope = vec![("v".to_owned(), Dimension::VOLTAGE), ("b".to_owned(), Dimension::NONE)];
        let text: String = parts.concat();
        if let Ok(e) = parse(&text, &scope) {
            let _ = e.evaluate(&[1.0, 2.0]);
        }
    }
}
