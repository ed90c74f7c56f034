//! Numbers and units as a reader wants them: as many digits as the uncertainty leaves, signs of the trade.

use numerics::math;

/// The power of ten of a number other than 0.
fn exponent(x: f64) -> i32 {
    // The formatter knows it exactly, where a logarithm rounds.
    let text = format!("{:e}", x.abs());
    text.rsplit_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0)
}

/// To so many significant digits, without zeros that say nothing.
pub fn significant(x: f64, digits: usize) -> String {
    if !x.is_finite() {
        return "\u{2013}".into();
    }
    if x == 0.0 {
        return "0".into();
    }
    let rounded: f64 = format!("{x:.*e}", digits.saturating_sub(1)).parse().unwrap_or(x);
    if (-4..6).contains(&exponent(rounded)) { rounded.to_string() } else { format!("{rounded:e}") }
}

/// The place to which a value and all that belongs to it are written.
pub struct Place {
    /// Power of ten of the last digit; `None` where four digits are all that can be said.
    last: Option<i32>,
    /// Whether there are too many digits before or after the point.
    powers: bool,
}

/// Digits of the largest of a value and the ends of its interval, at most.
const DIGITS: i32 = 4;

impl Place {
    /// The place of the first digit of half of an interval's width; of the second where the first is a 1.
    pub fn of(value: f64, low: f64, high: f64) -> Self {
        let half = 0.5 * (high - low);
        let most = [value, low, high].into_iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        if !half.is_finite() || !value.is_finite() || half <= 1e-6 * most {
            return Self { last: None, powers: false };
        }
        let text = format!("{half:.1e}");
        let last = exponent(text.parse().unwrap_or(half)) - i32::from(text.starts_with('1'));
        let largest = exponent(most);
        let last = last.max(largest + 1 - DIGITS);
        Self { last: Some(last), powers: !(-4..7).contains(&largest) || last <= -9 }
    }

    /// A number to this place.
    pub fn write(&self, x: f64) -> String {
        let last = match self.last {
            Some(last) if x.is_finite() => last,
            _ => return significant(x, DIGITS as usize),
        };
        if self.powers && x != 0.0 {
            return format!("{x:.*e}", (exponent(x) - last).clamp(0, DIGITS - 1) as usize);
        }
        let unit = math::powi(10.0, last.max(0));
        let digits = if self.powers { 0 } else { (-last).max(0) as usize };
        let shown = if last > 0 { (x / unit).round_ties_even() * unit } else { x };
        let text = format!("{shown:.digits$}");
        if text.trim_start_matches('-').chars().all(|c| c == '0' || c == '.') { text.replace('-', "") } else { text }
    }
}

/// What is nothing, by unit: a thousandth of a thousandth of what anybody measures.
fn nothing(unit: &str) -> f64 {
    match unit {
        "pA" | "mV" | "fC" | "ms" => 1e-6,
        "mM" => 1e-10,
        _ => 1e-12,
    }
}

/// A number of a unit, or 0 where only rounding has kept it from that.
fn settled(x: f64, unit: &str) -> f64 {
    if x.abs() < nothing(unit) { 0.0 } else { x }
}

/// A value with the ends of its interval, all to one place; no ends where there is no interval, or one of no width.
pub fn estimate(value: f64, low: f64, high: f64, unit: &str) -> (String, Option<(String, String)>) {
    let [value, low, high] = [value, low, high].map(|x| settled(x, unit));
    // Parts of a whole are no estimates: three digits, and no false depth.
    if unit == "%" && !low.is_finite() && value.is_finite() {
        let shown = if value > 0.0 && value < 0.01 { "< 0.01".to_owned() } else { significant(value, 3) };
        return (shown, None);
    }
    let place = Place::of(value, low, high);
    let there = place.last.is_some();
    (place.write(value), there.then(|| (place.write(low), place.write(high))))
}

/// A deviation beside a mean of this unit.
pub fn deviation(sd: f64, unit: &str) -> String {
    significant(settled(sd, unit), 3)
}

/// A unit in which values up to `most` read well, and the factor to it: calcium in uM, not in mM.
pub fn readable(unit: &'static str, most: f64) -> (f64, &'static str) {
    match unit {
        "mM" if most < 1e-4 => (1e6, "nM"),
        "mM" if most < 0.3 => (1e3, "uM"),
        "pA" if most >= 1e4 => (1e-3, "nA"),
        _ => (1.0, unit),
    }
}

/// A unit with the signs of print: `uM` as µM, `um2` as µm², `degC` as °C, `Mohm` as MΩ.
pub fn unit(ascii: &str) -> String {
    let mut out = String::new();
    let mut rest = ascii;
    while !rest.is_empty() {
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(letters);
        match word {
            "degC" => out.push_str("\u{b0}C"),
            "uM" | "um" | "us" | "uS" | "uF" | "uA" | "uV" | "umol" => {
                out.push('\u{b5}');
                out.push_str(&word[1..]);
            }
            w if w.ends_with("ohm") => {
                out.push_str(w.trim_end_matches("ohm"));
                out.push('\u{3a9}');
            }
            w => out.push_str(w),
        }
        let digits = tail.find(|c: char| !(c.is_ascii_digit() || c == '-')).unwrap_or(tail.len());
        let (power, mut after) = tail.split_at(if word.is_empty() { 0 } else { digits });
        out.extend(power.chars().map(|c| match c {
            '1' => '\u{b9}',
            '2' => '\u{b2}',
            '3' => '\u{b3}',
            '-' => '\u{207b}',
            '0' => '\u{2070}',
            c => char::from_u32(0x2070 + c.to_digit(10).unwrap_or(0)).unwrap_or(c),
        }));
        if let Some(c) = after.chars().next()
            && !c.is_ascii_alphabetic()
        {
            out.push(if c == '*' { '\u{b7}' } else { c });
            after = &after[c.len_utf8()..];
        }
        rest = after;
    }
    out
}

/// A quantity as text, `0.33 um2/ms`, with the signs of print in its unit.
pub fn quantity(text: &str) -> String {
    match text.split_once(' ') {
        Some((number, tail)) if number.parse::<f64>().is_ok() => format!("{number}\u{a0}{}", unit(tail)),
        _ => text.to_owned(),
    }
}

/// `path (unit)` with the signs of print.
pub fn label(path: &str, ascii: &str) -> String {
    if ascii.is_empty() { path.to_owned() } else { format!("{path} ({})", unit(ascii)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_follow_the_uncertainty() {
        let write = |v, l, h, unit| {
            let (v, ends) = estimate(v, l, h, unit);
            ends.map_or(v.clone(), |(l, h)| format!("{v} [{l}, {h}]"))
        };
        assert_eq!(write(-12.3456, -13.5, -11.2, "pA"), "-12.3 [-13.5, -11.2]");
        assert_eq!(write(0.23, 0.177, 0.293, ""), "0.23 [0.18, 0.29]");
        assert_eq!(write(0.00123456, 0.0012, 0.00127, ""), "0.00123 [0.00120, 0.00127]");
        assert_eq!(write(123_456.0, 120_000.0, 127_000.0, ""), "123000 [120000, 127000]");
        assert_eq!(write(1.5e-7, 1.4e-7, 1.6e-7, ""), "1.50e-7 [1.40e-7, 1.60e-7]");
        assert_eq!(write(0.5, f64::NAN, f64::NAN, ""), "0.5");
        assert_eq!(write(0.0, 0.0, 0.0, ""), "0");
        assert_eq!(write(f64::NAN, f64::NAN, f64::NAN, ""), "\u{2013}");
        assert_eq!(write(0.0, -0.001, 1.0, ""), "0.0 [0.0, 1.0]");
        // Never more than four digits, never an interval that only rounding has made, never its dust.
        assert_eq!(write(12.345_678, 12.345_6, 12.345_8, "ms"), "12.35 [12.35, 12.35]");
        assert_eq!(write(8.231_782_683_055_066, 8.231_782_683_055_064, 8.231_782_683_055_07, "fC"), "8.232");
        assert_eq!(write(8.23e-7, 8.22e-7, 8.24e-7, "fC"), "0");
        assert_eq!(write(3.8e-13, 3.7e-13, 3.9e-13, "pA"), "0");
        // Shares of a whole.
        assert_eq!(write(72.3912, f64::NAN, f64::NAN, "%"), "72.4");
        assert_eq!(write(0.000_26, f64::NAN, f64::NAN, "%"), "< 0.01");
    }

    #[test]
    fn units_get_the_signs_of_print() {
        assert_eq!(unit("uM"), "µM");
        assert_eq!(unit("um2/ms"), "µm²/ms");
        assert_eq!(unit("/mM/ms"), "/mM/ms");
        assert_eq!(unit("mS/cm2"), "mS/cm²");
        assert_eq!(unit("Mohm"), "MΩ");
        assert_eq!(unit("ohm*cm"), "Ω·cm");
        assert_eq!(unit("ms-1"), "ms⁻¹");
        assert_eq!(quantity("34 degC"), "34\u{a0}°C");
        assert_eq!(quantity("exp(v_m / 20 mV)"), "exp(v_m / 20 mV)");
    }
}
